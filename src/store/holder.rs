//! Who works on a queue.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::UtcMillis;

/// Who holds a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
    /// What was typed, without secrets.
    pub command: String,
    pub since: UtcMillis,
    /// Which start of the machine it runs in, if the system says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
}

impl Holder {
    /// Whether its process is gone for certain: it ran on this machine (`here`), before its last
    /// start or under a number that no process has.
    pub(super) fn is_gone_from(&self, here: &Self) -> bool {
        if self.host != here.host || self.boot.is_none() || here.boot.is_none() {
            return false;
        }
        self.boot != here.boot || !is_running(self.pid)
    }
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // Whoever may not be signalled is running.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_running(_: u32) -> bool {
    true
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
