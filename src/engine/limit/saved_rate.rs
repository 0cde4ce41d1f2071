//! Where the pace starts: the user's choice, or the rate that an earlier run saved.
//!
//! A saved rate fades with its age towards the start that is used without one.

use std::time::Duration;

/// How the pace is learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptive {
    /// `false`: only the user's ceilings hold.
    pub enabled: bool,
    /// Requests per second to begin with when nothing was saved.
    pub start_per_second: f64,
    /// What an earlier run saved ([`crate::engine::limit::Gate::learned_rate`]).
    pub saved: Option<SavedRate>,
}

/// The rate that an earlier run learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SavedRate {
    /// Requests per second.
    pub per_second: f64,
    /// Time since it was last seen to be true.
    pub age: Duration,
}

impl Adaptive {
    /// No pace: for engines that do not throttle.
    pub const OFF: Self = Self {
        enabled: false,
        start_per_second: 1.0,
        saved: None,
    };
}

impl Default for Adaptive {
    /// Together's lowest dynamic limit is 60 requests a minute (docs.together.ai, early 2026).
    fn default() -> Self {
        Self {
            enabled: true,
            start_per_second: 1.0,
            saved: None,
        }
    }
}

/// How long a saved rate is taken as it is: Together's limit follows the traffic of the
/// past hour (its documentation, early 2026).
const FRESH: Duration = Duration::from_hours(1);
/// After that, the time in which it moves half of the way (by ratio) back to the pace one
/// starts with. Starting too low costs seconds, as the pace doubles in five.
const FADES_BY_HALF_IN: Duration = Duration::from_hours(6);

impl SavedRate {
    /// The pace to start with instead of `start`.
    pub(super) fn faded_to(self, start: f64) -> f64 {
        let stale = self.age.saturating_sub(FRESH).as_secs_f64();
        let weight = 0.5_f64.powf(stale / FADES_BY_HALF_IN.as_secs_f64());
        start * (self.per_second / start).powf(weight)
    }

    /// Whether it is near the limit of today.
    pub(super) fn is_fresh(self) -> bool {
        self.age <= FRESH
    }
}
