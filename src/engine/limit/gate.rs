//! The one door before an engine call.
//!
//! [`Gate::pass`] waits in line (first come, first served) for a free place, an open door,
//! the user's ceilings and the learned pace, in this order, and gives a [`Pass`] that
//! holds the place until it is dropped. What became of the request is told to the pass;
//! door and pace learn from it. Nothing is spawned and no time is read but tokio's.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::domain::Quantity;
use crate::engine::limit::adaptive::{Adaptive, Pace};
use crate::engine::limit::ceiling::{Ceiling, Share};
use crate::engine::limit::door::{Door, Entry};
use crate::engine::limit::jitter::Jitter;
use crate::engine::limit::pass::Pass;
use crate::engine::limit::snapshot::{Closed, GateState, HeldBackBy};

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

#[derive(Debug)]
pub(super) struct Inner {
    concurrency: NonZeroU32,
    places: Arc<Semaphore>,
    /// Held by the one who is next; tokio's mutex is fair.
    turn: tokio::sync::Mutex<()>,
    requests: Option<Ceiling>,
    chars: Option<Ceiling>,
    audio_seconds: Option<Ceiling>,
    state: Mutex<State>,
    /// Told whenever somebody who waits should look again.
    pub(super) changed: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) door: Door,
    pub(super) pace: Option<Pace>,
    pub(super) jitter: Jitter,
    pub(super) waiting: u32,
    pub(super) in_flight: u32,
    pub(super) held_back_by: HeldBackBy,
    pub(super) succeeded: u64,
    pub(super) throttled: u64,
    pub(super) overloaded: u64,
    /// First overload since the provider last worked.
    pub(super) down_since: Option<Instant>,
}

impl Gate {
    pub fn new(ceilings: Ceilings, adaptive: Adaptive) -> Self {
        Self::with_seed(ceilings, adaptive, Jitter::random_seed())
    }

    /// A gate whose jitter is repeatable.
    pub fn with_seed(ceilings: Ceilings, adaptive: Adaptive, seed: u64) -> Self {
        let places = usize::try_from(ceilings.concurrency.get())
            .unwrap_or(Semaphore::MAX_PERMITS)
            .min(Semaphore::MAX_PERMITS);
        // A second of text or audio may come at once; of requests only what a late timer owes.
        let smooth = |limit: Option<NonZeroU32>, burst: u64| {
            limit.map(|limit| Ceiling::new(limit, Duration::from_millis(burst)))
        };
        Self {
            inner: Arc::new(Inner {
                concurrency: ceilings.concurrency,
                places: Arc::new(Semaphore::new(places)),
                turn: tokio::sync::Mutex::new(()),
                requests: smooth(ceilings.requests_per_minute, 50),
                chars: smooth(ceilings.chars_per_minute, 1000),
                audio_seconds: smooth(ceilings.audio_seconds_per_minute, 1000),
                state: Mutex::new(State {
                    door: Door::new(),
                    pace: Pace::new(adaptive, Instant::now()),
                    jitter: Jitter(seed),
                    waiting: 0,
                    in_flight: 0,
                    held_back_by: HeldBackBy::Nothing,
                    succeeded: 0,
                    throttled: 0,
                    overloaded: 0,
                    down_since: None,
                }),
                changed: Notify::new(),
            }),
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
                    inner.state().held_back_by = *limit;
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
        let places = self.inner.concurrency.get().saturating_sub(busy);
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
        let places = self.inner.concurrency.get();
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

    /// The provider's headers state a limit of `per_second` requests: the learned pace
    /// stays below it. No effect on a gate without one.
    pub fn stated_limit(&self, per_second: f64) {
        if let Some(pace) = &mut self.inner.state().pace {
            pace.bound_to(per_second);
        }
    }

    /// Requests per second learned so far, to start with in the next run. `None` when
    /// the pace is not learned, or nothing was accepted or throttled yet.
    pub fn learned_rate(&self) -> Option<f64> {
        let state = self.inner.state();
        let known = state.succeeded > 0 || state.throttled > 0;
        state.pace.as_ref().filter(|_| known).map(Pace::per_second)
    }

    /// How things stand, for status lines.
    pub fn snapshot(&self) -> GateState {
        let now = Instant::now();
        let inner = &*self.inner;
        let per_minute = |ceiling: &Option<Ceiling>| ceiling.as_ref().map(Ceiling::per_minute);
        let state = inner.state();
        GateState {
            rate: state.pace.as_ref().map(Pace::per_second),
            ceilings: Ceilings {
                requests_per_minute: per_minute(&inner.requests),
                chars_per_minute: per_minute(&inner.chars),
                audio_seconds_per_minute: per_minute(&inner.audio_seconds),
                concurrency: inner.concurrency,
            },
            in_flight: state.in_flight,
            waiting: state.waiting,
            closed: state.door.closed(now).map(|(reason, until)| Closed {
                reason,
                opens_in: until.map(|until| until.saturating_duration_since(now)),
            }),
            held_back_by: state.held_back_by,
            succeeded: state.succeeded,
            throttled: state.throttled,
            overloaded: state.overloaded,
        }
    }
}

enum Go {
    Now { probe: bool },
    At(Instant),
    Closed,
}

impl Inner {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        if self.places.available_permits() == 0 {
            self.state().held_back_by = HeldBackBy::Concurrency;
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        place.expect("the semaphore is never closed")
    }

    /// What a request of `quantity` takes from the ceilings.
    fn shares(&self, quantity: Quantity) -> Vec<(Share<'_>, HeldBackBy)> {
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

    /// The last step, in one: through the door, at the pace.
    fn go_out(&self, now: Instant) -> Go {
        let mut state = self.state();
        let entry = state.door.entry(now);
        let probe = match entry {
            Entry::Free => false,
            Entry::AsProbe => true,
            Entry::At(_) | Entry::OnChange => return Go::Closed,
        };
        if let Some(pace) = &mut state.pace
            && let Err(then) = pace.take(now)
        {
            state.held_back_by = HeldBackBy::Pace;
            return Go::At(then);
        }
        state.door.enter(entry);
        state.in_flight += 1;
        Go::Now { probe }
    }

    /// How many may wait here so that the last goes out in about a second.
    fn a_second_of(&self, state: &State) -> u32 {
        let slow = match state.held_back_by {
            // Requests differ in size, so only the one in front is known to be waiting.
            HeldBackBy::CharsPerMinute | HeldBackBy::AudioSecondsPerMinute if state.waiting > 0 => {
                Some(1)
            }
            _ => None,
        };
        let ceiling = self
            .requests
            .as_ref()
            .map(|limit| limit.per_minute().get() / 60);
        let pace = state.pace.as_ref().map(|pace| whole(pace.per_second()));
        [slow, ceiling, pace]
            .into_iter()
            .flatten()
            .min()
            .map_or(u32::MAX, |second| second.max(1))
    }

    async fn door_opens(&self) {
        self.until(|| {
            let entry = self.state().door.entry(Instant::now());
            matches!(entry, Entry::Free | Entry::AsProbe)
        })
        .await;
    }

    /// Waits for changes, and for the door's own time, until `ready`.
    async fn until(&self, ready: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listen before looking, or a change in between is missed.
            changed.as_mut().enable();
            if ready() {
                return;
            }
            let entry = self.state().door.entry(Instant::now());
            match entry {
                Entry::At(then) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(then) => {}
                    }
                }
                Entry::Free | Entry::AsProbe | Entry::OnChange => changed.await,
            }
        }
    }
}

/// One who stands in line.
struct Waiting<'a>(&'a Inner);

impl<'a> Waiting<'a> {
    fn new(inner: &'a Inner) -> Self {
        let mut state = inner.state();
        if state.waiting == 0 {
            state.held_back_by = HeldBackBy::Nothing;
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
