//! Folders that go away in the middle of a run: this machine's fault, and no job's.

use std::fs;
use std::time::Duration;

use crate::support::{Project, Provider};
use serde_json::Value;
use voicespool_mock::MockOptions;

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[project]\nout = \"made/out\"\nstate = \"made/state\"\n[run]\nworkers = 4\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 80, target_chars = 70 }}\n",
        provider.profile()
    ));
    let row = |number| {
        format!("Sentence number {number} of this book is spoken in one request alone.\n\n")
    };
    project.write("book.txt", (1..=40).map(row).collect::<String>());
    project
}

fn slow() -> MockOptions {
    MockOptions {
        latency: Duration::from_millis(100),
        ..MockOptions::default()
    }
}

/// Runs until three answers are there, does `harm` to the project's folder, and sees the run end
/// for the disk. Returns its last line.
fn harmed(project: &Project, harm: impl FnOnce(&Project)) -> Value {
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 3));
    harm(project);
    let (code, rest) = run.end();
    assert_eq!(code, Some(7), "{rest}");
    let last = rest.lines().rev().find(|line| line.contains("\"exit\""));
    serde_json::from_str(last.unwrap_or_else(|| panic!("{rest}"))).unwrap()
}

#[test]
fn an_object_folder_that_is_replaced_stops_the_run_and_fails_no_job() {
    let provider = Provider::start(slow());
    let project = project(&provider);

    let last = harmed(&project, |project| {
        fs::rename(project.path("made/state/objects"), project.path("aside")).unwrap();
        fs::create_dir(project.path("made/state/objects")).unwrap();
    });

    let message = last["message"].as_str().unwrap();
    assert!(message.starts_with("the object folder is "), "{message}");
    assert_eq!(last["totals"]["jobs_failed"], 0, "{last}");
    // Nothing that was paid for lies in the folder that took its place.
    let strays = walkdir::WalkDir::new(project.path("made/state/objects"));
    let strays = strays.into_iter().filter_map(Result::ok);
    assert_eq!(
        strays.filter(|found| found.file_type().is_file()).count(),
        0
    );

    fs::remove_dir_all(project.path("made/state/objects")).unwrap();
    fs::rename(project.path("aside"), project.path("made/state/objects")).unwrap();
    project.run(&["run", "--yes"]).exits(0);
    // Beside what was on the wire, nothing was bought twice.
    assert!(
        (40..=44).contains(&provider.billed()),
        "{}",
        provider.billed()
    );
}

#[test]
fn a_project_that_is_renamed_stops_the_run_and_goes_on_where_it_is_now() {
    let provider = Provider::start(slow());
    let project = project(&provider);

    let last = harmed(&project, |project| {
        fs::rename(project.path("made"), project.path("moved")).unwrap();
    });

    let message = last["message"].as_str().unwrap();
    assert!(message.contains("is not where it was"), "{message}");
    assert!(!project.path("made").exists());
    fs::rename(project.path("moved"), project.path("made")).unwrap();
    let failed = project.run(&["ls", "--state", "failed", "--json"]);
    assert_eq!(failed.exits(0).json(), Vec::<Value>::new());
    project.run(&["run", "--yes"]).exits(0);
    assert!(
        (40..=44).contains(&provider.billed()),
        "{}",
        provider.billed()
    );
}

#[test]
fn an_output_folder_that_goes_away_is_not_made_again_in_the_middle_of_a_run() {
    let provider = Provider::start(slow());
    let project = project(&provider);

    harmed(&project, |project| {
        fs::remove_dir(project.path("made/out")).unwrap();
    });

    assert!(!project.path("made/out/book.wav").exists());
    project.run(&["run", "--yes"]).exits(0);
    assert!(project.path("made/out/book.wav").exists());
    assert!(
        (40..=44).contains(&provider.billed()),
        "{}",
        provider.billed()
    );
}
