//! Why the queue could not do what it was asked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{error, io};

use crate::domain::{Attempt, Day, JobId, JobState, NanoUsd, RunId};
use crate::store::holder::Holder;

/// Which cap a request ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purse {
    /// All runs of this queue together.
    Queue,
    Run(RunId),
    /// All that is sent on one day.
    Day(Day),
}

impl fmt::Display for Purse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue => f.write_str("the queue"),
            Self::Run(run) => write!(f, "run {run}"),
            Self::Day(day) => write!(f, "the day {day}"),
        }
    }
}

/// A failure of the queue. Cheap to clone, because one failed commit is the failure of
/// every caller that shared it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("there is no queue at `{}`", path.display())]
    Missing { path: PathBuf },
    /// A database of some other program; it was not touched.
    #[error("`{}` is not a queue of this program", path.display())]
    Foreign { path: PathBuf },
    #[error("the queue was written by a newer version (format {found}, known up to {known})")]
    Newer { found: i64, known: i64 },
    /// Opened to read only, which does not migrate.
    #[error("the queue has the older format {found} (this version writes {known})")]
    Older { found: i64, known: i64 },
    /// The file is no database any more, or contradicts itself.
    #[error("the queue is damaged")]
    Corrupt {
        #[source]
        source: Option<Arc<sqlx::Error>>,
    },
    /// Another process works on this queue. The holder is unknown for the instant
    /// between its taking the lock and its writing its name.
    #[error("another run holds the queue{}", holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Locked { holder: Option<Holder> },
    #[error("the disk with the queue is full")]
    Full {
        #[source]
        source: Arc<sqlx::Error>,
    },
    #[error("the queue could not be read or written")]
    Io {
        #[source]
        source: Arc<dyn error::Error + Send + Sync>,
    },
    #[error("the queue may only be read")]
    ReadOnly {
        #[source]
        source: Option<Arc<sqlx::Error>>,
    },
    /// Another process kept the write lock for longer than `Options::busy_timeout`.
    #[error("another process keeps the queue locked")]
    Busy {
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The file system or the SQLite library lacks what durability needs.
    #[error("the queue cannot be kept safely here: {detail}")]
    Unsafe { detail: String },
    /// The job is not this attempt's any more: taken back, settled, cancelled.
    /// Nothing was written.
    #[error("attempt {attempt} of job {job} has lost its lease")]
    LeaseLost { job: JobId, attempt: Attempt },
    /// Sending would pass a cap. Nothing was written; the job is still leased.
    #[error(
        "{which} may spend {cap} USD; {spent} are spent, {reserved} set aside, {needed} needed"
    )]
    Budget {
        cap: NanoUsd,
        /// Paid, wasted or in doubt.
        spent: NanoUsd,
        reserved: NanoUsd,
        needed: NanoUsd,
        which: Purse,
    },
    /// Children were added to a parent that has all of its own.
    #[error("job {parent} is sealed and takes no more children")]
    Sealed { parent: JobId },
    #[error("there is no job {job}")]
    NoSuchJob { job: JobId },
    #[error("job {job} cannot go from {from} to {to}")]
    IllegalMove {
        job: JobId,
        from: JobState,
        to: JobState,
    },
    /// The caller broke a rule of this surface; a bug in the program.
    #[error("the queue was asked for something that makes no sense: {detail}")]
    Misuse { detail: String },
    /// A row holds a value this version does not know.
    #[error("the queue holds an unreadable value: {detail}")]
    BadRow { detail: String },
    /// The store was closed before the call was taken.
    #[error("the queue is closed")]
    Closed,
    #[error("the queue's database refused a statement")]
    Database {
        #[source]
        source: Arc<sqlx::Error>,
    },
}

impl Error {
    pub(super) fn misuse(detail: impl Into<String>) -> Self {
        Self::Misuse {
            detail: detail.into(),
        }
    }

    pub(super) fn bad_row(detail: impl Into<String>) -> Self {
        Self::BadRow {
            detail: detail.into(),
        }
    }

    /// Whether the fault lies with the one call and not with the database: the calls
    /// that shared its transaction may still succeed.
    pub(super) fn is_of_one_call(&self) -> bool {
        match self {
            Self::LeaseLost { .. }
            | Self::Budget { .. }
            | Self::Sealed { .. }
            | Self::NoSuchJob { .. }
            | Self::IllegalMove { .. }
            | Self::Misuse { .. }
            | Self::BadRow { .. }
            | Self::Database { .. } => true,
            Self::Missing { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Corrupt { .. }
            | Self::Locked { .. }
            | Self::Full { .. }
            | Self::Io { .. }
            | Self::ReadOnly { .. }
            | Self::Busy { .. }
            | Self::Unsafe { .. }
            | Self::Closed => false,
        }
    }
}

/// Refuses to go on where `path` is a symbolic link: a project folder from somebody else
/// must not make this program write to another place.
pub(super) fn refuse_link(path: &Path) -> Result<(), Error> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(Error::Unsafe {
            detail: format!("`{}` is a symbolic link", path.display()),
        }),
        _ => Ok(()),
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Io {
            source: Arc::new(source),
        }
    }
}

/// Sorts by SQLite's primary result code, the low byte of the extended one
/// (<https://www.sqlite.org/rescode.html>, read 2026-11).
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code: Option<i64> = match &error {
            sqlx::Error::Database(database) => database.code().and_then(|code| code.parse().ok()),
            _ => None,
        };
        let source = Arc::new(error);
        match (code.map(|code| code & 0xff), &*source) {
            (Some(5 | 6), _) => Self::Busy { source },
            (Some(8), _) => Self::ReadOnly {
                source: Some(source),
            },
            (Some(10 | 14), _) | (None, sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed) => {
                Self::Io { source }
            }
            (Some(11 | 26), _) => Self::Corrupt {
                source: Some(source),
            },
            (Some(13), _) => Self::Full { source },
            (None, sqlx::Error::PoolClosed) => Self::Closed,
            _ => Self::Database { source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_stands_in_the_source_and_not_in_the_text() {
        let error = Error::from(io::Error::other("the cable is out"));

        assert_eq!(error.to_string(), "the queue could not be read or written");
        let cause = error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("the cable is out"));
    }
}
