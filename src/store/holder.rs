//! Who works on a queue.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::UtcMillis;

/// Who holds a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
    /// What was typed, without secrets.
    pub command: String,
    pub since: UtcMillis,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "process {} on {} (`{}`)",
            self.pid, self.host, self.command
        )
    }
}
