//! Why it is not faster: every cause there is, in one list, each with a code for programs
//! and a sentence for people.
//!
//! Which cause holds is decided here from facts ([`of`] at work, [`at_rest`] when nothing
//! runs); the gate supplies its part of them as [`GateState`]. One cause is named per gate,
//! the first that would have to go away before anything else mattered.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::UtcMillis;
use crate::domain::units::grouped;
use crate::engine::limit::{GateState, HeldBackBy, OpenCircuit, Reason};

/// What keeps one gate from going faster. Its JSON carries the name as `code`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Cause {
    /// No job waits for this gate.
    NothingQueued,
    /// Nothing runs.
    NotRunning,
    /// A cap is reached; what is in flight may finish.
    Budget { what: String },
    /// The provider refuses the key or the account, in its words.
    Account { words: String },
    /// The gate is paused: by a person, or until one acts.
    Paused { since: UtcMillis, words: String },
    /// The run stops, or was stopped, for another reason.
    Stopped { words: String },
    /// The provider said how long to wait.
    RetryAfter { until: UtcMillis, words: String },
    /// Throttled without being told for how long; one request tries after each wait.
    Throttled {
        since: UtcMillis,
        next: Option<UtcMillis>,
    },
    /// The provider fails or cannot be reached; one request tries after each wait.
    Circuit {
        since: UtcMillis,
        next: Option<UtcMillis>,
        words: String,
    },
    /// All jobs left wait for their next try.
    Scheduled { jobs: u64, next: Option<UtcMillis> },
    /// `limits.rpm`
    RequestsPerMinute { limit: u32 },
    /// `limits.chars_per_minute`
    CharsPerMinute { limit: u32 },
    /// `limits.audio_seconds_per_minute`
    AudioSecondsPerMinute { limit: u32 },
    /// `limits.concurrency`
    Concurrency { limit: u32 },
    /// `[run] workers`, `-j`
    Workers { workers: u32 },
    /// The provider states a limit in its headers.
    StatedLimit { per_second: f64 },
    /// The pace learned from the provider.
    Pace {
        per_second: f64,
        is_rising: bool,
        last_throttle: Option<UtcMillis>,
    },
    /// Answers become files: this machine works, the network does not.
    Joining { files: u64 },
    /// Everything left is on its way.
    LastRequests { in_flight: u64 },
    /// Nothing holds it back that this program knows of.
    Unhindered { in_flight: u64 },
}

/// What is known of a gate at work besides its own state.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Jobs that could be claimed now.
    pub ready: u64,
    /// Jobs not before a later time, and when the first is due.
    pub scheduled: u64,
    pub due: Option<UtcMillis>,
    /// Jobs claimed or sent.
    pub claimed: u64,
    /// Places for requests in flight over all gates, and how many are free.
    pub workers: u32,
    pub free_workers: u32,
    /// Since when the gate is paused, and why.
    pub paused: Option<(UtcMillis, String)>,
    /// Why the run stops.
    pub stopping: Option<Cause>,
}

/// The cause at one gate of a live run.
pub fn of(gate: &GateState, facts: &Facts, now: UtcMillis) -> Cause {
    if facts.ready + facts.scheduled + facts.claimed == 0 {
        return Cause::NothingQueued;
    }
    if let Some(stopping) = &facts.stopping {
        return stopping.clone();
    }
    if let Some((since, words)) = &facts.paused {
        return Cause::Paused {
            since: *since,
            words: words.clone(),
        };
    }
    if let Some(open) = &gate.open_circuit {
        return of_open_circuit(open, now);
    }
    if facts.ready + facts.claimed == 0 {
        return Cause::Scheduled {
            jobs: facts.scheduled,
            next: facts.due,
        };
    }
    if let Some(held_back_by) = gate.held_back_by {
        return of_held_back(held_back_by, gate, facts, now);
    }
    if facts.workers > 0 && facts.free_workers == 0 {
        return Cause::Workers {
            workers: facts.workers,
        };
    }
    if facts.ready == 0 {
        return Cause::LastRequests {
            in_flight: facts.claimed,
        };
    }
    Cause::Unhindered {
        in_flight: facts.claimed,
    }
}

/// The cause at a gate while no run is at work: `stop` is why the last one ended early.
pub fn at_rest(waiting: u64, paused: Option<(UtcMillis, String)>, stop: Option<Cause>) -> Cause {
    match (waiting, paused, stop) {
        (0, _, _) => Cause::NothingQueued,
        (_, Some((since, words)), _) => Cause::Paused { since, words },
        (_, None, Some(stop)) => stop,
        (_, None, None) => Cause::NotRunning,
    }
}

fn of_open_circuit(open: &OpenCircuit, now: UtcMillis) -> Cause {
    let since = UtcMillis(
        now.0
            .saturating_sub(i64::try_from(open.since.as_millis()).unwrap_or(i64::MAX)),
    );
    let next = open.next_try_in.map(|wait| now.after(wait));
    let words = open.trouble.clone().unwrap_or_default();
    match (open.reason, next) {
        (Reason::Account, _) => Cause::Account { words },
        (_, Some(until)) if open.from_retry_after && until > now => {
            Cause::RetryAfter { until, words }
        }
        (Reason::Throttled, next) => Cause::Throttled { since, next },
        (Reason::Overloaded, next) => Cause::Circuit { since, next, words },
    }
}

fn of_held_back(by: HeldBackBy, gate: &GateState, facts: &Facts, now: UtcMillis) -> Cause {
    let number = |limit: Option<NonZeroU32>| limit.map_or(0, NonZeroU32::get);
    let per_second = gate.rate.unwrap_or(0.0);
    match by {
        HeldBackBy::RequestsPerMinute => Cause::RequestsPerMinute {
            limit: number(gate.ceilings.requests_per_minute),
        },
        HeldBackBy::CharsPerMinute => Cause::CharsPerMinute {
            limit: number(gate.ceilings.chars_per_minute),
        },
        HeldBackBy::AudioSecondsPerMinute => Cause::AudioSecondsPerMinute {
            limit: number(gate.ceilings.audio_seconds_per_minute),
        },
        // A gate has never more places than there are workers; the smaller number binds.
        HeldBackBy::Concurrency if gate.ceilings.concurrency.get() < facts.workers => {
            Cause::Concurrency {
                limit: gate.ceilings.concurrency.get(),
            }
        }
        HeldBackBy::Concurrency => Cause::Workers {
            workers: gate.ceilings.concurrency.get(),
        },
        HeldBackBy::StatedLimit => Cause::StatedLimit { per_second },
        HeldBackBy::Pace => Cause::Pace {
            per_second,
            is_rising: gate.is_rising,
            last_throttle: gate.last_throttle.map(|ago| {
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                UtcMillis(now.0.saturating_sub(ago))
            }),
        },
    }
}

impl Cause {
    /// The name programs know it by; the same as `code` in its JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingQueued => "nothing_queued",
            Self::NotRunning => "not_running",
            Self::Budget { .. } => "budget",
            Self::Account { .. } => "account",
            Self::Paused { .. } => "paused",
            Self::Stopped { .. } => "stopped",
            Self::RetryAfter { .. } => "retry_after",
            Self::Throttled { .. } => "throttled",
            Self::Circuit { .. } => "circuit",
            Self::Scheduled { .. } => "scheduled",
            Self::RequestsPerMinute { .. } => "requests_per_minute",
            Self::CharsPerMinute { .. } => "chars_per_minute",
            Self::AudioSecondsPerMinute { .. } => "audio_seconds_per_minute",
            Self::Concurrency { .. } => "concurrency",
            Self::Workers { .. } => "workers",
            Self::StatedLimit { .. } => "stated_limit",
            Self::Pace { .. } => "pace",
            Self::Joining { .. } => "joining",
            Self::LastRequests { .. } => "last_requests",
            Self::Unhindered { .. } => "unhindered",
        }
    }

    /// One sentence fragment, as things stand at `now`; `time` tells a time for people. Texts
    /// of providers are in it as they came.
    pub fn words(&self, now: UtcMillis, time: impl Fn(UtcMillis) -> String) -> String {
        match self {
            Self::NothingQueued => "nothing is queued".into(),
            Self::NotRunning => "nothing runs: `voicespool run` goes on".into(),
            Self::Budget { what } => {
                format!("budget: {what}; raise that cap, then `voicespool run`")
            }
            Self::Account { words } => format!(
                "the provider refuses the key or the account{}; check both, then `voicespool run`",
                told(words)
            ),
            Self::Paused { since, words } => {
                format!("paused since {}{}", time(*since), told(words))
            }
            Self::Stopped { words } => format!("stopped: {words}; `voicespool run` goes on"),
            Self::RetryAfter { until, words } => format!(
                "waiting for Retry-After until {}, as the provider asks{}",
                time(*until),
                told(words)
            ),
            Self::Throttled { since, next } => format!(
                "the provider throttles since {} (429); {}",
                time(*since),
                probing(*next, now, &time)
            ),
            Self::Circuit { since, next, words } => format!(
                "circuit open since {}: the provider fails or cannot be reached; {}{}",
                time(*since),
                probing(*next, now, &time),
                if words.is_empty() {
                    String::new()
                } else {
                    format!("; last error: {words}")
                }
            ),
            Self::Scheduled { jobs, next } => format!(
                "{} {} for the next try{}",
                grouped(*jobs),
                if *jobs == 1 { "job waits" } else { "jobs wait" },
                next.map(|next| format!(", the first at {}", time(next)))
                    .unwrap_or_default()
            ),
            Self::RequestsPerMinute { limit } => {
                format!(
                    "limited by your {} rpm (limits.rpm)",
                    grouped(u64::from(*limit))
                )
            }
            Self::CharsPerMinute { limit } => format!(
                "limited by your {} characters a minute (limits.chars_per_minute)",
                grouped(u64::from(*limit))
            ),
            Self::AudioSecondsPerMinute { limit } => format!(
                "limited by your {} seconds of audio a minute (limits.audio_seconds_per_minute)",
                grouped(u64::from(*limit))
            ),
            Self::Concurrency { limit } => format!(
                "all {limit} requests of limits.concurrency are in flight: raise it if the provider allows more"
            ),
            Self::Workers { workers } => {
                format!("all {workers} workers are busy: raise -j or [run] workers")
            }
            Self::StatedLimit { per_second } => {
                format!("limited by the provider's stated {per_second:.1} requests a second")
            }
            Self::Pace {
                per_second,
                is_rising,
                last_throttle,
            } => {
                let throttle = last_throttle.map_or_else(
                    || "not throttled so far".to_owned(),
                    |at| format!("the provider throttled {} ago", ago(now.since(at))),
                );
                let rising = if *is_rising { ", rising" } else { "" };
                format!("{throttle}; pace {per_second:.1}/s{rising}")
            }
            Self::Joining { files } => format!(
                "disk: joining answers into {} {}",
                grouped(*files),
                if *files == 1 { "file" } else { "files" }
            ),
            Self::LastRequests { in_flight } => {
                format!("the last {} are in flight", grouped(*in_flight))
            }
            Self::Unhindered { in_flight } => {
                format!("nothing holds it back; {} in flight", grouped(*in_flight))
            }
        }
    }
}

/// When a request tries an endpoint that does not answer.
fn probing(next: Option<UtcMillis>, now: UtcMillis, time: impl Fn(UtcMillis) -> String) -> String {
    match next {
        None => "one request is trying it now".to_owned(),
        Some(next) if next <= now => "the next request tries it".to_owned(),
        Some(next) => format!("one request tries it at {}", time(next)),
    }
}

fn told(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({words})")
    }
}

fn ago(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests;
