//! What a try at a job does to the queue, as it ought to.

use voicespool::domain::{Attempt, CostStatus, FaultClass, JobState, NanoUsd, RunId, UtcMillis};

use voicespool::store::Evidence;

use crate::store::model::world::{Line, Outcome, World};

/// Claims and how they end.
impl World {
    /// Due jobs join the queue.
    pub(crate) fn ripen(&mut self, now: UtcMillis) {
        for job in self.jobs.values_mut() {
            if job.not_before.is_some_and(|due| due <= now) {
                (job.state, job.not_before) = (JobState::Available, None);
            }
        }
    }

    /// The most urgent, then oldest jobs of a spec, at most `most`.
    pub(crate) fn claim(&mut self, spec: usize, most: usize, until: UtcMillis) -> Vec<u64> {
        let mut waiting: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.state == JobState::Available && job.spec == spec)
            .map(|(name, job)| (job.priority, job.id, *name))
            .collect();
        waiting.sort_unstable();
        waiting.truncate(most);
        for (_, _, name) in &waiting {
            let job = self.job(*name);
            job.state = JobState::Leased;
            job.attempt += 1;
            job.lease_until = Some(until);
        }
        waiting.into_iter().map(|(_, _, name)| name).collect()
    }

    fn holds(&self, name: u64, attempt: Attempt, states: &[JobState]) -> bool {
        let job = &self.jobs[&name];
        job.attempt == attempt.0 && states.contains(&job.state)
    }

    /// Spent, in doubt or set aside, of one run or of all.
    pub(crate) fn used(&self, run: Option<RunId>) -> i64 {
        let of = |line: &&Line| run.is_none_or(|run| line.run == run);
        self.bill.values().filter(of).map(|line| line.cost).sum()
    }

    /// Whether `cap` leaves room for `cost` more, of one run or of all.
    fn has_room(&self, cap: Option<NanoUsd>, run: Option<RunId>, cost: i64) -> bool {
        cap.is_none_or(|cap| self.used(run) + cost <= cap.0)
    }

    pub(crate) fn send(
        &mut self,
        (name, attempt): (u64, Attempt),
        run: RunId,
        cost: i64,
        at: UtcMillis,
    ) -> Outcome {
        if !self.holds(name, attempt, &[JobState::Leased]) {
            return Outcome::LeaseLost;
        }
        let run_cap = self.run_caps.get(&run).copied();
        if !self.has_room(self.queue_cap, None, cost) || !self.has_room(run_cap, Some(run), cost) {
            return Outcome::Budget;
        }
        self.job(name).state = JobState::Sent;
        let line = Line {
            run,
            cost,
            status: CostStatus::Reserved,
            sent_at: at,
            finished_at: None,
        };
        self.bill.insert((name, attempt.0), line);
        Outcome::Done
    }

    /// `to`, whether it counts as a failure, the class of what went wrong, and the bill.
    pub(crate) fn settle(
        &mut self,
        (name, attempt): (u64, Attempt),
        to: (JobState, Option<UtcMillis>),
        failure: (bool, Option<FaultClass>),
        bill: Option<(CostStatus, i64)>,
        at: UtcMillis,
    ) -> Outcome {
        let ((state, not_before), (counts, class)) = (to, failure);
        if state == JobState::Failed && class.is_none() {
            return Outcome::Misuse;
        }
        if !self.holds(name, attempt, &[JobState::Leased, JobState::Sent]) {
            return Outcome::LeaseLost;
        }
        let was_sent = self.jobs[&name].state == JobState::Sent;
        if was_sent != bill.is_some() {
            return Outcome::Misuse;
        }
        if state == JobState::Held && !was_sent {
            return Outcome::IllegalMove;
        }
        let job = self.job(name);
        job.go(state, at);
        (job.not_before, job.class) = (not_before, class);
        job.failures += u32::from(counts);
        if state == JobState::Scheduled && class.is_some() {
            job.first_fault_at.get_or_insert(at);
        }
        if let Some((status, cost)) = bill {
            self.pay((name, attempt), status, cost, at);
        }
        self.end(name, at);
        Outcome::Done
    }

    /// Settles a line; what was not billed costs nothing.
    fn pay(
        &mut self,
        (name, attempt): (u64, Attempt),
        status: CostStatus,
        cost: i64,
        at: UtcMillis,
    ) {
        let line = self.bill.get_mut(&(name, attempt.0)).unwrap();
        line.status = status;
        line.cost = if status == CostStatus::NotBilled {
            0
        } else {
            cost
        };
        line.finished_at.get_or_insert(at);
    }

    /// Tells the parents of a job that is over.
    fn end(&mut self, name: u64, at: UtcMillis) {
        if self.jobs[&name].state.is_final() {
            self.look_after(self.parents_of(name), at);
        }
    }

    pub(crate) fn extend(&mut self, (name, attempt): (u64, Attempt), until: UtcMillis) -> bool {
        let holds = self.holds(name, attempt, &[JobState::Leased, JobState::Sent]);
        if holds {
            self.job(name).lease_until = Some(until);
        }
        holds
    }

    /// `missing` are results that are gone.
    pub(crate) fn send_back(
        &mut self,
        (name, attempt): (u64, Attempt),
        missing: &[u64],
        at: UtcMillis,
    ) -> Outcome {
        if !self.holds(name, attempt, &[JobState::Leased]) || self.jobs[&name].sealed != Some(true)
        {
            return Outcome::LeaseLost;
        }
        let job = self.job(name);
        (job.state, job.lease_until) = (JobState::Waiting, None);
        let gone = missing.iter().copied().filter(|name| {
            let job = &self.jobs[name];
            job.state == JobState::Completed && !job.is_parent()
        });
        self.reopen(&gone.collect(), at);
        self.look_after([name], at);
        Outcome::Done
    }
}

/// After a crash.
impl World {
    /// Leases up to `until` have ended. Returns how many were claimed only, and who is in flight.
    pub(crate) fn rescue(&mut self, until: UtcMillis) -> (u64, Vec<u64>) {
        let (mut released, mut in_flight) = (0, Vec::new());
        for (name, job) in &mut self.jobs {
            if job.lease_until.is_none_or(|lease| lease > until) {
                continue;
            }
            if job.state == JobState::Leased {
                (job.state, job.lease_until) = (JobState::Available, None);
                released += 1;
            } else {
                in_flight.push((job.id, *name));
            }
        }
        in_flight.sort_unstable();
        (
            released,
            in_flight.into_iter().map(|(_, name)| name).collect(),
        )
    }

    pub(crate) fn adopt(&mut self, (name, attempt): (u64, Attempt), at: UtcMillis) -> Outcome {
        if !self.holds(name, attempt, &[JobState::Sent, JobState::Held]) {
            return Outcome::LeaseLost;
        }
        let job = self.job(name);
        job.go(JobState::Completed, at);
        job.class = None;
        if let Some(line) = self.bill.get_mut(&(name, attempt.0))
            && matches!(line.status, CostStatus::Reserved | CostStatus::InDoubt)
        {
            (line.status, line.finished_at) = (CostStatus::Confirmed, Some(at));
        }
        self.end(name, at);
        Outcome::Done
    }

    /// Returns what the job became.
    pub(crate) fn doubt(
        &mut self,
        (name, attempt): (u64, Attempt),
        (to, evidence): (JobState, Evidence),
        at: UtcMillis,
    ) -> Result<JobState, Outcome> {
        if !self.holds(name, attempt, &[JobState::Sent]) {
            return Err(Outcome::LeaseLost);
        }
        let job = self.job(name);
        let counts = evidence == Evidence::AnswerBegun;
        job.crashes += u32::from(counts);
        let is_poison = counts && job.crashes >= 4;
        job.class = is_poison.then_some(FaultClass::Poison);
        job.go(if is_poison { JobState::Held } else { to }, at);
        let state = job.state;
        let cost = self.bill[&(name, attempt.0)].cost;
        self.pay((name, attempt), CostStatus::InDoubt, cost, at);
        self.end(name, at);
        Ok(state)
    }

    pub(crate) fn resolve(
        &mut self,
        hand: (u64, Attempt),
        status: CostStatus,
        cost: i64,
    ) -> Outcome {
        let line = self.bill.get(&(hand.0, hand.1.0)).copied();
        match line {
            Some(line) if line.status == CostStatus::InDoubt => {
                self.pay(hand, status, cost, line.sent_at);
                Outcome::Done
            }
            _ => Outcome::Misuse,
        }
    }
}
