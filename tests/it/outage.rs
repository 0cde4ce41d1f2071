//! A whole run through an outage of hours, in virtual time: the real queue, the real worker
//! loop, and an engine that is ill for a while.
//!
//! Time stands still while the run works (a blocked thread keeps tokio from moving it) and is
//! moved by hand when everything waits.

use std::io::Write;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, advance, sleep};
use voicespool::domain::{CostStatus, FaultClass, JobState, UtcMillis};
use voicespool::engine::delay::DelayRules;
use voicespool::engine::limit::{Adaptive, Ceilings, Gate};
use voicespool::engine::{
    Answer, BoxFuture, Engine, EngineError, SpeechRequest, TranscriptionRequest,
};
use voicespool::store::{Filter, Store};
use voicespool::worker::verdict::RetryRules;
use voicespool::worker::{Clock, Shutdown, Stop};

use crate::support::Project;
use crate::worker::{Rig, jobs, prepare, wav};

/// Requests a minute that the user allows; the provider takes more.
const RPM: u32 = 120;
const JOBS: usize = 285;
const CALM: Duration = Duration::from_secs(40);

/// An engine that answers after 200 ms, and fails while it is ill.
#[derive(Debug)]
struct Patient {
    ill: Range<Instant>,
    fault: fn() -> EngineError,
    in_flight: AtomicUsize,
    failed: Mutex<Vec<Instant>>,
    /// Free requests that were asked; `None`: there is none to ask.
    knocks: Option<AtomicUsize>,
    answered: Mutex<Vec<Instant>>,
}

impl Patient {
    async fn answer(
        &self,
        wav: &[u8],
        body: &mut (dyn Write + Send),
    ) -> Result<Answer, EngineError> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(200)).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let now = Instant::now();
        if self.ill.contains(&now) {
            self.failed.lock().unwrap().push(now);
            return Err((self.fault)());
        }
        self.answered.lock().unwrap().push(now);
        body.write_all(wav).unwrap();
        Ok(Answer {
            http_status: Some(200),
            bytes: wav.len().try_into().unwrap(),
            ..Answer::default()
        })
    }

    /// Answers a second between `from` and `to` seconds after `at`.
    fn speed(&self, at: Instant, from: u64, to: u64) -> f64 {
        let window = at + Duration::from_secs(from)..at + Duration::from_secs(to);
        let answered = self.answered.lock().unwrap();
        let count = answered.iter().filter(|at| window.contains(at)).count();
        f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(to - from).unwrap())
    }
}

impl Engine for Patient {
    fn speak<'a>(
        &'a self,
        request: SpeechRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        let wav = wav(&request);
        Box::pin(async move { self.answer(&wav, body).await })
    }

    fn transcribe<'a>(
        &'a self,
        _: TranscriptionRequest<'a>,
        _: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(async { Err(EngineError::new(FaultClass::Refused, "speech only")) })
    }

    fn knock(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        let knocks = self.knocks.as_ref()?;
        Some(Box::pin(async {
            knocks.fetch_add(1, Ordering::Relaxed);
            if self.ill.contains(&Instant::now()) {
                return Err((self.fault)());
            }
            Ok(())
        }))
    }
}

/// Lets everything happen that needs no time: what the engine has let go is settled.
async fn settle(store: &Store, engine: &Patient) {
    loop {
        for _ in 0..3 {
            // Goes through the one writer, behind whatever the run has asked of it.
            store.rescue_expired(UtcMillis(0)).await.unwrap();
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        let sent = jobs(store, JobState::Sent).await;
        if sent == u64::try_from(engine.in_flight.load(Ordering::Relaxed)).unwrap() {
            return;
        }
    }
}

/// A run of which nothing is known but how it ended.
struct Ended {
    stop: Stop,
    store: Arc<Store>,
    engine: Arc<Patient>,
    /// When the illness ended, or would have.
    until: Instant,
    start: Instant,
}

/// A run of so many requests that meets `fault` for `hours`, 40 s after its start.
async fn run_through(
    fault: fn() -> EngineError,
    hours: u64,
    give_up_after: Duration,
    has_free_request: bool,
    requests: usize,
) -> Ended {
    let project = Project::new(
        "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"book.txt\"]\nvoice = \"pico-en-us\"\nformat = \"wav\"\nchunk = { max_chars = 60, target_chars = 50 }\n",
    );
    let text = (1..=requests).fold(String::new(), |text, number| {
        text + &format!("Sentence number {number} is one request alone.\n\n")
    });
    project.write("book.txt", text);
    // While this thread waits, time moves only by hand.
    let (open, blocked) = std::sync::mpsc::channel::<()>();
    let still = tokio::task::spawn_blocking(move || blocked.recv());
    let start = Instant::now();
    let until = start + CALM + Duration::from_hours(hours);
    let engine = Arc::new(Patient {
        ill: start + CALM..until,
        fault,
        in_flight: AtomicUsize::new(0),
        failed: Mutex::default(),
        knocks: has_free_request.then(AtomicUsize::default),
        answered: Mutex::default(),
    });
    let run = prepare(
        &project,
        engine.clone(),
        &Shutdown::default(),
        rig(give_up_after),
    )
    .await;
    let store = run.store.clone();
    // Half a minute: how often a closed gate probes is tested at the gate (`rate`).
    let outage_step = Duration::from_hours(hours) / 720;
    let work = tokio::spawn(async move { voicespool::worker::work(&run).await });

    while !work.is_finished() {
        settle(&store, &engine).await;
        let now = Instant::now();
        let is_settled = now >= start + CALM + Duration::from_mins(2) && now < until;
        if !is_settled {
            advance(Duration::from_millis(500)).await;
            continue;
        }
        // In thirds, and each after a read of our own: no read of the run may stand in line
        // for the half minute after which the pool gives up on it.
        for _ in 0..3 {
            advance((until - Instant::now()).min(outage_step / 3)).await;
            store.counts().await.unwrap();
        }
    }

    let stop = work.await.unwrap().unwrap();
    drop(open);
    still.await.unwrap().unwrap_err();
    Ended {
        stop,
        store,
        engine,
        until,
        start,
    }
}

/// Retries as a user has them who changes nothing, and a ceiling of two a second.
fn rig(give_up_after: Duration) -> Rig {
    let ceilings = Ceilings {
        requests_per_minute: NonZeroU32::new(RPM),
        ..Ceilings::only_concurrency(NonZeroU32::new(8).unwrap())
    };
    let adaptive = Adaptive {
        enabled: true,
        start_per_second: 8.0,
        saved: None,
    };
    Rig {
        gate: Gate::with_seed(ceilings, adaptive, 5),
        workers: 8,
        retry: RetryRules {
            max_failures: 4,
            give_up_after,
        },
        delay: DelayRules {
            base: Duration::from_secs(1),
            factor: 2.0,
            cap: Duration::from_mins(5),
        },
        clock: Clock::moved_by_tokio(UtcMillis(1_795_000_000_000)),
    }
}

async fn failures(store: &Store) -> u32 {
    let rows = store.jobs(&Filter::default(), None, 10_000).await.unwrap();
    rows.iter().map(|job| job.failures).sum()
}

async fn six_hours_of(fault: fn() -> EngineError) {
    let Ended {
        stop,
        store,
        engine,
        until,
        start,
    } = run_through(fault, 6, Duration::from_hours(24), false, JOBS).await;

    assert_eq!(stop, Stop::Empty);
    let all = u64::try_from(JOBS).unwrap() + 1;
    assert_eq!(jobs(&store, JobState::Completed).await, all);
    assert_eq!(failures(&store).await, 0);
    let failed = engine.failed.lock().unwrap().len();
    let before = engine.speed(start, 10, 40);
    let after = engine.speed(until, 60, 100);
    assert!(failed < 6 * 3600 / 15 + 64, "{failed}");
    assert!(before > 1.8, "{before}");
    assert!(after >= before * 0.95, "{before} before, {after} after");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_for_too_long_ends_the_run_and_fails_no_job() {
    let fault = || EngineError::new(FaultClass::Overloaded, "cannot connect to 127.0.0.1");

    let ended = run_through(fault, 6, Duration::from_hours(4), false, JOBS).await;

    assert!(
        matches!(ended.stop, Stop::Unreachable { .. }),
        "{:?}",
        ended.stop
    );
    assert_eq!(jobs(&ended.store, JobState::Failed).await, 0);
    assert_eq!(failures(&ended.store).await, 0);
    // Nothing is left in anybody's hands.
    assert_eq!(jobs(&ended.store, JobState::Leased).await, 0);
    assert_eq!(jobs(&ended.store, JobState::Sent).await, 0);
}

/// One after the other what a bad night has: throttles, refused connections, answers that never come.
fn mixed() -> EngineError {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    match NEXT.fetch_add(1, Ordering::Relaxed) % 5 {
        0 | 3 => EngineError::new(FaultClass::Throttled, "429 Too Many Requests"),
        1 => EngineError {
            may_be_billed: true,
            ..EngineError::new(FaultClass::TimedOut, "no answer in time")
        },
        _ => EngineError::new(FaultClass::Overloaded, "503 Service Unavailable"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_jobs_through_six_hours_of_every_fault_fail_none_and_pay_no_more_than_three_times()
 {
    let jobs_and_file = 1_001;

    let ended = run_through(mixed, 6, Duration::from_hours(24), false, 1_000).await;

    // A thousand reads: virtual time would run out on them while the disk works.
    tokio::time::resume();
    assert_eq!(ended.stop, Stop::Empty);
    assert_eq!(jobs(&ended.store, JobState::Failed).await, 0);
    let held = jobs(&ended.store, JobState::Held).await;
    let done = jobs(&ended.store, JobState::Completed).await;
    let waits = jobs(&ended.store, JobState::Waiting).await;
    assert_eq!(done + held + waits, jobs_and_file);
    let mut doubtful = 0;
    for job in ended
        .store
        .jobs(&Filter::default(), None, 10_000)
        .await
        .unwrap()
    {
        let attempts = ended.store.attempts(job.id).await.unwrap();
        let in_doubt = attempts
            .iter()
            .filter(|attempt| attempt.cost_status == CostStatus::InDoubt);
        let in_doubt = in_doubt.count();
        assert!(in_doubt <= 3, "job {}: {in_doubt} in doubt", job.id);
        assert_eq!(job.state == JobState::Held, in_doubt == 3, "job {}", job.id);
        doubtful += in_doubt;
    }
    assert!(doubtful > 50, "{doubtful}");
}

#[tokio::test(start_paused = true)]
async fn where_a_free_request_can_be_asked_an_outage_is_not_paid_for() {
    let fault = || EngineError {
        may_be_billed: true,
        ..EngineError::new(FaultClass::TimedOut, "no answer in time")
    };

    let ended = run_through(fault, 6, Duration::from_hours(24), true, JOBS).await;

    assert_eq!(ended.stop, Stop::Empty);
    let all = u64::try_from(JOBS).unwrap() + 1;
    assert_eq!(jobs(&ended.store, JobState::Completed).await, all);
    let knocks = ended.engine.knocks.as_ref().unwrap();
    let knocks = knocks.load(Ordering::Relaxed);
    assert!((500..1_500).contains(&knocks), "{knocks}");
    // What was on the wire when it began, and no more.
    let paid = ended.engine.failed.lock().unwrap().len();
    assert!(paid <= 8, "{paid}");
}

#[tokio::test(start_paused = true)]
async fn six_hours_of_503_fail_no_job_and_a_minute_later_all_is_fast_again() {
    six_hours_of(|| EngineError::new(FaultClass::Overloaded, "503 Service Unavailable")).await;
}

#[tokio::test(start_paused = true)]
async fn six_hours_of_429_fail_no_job_and_a_minute_later_all_is_fast_again() {
    six_hours_of(|| EngineError {
        retry_after: Some(Duration::from_secs(5)),
        ..EngineError::new(FaultClass::Throttled, "429 Too Many Requests")
    })
    .await;
}
