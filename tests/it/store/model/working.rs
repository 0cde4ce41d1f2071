//! An office at work, and after a crash.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use voicespool::domain::{
    Attempt, AudioMillis, CharCount, CostStatus, Day, Delivery, FaultClass, JobState, NanoUsd,
    Quantity, RunId, UtcMillis,
};
use voicespool::store::{
    Adopt, Caps, DoubtPolicy, Evidence, InFlight, Intent, NewOutput, Settle, Verdict,
};

use crate::store::desk::{self, at, bill, fault, object};
use crate::store::model::office::{FILES, Office, outcome};
use crate::store::model::step::{End, Fate};
use crate::store::model::world::Outcome;

/// Claims and what comes of them.
impl Office {
    pub(super) async fn claim(&mut self, specs: &[usize], most: u32, lease: i64) {
        let until = at(self.now + lease);
        let ids = specs.iter().map(|spec| self.specs[*spec]).collect();
        let wanted = [(ids, most)];
        let claims = self
            .store
            .claim(&wanted, self.run, self.now(), until)
            .await
            .unwrap();
        let mut expected = Vec::new();
        for spec in specs {
            let left = usize::try_from(most).unwrap() - expected.len();
            if left > 0 {
                self.world.ripen(at(self.now));
                expected.extend(self.world.claim(*spec, left, until));
            }
        }
        expected.sort_by_key(|name| (self.world.jobs[name].priority, self.id(*name)));
        let found: Vec<_> = claims
            .iter()
            .map(|claim| (claim.job, claim.attempt))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|name| (name, Attempt(self.world.jobs[&name].attempt)))
            .collect();
        let ids: Vec<_> = expected
            .iter()
            .map(|(name, attempt)| (self.id(*name), *attempt))
            .collect();
        assert_eq!(found, ids);
        self.hands.extend(expected);
    }

    pub(super) async fn send(&mut self, hand: usize, cost: i64) {
        // Work that sends nothing is never asked to.
        if let Some(hand) = self.hand(hand).filter(|(name, _)| *name < 100) {
            self.send_all(&[hand], cost).await;
        }
    }

    /// All at once: the store decides them in one go, and in their order.
    async fn send_all(&mut self, hands: &[(u64, Attempt)], cost: i64) {
        let calls = hands.iter().map(|(name, attempt)| {
            self.store.mark_sent(Intent {
                job: self.id(*name),
                attempt: *attempt,
                run: self.run,
                at: self.now(),
                reserve: NanoUsd(cost),
                quantity: Quantity::Chars(CharCount(10)),
                // One day: its cap is tried in the conformance suite.
                day: Day(20_261_122),
                delivery: Delivery::Rest,
            })
        });
        let answers = join_all(calls).await;
        let mut any_sent = false;
        for (hand, answer) in hands.iter().zip(&answers) {
            let expected = self.world.send(*hand, self.run, cost, at(self.now));
            assert_eq!(outcome(answer), expected);
            any_sent |= expected == Outcome::Done;
        }
        if let Some(cap) = self.world.queue_cap.filter(|_| any_sent) {
            let money = self.store.money().await.unwrap();
            assert!(money.spent().saturating_add(money.reserved.cost) <= cap);
        }
    }

    pub(super) async fn settle(
        &mut self,
        hand: (u64, Attempt),
        end: End,
        (status, paid): (CostStatus, i64),
        wrong: bool,
    ) {
        let (name, attempt) = hand;
        let is_sent = self.world.jobs[&name].state == JobState::Sent;
        // Now and then a worker that lost count of what it did.
        let has_bill = is_sent != (wrong && paid < 10);
        let line = self.world.bill.get(&(name, attempt.0));
        let cost = line.map_or(0, |line| line.cost) * paid / 100;
        let class = FaultClass::BadAnswer;
        let is_parent = name >= 100;
        let (verdict, state, not_before, counts, class) = match end {
            End::Complete => (self.done(name), JobState::Completed, None, false, None),
            End::Again {
                wait,
                counts,
                fault,
            } => {
                let not_before = at(self.now + wait);
                let verdict = Verdict::Reschedule {
                    not_before,
                    counts_failure: counts,
                };
                (
                    verdict,
                    JobState::Scheduled,
                    Some(not_before),
                    counts,
                    fault.then_some(class),
                )
            }
            End::Fail { fault } => (
                Verdict::Fail,
                JobState::Failed,
                None,
                true,
                fault.then_some(class),
            ),
            End::Release => (Verdict::Release, JobState::Available, None, false, None),
            End::Hold => (Verdict::Hold, JobState::Held, None, false, Some(class)),
        };
        let settle = Settle {
            job: self.id(name),
            attempt,
            at: self.now(),
            verdict,
            fault: class.map(fault),
            attempted: has_bill.then(|| bill(status, cost)),
        };
        let answer = self.store.settle(settle).await;
        let bill = has_bill.then_some((status, cost));
        let to = (state, not_before);
        let expected = self
            .world
            .settle(hand, to, (counts, class), bill, at(self.now));
        assert_eq!(outcome(&answer), expected, "{answer:?}");
        if expected == Outcome::Done && state == JobState::Completed && is_parent {
            let path = FILES[self.world.jobs[&name].file].0;
            self.world.written.insert(name, (path, at(self.now)));
        }
    }

    fn done(&self, name: u64) -> Verdict {
        let path = FILES[self.world.jobs[&name].file].0;
        let output = NewOutput {
            path: format!("{path}.flac").into_bytes(),
            ..desk::output("")
        };
        let is_parent = name >= 100;
        Verdict::Complete {
            flags: None,
            object: (!is_parent).then(object),
            outputs: if is_parent { vec![output] } else { Vec::new() },
            audio: Some(AudioMillis(900)),
        }
    }

    pub(super) async fn burst(&mut self, most: u32, lease: i64) {
        let before = self.hands.len();
        for spec in 0..self.specs.len() {
            self.claim(&[spec], most, lease).await;
        }
        let claimed = self.hands[before..].iter().copied();
        let speakers: Vec<_> = claimed.filter(|(name, _)| *name < 100).collect();
        self.send_all(&speakers, 30).await;
    }

    pub(super) async fn finish(&mut self, fails: u8) {
        let live = self
            .world
            .jobs
            .iter()
            .filter(|(_, job)| job.lease_until.is_some());
        let hands: Vec<_> = live
            .map(|(name, job)| (*name, Attempt(job.attempt)))
            .collect();
        for (idx, hand) in hands.into_iter().enumerate() {
            // Two in eight of the mask, so that most of the work gets done.
            let is_lost = idx < 4 && fails >> (2 * idx) & 3 == 3;
            let end = if is_lost {
                End::Fail { fault: true }
            } else {
                End::Complete
            };
            self.settle(hand, end, (CostStatus::Confirmed, 100), false)
                .await;
        }
    }

    pub(super) async fn extend(&mut self, hands: &[usize], lease: i64) {
        let until = at(self.now + lease);
        let hands: BTreeSet<_> = hands.iter().filter_map(|hand| self.hand(*hand)).collect();
        let leases: Vec<_> = hands
            .iter()
            .map(|(name, attempt)| (self.id(*name), *attempt))
            .collect();
        let lost = self.store.extend(&leases, until).await.unwrap();
        let mut expected = Vec::new();
        for (hand, lease) in hands.into_iter().zip(leases) {
            if !self.world.extend(hand, until) {
                expected.push(lease);
            }
        }
        assert_eq!(lost, expected);
    }

    pub(super) async fn send_back(&mut self, hand: usize, missing: u8) {
        let parents = self.hands.iter().rev().filter(|(name, _)| *name >= 100);
        let Some((name, attempt)) = parents.copied().nth(hand) else {
            return;
        };
        let gone: Vec<u64> = (0..8)
            .filter(|part| missing >> part & 1 == 1 && self.world.jobs.contains_key(part))
            .collect();
        let ids: Vec<_> = gone.iter().map(|part| self.id(*part)).collect();
        let answer = self
            .store
            .send_back(self.id(name), attempt, &ids, self.now())
            .await;
        let expected = self.world.send_back((name, attempt), &gone, at(self.now));
        assert_eq!(outcome(&answer), expected);
    }
}

/// After a crash, and what only people can know.
impl Office {
    pub(super) async fn crash(&mut self, fates: &[Fate], closes: bool) {
        if closes {
            self.store.close().await.unwrap();
        }
        self.store = desk::open(&self.folder).await;
        self.check_integrity().await;
        let recovered = self.store.recover().await.unwrap();
        let expected = self.world.rescue(UtcMillis(i64::MAX));
        self.after(recovered.released, &recovered.in_flight, expected, fates)
            .await;
    }

    pub(super) async fn after(
        &mut self,
        released: u64,
        found: &[InFlight],
        expected: (u64, Vec<u64>),
        fates: &[Fate],
    ) {
        let ids: Vec<_> = expected.1.iter().map(|name| self.id(*name)).collect();
        let in_flight: Vec<_> = found.iter().map(|flight| flight.job).collect();
        assert_eq!((released, in_flight), (expected.0, ids));
        for ((name, flight), fate) in expected.1.into_iter().zip(found).zip(fates.iter().cycle()) {
            let line = self.world.bill[&(name, flight.attempt.0)];
            assert_eq!(
                (flight.reserved, flight.run),
                (NanoUsd(line.cost), line.run)
            );
            let hand = (name, flight.attempt);
            match fate {
                Fate::Adopt => self.adopt(hand).await,
                Fate::Resend => self.doubt(hand, false, Evidence::AnswerBegun).await,
                Fate::Hold => self.doubt(hand, true, Evidence::None).await,
                Fate::Leave => {}
            }
        }
    }

    pub(super) async fn adopt(&mut self, (name, attempt): (u64, Attempt)) {
        let found = Adopt {
            job: self.id(name),
            attempt,
            at: self.now(),
            object: object(),
            audio: None,
            billed: None,
        };
        let answer = self.store.adopt(found).await;
        assert_eq!(
            outcome(&answer),
            self.world.adopt((name, attempt), at(self.now))
        );
    }

    pub(super) async fn doubt(
        &mut self,
        (name, attempt): (u64, Attempt),
        holds: bool,
        evidence: Evidence,
    ) {
        let (policy, to) = if holds {
            (DoubtPolicy::Hold, JobState::Held)
        } else {
            (DoubtPolicy::Resend, JobState::Available)
        };
        let answer = self
            .store
            .doubt(self.id(name), attempt, self.now(), policy, evidence)
            .await;
        let expected = self
            .world
            .doubt((name, attempt), (to, evidence), at(self.now));
        let answer = answer.map_err(|error| outcome::<()>(&Err(error)));
        assert_eq!(answer, expected);
    }

    pub(super) async fn resolve(&mut self, hand: usize, status: CostStatus, cost: i64) {
        let Some((name, attempt)) = self.hand(hand) else {
            return;
        };
        let answer = self
            .store
            .resolve(self.id(name), attempt, status, NanoUsd(cost))
            .await;
        let expected = if matches!(status, CostStatus::Reserved | CostStatus::InDoubt) {
            Outcome::Misuse
        } else {
            self.world.resolve((name, attempt), status, cost)
        };
        assert_eq!(outcome(&answer), expected);
    }

    /// Caps leave so much room beside what is spent and set aside.
    pub(super) async fn caps(&mut self, queue: Option<i64>, run: Option<i64>) {
        let used = |run: Option<RunId>| NanoUsd(self.world.used(run));
        let caps = Caps {
            day: None,
            queue: queue.map(|room| used(None).saturating_add(NanoUsd(room))),
            run: Some((
                self.run,
                run.map(|room| used(Some(self.run)).saturating_add(NanoUsd(room))),
            )),
        };
        self.store.set_caps(caps).await.unwrap();
        self.world.queue_cap = caps.queue;
        self.world.run_caps.remove(&self.run);
        let run_cap = caps.run.and_then(|(run, cap)| Some((run, cap?)));
        self.world.run_caps.extend(run_cap);
    }

    pub(super) async fn turn_gate(&mut self, pauses: bool, rate: u32) {
        let now = self.now();
        if pauses {
            self.store
                .pause_gate(self.gate, "no key", now)
                .await
                .unwrap();
        } else {
            self.store.unpause_gate(self.gate).await.unwrap();
        }
        self.store
            .save_rate(self.gate, rate.into(), now)
            .await
            .unwrap();
        self.gate_row = (Some(rate.into()), pauses);
    }
}
