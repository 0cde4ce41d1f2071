//! Transcripts that their recordings speak against.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::Project;

const TEXT: &str = "The boats came in before the storm and nobody spoke. They tied them up two and two along the wall. Somebody had left a lamp in the window of the old house. It burned until the morning and all of the next day. Then they went home by train, and it rained as it always does in the month of May.";

/// A server on loopback that answers every request with the same transcript.
struct Recogniser {
    addr: SocketAddr,
    answer: Arc<Mutex<Value>>,
}

impl Recogniser {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(Value::Null));
        let shared = answer.clone();
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut request, mut block) = (Vec::new(), [0; 16 * 1024]);
                while !is_whole(&request) {
                    match stream.read(&mut block) {
                        Ok(0) | Err(_) => break,
                        Ok(read) => request.extend_from_slice(&block[..read]),
                    }
                }
                let body = shared.lock().unwrap().to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                // Whoever asked may be gone.
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self { addr, answer }
    }

    fn answers(&self, answer: Value) {
        *self.answer.lock().unwrap() = answer;
    }

    fn project(&self, more: &str) -> Project {
        let project = Project::new(&format!(
            "version = 1\n[profile.here]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\nauth = \"none\"\n[task.talks]\ntype = \"stt\"\nprofile = \"here\"\ninput = [\"talks\"]\nmodel = \"whisper-1\"\nformats = [\"txt\", \"json\"]\n{more}",
            self.addr
        ));
        let spoken = Project::new("");
        spoken.run(&["tts", TEXT, "-o", "a.wav"]).exits(0);
        std::fs::create_dir(project.path("talks")).unwrap();
        project.write("talks/a.wav", std::fs::read(spoken.path("a.wav")).unwrap());
        project
    }
}

/// Whether a request has come to its end.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return request.ends_with(b"0\r\n\r\n");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
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
    let recogniser = Recogniser::start();
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
    let recogniser = Recogniser::start();
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
    let recogniser = Recogniser::start();
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
    let recogniser = Recogniser::start();
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
