//! The last line of `run`, and the only one of a command that fails.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::exit::{self, Failure};
use crate::cli::progress::tally::Tally;
use crate::cli::record::money::Money;
use crate::cli::summary::Remains;
use crate::domain::RunId;
use crate::store;

/// How a command ended.
#[derive(Debug, Serialize)]
pub(crate) struct Exit {
    pub code: u8,
    pub kind: &'static str,
    pub message: String,
    pub details: Vec<String>,
    pub hints: Vec<String>,
    /// Of `run`, unless it failed before it could do anything.
    #[serde(flatten)]
    pub done: Option<Done>,
}

impl Exit {
    pub(crate) fn new(exit: exit::Exit, message: impl Into<String>, done: Done) -> Self {
        Self {
            code: exit.code(),
            kind: exit.word(),
            message: message.into(),
            details: Vec::new(),
            hints: Vec::new(),
            done: Some(done),
        }
    }

    pub(crate) fn of(failure: &Failure) -> Self {
        // Mistakes in a configuration come with place and excerpt, several lines of them.
        let mut lines = failure.headline.lines().map(str::to_owned);
        let message = lines.next().unwrap_or_default();
        Self {
            code: failure.exit.code(),
            kind: failure.exit.word(),
            message,
            details: lines.chain(failure.details.iter().cloned()).collect(),
            hints: failure.hints.clone(),
            done: None,
        }
    }
}

/// What `run` did.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    /// `None`: there was nothing to do, or nobody agreed.
    pub run: Option<RunId>,
    pub totals: Totals,
    /// What this run cost.
    pub money: Money,
    pub outputs: Vec<String>,
    pub reports: Vec<String>,
}

impl Done {
    /// Of a run that worked.
    pub(crate) fn of(
        run: RunId,
        tally: &Tally,
        totals: Totals,
        money: &store::Money,
        reports: &[PathBuf],
    ) -> Self {
        Self {
            run: Some(run),
            totals,
            money: Money::of(money),
            outputs: tally.outputs.iter().map(|path| text(path)).collect(),
            reports: reports.iter().map(|path| text(path)).collect(),
        }
    }

    /// Of one that sent nothing: `files_done` were done before.
    pub(crate) fn nothing(files_done: u64, remains: &Remains, reports: &[PathBuf]) -> Self {
        Self {
            run: None,
            totals: Totals::of(&Tally::default(), remains, files_done),
            money: Money::of(&store::Money::default()),
            outputs: Vec::new(),
            reports: reports.iter().map(|path| text(path)).collect(),
        }
    }
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Counts of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Totals {
    pub files: u64,
    pub files_done_before: u64,
    pub files_failed: u64,
    pub files_left_out: u64,
    pub files_with_gaps: u64,
    pub files_flagged: u64,
    pub requests: u64,
    pub reused: u64,
    pub retried: u64,
    pub in_doubt: u64,
    pub jobs_failed: u64,
    pub jobs_held: u64,
    pub jobs_in_doubt: u64,
    pub jobs_left: u64,
    pub audio_s: f64,
}

impl Totals {
    pub(crate) fn of(tally: &Tally, remains: &Remains, files_done_before: u64) -> Self {
        Self {
            files: tally.files,
            files_done_before,
            files_failed: remains.files_failed,
            files_left_out: remains.files_left_out,
            files_with_gaps: remains.files_with_gaps,
            files_flagged: tally.flagged,
            requests: tally.requests,
            reused: tally.reused,
            retried: tally.retried,
            in_doubt: tally.in_doubt,
            jobs_failed: remains.jobs_failed,
            jobs_held: remains.jobs_held,
            jobs_in_doubt: remains.jobs_in_doubt,
            jobs_left: remains.jobs_left,
            audio_s: tally.audio.seconds(),
        }
    }
}
