//! The surface of the store: every question and every order the program has for its queue.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Attempt, ContentKey, CostStatus, Day, GateId, JobId, JobState, NanoUsd, RunId, SourceId,
    SpecId, Standing, UtcMillis,
};
use crate::store::sqlite::{self, Db};
use crate::store::{
    Added, Adopt, AttemptRow, Bought, Caps, Claim, Count, DoubtPolicy, Error, EventRow, Evidence,
    FileEntry, Filter, GateRow, Intent, JobRow, LedgerEntry, Money, NewChildren, NewEvent,
    NewParent, NewRun, NewSource, NewSpec, ObjectRow, OutputRow, Parent, ParentRow, PartRow,
    Recovered, RunRow, Settle, SourceRow, Spec,
};

/// Which queue, and how to be with it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file, UTF-8. Its folder is made if need be, for the owner alone.
    pub path: PathBuf,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// Connections that read; at least one.
    pub readers: u32,
}

impl Options {
    /// Half a minute of patience and four readers for the queue at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(30),
            readers: 4,
        }
    }
}

/// The queue. Cheap to clone; all clones are one queue.
///
/// Every call that writes returns after its commit is on the disk. Dropping a future
/// does not take its call back; a claim nobody waits for any more is given back.
/// Pages take the last row seen (`None`: from the start) and a limit; a page shorter than
/// the limit is the last.
///
/// Besides what is said at each call, all may fail with [`Error::Busy`], [`Error::Full`],
/// [`Error::Io`], [`Error::Corrupt`], [`Error::Closed`], and those that write with
/// [`Error::ReadOnly`]. After an error nothing of the call was written.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) db: Db,
}

impl Store {
    /// Opens the queue for work: creates it, or migrates it after making a copy.
    ///
    /// # Errors
    /// [`Error::Foreign`], [`Error::Newer`], [`Error::Corrupt`] without touching the file;
    /// [`Error::Unsafe`] where the disk or SQLite cannot promise durability.
    pub async fn open(options: &Options) -> Result<Self, Error> {
        let db = sqlite::open(options).await?;
        Ok(Self { db })
    }

    /// Opens an existing queue for reading, also while a run works on it and where
    /// nothing may be written.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Older`], and those of [`Store::open`].
    pub async fn open_read_only(options: &Options) -> Result<Self, Error> {
        let db = sqlite::open_read_only(options).await?;
        Ok(Self { db })
    }

    /// The database file, from the root.
    pub fn path(&self) -> &Path {
        self.db.path()
    }

    /// Finishes every call already made, then closes the file; later calls fail with
    /// [`Error::Closed`]. Dropping the last clone does the same in the background.
    pub async fn close(&self) -> Result<(), Error> {
        self.db.close().await
    }
}

/// Runs and money.
impl Store {
    pub async fn start_run(&self, run: NewRun) -> Result<RunId, Error> {
        self.db.start_run(run).await
    }

    pub async fn finish_run(&self, run: RunId, at: UtcMillis, exit_code: i32) -> Result<(), Error> {
        self.db.finish_run(run, at, exit_code).await
    }

    /// Sets all caps anew; they hold from the next [`Store::mark_sent`] on.
    pub async fn set_caps(&self, caps: Caps) -> Result<(), Error> {
        self.db.set_caps(caps).await
    }

    /// The sums over all runs. Kept, not computed.
    pub async fn money(&self) -> Result<Money, Error> {
        self.db.money().await
    }

    /// The sums of what was sent on `day`, with the cap on any day. Kept, not computed.
    pub async fn money_of_day(&self, day: Day) -> Result<Money, Error> {
        self.db.money_of_day(day).await
    }

    /// Runs with their sums, oldest first.
    pub async fn runs(&self, after: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, Error> {
        self.db.runs(after, limit).await
    }

    pub async fn add_event(&self, event: NewEvent) -> Result<(), Error> {
        self.db.add_event(event).await
    }

    /// Events, oldest first.
    pub async fn events(&self, after: Option<i64>, limit: u32) -> Result<Vec<EventRow>, Error> {
        self.db.events(after, limit).await
    }
}

/// What jobs share.
impl Store {
    /// The gate of an endpoint and model, made at first sight.
    pub async fn gate(&self, endpoint: &str, model: &str) -> Result<GateId, Error> {
        self.db.gate(endpoint, model).await
    }

    /// Remembers a learned rate, which is positive.
    pub async fn save_rate(&self, gate: GateId, rate: f64, at: UtcMillis) -> Result<(), Error> {
        self.db.save_rate(gate, rate, at).await
    }

    /// Notes that the provider lets nothing pass the gate, and why. Claims are not stopped by it: their caller is.
    pub async fn pause_gate(&self, gate: GateId, reason: &str, at: UtcMillis) -> Result<(), Error> {
        self.db.set_pause(gate, Some((at, reason.to_owned()))).await
    }

    pub async fn unpause_gate(&self, gate: GateId) -> Result<(), Error> {
        self.db.set_pause(gate, None).await
    }

    /// All gates, `GateId::LOCAL` first, with learned rates and pauses.
    pub async fn gates(&self) -> Result<Vec<GateRow>, Error> {
        self.db.gates().await
    }

    /// The spec with these parameters, made at first sight.
    pub async fn spec(&self, spec: NewSpec) -> Result<SpecId, Error> {
        self.db.spec(spec).await
    }

    pub async fn spec_by_id(&self, id: SpecId) -> Result<Arc<Spec>, Error> {
        self.db.spec_by_id(id).await
    }
}

/// New work: source, parent, children, seal. Any step may be repeated after a crash.
impl Store {
    /// The source with this path, content and text; one that was superseded is current again.
    pub async fn add_source(&self, source: NewSource) -> Result<SourceId, Error> {
        self.db.add_source(source).await
    }

    /// The parent with this key. If it comes back unsealed (new, left unfinished by a crash,
    /// or wanted again after another version of the file had taken its place), add all its
    /// children and seal it.
    ///
    /// # Errors
    /// [`Error::Misuse`] if the spec is of a kind that has no children.
    pub async fn add_parent(&self, parent: NewParent) -> Result<Parent, Error> {
        self.db.add_parent(parent).await
    }

    /// Adds parts. A key that is known is the known job, whatever its state; cancelled ones
    /// are revived, more urgent priorities inherited. New children may be claimed at once.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`], [`Error::Sealed`], and [`Error::Misuse`] for more than
    /// [`NewChildren::MAX`] or for quantities in another unit than the kind's.
    pub async fn add_children(&self, children: NewChildren) -> Result<Added, Error> {
        self.db.add_children(children).await
    }

    /// Closes the list of children. Returns what the parent became: `waiting`, `available`
    /// (all are completed, or there are none), or `failed` (all are final, some not completed).
    ///
    /// # Errors
    /// [`Error::NoSuchJob`].
    pub async fn seal(&self, parent: JobId, at: UtcMillis) -> Result<JobState, Error> {
        self.db.seal(parent, at).await
    }

    /// Makes `keep` the only parent of the file at work: other unfinished parents of the same
    /// task and path are cancelled, with the children no living parent wants and that are not
    /// on the wire. Returns how many jobs were cancelled.
    pub async fn supersede(
        &self,
        task: &str,
        path: &[u8],
        keep: JobId,
        at: UtcMillis,
    ) -> Result<u64, Error> {
        self.db.supersede(task, path, keep, at).await
    }
}

/// Work on jobs.
impl Store {
    /// Takes available jobs: of each list of specs, in the order of the list, up to so many
    /// together; of one spec in order of priority and age. Specs, because what a run does not
    /// plan it must not do.
    pub async fn claim(
        &self,
        wanted: &[(Vec<SpecId>, u32)],
        owner: RunId,
        now: UtcMillis,
        lease_until: UtcMillis,
    ) -> Result<Vec<Claim>, Error> {
        self.db.claim(wanted, owner, now, lease_until).await
    }

    /// When the next scheduled job is due (possibly in the past); `None` if none is scheduled.
    pub async fn next_due(&self) -> Result<Option<UtcMillis>, Error> {
        self.db.next_due().await
    }

    /// Commits that a request is about to leave, and sets its money aside.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]; [`Error::Budget`], after which the job is still leased.
    pub async fn mark_sent(&self, intent: Intent) -> Result<(), Error> {
        self.db.mark_sent(intent).await
    }

    /// Ends a try.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]; [`Error::NoSuchJob`]; [`Error::IllegalMove`]; [`Error::Misuse`]
    /// for a failure without a fault, and for an outcome that is missing or too many.
    pub async fn settle(&self, settle: Settle) -> Result<(), Error> {
        self.db.settle(settle).await
    }

    /// Ends a parent's try because results of children are gone: those are made available
    /// again, to be bought again, and the parent waits for them.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn send_back(
        &self,
        parent: JobId,
        attempt: Attempt,
        missing: &[JobId],
        at: UtcMillis,
    ) -> Result<(), Error> {
        self.db.send_back(parent, attempt, missing, at).await
    }

    /// The heartbeat. Returns the leases that are lost; the others end at `lease_until`.
    pub async fn extend(
        &self,
        leases: &[(JobId, Attempt)],
        lease_until: UtcMillis,
    ) -> Result<Vec<(JobId, Attempt)>, Error> {
        self.db.extend(leases, lease_until).await
    }
}

/// After a crash.
impl Store {
    /// Takes back what an earlier process left, whatever its leases say. Only for the holder
    /// of the run lock, once, before the first claim.
    pub async fn recover(&self) -> Result<Recovered, Error> {
        self.db.rescue(UtcMillis(i64::MAX)).await
    }

    /// Takes back leases that have run out. Jobs on the wire keep their state until they
    /// are adopted or doubted; their worker may still settle them first.
    pub async fn rescue_expired(&self, now: UtcMillis) -> Result<Recovered, Error> {
        self.db.rescue(now).await
    }

    /// Completes a job in flight, or held in doubt, whose answer was found; its cost is confirmed.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn adopt(&self, found: Adopt) -> Result<(), Error> {
        self.db.adopt(found).await
    }

    /// Records that nobody knows whether a request in flight was carried out: its cost stays
    /// on the bill as in doubt. Returns what the job became: `held` at the fourth crash with
    /// evidence against it, the last two of them alone.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn doubt(
        &self,
        job: JobId,
        attempt: Attempt,
        at: UtcMillis,
        policy: DoubtPolicy,
        evidence: Evidence,
    ) -> Result<JobState, Error> {
        self.db.doubt(job, attempt, at, policy, evidence).await
    }

    /// Settles an attempt in doubt by what the provider's invoice says. The job stays as it is.
    ///
    /// # Errors
    /// [`Error::Misuse`] if it is not in doubt.
    pub async fn resolve(
        &self,
        job: JobId,
        attempt: Attempt,
        status: CostStatus,
        cost: NanoUsd,
    ) -> Result<(), Error> {
        self.db.resolve(job, attempt, status, cost).await
    }
}

/// Reading.
impl Store {
    /// How many jobs stand where. Kept, not counted: fast at any size.
    pub async fn counts(&self) -> Result<Vec<Count>, Error> {
        self.db.counts().await
    }

    /// The states of those keys that are jobs. `completed`: already bought.
    pub async fn known(&self, keys: &[ContentKey]) -> Result<HashMap<ContentKey, Standing>, Error> {
        self.db.known(keys).await
    }

    /// How a part of the file of `task` at `path` was bought last.
    pub async fn bought(&self, task: &str, path: &[u8]) -> Result<Option<Bought>, Error> {
        self.db.bought(task, path).await
    }

    pub async fn parent_by_key(&self, key: ContentKey) -> Result<Option<ParentRow>, Error> {
        self.db.parent_by_key(key).await
    }

    /// The current version of a file.
    pub async fn latest_source(&self, task: &str, path: &[u8]) -> Result<Option<SourceRow>, Error> {
        self.db.latest_source(task, path).await
    }

    pub async fn source(&self, id: SourceId) -> Result<Option<SourceRow>, Error> {
        self.db.source(id).await
    }

    pub async fn sources(
        &self,
        after: Option<SourceId>,
        limit: u32,
    ) -> Result<Vec<SourceRow>, Error> {
        self.db.sources(after, limit).await
    }

    /// Files with their parents, in order of source and parent, which are also the cursor.
    pub async fn files(
        &self,
        after: Option<(SourceId, JobId)>,
        limit: u32,
    ) -> Result<Vec<FileEntry>, Error> {
        self.db.files(after, limit).await
    }

    pub async fn job(&self, id: JobId) -> Result<Option<JobRow>, Error> {
        self.db.job(id).await
    }

    /// Jobs in order of their numbers.
    pub async fn jobs(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRow>, Error> {
        self.db.jobs(filter, after, limit).await
    }

    /// Parts of a parent in their order.
    pub async fn parts(
        &self,
        parent: JobId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PartRow>, Error> {
        self.db.parts(parent, after, limit).await
    }

    /// All attempts of a job that were sent, oldest first.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<AttemptRow>, Error> {
        self.db.attempts(job).await
    }

    /// The bill, in order of sending; of one run or of all.
    pub async fn ledger(
        &self,
        run: Option<RunId>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, Error> {
        self.db.ledger(run, after, limit).await
    }

    /// The result with this key, if it is recorded.
    pub async fn object(&self, key: ContentKey) -> Result<Option<ObjectRow>, Error> {
        self.db.object(key).await
    }

    /// Results in order of their jobs.
    pub async fn objects(&self, after: Option<JobId>, limit: u32) -> Result<Vec<ObjectRow>, Error> {
        self.db.objects(after, limit).await
    }

    /// Finished files in order of job and path.
    pub async fn outputs(
        &self,
        after: Option<(JobId, &[u8])>,
        limit: u32,
    ) -> Result<Vec<OutputRow>, Error> {
        self.db.outputs(after, limit).await
    }

    /// What is wrong with the database, one line each; empty when all is well. Reads all of it.
    pub async fn integrity_check(&self) -> Result<Vec<String>, Error> {
        self.db.integrity_check().await
    }
}
