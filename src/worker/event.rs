//! What happened, as it happens. Progress, log and summary are folds over this stream;
//! none of them can change what happens.

use std::time::Duration;

use crate::domain::{AudioMillis, FaultClass, JobId, JobKind, NanoUsd};
use crate::worker::pulse::Pulse;

/// One happening of a run.
#[derive(Debug, Clone)]
pub enum Event {
    /// A request is about to leave; its cost is reserved.
    Sent { job: JobId, reserved: NanoUsd },
    /// A job is done. `reused`: the result was there already and cost nothing.
    Completed {
        job: JobId,
        kind: JobKind,
        cost: NanoUsd,
        audio: Option<AudioMillis>,
        latency: Option<Duration>,
        reused: bool,
    },
    /// A job will be tried again.
    Retry {
        job: JobId,
        class: FaultClass,
        detail: String,
        wait: Duration,
        cost: NanoUsd,
    },
    /// A job was given up.
    Failed {
        job: JobId,
        kind: JobKind,
        class: FaultClass,
        detail: String,
        cost: NanoUsd,
    },
    /// A request was given up on with no answer; it may be on the bill.
    InDoubt { job: JobId, cost: NanoUsd },
    /// The run stops claiming: why, in words.
    Stopping { why: String, in_flight: usize },
    /// How the gates stand, every other second.
    Pulse(Pulse),
    /// Something a person should know, in words.
    Warning(String),
}
