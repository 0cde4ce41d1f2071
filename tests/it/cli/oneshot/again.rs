//! Stopped, killed, refused, one after the other: and then typed again.

use std::io::{BufRead, BufReader, Read};

use crate::cli::oneshot::{TEXT, names, seen, speak, start, with};
use crate::support::{Project, Provider};
use voicespool::audio;
use voicespool_mock::{FaultRule, MockOptions};

/// Five requests of one text.
fn long(provider: &Provider) -> Project {
    let project = with(
        provider,
        "[run]\nworkers = 1\n[models.\"hexgrad/Kokoro-82M\"]\nmax_chars = 120\n",
    );
    let text: String = (1..=5).fold(String::new(), |text, number| text + &format!("This is paragraph number {number}, and it is long enough to be one request of its own in this text.\n\n"));
    project.write("long.txt", text);
    project
}

#[test]
fn a_command_that_was_stopped_goes_on_when_it_is_typed_again() {
    let provider = Provider::start(MockOptions::default());
    let project = long(&provider);

    let stopped = project
        .run(&speak("long.txt", "a.wav", &["--max-cost", "0.001"]))
        .exits(8);
    let billed = provider.billed();
    assert!((1..5).contains(&billed), "{billed}");
    assert!(
        stopped.stderr().contains("larger --max-cost"),
        "{}",
        stopped.stderr()
    );
    assert_eq!(names(&project), ["long.txt"]);
    // Another one in between takes nothing away from it.
    project.run(&speak(TEXT, "b.wav", &["--yes"])).exits(0);
    let ended = project
        .run(&speak("long.txt", "a.wav", &["--yes"]))
        .exits(0);

    assert_eq!(provider.billed(), 6);
    assert!(
        ended.stderr().contains("what is equal is sent once"),
        "{}",
        ended.stderr()
    );
    assert!(audio::probe(&project.path("a.wav")).unwrap().duration.0 > 20_000);
}

#[test]
fn what_a_kill_left_in_doubt_is_told_and_sent_again() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "hang".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(&provider, "");
    project.write("a.wav", "what was there before");
    let mut killed = start(&project, &speak(TEXT, "a.wav", &["--yes"]));
    seen(&provider, 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(project.read("a.wav"), "what was there before");
    provider.mock.set_faults(Vec::new());

    let ended = project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(0);

    let said = ended.stderr();
    assert!(
        said.contains("in doubt: 1 request in flight when the last run ended"),
        "{said}"
    );
    let status = project
        .run(&["status", "--one-shots", "--json"])
        .exits(0)
        .json();
    let money = &status[0]["money"];
    assert_eq!(money["in_doubt"]["requests"], 1, "{money}");
    assert_eq!(money["spent"], "0.000384000", "{money}");
    let bill = project
        .run(&["report", "--one-shots", "--format", "attempts"])
        .exits(0);
    assert_eq!(bill.stdout().lines().count(), 3, "{}", bill.stdout());
    assert_eq!(names(&project), ["a.wav"]);
}

#[test]
fn who_wants_to_be_asked_about_doubt_is_asked() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "hang".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(&provider, "[budget]\non_in_doubt = \"hold\"\n");
    let mut killed = start(&project, &speak(TEXT, "a.wav", &["--yes"]));
    seen(&provider, 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    provider.mock.set_faults(Vec::new());

    let held = project
        .run(&speak(TEXT, "a.wav", &["--yes"]))
        .exits(3)
        .stderr();
    assert!(
        held.contains("retry --one-shots --state in_doubt --all"),
        "{held}"
    );
    assert_eq!(provider.billed(), 0);
    let retry = [
        "retry",
        "--one-shots",
        "--state",
        "in_doubt",
        "--all",
        "--yes",
    ];
    project.run(&retry).exits(0);
    project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(0);
    assert_eq!(provider.billed(), 1);
}

#[test]
fn an_interrupted_command_lets_its_request_finish_and_uses_it_when_typed_again() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "delay=300ms".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = long(&provider);
    let args = speak("long.txt", "a.wav", &["--yes"]);
    let mut interrupted = start(&project, &args);
    seen(&provider, 1);

    let pid = rustix::process::Pid::from_child(&interrupted);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut said = String::new();
    let mut stderr = interrupted.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();

    assert_eq!(interrupted.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("typed again, goes on"), "{said}");
    assert_eq!(names(&project), ["long.txt"]);
    let billed = provider.billed();
    assert!((1..5).contains(&billed), "{billed}");
    project.run(&args).exits(0);
    assert_eq!(provider.billed(), 5);
}

#[test]
fn a_paused_queue_of_one_shots_says_so_and_goes_on() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");
    project.run(&speak("First.", "a.wav", &["--yes"])).exits(0);
    project.run(&["pause", "--one-shots", "tts"]).exits(0);

    let mut paused = start(&project, &speak(TEXT, "b.wav", &["--yes"]));
    let mut said = BufReader::new(paused.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("unpause --one-shots --all") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
    }

    assert_eq!(provider.billed(), 1);
    project.run(&["unpause", "--one-shots", "--all"]).exits(0);
    said.read_to_string(&mut line).unwrap();
    assert!(paused.wait().unwrap().success(), "{line}");
    assert_eq!(provider.billed(), 2);
}

#[test]
fn who_waits_for_a_provider_that_is_down_is_told_why() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "status=503".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(
        &provider,
        "[retry]\nbase_delay = \"1ms\"\nmax_delay = \"1ms\"\n",
    );
    let mut waiting = start(&project, &speak(TEXT, "a.wav", &["--yes"]));
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();

    while !line.contains("trying again in") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
    }
    provider.mock.set_faults(Vec::new());

    said.read_to_string(&mut line).unwrap();
    assert!(waiting.wait().unwrap().success(), "{line}");
}

#[test]
fn the_second_of_two_at_once_waits_its_turn() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "delay=300ms".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(&provider, "");
    let mut first = start(&project, &speak(TEXT, "a.wav", &["--yes"]));
    seen(&provider, 1);

    let mut second = start(&project, &speak("Another text.", "b.wav", &["--yes"]));
    let mut said = BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();

    assert!(
        line.contains(&format!("waiting for process {}", first.id())),
        "{line}"
    );
    assert!(first.wait().unwrap().success());
    said.read_to_string(&mut line).unwrap();
    assert!(second.wait().unwrap().success(), "{line}");
    assert_eq!(names(&project), ["a.wav", "b.wav"]);
    assert_eq!(provider.billed(), 2);
}

#[test]
fn ctrl_c_ends_the_wait_for_a_turn() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "hang".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(&provider, "");
    let mut first = start(&project, &speak(TEXT, "a.wav", &["--yes"]));
    seen(&provider, 1);
    let mut second = start(&project, &speak("Another text.", "b.wav", &["--yes"]));
    let mut line = String::new();
    let mut said = BufReader::new(second.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();

    let pid = rustix::process::Pid::from_child(&second);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();

    assert!(!second.wait().unwrap().success());
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_refused_key_fails_nothing_and_a_missing_one_sends_nothing() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");
    let args = speak(TEXT, "a.wav", &["--yes"]);

    let mut command = project.command(&args);
    let refused = command
        .env("TOGETHER_API_KEY", "sk-wrong")
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("type the command again"), "{said}");
    assert!(!said.contains("is kept"), "nothing was answered: {said}");
    project.run(&args).exits(0);

    let mut command = project.command(&[
        "tts",
        TEXT,
        "-o",
        "b.wav",
        "--profile",
        "together",
        "--model",
        "hexgrad/Kokoro-82M",
        "--voice",
        "af_heart",
        "--yes",
    ]);
    let missing = command.env_remove("TOGETHER_API_KEY").output().unwrap();
    let said = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(4), "{said}");
    assert!(
        said.contains("TOGETHER_API_KEY") && said.contains("nothing was sent"),
        "{said}"
    );
}

#[test]
fn a_failed_command_leaves_what_was_there_and_typed_again_it_tries_again() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "status=400".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(&provider, "");
    project.write("a.wav", "old");

    let failed = project
        .run(&speak(TEXT, "a.wav", &["--yes", "--json"]))
        .exits(3);
    assert_eq!(failed.json()[0]["code"], 3);
    assert!(
        failed.stderr().contains("failed (refused)"),
        "{}",
        failed.stderr()
    );
    assert_eq!(project.read("a.wav"), "old");
    provider.mock.set_faults(Vec::new());

    project.run(&speak(TEXT, "a.wav", &[])).exits(2);
    project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(0);
    assert!(audio::probe(&project.path("a.wav")).is_ok());
}

#[test]
fn money_that_bought_nothing_is_named_and_nothing_is_said_to_be_kept() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "body=silence".parse().unwrap())],
        ..MockOptions::default()
    });
    let project = with(
        &provider,
        "[retry]\nmax_failures = 2\nbase_delay = \"1ms\"\n",
    );

    let failed = project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(3);

    let said = failed.stderr();
    assert!(
        said.contains("bought nothing usable") && !said.contains("is kept and not paid for again"),
        "{said}"
    );
    assert!(!project.path("a.wav").exists());
}
