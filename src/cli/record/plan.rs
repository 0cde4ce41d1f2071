//! The record of `plan`.

use serde::Serialize;

use crate::cli::record::money::{Money, PriceTag, Today};
use crate::domain::{CharCount, NanoUsd, Quantity};
use crate::pipeline::pace::Pace;
use crate::pipeline::plan::{FilePlan, FileState, TaskPlan, Totals};
use crate::worker::Cause;

/// What there is to do and what it would cost.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub totals: Sums,
    pub money: Money,
    pub today: Today,
    pub tasks: Vec<Task>,
    /// How long it may take, in whole seconds.
    pub eta_s: f64,
    pub limited_by: Option<Cause>,
}

/// Sums over files.
#[derive(Debug, Serialize)]
pub(crate) struct Sums {
    pub files: u64,
    pub files_with_work: u64,
    pub files_done: u64,
    pub files_refused: u64,
    pub requests: u64,
    pub requests_to_send: u64,
    pub chars: CharCount,
    pub chars_to_send: CharCount,
    pub audio_s: f64,
    pub audio_s_to_send: f64,
    pub cost: NanoUsd,
    pub cost_nano: i64,
    pub files_without_price: u64,
    pub files_at_most: u64,
}

impl Sums {
    pub(crate) fn of(totals: &Totals) -> Self {
        Self {
            files: totals.files,
            files_with_work: totals.work_files,
            files_done: totals.done_files,
            files_refused: totals.refused_files,
            requests: totals.requests,
            requests_to_send: totals.to_send,
            chars: totals.chars,
            chars_to_send: totals.new_chars,
            audio_s: totals.audio.seconds(),
            audio_s_to_send: totals.new_audio.seconds(),
            cost: totals.cost,
            cost_nano: totals.cost.0,
            files_without_price: totals.unpriced_files,
            files_at_most: totals.at_most_files,
        }
    }
}

/// One task of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Task {
    pub task: String,
    pub model: String,
    pub endpoint: String,
    pub price: Option<PriceTag>,
    pub totals: Sums,
    pub files: Vec<File>,
    pub skipped: Vec<Skipped>,
    pub warnings: Vec<String>,
    pub limits: Limits,
}

impl Task {
    pub(crate) fn of(plan: &TaskPlan, pace: &Pace) -> Self {
        let skipped = plan.skipped.iter().map(|skipped| Skipped {
            path: skipped.path.to_string_lossy().into_owned(),
            why: skipped.why.to_string(),
        });
        Self {
            task: plan.task.name.clone(),
            model: plan.task.model().to_owned(),
            endpoint: plan.task.endpoint.clone(),
            price: plan.task.price.map(PriceTag::of),
            totals: Sums::of(&Totals::of(plan.files.iter())),
            files: plan.files.iter().map(File::of).collect(),
            skipped: skipped.collect(),
            warnings: plan.warnings.clone(),
            limits: Limits {
                requests_per_minute: pace.requests_per_minute,
                chars_per_minute: pace.chars_per_minute,
                audio_seconds_per_minute: pace.audio_seconds_per_minute,
                concurrency: Some(pace.concurrency),
            },
        }
    }
}

/// The user's limits for one model at one endpoint.
#[derive(Debug, Serialize)]
pub(crate) struct Limits {
    pub requests_per_minute: Option<u32>,
    pub chars_per_minute: Option<u32>,
    pub audio_seconds_per_minute: Option<u32>,
    pub concurrency: Option<u32>,
}

/// One input file of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct File {
    pub path: String,
    pub state: &'static str,
    pub refused: Option<Refused>,
    pub requests: u64,
    pub requests_to_send: u64,
    pub total: Quantity,
    pub to_send: Quantity,
    pub cost: Option<NanoUsd>,
    pub cost_nano: Option<i64>,
    pub at_most: bool,
    pub outputs: Vec<String>,
    pub note: Option<String>,
}

impl File {
    fn of(file: &FilePlan) -> Self {
        let refused = match &file.state {
            FileState::Refused(refusal) => Some(Refused {
                why: refusal.why.clone(),
                remedy: refusal.remedy.clone(),
            }),
            _ => None,
        };
        let outputs = file.outputs.iter();
        Self {
            path: file.found.path.to_string_lossy().into_owned(),
            state: file.state.word(),
            refused,
            requests: file.requests,
            requests_to_send: file.to_send,
            total: file.total,
            to_send: file.new,
            cost: file.cost,
            cost_nano: file.cost.map(|cost| cost.0),
            at_most: file.at_most.is_some(),
            outputs: outputs
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            note: file.note.clone(),
        }
    }
}

/// Why a file cannot be worked on, and what helps.
#[derive(Debug, Serialize)]
pub(crate) struct Refused {
    pub why: String,
    pub remedy: String,
}

/// A file that matches a pattern and is no input.
#[derive(Debug, Serialize)]
pub(crate) struct Skipped {
    pub path: String,
    pub why: String,
}
