//! What the queue ought to be: maps and loops, no database, every rule written the slow way.

use std::collections::{BTreeMap, BTreeSet};

use voicespool::domain::{
    CostStatus, FaultClass, JobId, JobKind, JobState, NanoUsd, RunId, UtcMillis,
};

/// How a call is expected to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    LeaseLost,
    Budget,
    Misuse,
    IllegalMove,
    Sealed,
}

/// A job as it ought to stand. Its name is the seed of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// As the store numbered it; grows with age.
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
    /// Which of the specs of the office.
    pub(crate) spec: usize,
    /// Number of its file among the versions of files.
    pub(crate) file: usize,
    pub(crate) state: JobState,
    pub(crate) priority: i64,
    pub(crate) attempt: i64,
    pub(crate) failures: u32,
    pub(crate) crashes: u32,
    pub(crate) first_fault_at: Option<UtcMillis>,
    pub(crate) not_before: Option<UtcMillis>,
    pub(crate) lease_until: Option<UtcMillis>,
    pub(crate) class: Option<FaultClass>,
    /// Cancelled because its file has a newer version.
    pub(crate) superseded: bool,
    /// Parents only.
    pub(crate) sealed: Option<bool>,
    pub(crate) created_at: UtcMillis,
    pub(crate) finished_at: Option<UtcMillis>,
}

impl Job {
    pub(crate) fn is_parent(&self) -> bool {
        self.sealed.is_some()
    }

    pub(super) fn awaits_parts(&self) -> bool {
        self.state == JobState::Waiting && self.sealed == Some(true)
    }

    /// Into `state`, away from whoever held it.
    pub(super) fn go(&mut self, state: JobState, at: UtcMillis) {
        self.state = state;
        self.finished_at = state.is_final().then_some(at);
        self.not_before = None;
        self.lease_until = None;
    }

    /// Taken up again, with a clean slate.
    pub(super) fn renew(&mut self, state: JobState, at: UtcMillis) {
        self.go(state, at);
        (self.failures, self.crashes) = (0, 0);
        (self.first_fault_at, self.class) = (None, None);
        self.superseded = false;
    }
}

/// One line of the bill as it ought to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) run: RunId,
    pub(crate) cost: i64,
    pub(crate) status: CostStatus,
    pub(crate) sent_at: UtcMillis,
    pub(crate) finished_at: Option<UtcMillis>,
}

/// The queue as it ought to be.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) jobs: BTreeMap<u64, Job>,
    /// (parent, ordinal) to child.
    pub(crate) parts: BTreeMap<(u64, u32), u64>,
    /// (job, attempt) to its line.
    pub(crate) bill: BTreeMap<(u64, i64), Line>,
    /// Parents that wrote their file, with the path's number and when.
    pub(crate) written: BTreeMap<u64, (usize, UtcMillis)>,
    pub(crate) queue_cap: Option<NanoUsd>,
    pub(crate) run_caps: BTreeMap<RunId, NanoUsd>,
}

impl World {
    pub(crate) fn job(&mut self, name: u64) -> &mut Job {
        self.jobs.get_mut(&name).unwrap()
    }

    pub(super) fn children_of(&self, parent: u64) -> Vec<u64> {
        let range = (parent, 0)..=(parent, u32::MAX);
        self.parts.range(range).map(|(_, child)| *child).collect()
    }

    pub(crate) fn parents_of(&self, child: u64) -> BTreeSet<u64> {
        let parts = self.parts.iter().filter(|(_, other)| **other == child);
        parts.map(|((parent, _), _)| *parent).collect()
    }

    /// Parts of `parent` still to come, and lost ones.
    pub(crate) fn outstanding(&self, parent: u64) -> (u64, u64) {
        let mut counts = (0, 0);
        for child in self.children_of(parent) {
            match self.jobs[&child].state {
                JobState::Completed => {}
                JobState::Failed | JobState::Cancelled => counts.1 += 1,
                _ => counts.0 += 1,
            }
        }
        counts
    }

    /// Moves parents that wait for nothing more.
    pub(super) fn look_after(&mut self, parents: impl IntoIterator<Item = u64>, at: UtcMillis) {
        for parent in parents {
            let (pending, lost) = self.outstanding(parent);
            let job = self.job(parent);
            if !job.awaits_parts() {
                continue;
            }
            job.class = None;
            if pending == 0 && lost == 0 {
                job.go(JobState::Available, at);
            } else if pending == 0 {
                job.go(JobState::Failed, at);
                job.class = Some(FaultClass::Child);
            }
        }
    }
}

/// New work.
impl World {
    /// A parent is wanted. Returns whether it takes children.
    pub(crate) fn want_parent(&mut self, name: u64) -> bool {
        let overwritten = self.written.get(&name).is_some_and(|(path, at)| {
            let others = self.written.iter().filter(|(other, _)| **other != name);
            others
                .into_iter()
                .any(|(_, (other, when))| other == path && when >= at)
        });
        let job = self.job(name);
        let again = match job.state {
            JobState::Cancelled => job.superseded,
            JobState::Completed => overwritten,
            _ => false,
        };
        if again {
            (job.state, job.sealed) = (JobState::Waiting, Some(false));
            (job.finished_at, job.class) = (None, None);
            job.superseded = false;
        }
        job.sealed == Some(false)
    }

    /// Children that were there already are wanted again, and by whom more urgently. Returns how
    /// many were revived.
    pub(crate) fn want_children(&mut self, parent: u64, shared: &[u64], at: UtcMillis) -> u64 {
        let priority = self.jobs[&parent].priority;
        let mut revived = BTreeSet::new();
        for child in shared {
            let job = self.job(*child);
            job.priority = job.priority.min(priority);
            if job.state == JobState::Cancelled {
                job.renew(JobState::Available, at);
                revived.insert(*child);
            }
        }
        let bereft: BTreeSet<u64> = revived.iter().flat_map(|c| self.parents_of(*c)).collect();
        self.look_after(bereft, at);
        u64::try_from(revived.len()).unwrap()
    }

    pub(crate) fn seal(&mut self, parent: u64, at: UtcMillis) -> JobState {
        let job = self.job(parent);
        if job.sealed == Some(false) && job.state == JobState::Waiting {
            job.sealed = Some(true);
            self.look_after([parent], at);
        }
        self.jobs[&parent].state
    }

    /// `rivals` are the other parents of the file.
    pub(crate) fn supersede(&mut self, rivals: &[u64], at: UtcMillis) -> u64 {
        let unfinished = rivals.iter().copied();
        let picked = unfinished
            .filter(|name| !self.jobs[name].state.is_final())
            .collect();
        self.cancel(picked, at, true)
    }
}

/// What a person asks for.
impl World {
    /// The jobs that `retry` takes up when it was asked for `asked`.
    pub(crate) fn lost_with(&self, asked: &[u64]) -> BTreeSet<u64> {
        let mut picked: BTreeSet<u64> = asked.iter().copied().collect();
        for parent in asked {
            let children = self.children_of(*parent).into_iter();
            let lost = children.filter(|child| {
                let state = self.jobs[child].state;
                matches!(
                    state,
                    JobState::Failed | JobState::Cancelled | JobState::Held
                )
            });
            picked.extend(lost);
        }
        picked
    }

    pub(crate) fn reopen(&mut self, picked: &BTreeSet<u64>, at: UtcMillis) {
        let mut parents = BTreeSet::new();
        for name in picked {
            if self.jobs[name].is_parent() {
                parents.insert(*name);
                continue;
            }
            for parent in self.parents_of(*name) {
                let job = &self.jobs[&parent];
                let waits = match job.state {
                    JobState::Completed | JobState::Waiting => true,
                    JobState::Failed => job.class == Some(FaultClass::Child),
                    _ => false,
                };
                if waits && job.sealed == Some(true) {
                    parents.insert(parent);
                }
            }
            self.job(*name).renew(JobState::Available, at);
        }
        for parent in &parents {
            let job = self.job(*parent);
            if job.state == JobState::Held {
                (job.state, job.class) = (JobState::Available, None);
            } else if job.state.is_final() {
                job.renew(JobState::Waiting, at);
            }
        }
        self.look_after(parents, at);
    }

    /// The jobs that `cancel` leaves out when it was asked for `asked`.
    pub(crate) fn with_failed_files(&self, asked: &[u64]) -> BTreeSet<u64> {
        let mut picked: BTreeSet<u64> = asked.iter().copied().collect();
        for name in asked {
            if self.jobs[name].state == JobState::Failed {
                picked.extend(self.parents_of(*name).into_iter().filter(|parent| {
                    let parent = &self.jobs[parent];
                    parent.state == JobState::Failed && parent.class == Some(FaultClass::Child)
                }));
            }
        }
        picked
    }

    /// Returns how many were cancelled.
    pub(crate) fn cancel(
        &mut self,
        mut picked: BTreeSet<u64>,
        at: UtcMillis,
        superseded: bool,
    ) -> u64 {
        let put_aside = |job: &mut Job| {
            job.go(JobState::Cancelled, at);
            job.class = None;
            job.superseded = superseded;
        };
        let parents: Vec<u64> = picked
            .iter()
            .copied()
            .filter(|n| self.jobs[n].is_parent())
            .collect();
        for parent in &parents {
            put_aside(self.job(*parent));
        }
        for child in parents
            .iter()
            .flat_map(|parent| self.children_of(*parent))
            .collect::<Vec<_>>()
        {
            let parents = self.parents_of(child);
            let is_wanted = parents
                .iter()
                .any(|parent| !self.jobs[parent].state.is_final());
            let job = &self.jobs[&child];
            if !is_wanted && !job.state.is_final() && job.state != JobState::Sent {
                picked.insert(child);
            }
        }
        let children: Vec<u64> = picked
            .iter()
            .copied()
            .filter(|n| !self.jobs[n].is_parent())
            .collect();
        let bereft: BTreeSet<u64> = children.iter().flat_map(|c| self.parents_of(*c)).collect();
        for child in &children {
            put_aside(self.job(*child));
        }
        self.look_after(bereft, at);
        u64::try_from(parents.len() + children.len()).unwrap()
    }

    /// Of a file, its parts that no other file still wants. Returns how many jobs were set aside.
    pub(crate) fn hold(&mut self, picked: &BTreeSet<u64>) -> usize {
        let (parents, mut aside): (BTreeSet<u64>, BTreeSet<u64>) =
            picked.iter().partition(|name| self.jobs[name].is_parent());
        for child in parents.iter().flat_map(|parent| self.children_of(*parent)) {
            let others = self.parents_of(child);
            let is_wanted = others
                .iter()
                .any(|other| !picked.contains(other) && !self.jobs[other].state.is_final());
            let is_idle = matches!(
                self.jobs[&child].state,
                JobState::Scheduled | JobState::Available
            );
            if is_idle && !is_wanted {
                aside.insert(child);
            }
        }
        for name in &aside {
            let job = self.job(*name);
            (job.state, job.not_before, job.class) = (JobState::Held, None, None);
        }
        aside.len()
    }
}
