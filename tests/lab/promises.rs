//! What must hold of a project after whatever was done to it, once a run has ended well: nothing
//! lost, nothing bought twice but what was on the wire, and every cent accounted for.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
use voicespool::domain::ContentKey;

use crate::scene::{Scene, files_below};
use crate::support::Project;

/// What one project came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// Jobs that send.
    pub(crate) jobs: u64,
    /// Answers on the provider's bill.
    pub(crate) billed: u64,
    /// Of these, more than one for a job.
    pub(crate) extra: u64,
    /// Rows of the bill that are in doubt.
    pub(crate) in_doubt: u64,
    /// Of these, requests that the provider did not bill.
    pub(crate) unbilled: u64,
}

impl Account {
    pub(crate) fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.billed += other.billed;
        self.extra += other.extra;
        self.in_doubt += other.in_doubt;
        self.unbilled += other.unbilled;
    }
}

/// One job that sends, as the queue tells it.
struct Job {
    state: String,
    /// Of what was sent: the text, or the recording.
    content: ContentKey,
    /// Completed by a claim that sent nothing: its answer was in the object folder.
    reused: bool,
    attempts: Vec<Attempt>,
}

struct Attempt {
    run: i64,
    cost: i64,
    status: String,
}

/// Checks everything. `first` is the number of the provider's last request before this project.
pub(crate) fn check(scene: &Scene, project: &Project, workers: usize, first: u64) -> Account {
    project.run(&["verify", "--deep"]).exits(0);
    scene.check_outputs(project);
    no_leftovers(project);
    let jobs = queue_of(project);
    for (id, job) in &jobs {
        check_job(*id, job);
    }
    in_flight_is_bounded(&jobs, workers);
    settle_with_provider(scene, project, &jobs, first)
}

/// The jobs that send, by what they send.
pub(crate) fn contents(project: &Project) -> BTreeMap<ContentKey, i64> {
    queue_of(project)
        .into_iter()
        .map(|(id, job)| (job.content, id))
        .collect()
}

fn queue_of(project: &Project) -> BTreeMap<i64, Job> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(read_queue(project))
}

/// Completed, paid for once, and never sent again afterwards.
fn check_job(id: i64, job: &Job) {
    assert_eq!(job.state, "completed", "job {id}");
    let statuses: Vec<&str> = job
        .attempts
        .iter()
        .map(|attempt| attempt.status.as_str())
        .collect();
    let (last, before) = statuses
        .split_last()
        .unwrap_or_else(|| panic!("job {id} was completed without an attempt"));
    // An answer that was named before the disk failed is used later, and its row stays in doubt.
    assert!(
        *last == "confirmed" || *last == "in_doubt" && job.reused,
        "job {id}: {statuses:?}"
    );
    assert!(
        before
            .iter()
            .all(|status| matches!(*status, "in_doubt" | "not_billed" | "wasted")),
        "job {id}: {statuses:?}"
    );
}

/// A run leaves no more in doubt than it may have on the wire.
fn in_flight_is_bounded(jobs: &BTreeMap<i64, Job>, workers: usize) {
    let mut lost: BTreeMap<i64, usize> = BTreeMap::new();
    for attempt in jobs.values().flat_map(|job| &job.attempts) {
        *lost.entry(attempt.run).or_default() += usize::from(attempt.status == "in_doubt");
    }
    for (run, count) in lost {
        assert!(
            count <= workers,
            "run {run} left {count} requests in doubt, with {workers} workers"
        );
    }
}

/// The provider's bill and ours, job by job, to the nano-dollar.
fn settle_with_provider(
    scene: &Scene,
    project: &Project,
    jobs: &BTreeMap<i64, Job>,
    first: u64,
) -> Account {
    wait_until_idle(scene);
    let mut asked: BTreeMap<ContentKey, Asked> = BTreeMap::new();
    for record in scene.provider.mock.requests_after(first) {
        // Without a hash its client died before it had said what it wants.
        let Some(hash) = record.sha256 else { continue };
        let asked = asked.entry(hash).or_default();
        asked.requests += 1;
        if record.billed {
            asked.billed += 1;
            asked.cost += price_of(record.chars, record.audio_ms);
        }
    }
    let mut account = Account::default();
    let (mut ours, mut theirs, mut never_billed) = (0, 0, 0);
    for (id, job) in jobs {
        let asked = asked.remove(&job.content).unwrap_or_default();
        let of_job = settle_job(*id, job, asked);
        let price = job.attempts.last().map_or(0, |attempt| attempt.cost);
        ours += job.attempts.iter().map(|attempt| attempt.cost).sum::<i64>();
        theirs += asked.cost;
        never_billed += i64::try_from(of_job.unbilled).unwrap() * price;
        account.add(of_job);
    }
    assert!(asked.is_empty(), "requests of no job: {asked:?}");
    let report = project.run(&["report", "--json"]).exits(0).stdout();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        report["total"]["cost"]["nano"], ours,
        "the report is not the sum of its rows"
    );
    assert_eq!(
        ours,
        theirs + never_billed,
        "our bill is the provider's and what is in doubt without having been billed"
    );
    account
}

/// What the provider was asked for one text or recording.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    requests: u64,
    billed: u64,
    /// Nano-dollars.
    cost: i64,
}

/// Every request has a row, and every answer beyond the first a row that is in doubt.
fn settle_job(id: i64, job: &Job, asked: Asked) -> Account {
    let count = |status: &str| {
        let of = |attempt: &&Attempt| attempt.status == status;
        u64::try_from(job.attempts.iter().filter(of).count()).unwrap()
    };
    let Asked {
        requests, billed, ..
    } = asked;
    let (paid, in_doubt) = (count("confirmed") + count("wasted"), count("in_doubt"));
    let rows = u64::try_from(job.attempts.len()).unwrap();
    assert!(
        requests <= rows,
        "job {id}: {requests} requests and {rows} rows in the bill"
    );
    assert!(
        paid <= billed && billed <= paid + in_doubt && billed > 0,
        "job {id}: billed {billed} times; {paid} rows paid, {in_doubt} in doubt"
    );
    Account {
        jobs: 1,
        billed,
        extra: billed - 1,
        in_doubt,
        unbilled: paid + in_doubt - billed,
    }
}

/// List prices of the two models: 4 dollars for a million characters, 0.0015 for a minute.
fn price_of(chars: u64, audio_ms: u64) -> i64 {
    i64::try_from(chars * 4_000 + (audio_ms * 1_500_000).div_ceil(60_000)).unwrap()
}

/// A killed client's last requests are still being computed, and billed.
fn wait_until_idle(scene: &Scene) {
    let until = Instant::now() + Duration::from_secs(20);
    while scene.provider.mock.invoice().in_flight > 0 {
        assert!(Instant::now() < until, "the provider hangs");
        thread::sleep(Duration::from_millis(5));
    }
}

fn no_leftovers(project: &Project) {
    let left: Vec<_> = files_below(project.root())
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "part" || extension == "answer")
        })
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// With a reader of its own: the program does not vouch for itself.
async fn read_queue(project: &Project) -> BTreeMap<i64, Job> {
    let mut db = SqliteConnectOptions::new()
        .filename(project.path(".voicespool/queue.db"))
        .read_only(true)
        .connect()
        .await
        .unwrap();
    let integrity: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(integrity, "ok");
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert!(orphans.is_empty(), "rows without their parents");
    let unfinished: i64 = sqlx::query_scalar("SELECT count(*) FROM job WHERE state <> 'completed'")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(unfinished, 0, "jobs are not completed");
    sums_are_true(&mut db).await;
    let mut jobs = BTreeMap::new();
    for row in sqlx::query(
        "SELECT j.id, j.state, s.content, s.text, j.span_start, j.span_end,
                j.attempt > (SELECT max(a.attempt) FROM attempt AS a WHERE a.job_id = j.id)
         FROM job AS j JOIN source AS s ON s.id = j.source_id WHERE j.sealed IS NULL",
    )
    .fetch_all(&mut db)
    .await
    .unwrap()
    {
        let job = Job {
            state: row.get(1),
            content: sent(project, row.get(2), row.get(3), row.get(4), row.get(5)),
            reused: row.get::<Option<bool>, _>(6).unwrap_or(true),
            attempts: Vec::new(),
        };
        jobs.insert(row.get(0), job);
    }
    for row in sqlx::query("SELECT job_id, run_id, cost, cost_status FROM attempt ORDER BY id")
        .fetch_all(&mut db)
        .await
        .unwrap()
    {
        let job = jobs.get_mut(&row.get::<i64, _>(0)).unwrap();
        job.attempts.push(Attempt {
            run: row.get(1),
            cost: row.get(2),
            status: row.get(3),
        });
    }
    jobs
}

/// The sums that triggers keep are the sums of the rows.
async fn sums_are_true(db: &mut SqliteConnection) {
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM bill AS b WHERE b.purse_id = 0 AND (b.attempts, b.nanos) IS NOT
         (SELECT count(*), ifnull(sum(a.cost), 0) FROM attempt AS a WHERE a.cost_status = b.cost_status)",
    )
    .fetch_one(&mut *db)
    .await
    .unwrap();
    assert_eq!(wrong, 0, "the kept sums are not the sums of the rows");
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tally AS t WHERE t.jobs <>
         (SELECT count(*) FROM job AS j WHERE j.spec_id = t.spec_id AND j.state = t.state)",
    )
    .fetch_one(db)
    .await
    .unwrap();
    assert_eq!(wrong, 0, "the kept tallies are not the numbers of the jobs");
}

/// The hash of what a job sends.
fn sent(
    project: &Project,
    content: Vec<u8>,
    text: Option<Vec<u8>>,
    start: Option<i64>,
    end: Option<i64>,
) -> ContentKey {
    let key = |bytes: Vec<u8>| ContentKey(bytes.try_into().unwrap());
    let (Some(text), Some(start), Some(end)) = (text, start, end) else {
        return key(content);
    };
    let name = key(text).to_string();
    let path = format!(".voicespool/objects/{}/{name}", &name[..2]);
    let text = fs::read(project.path(&path)).unwrap();
    let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
    ContentKey(Sha256::digest(&text[range]).into())
}
