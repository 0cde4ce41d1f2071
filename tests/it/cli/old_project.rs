//! Projects of older versions open, and nothing is bought again.

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use crate::support::{Project, Provider};
use voicespool_mock::MockOptions;

/// A copy of `tests/fixtures/project-VERSION`. Nobody listens at the address of its provider, so a
/// request that a run makes is seen as one.
fn project(version: &str) -> Project {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(format!("project-{version}"));
    let project = Project::new("");
    for entry in WalkDir::new(&kept) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let relative = entry.path().strip_prefix(&kept).unwrap();
            project.write(relative.to_str().unwrap(), fs::read(entry.path()).unwrap());
        }
    }
    project
}

/// Of `plan --json`: the requests it would send, and what was spent so far.
fn planned(project: &Project) -> (u64, String) {
    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    let requests = plan["totals"]["requests_to_send"].as_u64().unwrap();
    let spent = plan["money"]["spent"].as_str().unwrap();
    (requests, spent.to_owned())
}

#[test]
fn a_project_of_0_1_0_opens_and_buys_nothing_again() {
    let project = project("0.1.0");
    let before = planned(&project);
    assert_eq!(before, (0, "0.000109000".to_owned()));

    // Its finished files are gone: they are made again from what was bought.
    let ran = project.run(&["run", "--yes"]).exits(3);
    for made in [
        "books/tea.flac",
        "books/rain.flac",
        "letters/ann.wav",
        "talks/meeting.srt",
    ] {
        let path = project.path("out").join(made);
        assert!(path.exists(), "{made}: {}", ran.stderr());
    }
    let subtitles = project.read("out/books/tea.srt");
    assert!(subtitles.contains("The kettle sang."), "{subtitles}");

    assert_eq!(planned(&project), before);
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn what_failed_and_what_is_in_doubt_in_a_project_of_0_1_0_stays_so() {
    let project = project("0.1.0");
    for (state, file) in [("failed", "bob.txt"), ("in_doubt", "cy.txt")] {
        let listed = project.run(&["ls", "--state", state]).exits(0).stdout();
        assert!(listed.contains(file), "{state}: {listed}");
    }
}

/// A text whose paragraphs share requests, bought that way; then the setting goes.
#[test]
fn what_was_bought_with_paragraphs_together_is_not_bought_apart() {
    let provider = Provider::start(MockOptions::default());
    let config = |chunk: &str| {
        format!(
            "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\n{chunk}",
            provider.profile()
        )
    };
    let project = Project::new(&config("chunk = { paragraphs = \"packed\" }\n"));
    project.write(
        "book.txt",
        "She opened the door and looked out.\n\nNobody stood there at this hour.\n\nSo she closed it again.\n",
    );
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 1);

    project.write("jobs.toml", config(""));
    assert_eq!(planned(&project).0, 0);
    let plan = project.run(&["plan"]).exits(0).stdout();
    assert!(plan.contains("cut as it was bought"), "{plan}");
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 1);

    project.write("jobs.toml", config("chunk = { paragraphs = \"apart\" }\n"));
    assert_eq!(planned(&project).0, 3);
}
