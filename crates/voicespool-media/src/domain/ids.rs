//! Identifiers. Each is its own type, so a job cannot be settled with a run's number.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// One invocation of `run` on a queue. Grows by one each time.
    RunId
);
id!(
    /// One input file at one content under one set of parameters.
    SourceId
);
id!(
    /// One durable unit of work.
    JobId
);
id!(
    /// One set of request parameters, shared by all jobs of a task.
    SpecId
);
id!(
    /// One endpoint and model: what rate control and the circuit apply to.
    /// `GateId::LOCAL` is work that sends nothing (assemble, compose).
    GateId
);

impl GateId {
    /// The gate of jobs that never leave this machine. The schema creates it.
    pub const LOCAL: Self = Self(0);
}

/// The fencing number of a try at a job: starts at 0 (never claimed), grows by
/// one at each claim, never falls. Not the failure count.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Attempt(pub i64);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
