//! How a gate stands, and in words: why it is not faster.

use std::time::Duration;

use crate::domain::units::grouped;
use crate::engine::limit::door::Reason;
use crate::engine::limit::gate::Ceilings;

/// What the last request in line had to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBackBy {
    Nothing,
    Concurrency,
    RequestsPerMinute,
    CharsPerMinute,
    AudioSecondsPerMinute,
    /// The pace learned from the provider.
    Pace,
}

/// A closed gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    pub reason: Reason,
    /// Zero: one try is due. `None`: one try is on its way, or (account) a person has to act.
    pub opens_in: Option<Duration>,
}

/// One gate at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateState {
    /// Requests per second learned; `None` when the pace is not learned.
    pub rate: Option<f64>,
    pub ceilings: Ceilings,
    pub in_flight: u32,
    /// Requests in line.
    pub waiting: u32,
    pub closed: Option<Closed>,
    pub held_back_by: HeldBackBy,
    /// Outcomes since the gate was made.
    pub succeeded: u64,
    pub throttled: u64,
    pub overloaded: u64,
}

impl GateState {
    /// One sentence fragment for people: what holds this gate back, and what to do about it.
    pub fn why_not_faster(&self) -> String {
        if let Some(closed) = self.closed {
            return why_closed(closed);
        }
        let limit = |limit: Option<std::num::NonZeroU32>| {
            grouped(limit.map_or(0, |limit| u64::from(limit.get())))
        };
        match self.held_back_by {
            HeldBackBy::Nothing => "nothing holds it back".to_owned(),
            HeldBackBy::Concurrency => format!(
                "all {} places are taken; raise `concurrency` if the provider allows more",
                self.ceilings.concurrency
            ),
            HeldBackBy::RequestsPerMinute => format!(
                "your limit of {} requests a minute (`rpm`)",
                limit(self.ceilings.requests_per_minute)
            ),
            HeldBackBy::CharsPerMinute => format!(
                "your limit of {} characters a minute",
                limit(self.ceilings.chars_per_minute)
            ),
            HeldBackBy::AudioSecondsPerMinute => format!(
                "your limit of {} seconds of audio a minute",
                limit(self.ceilings.audio_seconds_per_minute)
            ),
            HeldBackBy::Pace => format!(
                "the pace the provider accepts, {:.1} requests a second so far ({}); it rises while all goes well",
                self.rate.unwrap_or(0.0),
                match self.throttled {
                    0 => "never throttled".to_owned(),
                    1 => "throttled once".to_owned(),
                    times => format!("throttled {} times", grouped(times)),
                }
            ),
        }
    }
}

fn why_closed(closed: Closed) -> String {
    let why = match closed.reason {
        Reason::Account => {
            return "the provider refuses the key or the account; check key and credit, then resume"
                .to_owned();
        }
        Reason::Throttled => "the provider asked for a pause (429)",
        Reason::Overloaded => "the provider fails or cannot be reached",
    };
    match closed.opens_in {
        None => format!("{why}; one request is trying it"),
        Some(wait) if wait < Duration::from_secs(1) => format!("{why}; going on in a moment"),
        Some(wait) => format!("{why}; going on in {} s", wait.as_secs()),
    }
}
