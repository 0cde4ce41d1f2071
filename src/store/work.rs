//! What is told to the queue: new work, claims, intents and how a try ended.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Attempt, AudioMillis, Boundary, ContentKey, CostStatus, Day, Delivery, FaultClass, GateId,
    JobId, JobKind, JobState, NanoUsd, PauseScope, Quantity, RunId, SourceId, SpecId, UtcMillis,
};
use crate::store::money::Sum;

/// A run that begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub pid: u32,
    pub host: String,
    /// Of this program.
    pub version: String,
    /// What was typed, without secrets.
    pub command: String,
    pub at: UtcMillis,
}

/// Limits on what may be spent. `None`: no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caps {
    /// Over all runs of the queue.
    pub queue: Option<NanoUsd>,
    /// In this run alone.
    pub run: Option<(RunId, Option<NanoUsd>)>,
    /// On any one day, over all runs of the queue.
    pub day: Option<NanoUsd>,
}

/// Request parameters shared by the jobs of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpec {
    pub task: String,
    pub kind: JobKind,
    /// `GateId::LOCAL` for work that sends nothing.
    pub gate: GateId,
    /// JSON: `SpeechParams`, `TranscriptionParams`, or `{}`. Compared byte by byte.
    pub params: String,
}

/// A stored [`NewSpec`]. Never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub id: SpecId,
    pub task: String,
    pub kind: JobKind,
    pub gate: GateId,
    pub params: String,
}

/// An input file as found.
#[derive(Debug, Clone)]
pub struct NewSource {
    pub task: String,
    /// As the file system names it, relative to the project.
    pub path: Vec<u8>,
    /// Hash of the file.
    pub content: ContentKey,
    /// Size of the file.
    pub bytes: u64,
    /// What was recognised: `epub`, `txt`, `mp3` …
    pub kind: String,
    /// The stored text that byte ranges of jobs point into.
    pub text: Option<ContentKey>,
    pub quantity: Quantity,
    pub at: UtcMillis,
}

/// A job that puts its children's results together.
#[derive(Debug, Clone)]
pub struct NewParent {
    pub source: SourceId,
    /// Of kind `assemble` or `compose`.
    pub spec: SpecId,
    pub key: ContentKey,
    /// JSON for whoever does the job.
    pub params: Option<String>,
    /// Smaller is claimed first; children inherit it.
    pub priority: i64,
    pub at: UtcMillis,
}

/// A parent as it stands after it was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    pub id: JobId,
    pub state: JobState,
    /// It has all its children. If not, they must be added (again) before `seal`.
    pub sealed: bool,
    /// It was not there before.
    pub is_new: bool,
}

/// One part of a parent, in a [`NewChildren`].
#[derive(Debug, Clone)]
pub struct NewChild {
    /// Place in the parent, from 0.
    pub ordinal: u32,
    /// Of kind `speak` or `transcribe`.
    pub spec: SpecId,
    pub key: ContentKey,
    /// Speak: bytes of the source's text. Transcribe: milliseconds of the source's
    /// audio, `None` for the whole.
    pub span: Option<Range<u64>>,
    pub boundary: Option<Boundary>,
    pub quantity: Quantity,
}

/// Children of one parent, at most [`NewChildren::MAX`] at once.
#[derive(Debug, Clone)]
pub struct NewChildren {
    pub parent: JobId,
    pub source: SourceId,
    pub at: UtcMillis,
    pub children: Vec<NewChild>,
}

impl NewChildren {
    /// Keeps one transaction, and the memory it takes, small.
    pub const MAX: usize = 5000;
}

/// What adding children did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Jobs that did not exist.
    pub new: u64,
    /// Cancelled jobs that are wanted again.
    pub revived: u64,
}

/// The input file of a claimed job. What stands here never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub id: SourceId,
    pub path: Vec<u8>,
    /// Hash of the file.
    pub content: ContentKey,
    /// The text that a speak job's `span` points into.
    pub text: Option<ContentKey>,
    /// As [`NewSource::kind`].
    pub kind: String,
}

/// A job, held by the caller until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    pub job: JobId,
    /// The fence: every later call about this claim carries it.
    pub attempt: Attempt,
    pub kind: JobKind,
    pub key: ContentKey,
    pub spec: Arc<Spec>,
    pub source: Arc<Source>,
    pub priority: i64,
    pub span: Option<Range<u64>>,
    pub quantity: Quantity,
    pub failures: u32,
    pub crashes: u32,
    /// Since when the job has been failing without a break.
    pub first_fault_at: Option<UtcMillis>,
    /// A parent's JSON.
    pub params: Option<String>,
}

/// A request about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Intent {
    pub job: JobId,
    pub attempt: Attempt,
    pub run: RunId,
    pub at: UtcMillis,
    /// The day it counts on, whenever its bill comes.
    pub day: Day,
    /// The most it can cost.
    pub reserve: NanoUsd,
    /// What is sent, in the unit of the job's kind.
    pub quantity: Quantity,
    /// The road its answer will take.
    pub delivery: Delivery,
}

/// What went wrong with a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub class: FaultClass,
    /// A lower-case fragment without secrets.
    pub detail: String,
}

/// How a try ended. `attempted` is there exactly if the job was marked as sent.
#[derive(Debug, Clone)]
pub struct Settle {
    pub job: JobId,
    pub attempt: Attempt,
    pub at: UtcMillis,
    pub verdict: Verdict,
    /// Stands on the job until its next try ends, and on the attempt for good.
    /// `Fail` needs one.
    pub fault: Option<Fault>,
    pub attempted: Option<Attempted>,
}

/// What becomes of the job.
#[derive(Debug, Clone)]
pub enum Verdict {
    Complete {
        /// The validated result, already under its final name in the object store.
        object: Option<NewObject>,
        /// Finished files, already under their final names.
        outputs: Vec<NewOutput>,
        audio: Option<AudioMillis>,
        /// What a person should look at, although it is done.
        flags: Option<String>,
    },
    /// Again, not before a time.
    Reschedule {
        not_before: UtcMillis,
        counts_failure: bool,
    },
    /// Given up for good.
    Fail,
    /// Again at once, without blame: an interrupted run, a missing permit.
    Release,
    /// Set aside for a person. Only for a job that was sent.
    Hold,
}

/// What one attempt came to: its line in the ledger.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// Ignored, and stored as zero, when `status` is `NotBilled`.
    pub cost: NanoUsd,
    /// Anything but `Reserved`.
    pub status: CostStatus,
    pub http_status: Option<u16>,
    pub request_id: Option<String>,
    /// From sending to the end of the answer.
    pub latency: Option<Duration>,
    /// From sending to the first byte of the answer's body.
    pub first_byte: Option<Duration>,
    /// Size of the answer's body.
    pub bytes: Option<u64>,
    /// What was billed, where that is known better than when it was sent; in the unit of
    /// [`Intent::quantity`].
    pub quantity: Option<Quantity>,
}

/// A result in the object store; its name there is the job's key.
#[derive(Debug, Clone)]
pub struct NewObject {
    pub sha256: ContentKey,
    pub bytes: u64,
    /// `mp3`, `wav`, `json` …
    pub format: String,
}

/// A finished file.
#[derive(Debug, Clone)]
pub struct NewOutput {
    /// Below the output folder, as the file system names it.
    pub path: Vec<u8>,
    pub bytes: u64,
    pub sha256: ContentKey,
    pub audio: Option<AudioMillis>,
    pub format: String,
}

/// What a crash or an expired lease left behind.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// Claimed but not sent; available again.
    pub released: u64,
    /// Sent; each is to be adopted or doubted.
    pub in_flight: Vec<InFlight>,
}

/// A request that was on the wire when its process ended.
#[derive(Debug, Clone)]
pub struct InFlight {
    pub job: JobId,
    pub attempt: Attempt,
    pub kind: JobKind,
    pub key: ContentKey,
    pub spec: Arc<Spec>,
    pub source: SourceId,
    pub quantity: Quantity,
    pub run: RunId,
    pub sent_at: UtcMillis,
    pub reserved: NanoUsd,
    pub crashes: u32,
}

/// The answer to an in-flight or doubted request was found in the object store.
#[derive(Debug, Clone)]
pub struct Adopt {
    pub job: JobId,
    pub attempt: Attempt,
    pub at: UtcMillis,
    pub object: NewObject,
    pub audio: Option<AudioMillis>,
    /// What was billed and what it came to, where the answer knows better than the
    /// reservation.
    pub billed: Option<(Quantity, NanoUsd)>,
}

/// `on_in_doubt` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtPolicy {
    /// Ask again; it may be paid for twice.
    Resend,
    /// Leave it to a person.
    Hold,
}

/// A job with so many crashes counted against it is sent alone, so that the next one tells.
pub const SUSPECT_AFTER: u32 = 2;

/// What the disk shows of a request whose process ended without settling it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing: the job was waiting, as any other would.
    None,
    /// Its answer had begun to arrive: taking it may be what ended the process.
    AnswerBegun,
}

/// Which jobs. Everything that is set must hold; the default is every job.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Empty: any.
    pub states: Vec<JobState>,
    pub task: Option<String>,
    /// Empty: any.
    pub kinds: Vec<JobKind>,
    pub class: Option<FaultClass>,
    /// Empty: any.
    pub ids: Vec<JobId>,
    /// Jobs first found in this file.
    pub source: Option<SourceId>,
    /// Jobs first found in a file of this name, whatever its content.
    pub path: Option<Vec<u8>>,
    /// Of what is held, only what is in doubt, or only what a person set aside.
    pub in_doubt: Option<bool>,
    /// Only documents that are made and flagged.
    pub flagged: bool,
}

/// What `retry` takes up again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reopened {
    pub jobs: u64,
    /// Work that sends, by its parameters: how many jobs and how much. What to price.
    pub by_spec: Vec<(SpecId, u64, Quantity)>,
    /// Requests in doubt of these jobs: what may have been paid for them already.
    pub in_doubt: Sum,
}

impl Reopened {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.jobs += other.jobs;
        self.by_spec.extend(other.by_spec);
        self.in_doubt.attempts += other.in_doubt.attempts;
        self.in_doubt.cost = self.in_doubt.cost.saturating_add(other.in_doubt.cost);
        self
    }
}

/// A person's wish that something is not sent.
#[derive(Debug, Clone)]
pub struct NewPause {
    pub scope: PauseScope,
    /// Of the task, profile or model; empty for the queue.
    pub name: String,
    /// User and machine.
    pub who: String,
    pub reason: Option<String>,
    pub at: UtcMillis,
}

/// Something worth telling later.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub run: Option<RunId>,
    pub at: UtcMillis,
    /// A word: `gate_closed`, `budget_reached` …
    pub kind: String,
    pub detail: String,
}
