//! The pace a provider is known to accept, learned from its answers.
//!
//! Providers with dynamic limits publish no number and send no header on success; they
//! raise the limit under steady traffic and punish bursts. So the pace starts low, grows
//! while requests are accepted *and* the pace is what holds them back, and is cut when
//! the provider throttles. Overload (5xx) never changes the pace.
//!
//! Pure: the caller says what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// How the pace is learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptive {
    /// `false`: only the user's ceilings hold.
    pub enabled: bool,
    /// Requests per second to begin with when nothing was learned.
    pub start_per_second: f64,
    /// What an earlier run learned ([`crate::engine::limit::Gate::learned_rate`]).
    pub learned: Option<f64>,
}

impl Adaptive {
    /// No pace: for engines that do not throttle.
    pub const OFF: Self = Self {
        enabled: false,
        start_per_second: 1.0,
        learned: None,
    };
}

impl Default for Adaptive {
    /// Together's lowest dynamic limit is 60 requests a minute (docs.together.ai, early 2026).
    fn default() -> Self {
        Self {
            enabled: true,
            start_per_second: 1.0,
            learned: None,
        }
    }
}

/// Slowest and fastest pace, requests per second.
const FLOOR: f64 = 0.1;
const CEILING: f64 = 10_000.0;
/// What a throttle leaves of the pace.
const CUT: f64 = 0.85;
/// What a throttle soon after the last cut leaves: that cut was not deep enough.
const SECOND_CUT: f64 = 0.7;
const SOON: Duration = Duration::from_secs(8);
const CUT_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Growth per second until the first throttle: doubles in five seconds.
const FAST: f64 = 0.15;
/// Seconds until the pace is back at the estimated limit after a cut: for a limit that
/// moves, and for one that was found again and again where it was.
const QUICK_RETURN: f64 = 10.0;
const SLOW_RETURN: f64 = 45.0;
/// A throttle below this part of the estimated limit says that the limit has not moved.
const SAME_LIMIT: f64 = 1.25;

/// How the pace returns to the limit and probes beyond it: fast, slowly near the limit,
/// then faster and faster. A cubic, as in TCP CUBIC (RFC 9438), because a limit that has
/// not been met for long has moved.
#[derive(Debug, Clone, Copy)]
struct Curve {
    /// Requests per second.
    estimated_limit: f64,
    /// Time in which the pace held requests back, since the cut.
    seconds: f64,
    /// Seconds from the cut to the estimated limit.
    back_after: f64,
}

impl Curve {
    /// The curve that starts at the pace `per_second` left by a cut.
    fn from_cut(per_second: f64, back_after: f64) -> Self {
        Self {
            estimated_limit: per_second / CUT,
            seconds: 0.0,
            back_after,
        }
    }

    /// How long to take back to the limit after a throttle at `per_second`.
    fn patience(self, per_second: f64) -> f64 {
        if per_second < self.estimated_limit * SAME_LIMIT {
            (self.back_after * 1.5).min(SLOW_RETURN)
        } else {
            QUICK_RETURN
        }
    }

    fn per_second(self) -> f64 {
        let distance = (self.seconds - self.back_after) / self.back_after;
        self.estimated_limit * (1.0 + (1.0 - CUT) * distance.powi(3))
    }
}

/// The learned pace and when the next request may go.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    per_second: f64,
    /// `None` before the first throttle.
    curve: Option<Curve>,
    /// A bound from the provider's own headers.
    bound: f64,
    next: Instant,
    last_growth: Instant,
    last_cut: Option<Instant>,
    accepted_since_cut: bool,
    /// When a request last had to wait for the pace: growth without that would be blind.
    last_wait: Option<Instant>,
}

impl Pace {
    /// The pace to begin with; `None` when it is not to be learned.
    pub(super) fn new(adaptive: Adaptive, now: Instant) -> Option<Self> {
        if !adaptive.enabled {
            return None;
        }
        let known = adaptive
            .learned
            .filter(|rate| rate.is_finite() && *rate > 0.0);
        let start = known.unwrap_or(adaptive.start_per_second);
        Some(Self {
            // `max` first: it makes NaN the floor, which `clamp` would keep.
            per_second: start.max(FLOOR).clamp(FLOOR, CEILING),
            // What was learned is near the limit: no fast growth from there.
            curve: known.map(|rate| Curve::from_cut(rate, QUICK_RETURN)),
            bound: CEILING,
            next: now,
            last_growth: now,
            last_cut: None,
            accepted_since_cut: true,
            last_wait: None,
        })
    }

    /// Requests per second.
    pub(super) fn per_second(&self) -> f64 {
        self.per_second.min(self.bound)
    }

    /// Takes the next place in time, or says when it comes.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if self.next > now {
            self.last_wait = Some(now);
            return Err(self.next);
        }
        let step = Duration::from_secs_f64(1.0 / self.per_second());
        // Timers wake up late; what was missed is caught up, but never as a burst.
        let slack = step.clamp(Duration::from_millis(5), Duration::from_millis(100));
        self.next = self.next.max(now.checked_sub(slack).unwrap_or(now)) + step;
        Ok(())
    }

    /// A request that went out at `sent` was accepted.
    pub(super) fn accepted(&mut self, sent: Instant, now: Instant) {
        self.accepted_since_cut |= self.last_cut.is_none_or(|cut| sent >= cut);
        let beat = Duration::from_secs_f64((2.0 / self.per_second()).max(1.0));
        let since = now.saturating_duration_since(self.last_growth).min(beat);
        self.last_growth = now;
        let held_back = self
            .last_wait
            .is_some_and(|wait| now.saturating_duration_since(wait) <= beat * 4);
        if !held_back {
            return;
        }
        let pace = match &mut self.curve {
            None => self.per_second * (1.0 + FAST * since.as_secs_f64()),
            Some(curve) => {
                curve.seconds += since.as_secs_f64();
                curve.per_second()
            }
        };
        self.per_second = pace.clamp(FLOOR, CEILING);
    }

    /// A request that went out at `sent` was throttled. One cut per crowd: requests sent
    /// before the last cut say nothing new. And none when nothing was accepted since: a
    /// limit that is too low for the pace still lets some through, so this is a full stop,
    /// which the door deals with.
    pub(super) fn throttled(&mut self, sent: Instant, now: Instant) {
        if let Some(cut) = self.last_cut
            && (sent < cut
                || !self.accepted_since_cut
                || now.saturating_duration_since(cut) < CUT_AT_MOST_EVERY)
        {
            return;
        }
        let soon = self
            .last_cut
            .is_some_and(|cut| now.saturating_duration_since(cut) < SOON);
        let rest = if soon { SECOND_CUT } else { CUT };
        let current = self.per_second();
        let back_after = self
            .curve
            .map_or(QUICK_RETURN, |curve| curve.patience(current));
        self.per_second = (current * rest).max(FLOOR);
        self.curve = Some(Curve::from_cut(self.per_second, back_after));
        self.last_cut = Some(now);
        self.last_growth = now;
        self.accepted_since_cut = false;
    }

    /// The provider states its limit: the pace stays below.
    pub(super) fn bound_to(&mut self, per_second: f64) {
        if per_second.is_finite() && per_second > 0.0 {
            self.bound = per_second.clamp(FLOOR, CEILING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(learned: Option<f64>, now: Instant) -> Pace {
        let adaptive = Adaptive {
            enabled: true,
            start_per_second: 2.0,
            learned,
        };
        Pace::new(adaptive, now).unwrap()
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Sends for `seconds` at the pace, with every request accepted.
    fn run(pace: &mut Pace, mut now: Instant, seconds: u64) -> (u32, Instant) {
        let end = now + Duration::from_secs(seconds);
        let mut sent = 0;
        while now < end {
            match pace.take(now) {
                Ok(()) => {
                    sent += 1;
                    pace.accepted(now, now);
                }
                Err(next) => now = next,
            }
        }
        (sent, now)
    }

    #[test]
    fn requests_are_spaced_evenly_from_the_first() {
        let now = Instant::now();
        let mut pace = pace(None, now);

        assert_eq!(pace.take(now), Ok(()));
        assert_eq!(pace.take(now), Err(now + ms(500)));
        assert_eq!(pace.take(now + ms(499)), Err(now + ms(500)));
        assert_eq!(pace.take(now + ms(501)), Ok(()));
        assert_eq!(pace.take(now + ms(501)), Err(now + ms(1000)));
    }

    #[test]
    fn an_idle_hour_saves_up_no_burst() {
        let now = Instant::now();
        let mut pace = pace(Some(100.0), now);
        let later = now + Duration::from_hours(1);
        let at_once = (0..50).take_while(|_| pace.take(later).is_ok()).count();

        assert!(at_once <= 3, "{at_once}");
    }

    #[test]
    fn the_pace_doubles_in_five_seconds_until_the_first_throttle() {
        let now = Instant::now();
        let mut pace = pace(None, now);
        let (_, now) = run(&mut pace, now, 5);
        assert!((3.5..4.5).contains(&pace.per_second()), "{pace:?}");

        pace.throttled(now, now);
        let cut = pace.per_second();
        let (_, _) = run(&mut pace, now, 5);

        assert!(
            (1.05..1.18).contains(&(pace.per_second() / cut)),
            "{pace:?}"
        );
    }

    #[test]
    fn one_crowd_of_throttles_is_one_cut() {
        let now = Instant::now();
        let mut pace = pace(Some(10.0), now);
        for _ in 0..64 {
            pace.throttled(now, now + ms(300));
        }
        assert!((pace.per_second() - 8.5).abs() < 1e-9);
        // Sent before the cut, answered long after it.
        pace.throttled(now + ms(299), now + ms(5000));
        assert!((pace.per_second() - 8.5).abs() < 1e-9);
        // Sent after the cut, but nothing at all gets through.
        pace.throttled(now + ms(2000), now + ms(5000));
        assert!((pace.per_second() - 8.5).abs() < 1e-9);
        // Some get through, and it is soon after the last cut.
        pace.accepted(now + ms(2000), now + ms(5000));
        pace.throttled(now + ms(2000), now + ms(5000));
        assert!((pace.per_second() - 5.95).abs() < 1e-9);
    }

    #[test]
    fn a_pace_that_holds_nothing_back_does_not_grow() {
        let now = Instant::now();
        let mut pace = pace(Some(10.0), now);
        for second in 0..100 {
            let at = now + Duration::from_secs(second);
            assert_eq!(pace.take(at), Ok(()));
            pace.accepted(at, at + ms(500));
        }
        assert!((pace.per_second() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn near_the_last_throttle_it_grows_with_care_and_beyond_it_again() {
        let now = Instant::now();
        let mut pace = pace(Some(20.0), now);
        pace.throttled(now, now);
        let (_, at) = run(&mut pace, now + ms(1000), 20);
        assert!((19.5..21.5).contains(&pace.per_second()), "{pace:?}");
        let (_, _) = run(&mut pace, at, 20);
        assert!(pace.per_second() > 30.0, "{pace:?}");
    }

    #[test]
    fn strange_numbers_become_a_usable_pace() {
        let now = Instant::now();
        for learned in [
            Some(f64::NAN),
            Some(-1.0),
            Some(0.0),
            Some(f64::INFINITY),
            None,
        ] {
            let mut pace = pace(learned, now);
            assert!((pace.per_second() - 2.0).abs() < 1e-9, "{learned:?}");
            pace.bound_to(f64::NAN);
            pace.bound_to(1.5);
            assert!((pace.per_second() - 1.5).abs() < 1e-9);
        }
        for start in [f64::NAN, -3.0, 0.0, f64::INFINITY] {
            let adaptive = Adaptive {
                start_per_second: start,
                ..Adaptive::default()
            };
            let mut pace = Pace::new(adaptive, now).unwrap();
            assert_eq!(pace.take(now), Ok(()));
            for _ in 0..100 {
                let sent = pace.last_cut.map_or(now, |cut| cut + ms(1001));
                pace.accepted(sent, sent);
                pace.throttled(sent, sent);
            }
            assert!(pace.per_second() >= FLOOR);
        }
    }
}
