//! The gate that each request passes before it is sent.
//!
//! [`Gate::pass`] waits in line (first come, first served) for a free place, the circuit
//! breaker, the user's ceilings and the learned pace, in this order, and gives a [`Pass`]
//! that holds the place until it is dropped. What became of the request is told to the
//! pass; circuit breaker and pace learn from it. Nothing is spawned and no time is read but tokio's.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Quantity;
use crate::engine::limit::ceiling::Ceilings;
use crate::engine::limit::circuit::Admission;
use crate::engine::limit::jitter::Jitter;
use crate::engine::limit::pass::Pass;
use crate::engine::limit::saved_rate::Adaptive;
use crate::engine::limit::snapshot::{GateState, OpenCircuit};
use crate::engine::limit::state::{Go, Inner, Waiting};

/// Rate control and circuit breaker of one endpoint and model. Clones are the same gate.
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

    /// Waits until one request of `quantity` may go out. While the circuit is open that is
    /// not before its next try, and never when the account is refused.
    ///
    /// Cancel safety: dropping the future gives back everything, the place in line too.
    pub async fn pass(&self, quantity: Quantity) -> Pass {
        let inner = &*self.inner;
        let _waiting = Waiting::new(inner);
        let _turn = inner.turn.lock().await;
        let place = inner.place().await;
        let mut shares = inner.shares(quantity);
        loop {
            inner.circuit_admits().await;
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
                // The circuit opened while this one waited for a ceiling.
                Go::Stopped => {}
            }
        }
    }

    /// How many jobs it makes sense to hold claimed for this gate in all: what is in flight
    /// or can go within a second, at most twice as many as there are places, so that no
    /// place waits for the queue or for an answer to be checked. 0 while the circuit is open,
    /// 1 when a probe is due.
    pub fn claim_limit(&self) -> usize {
        let state = self.inner.state();
        let places = self.inner.ceilings.concurrency.get();
        let held = match state.circuit.admission(Instant::now()) {
            Admission::NotBefore(_) | Admission::OnChange => 0,
            Admission::Probe => 1,
            Admission::Pass => state
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

    /// Resolves when requests pass, or a probe may go: at once if that is so now.
    pub async fn ready(&self) {
        self.inner.circuit_admits().await;
    }

    /// Requests per second learned so far, to start with in the next run. `None` when the
    /// pace is not learned, and when it was never refused: then it says nothing of the limit.
    pub fn learned_rate(&self) -> Option<f64> {
        let state = self.inner.state();
        let pace = state.pace.as_ref()?;
        let is_confirmed = pace.was_saved() && state.succeeded > 0;
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
            open_circuit: state.circuit.outage(now).map(|outage| OpenCircuit {
                reason: outage.reason,
                since: now.saturating_duration_since(outage.since),
                next_try_in: outage
                    .until
                    .map(|until| until.saturating_duration_since(now)),
                from_retry_after: outage.from_retry_after,
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
