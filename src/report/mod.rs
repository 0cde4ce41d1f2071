//! Reports: the ledger folded into sums, and written for machines and for people.
//!
//! Rows come in as plain structs and one at a time; numbers are computed first (`summary`,
//! `what_if`) and rendered later (`csv`, `json`, `table`: one file per format). Promise: the
//! total of a report is the sum of its rows, to the nano-dollar, or there is no report.
//! No SQL, no clock, no price list of its own: callers bring all three.

pub mod csv;
pub mod json;
pub mod table;

mod escape;
mod latency;
mod summary;
mod what_if;

#[cfg(test)]
mod laws;

pub use escape::path_text;
pub use latency::Latency;
pub use summary::{Costs, Fold, Summary, Times, Totals};
pub use what_if::{WhatIf, what_if};

/// Version of the columns and fields of every report. Grows when one changes its meaning
/// or goes; new ones come last.
pub const SCHEMA_VERSION: u32 = 1;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More than 9.2 thousand million dollars, or counts to match: the ledger is damaged.
    #[error("the sums of the ledger do not fit; it is damaged")]
    Overflow,
    #[error("the report could not be written")]
    Write(#[source] std::io::Error),
}

impl From<::csv::Error> for Error {
    fn from(error: ::csv::Error) -> Self {
        Self::Write(error.into())
    }
}
