//! One hostile answer: what it is, and its script.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use voicespool_media::domain::FaultClass;

use crate::wire::Step;

/// What is asked of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HostileKind {
    Speech,
    Transcription,
}

/// What a client must make of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// An odd way to say the proper answer: it counts, and nothing is asked again.
    Harmless,
    /// A usable answer with another content: it counts.
    Different,
    /// It never counts; the queue sees a fault of this class.
    Fault(FaultClass),
}

/// Which of the client's limits ends the waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// The longest silence inside an answer.
    Idle,
    /// The whole request.
    Total,
}

/// One hostile answer, for people and for experiments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostileAnswer {
    /// Unique within its kind: lower-case ASCII letters, digits and `-`.
    pub name: String,
    pub kind: HostileKind,
    /// `wav` or `mp3` for speech: what must be asked for.
    pub format: &'static str,
    pub expected: Expected,
    /// Set for answers that never end by themselves.
    pub limit: Option<Limit>,
    /// Seconds the client must wait at least and at most before it asks again, where the
    /// answer says so.
    pub wait: Option<(f64, f64)>,
    /// Whether the provider has done the work, and charges for it.
    pub billed: bool,
}

/// The proper answer to the request at hand, and what else a script may need.
#[derive(Debug, Clone)]
pub(crate) struct Proper {
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// Where redirects lead: nobody may come.
    pub(crate) elsewhere: SocketAddr,
    /// What the request said in `Authorization`, for answers that echo it.
    pub(crate) authorization: String,
}

pub(super) type Script = dyn Fn(&Proper) -> Vec<Step> + Send + Sync;

/// An answer with its script.
#[derive(Clone)]
pub(crate) struct Hostile {
    pub(crate) answer: HostileAnswer,
    pub(super) script: Arc<Script>,
}

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)
    }
}

impl Hostile {
    pub(crate) fn steps(&self, proper: &Proper) -> Vec<Step> {
        (self.script)(proper)
    }
}
