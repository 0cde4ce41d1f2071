//! The one door before an engine call.
//!
//! [`Gate::pass`] waits in line (first come, first served) for a free place, an open door,
//! the user's ceilings and the learned pace, in this order, and gives a [`Pass`] that
//! holds the place until it is dropped. What became of the request is told to the pass;
//! door and pace learn from it. Nothing is spawned and no time is read but tokio's.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Quantity;
use crate::engine::limit::adaptive::Adaptive;
use crate::engine::limit::door::Entry;
use crate::engine::limit::jitter::Jitter;
use crate::engine::limit::line::{Go, Inner, Waiting};
use crate::engine::limit::pass::Pass;
use crate::engine::limit::snapshot::{Closed, GateState};

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

/// Rate control and circuit of one endpoint and model. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

impl Gate {
    pub fn new(ceilings: Ceilings, adaptive: Adaptive) -> Self {
        Self::with_seed(ceilings, adaptive, Jitter::random_seed())
    }

    /// A gate whose jitter is repeatable.
    pub fn with_seed(ceilings: Ceilings, adaptive: Adaptive, seed: u64) -> Self {
        Self {
            inner: Arc::new(Inner::new(ceilings, adaptive, seed)),
        }
    }

    /// A gate that knows nothing but how many may be inside: for the local engine.
    pub fn only_concurrency(concurrency: NonZeroU32) -> Self {
        Self::new(Ceilings::only_concurrency(concurrency), Adaptive::OFF)
    }

    /// Waits until one request of `quantity` may go out. As long as the gate is closed
    /// that is never (account) or not before it opens.
    ///
    /// Cancel safety: dropping the future gives back everything, the place in line too.
    pub async fn pass(&self, quantity: Quantity) -> Pass {
        let inner = &*self.inner;
        let _waiting = Waiting::new(inner);
        let _turn = inner.turn.lock().await;
        let place = inner.place().await;
        let mut shares = inner.shares(quantity);
        loop {
            inner.door_opens().await;
            for (share, limit) in &mut shares {
                while let Some(wait) = share.take() {
                    inner.state().hold_back(*limit, Instant::now());
                    tokio::time::sleep(wait).await;
                }
            }
            match inner.go_out(Instant::now()) {
                Go::Now { probe } => {
                    for (share, _) in shares {
                        share.spend();
                    }
                    return Pass {
                        gate: Arc::clone(&self.inner),
                        _place: place,
                        sent: Instant::now(),
                        probe,
                    };
                }
                Go::At(then) => tokio::time::sleep_until(then).await,
                // The door closed while this one waited for a ceiling.
                Go::Closed => {}
            }
        }
    }

    /// How many jobs may usefully be claimed now: nobody is helped by a claim that waits
    /// here for longer than about a second. 0 while closed, 1 when a probe is due.
    pub fn free_slots(&self) -> usize {
        let state = self.inner.state();
        let busy = state.waiting.saturating_add(state.in_flight);
        let places = self.inner.ceilings.concurrency.get().saturating_sub(busy);
        let free = match state.door.entry(Instant::now()) {
            Entry::At(_) | Entry::OnChange => 0,
            Entry::AsProbe => places.min(1_u32.saturating_sub(state.waiting)),
            Entry::Free => places.min(self.inner.a_second_of(&state).saturating_sub(state.waiting)),
        };
        usize::try_from(free).unwrap_or(usize::MAX)
    }

    /// How many jobs it makes sense to hold claimed for this gate in all: what is in flight
    /// or can go within a second, at most twice as many as there are places, so that no
    /// place waits for the queue or for an answer to be checked. 0 while closed, 1 when a
    /// probe is due.
    pub fn appetite(&self) -> usize {
        let state = self.inner.state();
        let places = self.inner.ceilings.concurrency.get();
        let held = match state.door.entry(Instant::now()) {
            Entry::At(_) | Entry::OnChange => 0,
            Entry::AsProbe => 1,
            Entry::Free => state
                .in_flight
                .saturating_add(self.inner.a_second_of(&state))
                .min(places.saturating_mul(2)),
        };
        usize::try_from(held).unwrap_or(usize::MAX)
    }

    /// How long the provider has been down; `None` while it is well.
    pub fn down_for(&self) -> Option<Duration> {
        self.inner.state().down_since.map(|since| since.elapsed())
    }

    /// Resolves when [`Gate::free_slots`] is not 0.
    pub async fn has_room(&self) {
        self.inner.until(|| self.free_slots() > 0).await;
    }

    /// When the gate opens by itself, if it is closed and that is known.
    pub fn opens_at(&self) -> Option<Instant> {
        match self.inner.state().door.entry(Instant::now()) {
            Entry::At(until) => Some(until),
            Entry::Free | Entry::AsProbe | Entry::OnChange => None,
        }
    }

    /// Resolves when the gate is open or a probe may go: at once if that is so now.
    pub async fn opened(&self) {
        self.inner.door_opens().await;
    }

    /// Ends the closing for an account fault (a new key, more credit): one probe goes out.
    pub fn reopen(&self) {
        self.inner.state().door.reopen(Instant::now());
        self.inner.changed.notify_waiters();
    }

    /// Requests per second learned so far, to start with in the next run. `None` when the
    /// pace is not learned, and when it was never refused: then it is no lesson.
    pub fn learned_rate(&self) -> Option<f64> {
        let state = self.inner.state();
        let pace = state.pace.as_ref()?;
        let is_confirmed = pace.was_learned() && state.succeeded > 0;
        (state.throttled > 0 || is_confirmed).then(|| pace.own_per_second())
    }

    /// How things stand, for status lines.
    pub fn snapshot(&self) -> GateState {
        let now = Instant::now();
        let state = self.inner.state();
        GateState {
            rate: state.pace.as_ref().map(|pace| pace.per_second(now)),
            is_rising: state.pace.as_ref().is_some_and(|pace| pace.is_rising(now)),
            ceilings: self.inner.ceilings,
            in_flight: state.in_flight,
            waiting: state.waiting,
            closed: state.door.closed(now).map(|shut| Closed {
                reason: shut.reason,
                since: now.saturating_duration_since(shut.since),
                opens_in: shut.until.map(|until| until.saturating_duration_since(now)),
                is_asked_for: shut.is_asked_for,
                trouble: state.last_trouble.clone(),
            }),
            held_back_by: state.held_back_by(now),
            succeeded: state.succeeded,
            throttled: state.throttled,
            overloaded: state.overloaded,
            last_throttle: state
                .last_throttle
                .map(|at| now.saturating_duration_since(at)),
        }
    }
}
