//! A store and its model side by side.

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;
use voicespool::domain::{Attempt, GateId, JobId, JobKind, RunId, SourceId, SpecId, UtcMillis};
use voicespool::store::{Error, Evidence, Filter, JobRow, Store};

use crate::store::desk::{self, at, new_run, spec};
use crate::store::model::compare::{CANCELLABLE, HOLDABLE, LEFT_OUT, REOPENABLE, RETRYABLE};
use crate::store::model::step::{Fate, Step};
use crate::store::model::world::{Outcome, World};

/// Versions of files: the path, and the keys of the parts in order. Parts are shared between
/// versions and files, and may stand in one file twice.
pub(super) const FILES: [(usize, &[u64]); 6] = [
    (0, &[0, 1, 2]),
    (0, &[0, 2, 3]),
    (1, &[1, 1, 4]),
    (1, &[]),
    (2, &[5]),
    (2, &[5, 0, 6, 6, 7]),
];

/// The key of the parent of a file.
pub(super) fn parent_of(file: usize) -> u64 {
    100 + u64::try_from(file).unwrap()
}

/// Parts with even keys are spoken with one voice, the others with another.
pub(super) fn spec_of(part: u64) -> usize {
    usize::from(part % 2 == 1)
}

pub(super) const PARENTS: usize = 2;

/// The store, the model, and what workers hold in their hands.
pub(crate) struct Office {
    pub(super) folder: TempDir,
    pub(super) store: Store,
    pub(super) world: World,
    pub(super) now: i64,
    pub(super) run: RunId,
    pub(super) runs: Vec<RunId>,
    pub(super) gate: GateId,
    pub(super) specs: [SpecId; 3],
    /// Of each version of a file that was found.
    pub(super) sources: BTreeMap<usize, SourceId>,
    /// The version of each path that is worked on: true for those not superseded.
    pub(super) current: BTreeMap<usize, bool>,
    /// Every claim ever made.
    pub(super) hands: Vec<(u64, Attempt)>,
    /// The learned rate of the gate, and whether it is paused.
    pub(super) gate_row: (Option<f64>, bool),
}

/// The answer of the store in the words of the model.
pub(super) fn outcome<T>(answer: &Result<T, Error>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Done,
        Err(Error::LeaseLost { .. }) => Outcome::LeaseLost,
        Err(Error::Budget { .. }) => Outcome::Budget,
        Err(Error::Misuse { .. }) => Outcome::Misuse,
        Err(Error::IllegalMove { .. }) => Outcome::IllegalMove,
        Err(Error::Sealed { .. }) => Outcome::Sealed,
        Err(other) => panic!("{other:?}"),
    }
}

impl Office {
    pub(crate) async fn open() -> Self {
        let (folder, store) = desk::fresh().await;
        let run = store.start_run(new_run()).await.unwrap();
        let gate = store.gate("api.example/v1", "kokoro").await.unwrap();
        let mut specs = [SpecId(0); 3];
        for (id, (kind, gate, params)) in specs.iter_mut().zip([
            (JobKind::Speak, gate, r#"{"voice":"a"}"#),
            (JobKind::Speak, gate, r#"{"voice":"b"}"#),
            (JobKind::Assemble, GateId::LOCAL, "{}"),
        ]) {
            *id = store.spec(spec(kind, gate, params)).await.unwrap();
        }
        Self {
            folder,
            store,
            world: World::default(),
            now: 1_000,
            run,
            runs: vec![run],
            gate,
            specs,
            sources: BTreeMap::new(),
            current: BTreeMap::new(),
            hands: Vec::new(),
            gate_row: (None, false),
        }
    }

    pub(crate) async fn close(self) {
        self.check_integrity().await;
        self.store.close().await.unwrap();
    }

    pub(super) fn now(&self) -> UtcMillis {
        at(self.now)
    }

    pub(super) fn hand(&self, hand: usize) -> Option<(u64, Attempt)> {
        let newest_first = self.hands.len().checked_sub(hand + 1)?;
        self.hands.get(newest_first).copied()
    }

    pub(super) fn id(&self, name: u64) -> JobId {
        self.world.jobs[&name].id
    }

    pub(crate) async fn take(&mut self, step: &Step) {
        match step {
            Step::Tick(by) => self.now += by,
            Step::Add {
                file,
                priority,
                calls,
            } => self.add(*file, *priority, *calls).await,
            Step::Claim { specs, most, lease } => self.claim(specs, *most, *lease).await,
            Step::Burst { most, lease } => self.burst(*most, *lease).await,
            Step::Finish { fails } => self.finish(*fails).await,
            Step::Send { hand, cost } => self.send(*hand, *cost).await,
            Step::Settle {
                hand,
                end,
                status,
                paid,
                has_bill,
            } => {
                if let Some(hand) = self.hand(*hand) {
                    self.settle(hand, *end, (*status, *paid), *has_bill).await;
                }
            }
            Step::Extend { hands, lease } => self.extend(hands, *lease).await,
            Step::SendBack { hand, missing } => self.send_back(*hand, *missing).await,
            Step::Crash { fates, closes } => self.crash(fates, *closes).await,
            Step::CrashLoop { times } => {
                for _ in 0..*times {
                    self.burst(2, 10).await;
                    self.crash(&[Fate::Resend], false).await;
                }
            }
            Step::Rescue { meets, fates } => {
                let leases = self.world.jobs.values().filter_map(|job| job.lease_until);
                if let Some(end) = leases.min().filter(|_| *meets) {
                    self.now = self.now.max(end.0);
                }
                let recovered = self.store.rescue_expired(self.now()).await.unwrap();
                let expected = self.world.rescue(self.now());
                self.after(recovered.released, &recovered.in_flight, expected, fates)
                    .await;
            }
            Step::Adopt(hand) => {
                if let Some(hand) = self.hand(*hand).filter(|(name, _)| *name < 100) {
                    self.adopt(hand).await;
                }
            }
            Step::Doubt { hand, holds, begun } => {
                if let Some(hand) = self.hand(*hand) {
                    let evidence = if *begun {
                        Evidence::AnswerBegun
                    } else {
                        Evidence::None
                    };
                    self.doubt(hand, *holds, evidence).await;
                }
            }
            Step::Resolve { hand, status, cost } => self.resolve(*hand, *status, *cost).await,
            Step::Retry(whom) => self.retry(*whom).await,
            Step::Preview(whom) => {
                let preview = self.store.retry_preview(&self.filter(*whom)).await.unwrap();
                let picked = self
                    .world
                    .lost_with(&self.asked(*whom, &RETRYABLE, &REOPENABLE));
                self.is_reopened(&preview, &picked);
            }
            Step::Cancel(whom) => {
                let asked = self.asked(*whom, &CANCELLABLE, &LEFT_OUT);
                let asked = self.world.with_failed_files(&asked);
                let n = self
                    .store
                    .cancel(&self.filter(*whom), self.now())
                    .await
                    .unwrap();
                let expected = self.world.cancel(asked, at(self.now), false);
                assert_eq!(n, expected);
            }
            Step::Put(whom) => {
                let asked: BTreeSet<u64> = self
                    .asked(*whom, &HOLDABLE, &HOLDABLE)
                    .into_iter()
                    .collect();
                let n = self.store.hold(&self.filter(*whom)).await.unwrap();
                let expected = self.world.hold(&asked);
                assert_eq!(usize::try_from(n).unwrap(), expected);
            }
            Step::Caps { queue, run } => self.caps(*queue, *run).await,
            Step::Run => {
                self.store
                    .finish_run(self.run, self.now(), 0)
                    .await
                    .unwrap();
                self.run = self.store.start_run(new_run()).await.unwrap();
                self.runs.push(self.run);
            }
            Step::Gate { pauses, rate } => self.turn_gate(*pauses, *rate).await,
        }
    }

    pub(super) async fn rows(&self) -> Vec<JobRow> {
        self.store
            .jobs(&Filter::default(), None, 1_000)
            .await
            .unwrap()
    }
}
