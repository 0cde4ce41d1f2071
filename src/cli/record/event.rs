//! What happens in a run, as it happens. Times are RFC 3339 in UTC, to the millisecond.

use std::time::Duration;

use serde::Serialize;

use crate::cli::progress::tally::{Expected, Tally};
use crate::cli::record::Record;
use crate::cli::term::{instant, utc};
use crate::domain::{
    AudioMillis, CostStatus, FaultClass, GateId, JobId, JobKind, NanoUsd, UtcMillis,
};
use crate::store::Source;
use crate::worker::pulse::GatePulse;
use crate::worker::{Cause, Charge, Event, Pulse, Told};

/// The job an event is about.
#[derive(Debug, Serialize)]
pub(crate) struct Subject {
    pub at: String,
    pub job: JobId,
    pub kind: JobKind,
    /// The input file.
    pub file: String,
}

impl Subject {
    fn of(at: UtcMillis, job: JobId, kind: JobKind, source: &Source) -> Self {
        Self {
            at: instant(at),
            job,
            kind,
            file: String::from_utf8_lossy(&source.path).into_owned(),
        }
    }
}

/// A request is about to leave.
#[derive(Debug, Serialize)]
pub(crate) struct JobSent {
    #[serde(flatten)]
    pub subject: Subject,
    pub reserved: NanoUsd,
    pub reserved_nano: i64,
}

/// A job is done.
#[derive(Debug, Serialize)]
pub(crate) struct JobCompleted {
    #[serde(flatten)]
    pub subject: Subject,
    pub outputs: Vec<String>,
    pub cost: NanoUsd,
    pub cost_nano: i64,
    pub audio_s: Option<f64>,
    pub latency_s: Option<f64>,
    pub reused: bool,
    /// What a person should look at.
    pub flags: Option<String>,
}

/// A job will be tried again.
#[derive(Debug, Serialize)]
pub(crate) struct JobRetry {
    #[serde(flatten)]
    pub subject: Subject,
    pub class: FaultClass,
    pub detail: String,
    pub wait_s: f64,
    pub cost: NanoUsd,
    pub cost_nano: i64,
    pub cost_status: CostStatus,
}

/// A job was given up.
#[derive(Debug, Serialize)]
pub(crate) struct JobFailed {
    #[serde(flatten)]
    pub subject: Subject,
    pub class: FaultClass,
    pub detail: String,
    pub cost: NanoUsd,
    pub cost_nano: i64,
    pub cost_status: Option<CostStatus>,
}

/// The first requests of a task were refused in the same words; nothing more of it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedAlike {
    pub at: String,
    pub task: String,
    pub detail: String,
    pub requests: usize,
    pub jobs: u64,
}

/// A request was given up on with no answer.
#[derive(Debug, Serialize)]
pub(crate) struct JobInDoubt {
    #[serde(flatten)]
    pub subject: Subject,
    pub cost: NanoUsd,
    pub cost_nano: i64,
}

/// The run stops claiming.
#[derive(Debug, Serialize)]
pub(crate) struct Stopping {
    pub at: String,
    pub why: String,
    pub in_flight: usize,
}

/// What is paused now.
#[derive(Debug, Serialize)]
pub(crate) struct Paused {
    pub at: String,
    pub what: Vec<String>,
}

/// Something a person should know.
#[derive(Debug, Serialize)]
pub(crate) struct Warning {
    pub at: String,
    pub text: String,
}

/// What a file that was made measures.
#[derive(Debug, Serialize)]
pub(crate) struct Note {
    pub at: String,
    pub text: String,
}

/// One gate of a live run.
#[derive(Debug, Serialize)]
pub(crate) struct LiveGate {
    pub gate: GateId,
    pub name: String,
    pub cause: Cause,
    pub words: String,
    pub rate: Option<f64>,
    pub in_flight: u64,
    pub succeeded: u64,
    pub throttled: u64,
    pub overloaded: u64,
}

impl LiveGate {
    fn of(gate: &GatePulse, at: UtcMillis) -> Self {
        Self {
            gate: gate.gate,
            name: gate.name.clone(),
            cause: gate.cause.clone(),
            words: gate.cause.words(at, utc),
            rate: gate.per_second,
            in_flight: gate.in_flight,
            succeeded: gate.succeeded,
            throttled: gate.throttled,
            overloaded: gate.overloaded,
        }
    }

    fn all(pulse: &Pulse) -> Vec<Self> {
        let gates = pulse.gates.iter();
        gates.map(|gate| Self::of(gate, pulse.at)).collect()
    }
}

/// What keeps a gate from going faster has changed.
#[derive(Debug, Serialize)]
pub(crate) struct GateChange {
    pub at: String,
    #[serde(flatten)]
    pub gate: LiveGate,
}

impl GateChange {
    pub(crate) fn of(gate: &GatePulse, at: UtcMillis) -> Self {
        Self {
            at: instant(at),
            gate: LiveGate::of(gate, at),
        }
    }
}

/// How the gates stand, every other second.
#[derive(Debug, Serialize)]
pub(crate) struct Gates {
    pub at: String,
    pub gates: Vec<LiveGate>,
}

/// Sums, once a minute.
#[derive(Debug, Serialize)]
pub(crate) struct Progress {
    pub at: String,
    pub requests: u64,
    pub of: u64,
    pub files: u64,
    pub retried: u64,
    pub failed: u64,
    pub in_doubt: u64,
    pub spent: NanoUsd,
    pub spent_nano: i64,
    pub reserved: NanoUsd,
    pub reserved_nano: i64,
    pub wasted: NanoUsd,
    pub wasted_nano: i64,
    pub in_doubt_cost: NanoUsd,
    pub in_doubt_cost_nano: i64,
    pub paused: Vec<String>,
    pub gates: Vec<LiveGate>,
}

impl Progress {
    pub(crate) fn of(tally: &Tally, expected: Expected, at: UtcMillis) -> Self {
        Self {
            at: instant(at),
            requests: tally.requests,
            of: expected.requests,
            files: tally.files,
            retried: tally.retried,
            failed: tally.failed,
            in_doubt: tally.in_doubt,
            spent: tally.spent,
            spent_nano: tally.spent.0,
            reserved: tally.reserved,
            reserved_nano: tally.reserved.0,
            wasted: tally.wasted,
            wasted_nano: tally.wasted.0,
            in_doubt_cost: tally.doubted,
            in_doubt_cost_nano: tally.doubted.0,
            paused: tally.paused.clone(),
            gates: tally.pulse.as_ref().map(LiveGate::all).unwrap_or_default(),
        }
    }
}

/// Gives the record of what was told to `then`.
#[expect(clippy::too_many_lines, reason = "one match is the whole function")]
pub(crate) fn with_record<T>(told: &Told, then: impl FnOnce(&Record<'_>) -> T) -> T {
    match &told.event {
        Event::Sent {
            job,
            kind,
            source,
            reserved,
        } => then(&Record::JobSent(&JobSent {
            subject: Subject::of(told.at, *job, *kind, source),
            reserved: *reserved,
            reserved_nano: reserved.0,
        })),
        Event::Completed {
            job,
            kind,
            source,
            outputs,
            charge,
            audio,
            latency,
            reused,
            flags,
        } => then(&Record::JobCompleted(&JobCompleted {
            subject: Subject::of(told.at, *job, *kind, source),
            outputs: outputs
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            cost: cost_of(*charge),
            cost_nano: cost_of(*charge).0,
            audio_s: audio.map(AudioMillis::seconds),
            latency_s: latency.map(|latency| latency.as_secs_f64()),
            reused: *reused,
            flags: flags.clone(),
        })),
        Event::Retry {
            job,
            kind,
            source,
            class,
            detail,
            wait,
            charge,
        } => then(&Record::JobRetry(&JobRetry {
            subject: Subject::of(told.at, *job, *kind, source),
            class: *class,
            detail: detail.clone(),
            wait_s: Duration::as_secs_f64(wait),
            cost: charge.cost,
            cost_nano: charge.cost.0,
            cost_status: charge.status,
        })),
        Event::Failed {
            job,
            kind,
            source,
            class,
            detail,
            charge,
        } => then(&Record::JobFailed(&JobFailed {
            subject: Subject::of(told.at, *job, *kind, source),
            class: *class,
            detail: detail.clone(),
            cost: cost_of(*charge),
            cost_nano: cost_of(*charge).0,
            cost_status: charge.map(|charge| charge.status),
        })),
        Event::RefusedAlike {
            task,
            detail,
            requests,
            jobs,
        } => then(&Record::RefusedAlike(&RefusedAlike {
            at: instant(told.at),
            task: task.clone(),
            detail: detail.clone(),
            requests: *requests,
            jobs: *jobs,
        })),
        Event::InDoubt {
            job,
            kind,
            source,
            cost,
        } => then(&Record::JobInDoubt(&JobInDoubt {
            subject: Subject::of(told.at, *job, *kind, source),
            cost: *cost,
            cost_nano: cost.0,
        })),
        Event::Stopping { why, in_flight } => then(&Record::Stopping(&Stopping {
            at: instant(told.at),
            why: why.clone(),
            in_flight: *in_flight,
        })),
        Event::Paused { what } => then(&Record::Paused(&Paused {
            at: instant(told.at),
            what: what.clone(),
        })),
        Event::Pulse(pulse) => then(&Record::Gates(&Gates {
            at: instant(told.at),
            gates: LiveGate::all(pulse),
        })),
        Event::Warning(text) => then(&Record::Warning(&Warning {
            at: instant(told.at),
            text: text.clone(),
        })),
        Event::Note(text) => then(&Record::Note(&Note {
            at: instant(told.at),
            text: text.clone(),
        })),
    }
}

/// Nothing sent is nothing paid.
fn cost_of(charge: Option<Charge>) -> NanoUsd {
    charge.map_or(NanoUsd::ZERO, |charge| charge.cost)
}
