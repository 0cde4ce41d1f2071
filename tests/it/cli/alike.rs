//! A mistake that fails everything stops early, fails nothing and is said once.

use crate::support::{Project, Provider};
use voicespool_mock::{FaultRule, MockOptions};

fn project(provider: &Provider, voice: &str, rows: usize) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 2\n[retry]\nbase_delay = \"10ms\"\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"{voice}\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 80, target_chars = 70 }}\n",
        provider.profile()
    ));
    project.write("book.txt", text(rows));
    project
}

fn requests(provider: &Provider) -> usize {
    provider.mock.requests_after(0).len()
}

fn text(rows: usize) -> String {
    let row = |number| {
        format!("Sentence number {number} of this book is spoken in one request alone.\n\n")
    };
    (1..=rows).map(row).collect()
}

#[test]
fn a_voice_that_does_not_exist_costs_a_handful_of_requests_and_no_job() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "af_hart", 60);

    let run = project.run(&["run", "--yes"]).exits(3);

    // Five alike, and what was on the wire beside the fifth.
    assert!(
        (5..=6).contains(&requests(&provider)),
        "{}",
        requests(&provider)
    );
    let said = run.stderr();
    assert_eq!(
        said.matches("\"af_hart\" is not available").count(),
        1,
        "{said}"
    );
    assert!(said.contains("no job failed (60 jobs left)"), "{said}");
    assert!(said.contains("place    jobs.toml:"), "{said}");
    assert!(said.contains("(`voice`)"), "{said}");
    let failed = project.run(&["ls", "--state", "failed", "--json"]);
    assert_eq!(failed.exits(0).json(), Vec::<serde_json::Value>::new());

    let config = project.read("jobs.toml").replace("af_hart", "af_heart");
    project.write("jobs.toml", config);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 60);
}

#[test]
fn other_tasks_go_on_and_the_run_says_at_its_end_which_did_not() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "af_hart", 20);
    let good = project.read("jobs.toml");
    let task = good.split("[task.book]").nth(1).unwrap();
    let task = task
        .replace("af_hart", "af_heart")
        .replace("book.txt", "notes.txt");
    project.write("jobs.toml", format!("{good}[task.notes]{task}"));
    project.write(
        "notes.txt",
        "Another text altogether, said by a voice that exists.\n",
    );

    let run = project.run(&["run", "--yes", "--json"]).exits(3);

    assert!(project.path("out/notes.wav").exists());
    let rows = run.json();
    let told: Vec<_> = rows
        .iter()
        .filter(|row| row["type"] == "refused_alike")
        .collect();
    assert_eq!(told.len(), 1, "{rows:?}");
    assert_eq!(told[0]["task"], "book");
    assert_eq!(told[0]["jobs"], 20);
    let last = rows.last().unwrap();
    assert_eq!(last["kind"], "partial");
    assert!(
        last["details"][1]
            .as_str()
            .unwrap()
            .starts_with("jobs.toml:"),
        "{last}"
    );
    assert_eq!(last["totals"]["jobs_failed"], 0);
}

#[test]
fn a_job_that_is_refused_among_others_that_are_answered_fails_and_no_other() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule {
            until: Some(3),
            ..FaultRule::every(1, "status=400".parse().unwrap())
        }],
        ..MockOptions::default()
    });
    let project = project(&provider, "af_heart", 20);

    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(requests(&provider), 23);
    assert_eq!(provider.billed(), 20);
}

#[test]
fn what_waits_for_a_person_is_not_waited_for_by_a_refusal() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "af_hart", 6);
    // Queued, and all but three set aside.
    project.run(&["run", "--max-cost", "0.0000001"]).exits(8);
    let jobs = project
        .run(&["ls", "--kind", "speak", "--json"])
        .exits(0)
        .json();
    for job in &jobs[..3] {
        project.run(&["hold", &job["job"].to_string()]).exits(0);
    }

    project.run(&["run", "--yes"]).exits(3);

    let failed = project.run(&["ls", "--state", "failed", "--kind", "speak", "--json"]);
    assert_eq!(failed.exits(0).json().len(), 3);
    assert_eq!(requests(&provider), 3);
}
