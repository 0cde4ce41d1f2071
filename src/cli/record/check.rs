//! The records of `verify`, `doctor`, `init` and `mock`.

use serde::Serialize;

use crate::domain::{JobId, NanoUsd};

/// One finished file, verified.
#[derive(Debug, Serialize)]
pub(crate) struct Output {
    pub path: String,
    pub ok: bool,
    pub finding: Option<String>,
}

/// One kept answer that is missing or damaged.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub path: String,
    pub job: JobId,
    /// The input file that asked for it.
    pub source: String,
    pub finding: String,
    /// What it would cost to buy it again.
    pub cost: Option<NanoUsd>,
    pub cost_nano: Option<i64>,
}

/// All of them.
#[derive(Debug, Serialize)]
pub(crate) struct Verify {
    pub good: u64,
    pub findings: u64,
    /// Kept answers that were compared.
    pub answers: u64,
    /// Audio was decoded, too.
    pub deep: bool,
}

/// One check of `doctor`.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub check: &'static str,
    /// `ok`, `note` or `bad`.
    pub mark: &'static str,
    pub text: String,
}

/// The file that `init` wrote.
#[derive(Debug, Serialize)]
pub(crate) struct Init {
    pub path: String,
    /// Commands to type.
    pub next: Vec<String>,
}

/// The provider that `mock` started.
#[cfg(feature = "mock")]
#[derive(Debug, Serialize)]
pub(crate) struct Mock {
    pub url: String,
    pub bill: String,
}
