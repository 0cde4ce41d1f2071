//! Why one request gave no usable answer.

use std::time::Duration;

use crate::domain::FaultClass;
use crate::engine::StatedLimit;

/// The failure of one request, classified. What the queue does with it is decided by
/// `worker::verdict` from the class alone.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct EngineError {
    pub class: FaultClass,
    pub http_status: Option<u16>,
    /// The provider's own id of the request.
    pub request_id: Option<String>,
    /// The provider's words where there are any, bounded to 500 characters, without
    /// control characters, keys or query strings. A lower-case fragment.
    pub detail: String,
    /// The wait the provider asked for, clamped to 0–15 min.
    pub retry_after: Option<Duration>,
    /// What the answer's headers say of the provider's limits.
    pub stated: StatedLimit,
    /// The request left this machine and no answer says it was not carried out.
    pub may_be_billed: bool,
    /// From sending to the first sound or byte, if any came before it failed.
    pub first_byte: Option<Duration>,
}

impl EngineError {
    /// An error of `class` with nothing known but its text.
    pub fn new(class: FaultClass, detail: impl Into<String>) -> Self {
        Self {
            class,
            http_status: None,
            request_id: None,
            detail: detail.into(),
            retry_after: None,
            stated: StatedLimit::default(),
            may_be_billed: false,
            first_byte: None,
        }
    }
}
