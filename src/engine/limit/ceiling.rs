//! A ceiling the user set: so much a minute, exactly and without bursts.
//!
//! `governor` counts; what it lacks is added here. It has no queue, so a large request
//! starves beside small ones: the gate lets one request at a time ask (its callers wait in
//! line). It refuses what is larger than its burst: weights are split. It sleeps on a
//! thread of its own: waits are tokio's, so tests can run in virtual time. And it cannot
//! take anything back: what a dropped waiter had already taken is kept as credit.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// What the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceilings {
    pub requests_per_minute: Option<NonZeroU32>,
    pub chars_per_minute: Option<NonZeroU32>,
    pub audio_seconds_per_minute: Option<NonZeroU32>,
    /// Requests in flight at once.
    pub concurrency: NonZeroU32,
}

impl Ceilings {
    /// No limit but the number of requests in flight.
    pub fn only_concurrency(concurrency: NonZeroU32) -> Self {
        Self {
            requests_per_minute: None,
            chars_per_minute: None,
            audio_seconds_per_minute: None,
            concurrency,
        }
    }
}

/// Tokio's clock, which tests can move.
#[derive(Debug, Clone)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}

/// One ceiling. One waiter at a time.
#[derive(Debug)]
pub(super) struct Ceiling {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
    clock: TokioClock,
    burst: NonZeroU32,
    /// Taken from the limiter and not used.
    credit: AtomicU64,
}

impl Ceiling {
    /// `per_minute` units, of which as many may come at once as belong to `burst`.
    pub(super) fn new(per_minute: NonZeroU32, burst: Duration) -> Self {
        let clock = TokioClock {
            start: Instant::now(),
        };
        let units = u128::from(per_minute.get()) * burst.as_millis() / 60_000;
        let burst = u32::try_from(units)
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            burst,
            credit: AtomicU64::new(0),
        }
    }

    /// Starts taking `units`; see [`Share::take`].
    pub(super) fn share(&self, units: u64) -> Share<'_> {
        Share {
            ceiling: self,
            taken: 0,
            missing: units,
        }
    }
}

/// What one request takes from a ceiling. Given back when dropped before
/// [`Share::spend`].
#[derive(Debug)]
pub(super) struct Share<'a> {
    ceiling: &'a Ceiling,
    taken: u64,
    missing: u64,
}

impl Share<'_> {
    /// Takes what is free now. `Some(wait)` if something is missing that is free after it.
    pub(super) fn take(&mut self) -> Option<Duration> {
        let ceiling = self.ceiling;
        let saved = ceiling.credit.swap(0, Ordering::Relaxed);
        let used = saved.min(self.missing);
        ceiling.credit.fetch_add(saved - used, Ordering::Relaxed);
        self.got(used);
        while self.missing > 0 {
            let part = u32::try_from(self.missing)
                .ok()
                .and_then(NonZeroU32::new)
                .map_or(ceiling.burst, |missing| missing.min(ceiling.burst));
            match ceiling.limiter.check_n(part) {
                Ok(Ok(())) => self.got(u64::from(part.get())),
                Ok(Err(not_yet)) => return Some(not_yet.wait_time_from(ceiling.clock.now())),
                // A part is never larger than the burst; one beat later is a safe answer.
                Err(_) => return Some(Duration::from_secs(1)),
            }
        }
        None
    }

    fn got(&mut self, units: u64) {
        self.taken += units;
        self.missing -= units;
    }

    /// The request goes out: nothing is given back.
    pub(super) fn spend(mut self) {
        self.taken = 0;
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.ceiling.credit.fetch_add(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(ceiling: &Ceiling, units: u64) {
        let mut share = ceiling.share(units);
        while let Some(wait) = share.take() {
            tokio::time::sleep(wait).await;
        }
        share.spend();
    }

    fn ceiling(per_minute: u32) -> Ceiling {
        Ceiling::new(NonZeroU32::new(per_minute).unwrap(), Duration::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_carries_what_it_should_from_the_first_one_on() {
        let start = Instant::now();
        let ceiling = ceiling(6000);
        for _ in 0..100 {
            take(&ceiling, 600).await;
        }

        let minutes = start.elapsed().as_secs_f64() / 60.0;
        assert!((minutes - 10.0).abs() < 0.05, "{minutes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_larger_than_the_burst_and_the_minute_is_served() {
        let start = Instant::now();
        take(&ceiling(60), 180).await;

        assert!((start.elapsed().as_secs_f64() - 179.0).abs() < 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_leaves_gives_back_what_it_took() {
        let ceiling = ceiling(60);
        let start = Instant::now();
        {
            let mut left = ceiling.share(30);
            for _ in 0..20 {
                let wait = left.take().unwrap();
                tokio::time::sleep(wait).await;
            }
        }
        assert_eq!(start.elapsed().as_secs(), 20);

        take(&ceiling, 20).await;

        assert_eq!(start.elapsed().as_secs(), 20);
    }
}
