//! The circuit breaker of one endpoint and model: whether requests may go out at all.
//!
//! Closed, requests pass. It opens, and stops them, when the provider throttles (until the
//! header says), when it fails [`FAILURES_TO_OPEN`] times in a row, and when it refuses the
//! account. After the wait it is half open: **one** request goes out as a probe; its fate
//! closes the circuit or opens it for longer, up to half a minute. Only the first throttle
//! after a success needs no probe: that one was about pace, and the pace was cut. A refused
//! account disables it for the rest of the run.
//!
//! Pure: the caller says what time it is and supplies the jitter.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::delay::{DelayRules, delay};

/// Failures in a row that say the provider is not well, and not that one request was unlucky.
const FAILURES_TO_OPEN: u32 = 5;

/// Waits between probes when the provider states none.
const PROBE_DELAYS: DelayRules = DelayRules {
    base: Duration::from_secs(1),
    factor: 2.0,
    cap: Duration::from_secs(30),
};

/// Why no request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// 429: asked to wait.
    Throttled,
    /// 5xx, no connection, no answer in time, several times in a row.
    Overloaded,
    /// 401, 402, 403: a person has to act.
    Account,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// Nothing goes before `until`; then a probe, or everything.
    Open {
        until: Instant,
        probe: bool,
    },
    /// A probe is on its way.
    HalfOpen,
    /// The account is refused: for the rest of the run.
    Disabled,
}

/// Whether a request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Pass,
    /// As the only one; the outcome decides.
    Probe,
    NotBefore(Instant),
    /// Not before the outcome of another request changes the state.
    OnChange,
}

/// Why and since when no request goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) reason: Reason,
    /// When it opened first, without a success since.
    pub(super) since: Instant,
    /// `None`: until a probe's outcome decides, or (account) for the rest of the run.
    pub(super) until: Option<Instant>,
    /// The provider said how long.
    pub(super) from_retry_after: bool,
}

#[derive(Debug)]
pub(super) struct CircuitBreaker {
    state: State,
    reason: Reason,
    /// When it last opened: outcomes of requests sent before are about the time before.
    opened_at: Option<Instant>,
    /// When it opened first, without a success since.
    since: Option<Instant>,
    /// The provider said how long.
    from_retry_after: bool,
    /// How often it opened without a success in between.
    openings: u32,
    failures_in_a_row: u32,
}

impl CircuitBreaker {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed,
            reason: Reason::Throttled,
            opened_at: None,
            since: None,
            from_retry_after: false,
            openings: 0,
            failures_in_a_row: 0,
        }
    }

    /// Whether a request may go out now. Changes nothing.
    pub(super) fn admission(&self, now: Instant) -> Admission {
        match self.state {
            State::Open { until, .. } if now < until => Admission::NotBefore(until),
            State::Open { probe: true, .. } => Admission::Probe,
            State::Open { probe: false, .. } | State::Closed => Admission::Pass,
            State::HalfOpen | State::Disabled => Admission::OnChange,
        }
    }

    /// A request goes out as `admission` allowed.
    pub(super) fn admit(&mut self, admission: Admission) {
        self.state = match admission {
            Admission::Probe => State::HalfOpen,
            _ => State::Closed,
        };
    }

    /// Why requests are stopped, and until when if that is known. `None` while they pass.
    pub(super) fn outage(&self, now: Instant) -> Option<Outage> {
        let until = match self.state {
            State::Closed => return None,
            State::Open {
                probe: false,
                until,
            } if until <= now => return None,
            State::Open { until, .. } => Some(until),
            State::HalfOpen | State::Disabled => None,
        };
        Some(Outage {
            reason: self.reason,
            since: self.since.unwrap_or(now),
            until,
            from_retry_after: self.from_retry_after && until.is_some(),
        })
    }

    /// Whether requests were stopped because nobody answered, or not well.
    pub(super) fn is_outage(&self) -> bool {
        self.reason == Reason::Overloaded && self.since.is_some()
    }

    /// The provider answered a request sent at `sent`.
    pub(super) fn succeeded(&mut self, probe: bool, sent: Instant) {
        self.failures_in_a_row = 0;
        let outdated = self.opened_at.is_some_and(|opened| sent < opened);
        if self.state == State::Disabled || outdated {
            return;
        }
        self.openings = 0;
        self.since = None;
        if probe || self.state != State::HalfOpen {
            self.state = State::Closed;
        }
    }

    pub(super) fn throttled(
        &mut self,
        probe: bool,
        sent: Instant,
        retry_after: Option<Duration>,
        now: Instant,
        jitter: f64,
    ) {
        self.failures_in_a_row = 0;
        self.open(Reason::Throttled, probe, sent, retry_after, now, jitter);
    }

    pub(super) fn overloaded(
        &mut self,
        probe: bool,
        sent: Instant,
        retry_after: Option<Duration>,
        now: Instant,
        jitter: f64,
    ) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if probe || self.failures_in_a_row >= FAILURES_TO_OPEN {
            self.open(Reason::Overloaded, probe, sent, retry_after, now, jitter);
        }
    }

    /// The account is refused: only a person can change that, and a new run sees it.
    pub(super) fn disable(&mut self, now: Instant) {
        self.state = State::Disabled;
        self.reason = Reason::Account;
        self.since = Some(now);
        self.opened_at = Some(now);
    }

    /// A probe ended without an outcome: the next request may try at once.
    pub(super) fn probe_dropped(&mut self, now: Instant) {
        if self.state == State::HalfOpen {
            self.state = State::Open {
                until: now,
                probe: true,
            };
        }
    }

    fn open(
        &mut self,
        reason: Reason,
        probe: bool,
        sent: Instant,
        retry_after: Option<Duration>,
        now: Instant,
        jitter: f64,
    ) {
        if self.state == State::Disabled {
            return;
        }
        let outdated = !probe && self.opened_at.is_some_and(|opened| sent < opened);
        if outdated {
            // One of a crowd: it may only move the end, when the provider says so.
            if let (State::Open { until, probe }, Some(asked)) = (self.state, retry_after) {
                let asked = now + delay(PROBE_DELAYS, 0, Some(asked), 0.0);
                self.from_retry_after |= asked > until;
                self.state = State::Open {
                    until: until.max(asked),
                    probe,
                };
            }
            return;
        }
        self.openings = self.openings.saturating_add(1);
        self.since.get_or_insert(now);
        // One gate is no crowd, and the pace spreads what follows: the provider's asked is
        // taken as it is, and half of an own wait is certain. One that keeps saying "in a
        // second" and keeps refusing is asked as rarely as one that says nothing.
        let asked = retry_after.map(|asked| delay(PROBE_DELAYS, 0, Some(asked), 0.0));
        let own = match (asked, self.openings) {
            (Some(_), 1) => Duration::ZERO,
            (_, openings) => delay(PROBE_DELAYS, openings, None, 0.5 + jitter / 2.0),
        };
        self.from_retry_after = asked.is_some_and(|asked| asked >= own);
        self.state = State::Open {
            until: now + own.max(asked.unwrap_or_default()),
            probe: reason != Reason::Throttled || self.openings > 1,
        };
        self.reason = reason;
        self.opened_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn overload(circuit: &mut CircuitBreaker, sent: Instant, now: Instant) {
        circuit.overloaded(false, sent, None, now, 1.0);
    }

    #[test]
    fn a_single_failure_opens_nothing_but_five_in_a_row_do() {
        let now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        for _ in 0..4 {
            overload(&mut circuit, now, now);
        }
        circuit.succeeded(false, now);
        for _ in 0..4 {
            overload(&mut circuit, now, now);
        }
        assert_eq!(circuit.admission(now), Admission::Pass);

        overload(&mut circuit, now, now);

        assert_eq!(circuit.admission(now), Admission::NotBefore(now + s(1)));
        let outage = circuit.outage(now).unwrap();
        assert_eq!(
            (outage.reason, outage.until, outage.from_retry_after),
            (Reason::Overloaded, Some(now + s(1)), false)
        );
    }

    #[test]
    fn after_the_wait_one_probe_goes_and_its_failure_doubles_the_wait_to_half_a_minute() {
        let mut now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        for _ in 0..5 {
            overload(&mut circuit, now, now);
        }
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(circuit.admission(now), Admission::NotBefore(now + s(wait)));
            now += s(wait);
            assert_eq!(circuit.admission(now), Admission::Probe);
            circuit.admit(Admission::Probe);
            assert_eq!(circuit.admission(now), Admission::OnChange);
            circuit.overloaded(true, now, None, now, 1.0);
        }
        now += s(30);
        circuit.admit(Admission::Probe);
        circuit.succeeded(true, now);
        assert_eq!(circuit.admission(now), Admission::Pass);
        assert_eq!(circuit.outage(now), None);
    }

    #[test]
    fn the_first_throttle_ends_without_a_probe_and_the_second_with_one() {
        let now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        circuit.throttled(false, now, Some(s(3)), now, 0.0);
        let open = now + s(3);
        assert_eq!(circuit.admission(now), Admission::NotBefore(open));
        assert_eq!(circuit.admission(open), Admission::Pass);
        circuit.admit(Admission::Pass);

        circuit.throttled(false, open, Some(s(3)), open, 0.0);

        assert_eq!(circuit.admission(open + s(4)), Admission::Probe);
    }

    #[test]
    fn a_provider_that_always_says_in_a_second_is_asked_twice_a_minute() {
        let mut now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            let probe = circuit.admission(now) == Admission::Probe;
            circuit.admit(circuit.admission(now));
            circuit.throttled(probe, now, Some(s(1)), now, 1.0);
            assert_eq!(circuit.admission(now), Admission::NotBefore(now + s(wait)));
            assert_eq!(circuit.outage(now).unwrap().from_retry_after, wait == 1);
            now += s(wait);
        }
    }

    #[test]
    fn late_answers_of_a_crowd_do_not_open_it_again() {
        let now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        for _ in 0..100 {
            circuit.throttled(false, now, None, now + s(1), 1.0);
        }
        assert_eq!(circuit.openings, 1);
        // A later asked of the provider moves the end.
        circuit.throttled(false, now, Some(s(60)), now + s(1), 1.0);
        assert_eq!(
            circuit.admission(now + s(60)),
            Admission::NotBefore(now + s(61))
        );
        // A late success is about the time before.
        circuit.succeeded(false, now);
        assert_eq!(
            circuit.admission(now + s(60)),
            Admission::NotBefore(now + s(61))
        );
    }

    #[test]
    fn a_refused_account_stops_requests_whatever_comes_after_it() {
        let now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        circuit.disable(now);
        circuit.throttled(false, now + s(1), Some(s(1)), now + s(1), 0.0);
        circuit.succeeded(false, now + s(1));
        assert_eq!(circuit.admission(now + s(9999)), Admission::OnChange);
        let outage = circuit.outage(now).unwrap();
        assert_eq!((outage.reason, outage.until), (Reason::Account, None));
    }

    #[test]
    fn a_probe_that_says_nothing_leaves_the_place_to_the_next() {
        let now = Instant::now();
        let mut circuit = CircuitBreaker::new();
        for _ in 0..5 {
            overload(&mut circuit, now, now);
        }
        circuit.admit(Admission::Probe);

        circuit.probe_dropped(now + s(2));

        assert_eq!(circuit.admission(now + s(2)), Admission::Probe);
    }
}
