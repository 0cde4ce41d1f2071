//! How the pace returns to the limit after a cut, and goes beyond it: a cubic.

use std::time::Duration;

/// What a throttle leaves of the pace.
pub(super) const CUT: f64 = 0.85;
/// A throttle below this part of the estimated limit says that the limit has not moved.
const SAME_LIMIT: f64 = 1.25;
/// Seconds until the pace is back at the estimated limit after a cut: for a limit that
/// moves, and for one that was found again and again where it was.
pub(super) const QUICK_RETURN: f64 = 10.0;
const SLOW_RETURN: f64 = 45.0;

/// How the pace returns to the limit and probes beyond it: fast, slowly near the limit,
/// then faster and faster. A cubic, as in TCP CUBIC (RFC 9438), because a limit that has
/// not been met for long has moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    /// Requests per second.
    estimated_limit: f64,
    /// Time in which the pace held requests back, since the cut.
    seconds: f64,
    /// Seconds from the cut to the estimated limit.
    back_after: f64,
}

impl Curve {
    /// The curve that starts at the pace `per_second` left by a cut.
    pub(super) fn from_cut(per_second: f64, back_after: f64) -> Self {
        Self {
            estimated_limit: per_second / CUT,
            seconds: 0.0,
            back_after,
        }
    }

    /// How long to take back to the limit after a throttle at `per_second`.
    pub(super) fn patience(self, per_second: f64) -> f64 {
        if per_second < self.estimated_limit * SAME_LIMIT {
            (self.back_after * 1.5).min(SLOW_RETURN)
        } else {
            QUICK_RETURN
        }
    }

    /// Time went by in which the pace held requests back.
    pub(super) fn goes_on(&mut self, since: Duration) {
        self.seconds += since.as_secs_f64();
    }

    pub(super) fn per_second(self) -> f64 {
        let distance = (self.seconds - self.back_after) / self.back_after;
        self.estimated_limit * (1.0 + (1.0 - CUT) * distance.powi(3))
    }
}
