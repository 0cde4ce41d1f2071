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

use crate::engine::StatedLimit;

/// How the pace is learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptive {
    /// `false`: only the user's ceilings hold.
    pub enabled: bool,
    /// Requests per second to begin with when nothing was learned.
    pub start_per_second: f64,
    /// What an earlier run learned ([`crate::engine::limit::Gate::learned_rate`]).
    pub learned: Option<Learned>,
}

/// A pace from an earlier run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learned {
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
/// How long a stated limit counts after the answer that stated it. No window of a request
/// limit that providers state is longer.
const STATED_FOR: Duration = Duration::from_mins(1);
/// A throttle below this part of the estimated limit says that the limit has not moved.
const SAME_LIMIT: f64 = 1.25;

/// How long a learned pace is taken as it is: Together's limit follows the traffic of the
/// past hour (its documentation, early 2026).
const FRESH: Duration = Duration::from_hours(1);
/// After that, the time in which it moves half of the way (by ratio) back to the pace one
/// starts with. Starting too low costs seconds, as the pace doubles in five.
const FADES_BY_HALF_IN: Duration = Duration::from_hours(6);

impl Learned {
    /// The pace to start with instead of `start`.
    fn faded_to(self, start: f64) -> f64 {
        let stale = self.age.saturating_sub(FRESH).as_secs_f64();
        let weight = 0.5_f64.powf(stale / FADES_BY_HALF_IN.as_secs_f64());
        start * (self.per_second / start).powf(weight)
    }

    fn is_fresh(self) -> bool {
        self.age <= FRESH
    }
}

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
    /// A bound from the provider's own headers, and when it was stated.
    bound: Option<(f64, Instant)>,
    /// It began with what an earlier run learned.
    was_learned: bool,
    /// Requests that went out in this second and in the one before.
    sent: [u32; 2],
    second: Instant,
    next: Instant,
    last_growth: Instant,
    last_cut: Option<Instant>,
    /// Cuts that came soon after another.
    cuts_in_a_row: u32,
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
        // `max` first: it makes NaN the floor, which `clamp` would keep.
        let usable = |rate: f64| rate.max(FLOOR).clamp(FLOOR, CEILING);
        let known = adaptive
            .learned
            .filter(|known| known.per_second.is_finite() && known.per_second > 0.0);
        let start = usable(adaptive.start_per_second);
        let per_second = known.map_or(start, |known| usable(known.faded_to(start)));
        Some(Self {
            per_second,
            // What was learned of late is near the limit: no fast growth from there.
            curve: known
                .filter(|known| known.is_fresh())
                .map(|_| Curve::from_cut(per_second, QUICK_RETURN)),
            bound: None,
            was_learned: known.is_some(),
            sent: [0, 0],
            second: now,
            next: now,
            last_growth: now,
            last_cut: None,
            cuts_in_a_row: 0,
            accepted_since_cut: true,
            last_wait: None,
        })
    }

    /// Requests per second at `now`.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        self.per_second.min(self.bound(now).unwrap_or(CEILING))
    }

    /// Requests per second, whatever bound the provider states at the moment.
    pub(super) fn own_per_second(&self) -> f64 {
        self.per_second
    }

    pub(super) fn was_learned(&self) -> bool {
        self.was_learned
    }

    /// Whether the provider's stated limit, and not the pace itself, holds requests back.
    pub(super) fn is_bound(&self, now: Instant) -> bool {
        self.bound(now).is_some_and(|bound| bound < self.per_second)
    }

    fn bound(&self, now: Instant) -> Option<f64> {
        let (bound, at) = self.bound?;
        (now.saturating_duration_since(at) <= STATED_FOR).then_some(bound)
    }

    /// Whether it holds requests back and grows while they are accepted.
    pub(super) fn is_rising(&self, now: Instant) -> bool {
        self.accepted_since_cut && !self.is_bound(now) && self.holds_back(now)
    }

    fn beat(&self, now: Instant) -> Duration {
        Duration::from_secs_f64((2.0 / self.per_second(now)).max(1.0))
    }

    /// Whether a request had to wait for the pace of late.
    fn holds_back(&self, now: Instant) -> bool {
        self.last_wait
            .is_some_and(|wait| now.saturating_duration_since(wait) <= self.beat(now) * 4)
    }

    /// Requests per second that went out of late; `None` when they were too few to tell.
    fn observed(&self, now: Instant) -> Option<f64> {
        let part = now.saturating_duration_since(self.second).as_secs_f64();
        let [this, before] = self.sent.map(f64::from);
        let tells = this + before >= 10.0 && part < 2.0;
        tells.then(|| before.max(this / part.max(0.25)))
    }

    fn count(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.second);
        if since >= Duration::from_secs(1) {
            let before = if since < Duration::from_secs(2) {
                self.sent[0]
            } else {
                0
            };
            self.sent = [0, before];
            self.second = now;
        }
        self.sent[0] = self.sent[0].saturating_add(1);
    }

    /// Takes the next place in time, or says when it comes.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if self.next > now {
            self.last_wait = Some(now);
            return Err(self.next);
        }
        self.count(now);
        let step = Duration::from_secs_f64(1.0 / self.per_second(now));
        // Timers wake up late; what was missed is caught up, but never as a burst.
        let slack = step.clamp(Duration::from_millis(5), Duration::from_millis(100));
        self.next = self.next.max(now.checked_sub(slack).unwrap_or(now)) + step;
        Ok(())
    }

    /// A request that went out at `sent` was accepted.
    pub(super) fn accepted(&mut self, sent: Instant, now: Instant) {
        self.accepted_since_cut |= self.last_cut.is_none_or(|cut| sent >= cut);
        let since = now
            .saturating_duration_since(self.last_growth)
            .min(self.beat(now));
        self.last_growth = now;
        // A pace that holds nothing back, or is not the one that does, would grow blindly.
        if !self.holds_back(now) || self.is_bound(now) {
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
        let mut current = self.per_second(now);
        if !self.holds_back(now)
            && let Some(observed) = self.observed(now)
        {
            // Something else was slower than the pace, and even that was too fast.
            current = current.min(observed.max(FLOOR));
        }
        // Cuts close together are one way down to a limit far below, not that limit met again
        // and again.
        self.cuts_in_a_row = if soon {
            self.cuts_in_a_row.saturating_add(1)
        } else {
            0
        };
        let back_after = match self.curve {
            // Three cuts close together are the way down to a limit far below, and not the
            // same limit met again.
            Some(curve) if self.cuts_in_a_row < 2 => curve.patience(current),
            _ => QUICK_RETURN,
        };
        self.per_second = (current * rest).max(FLOOR);
        self.curve = Some(Curve::from_cut(self.per_second, back_after));
        self.last_cut = Some(now);
        self.last_growth = now;
        self.accepted_since_cut = false;
    }

    /// The provider states its limit: the pace stays below for the next minute, and
    /// nothing goes while the limit is used up.
    pub(super) fn stated(&mut self, stated: StatedLimit, now: Instant) {
        if let Some(limit) = stated
            .per_second
            .filter(|limit| limit.is_finite() && *limit > 0.0)
        {
            self.bound = Some((limit.clamp(FLOOR, CEILING), now));
        }
        if let Some(wait) = stated.used_up_for {
            self.next = self.next.max(now + wait.min(STATED_FOR));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(per_second: f64) -> Learned {
        Learned {
            per_second,
            age: Duration::ZERO,
        }
    }

    fn pace(learned: Option<f64>, now: Instant) -> Pace {
        let adaptive = Adaptive {
            enabled: true,
            start_per_second: 2.0,
            learned: learned.map(fresh),
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
        assert!((3.5..4.5).contains(&pace.own_per_second()), "{pace:?}");

        pace.throttled(now, now);
        let cut = pace.own_per_second();
        let (_, _) = run(&mut pace, now, 5);

        assert!(
            (1.05..1.18).contains(&(pace.own_per_second() / cut)),
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
        assert!((pace.own_per_second() - 8.5).abs() < 1e-9);
        // Sent before the cut, answered long after it.
        pace.throttled(now + ms(299), now + ms(5000));
        assert!((pace.own_per_second() - 8.5).abs() < 1e-9);
        // Sent after the cut, but nothing at all gets through.
        pace.throttled(now + ms(2000), now + ms(5000));
        assert!((pace.own_per_second() - 8.5).abs() < 1e-9);
        // Some get through, and it is soon after the last cut.
        pace.accepted(now + ms(2000), now + ms(5000));
        pace.throttled(now + ms(2000), now + ms(5000));
        assert!((pace.own_per_second() - 5.95).abs() < 1e-9);
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
        assert!((pace.own_per_second() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn near_the_last_throttle_it_grows_with_care_and_beyond_it_again() {
        let now = Instant::now();
        let mut pace = pace(Some(20.0), now);
        pace.throttled(now, now);
        let (_, at) = run(&mut pace, now + ms(1000), 20);
        assert!((19.5..21.5).contains(&pace.own_per_second()), "{pace:?}");
        let (_, _) = run(&mut pace, at, 20);
        assert!(pace.own_per_second() > 30.0, "{pace:?}");
    }

    fn limit_of(per_second: f64) -> StatedLimit {
        StatedLimit {
            per_second: Some(per_second),
            used_up_for: None,
        }
    }

    #[test]
    fn a_stated_limit_bounds_the_pace_for_a_minute_and_teaches_it_nothing() {
        let now = Instant::now();
        let mut pace = pace(Some(10.0), now);
        pace.stated(limit_of(50.0), now);
        assert!((pace.per_second(now) - 10.0).abs() < 1e-9);
        assert!(!pace.is_bound(now));

        pace.stated(limit_of(2.0), now);

        let (sent, later) = run(&mut pace, now, 30);
        assert!((60..=62).contains(&sent), "{sent}");
        assert!(pace.is_bound(later));
        assert!((pace.own_per_second() - 10.0).abs() < 1e-9);
        let after = now + Duration::from_secs(61);
        assert!((pace.per_second(after) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_used_up_limit_holds_until_its_window_ends_and_a_minute_at_most() {
        let now = Instant::now();
        for (wait, held) in [(3, 3), (900, 60)] {
            let mut pace = pace(Some(10.0), now);
            pace.stated(
                StatedLimit {
                    per_second: None,
                    used_up_for: Some(Duration::from_secs(wait)),
                },
                now,
            );
            assert_eq!(pace.take(now), Err(now + Duration::from_secs(held)));
        }
    }

    #[test]
    fn a_learned_pace_is_kept_for_an_hour_and_fades_within_days() {
        let now = Instant::now();
        let aged = |start, hours| {
            let adaptive = Adaptive {
                enabled: true,
                start_per_second: start,
                learned: Some(Learned {
                    per_second: 16.0,
                    age: Duration::from_hours(hours),
                }),
            };
            Pace::new(adaptive, now).unwrap().own_per_second()
        };

        for (start, hours, expected) in [
            (1.0, 0, 16.0),
            (1.0, 1, 16.0),
            (1.0, 7, 4.0),
            (1.0, 13, 2.0),
            (1.0, 1000, 1.0),
            // Up again, where one starts high.
            (256.0, 7, 64.0),
        ] {
            let found = aged(start, hours);
            assert!((found - expected).abs() < 0.01, "{hours} h: {found}");
        }
    }

    #[test]
    fn a_faded_pace_grows_fast_again_and_a_fresh_one_with_care() {
        let now = Instant::now();
        let after_five_seconds = |age| {
            let adaptive = Adaptive {
                enabled: true,
                start_per_second: 4.0,
                learned: Some(Learned {
                    per_second: 4.0,
                    age,
                }),
            };
            let mut pace = Pace::new(adaptive, now).unwrap();
            run(&mut pace, now, 5);
            pace.own_per_second()
        };

        assert!(after_five_seconds(Duration::ZERO) < 4.8);
        assert!(after_five_seconds(Duration::from_hours(20)) > 7.0);
    }

    #[test]
    fn a_pace_above_what_was_sent_is_cut_to_what_was_sent() {
        let mut now = Instant::now();
        let mut pace = pace(Some(2000.0), now);
        for _ in 0..40 {
            assert_eq!(pace.take(now), Ok(()));
            now += ms(50);
        }

        pace.throttled(now, now);

        assert!((16.0..18.0).contains(&pace.own_per_second()), "{pace:?}");
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
            assert!((pace.own_per_second() - 2.0).abs() < 1e-9, "{learned:?}");
            for limit in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
                pace.stated(limit_of(limit), now);
                assert!((pace.per_second(now) - 2.0).abs() < 1e-9, "{limit}");
            }
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
            assert!(pace.own_per_second() >= FLOOR);
        }
    }
}
