//! What kept a job from being done on this machine.

use std::error::Error;

use crate::worker::machine;

/// Why, in words, and whether every other job would meet the same.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) detail: String,
    /// This machine is at fault, and not this job's files.
    pub(super) stops: bool,
}

impl Trouble {
    /// `what` failed with `error`.
    pub(super) fn with(what: &str, error: &(dyn Error + 'static)) -> Self {
        Self {
            detail: format!("{what}: {error}"),
            stops: machine::is_at_fault(error),
        }
    }

    /// `error` with all that caused it.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let (mut detail, mut next) = (error.to_string(), error.source());
        while let Some(cause) = next {
            detail.push_str(": ");
            detail.push_str(&cause.to_string());
            next = cause.source();
        }
        Self {
            detail,
            stops: machine::is_at_fault(error),
        }
    }

    /// What every other job would meet.
    pub(super) fn of_this_machine(detail: String) -> Self {
        Self {
            detail,
            stops: true,
        }
    }

    /// Nothing that another job would meet.
    pub(super) fn of_this_job(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            stops: false,
        }
    }
}
