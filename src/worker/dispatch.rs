//! The dispatcher of a run: it owns what is in flight, claims only what can be worked on now,
//! and decides when the run is over.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::{GateId, JobState, UtcMillis};
use crate::store::{self, Claim, PauseRow, SUSPECT_AFTER};
use crate::worker::event::Event;
use crate::worker::heartbeat::{self, LEASE};
use crate::worker::lane::Lane;
use crate::worker::run::Run;
use crate::worker::stop::Stop;
use crate::worker::{job, notes};

/// Jobs that send nothing and run at once: they use a core each.
const LOCAL_WORKERS: usize = 2;

/// Why a run broke.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("a worker panicked: {0}")]
    Panic(String),
}

/// Works through `run` until a [`Stop`]. On return nothing is in flight.
pub async fn work(run: &Arc<Run>) -> Result<Stop, RunError> {
    run.pauses.look(&run.store).await?;
    let mut dispatcher = Dispatcher {
        pauses: run.pauses.changes(),
        run: run.clone(),
        jobs: JoinSet::new(),
        per_gate: HashMap::new(),
        closed: Vec::new(),
        is_stopping: false,
        turn: 0,
        misdated: false,
        suspects: VecDeque::new(),
        is_alone: false,
    };
    let leases = tokio::spawn(heartbeat::keep_leases(run.clone()));
    let watch = tokio::spawn(heartbeat::watch_pauses(run.clone()));
    let done = CancellationToken::new();
    let notes = tokio::spawn(notes::keep(run.clone(), done.clone()));
    let result = dispatcher.work().await;
    leases.abort();
    watch.abort();
    done.cancel();
    notes
        .await
        .map_err(|error| RunError::Panic(error.to_string()))?;
    if let Ok(stop) = &result
        && let Err(error) = notes::end(run, stop).await
    {
        run.tell(Event::Warning(format!(
            "what the run learned could not be kept: {error}"
        )));
    }
    result
}

struct Dispatcher {
    run: Arc<Run>,
    pauses: watch::Receiver<Vec<PauseRow>>,
    jobs: JoinSet<(GateId, Result<(), store::Error>)>,
    per_gate: HashMap<GateId, usize>,
    /// Gates that were closed at the last claim: their opening is what is waited for, also
    /// when they opened before anybody listened.
    closed: Vec<GateId>,
    /// It was said that nothing more is claimed.
    is_stopping: bool,
    /// Rounds of claiming, so that no gate is always the first.
    turn: usize,
    /// All that is scheduled is scheduled by a clock that was set back since.
    misdated: bool,
    /// Claimed, and not started before nothing else is in flight: they may end the process.
    suspects: VecDeque<Claim>,
    /// A suspect is in flight.
    is_alone: bool,
}

impl Dispatcher {
    async fn work(&mut self) -> Result<Stop, RunError> {
        loop {
            let stop = self.look_for_stop();
            self.start_suspects();
            let claimed = match &stop {
                None if self.is_alone || !self.suspects.is_empty() => 0,
                None => self.claim().await?,
                // What was paid for is delivered: joining sends nothing.
                Some(stop) if stop.leaves_time_to_join() => self.claim_local().await?,
                Some(_) => 0,
            };
            if self.jobs.is_empty() && !self.suspects.is_empty() {
                continue;
            }
            if self.jobs.is_empty() && claimed == 0 {
                if let Some(stop) = stop {
                    return Ok(stop);
                }
                match self.more_to_come().await? {
                    Outlook::Nothing => return Ok(Stop::Empty),
                    Outlook::GivenUp(stop) => {
                        self.run.shutdown.stop_for(stop);
                        continue;
                    }
                    Outlook::Work => {}
                }
            }
            self.wait().await?;
        }
    }

    /// Claims work that sends nothing, unless all is being given up.
    async fn claim_local(&mut self) -> Result<usize, store::Error> {
        let room = LOCAL_WORKERS.saturating_sub(self.in_flight(GateId::LOCAL));
        let is_over = self.run.shutdown.abort.is_cancelled();
        if room == 0 || is_over || !self.run.specs.contains_key(&GateId::LOCAL) {
            return Ok(0);
        }
        let claimed = self.claim_each(&[(GateId::LOCAL, room)]).await?;
        Ok(claimed.values().sum())
    }

    /// Claims as many as the gates would take.
    async fn claim(&mut self) -> Result<usize, store::Error> {
        let mut count = 0;
        let local = LOCAL_WORKERS.saturating_sub(self.in_flight(GateId::LOCAL));
        let mut asked = Vec::new();
        if local > 0 && self.run.specs.contains_key(&GateId::LOCAL) {
            asked.push((GateId::LOCAL, local));
        }
        // Twice as many as may be on the wire: the others are being checked or wait their turn.
        let workers = self.run.rules.workers;
        let mut room = workers
            .saturating_mul(2)
            .saturating_sub(self.requests_in_flight());
        let mut open = self.open_gates();
        loop {
            // Room is given by what was claimed and not by what was wanted: a gate without
            // jobs wants as much as any other, and must not keep the others from theirs.
            let share = (room / open.len().max(1)).max(1);
            for (gate, limit) in open.iter().take(room / share) {
                asked.push((*gate, share.min(*limit)));
            }
            if asked.is_empty() {
                return Ok(count);
            }
            let claimed = self.claim_each(&asked).await?;
            for (gate, want) in asked.drain(..) {
                let got = claimed.get(&gate).copied().unwrap_or(0);
                count += got;
                if gate == GateId::LOCAL {
                    continue;
                }
                room = room.saturating_sub(got);
                let Some(place) = open.iter().position(|(id, _)| *id == gate) else {
                    continue;
                };
                open[place].1 -= got;
                if got < want || open[place].1 == 0 {
                    open.remove(place);
                }
            }
        }
    }

    /// The gates that would take more, and how much, beginning with another one each time.
    fn open_gates(&mut self) -> VecDeque<(GateId, usize)> {
        self.closed.clear();
        let mut open = VecDeque::new();
        for gate in self.run.specs.keys() {
            let Some(lane) = self.run.lanes.get(gate) else {
                continue;
            };
            let limit = lane.gate.claim_limit();
            if limit == 0 {
                self.closed.push(*gate);
            }
            let more = limit.saturating_sub(self.in_flight(*gate));
            if more > 0 {
                open.push_back((*gate, more));
            }
        }
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn % open.len().max(1);
        open.rotate_left(first);
        open
    }

    /// Claims for each gate up to so many jobs, starts them, and says how many there were.
    async fn claim_each(
        &mut self,
        asked: &[(GateId, usize)],
    ) -> Result<HashMap<GateId, usize>, store::Error> {
        let wanted: Vec<_> = asked
            .iter()
            .filter_map(|(gate, want)| {
                let specs = self.run.specs.get(gate)?.iter();
                let specs = specs.filter(|spec| {
                    !self.run.pauses.stop(self.run.mark(**spec))
                        && !self.run.alike.is_stopped(**spec)
                });
                Some((specs.copied().collect(), u32::try_from(*want).unwrap_or(1)))
            })
            .collect();
        let now = self.run.clock.now();
        let due_by = if std::mem::take(&mut self.misdated) {
            UtcMillis(i64::MAX)
        } else {
            now
        };
        let claims = self
            .run
            .store
            .claim(&wanted, self.run.id, due_by, now.after(LEASE))
            .await?;
        let mut claimed = HashMap::new();
        for claim in claims {
            *claimed.entry(claim.spec.gate).or_default() += 1;
            if claim.crashes >= SUSPECT_AFTER {
                self.run.hold(&claim);
                self.suspects.push_back(claim);
            } else {
                self.start(claim);
            }
        }
        Ok(claimed)
    }

    /// Starts the next suspect once nothing else is in flight; all of them when the run stops, for
    /// they are put back then.
    fn start_suspects(&mut self) {
        if self.is_stopping {
            for claim in std::mem::take(&mut self.suspects) {
                self.start(claim);
            }
        }
        if self.jobs.is_empty() {
            let next = self.suspects.pop_front();
            self.is_alone = next.is_some();
            if let Some(claim) = next {
                self.start(claim);
            }
        }
    }

    fn start(&mut self, claim: Claim) {
        let (gate, id) = (claim.spec.gate, claim.job);
        *self.per_gate.entry(gate).or_default() += 1;
        let run = self.run.clone();
        run.hold(&claim);
        self.jobs.spawn(async move {
            let end = job::work(&run, claim).await;
            run.let_go(id);
            (gate, end)
        });
    }

    fn in_flight(&self, gate: GateId) -> usize {
        self.per_gate.get(&gate).copied().unwrap_or(0)
    }

    fn requests_in_flight(&self) -> usize {
        self.per_gate
            .iter()
            .filter(|(gate, _)| **gate != GateId::LOCAL)
            .map(|(_, count)| count)
            .sum()
    }

    /// Whether this run can still expect work: something scheduled, or a closed lane with
    /// jobs behind it.
    async fn more_to_come(&self) -> Result<Outlook, store::Error> {
        let counts = self.run.store.counts().await?;
        let waits = |count: &&store::Count| {
            matches!(count.state, JobState::Available | JobState::Scheduled)
        };
        let own = |count: &&store::Count| self.run.requests.contains_key(&count.spec);
        let (refused, backlog): (Vec<_>, Vec<_>) = counts
            .iter()
            .filter(waits)
            .filter(own)
            .partition(|count| self.run.alike.is_stopped(count.spec));
        let backlog: HashSet<GateId> = backlog.iter().map(|count| count.gate).collect();
        let behind = |gate: &GateId| backlog.contains(gate);
        if let Some((_, lane)) = self
            .run
            .lanes
            .iter()
            .find(|(id, lane)| behind(id) && self.gave_up_on(lane))
        {
            return Ok(Outlook::GivenUp(Stop::Unreachable {
                lane: lane.name.clone(),
            }));
        }
        let is_more = behind(&GateId::LOCAL) || self.run.lanes.keys().any(behind);
        Ok(match refused.first() {
            _ if is_more => Outlook::Work,
            None => Outlook::Nothing,
            Some(count) => Outlook::GivenUp(Stop::Refused {
                task: count.task.clone(),
                detail: self.run.alike.said(count.spec).unwrap_or_default(),
            }),
        })
    }

    fn gave_up_on(&self, lane: &Lane) -> bool {
        lane.gate
            .down_for()
            .is_some_and(|down| down >= self.run.rules.retry.give_up_after)
    }

    /// Waits for whatever can change what is claimable.
    async fn wait(&mut self) -> Result<(), RunError> {
        let run = self.run.clone();
        let goes_on = !self.is_stopping;
        let now = run.clock.now();
        let due = if goes_on {
            self.next_due(now).await?
        } else {
            None
        };
        let until = run.rules.until.filter(|_| goes_on);
        let until = until.map(|until| Instant::now() + until.since(now));
        tokio::select! {
            Some(ended) = self.jobs.join_next(), if !self.jobs.is_empty() => {
                self.ended(ended)?;
                while let Some(ended) = self.jobs.try_join_next() {
                    self.ended(ended)?;
                }
            }
            () = sleep_until(due), if due.is_some() => {}
            () = sleep_until(until), if until.is_some() => run.shutdown.stop_for(Stop::TimeLimit),
            () = run.shutdown.stop.cancelled(), if goes_on => {}
            _ = self.pauses.changed(), if goes_on => {}
            () = any_opens(&run, &self.closed), if goes_on => {}
        }
        Ok(())
    }

    /// When the next scheduled job may be claimed, at most half a minute from now.
    async fn next_due(&mut self, now: UtcMillis) -> Result<Option<Instant>, store::Error> {
        let Some(due) = self.run.store.next_due().await? else {
            return Ok(None);
        };
        let wait = due.since(now);
        // Nothing is ever scheduled for so late: it was, by a clock that ran ahead, and
        // nobody is to wait for that day to come again.
        self.misdated = wait > self.run.rules.longest_wait();
        let wait = if self.misdated {
            Duration::from_millis(100)
        } else {
            wait.min(Duration::from_secs(30))
        };
        Ok(Some(Instant::now() + wait))
    }

    fn ended(
        &mut self,
        ended: Result<(GateId, Result<(), store::Error>), tokio::task::JoinError>,
    ) -> Result<(), RunError> {
        let (gate, end) = ended.map_err(|error| RunError::Panic(error.to_string()))?;
        if let Some(count) = self.per_gate.get_mut(&gate) {
            *count = count.saturating_sub(1);
        }
        match end {
            Ok(()) | Err(store::Error::LeaseLost { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Why nothing more is claimed, if so; said once. What waits for a gate is given back, what
    /// was sent gets the drain time.
    fn look_for_stop(&mut self) -> Option<Stop> {
        let stop = self.run.shutdown.why()?.clone();
        if std::mem::replace(&mut self.is_stopping, true) {
            return Some(stop);
        }
        let in_flight = self
            .run
            .rules
            .workers
            .saturating_sub(self.run.wire.available_permits());
        self.run.tell(Event::Stopping {
            why: stop.words(),
            in_flight,
        });
        let shutdown = self.run.shutdown.clone();
        let drain = self.run.rules.drain;
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(drain) => shutdown.abort.cancel(),
                () = shutdown.abort.cancelled() => {}
            }
        });
        Some(stop)
    }
}

/// Whether a run without work in hand has more to come.
enum Outlook {
    Work,
    Nothing,
    GivenUp(Stop),
}

/// Waits until one of the gates opens; forever if there are none.
async fn any_opens(run: &Run, closed: &[GateId]) {
    let lanes = closed.iter().filter_map(|gate| run.lanes.get(gate));
    let opened: Vec<_> = lanes.map(|lane| Box::pin(lane.gate.ready())).collect();
    if opened.is_empty() {
        return std::future::pending().await;
    }
    futures_util::future::select_all(opened).await;
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
