//! What a live run says of itself: for each gate why it is not faster.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{GateId, RunId, UtcMillis};
use crate::worker::why::Cause;

/// A note on the board is of a live run only if it is not older.
pub const FRESH_FOR: Duration = Duration::from_secs(10);

/// One run at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    pub run: RunId,
    pub at: UtcMillis,
    /// Gates with work, and the local one while it joins files.
    pub gates: Vec<GatePulse>,
    /// Why the run ended or is ending early; `None` at work, and when all is done.
    pub stop: Option<Cause>,
}

impl Pulse {
    /// In words, a line for each gate with something to say; `time` tells a time for people.
    pub fn lines(&self, time: impl Fn(UtcMillis) -> String) -> Vec<String> {
        let speaking = self
            .gates
            .iter()
            .filter(|gate| gate.cause != Cause::NothingQueued);
        speaking
            .map(|gate| format!("{}: {}", gate.name, gate.cause.words(self.at, &time)))
            .collect()
    }
}

/// One gate at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatePulse {
    pub gate: GateId,
    /// `hexgrad/Kokoro-82M at api.together.ai`; `this machine` for the local one.
    pub name: String,
    pub cause: Cause,
    /// The pace now, requests per second; `None` where none is learned.
    pub per_second: Option<f64>,
    pub in_flight: u64,
    /// Outcomes of this run.
    pub succeeded: u64,
    pub throttled: u64,
    pub overloaded: u64,
}
