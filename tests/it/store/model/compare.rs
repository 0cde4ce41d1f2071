//! What a person asks of an office, and whether its store and its model still agree.

use std::collections::BTreeSet;

use voicespool::domain::{
    CharCount, CostStatus, JobId, JobKind, JobState, NanoUsd, Quantity, SourceId,
};
use voicespool::store::{Filter, JobRow, Money, Reopened, Sum};

use crate::store::desk::{at, key, these};
use crate::store::model::office::{Office, parent_of};
use crate::store::model::step::{Step, Whom};
use crate::store::model::world::{Job, Line};

pub(super) const RETRYABLE: [JobState; 3] = [JobState::Failed, JobState::Cancelled, JobState::Held];
pub(super) const REOPENABLE: [JobState; 4] = [
    JobState::Failed,
    JobState::Cancelled,
    JobState::Held,
    JobState::Completed,
];
pub(super) const CANCELLABLE: [JobState; 5] = [
    JobState::Scheduled,
    JobState::Available,
    JobState::Leased,
    JobState::Waiting,
    JobState::Held,
];
pub(super) const LEFT_OUT: [JobState; 6] = [
    JobState::Scheduled,
    JobState::Available,
    JobState::Leased,
    JobState::Waiting,
    JobState::Held,
    JobState::Failed,
];
pub(super) const HOLDABLE: [JobState; 3] =
    [JobState::Scheduled, JobState::Available, JobState::Waiting];

/// The one job that is meant.
fn name_of(whom: Whom) -> Option<u64> {
    match whom {
        Whom::One(part) => u64::try_from(part).ok(),
        Whom::File(file) => Some(parent_of(file)),
        _ => None,
    }
}

/// What people ask for.
impl Office {
    pub(super) fn filter(&self, whom: Whom) -> Filter {
        match whom {
            Whom::Everybody => Filter::default(),
            Whom::In(state) => Filter {
                states: vec![state],
                ..Filter::default()
            },
            // No job has the last number, and no number at all would mean every job.
            Whom::One(_) | Whom::File(_) => these(&[name_of(whom)
                .and_then(|name| self.world.jobs.get(&name))
                .map_or(JobId(999_999), |job| job.id)]),
            Whom::Speakers => Filter {
                kinds: vec![JobKind::Speak],
                task: Some("books".to_owned()),
                ..Filter::default()
            },
            Whom::OfFile(file) => Filter {
                source: Some(
                    self.sources
                        .get(&file)
                        .copied()
                        .unwrap_or(SourceId(999_999)),
                ),
                ..Filter::default()
            },
        }
    }

    /// The jobs a filter means, among those in states that may be meant; superseded work is
    /// nobody's to ask for.
    pub(super) fn asked(&self, whom: Whom, usual: &[JobState], allowed: &[JobState]) -> Vec<u64> {
        let jobs = self.world.jobs.iter();
        jobs.filter(|(name, job)| {
            let states = if matches!(whom, Whom::In(_)) {
                allowed
            } else {
                usual
            };
            let is_meant = match whom {
                Whom::Everybody => true,
                Whom::In(state) => job.state == state,
                Whom::One(_) | Whom::File(_) => name_of(whom) == Some(**name),
                Whom::Speakers => job.kind == JobKind::Speak,
                Whom::OfFile(file) => job.file == file,
            };
            is_meant && states.contains(&job.state) && !job.superseded
        })
        .map(|(name, _)| *name)
        .collect()
    }

    pub(super) async fn retry(&mut self, whom: Whom) {
        let picked = self
            .world
            .lost_with(&self.asked(whom, &RETRYABLE, &REOPENABLE));
        let answer = self.store.retry(&self.filter(whom), at(self.now)).await;
        self.is_reopened(&answer.unwrap(), &picked);
        self.world.reopen(&picked, at(self.now));
    }

    pub(super) fn is_reopened(&self, found: &Reopened, picked: &BTreeSet<u64>) {
        assert_eq!(found.jobs, u64::try_from(picked.len()).unwrap());
        for (idx, spec) in self.specs.iter().enumerate() {
            let jobs = picked.iter().map(|name| &self.world.jobs[name]);
            let count = jobs
                .filter(|job| job.spec == idx && !job.is_parent())
                .count();
            let count = u64::try_from(count).unwrap();
            let expected =
                (count > 0).then_some((*spec, count, Quantity::Chars(CharCount(count * 10))));
            let listed = found.by_spec.iter().find(|(other, _, _)| other == spec);
            assert_eq!(listed.copied(), expected);
        }
    }
}

/// Whether both still agree.
impl Office {
    pub(crate) async fn compare(&self, step: &Step) {
        let rows = self.rows().await;
        assert_eq!(rows.len(), self.world.jobs.len(), "after {step:?}");
        for (name, job) in &self.world.jobs {
            let row = rows.iter().find(|row| row.id == job.id).unwrap();
            assert_eq!(row.key, key(*name), "after {step:?}");
            self.compare_job(*name, job, row, step);
            self.compare_bill(*name, job, step).await;
        }
        self.compare_money(step).await;
        self.compare_lists(step).await;
    }

    fn compare_job(&self, name: u64, job: &Job, row: &JobRow, step: &Step) {
        let found = Job {
            id: row.id,
            kind: row.kind,
            spec: self.specs.iter().position(|id| *id == row.spec.id).unwrap(),
            file: *self
                .sources
                .iter()
                .find(|(_, id)| **id == row.source)
                .unwrap()
                .0,
            state: row.state,
            priority: row.priority,
            attempt: row.attempt.0,
            failures: row.failures,
            crashes: row.crashes,
            first_fault_at: row.first_fault_at,
            not_before: row.not_before,
            lease_until: row.lease_until,
            class: row.class,
            superseded: row.detail.as_deref() == Some("superseded"),
            sealed: job.sealed,
            created_at: row.created_at,
            finished_at: row.finished_at,
        };
        assert_eq!(&found, job, "job {name} after {step:?}");
        assert_eq!(row.finished_at.is_some(), row.state.is_final(), "{row:?}");
        if job.sealed == Some(true) && job.state == JobState::Waiting {
            let expected = Some(self.world.outstanding(name));
            assert_eq!(row.children, expected, "job {name} after {step:?}");
        }
    }

    async fn compare_bill(&self, name: u64, job: &Job, step: &Step) {
        let range = (name, 0)..=(name, i64::MAX);
        let expected: Vec<(i64, Line)> = self
            .world
            .bill
            .range(range)
            .map(|((_, attempt), line)| (*attempt, *line))
            .collect();
        if job.attempt == 0 {
            return assert!(expected.is_empty());
        }
        let rows = self.store.attempts(job.id).await.unwrap();
        let found: Vec<(i64, Line)> = rows
            .into_iter()
            .map(|row| {
                let line = Line {
                    run: row.run,
                    cost: row.cost.0,
                    status: row.cost_status,
                    sent_at: row.sent_at,
                    finished_at: row.finished_at,
                };
                (row.attempt.0, line)
            })
            .collect();
        assert_eq!(found, expected, "the bill of job {name} after {step:?}");
    }

    async fn compare_money(&self, step: &Step) {
        let money = self.store.money().await.unwrap();
        self.compare_purse(&money, |_| true, step);
        assert_eq!(money.cap, self.world.queue_cap, "after {step:?}");
        let runs = self.store.runs(None, 1_000).await.unwrap();
        let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        assert_eq!(ids, self.runs, "after {step:?}");
        for run in &runs {
            self.compare_purse(&run.money, |line| line.run == run.id, step);
            assert_eq!(run.money.cap, self.world.run_caps.get(&run.id).copied());
            assert_eq!(run.finished_at.is_none(), run.id == self.run);
        }
    }

    /// The sums of a purse are those of its lines.
    fn compare_purse(&self, money: &Money, mine: impl Fn(&Line) -> bool, step: &Step) {
        for (status, found) in [
            (CostStatus::Reserved, money.reserved),
            (CostStatus::Confirmed, money.confirmed),
            (CostStatus::Wasted, money.wasted),
            (CostStatus::InDoubt, money.in_doubt),
            (CostStatus::NotBilled, money.not_billed),
        ] {
            let mut sum = Sum::default();
            for line in self.world.bill.values() {
                if line.status == status && mine(line) {
                    sum.attempts += 1;
                    sum.cost = sum.cost.checked_add(NanoUsd(line.cost)).unwrap();
                }
            }
            assert_eq!(found, sum, "{status} after {step:?}");
        }
    }

    async fn compare_lists(&self, step: &Step) {
        let due = self
            .world
            .jobs
            .values()
            .filter_map(|job| job.not_before)
            .min();
        assert_eq!(self.store.next_due().await.unwrap(), due, "after {step:?}");
        let counts = self.store.counts().await.unwrap();
        let of = |spec, state| {
            let found = counts.iter().filter(|c| c.spec == spec && c.state == state);
            found.map(|count| count.jobs).sum::<u64>()
        };
        for (idx, spec) in self.specs.iter().enumerate() {
            for state in JobState::ALL {
                let jobs = self.world.jobs.values();
                let expected = jobs
                    .filter(|job| job.spec == idx && job.state == *state)
                    .count();
                let expected = u64::try_from(expected).unwrap();
                assert_eq!(of(*spec, *state), expected, "{state} after {step:?}");
            }
        }
        let gates = self.store.gates().await.unwrap();
        let gate = gates.iter().find(|gate| gate.id == self.gate).unwrap();
        let found = (gate.rate.map(|(rate, _)| rate), gate.paused.is_some());
        assert_eq!(found, self.gate_row, "after {step:?}");
    }

    /// What no step looks at, because it takes long: parts, sources, and what the store knows
    /// of its own soundness.
    pub(super) async fn check_integrity(&self) {
        assert_eq!(
            self.store.integrity_check().await.unwrap(),
            Vec::<String>::new()
        );
        for (name, job) in self.world.jobs.iter().filter(|(_, job)| job.is_parent()) {
            let parts = self.store.parts(job.id, None, 100).await.unwrap();
            let found: Vec<_> = parts
                .iter()
                .map(|part| (part.ordinal, part.child))
                .collect();
            let range = (*name, 0)..=(*name, u32::MAX);
            let expected: Vec<_> = self
                .world
                .parts
                .range(range)
                .map(|((_, ordinal), child)| (*ordinal, self.id(*child)))
                .collect();
            assert_eq!(found, expected, "the parts of job {name}");
        }
        for row in self.store.sources(None, 100).await.unwrap() {
            let (file, _) = self.sources.iter().find(|(_, id)| **id == row.id).unwrap();
            let is_current = row.superseded_at.is_none();
            assert_eq!(is_current, self.current[file], "version {file}");
        }
    }
}
