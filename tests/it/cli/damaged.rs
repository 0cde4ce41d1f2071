//! Bytes of our own folders are believed only with their hash.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::support::{Project, Provider};
use voicespool_mock::MockOptions;

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"canopylabs/orpheus-3b-0.1-ft\"\nvoice = \"tara\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 120, target_chars = 100 }}\n",
        provider.profile()
    ));
    let text: String = (1..=6).fold(String::new(), |text, number| {
        text + &format!("This is paragraph number {number}, and it is long enough to be one request of its own in this book.\n\n")
    });
    project.write("book.txt", text);
    project
}

/// Kept answers and texts, in the order of their names.
fn objects(project: &Project, text: bool) -> Vec<PathBuf> {
    let mut found: Vec<_> = walkdir::WalkDir::new(project.path(".voicespool/objects"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .filter(|path| fs::read(path).unwrap().starts_with(b"RIFF") != text)
        .collect();
    found.sort();
    found
}

/// The ways in which a disk, a copy or a person damages a file.
fn damage(path: &Path, kind: u8) {
    let mut bytes = fs::read(path).unwrap();
    let len = bytes.len();
    match kind {
        // Zeroed behind its header: still a file of the right length and form.
        0 => bytes[44.min(len)..].fill(0),
        1 => bytes.truncate(len / 2),
        2 => bytes.clear(),
        3 => bytes[len / 2] ^= 1,
        4 => bytes.extend_from_slice(b"more"),
        5 => bytes[..8.min(len)].fill(b'x'),
        6 => bytes.rotate_left(len / 3),
        _ => return fs::remove_file(path).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_answer_becomes_no_part_of_a_book_and_one_command_buys_it_again() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    project.run(&["run", "--max-cost", "1"]).exits(0);
    let whole = fs::read(project.path("out/book.wav")).unwrap();
    let requests = provider.mock.invoice().requests;
    let answers = objects(&project, false);
    damage(&answers[0], 0);
    damage(&answers[1], 7);

    let found = project.run(&["verify", "--deep"]).exits(6);
    assert_eq!(found.stdout().matches("buying it again costs $").count(), 2);
    assert!(found.stdout().contains("damaged") && found.stdout().contains("missing"));
    assert!(found.stderr().contains("retry --state completed"));

    // The file is gone, and what it was made of is not what was bought.
    fs::remove_file(project.path("out/book.wav")).unwrap();
    let failed = project.run(&["run", "--max-cost", "1"]).exits(3);
    assert!(
        failed.stderr().contains("missing or damaged"),
        "{}",
        failed.stderr()
    );
    assert!(!project.path("out/book.wav").exists());
    assert_eq!(
        provider.mock.invoice().requests,
        requests,
        "nothing is bought unasked"
    );

    let asked = project
        .run(&["retry", "--all", "--dry-run"])
        .exits(0)
        .stdout();
    assert!(
        asked.contains("3 jobs") && !asked.contains("$0 more"),
        "{asked}"
    );
    project.run(&["retry", "--all", "--yes"]).exits(0);
    project.run(&["run", "--max-cost", "1"]).exits(0);

    assert_eq!(provider.mock.invoice().requests, requests + 2);
    assert_eq!(fs::read(project.path("out/book.wav")).unwrap(), whole);
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn verify_names_the_command_that_buys_a_lost_answer_again() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    project.run(&["run", "--max-cost", "1"]).exits(0);
    let requests = provider.mock.invoice().requests;
    damage(&objects(&project, false)[2], 3);

    let hint = project.run(&["verify", "--deep"]).exits(6).stderr();
    let command = hint.split("voicespool ").nth(1).unwrap();
    let command = command.split("    ").next().unwrap();
    let mut typed: Vec<_> = command.split(' ').collect();
    typed.push("--yes");
    project.run(&typed).exits(0);
    project.run(&["run", "--max-cost", "1"]).exits(0);

    assert_eq!(provider.mock.invoice().requests, requests + 1);
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn an_altered_text_is_read_anew_and_never_sent() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    // Queued, and nothing sent.
    project.run(&["run", "--max-cost", "0.0000001"]).exits(8);
    let text = objects(&project, true).remove(0);
    let before = fs::read_to_string(&text).unwrap();
    fs::write(&text, before.replace("paragraph", "telephone")).unwrap();

    project.run(&["run", "--max-cost", "1"]).exits(0);

    assert_eq!(fs::read_to_string(&text).unwrap(), before);
    let subtitles = provider.mock.invoice();
    assert_eq!(subtitles.requests, 6);
}

#[test]
fn a_damaged_answer_that_cannot_make_way_is_neither_believed_nor_bought() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    project.run(&["run", "--max-cost", "1"]).exits(0);
    let requests = provider.mock.invoice().requests;
    let answer = objects(&project, false).remove(0);
    damage(&answer, 0);
    // Something else has the name under which it would be kept.
    let name = answer.file_name().unwrap().to_string_lossy().into_owned();
    fs::create_dir_all(answer.with_file_name(format!(".{name}.damaged/x"))).unwrap();
    fs::remove_file(project.path("out/book.wav")).unwrap();
    project.run(&["run", "--max-cost", "1"]).exits(3);
    project.run(&["retry", "--all", "--yes"]).exits(0);

    let failed = project.run(&["run", "--max-cost", "1"]).exits(3).stderr();

    assert!(failed.contains("cannot look at a kept answer"), "{failed}");
    assert_eq!(provider.mock.invoice().requests, requests);
    assert!(!project.path("out/book.wav").exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to whichever answers: none is believed, the file is not made of them, and
    /// what is bought again is those and nothing else.
    #[test]
    fn no_damaged_answer_is_believed(kinds in prop::collection::vec(0..12_u8, 6)) {
        let provider = Provider::start(MockOptions::default());
        let project = project(&provider);
        project.run(&["run", "--max-cost", "1"]).exits(0);
        let whole = fs::read(project.path("out/book.wav")).unwrap();
        let answers = objects(&project, false);
        let hurt: Vec<_> = answers.iter().zip(&kinds).filter(|(_, kind)| **kind < 8).collect();
        for (path, kind) in &hurt {
            damage(path, **kind);
        }
        fs::remove_file(project.path("out/book.wav")).unwrap();

        let ran = project.run(&["run", "--max-cost", "1"]);
        if hurt.is_empty() {
            ran.exits(0);
        } else {
            ran.exits(3);
            prop_assert!(!project.path("out/book.wav").exists());
            project.run(&["retry", "--all", "--yes"]).exits(0);
            project.run(&["run", "--max-cost", "1"]).exits(0);
        }
        let requests = answers.len() + hurt.len();
        prop_assert_eq!(provider.mock.invoice().requests, u64::try_from(requests).unwrap());
        prop_assert_eq!(fs::read(project.path("out/book.wav")).unwrap(), whole);
    }
}
