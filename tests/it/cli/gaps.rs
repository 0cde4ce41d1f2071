//! A book some of whose parts cannot be had: not made, or made with gaps that are named.

use crate::support::{Project, Provider};
use serde_json::Value;
use voicespool_mock::{FaultRule, MockOptions};

/// Forty requests, of which the provider refuses some once others were answered.
fn project(provider: &Provider, more: &str) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nsubtitles = [\"srt\"]\nchunk = {{ max_chars = 80, target_chars = 70 }}\n{more}",
        provider.profile()
    ));
    let row = |number| {
        format!("Sentence number {number} of this book is spoken in one request alone.\n\n")
    };
    project.write("book.txt", (1..=40).map(row).collect::<String>());
    let refused = |from| FaultRule {
        from: Some(from),
        until: Some(from),
        ..FaultRule::every(1, "status=400".parse().unwrap())
    };
    provider.mock.set_faults(vec![refused(20), refused(30)]);
    project
}

fn state_of(project: &Project, kind: &str) -> Vec<Value> {
    project
        .run(&["ls", "--kind", kind, "--json"])
        .exits(0)
        .json()
}

#[test]
fn a_book_is_not_made_without_a_part_unless_somebody_says_so() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");

    project.run(&["run", "--yes"]).exits(3);

    assert!(!project.path("out/book.wav").exists());
    assert_eq!(state_of(&project, "assemble")[0]["state"], "failed");
}

#[test]
fn a_book_with_gaps_is_made_names_them_and_is_whole_once_they_are_filled() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "on_missing = \"silence\"\n");

    let run = project.run(&["run", "--yes", "--json"]).exits(3);

    let lines = run.json();
    let last = lines.last().unwrap();
    assert_eq!(last["totals"]["files_with_gaps"], 1, "{last}");
    let gaps: Vec<_> = lines
        .iter()
        .filter_map(|line| line["text"].as_str())
        .filter(|text| text.contains("a gap at 0:0"))
        .collect();
    assert_eq!(gaps.len(), 2, "{lines:#?}");
    assert!(
        gaps[0].contains("Sentence number 20 of this book"),
        "{gaps:?}"
    );
    assert!(
        gaps[1].contains("Sentence number 30 of this book"),
        "{gaps:?}"
    );
    let subtitles = project.read("out/book.srt");
    assert!(!subtitles.contains("number 20"), "{subtitles}");
    assert!(subtitles.contains("number 21"), "{subtitles}");
    let report = project.run(&["report"]).exits(0).stdout();
    assert!(report.contains("2 missing"), "{report}");
    let length = |project: &Project| {
        let spec = hound::WavReader::open(project.path("out/book.wav")).unwrap();
        f64::from(spec.duration()) / f64::from(spec.spec().sample_rate)
    };
    let with_gaps = length(&project);

    // It stays so, and is said, until somebody takes it as it is or tries again.
    let billed = provider.billed();
    let again = project.run(&["run", "--yes"]).exits(3).stderr();
    assert!(again.contains("made with 2 gaps"), "{again}");
    assert_eq!(provider.billed(), billed);

    provider.mock.set_faults(Vec::new());
    project.run(&["retry", "book.txt", "--yes"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 40);
    assert!(project.read("out/book.srt").contains("number 20"));
    // Each gap was two seconds and the pause after the part.
    let whole = length(&project);
    assert!((whole - with_gaps).abs() < 8.0, "{whole} {with_gaps}");
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn what_is_missing_can_be_taken_as_it_is() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "on_missing = \"silence\"\n");
    project.run(&["run", "--yes"]).exits(3);

    project
        .run(&["cancel", "--state", "failed", "--all", "--yes"])
        .exits(0);

    project.run(&["run", "--yes"]).exits(0);
    assert!(project.path("out/book.wav").exists());
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn silence_is_no_book() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "on_missing = \"silence\"\n");
    project.write("book.txt", "One sentence, and it is refused.");
    let all = FaultRule::every(1, "status=400".parse().unwrap());
    provider.mock.set_faults(vec![all]);

    project.run(&["run", "--yes"]).exits(3);

    assert!(!project.path("out/book.wav").exists());
    let file = &state_of(&project, "assemble")[0];
    assert_eq!(file["state"], "failed");
    assert_eq!(file["detail"], "none of its parts could be had");
}
