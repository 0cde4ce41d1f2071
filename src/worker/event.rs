//! What happened, as it happens. Progress, log and summary are folds over this stream;
//! none of them can change what happens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{AudioMillis, CostStatus, FaultClass, JobId, JobKind, NanoUsd, UtcMillis};
use crate::store::Source;
use crate::worker::pulse::Pulse;

/// The money of one request that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// What had been set aside for it.
    pub reserved: NanoUsd,
    /// What stands on the bill.
    pub cost: NanoUsd,
    pub status: CostStatus,
}

/// One event, and when it happened.
#[derive(Debug, Clone)]
pub struct Told {
    pub at: UtcMillis,
    pub event: Event,
}

/// One happening of a run. Jobs are told with `source`, the input file that first asked for them.
#[derive(Debug, Clone)]
pub enum Event {
    /// A request is about to leave; its cost is reserved.
    Sent {
        job: JobId,
        kind: JobKind,
        source: Arc<Source>,
        reserved: NanoUsd,
    },
    /// A job is done. `reused`: the result was there already and cost nothing.
    Completed {
        job: JobId,
        kind: JobKind,
        source: Arc<Source>,
        /// Files that were written, relative to the output folder.
        outputs: Vec<PathBuf>,
        /// `None`: nothing was sent.
        charge: Option<Charge>,
        audio: Option<AudioMillis>,
        latency: Option<Duration>,
        reused: bool,
        /// What a person should look at, although it is done.
        flags: Option<String>,
    },
    /// A job will be tried again.
    Retry {
        job: JobId,
        kind: JobKind,
        source: Arc<Source>,
        class: FaultClass,
        detail: String,
        wait: Duration,
        charge: Charge,
    },
    /// A job was given up.
    Failed {
        job: JobId,
        kind: JobKind,
        source: Arc<Source>,
        class: FaultClass,
        detail: String,
        /// `None`: nothing was sent.
        charge: Option<Charge>,
    },
    /// The first requests of a task were refused in the same words and none was answered: nothing
    /// more of it is sent in this run, and none of its jobs has failed.
    RefusedAlike {
        task: String,
        detail: String,
        /// That were refused.
        requests: usize,
        /// Of the task, that are not done.
        jobs: u64,
    },
    /// A request was given up on with no answer; it may be on the bill.
    InDoubt {
        job: JobId,
        kind: JobKind,
        source: Arc<Source>,
        cost: NanoUsd,
    },
    /// What is paused changed: what is now, in words; empty when nothing is.
    Paused { what: Vec<String> },
    /// The run stops claiming: why, in words.
    Stopping { why: String, in_flight: usize },
    /// How the gates stand, every other second.
    Pulse(Pulse),
    /// Something a person should know, in words.
    Warning(String),
    /// What a file that was made measures, in words.
    Note(String),
}
