//! The queue in records: how it stands, what is paused, what a person moved.

use serde::Serialize;

use crate::cli::record::money::{Money, Sum, Today};
use crate::cli::record::plan::Limits;
use crate::cli::term::utc;
use crate::config;
use crate::domain::{JobKind, Lesson, NanoUsd, PauseScope, Quantity, RunId, Standing};
use crate::store::{self, PauseRow, Reopened, RunRow};
use crate::worker::Cause;

/// Where the queue stands.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// `None`: nothing was ever run here.
    pub queue: Option<String>,
    /// Who holds the queue.
    pub running: Option<String>,
    pub money: Money,
    pub today: Today,
    pub pauses: Vec<Pause>,
    /// Files that the last run could not take.
    pub refused: u64,
    pub jobs: Vec<Count>,
    pub gates: Vec<Gate>,
    pub gates_as_of: Option<String>,
    pub last_run: Option<Run>,
}

/// How many jobs of a task and kind are in a state.
#[derive(Debug, Serialize)]
pub(crate) struct Count {
    pub task: String,
    pub kind: JobKind,
    pub state: Standing,
    pub jobs: u64,
    pub quantity: Quantity,
}

impl Count {
    pub(crate) fn of(count: &store::Count) -> Self {
        Self {
            task: count.task.clone(),
            kind: count.kind,
            state: count.standing(),
            jobs: count.jobs,
            quantity: count.quantity,
        }
    }
}

/// One model at one endpoint: what it may do, and why it does not do more.
#[derive(Debug, Serialize)]
pub(crate) struct Gate {
    pub endpoint: String,
    pub model: String,
    pub cause: Cause,
    pub words: String,
    pub limits: Limits,
    pub rate: Option<f64>,
    pub in_flight: Option<u64>,
    pub throttled: Option<u64>,
    pub overloaded: Option<u64>,
    pub learned_rate: Option<f64>,
    pub learned_at: Option<String>,
    pub learned: Vec<Lesson>,
    pub paused: Option<String>,
}

impl From<&config::Limits> for Limits {
    fn from(limits: &config::Limits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute.map(Into::into),
            chars_per_minute: limits.chars_per_minute.map(Into::into),
            audio_seconds_per_minute: limits.audio_seconds_per_minute.map(Into::into),
            concurrency: limits.concurrency.map(Into::into),
        }
    }
}

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub run: RunId,
    pub pid: u32,
    pub host: String,
    /// Of the program.
    pub version: String,
    pub command: String,
    pub started_at: String,
    pub finished_at: Option<String>,
    pub exit_code: Option<i32>,
    pub money: Money,
}

impl Run {
    pub(crate) fn of(run: &RunRow) -> Self {
        Self {
            run: run.id,
            pid: run.pid,
            host: run.host.clone(),
            version: run.version.clone(),
            command: run.command.clone(),
            started_at: utc(run.started_at),
            finished_at: run.finished_at.map(utc),
            exit_code: run.exit_code,
            money: Money::of(&run.money),
        }
    }
}

/// One pause.
#[derive(Debug, Serialize)]
pub(crate) struct Pause {
    pub scope: PauseScope,
    pub name: String,
    pub since: String,
    pub who: String,
    pub reason: Option<String>,
}

impl Pause {
    pub(crate) fn of(pause: &PauseRow) -> Self {
        Self {
            scope: pause.scope,
            name: pause.name.clone(),
            since: utc(pause.since),
            who: pause.who.clone(),
            reason: pause.reason.clone(),
        }
    }
}

/// Everything that is paused after `pause` or `unpause`.
#[derive(Debug, Serialize)]
pub(crate) struct Pauses {
    pub pauses: Vec<Pause>,
}

/// The jobs that `retry`, `cancel` or `hold` moved, or would move.
#[derive(Debug, Serialize)]
pub(crate) struct Selection {
    pub jobs: u64,
    pub cost: Option<NanoUsd>,
    pub cost_nano: Option<i64>,
    /// Whether they were moved.
    pub done: bool,
    pub in_doubt: Sum,
}

impl Selection {
    pub(crate) fn of(moved: &Reopened, cost: Option<NanoUsd>, done: bool) -> Self {
        Self {
            jobs: moved.jobs,
            cost,
            cost_nano: cost.map(|cost| cost.0),
            done,
            in_doubt: Sum::of(&moved.in_doubt),
        }
    }
}
