//! Leave to send one request, and what its outcome teaches the gate.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::domain::FaultClass;
use crate::engine::limit::state::Inner;
use crate::engine::{Answer, EngineError};

/// Leave to send one request. Dropping it frees the place; tell it first what became of
/// the request. Untold, nothing is learned.
#[derive(Debug)]
#[must_use = "the place is free again as soon as this is dropped"]
pub struct Pass {
    pub(super) gate: Arc<Inner>,
    pub(super) _place: OwnedSemaphorePermit,
    pub(super) sent: Instant,
    /// The only request while the circuit is half open.
    pub(super) probe: bool,
}

impl Pass {
    /// Whether this request is to find out if the provider is there again after an outage.
    pub fn is_after_an_outage(&self) -> bool {
        self.probe && self.gate.state().circuit.is_outage()
    }

    /// A usable answer came; what its headers say of limits is taken over.
    pub fn answered(self, answer: &Answer) {
        self.gate.state().stated(answer.stated, Instant::now());
        self.succeeded();
    }

    /// A usable answer came.
    pub fn succeeded(self) {
        let now = Instant::now();
        let mut state = self.gate.state();
        state.succeeded += 1;
        state.down_since = None;
        if let Some(pace) = &mut state.pace {
            pace.accepted(self.sent, now);
        }
        state.circuit.succeeded(self.probe, self.sent);
    }

    /// 429: the pace is cut and the circuit open for `retry_after`, or for a second and more.
    pub fn throttled(self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.gate.state();
        state.throttled += 1;
        state.last_throttle = Some(now);
        // A probe was alone: that it failed says nothing about the pace.
        if let (Some(pace), false) = (&mut state.pace, self.probe) {
            pace.throttled(self.sent, now);
        }
        let jitter = state.jitter.next();
        state
            .circuit
            .throttled(self.probe, self.sent, retry_after, now, jitter);
    }

    /// 5xx, no connection, no answer in time: the circuit opens after several in a row. The pace stays.
    pub fn overloaded(self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.gate.state();
        state.overloaded += 1;
        state.down_since.get_or_insert(now);
        let jitter = state.jitter.next();
        state
            .circuit
            .overloaded(self.probe, self.sent, retry_after, now, jitter);
    }

    /// 401, 402, 403: nothing is sent through this gate any more.
    pub fn account(self) {
        self.gate.state().circuit.disable(Instant::now());
    }

    /// The provider answered, but this request was refused or its answer unusable: it is
    /// there, and that is all.
    pub fn other(self) {
        let mut state = self.gate.state();
        state.down_since = None;
        state.circuit.succeeded(self.probe, self.sent);
    }

    /// What follows from `error`, by its class.
    pub fn failed(self, error: &EngineError) {
        let mut state = self.gate.state();
        state.stated(error.stated, Instant::now());
        if error.class.opens_the_circuit() {
            state.last_trouble = Some(error.detail.clone());
        }
        drop(state);
        match error.class {
            FaultClass::Throttled => self.throttled(error.retry_after),
            FaultClass::Overloaded | FaultClass::TimedOut => self.overloaded(error.retry_after),
            FaultClass::Account => self.account(),
            FaultClass::Refused | FaultClass::BadAnswer => self.other(),
            // Nothing reached the provider: nothing is known.
            FaultClass::Local | FaultClass::Child | FaultClass::Poison => {}
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.in_flight -= 1;
        if self.probe {
            state.circuit.probe_dropped(Instant::now());
        }
        drop(state);
        self.gate.changed.notify_waiters();
    }
}
