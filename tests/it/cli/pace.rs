//! Rate control as a user meets it: what a run learns, and what `status` says of it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use voicespool_mock::{FaultRule, MockOptions};

use crate::support::{Project, Provider, Started};

fn project(provider: &Provider, more: &str) -> Project {
    let project = Project::new(&format!(
        "version = 1\n{}{more}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"*.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 80, target_chars = 70 }}\n",
        provider.profile()
    ));
    book(&project, "one", 60);
    project
}

fn book(project: &Project, name: &str, sentences: u32) {
    let text = (1..=sentences).fold(String::new(), |text, number| {
        text + &format!(
            "Sentence number {number} of book {name} is spoken in one request alone.\n\n"
        )
    });
    project.write(&format!("{name}.txt"), text);
}

const LIMITED: &str = "[models.\"hexgrad/Kokoro-82M\"]\nlimits = { rpm = 120, chars_per_minute = 50000, audio_seconds_per_minute = 900, concurrency = 6 }\n";

/// The gate of the provider, as `status` has it.
fn gate(project: &Project) -> Value {
    let status = project.run(&["status", "--json"]).exits(0).json();
    let gates = status[0]["gates"].as_array().unwrap();
    let found = gates
        .iter()
        .find(|gate| gate["model"] == "hexgrad/Kokoro-82M");
    found.unwrap_or_else(|| panic!("{}", status[0])).clone()
}

fn wait_for_cause(run: &mut Started, code: &str) {
    assert!(
        run.wait_until(|line| line["type"] == "gate" && line["cause"]["code"] == code),
        "the run ended without `{code}`"
    );
}

/// Requests that were refused and cost nothing.
fn throttles(project: &Project) -> u64 {
    let status = project.run(&["status", "--json"]).exits(0).json();
    status[0]["money"]["not_billed"]["requests"]
        .as_u64()
        .unwrap()
}

/// How few refusals a learned pace meets is measured in virtual time, by the tests of the gate.
#[test]
fn a_second_run_starts_at_the_learned_pace_and_confirms_it() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule {
            from: Some(20),
            until: Some(20),
            ..FaultRule::every(1, "status=429".parse().unwrap())
        }],
        ..MockOptions::default()
    });
    let project = project(&provider, "");
    project.run(&["run", "--yes"]).exits(0);
    let first = gate(&project);
    let learned = first["learned_rate"].as_f64().unwrap();
    // A server on this machine begins at 2,000.
    assert!((1.0..2_000.0).contains(&learned), "{learned}");

    book(&project, "two", 60);
    project.run(&["run", "--yes"]).exits(0);

    // Nothing was refused: a run that had begun anew would have learned nothing.
    let second = gate(&project);
    let confirmed = second["learned_rate"].as_f64().unwrap();
    assert!((1.0..2_000.0).contains(&confirmed), "{confirmed}");
    assert_ne!(first["learned_at"], second["learned_at"]);
    assert_eq!(throttles(&project), 1);
    assert_eq!(provider.billed(), 120);
}

#[test]
fn status_says_which_limit_holds_a_live_run_back_and_what_stopped_it() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, LIMITED);
    let mut run = project.start(&["run", "--yes", "--json"]);
    wait_for_cause(&mut run, "requests_per_minute");

    let live = gate(&project);
    // On a machine that is busy elsewhere the limit is not what holds every moment back.
    let why = "why not faster? limited by your 120 rpm (limits.rpm)";
    let text = (0..50)
        .map(|_| project.run(&["status"]).exits(0).stdout())
        .find(|text| text.contains(why))
        .expect("it says why");
    run.signal(Signal::INT);
    run.end();
    let after = gate(&project);

    assert_eq!(live["cause"]["code"], "requests_per_minute");
    assert_eq!(live["words"], "limited by your 120 rpm (limits.rpm)");
    assert_eq!(live["limits"]["audio_seconds_per_minute"], 900);
    let limits = "120 requests/min, 50,000 characters/min, 900 audio seconds/min, 6 at once";
    assert!(text.contains(limits), "{text}");
    assert_eq!(after["cause"]["code"], "stopped");
    let words = after["words"].as_str().unwrap();
    assert!(words.contains("interrupted"), "{words}");
}

#[test]
fn the_board_of_a_live_run_is_never_older_than_five_seconds_and_a_killed_one_is_gone() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(100),
        ..MockOptions::default()
    });
    let project = project(&provider, LIMITED);
    let mut run = project.start(&["run", "--yes", "--json"]);
    wait_for_cause(&mut run, "requests_per_minute");

    let status = project.run(&["status", "--json"]).exits(0).json();
    run.kill();
    let after = gate(&project);

    let board = project.path(".voicespool/board.json");
    let age = board.metadata().unwrap().modified().unwrap().elapsed();
    assert!(status[0]["gates_as_of"].is_string(), "{}", status[0]);
    assert!(age.unwrap() < Duration::from_secs(5));
    assert_eq!(after["cause"]["code"], "not_running");
}

#[test]
fn an_open_circuit_is_shown_with_its_last_error() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "status=503".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = project(&provider, "");
    let mut run = project.start(&["run", "--yes", "--json"]);
    wait_for_cause(&mut run, "circuit");

    let text = project.run(&["status"]).exits(0).stdout();
    run.signal(Signal::INT);
    run.end();

    assert!(text.contains("circuit open since"), "{text}");
    assert!(text.contains("last error: 503"), "{text}");
    assert_eq!(provider.billed(), 0);
    let failed = project.run(&["ls", "--state", "failed", "--json"]).exits(0);
    assert!(failed.json().is_empty());
}

#[test]
fn a_wait_the_provider_asks_for_is_shown_with_its_end() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(
            1,
            "status=429;retry-after=600".parse().unwrap(),
        )],
        ..MockOptions::default()
    });
    let project = project(&provider, "");
    let mut run = project.start(&["run", "--yes", "--json"]);
    wait_for_cause(&mut run, "retry_after");

    let live = gate(&project);
    run.signal(Signal::INT);
    run.end();

    let until = live["cause"]["until"].as_i64().unwrap();
    let words = live["words"].as_str().unwrap();
    assert!(
        words.starts_with("waiting for Retry-After until "),
        "{words}"
    );
    let seen = jiff::Timestamp::now().as_millisecond();
    assert!((until - seen - 600_000).abs() < 60_000, "{words}");
}

#[test]
fn a_reached_budget_is_the_answer_after_the_run() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");
    project.run(&["run", "--max-cost", "0.002"]).exits(8);

    let after = gate(&project);

    assert_eq!(after["cause"]["code"], "budget");
}

#[test]
fn plan_shows_the_limit_that_decides_how_long_it_takes() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, LIMITED);

    let text = project.run(&["plan"]).exits(0).stdout();
    let json = project.run(&["plan", "--json"]).exits(0).json();

    assert!(
        text.contains("about 30.0 s, limited by your 120 rpm (limits.rpm)"),
        "{text}"
    );
    assert_eq!(json[0]["eta_s"], 30.0);
    assert_eq!(json[0]["limited_by"]["code"], "requests_per_minute");
    assert_eq!(json[0]["tasks"][0]["limits"]["chars_per_minute"], 50_000);
}
