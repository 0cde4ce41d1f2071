//! A run against an engine that follows a script: what no provider does on request.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::scripted::{Asked, Outcome, Scripted};
use proptest::prelude::*;
use tokio::sync::{Semaphore, mpsc};
use voicespool::config::{self, Env, Overrides, ProjectFile, Settings, Sources};
use voicespool::domain::{
    Day, Delivery, FaultClass, GateId, JobKind, JobState, NanoUsd, RunId, UtcMillis,
};
use voicespool::engine::delay::DelayRules;
use voicespool::engine::limit::Gate;
use voicespool::engine::{Engine, EngineError, SpeechRequest};
use voicespool::pipeline::addresses::Addresses;
use voicespool::pipeline::enqueue::{enqueue, specs};
use voicespool::pipeline::homes::Homes;
use voicespool::pipeline::objects::Objects;
use voicespool::pipeline::outputs::Outputs;
use voicespool::pipeline::planner::plan;
use voicespool::pipeline::task::{Task, Work};
use voicespool::pipeline::written::Written;
use voicespool::store::{DoubtPolicy, Evidence, Intent, NewRun, Options, Store};
use voicespool::worker::recovery::recover;
use voicespool::worker::verdict::RetryRules;
use voicespool::worker::{
    Bounds, Clock, Guard, Lane, Pauses, Request, Run, RunRules, Shutdown, Stop,
};

use crate::support::Project;

const WORKERS: u32 = 3;

fn recording(request: &SpeechRequest<'_>) -> Outcome {
    Outcome::Answer(wav(request))
}

/// A recording that is as long as `request` and not silent.
pub(crate) fn wav(request: &SpeechRequest<'_>) -> Vec<u8> {
    let frames = request.input.chars().count() * 16_000 / 14;
    let bytes = u32::try_from(frames * 2).unwrap();
    let mut wav = Vec::with_capacity(44 + frames * 2);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(bytes + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&16_000u32.to_le_bytes());
    wav.extend_from_slice(&32_000u32.to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    for frame in 0..frames {
        let level: i16 = if frame / 40 % 2 == 0 { 8_000 } else { -8_000 };
        wav.extend_from_slice(&level.to_le_bytes());
    }
    wav
}

fn settings(project: &Project) -> Settings {
    let sources = Sources {
        cwd: project.root().to_owned(),
        file: ProjectFile::Nearest,
        env: Env::new(|_| None),
        overrides: Overrides::default(),
    };
    config::load(&sources).unwrap()
}

fn tasks(project: &Project) -> Vec<Arc<Task>> {
    settings(project).tasks.into_iter().map(Arc::new).collect()
}

/// What a test may choose of a run.
pub(crate) struct Rig {
    pub(crate) gate: Gate,
    pub(crate) workers: u32,
    pub(crate) retry: RetryRules,
    pub(crate) delay: DelayRules,
    pub(crate) clock: Clock,
}

/// Plans, queues and works on eight requests with `engine`.
async fn work(project: &Project, engine: &Scripted, shutdown: &Shutdown) -> (Stop, Store) {
    let rig = Rig {
        gate: Gate::only_concurrency(NonZeroU32::new(WORKERS).unwrap()),
        workers: WORKERS,
        retry: RetryRules {
            max_failures: 2,
            give_up_after: Duration::from_hours(1),
        },
        delay: DelayRules {
            base: Duration::from_millis(1),
            factor: 1.0,
            cap: Duration::from_millis(1),
        },
        clock: Clock::system(),
    };
    let run = prepare(project, Arc::new(engine.clone()), shutdown, rig).await;
    (
        voicespool::worker::work(&run).await.unwrap(),
        (*run.store).clone(),
    )
}

/// Plans and queues what the project asks for, to be sent with `engine`.
pub(crate) async fn prepare(
    project: &Project,
    engine: Arc<dyn Engine>,
    shutdown: &Shutdown,
    rig: Rig,
) -> Arc<Run> {
    let settings = settings(project);
    let store = Store::open(&Options::new(settings.places.state.join("queue.db")))
        .await
        .unwrap();
    let objects = Objects::new(&settings.places.state);
    let tasks = tasks(project);
    let now = rig.clock.now();
    let plan = plan(&tasks, &settings.places, Some(&store)).await.unwrap();
    enqueue(&plan, &store, &objects, &settings.places, now)
        .await
        .unwrap();
    let new_run = NewRun {
        pid: 1,
        host: "here".into(),
        version: "0".into(),
        command: "test".into(),
        at: now,
    };
    let id = store.start_run(new_run).await.unwrap();
    let specs = specs(&store, &tasks[0]).await.unwrap();
    let Work::Speech(speech) = &tasks[0].work else {
        panic!("a speech task")
    };
    let request = Request::Speak {
        params: speech.params.clone(),
        price: tasks[0].price,
        check: speech.check,
        delivery: speech.delivery,
    };
    let workers = usize::try_from(rig.workers).unwrap();
    let (events, mut inbox) = mpsc::unbounded_channel();
    // Ends with the run, which holds the sender.
    tokio::spawn(async move { while inbox.recv().await.is_some() {} });
    let written = Written::load(&settings.places.state, Some(&store))
        .await
        .unwrap();
    Arc::new(Run {
        id,
        store: Arc::new(store),
        objects,
        places: settings.places.clone(),
        homes: Homes::of(&settings.places).unwrap(),
        outputs: Outputs::new(settings.places.out.clone(), Arc::new(written)),
        lanes: HashMap::from([(specs.gate, Lane::new(engine, rig.gate, "script".into()))]),
        requests: HashMap::from([(specs.request, request), (specs.local, Request::Nothing)]),
        specs: HashMap::from([
            (specs.gate, vec![specs.request]),
            (GateId::LOCAL, vec![specs.local]),
        ]),
        rules: RunRules {
            workers,
            drain: Duration::from_secs(5),
            retry: rig.retry,
            delay: rig.delay,
            on_in_doubt: DoubtPolicy::Hold,
            until: None,
        },
        clock: rig.clock,
        events,
        shutdown: shutdown.clone(),
        wire: Semaphore::new(workers),
        held: Mutex::default(),
        marks: HashMap::new(),
        pauses: Pauses::default(),
        guard: Guard::new(NonZeroU32::new(5)),
        alike: voicespool::worker::Alike::default(),
        bounds: Bounds::default(),
    })
}

fn project() -> Project {
    let project = Project::new(
        "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"book.txt\"]\nvoice = \"pico-en-us\"\nformat = \"wav\"\nchunk = { max_chars = 60, target_chars = 50 }\n",
    );
    let text = (1..=8).fold(String::new(), |text, number| {
        text + &format!("Sentence number {number} is one request alone.\n\n")
    });
    project.write("book.txt", text);
    project
}

pub(crate) async fn jobs(store: &Store, state: JobState) -> u64 {
    let counts = store.counts().await.unwrap();
    counts
        .iter()
        .filter(|count| count.state == state)
        .map(|count| count.jobs)
        .sum()
}

#[tokio::test]
async fn a_run_has_no_more_requests_in_flight_than_workers() {
    let (project, engine) = (project(), Scripted::new(recording));

    let (stop, store) = work(&project, &engine, &Shutdown::default()).await;

    assert_eq!(stop, Stop::Empty);
    assert_eq!(engine.asked().len(), 8);
    assert!(engine.most_in_flight() <= usize::try_from(WORKERS).unwrap());
    assert_eq!(jobs(&store, JobState::Completed).await, 9);
}

#[tokio::test]
async fn jobs_that_may_have_ended_the_process_twice_are_sent_alone() {
    let project = project();
    let shutdown = Shutdown::default();
    shutdown.stop.cancel();
    // Queues the jobs and works on none of them.
    let (_, store) = work(&project, &Scripted::new(|_| Outcome::Never), &shutdown).await;
    let counts = store.counts().await.unwrap();
    let speak = counts.iter().find(|count| count.kind == JobKind::Speak);
    let (speak, run) = (speak.unwrap().spec, RunId(1));
    for time in [1, 3] {
        let claims = store
            .claim(
                &[(vec![speak], 8)],
                run,
                UtcMillis(time),
                UtcMillis(time + 1),
            )
            .await
            .unwrap();
        assert_eq!(claims.len(), 8);
        for claim in claims {
            let intent = Intent {
                delivery: Delivery::Rest,
                job: claim.job,
                attempt: claim.attempt,
                run,
                at: UtcMillis(time),
                day: Day(20_261_122),
                reserve: NanoUsd(7),
                quantity: claim.quantity,
            };
            store.mark_sent(intent).await.unwrap();
            let (policy, evidence) = (DoubtPolicy::Resend, Evidence::AnswerBegun);
            store
                .doubt(claim.job, claim.attempt, UtcMillis(time), policy, evidence)
                .await
                .unwrap();
        }
    }
    store.close().await.unwrap();

    let engine = Scripted::new(recording);
    let (stop, store) = work(&project, &engine, &Shutdown::default()).await;

    assert_eq!((stop, engine.most_in_flight()), (Stop::Empty, 1));
    assert_eq!(jobs(&store, JobState::Completed).await, 9);
}

#[tokio::test]
async fn a_lost_answer_is_in_doubt_and_its_job_is_asked_again() {
    let (project, engine) = (project(), Scripted::new(recording));
    let lost = EngineError {
        may_be_billed: true,
        ..EngineError::new(FaultClass::TimedOut, "no answer within 60 s")
    };
    engine.then(Outcome::Error(lost));

    let (stop, store) = work(&project, &engine, &Shutdown::default()).await;

    let money = store.money().await.unwrap();
    assert_eq!(
        (stop, money.in_doubt.attempts, money.confirmed.attempts),
        (Stop::Empty, 1, 8)
    );
}

#[tokio::test]
async fn half_an_answer_is_wasted_money_and_a_second_one_is_the_last() {
    let (project, engine) = (
        project(),
        Scripted::new(|request| {
            if request.input.contains("number 5") {
                Outcome::Answer(b"RIFF\x10\0\0\0WAVEfmt ".to_vec())
            } else {
                recording(request)
            }
        }),
    );

    let (stop, store) = work(&project, &engine, &Shutdown::default()).await;

    let money = store.money().await.unwrap();
    assert_eq!(
        (stop, money.wasted.attempts, money.confirmed.attempts),
        (Stop::Empty, 2, 7)
    );
    // The job, and the file that cannot be made without it.
    assert_eq!(jobs(&store, JobState::Failed).await, 2);
    let made = std::fs::read_dir(project.path("out")).unwrap();
    assert_eq!(made.count(), 0);
}

#[tokio::test]
async fn an_answer_that_had_arrived_is_adopted_after_a_crash_and_half_a_one_is_not() {
    let (project, engine) = (project(), Scripted::new(|_| Outcome::Never));
    let shutdown = Shutdown::default();
    shutdown.stop.cancel();
    // Queues the jobs and works on none of them.
    let (_, store) = work(&project, &engine, &shutdown).await;
    let objects = Objects::new(&project.path(".voicespool"));
    let speak = store.counts().await.unwrap();
    let speak = speak
        .iter()
        .find(|count| count.kind == JobKind::Speak)
        .unwrap()
        .spec;
    let run = RunId(1);
    let claims = store
        .claim(&[(vec![speak], 2)], run, UtcMillis(1), UtcMillis(2))
        .await
        .unwrap();
    for (claim, share) in claims.iter().zip([1, 2]) {
        let intent = Intent {
            delivery: Delivery::Rest,
            job: claim.job,
            attempt: claim.attempt,
            run,
            at: UtcMillis(1),
            day: Day(20_261_122),
            reserve: NanoUsd(7),
            quantity: claim.quantity,
        };
        store.mark_sent(intent).await.unwrap();
        let text = objects
            .read_text(claim.source.text.unwrap(), claim.span.clone().unwrap())
            .unwrap();
        let Work::Speech(speech) = &tasks(&project)[0].work else {
            panic!("a speech task")
        };
        let Outcome::Answer(whole) = recording(&SpeechRequest {
            params: &speech.params,
            input: &text,
            delivery: Delivery::Rest,
        }) else {
            panic!("an answer")
        };
        let mut part = objects.start(claim.key, claim.attempt).unwrap();
        std::io::Write::write_all(&mut part.file, &whole[..whole.len() / share]).unwrap();
        // The process ends here: nobody checks, nobody tells the queue.
        std::mem::forget(part.arrive().unwrap());
    }
    store.close().await.unwrap();

    let store = Store::open(&Options::new(project.path(".voicespool/queue.db")))
        .await
        .unwrap();
    let found = recover(
        &store,
        &objects,
        &Addresses::new(&project.path(".voicespool")),
        DoubtPolicy::Hold,
        UtcMillis(9),
    )
    .await
    .unwrap();

    assert_eq!((found.adopted, found.in_doubt.len()), (1, 1));
    assert!(objects.contains(claims[0].key) && !objects.contains(claims[1].key));
    let money = store.money().await.unwrap();
    assert_eq!(
        (money.confirmed.cost, money.in_doubt.cost),
        (NanoUsd(7), NanoUsd(7))
    );
}

#[tokio::test]
async fn giving_up_on_requests_in_flight_holds_them_for_a_person() {
    let (project, engine) = (project(), Scripted::new(|_| Outcome::Never));
    let shutdown = Shutdown::default();
    let (stopper, watched) = (shutdown.clone(), engine.clone());
    let watch = tokio::spawn(async move {
        while watched.in_flight() < usize::try_from(WORKERS).unwrap() {
            tokio::task::yield_now().await;
        }
        stopper.stop.cancel();
        stopper.abort.cancel();
    });

    let (stop, store) = work(&project, &engine, &shutdown).await;
    watch.await.unwrap();

    assert_eq!(stop, Stop::Interrupted);
    assert_eq!(jobs(&store, JobState::Held).await, u64::from(WORKERS));
    assert_eq!(
        store.money().await.unwrap().in_doubt.attempts,
        u64::from(WORKERS)
    );
    assert_eq!(
        jobs(&store, JobState::Leased).await + jobs(&store, JobState::Sent).await,
        0
    );
}

/// Words, sentences and paragraphs of many sizes, some of more than one byte a character.
fn any_book() -> impl Strategy<Value = String> {
    let word = prop_oneof![8 => "[a-z]{1,11}", 1 => "[à-ÿ一-丐]{1,4}", 1 => "[0-9]{1,4}"];
    let sentence = (proptest::collection::vec(word, 1..40), "[.!?…]")
        .prop_map(|(words, end)| words.join(" ") + &end);
    let paragraph = proptest::collection::vec(sentence, 1..5).prop_map(|all| all.join(" "));
    proptest::collection::vec(paragraph, 1..6).prop_map(|all| all.join("\n\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6) })]

    #[test]
    fn the_estimate_of_a_text_is_its_bill_to_the_character(
        books in proptest::collection::vec(any_book(), 1..3),
        nanos in 1..9_999_999_999_u64,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let dollars = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            let project = Project::new(&format!(
                "version = 1\n[profile.p]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\nkey = \"none\"\n\
                 [models.m]\nprice = {{ per_1m_chars = \"{dollars}\", as_of = \"2026-11-01\" }}\n\
                 [task.book]\ntype = \"tts\"\nprofile = \"p\"\ninput = [\"*.txt\"]\nmodel = \"m\"\nvoice = \"v\"\n\
                 format = \"wav\"\nchunk = {{ max_chars = 90, target_chars = 70 }}\n",
            ));
            for (number, book) in books.iter().enumerate() {
                project.write(&format!("{number}.txt"), book);
            }
            let engine = Scripted::new(recording);
            let estimate = plan(&tasks(&project), &settings(&project).places, None)
                .await
                .unwrap()
                .totals();

            let (stop, store) = work(&project, &engine, &Shutdown::default()).await;

            let asked = engine.asked();
            let chars: usize = asked
                .iter()
                .map(|asked| match asked {
                    Asked::Speech { input, .. } => input.chars().count(),
                    Asked::Transcription { .. } => panic!("{asked:?}"),
                })
                .sum();
            let money = store.money().await.unwrap();
            assert_eq!(stop, Stop::Empty);
            assert_eq!(estimate.to_send, u64::try_from(asked.len()).unwrap());
            assert_eq!(estimate.new_chars.0, u64::try_from(chars).unwrap());
            assert_eq!((money.confirmed.cost, money.spent()), (estimate.cost, estimate.cost));
        });
    }
}
