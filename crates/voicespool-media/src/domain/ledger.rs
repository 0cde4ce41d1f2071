//! The bill as plain rows: what `store` reads and `report` folds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::delivery::Delivery;
use crate::domain::fault::{CostStatus, FaultClass};
use crate::domain::ids::{Attempt, JobId, RunId};
use crate::domain::job::{JobKind, JobState};
use crate::domain::key::ContentKey;
use crate::domain::units::{AudioMillis, NanoUsd, Quantity, UtcMillis};

/// One attempt: one request, one line of the bill.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    pub run: RunId,
    pub job: JobId,
    pub attempt: Attempt,
    pub kind: JobKind,
    /// Name of the task in the configuration.
    pub task: String,
    /// Bytes of the source's path, relative to the configuration file; any bytes.
    pub source: Vec<u8>,
    /// Which chunk or clip of its source, from 0; `None` for work on the whole.
    pub ordinal: Option<i64>,
    pub endpoint: String,
    pub model: String,
    /// Of speech; `None` for everything else.
    pub voice: Option<String>,
    /// Where the job stands now, which later attempts may have decided.
    pub job_state: JobState,
    pub started_at: UtcMillis,
    /// `None` while it is on the wire, and for ever after a crash.
    pub finished_at: Option<UtcMillis>,
    /// `None` for success, and while it is on the wire.
    pub class: Option<FaultClass>,
    pub http_status: Option<u16>,
    /// The provider's own id of the request.
    pub request_id: Option<String>,
    /// What is billed.
    pub quantity: Quantity,
    /// What it cost, or at most will have cost, by `cost_status`.
    pub cost: NanoUsd,
    pub cost_status: CostStatus,
    /// From sending to the end of the answer.
    pub latency: Option<Duration>,
    /// From sending to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// The road the answer was to take; `None` where that is not known, or nothing travels.
    pub delivery: Option<Delivery>,
    pub answer_bytes: Option<u64>,
    /// Length of the audio in the answer (speech).
    pub audio: Option<AudioMillis>,
    /// Why it failed, in a few words.
    pub detail: Option<String>,
    /// Identity of the work: equal keys are bought once.
    pub key: ContentKey,
}

/// One source file of one task and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub task: String,
    /// Bytes of the path, relative to the configuration file; any bytes.
    pub source: Vec<u8>,
    /// Of the job that makes the outputs.
    pub state: JobState,
    pub chunks: u64,
    pub chunks_completed: u64,
    pub chunks_failed: u64,
    /// Completed without an attempt of this source: bought before, cost 0 here.
    pub chunks_reused: u64,
    /// What its chunks hold together.
    pub quantity: Quantity,
    /// Sums over its attempts.
    pub confirmed: NanoUsd,
    pub wasted: NanoUsd,
    pub in_doubt: NanoUsd,
    /// Length of the audio that was made; `None` until it is, and for transcription.
    pub audio: Option<AudioMillis>,
    /// Bytes of the paths of the files that were written.
    pub outputs: Vec<Vec<u8>>,
}

/// An input file that cannot be worked on, as the last plan found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    pub task: String,
    /// Relative to the configuration file; bytes that are no text are replaced.
    pub source: String,
    pub why: String,
}

impl FileRow {
    /// Everything that was or may have been billed for it; `None` if it does not fit.
    pub fn cost(&self) -> Option<NanoUsd> {
        self.confirmed
            .checked_add(self.wasted)?
            .checked_add(self.in_doubt)
    }
}
