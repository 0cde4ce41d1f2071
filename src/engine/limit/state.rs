//! What all clones of a gate share: its places, ceilings, circuit breaker, pace and counts,
//! and each step that a waiting request takes. [`Inner::go_out`] is the last step, in one.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::domain::Quantity;
use crate::engine::StatedLimit;
use crate::engine::limit::ceiling::{Ceiling, Ceilings, Share};
use crate::engine::limit::circuit::{Admission, CircuitBreaker};
use crate::engine::limit::jitter::Jitter;
use crate::engine::limit::pace::Pace;
use crate::engine::limit::saved_rate::Adaptive;
use crate::engine::limit::snapshot::HeldBackBy;

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) ceilings: Ceilings,
    places: Arc<Semaphore>,
    /// Held by the one who is next; tokio's mutex is fair.
    pub(super) turn: tokio::sync::Mutex<()>,
    requests: Option<Ceiling>,
    chars: Option<Ceiling>,
    audio_seconds: Option<Ceiling>,
    state: Mutex<State>,
    /// Told whenever somebody who waits should look again.
    pub(super) changed: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) circuit: CircuitBreaker,
    pub(super) pace: Option<Pace>,
    pub(super) jitter: Jitter,
    pub(super) waiting: u32,
    pub(super) in_flight: u32,
    /// What the last one in line had to wait for, and when.
    held_back: Option<(HeldBackBy, Instant)>,
    pub(super) succeeded: u64,
    pub(super) throttled: u64,
    pub(super) overloaded: u64,
    pub(super) last_throttle: Option<Instant>,
    /// The words of the last throttle or overload.
    pub(super) last_trouble: Option<String>,
    /// First overload since the provider last worked.
    pub(super) down_since: Option<Instant>,
}

impl State {
    pub(super) fn hold_back(&mut self, by: HeldBackBy, now: Instant) {
        self.held_back = Some((by, now));
    }

    /// What holds requests back at `now`: of those who wait now or waited a moment ago.
    pub(super) fn held_back_by(&self, now: Instant) -> Option<HeldBackBy> {
        let (by, at) = self.held_back?;
        let is_recent = now.saturating_duration_since(at) <= A_MOMENT;
        (self.waiting > 0 || is_recent).then_some(by)
    }

    /// Takes over what the headers of an answer say of limits.
    pub(super) fn stated(&mut self, stated: StatedLimit, now: Instant) {
        if let Some(pace) = &mut self.pace {
            pace.stated(stated, now);
        }
    }
}

/// Between two requests that had to wait there may be some that had not.
const A_MOMENT: Duration = Duration::from_secs(5);

pub(super) enum Go {
    Now {
        probe: bool,
    },
    At(Instant),
    /// The circuit is open.
    Stopped,
}

impl Inner {
    pub(super) fn new(ceilings: Ceilings, adaptive: Adaptive, seed: u64) -> Self {
        let places = usize::try_from(ceilings.concurrency.get())
            .unwrap_or(Semaphore::MAX_PERMITS)
            .min(Semaphore::MAX_PERMITS);
        // A second of text or audio may come at once; of requests only what a late timer owes.
        let smooth = |limit: Option<NonZeroU32>, burst: u64| {
            limit.map(|limit| Ceiling::new(limit, Duration::from_millis(burst)))
        };
        Self {
            ceilings,
            places: Arc::new(Semaphore::new(places)),
            turn: tokio::sync::Mutex::new(()),
            requests: smooth(ceilings.requests_per_minute, 50),
            chars: smooth(ceilings.chars_per_minute, 1000),
            audio_seconds: smooth(ceilings.audio_seconds_per_minute, 1000),
            state: Mutex::new(State {
                circuit: CircuitBreaker::new(),
                pace: Pace::new(adaptive, Instant::now()),
                jitter: Jitter(seed),
                waiting: 0,
                in_flight: 0,
                held_back: None,
                succeeded: 0,
                throttled: 0,
                overloaded: 0,
                last_throttle: None,
                last_trouble: None,
                down_since: None,
            }),
            changed: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        if self.places.available_permits() == 0 {
            self.state()
                .hold_back(HeldBackBy::Concurrency, Instant::now());
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        place.expect("the semaphore is never closed")
    }

    /// What a request of `quantity` takes from the ceilings.
    pub(super) fn shares(&self, quantity: Quantity) -> Vec<(Share<'_>, HeldBackBy)> {
        let (chars, seconds) = match quantity {
            Quantity::Chars(chars) => (chars.0, 0),
            Quantity::Audio(audio) => (0, audio.0.div_ceil(1000)),
            Quantity::Nothing => (0, 0),
        };
        [
            (&self.requests, 1, HeldBackBy::RequestsPerMinute),
            (&self.chars, chars, HeldBackBy::CharsPerMinute),
            (
                &self.audio_seconds,
                seconds,
                HeldBackBy::AudioSecondsPerMinute,
            ),
        ]
        .into_iter()
        .filter_map(|(ceiling, units, limit)| Some((ceiling.as_ref()?.share(units), limit)))
        .collect()
    }

    /// The last step, in one: through the circuit breaker, at the pace.
    pub(super) fn go_out(&self, now: Instant) -> Go {
        let mut state = self.state();
        let admission = state.circuit.admission(now);
        let probe = match admission {
            Admission::Pass => false,
            Admission::Probe => true,
            Admission::NotBefore(_) | Admission::OnChange => return Go::Stopped,
        };
        if let Some(pace) = &mut state.pace
            && let Err(then) = pace.take(now)
        {
            let by = if pace.is_bound(now) {
                HeldBackBy::StatedLimit
            } else {
                HeldBackBy::Pace
            };
            state.hold_back(by, now);
            return Go::At(then);
        }
        state.circuit.admit(admission);
        state.in_flight += 1;
        Go::Now { probe }
    }

    /// How many may wait here so that the last goes out in about a second.
    pub(super) fn a_second_of(&self, state: &State) -> u32 {
        let slow = match state.held_back {
            // Requests differ in size, so only the one in front is known to be waiting.
            Some((HeldBackBy::CharsPerMinute | HeldBackBy::AudioSecondsPerMinute, _))
                if state.waiting > 0 =>
            {
                Some(1)
            }
            _ => None,
        };
        let ceiling = self
            .ceilings
            .requests_per_minute
            .map(|limit| limit.get() / 60);
        let now = Instant::now();
        let pace = state.pace.as_ref().map(|pace| whole(pace.per_second(now)));
        [slow, ceiling, pace]
            .into_iter()
            .flatten()
            .min()
            .map_or(u32::MAX, |second| second.max(1))
    }

    /// Waits for outcomes, and for the circuit's own time, until it lets a request pass.
    pub(super) async fn circuit_admits(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listen before looking, or a change in between is missed.
            changed.as_mut().enable();
            let admission = self.state().circuit.admission(Instant::now());
            match admission {
                Admission::Pass | Admission::Probe => return,
                Admission::NotBefore(then) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(then) => {}
                    }
                }
                Admission::OnChange => changed.await,
            }
        }
    }
}

/// One who stands in line.
pub(super) struct Waiting<'a>(&'a Inner);

impl<'a> Waiting<'a> {
    pub(super) fn new(inner: &'a Inner) -> Self {
        let mut state = inner.state();
        if state.waiting == 0 {
            let now = Instant::now();
            // What held the last line back says nothing about this one.
            state.held_back = state.held_back_by(now).map(|by| (by, now));
        }
        state.waiting += 1;
        drop(state);
        Self(inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
        self.0.changed.notify_waiters();
    }
}

/// `number` rounded up; too large becomes the largest.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to int saturates, and a pace is positive"
)]
fn whole(number: f64) -> u32 {
    number.ceil() as u32
}
