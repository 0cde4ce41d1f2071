//! Servers that speak OpenAI's language in their own way, and what their refusals teach.

use std::fs;

use voicespool_mock::{Dialect, MockOptions};

use crate::support::{Project, Provider};

const MODEL: &str = "canopylabs/orpheus-v1-english";

fn provider(dialect: Dialect, max_upload_bytes: usize) -> Provider {
    Provider::start(MockOptions {
        dialect,
        max_upload_bytes,
        ..MockOptions::default()
    })
}

/// A project whose profile says `lines` about the provider.
fn project(provider: &Provider, lines: &str, task: &str) -> Project {
    Project::new(&format!(
        "version = 1\n[profile.p]\n{lines}\nbase_url = \"{}\"\nkey = {{ env = \"TOGETHER_API_KEY\" }}\n[task.t]\nprofile = \"p\"\ninput = [\"in\"]\noutput = \"{{stem}}.{{ext}}\"\n{task}\n",
        provider.mock.base_url()
    ))
}

fn book(sentences: usize) -> String {
    "This sentence is one of many, and it has a comma in the middle of it. ".repeat(sentences)
}

/// Shorter than 200 characters, and the same in each cut: what is bought before.
const SHORT: &str = "# A short chapter\n\nIt is over soon.\n\n# A long one\n\n";

fn speech_task() -> String {
    format!("type = \"tts\"\nmodel = \"{MODEL}\"\nvoice = \"autumn\"\nformat = \"wav\"")
}

#[test]
fn the_dialect_of_groq_cuts_at_200_characters_from_the_start() {
    let provider = provider(Dialect::Groq, 25_000_000);
    let project = project(&provider, "dialect = \"groq\"", &speech_task());
    project.write("in/a.md", book(12));

    project.run(&["run", "--yes"]).exits(0);

    assert!(project.path("out/a.wav").exists());
    let statuses = provider.mock.invoice().by_status;
    assert_eq!(statuses.keys().copied().collect::<Vec<_>>(), [200]);
}

#[test]
fn a_limit_named_in_a_refusal_cuts_the_next_plan_and_buys_nothing_twice() {
    let provider = provider(Dialect::Groq, 25_000_000);
    // Nobody said that it is Groq, so nothing is known of 200 characters.
    let project = project(&provider, "kind = \"openai\"", &speech_task());
    project.write("in/a.md", format!("{SHORT}{}", book(12)));

    let first = project.run(&["run", "--yes"]).exits(3);

    assert!(
        first.stderr().contains("at most 200 characters a request"),
        "{}",
        first.stderr()
    );
    assert!(first.stderr().contains("run again"), "{}", first.stderr());
    let bought = provider.mock.invoice().billed_requests;
    assert!(bought > 0, "the short ones were answered");
    let note = project.read(".voicespool/learned.json");
    assert!(note.contains("\"limit\": \"max_chars\""), "{note}");
    assert!(
        note.contains("value must be at most 200 characters"),
        "{note}"
    );
    for command in ["status", "doctor"] {
        let told = project.run(&[command]).stdout();
        assert!(told.contains("at most 200 characters"), "{command}\n{told}");
        assert!(
            told.contains("learned from 127.0.0.1 on"),
            "{command}\n{told}"
        );
    }

    project.run(&["run", "--yes"]).exits(0);

    assert!(project.path("out/a.wav").exists());
    let bill = provider.mock.invoice();
    assert_eq!(bill.duplicates, 0);
    assert!(bill.billed_requests > bought);
    let done = bill.requests;
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.mock.invoice().requests, done);
}

#[test]
fn models_overrules_what_was_learned() {
    let provider = provider(Dialect::Groq, 25_000_000);
    let project = project(&provider, "kind = \"openai\"", &speech_task());
    project.write("in/a.md", book(12));
    project.run(&["run", "--yes"]).exits(3);
    let learned = |project: &Project| project.run(&["doctor"]).stdout().contains("learned");
    assert!(learned(&project));

    let config = project.read("jobs.toml");
    project.write(
        "jobs.toml",
        format!("{config}[models.\"{MODEL}\"]\nmax_chars = 150\n"),
    );

    assert!(!learned(&project));
    project.run(&["run", "--yes"]).exits(0);
}

#[test]
fn an_upload_above_a_learned_limit_is_sent_smaller_once_it_is_retried() {
    let provider = provider(Dialect::OpenAi, 100_000);
    let task = "type = \"stt\"\nmodel = \"whisper-1\"\nformats = [\"txt\"]";
    let project = project(&provider, "dialect = \"compatible\"", task);
    project.write("in/a.wav", recording());

    project.run(&["run", "--yes"]).exits(3);
    let sent = provider.mock.invoice().requests;
    let plan = project.run(&["plan"]).exits(0).stdout();
    project.run(&["run", "--yes"]).exits(3);

    assert_eq!(provider.mock.invoice().requests, sent);
    project.run(&["retry", "--all", "--yes"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert!(plan.contains("at most 100,000 bytes a request"), "{plan}");
    assert!(plan.contains("learned from 127.0.0.1 on"), "{plan}");
}

#[test]
fn the_page_of_a_proxy_teaches_nothing() {
    let provider = provider(Dialect::DeepInfra, 100_000);
    let task = "type = \"stt\"\nmodel = \"openai/whisper-large-v3\"\nformats = [\"txt\"]";
    let project = project(&provider, "dialect = \"deepinfra\"", task);
    project.write("in/a.wav", recording());

    let ran = project.run(&["run", "--yes"]).exits(3);

    assert!(
        ran.stderr().contains("413 Request Entity Too Large"),
        "{}",
        ran.stderr()
    );
    assert!(!project.path(".voicespool/learned.json").exists());
}

#[test]
fn a_broken_note_is_said_to_be_so_and_stops_nothing() {
    let provider = provider(Dialect::Groq, 25_000_000);
    let project = project(&provider, "dialect = \"groq\"", &speech_task());
    project.write("in/a.md", book(2));
    project.write(".voicespool/learned.json", b"\xff{");

    let doctor = project.run(&["doctor"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);

    assert!(
        doctor.stdout().contains("counts as empty"),
        "{}",
        doctor.stdout()
    );
}

#[cfg(feature = "mock")]
#[test]
fn the_mock_command_has_the_base_url_of_its_dialect() {
    let project = Project::new("version = 1\n");
    let mut mock = project.start(&[
        "mock",
        "--dialect",
        "groq",
        "--bind",
        "127.0.0.1:0",
        "--json",
    ]);

    assert!(mock.wait_until(|line| {
        line["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/openai/v1"))
    }));
    mock.kill();
    let wrong = project.run(&["mock", "--dialect", "grok"]).exits(2);
    assert!(
        wrong.stderr().contains("kokoro-fastapi"),
        "{}",
        wrong.stderr()
    );
}

/// Some seconds of sound, above 100 kB.
fn recording() -> Vec<u8> {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "version = 1\n{}[task.say]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    project.write("a.txt", book(3));
    project.run(&["run", "--yes"]).exits(0);
    fs::read(project.path("out/a.wav")).unwrap()
}
