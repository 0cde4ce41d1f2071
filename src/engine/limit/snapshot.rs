//! How a gate stands: facts. What they mean for a person is said in `worker::why`.

use std::time::Duration;

use crate::engine::limit::ceiling::Ceilings;
use crate::engine::limit::circuit::Reason;

/// What the last request in line had to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBackBy {
    /// All places of the gate are taken.
    Concurrency,
    RequestsPerMinute,
    CharsPerMinute,
    AudioSecondsPerMinute,
    /// The pace learned from the provider.
    Pace,
    /// A limit the provider states in its headers.
    StatedLimit,
}

/// A circuit that is open or half open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCircuit {
    pub reason: Reason,
    /// Time since it opened first, without a success in between.
    pub since: Duration,
    /// Zero: one try is due. `None`: one try is on its way, or (account) a person has to act.
    pub next_try_in: Option<Duration>,
    /// The provider said how long.
    pub from_retry_after: bool,
    /// The words of the last throttle or failure.
    pub trouble: Option<String>,
}

/// One gate at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct GateState {
    /// Requests per second learned; `None` when the pace is not learned.
    pub rate: Option<f64>,
    /// The pace holds requests back, and grows while they are accepted.
    pub is_rising: bool,
    pub ceilings: Ceilings,
    pub in_flight: u32,
    /// Requests in line.
    pub waiting: u32,
    /// `None`: the circuit is closed, requests pass.
    pub open_circuit: Option<OpenCircuit>,
    /// `None`: nobody had to wait of late.
    pub held_back_by: Option<HeldBackBy>,
    /// Outcomes since the gate was made.
    pub succeeded: u64,
    pub throttled: u64,
    pub overloaded: u64,
    /// Time since the last throttle.
    pub last_throttle: Option<Duration>,
}
