//! A key that is refused: few requests see it, no job pays for it.

use std::time::Duration;

use crate::support::{Project, Provider};
use voicespool_mock::{FaultRule, MockOptions};

fn project(provider: &Provider, workers: u32, paragraphs: u32) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = {workers}\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 60, target_chars = 50, min_chars = 1 }}\n",
        provider.profile()
    ));
    let text: String = (1..=paragraphs).fold(String::new(), |text, number| {
        text + &format!("This is paragraph number {number} and one request.\n\n")
    });
    project.write("book.txt", text);
    project
}

fn failed(project: &Project) -> usize {
    let ls = project.run(&["ls", "--state", "failed", "--json"]);
    ls.exits(0).json().len()
}

#[test]
fn of_a_thousand_jobs_a_wrong_key_is_seen_by_no_more_than_the_workers() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, 32, 1_000);
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["totals"]["requests_to_send"], 1_000);

    let refused = project
        .command(&["run", "--yes"])
        .env("TOGETHER_API_KEY", "sk-wrong")
        .output()
        .unwrap();

    let words = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{words}");
    let bill = provider.mock.invoice();
    assert!(
        (1..=32).contains(&bill.requests),
        "{} refusals\n{words}",
        bill.requests
    );
    assert_eq!((bill.billed_requests, failed(&project)), (0, 0));
    assert!(words.contains("no job failed"), "{words}");
    let status = project.run(&["status"]).exits(0).stdout();
    assert!(status.contains("paused since"), "{status}");
}

#[test]
fn a_key_revoked_in_the_middle_stops_the_run_and_a_good_one_completes_it() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(50),
        ..MockOptions::default()
    });
    let project = project(&provider, 8, 120);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 10));

    let revoked = FaultRule::every(1, "status=403".parse().unwrap());
    provider.mock.set_faults(vec![revoked]);
    let (code, rest) = run.end();

    assert_eq!(code, Some(4), "{rest}");
    let bill = provider.mock.invoice();
    let refusals = bill.requests - bill.billed_requests;
    assert!((1..=8).contains(&refusals), "{refusals} refusals\n{rest}");
    assert_eq!(failed(&project), 0);
    provider.mock.set_faults(Vec::new());
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 120);
    let status = project.run(&["status"]).exits(0).stdout();
    assert!(!status.contains("paused"), "{status}");
}

#[test]
fn two_models_of_one_key_show_it_to_no_more_than_the_workers_either() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(30),
        ..MockOptions::default()
    });
    let project = project(&provider, 8, 40);
    let config = project.read("jobs.toml");
    let (head, task) = config.split_once("[task.book]").unwrap();
    let second = task
        .replace("hexgrad/Kokoro-82M", "canopylabs/orpheus-3b-0.1-ft")
        .replace("af_heart", "tara")
        .replace("{stem}", "other-{stem}");
    let config = format!("{head}[task.book]{task}[task.other]{second}");
    project.write("jobs.toml", config);

    let refused = project
        .command(&["run", "--yes"])
        .env("TOGETHER_API_KEY", "sk-wrong")
        .output()
        .unwrap();

    assert_eq!(refused.status.code(), Some(4));
    let requests = provider.mock.invoice().requests;
    assert!((1..=8).contains(&requests), "{requests} refusals");
    assert_eq!(failed(&project), 0);
}
