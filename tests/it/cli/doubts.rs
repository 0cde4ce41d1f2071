//! Transcripts that their recordings speak against.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::recogniser::Recogniser;

const TEXT: &str = "The boats came in before the storm and nobody spoke. They tied them up two and two along the wall. Somebody had left a lamp in the window of the old house. It burned until the morning and all of the next day. Then they went home by train, and it rained as it always does in the month of May.";

/// A server that answers every request with the same transcript, and a project with a recording for it.
struct Same {
    server: Recogniser,
    answer: Arc<Mutex<Value>>,
}

impl Same {
    fn start() -> Self {
        let answer = Arc::new(Mutex::new(Value::Null));
        let shared = answer.clone();
        let server = Recogniser::start(move |_| (200, shared.lock().unwrap().clone()));
        Self { server, answer }
    }

    fn answers(&self, answer: Value) {
        *self.answer.lock().unwrap() = answer;
    }

    fn project(&self, more: &str) -> Project {
        let project = Project::new(&self.server.config(more));
        let spoken = Project::new("");
        spoken.run(&["tts", TEXT, "-o", "a.wav"]).exits(0);
        std::fs::create_dir(project.path("talks")).unwrap();
        project.write("talks/a.wav", std::fs::read(spoken.path("a.wav")).unwrap());
        project
    }
}

/// An answer with `text` spread evenly from `from` to `to` seconds.
fn answer(text: &str, from: f64, to: f64) -> Value {
    let words: Vec<_> = text.split(' ').collect();
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "some words"
    )]
    let time = |at: usize| from + (to - from) * at as f64 / words.len() as f64;
    let words = words.iter().enumerate();
    let words: Vec<_> = words
        .map(|(at, word)| json!({ "word": word, "start": time(at), "end": time(at + 1) }))
        .collect();
    json!({ "task": "transcribe", "language": "en", "text": text, "words": words })
}

fn flagged(project: &Project) -> Vec<Value> {
    project.run(&["ls", "--flagged", "--json"]).exits(0).json()
}

#[test]
fn speech_without_words_is_told_with_its_seconds() {
    let recogniser = Same::start();
    let project = recogniser.project("");
    // The first of about twenty seconds.
    recogniser.answers(answer(
        "The boats came in before the storm and nobody spoke.",
        0.2,
        3.2,
    ));

    let ran = project.run(&["run", "--yes"]).exits(0);

    let said = ran.stderr();
    assert!(said.contains("s of speech without words: 0:0"), "{said}");
    assert!(said.contains("1 file flagged"), "{said}");
    let document: Value = serde_json::from_str(&project.read("out/talks/a.json")).unwrap();
    let quality = &document["voicespool"]["quality"];
    assert!(
        quality["speech_seconds"].as_f64().unwrap() > 12.0,
        "{quality}"
    );
    assert!(quality["covered"].as_f64().unwrap() < 0.4, "{quality}");
    assert!(!quality["gaps"].as_array().unwrap().is_empty(), "{quality}");
    let jobs = flagged(&project);
    assert_eq!(jobs.len(), 1);
    assert!(
        jobs[0]["detail"]
            .as_str()
            .unwrap()
            .contains("without words"),
        "{}",
        jobs[0]
    );
    let plan = project.run(&["plan", "--files"]).exits(0);
    assert!((plan.stdout() + &plan.stderr()).contains("flagged:"));

    // A task that takes that for a failure says so, also when there is nothing left to do.
    let config = project.read("jobs.toml") + "check = \"strict\"\n";
    project.write("jobs.toml", config);
    project.run(&["run", "--yes"]).exits(3);
    project.run(&["run", "--yes"]).exits(3);
}

#[test]
fn words_that_follow_the_speech_are_not_doubted() {
    let recogniser = Same::start();
    let project = recogniser.project("check = \"strict\"\n");
    let numbers = project
        .run(&["check", "talks/a.wav", "--json"])
        .exits(0)
        .json();
    let length = numbers[0]["duration_s"].as_f64().unwrap();
    recogniser.answers(answer(TEXT, 0.1, length - 0.4));

    project.run(&["run", "--yes"]).exits(0);

    assert!(flagged(&project).is_empty());
    let document: Value = serde_json::from_str(&project.read("out/talks/a.json")).unwrap();
    assert_eq!(document["voicespool"]["quality"]["covered"], 1.0);
}

#[test]
fn switching_it_off_compares_nothing_and_buys_nothing() {
    let recogniser = Same::start();
    let project = recogniser.project("");
    recogniser.answers(answer("The boats came in.", 0.2, 1.2));
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(flagged(&project).len(), 1);

    // Nothing is compared where nobody asks for it, and nothing is bought again for that.
    let config = project.read("jobs.toml") + "check = \"off\"\n";
    project.write("jobs.toml", config);
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["totals"]["requests_to_send"], 0);
    project.run(&["run", "--yes"]).exits(0);
    let document: Value = serde_json::from_str(&project.read("out/talks/a.json")).unwrap();
    assert_eq!(
        document["voicespool"]["quality"]["speech_seconds"],
        Value::Null
    );
    assert!(flagged(&project).is_empty(), "{:?}", flagged(&project));
}

#[test]
fn a_wrong_word_for_the_check_is_told_with_the_right_ones() {
    let recogniser = Same::start();
    let project = recogniser.project("check = \"sharp\"\n");
    let ran = project.run(&["plan"]).exits(2);
    assert!(
        ran.stderr()
            .contains("`sharp` is no way to check a transcript"),
        "{}",
        ran.stderr()
    );
    let project = recogniser.project("check = { max_cps = 30 }\n");
    let ran = project.run(&["plan"]).exits(2);
    assert!(
        ran.stderr().contains("check = \"flag\""),
        "{}",
        ran.stderr()
    );
}
