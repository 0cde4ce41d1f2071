//! Exit codes: what the shell is told. Documented in the README; partial failure is
//! never 0. If several apply, the earlier in this order wins: 12, 7, 4, 8, 10, 5, 3.

use std::fmt;

use crate::config::ConfigError;
use crate::pipeline::enqueue::EnqueueError;
use crate::pipeline::output::OutputError;
use crate::pipeline::planner::PlanError;
use crate::store;
use crate::worker::RunError;
use crate::worker::recovery::RecoveryError;

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    /// A bug or an unexpected error.
    Bug,
    /// Usage or configuration; nothing was sent.
    Usage,
    /// Finished, and jobs failed.
    Partial,
    /// Key or credit.
    Account,
    /// The provider stayed unreachable; resume later.
    Unreachable,
    /// `verify`, `check` or `doctor` found something.
    Findings,
    /// Disk or file system.
    Disk,
    /// A budget or cap is reached.
    Budget,
    /// Nothing to do, only with `--error-on-no-work`.
    NoWork,
    /// The time limit is reached.
    Time,
    /// Another run holds the queue.
    Locked,
    /// The queue is corrupt, foreign or newer than this program.
    Queue,
    /// INT after the drain.
    Interrupted,
    /// TERM after the drain.
    Terminated,
}

impl Exit {
    /// The number the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Account => 4,
            Self::Unreachable => 5,
            Self::Findings => 6,
            Self::Disk => 7,
            Self::Budget => 8,
            Self::NoWork => 9,
            Self::Time => 10,
            Self::Locked => 11,
            Self::Queue => 12,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The word for JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Bug => "bug",
            Self::Usage => "usage",
            Self::Partial => "partial",
            Self::Account => "account",
            Self::Unreachable => "unreachable",
            Self::Findings => "findings",
            Self::Disk => "disk",
            Self::Budget => "budget",
            Self::NoWork => "no_work",
            Self::Time => "time",
            Self::Locked => "locked",
            Self::Queue => "queue",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }
}

/// An error with its exit code, already in words: what failed, why, what it means, what
/// to type next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub exit: Exit,
    pub headline: String,
    /// Cause, consequence; a line each.
    pub details: Vec<String>,
    /// Commands to type or things to do; a line each.
    pub hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, headline: impl Into<String>) -> Self {
        Self {
            exit,
            headline: headline.into(),
            details: Vec::new(),
            hints: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, line: impl Into<String>) -> Self {
        self.hints.push(line.into());
        self
    }

    /// From any error, its causes as details.
    pub(crate) fn from_error(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut failure = Self::new(exit, error.to_string());
        let mut cause = error.source();
        while let Some(next) = cause {
            failure.details.push(next.to_string());
            cause = next.source();
        }
        failure
    }
}

/// A message of clap as a failure: what is wrong first, `tip:` lines as hints.
pub(crate) fn usage(message: &str) -> Failure {
    let mut lines = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let headline = first.strip_prefix("error: ").unwrap_or(first);
    lines.fold(
        Failure::new(Exit::Usage, headline),
        |failure, line| match line.strip_prefix("tip: ") {
            Some(tip) => failure.hint(tip),
            None => failure.detail(line),
        },
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.headline)?;
        for line in &self.details {
            write!(f, "\n  {line}")?;
        }
        for line in &self.hints {
            write!(f, "\nhint: {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        // The text is complete: place, excerpt, suggestion.
        let text = error.to_string();
        Self::new(Exit::Usage, text.strip_prefix("error: ").unwrap_or(&text))
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        use store::Error::{
            BadRow, Busy, Corrupt, Foreign, Full, Io, Locked, Missing, Newer, NoSuchJob, Older,
            ReadOnly, Unsafe,
        };
        let exit = match &error {
            Locked { .. } => Exit::Locked,
            Corrupt { .. } | BadRow { .. } | Foreign { .. } | Newer { .. } | Older { .. } => {
                Exit::Queue
            }
            Full { .. } | Io { .. } | ReadOnly { .. } | Unsafe { .. } | Busy { .. } => Exit::Disk,
            Missing { .. } | NoSuchJob { .. } => Exit::Usage,
            store::Error::Budget { .. } => Exit::Budget,
            _ => Exit::Bug,
        };
        let failure = Self::from_error(exit, &error);
        match &error {
            Locked { .. } => failure.detail("nothing was changed; that run goes on").hint("voicespool status"),
            Corrupt { .. } | BadRow { .. } => failure
                .detail("nothing was repaired or removed; finished files and the object folder are still good")
                .detail("a disk that cannot be read looks the same to SQLite")
                .hint("voicespool doctor    checks it; if nothing is found, look after the disk and run again")
                .hint("move queue.db away and run again: answers in the object folder are used, not bought again"),
            Foreign { .. } => failure
                .detail("it was not touched")
                .hint("move it away, or let `state` under [project] name another folder"),
            Newer { .. } => failure.hint("update voicespool, or work in another folder"),
            Older { .. } => failure.hint("voicespool run    brings it up to date (and keeps a copy)"),
            Full { .. } => failure.detail("what was committed is safe").hint("make room, then run again"),
            ReadOnly { .. } => failure.hint("check who owns the folder; `status`, `plan` and `report` need no write access"),
            _ => failure,
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Store(error) => error.into(),
            PlanError::Outputs(_) => Self::from_error(Exit::Disk, &error).detail("nothing was sent"),
            PlanError::Collision { .. } => Self::from_error(Exit::Usage, &error)
                .detail("nothing was sent")
                .hint("put {rel_dir}, {name} or {task} into `output` to keep them apart; recordings of a manifest take a `name`"),
            other => Self::from_error(Exit::Usage, &other).detail("nothing was sent"),
        }
    }
}

impl From<EnqueueError> for Failure {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Store(error) => error.into(),
            EnqueueError::Plan(error) => error.into(),
            EnqueueError::Objects(_) => {
                Self::from_error(Exit::Disk, &error).detail("nothing was sent")
            }
        }
    }
}

impl From<RecoveryError> for Failure {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Store(error) => error.into(),
            RecoveryError::Objects(_) => {
                Self::from_error(Exit::Disk, &error).detail("nothing was sent")
            }
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Panic(_) => Self::from_error(Exit::Bug, &error),
        }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::from_error(Exit::Disk, &error)
    }
}
