//! One run: the dispatcher. It owns what is in flight, claims only what can be worked on
//! now, and decides when the run is over.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::audio::SpeechCheck;
use crate::domain::{
    Attempt, AudioMillis, Delivery, GateId, JobId, JobState, NanoUsd, Price, RunId, SpecId,
    SpeechParams, TranscriptionParams, UtcMillis,
};
use crate::engine::Engine;
use crate::engine::delay::{DelayRules, MAX_RETRY_AFTER};
use crate::engine::limit::Gate;
use crate::pipeline::objects::Objects;
use crate::pipeline::outputs::Outputs;
use crate::pipeline::task::Places;
use crate::store::{self, Claim, DoubtPolicy, PauseRow, Purse, SUSPECT_AFTER, Store};
use crate::worker::bounds::Bounds;
use crate::worker::clock::Clock;
use crate::worker::event::{Event, Told};
use crate::worker::guard::Guard;
use crate::worker::job;
use crate::worker::pause::{self, Mark, Pauses};
use crate::worker::pulse;
use crate::worker::settle::End;
use crate::worker::shutdown::Shutdown;
use crate::worker::verdict::RetryRules;
use crate::worker::why::Cause;

/// How long a claim holds without a heartbeat.
const LEASE: Duration = Duration::from_mins(1);

/// How often claims are extended.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Jobs that send nothing and run at once: they use a core each.
const LOCAL_WORKERS: usize = 2;

/// One endpoint and model, with its engine behind its gate.
#[derive(Debug)]
pub struct Lane {
    pub engine: Arc<dyn Engine>,
    pub gate: Gate,
    /// Words for messages: `hexgrad/Kokoro-82M at api.together.ai`.
    pub name: String,
    /// When it last answered anything; 0 for never.
    pub(crate) last_success: AtomicI64,
}

impl Lane {
    pub fn new(engine: Arc<dyn Engine>, gate: Gate, name: String) -> Self {
        Self {
            engine,
            gate,
            name,
            last_success: AtomicI64::new(0),
        }
    }

    pub(crate) fn answered(&self, at: UtcMillis) {
        self.last_success.fetch_max(at.0, Ordering::Relaxed);
    }

    pub(crate) fn answered_since(&self, at: UtcMillis) -> bool {
        self.last_answer_after(at).is_some()
    }

    /// When it last answered, if that was after `at`.
    pub(crate) fn last_answer_after(&self, at: UtcMillis) -> Option<UtcMillis> {
        let last = self.last_success.load(Ordering::Relaxed);
        (last > at.0).then_some(UtcMillis(last))
    }
}

/// What the jobs of one spec ask for.
#[derive(Debug)]
pub enum Request {
    Speak {
        params: SpeechParams,
        price: Option<Price>,
        check: SpeechCheck,
        delivery: Delivery,
    },
    Transcribe {
        endpoint: String,
        params: TranscriptionParams,
        price: Option<Price>,
        /// The longest audio of one request.
        longest: AudioMillis,
    },
    /// Assemble or compose: everything is in the job.
    Nothing,
}

impl Request {
    /// The road the answer takes.
    pub(crate) fn delivery(&self) -> Delivery {
        match self {
            Self::Speak { delivery, .. } => *delivery,
            Self::Transcribe { .. } | Self::Nothing => Delivery::Rest,
        }
    }

    pub(crate) fn price(&self) -> Option<Price> {
        match self {
            Self::Speak { price, .. } | Self::Transcribe { price, .. } => *price,
            Self::Nothing => Some(Price::Free),
        }
    }
}

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct RunRules {
    /// Requests in flight over all lanes.
    pub workers: usize,
    /// How long requests in flight may take after the first signal.
    pub drain: Duration,
    pub retry: RetryRules,
    pub delay: DelayRules,
    pub on_in_doubt: DoubtPolicy,
    /// Stop claiming at this time.
    pub until: Option<UtcMillis>,
}

impl RunRules {
    /// Longer than any retry is ever put off: the provider's wish and a tenth, or the own
    /// longest delay, and a minute.
    fn longest_wait(&self) -> Duration {
        let wish = MAX_RETRY_AFTER.saturating_add(MAX_RETRY_AFTER / 10);
        wish.max(self.delay.cap)
            .saturating_add(Duration::from_mins(1))
    }
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Nothing is left that this run may do.
    Empty,
    /// The next request would go over the cap of `which`.
    Budget { what: String, which: Purse },
    /// Money is paid for nothing usable.
    Runaway { why: String },
    /// The provider refuses the key or the account, in its words.
    Account { detail: String },
    /// A signal.
    Interrupted,
    /// The time is up.
    TimeLimit,
    /// The provider was down longer than `give_up_after`.
    Unreachable { lane: String },
    /// A file or folder of this machine.
    Local { detail: String },
}

/// Why a run broke.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("a worker panicked: {0}")]
    Panic(String),
}

/// Everything a run works with.
#[derive(Debug)]
pub struct Run {
    pub id: RunId,
    pub store: Arc<Store>,
    pub objects: Objects,
    pub places: Places,
    pub outputs: Outputs,
    pub lanes: HashMap<GateId, Lane>,
    pub requests: HashMap<SpecId, Request>,
    /// The same specs by where they go, the most urgent first. Jobs of other tasks stay in
    /// the queue.
    pub specs: HashMap<GateId, Vec<SpecId>>,
    pub rules: RunRules,
    pub clock: Clock,
    pub events: UnboundedSender<Told>,
    pub shutdown: Shutdown,
    /// A permit for each request on the wire, over all lanes.
    pub wire: Semaphore,
    /// What is claimed now: what the heartbeat keeps alive.
    pub held: Mutex<HashMap<JobId, Attempt>>,
    /// The names under which the jobs of a spec can be paused.
    pub marks: HashMap<SpecId, Mark>,
    pub pauses: Pauses,
    pub guard: Guard,
    pub bounds: Bounds,
    /// Why a job called the whole run off, before the dispatcher could know.
    pub halted: OnceLock<Stop>,
}

impl Run {
    pub(crate) fn tell(&self, event: Event) {
        match &event {
            // Twice a second, and shown elsewhere.
            Event::Pulse(_) => tracing::trace!(?event),
            Event::Warning(words) => tracing::warn!("{words}"),
            _ => tracing::debug!(?event),
        }
        // The reporter may be gone at the very end; a run never fails for want of an audience.
        let at = self.clock.now();
        let _ = self.events.send(Told { at, event });
    }

    /// Calls the run off at once: nothing leaves after this, although the job that saw the
    /// reason is not settled yet. The first reason stays.
    pub(crate) fn halt(&self, stop: Stop) {
        // A reason is there already: the run is being called off.
        let _ = self.halted.set(stop);
        self.shutdown.stop.cancel();
    }

    pub(crate) fn mark(&self, spec: SpecId) -> Option<&Mark> {
        self.marks.get(&spec)
    }

    /// Notes that the lease of `claim` is this run's, to be kept alive.
    fn hold(&self, claim: &Claim) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(claim.job, claim.attempt);
    }

    fn leases(&self) -> Vec<(JobId, Attempt)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(job, attempt)| (*job, *attempt)).collect()
    }

    /// Works until a [`Stop`]. On return nothing is in flight.
    pub async fn work(self: &Arc<Self>) -> Result<Stop, RunError> {
        self.pauses.look(&self.store).await?;
        let (told, stopping) = watch::channel(None);
        let mut dispatcher = Dispatcher {
            pauses: self.pauses.changes(),
            run: self.clone(),
            jobs: JoinSet::new(),
            per_gate: HashMap::new(),
            closed: Vec::new(),
            stop: None,
            turn: 0,
            misdated: false,
            suspects: VecDeque::new(),
            is_alone: false,
            told,
        };
        let heartbeat = tokio::spawn(beat(self.clone()));
        let watch = tokio::spawn(watch_pauses(self.clone()));
        let done = CancellationToken::new();
        let pulse = tokio::spawn(pulse::keep(self.clone(), stopping, done.clone()));
        let result = dispatcher.work().await;
        heartbeat.abort();
        watch.abort();
        done.cancel();
        pulse
            .await
            .map_err(|error| RunError::Panic(error.to_string()))?;
        if let Ok(stop) = &result
            && let Err(error) = pulse::end(self, stop).await
        {
            self.tell(Event::Warning(format!(
                "what the run learned could not be kept: {error}"
            )));
        }
        result
    }
}

/// Keeps the claims of a live run alive until it is aborted.
async fn beat(run: Arc<Run>) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    // After a sleep of the machine one beat is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = run.clock.now();
        if let Err(error) = run.store.extend(&run.leases(), now.after(LEASE)).await {
            run.tell(Event::Warning(format!("cannot extend leases: {error}")));
        }
        // Behind the run lock only a hung task of this process can lose its lease.
        match run.store.rescue_expired(now).await {
            Ok(found) if found.released > 0 => {
                run.tell(Event::Warning(format!(
                    "took back {} leases that had run out",
                    found.released
                )));
            }
            Ok(_) => {}
            Err(error) => run.tell(Event::Warning(format!(
                "cannot look for lost leases: {error}"
            ))),
        }
    }
}

/// Keeps the run's pauses those of the queue until it is aborted.
async fn watch_pauses(run: Arc<Run>) {
    let tell = |changed: Result<(), store::Error>| {
        run.tell(match changed {
            Ok(()) => Event::Paused {
                what: run.pauses.words(),
            },
            Err(error) => Event::Warning(format!("cannot look for pauses: {error}")),
        });
    };
    if !run.pauses.words().is_empty() {
        tell(Ok(()));
    }
    pause::watch(&run.pauses, &run.store, tell).await;
}

struct Dispatcher {
    run: Arc<Run>,
    pauses: watch::Receiver<Vec<PauseRow>>,
    jobs: JoinSet<(GateId, Result<End, store::Error>)>,
    per_gate: HashMap<GateId, usize>,
    /// Gates that were closed at the last claim: their opening is what is waited for, also
    /// when they opened before anybody listened.
    closed: Vec<GateId>,
    stop: Option<Stop>,
    /// Rounds of claiming, so that no gate is always the first.
    turn: usize,
    /// All that is scheduled is scheduled by a clock that was set back since.
    misdated: bool,
    /// Claimed, and not started before nothing else is in flight: they may end the process.
    suspects: VecDeque<Claim>,
    /// A suspect is in flight.
    is_alone: bool,
    /// Why it stops, for the pulse.
    told: watch::Sender<Option<Cause>>,
}

impl Dispatcher {
    async fn work(&mut self) -> Result<Stop, RunError> {
        loop {
            self.start_suspects();
            let claimed = match &self.stop {
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
                if let Some(stop) = self.stop.take() {
                    return Ok(stop);
                }
                if !self.more_to_come().await? {
                    return Ok(Stop::Empty);
                }
                if self.stop.is_some() {
                    continue;
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
                let specs = specs.filter(|spec| !self.run.pauses.stop(self.run.mark(**spec)));
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
        if self.stop.is_some() {
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
            run.held
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
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
    async fn more_to_come(&mut self) -> Result<bool, store::Error> {
        let counts = self.run.store.counts().await?;
        let waits = |count: &&store::Count| {
            matches!(count.state, JobState::Available | JobState::Scheduled)
        };
        let own = |count: &&store::Count| self.run.requests.contains_key(&count.spec);
        let backlog: HashSet<GateId> = counts
            .iter()
            .filter(waits)
            .filter(own)
            .map(|count| count.gate)
            .collect();
        let behind = |gate: &GateId| backlog.contains(gate);
        if let Some((_, lane)) = self
            .run
            .lanes
            .iter()
            .find(|(id, lane)| behind(id) && self.gave_up_on(lane))
        {
            self.stop = Some(Stop::Unreachable {
                lane: lane.name.clone(),
            });
            return Ok(true);
        }
        Ok(behind(&GateId::LOCAL) || self.run.lanes.keys().any(behind))
    }

    fn gave_up_on(&self, lane: &Lane) -> bool {
        lane.gate
            .down_for()
            .is_some_and(|down| down >= self.run.rules.retry.give_up_after)
    }

    /// Waits for whatever can change what is claimable.
    async fn wait(&mut self) -> Result<(), RunError> {
        let run = self.run.clone();
        let stopping = self.stop.is_some();
        let due = if stopping {
            None
        } else {
            run.store.next_due().await?
        };
        let now = run.clock.now();
        let due = due.map(|due| {
            let wait = due.since(now);
            // Nothing is ever scheduled for so late: it was, by a clock that ran ahead, and
            // nobody is to wait for that day to come again.
            self.misdated = wait > run.rules.longest_wait();
            let wait = if self.misdated {
                Duration::from_millis(100)
            } else {
                wait.min(Duration::from_secs(30))
            };
            Instant::now() + wait
        });
        let until = run
            .rules
            .until
            .filter(|_| !stopping)
            .map(|until| Instant::now() + until.since(now));
        let lanes_open = futures_util::future::select_all(
            self.closed
                .iter()
                .filter_map(|gate| run.lanes.get(gate))
                .map(|lane| lane.gate.ready())
                .map(
                    |opened| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
                        Box::pin(opened)
                    },
                )
                .chain(std::iter::once_with(
                    || -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
                        Box::pin(std::future::pending())
                    },
                )),
        );
        tokio::select! {
            Some(ended) = self.jobs.join_next(), if !self.jobs.is_empty() => {
                self.ended(ended)?;
                while let Some(ended) = self.jobs.try_join_next() {
                    self.ended(ended)?;
                }
            }
            () = sleep_until(due), if due.is_some() => {}
            () = sleep_until(until), if until.is_some() => self.stop_for(Stop::TimeLimit),
            () = run.shutdown.stop.cancelled(), if !stopping => {
                self.stop_for(run.halted.get().cloned().unwrap_or(Stop::Interrupted));
            }
            _ = self.pauses.changed(), if !stopping => {}
            _ = lanes_open, if !stopping => {}
        }
        Ok(())
    }

    fn ended(
        &mut self,
        ended: Result<(GateId, Result<End, store::Error>), tokio::task::JoinError>,
    ) -> Result<(), RunError> {
        let (gate, end) = ended.map_err(|error| RunError::Panic(error.to_string()))?;
        if let Some(count) = self.per_gate.get_mut(&gate) {
            *count = count.saturating_sub(1);
        }
        match end {
            Ok(End::Settled | End::Left) | Err(store::Error::LeaseLost { .. }) => {}
            Ok(End::Budget(what, which)) => self.stop_for(Stop::Budget { what, which }),
            Ok(End::Runaway(why)) => self.stop_for(Stop::Runaway { why }),
            Ok(End::Account(detail)) => self.stop_for(Stop::Account { detail }),
            Ok(End::Local(detail)) => self.stop_for(Stop::Local { detail }),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Stops claiming; the first reason stays. What waits for a gate is given back, what
    /// was sent gets the drain time.
    fn stop_for(&mut self, stop: Stop) {
        if self.stop.is_some() {
            return;
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
        self.told.send_replace(pulse::cause_of(&stop));
        self.stop = Some(stop);
        let shutdown = self.run.shutdown.clone();
        shutdown.stop.cancel();
        let drain = self.run.rules.drain;
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(drain) => shutdown.abort.cancel(),
                () = shutdown.abort.cancelled() => {}
            }
        });
    }
}

impl Stop {
    /// Whether files whose answers are all there are still joined: nobody is waiting for the
    /// program to end, and this machine is well.
    fn leaves_time_to_join(&self) -> bool {
        match self {
            Self::Budget { .. }
            | Self::Runaway { .. }
            | Self::Account { .. }
            | Self::Unreachable { .. } => true,
            Self::Empty | Self::Interrupted | Self::TimeLimit | Self::Local { .. } => false,
        }
    }

    /// Why, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Empty => "nothing is left to do".into(),
            Self::Budget { what, .. } => format!("the budget is reached: {what}"),
            Self::Runaway { why } => format!("money is paid for too little: {why}"),
            Self::Account { detail } => {
                format!("the provider refuses the key or the account: {detail}")
            }
            Self::Interrupted => "interrupted".into(),
            Self::TimeLimit => "the time limit is reached".into(),
            Self::Unreachable { lane } => format!("{lane} stayed unreachable"),
            Self::Local { detail } => detail.clone(),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Cost of nothing, for jobs that send nothing.
pub(crate) const FREE: NanoUsd = NanoUsd::ZERO;
