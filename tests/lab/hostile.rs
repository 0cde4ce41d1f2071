//! Every answer of the look-alike's hostile catalogue, to the built program: nothing false
//! is believed, nothing harmless is thrown away, nobody waits too long, and when the
//! provider has recovered the same queue comes to the right end.

mod account;
mod scene;

use std::collections::HashMap;
use std::time::Duration;

use rustix::process::Signal;
use voicespool::domain::FaultClass;
use voicespool_mock::{
    Expected, HostileAnswer, HostileKind, Limit, MockOptions, Record, hostile_answers,
};

use crate::Options;
use crate::dice::Dice;
use crate::hostile::account::{Row, rows};
use crate::hostile::scene::Scene;
use crate::support::Provider;

/// The client's limits where they are what is tried.
const SHORT: Limits = Limits {
    idle: 1.0,
    total: 3.0,
};

/// And where a busy machine must not be mistaken for a hanging provider.
const AMPLE: Limits = Limits {
    idle: 10.0,
    total: 30.0,
};

/// Seconds.
#[derive(Clone, Copy)]
struct Limits {
    idle: f64,
    total: f64,
}

/// Requests in flight.
const WORKERS: usize = 8;

/// How far a limit may be missed.
const SLACK: f64 = 1.0;

/// Memory above the same run with proper answers, in KiB.
const MOST_MEMORY: u64 = 32 * 1024;

/// Answers that ask for a longer wait are not waited for.
const PATIENCE: f64 = 5.0;

/// Serves the catalogue, or a seeded fifth of it in the short form.
pub(crate) fn every_answer(options: Options) -> String {
    let kinds = [HostileKind::Transcription, HostileKind::Speech];
    let figures: Vec<String> = kinds.map(|kind| trial(kind, options)).into();
    figures.join("; ")
}

/// What the parts of a trial come to.
#[derive(Default)]
struct Sums {
    answers: usize,
    accepted: usize,
    rows: usize,
    requests: u64,
    peak: u64,
    above: u64,
}

fn trial(kind: HostileKind, options: Options) -> String {
    let mut answers = hostile_answers(kind);
    let whole = answers.len();
    let count = options.count.unwrap_or(whole.div_ceil(5)).min(whole);
    Dice::new(options.seed).shuffle(&mut answers);
    answers.truncate(count);

    let provider = Provider::start(MockOptions::default());
    let mut sums = Sums::default();
    let (account, rest): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.expected == Expected::Fault(FaultClass::Account));
    let (late, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_late);
    let (patient, swift): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|answer| answer.wait.is_some_and(|(least, _)| least > PATIENCE));
    meet(&provider, kind, swift, AMPLE, &mut sums, at_once);
    meet(&provider, kind, late, SHORT, &mut sums, at_once);
    meet(&provider, kind, patient, AMPLE, &mut sums, without_waiting);
    meet(&provider, kind, account, AMPLE, &mut sums, one_by_one);

    assert_eq!(
        provider.mock.followed_redirects(),
        0,
        "a redirect was followed"
    );
    assert_eq!(
        sums.requests,
        u64::try_from(sums.rows).unwrap(),
        "requests on the wire and rows in the bills differ"
    );
    assert!(
        sums.above <= MOST_MEMORY,
        "{} KiB above the same run with proper answers",
        sums.above
    );
    format!(
        "{kind:?}: {} of {whole} answers, 0 false successes, {} harmless ones taken, 0 panics, {} requests = {} rows, 0 redirects followed, at most {:.1} MiB above the same run with proper answers (peak {:.1} MiB)",
        sums.answers,
        sums.accepted,
        sums.requests,
        sums.rows,
        mebi(sums.above),
        mebi(sums.peak),
    )
}

/// Answers that keep the client waiting to a limit, or nearly.
fn is_late(answer: &HostileAnswer) -> bool {
    answer.limit.is_some() || answer.name.contains("hang")
}

fn mebi(kibi: u64) -> f64 {
    f64::from(u32::try_from(kibi).unwrap()) / 1024.0
}

/// Runs a scene of `answers`, heals the provider, and checks everything.
fn meet(
    provider: &Provider,
    kind: HostileKind,
    answers: Vec<HostileAnswer>,
    limits: Limits,
    sums: &mut Sums,
    drive: fn(&Scene) -> (u64, HashMap<i64, f64>),
) {
    if answers.is_empty() {
        return;
    }
    // First the world without faults; the look-alike then knows all the sound by heart.
    let control = Scene::proper(provider, kind, &answers);
    let calm = control.watched(&["run", "--yes", "--json"], |_| {});
    assert_eq!(calm.code, Some(0), "{}", calm.talk);
    let before = provider.mock.invoice();
    let seen = provider.mock.requests_after(0);
    let last = seen.last().map_or(0, |record| record.sequence);
    let scene = Scene::hostile(provider, kind, answers, limits);
    let (peak, waits) = drive(&scene);
    eprintln!("  {kind:?}: {} answers heard", scene.answers.len());

    scene.project.run(&["verify", "--deep"]).exits(0);
    let rows = rows(&scene.project);
    let served = provider.mock.requests_after(last);
    let problems: Vec<String> = scene
        .answers
        .iter()
        .filter_map(|answer| check(answer, limits, &rows, &waits, &served).err())
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let charged = nanos(&provider.mock.invoice().cost_usd) - nanos(&before.cost_usd);
    account::agrees(&rows, &served, charged);
    scene.agrees_with(&control);
    sums.requests += provider.mock.invoice().requests - before.requests;

    sums.answers += scene.answers.len();
    sums.accepted += scene.answers.iter().filter(|one| is_accepted(one)).count();
    sums.rows += rows.len();
    sums.peak = sums.peak.max(peak);
    sums.above = sums.above.max(peak.saturating_sub(calm.peak));
}

fn is_accepted(answer: &HostileAnswer) -> bool {
    matches!(answer.expected, Expected::Harmless | Expected::Different)
}

fn nanos(usd: &str) -> i64 {
    let (whole, part) = usd.split_once('.').unwrap();
    whole.parse::<i64>().unwrap() * 1_000_000_000 + part.parse::<i64>().unwrap()
}

/// The run meets the answers and tries again by itself; only what was refused needs a person.
fn at_once(scene: &Scene) -> (u64, HashMap<i64, f64>) {
    let refused = Expected::Fault(FaultClass::Refused);
    let fails = scene.answers.iter().any(|one| one.expected == refused);
    let mut waits = HashMap::new();
    let ran = scene.watched(&["run", "--yes", "--json"], |event| note(event, &mut waits));
    let ends = [Some(0), Some(3)];
    assert!(ends.contains(&ran.code), "{:?}: {}", ran.code, ran.talk);
    if fails || ran.code == Some(3) {
        scene.project.run(&["retry", "--all", "--yes"]).exits(0);
        scene.project.run(&["run", "--yes"]).exits(0);
    }
    (ran.peak, waits)
}

/// Remembers how long a job is to wait.
fn note(event: &serde_json::Value, waits: &mut HashMap<i64, f64>) {
    if event["type"] == "job_retry" {
        let job = event["job"].as_i64().unwrap();
        waits.insert(job, event["wait_s"].as_f64().unwrap());
    }
}

/// The answers ask for minutes: when each has been heard, a person stops the run and says
/// that it may go on now.
fn without_waiting(scene: &Scene) -> (u64, HashMap<i64, f64>) {
    let mut waits = HashMap::new();
    let all = scene.answers.len();
    let ran = scene.watched_until(&["run", "--yes", "--json"], |event| {
        note(event, &mut waits);
        (waits.len() == all).then_some(Signal::INT)
    });
    assert_eq!(ran.code, Some(130), "{}", ran.talk);
    scene.project.run(&["cancel", "--all", "--yes"]).exits(0);
    let again = ["retry", "--state", "cancelled", "--yes"];
    scene.project.run(&again).exits(0);
    scene.project.run(&["run", "--yes"]).exits(0);
    (ran.peak, waits)
}

/// A refused account stops the run, so each answer has runs of its own.
fn one_by_one(scene: &Scene) -> (u64, HashMap<i64, f64>) {
    let mut peak = 0;
    for answer in &scene.answers {
        let ran = scene.watched(&["run", &answer.name, "--yes", "--json"], |_| {});
        assert_eq!(ran.code, Some(4), "{}: {}", answer.name, ran.talk);
        peak = peak.max(ran.peak);
        let failed = scene.project.run(&["ls", "--state", "failed", "--json"]);
        assert_eq!(failed.exits(0).stdout(), "", "{}", answer.name);
        scene.project.run(&["run", &answer.name, "--yes"]).exits(0);
    }
    (peak, HashMap::new())
}

/// Seconds an answer may ask for so that the experiment waits for them.
const WORTH_WAITING: f64 = 5.0;

/// Seconds a job adds of its own: it makes room for others, and its gate probes.
const OWN_DELAY: f64 = 25.0;

/// One answer against its rows of the bill and the provider's own record: what is wrong.
fn check(
    answer: &HostileAnswer,
    limits: Limits,
    rows: &[Row],
    waits: &HashMap<i64, f64>,
    served: &[Record],
) -> Result<(), String> {
    let name = &answer.name;
    let own: Vec<&Row> = rows.iter().filter(|row| row.answer == *name).collect();
    let holds = |what: &str, holds: bool| {
        holds
            .then_some(())
            .ok_or_else(|| format!("{name}: {what} ({:?}): {own:?}", answer.expected))
    };
    let label = format!("hostile {name}");
    let record = served
        .iter()
        .find(|record| record.fault.as_deref() == Some(&label));
    holds(
        "it is served, and charged as it says",
        record.is_some_and(|record| record.billed == answer.billed),
    )?;
    let (Some(first), Some(last)) = (own.first(), own.last()) else {
        return holds("it is in the bill", false);
    };
    holds(
        "the job is completed at last",
        last.outcome == "ok" && last.status == "confirmed",
    )?;
    holds("nobody waits longer", first.latency <= limits.total + SLACK)?;
    match answer.expected {
        Expected::Harmless | Expected::Different => holds("it counts", own.len() == 1)?,
        Expected::Fault(class) => {
            holds("the fault has its class", first.outcome == class.as_str())?;
            holds("one more request is enough", own.len() == 2)?;
        }
    }
    let limit = match answer.limit {
        Some(Limit::Idle) => Some(limits.idle),
        Some(Limit::Total) => Some(limits.total),
        None => None,
    };
    if let Some(limit) = limit {
        let near = limit - 0.1..=limit + SLACK;
        holds("the limit holds", near.contains(&first.latency))?;
    }
    if let Expected::Fault(FaultClass::Throttled) = answer.expected {
        holds("its job is tried again", waits.contains_key(&first.job))?;
        // The wait is kept by the gate, so it is seen where the requests arrive. Nonsense leaves
        // the client to its own delay, which is short here; a wish for minutes is cut short by
        // the person who stops the run.
        let (shortest, longest) = answer.wait.unwrap_or((0.0, 1.0));
        let again = record.and_then(|first| {
            let same =
                |other: &&Record| other.sequence > first.sequence && other.sha256 == first.sha256;
            let second = served.iter().find(same)?;
            Some(Duration::from_millis(second.at_ms.saturating_sub(first.at_ms)).as_secs_f64())
        });
        let waited = again.unwrap_or(f64::NAN);
        let near = shortest - 0.05..=longest + OWN_DELAY;
        holds(
            &format!("waits {waited} s"),
            shortest > WORTH_WAITING || near.contains(&waited),
        )?;
    }
    Ok(())
}

/// `retry` settings, and limits, for the scenes.
fn settings() -> String {
    format!("[run]\nworkers = {WORKERS}\n[retry]\nbase_delay = \"100ms\"\nmax_delay = \"500ms\"\n")
}

fn timeouts(limits: Limits) -> String {
    let seconds = |limit: f64| format!("\"{}ms\"", Duration::from_secs_f64(limit).as_millis());
    format!(
        "timeouts = {{ connect = \"2s\", idle = {}, total = {} }}",
        seconds(limits.idle),
        seconds(limits.total)
    )
}
