//! A person's hand on the queue: pause and unpause, hold, and what both say.

use crate::support::{Project, Provider};
use rustix::process::Signal;
use std::time::Duration;
use voicespool_mock::{FaultRule, MockOptions};

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 4\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 80, target_chars = 70 }}\n",
        provider.profile()
    ));
    let text: String = (1..=40).fold(String::new(), |text, number| {
        text + &format!("Sentence number {number} of this book is spoken in one request alone.\n\n")
    });
    project.write("book.txt", text);
    project
}

fn slow() -> Provider {
    Provider::start(MockOptions {
        // Long enough for another process to come in between.
        latency: Duration::from_millis(400),
        ..MockOptions::default()
    })
}

fn in_state(project: &Project, state: &str) -> u64 {
    let status = project.run(&["status", "--json"]).exits(0).json().remove(0);
    let jobs = status["jobs"].as_array().unwrap().iter();
    jobs.filter(|count| count["state"] == state && count["kind"] == "speak")
        .map(|count| count["jobs"].as_u64().unwrap())
        .sum()
}

#[test]
fn a_run_at_work_stops_sending_when_another_process_pauses_and_goes_on_when_it_may() {
    let provider = slow();
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 2));

    let paused = project.run(&["pause", "--reason", "listening first"]);
    let said = paused.exits(0).stdout();
    assert!(
        said.contains("everything since") && said.contains("by you (listening first)"),
        "{said}"
    );
    assert!(run.wait_for("paused", 1));
    while in_state(&project, "sent") > 0 {}
    let requests = provider.mock.invoice().requests;
    let status = project.run(&["status"]).exits(0).stdout();
    assert!(
        status.contains("paused   everything since") && status.contains("voicespool unpause"),
        "{status}"
    );
    assert_eq!(in_state(&project, "leased"), 0, "nothing is kept claimed");
    assert_eq!(provider.mock.invoice().requests, requests);

    let ended = project.run(&["unpause", "--json"]).exits(0).json();
    assert_eq!(ended[0]["pauses"], serde_json::json!([]));
    let (code, rest) = run.end();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains(r#""what":[]"#), "{rest}");
    assert_eq!(provider.billed(), 40);
}

#[test]
fn a_pause_outlives_the_run_and_the_next_one_sends_nothing_of_it() {
    let provider = slow();
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 1));
    let known = project.run(&["pause", "nonsense"]).exits(2).stderr();
    assert!(
        known.contains("book") && known.contains("hexgrad/Kokoro-82M"),
        "{known}"
    );
    project.run(&["pause", "book"]).exits(0);
    run.kill();
    let parts = project.run(&["unpause"]).exits(2).stderr();
    assert!(parts.contains("task book"), "{parts}");
    let requests = provider.mock.invoice().requests;

    let mut next = project.start(&["run", "--yes", "--json"]);
    assert!(next.wait_for("paused", 1));
    next.signal(Signal::INT);
    let (code, rest) = next.end();

    assert_eq!(code, Some(130), "{rest}");
    assert_eq!(provider.mock.invoice().requests, requests);
    let said = project.run(&["unpause", "task:book"]).exits(0).stdout();
    assert!(said.contains("goes on  task book"), "{said}");
    project.run(&["run", "--yes"]).exits(0);
}

#[test]
fn what_is_held_is_not_bought_and_not_counted_in_the_plan_until_it_is_taken_up() {
    let provider = slow();
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 1));

    // Beside the run: no lock is needed, and the run comes to its end.
    project.run(&["hold", "--all"]).exits(0);
    let (code, rest) = run.end();
    assert_eq!(code, Some(3), "{rest}");
    let held = in_state(&project, "held");
    assert!(held > 0 && held < 40, "{held}");
    let billed = provider.billed();
    assert_eq!(billed + held, 40);

    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    assert_eq!(plan["totals"]["requests_to_send"], 0, "{plan}");
    let words = project.run(&["plan"]).exits(0).stdout();
    assert!(
        words.contains(&format!("{held} requests of it set aside")),
        "{words}"
    );
    let why = project.run(&["ls", "--state", "held"]).exits(0).stdout();
    assert!(why.contains("set aside by a person"), "{why}");
    let again = project.run(&["run", "--yes"]).exits(3).stderr();
    assert!(again.contains("ls --state held"), "{again}");
    assert_eq!(provider.billed(), billed);

    project.run(&["hold"]).exits(2);
    project.run(&["hold", "--state", "completed"]).exits(2);
    project
        .run(&["retry", "--state", "held", "--all", "--yes"])
        .exits(0);
    let one = project.run(&["hold", "--all", "-n", "--json"]).exits(0);
    assert_eq!(one.json()[0]["jobs"], held);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 40);
}

#[test]
fn what_failed_can_be_left_out_and_no_run_speaks_of_it_again() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    // One request is refused, when others were answered.
    provider.mock.set_faults(vec![FaultRule {
        from: Some(20),
        until: Some(20),
        ..FaultRule::every(1, "status=400".parse().unwrap())
    }]);
    project.run(&["run", "--yes"]).exits(3);
    let failed = project.run(&["ls", "--state", "failed", "--json"]);
    let failed = failed.exits(0).json();
    assert_eq!(failed.len(), 2, "the request and its file: {failed:?}");
    let request = failed.iter().find(|job| job["kind"] == "speak").unwrap();
    project.run(&["run", "--yes"]).exits(3);

    // Nobody who says "all" means what failed.
    project.run(&["cancel", "--all", "--yes"]).exits(0);
    assert_eq!(in_state(&project, "failed"), 1);
    project
        .run(&["cancel", &request["job"].to_string()])
        .exits(0);

    let requests = provider.mock.invoice().requests;
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.mock.invoice().requests, requests);
    // It can be taken up again.
    provider.mock.set_faults(Vec::new());
    project
        .run(&["retry", "--state", "cancelled", "--all", "--yes"])
        .exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.mock.invoice().requests, requests + 1);
    assert!(project.path("out/book.wav").exists());
}

#[test]
fn what_a_person_set_aside_and_what_nobody_answered_are_two_states_everywhere() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_secs(30),
        ..MockOptions::default()
    });
    let project = project(&provider);
    let config = project.read("jobs.toml");
    project.write(
        "jobs.toml",
        config.replace("[run]", "[budget]\non_in_doubt = \"hold\"\n[run]"),
    );
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_sent", 4));
    run.signal(Signal::TERM);
    assert!(run.wait_for("stopping", 1));
    run.signal(Signal::TERM);
    run.end();

    project.run(&["hold", "book.txt"]).exits(0);

    let (held, in_doubt) = (in_state(&project, "held"), in_state(&project, "in_doubt"));
    assert_eq!((held, in_doubt), (36, 4));
    let plan = project.run(&["plan"]).exits(0).stdout();
    assert!(plan.contains("36 requests of it set aside"), "{plan}");
    assert!(plan.contains("4 requests of it in doubt"), "{plan}");
    // The remedy for one leaves the other alone.
    let only = |state: &str| {
        let preview = ["retry", "--state", state, "--all", "-n", "--json"];
        project.run(&preview).exits(0).json().remove(0)
    };
    assert_eq!(only("held")["jobs"], 36);
    assert_eq!(only("held")["in_doubt"]["requests"], 0);
    assert_eq!(only("in_doubt")["jobs"], 4);
    assert_eq!(only("in_doubt")["in_doubt"]["requests"], 4);
    project
        .run(&["retry", "--state", "held", "--all", "--yes"])
        .exits(0);
    assert_eq!(in_state(&project, "in_doubt"), 4);
    // A file's number, and its path, take up its parts again.
    let file = project.run(&["ls", "--kind", "assemble", "--json"]);
    let number = file.exits(0).json()[0]["job"].to_string();
    for name in [&*number, "book.txt", "./book.txt"] {
        let preview = ["retry", name, "-n", "--json"];
        assert_eq!(
            project.run(&preview).exits(0).json()[0]["jobs"],
            4,
            "{name}"
        );
        let listed = project.run(&["ls", name, "--limit", "100", "--json"]);
        assert_eq!(listed.exits(0).json().len(), 41, "{name}");
        let shown = project.run(&["show", name, "--json"]).exits(0).json();
        assert_eq!(shown[0]["job"].to_string(), number);
    }
    for nothing in ["", "9999", "-5", "../../etc/passwd", "/"] {
        for command in ["show", "ls", "retry", "cancel", "hold", "forget"] {
            project.run(&[command, "--", nothing]).exits(2);
        }
    }
    let unknown = project.run(&["show", "nosuch.txt"]).exits(2).stderr();
    assert!(unknown.contains("knows no file `nosuch.txt`"), "{unknown}");
}

#[test]
fn a_file_that_is_gone_is_forgotten_and_one_that_comes_back_is_new() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    provider.mock.set_faults(vec![FaultRule {
        from: Some(20),
        ..FaultRule::every(1, "status=400".parse().unwrap())
    }]);
    project.run(&["run", "--yes"]).exits(3);
    let billed = provider.billed();
    assert!(in_state(&project, "failed") > 0);

    let said = project.run(&["forget", "book.txt"]).exits(0);

    assert!(
        said.stderr().contains("book.txt is still there"),
        "{}",
        said.stderr()
    );
    assert_eq!(in_state(&project, "failed"), 0);
    let status = project.run(&["status", "--json"]).exits(0).json().remove(0);
    assert_eq!(status["money"]["confirmed"]["requests"], billed);
    project.run(&["forget", "nosuch.txt"]).exits(2);
    // It is still among the inputs: it comes back, and what was paid for is used.
    provider.mock.set_faults(Vec::new());
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 40);
    std::fs::remove_file(project.path("book.txt")).unwrap();
    project.run(&["forget", "book.txt"]).exits(0);
    assert!(project.path("out/book.wav").exists());
}
