//! What the queue tells: rows for lists, reports and checks.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Attempt, AudioMillis, Boundary, ContentKey, CostStatus, Delivery, FaultClass, GateId, JobId,
    JobKind, JobState, NanoUsd, PauseScope, Quantity, RunId, SourceId, SpecId, Standing, UtcMillis,
};
use crate::store::money::Money;
use crate::store::work::Spec;

/// How many jobs of a spec stand in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub spec: SpecId,
    pub task: String,
    pub kind: JobKind,
    pub gate: GateId,
    pub state: JobState,
    /// Held, and not by a person.
    pub in_doubt: bool,
    /// Never 0.
    pub jobs: u64,
    pub quantity: Quantity,
}

impl Count {
    pub fn standing(&self) -> Standing {
        Standing::of(self.state, self.in_doubt)
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct RunRow {
    pub id: RunId,
    pub pid: u32,
    pub host: String,
    pub version: String,
    pub command: String,
    pub started_at: UtcMillis,
    /// `None`: still at work, or killed.
    pub finished_at: Option<UtcMillis>,
    pub exit_code: Option<i32>,
    pub money: Money,
}

/// One endpoint and model.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRow {
    pub id: GateId,
    pub endpoint: String,
    pub model: String,
    /// Learned rate, in the unit of whoever saved it, and when.
    pub rate: Option<(f64, UtcMillis)>,
    /// Since when it is paused, and why.
    pub paused: Option<(UtcMillis, String)>,
}

/// A pause that a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRow {
    pub scope: PauseScope,
    /// Of the task, profile or model; empty for the queue.
    pub name: String,
    pub since: UtcMillis,
    /// User and machine.
    pub who: String,
    pub reason: Option<String>,
}

/// One job.
#[derive(Debug, Clone)]
pub struct JobRow {
    pub id: JobId,
    pub kind: JobKind,
    pub state: JobState,
    /// Held, and not by a person.
    pub in_doubt: bool,
    pub spec: Arc<Spec>,
    pub source: SourceId,
    pub source_path: Vec<u8>,
    pub key: ContentKey,
    pub priority: i64,
    pub attempt: Attempt,
    pub failures: u32,
    pub crashes: u32,
    pub first_fault_at: Option<UtcMillis>,
    pub not_before: Option<UtcMillis>,
    pub lease_until: Option<UtcMillis>,
    pub span: Option<Range<u64>>,
    pub quantity: Quantity,
    /// Parents: parts still to come, and parts that failed or were cancelled.
    pub children: Option<(u64, u64)>,
    pub class: Option<FaultClass>,
    pub detail: Option<String>,
    pub audio: Option<AudioMillis>,
    pub created_at: UtcMillis,
    pub finished_at: Option<UtcMillis>,
}

impl JobRow {
    pub fn standing(&self) -> Standing {
        Standing::of(self.state, self.in_doubt)
    }
}

/// A parent looked up by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParentRow {
    pub id: JobId,
    pub source: SourceId,
    pub state: JobState,
    pub sealed: bool,
    /// A later job wrote one of its output files anew: the file is not this job's any more.
    pub overwritten: bool,
}

/// One part of a parent, with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRow {
    pub ordinal: u32,
    pub child: JobId,
    pub key: ContentKey,
    /// Hash of its answer, once it has one.
    pub sha256: Option<ContentKey>,
    /// In this parent's source (the child's own may lie in another).
    pub span: Option<Range<u64>>,
    pub boundary: Option<Boundary>,
    pub state: JobState,
    /// Held, and not by a person.
    pub in_doubt: bool,
    pub quantity: Quantity,
    pub audio: Option<AudioMillis>,
}

impl PartRow {
    pub fn standing(&self) -> Standing {
        Standing::of(self.state, self.in_doubt)
    }
}

/// How a part of a file was bought: the last that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// Where the request went, as in its key.
    pub endpoint: String,
    /// The parameters, in JSON.
    pub params: String,
    /// Hash of the file it was bought for.
    pub content: ContentKey,
    /// Hash of the text in that file.
    pub text: Option<ContentKey>,
}

/// One request, as on the bill.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    pub attempt: Attempt,
    pub run: RunId,
    pub sent_at: UtcMillis,
    pub finished_at: Option<UtcMillis>,
    pub cost: NanoUsd,
    pub cost_status: CostStatus,
    pub quantity: Quantity,
    pub class: Option<FaultClass>,
    pub http_status: Option<u16>,
    pub request_id: Option<String>,
    pub latency: Option<Duration>,
    pub first_byte: Option<Duration>,
    /// The road the answer was to take; `None` for attempts from before that was recorded.
    pub delivery: Option<Delivery>,
    pub bytes: Option<u64>,
    pub detail: Option<String>,
}

/// One request with everything a cost report shows of it.
#[derive(Debug, Clone)]
pub struct LedgerEntry {
    /// Grows in the order of sending: the cursor of a paged reading.
    pub id: i64,
    pub job: JobId,
    pub kind: JobKind,
    pub task: String,
    pub source_path: Vec<u8>,
    /// Place of the job in its (first) parent.
    pub ordinal: Option<u32>,
    pub endpoint: String,
    pub model: String,
    pub voice: Option<String>,
    pub job_state: JobState,
    /// Length of the result, once there is one.
    pub audio: Option<AudioMillis>,
    pub key: ContentKey,
    pub row: AttemptRow,
}

/// A result in the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    pub job: JobId,
    /// Its name in the store.
    pub key: ContentKey,
    pub sha256: ContentKey,
    pub bytes: u64,
    pub format: String,
    pub audio: Option<AudioMillis>,
    pub created_at: UtcMillis,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRow {
    pub job: JobId,
    pub path: Vec<u8>,
    pub bytes: u64,
    pub sha256: ContentKey,
    pub audio: Option<AudioMillis>,
    pub format: String,
    pub written_at: UtcMillis,
}

/// An input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    pub id: SourceId,
    pub task: String,
    pub path: Vec<u8>,
    pub content: ContentKey,
    pub text: Option<ContentKey>,
    pub bytes: u64,
    pub kind: String,
    pub quantity: Quantity,
    pub created_at: UtcMillis,
    /// Since when a newer version of the file is worked on instead.
    pub superseded_at: Option<UtcMillis>,
}

/// One input file with the parent job that makes its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub source: SourceRow,
    pub parent: JobId,
    pub kind: JobKind,
    pub state: JobState,
    pub class: Option<FaultClass>,
    pub detail: Option<String>,
    pub audio: Option<AudioMillis>,
    pub finished_at: Option<UtcMillis>,
    /// Parts of the file, and how many of them are done and lost.
    pub parts: u64,
    pub parts_completed: u64,
    pub parts_lost: u64,
    /// Parts that are done and were bought for another file, or were there already.
    pub parts_reused: u64,
    /// Attempts at jobs first found in this file: summed over all files, the bill.
    pub attempts: u64,
    /// What those attempts cost, by what became of the money.
    pub confirmed: NanoUsd,
    pub wasted: NanoUsd,
    pub in_doubt: NanoUsd,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub id: i64,
    pub run: Option<RunId>,
    pub at: UtcMillis,
    pub kind: String,
    pub detail: String,
}
