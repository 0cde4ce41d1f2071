//! Whether requests may go out at all: the circuit of one endpoint and model.
//!
//! It closes when the provider throttles (until the header says), when it fails
//! [`OVERLOADS_TO_CLOSE`] times in a row, and when it refuses the account. After the wait
//! it lets **one** request through as a probe; the probe's fate opens it or closes it for
//! longer, up to half a minute. Only the first throttle after a success opens without a
//! probe: that one was about pace, and the pace was cut.
//!
//! Pure: the caller says what time it is and supplies the jitter.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::delay::{DelayRules, delay};

/// Failures in a row that say the provider is not well, and not that one request was unlucky.
const OVERLOADS_TO_CLOSE: u32 = 5;

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
    Open,
    /// Nothing goes before `until`; then a probe, or everything.
    Shut {
        until: Instant,
        probe: bool,
    },
    /// A probe is on its way.
    Probing,
    /// Until a person reopens.
    Barred,
}

/// What the door says to somebody who wants to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Free,
    /// As the only one; the outcome decides.
    AsProbe,
    /// Not before this instant.
    At(Instant),
    /// Not before somebody else's outcome, or a person, changes the state.
    OnChange,
}

/// A closed door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shut {
    pub(super) reason: Reason,
    /// When the trouble began.
    pub(super) since: Instant,
    /// `None`: until a probe's fate or a person decides.
    pub(super) until: Option<Instant>,
    pub(super) is_asked_for: bool,
}

#[derive(Debug)]
pub(super) struct Door {
    state: State,
    reason: Reason,
    /// When it last closed: older requests' outcomes are about the time before.
    shut_at: Option<Instant>,
    /// When it closed first, without a success since.
    trouble_since: Option<Instant>,
    /// The provider said how long.
    is_asked_for: bool,
    /// Closings without a success in between.
    rounds: u32,
    overloads_in_a_row: u32,
}

impl Door {
    pub(super) fn new() -> Self {
        Self {
            state: State::Open,
            reason: Reason::Throttled,
            shut_at: None,
            trouble_since: None,
            is_asked_for: false,
            rounds: 0,
            overloads_in_a_row: 0,
        }
    }

    /// Whether one may go out now. Changes nothing.
    pub(super) fn entry(&self, now: Instant) -> Entry {
        match self.state {
            State::Shut { until, .. } if now < until => Entry::At(until),
            State::Shut { probe: true, .. } => Entry::AsProbe,
            State::Shut { probe: false, .. } | State::Open => Entry::Free,
            State::Probing | State::Barred => Entry::OnChange,
        }
    }

    /// Somebody goes out as `entry` allowed.
    pub(super) fn enter(&mut self, entry: Entry) {
        self.state = match entry {
            Entry::AsProbe => State::Probing,
            _ => State::Open,
        };
    }

    /// Why it is closed, and until when if that is known. `None` while it is open.
    pub(super) fn closed(&self, now: Instant) -> Option<Shut> {
        let until = match self.state {
            State::Open => return None,
            State::Shut {
                probe: false,
                until,
            } if until <= now => return None,
            State::Shut { until, .. } => Some(until),
            State::Probing | State::Barred => None,
        };
        Some(Shut {
            reason: self.reason,
            since: self.trouble_since.unwrap_or(now),
            until,
            is_asked_for: self.is_asked_for && until.is_some(),
        })
    }

    /// The provider did its work for a request sent at `sent`.
    pub(super) fn worked(&mut self, probe: bool, sent: Instant) {
        self.overloads_in_a_row = 0;
        let outdated = self.shut_at.is_some_and(|shut| sent < shut);
        if self.state == State::Barred || outdated {
            return;
        }
        self.rounds = 0;
        self.trouble_since = None;
        if probe || self.state != State::Probing {
            self.state = State::Open;
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
        self.overloads_in_a_row = 0;
        self.shut(Reason::Throttled, probe, sent, retry_after, now, jitter);
    }

    pub(super) fn overloaded(
        &mut self,
        probe: bool,
        sent: Instant,
        retry_after: Option<Duration>,
        now: Instant,
        jitter: f64,
    ) {
        self.overloads_in_a_row = self.overloads_in_a_row.saturating_add(1);
        if probe || self.overloads_in_a_row >= OVERLOADS_TO_CLOSE {
            self.shut(Reason::Overloaded, probe, sent, retry_after, now, jitter);
        }
    }

    pub(super) fn account(&mut self, now: Instant) {
        self.state = State::Barred;
        self.reason = Reason::Account;
        self.trouble_since = Some(now);
        self.shut_at = Some(now);
    }

    /// A probe ended without a word about the provider: the next may try at once.
    pub(super) fn probe_lost(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Shut {
                until: now,
                probe: true,
            };
        }
    }

    /// A person says that it may be tried again.
    pub(super) fn reopen(&mut self, now: Instant) {
        if self.state == State::Barred {
            self.state = State::Shut {
                until: now,
                probe: true,
            };
            self.rounds = 0;
            self.trouble_since = None;
            self.overloads_in_a_row = 0;
        }
    }

    fn shut(
        &mut self,
        reason: Reason,
        probe: bool,
        sent: Instant,
        retry_after: Option<Duration>,
        now: Instant,
        jitter: f64,
    ) {
        if self.state == State::Barred {
            return;
        }
        let outdated = !probe && self.shut_at.is_some_and(|shut| sent < shut);
        if outdated {
            // One of a crowd: it may only move the end, when the provider says so.
            if let (State::Shut { until, probe }, Some(wish)) = (self.state, retry_after) {
                let wish = now + delay(PROBE_DELAYS, 0, Some(wish), 0.0);
                self.is_asked_for |= wish > until;
                self.state = State::Shut {
                    until: until.max(wish),
                    probe,
                };
            }
            return;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.trouble_since.get_or_insert(now);
        // One gate is no crowd, and the pace spreads what follows: the provider's wish is
        // taken as it is, and half of an own wait is certain. One that keeps saying "in a
        // second" and keeps refusing is asked as rarely as one that says nothing.
        let wish = retry_after.map(|wish| delay(PROBE_DELAYS, 0, Some(wish), 0.0));
        let own = match (wish, self.rounds) {
            (Some(_), 1) => Duration::ZERO,
            (_, rounds) => delay(PROBE_DELAYS, rounds, None, 0.5 + jitter / 2.0),
        };
        self.is_asked_for = wish.is_some_and(|wish| wish >= own);
        self.state = State::Shut {
            until: now + own.max(wish.unwrap_or_default()),
            probe: reason != Reason::Throttled || self.rounds > 1,
        };
        self.reason = reason;
        self.shut_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn overload(door: &mut Door, sent: Instant, now: Instant) {
        door.overloaded(false, sent, None, now, 1.0);
    }

    #[test]
    fn a_single_failure_closes_nothing_but_five_in_a_row_do() {
        let now = Instant::now();
        let mut door = Door::new();
        for _ in 0..4 {
            overload(&mut door, now, now);
        }
        door.worked(false, now);
        for _ in 0..4 {
            overload(&mut door, now, now);
        }
        assert_eq!(door.entry(now), Entry::Free);

        overload(&mut door, now, now);

        assert_eq!(door.entry(now), Entry::At(now + s(1)));
        let shut = door.closed(now).unwrap();
        assert_eq!(
            (shut.reason, shut.until, shut.is_asked_for),
            (Reason::Overloaded, Some(now + s(1)), false)
        );
    }

    #[test]
    fn after_the_wait_one_probe_goes_and_its_failure_doubles_the_wait_to_half_a_minute() {
        let mut now = Instant::now();
        let mut door = Door::new();
        for _ in 0..5 {
            overload(&mut door, now, now);
        }
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(door.entry(now), Entry::At(now + s(wait)));
            now += s(wait);
            assert_eq!(door.entry(now), Entry::AsProbe);
            door.enter(Entry::AsProbe);
            assert_eq!(door.entry(now), Entry::OnChange);
            door.overloaded(true, now, None, now, 1.0);
        }
        now += s(30);
        door.enter(Entry::AsProbe);
        door.worked(true, now);
        assert_eq!(door.entry(now), Entry::Free);
        assert_eq!(door.closed(now), None);
    }

    #[test]
    fn the_first_throttle_opens_without_a_probe_and_the_second_with_one() {
        let now = Instant::now();
        let mut door = Door::new();
        door.throttled(false, now, Some(s(3)), now, 0.0);
        let open = now + s(3);
        assert_eq!(door.entry(now), Entry::At(open));
        assert_eq!(door.entry(open), Entry::Free);
        door.enter(Entry::Free);

        door.throttled(false, open, Some(s(3)), open, 0.0);

        assert_eq!(door.entry(open + s(4)), Entry::AsProbe);
    }

    #[test]
    fn a_provider_that_always_says_in_a_second_is_asked_twice_a_minute() {
        let mut now = Instant::now();
        let mut door = Door::new();
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            let probe = door.entry(now) == Entry::AsProbe;
            door.enter(door.entry(now));
            door.throttled(probe, now, Some(s(1)), now, 1.0);
            assert_eq!(door.entry(now), Entry::At(now + s(wait)));
            assert_eq!(door.closed(now).unwrap().is_asked_for, wait == 1);
            now += s(wait);
        }
    }

    #[test]
    fn late_answers_of_a_crowd_do_not_count_as_new_rounds() {
        let now = Instant::now();
        let mut door = Door::new();
        for _ in 0..100 {
            door.throttled(false, now, None, now + s(1), 1.0);
        }
        assert_eq!(door.rounds, 1);
        // A later wish of the provider moves the end.
        door.throttled(false, now, Some(s(60)), now + s(1), 1.0);
        assert_eq!(door.entry(now + s(60)), Entry::At(now + s(61)));
        // A late success is about the time before.
        door.worked(false, now);
        assert_eq!(door.entry(now + s(60)), Entry::At(now + s(61)));
    }

    #[test]
    fn a_refused_account_is_closed_until_a_person_reopens() {
        let now = Instant::now();
        let mut door = Door::new();
        door.account(now);
        door.throttled(false, now + s(1), Some(s(1)), now + s(1), 0.0);
        door.worked(false, now + s(1));
        assert_eq!(door.entry(now + s(9999)), Entry::OnChange);
        let shut = door.closed(now).unwrap();
        assert_eq!((shut.reason, shut.until), (Reason::Account, None));

        door.reopen(now + s(10_000));

        assert_eq!(door.entry(now + s(10_000)), Entry::AsProbe);
    }

    #[test]
    fn a_probe_that_says_nothing_leaves_the_place_to_the_next() {
        let now = Instant::now();
        let mut door = Door::new();
        for _ in 0..5 {
            overload(&mut door, now, now);
        }
        door.enter(Entry::AsProbe);

        door.probe_lost(now + s(2));

        assert_eq!(door.entry(now + s(2)), Entry::AsProbe);
    }
}
