//! Signals, locks and limits: a run ends the way it is asked to, and says so.

use std::time::Duration;

use crate::support::{Project, Provider};
use rustix::process::Signal;
use voicespool_mock::{FaultRule, MockOptions};

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 4\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 80, target_chars = 70 }}\n",
        provider.profile()
    ));
    let text: String = (1..=30).fold(String::new(), |text, number| {
        text + &format!("Sentence number {number} of this book is spoken in one request alone.\n\n")
    });
    project.write("book.txt", text);
    project
}

fn slow() -> MockOptions {
    MockOptions {
        latency: Duration::from_millis(150),
        ..MockOptions::default()
    }
}

#[test]
fn the_first_interrupt_lets_requests_finish_and_leaves_nothing_in_doubt() {
    let provider = Provider::start(slow());
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 3));

    run.signal(Signal::INT);
    let (code, rest) = run.end();

    assert_eq!(code, Some(130), "{rest}");
    let status = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(
        status[0]["money"]["in_doubt"]["requests"], 0,
        "{}",
        status[0]
    );
    assert_eq!(
        status[0]["money"]["confirmed"]["requests"],
        provider.billed()
    );
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 30);
}

#[test]
fn the_second_signal_gives_up_on_requests_lists_them_as_in_doubt_and_is_no_crash() {
    let provider = Provider::start(MockOptions::default());
    let slow = FaultRule::every(1, "delay=30s".parse().unwrap());
    provider.mock.set_faults(vec![slow]);
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_sent", 4));

    run.signal(Signal::TERM);
    assert!(run.wait_for("stopping", 1));
    run.signal(Signal::TERM);
    let (code, rest) = run.end();

    assert_eq!(code, Some(143), "{rest}");
    let status = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(
        status[0]["money"]["in_doubt"]["requests"], 4,
        "{}",
        status[0]
    );
    let bill = project.run(&["report", "--format", "attempts"]).exits(0);
    assert!(!bill.stdout().contains("reserved,"), "{}", bill.stdout());
    // The next start finds nothing to recover, and goes on.
    provider.mock.set_faults(Vec::new());
    let next = project.run(&["run", "--yes"]).exits(0).stderr();
    assert!(!next.contains("crash"), "{next}");
    let jobs = project.run(&["ls", "--limit", "100", "--json"]).exits(0);
    for job in jobs.json() {
        assert_eq!(job["crashes"], 0, "{job}");
    }
}

#[test]
fn a_second_run_is_told_who_holds_the_queue() {
    let provider = Provider::start(slow());
    let project = project(&provider);
    let mut first = project.start(&["run", "--yes", "--json"]);
    assert!(first.wait_for("job_sent", 1));

    let second = project.run(&["run", "--yes"]).exits(11);

    assert!(
        second.stderr().contains(&first.child.id().to_string()),
        "{}",
        second.stderr()
    );
    project.run(&["status"]).exits(0);
    first.signal(Signal::INT);
    first.end();
}

#[test]
fn a_refused_key_fails_no_job_and_a_good_one_goes_on() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);

    let refused = project
        .command(&["run", "--yes"])
        .env("TOGETHER_API_KEY", "sk-wrong")
        .output()
        .unwrap();

    assert_eq!(
        refused.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    let jobs = project
        .run(&["ls", "--state", "failed", "--json"])
        .exits(0)
        .json();
    assert!(jobs.is_empty(), "{jobs:?}");
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 30);
}

#[test]
fn throttling_and_outages_fail_no_job() {
    let faults = vec![
        FaultRule::every(5, "status=429;retry-after=0".parse().unwrap()),
        FaultRule::every(7, "status=503".parse().unwrap()),
    ];
    let provider = Provider::start(MockOptions {
        faults,
        ..MockOptions::default()
    });
    let project = project(&provider);

    let ran = project.run(&["run", "--yes"]).exits(0);

    assert_eq!(provider.billed(), 30, "{}", ran.stderr());
}

#[test]
fn refused_requests_are_a_partial_result_with_the_provider_s_words() {
    let faults = vec![FaultRule::every(10, "status=400".parse().unwrap())];
    let provider = Provider::start(MockOptions {
        faults,
        ..MockOptions::default()
    });
    let project = project(&provider);

    let ran = project.run(&["run", "--yes"]).exits(3);
    assert!(
        ran.stderr().contains("failed (refused)") && ran.stderr().contains("voicespool retry"),
        "{}",
        ran.stderr()
    );
    assert!(!project.path("out/book.wav").exists());
    provider.mock.set_faults(Vec::new());
    project.run(&["run", "--yes"]).exits(3);

    project.run(&["retry", "--all"]).exits(2);
    project.run(&["retry", "--all", "--yes"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert!(project.path("out/book.wav").exists());
}

#[test]
fn the_key_is_in_no_file_and_no_output() {
    let faults = vec![
        FaultRule::every(4, "status=500".parse().unwrap()),
        FaultRule::every(9, "status=400".parse().unwrap()),
    ];
    let provider = Provider::start(MockOptions {
        faults,
        ..MockOptions::default()
    });
    let project = project(&provider);

    // Every command's output and, at the end, every file is searched by `Project` itself.
    project.run(&["run", "--yes", "-vv"]).exits(3);
    project.run(&["doctor"]).exits(0);
    for format in ["table", "attempts", "files"] {
        project.run(&["report", "--format", format]).exits(0);
    }
    for command in ["status", "ls", "plan", "verify"] {
        project.run(&[command, "--json"]);
    }
    project.run(&["show", "1"]).exits(0);
}

#[test]
fn retry_leaves_alone_what_a_person_took_out() {
    let provider = Provider::start(slow());
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 3));
    run.signal(Signal::INT);
    run.end();

    project.run(&["cancel", "--all"]).exits(2);
    project.run(&["cancel", "--all", "--yes"]).exits(0);
    let retried = project
        .run(&["retry", "--all", "--yes", "--json"])
        .exits(0)
        .json();
    assert_eq!(retried[0]["jobs"], 0, "{}", retried[0]);
    let billed = provider.billed();
    project.run(&["run", "--yes"]);
    assert_eq!(provider.billed(), billed, "cancelled work is not bought");

    project
        .run(&["retry", "--state", "cancelled", "--all", "--yes"])
        .exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 30);
}

#[test]
fn giving_up_on_a_request_again_and_again_does_not_make_it_poison() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_secs(30),
        ..MockOptions::default()
    });
    let project = project(&provider);

    for round in 1..=3 {
        let mut run = project.start(&["run", "--yes", "--json"]);
        assert!(run.wait_for("job_sent", 4), "round {round}");
        run.signal(Signal::INT);
        assert!(run.wait_for("stopping", 1));
        run.signal(Signal::INT);
        let (code, rest) = run.end();
        assert_eq!(code, Some(130), "{rest}");
    }

    let status = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(status[0]["money"]["in_doubt"]["requests"], 12);
    let failed = project.run(&["ls", "--state", "failed", "--json"]);
    assert!(failed.exits(0).json().is_empty());
}
