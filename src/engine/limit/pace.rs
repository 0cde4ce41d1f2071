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
use crate::engine::limit::curve::{CUT, Curve, QUICK_RETURN};
use crate::engine::limit::saved_rate::Adaptive;

/// Slowest and fastest pace, requests per second.
const FLOOR: f64 = 0.1;
const CEILING: f64 = 10_000.0;
/// What a throttle soon after the last cut leaves: that cut was not deep enough.
const SECOND_CUT: f64 = 0.7;
const SOON: Duration = Duration::from_secs(8);
const CUT_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Growth per second until the first throttle: doubles in five seconds.
const FAST: f64 = 0.15;
/// How long a stated limit counts after the answer that stated it. No window of a request
/// limit that providers state is longer.
const STATED_FOR: Duration = Duration::from_mins(1);

/// The learned pace and when the next request may go.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    per_second: f64,
    /// `None` before the first throttle.
    curve: Option<Curve>,
    /// A bound from the provider's own headers, and when it was stated.
    bound: Option<(f64, Instant)>,
    /// It began with what an earlier run saved.
    was_saved: bool,
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
            .saved
            .filter(|known| known.per_second.is_finite() && known.per_second > 0.0);
        let start = usable(adaptive.start_per_second);
        let per_second = known.map_or(start, |known| usable(known.faded_to(start)));
        Some(Self {
            per_second,
            // What was saved of late is near the limit: no fast growth from there.
            curve: known
                .filter(|known| known.is_fresh())
                .map(|_| Curve::from_cut(per_second, QUICK_RETURN)),
            bound: None,
            was_saved: known.is_some(),
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

    pub(super) fn was_saved(&self) -> bool {
        self.was_saved
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
                curve.goes_on(since);
                curve.per_second()
            }
        };
        self.per_second = pace.clamp(FLOOR, CEILING);
    }

    /// A request that went out at `sent` was throttled. One cut per crowd: requests sent
    /// before the last cut say nothing new. And none when nothing was accepted since: a
    /// limit that is too low for the pace still lets some through, so this is a full stop,
    /// which the circuit breaker deals with.
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
mod tests;
