//! `--json`: what every command prints, as snapshots, and what is said of failures. That each line is
//! as `docs/json.md` says is checked wherever a test reads one (`support::json_doc`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use voicespool_mock::{FaultRule, MockOptions};

use crate::support::{Project, Provider, json_doc};

/// Two texts for a provider with prices; of the second every sentence is refused.
fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 1\n[retry]\nmax_failures = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"*.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    project.write("a.txt", "The harbour was quiet.");
    project.write("b.txt", "Nobody spoke for a while.");
    project.write("c.md", "Not asked for.");
    project
}

/// Values that differ from run to run, by the name of their field.
const VOLATILE: &[&str] = &[
    "at",
    "created_at",
    "day",
    "finished_at",
    "first_ms",
    "host",
    "key",
    "object",
    "last_ms",
    "learned_at",
    "learned_rate",
    "next_day_at",
    "not_before",
    "pid",
    "rate",
    "request_id",
    "running",
    "sent_at",
    "since",
    "started_at",
    "who",
    "age_days",
    "command",
];

/// Values of a length that differs from run to run.
fn is_measured(name: &str) -> bool {
    name.starts_with("latency")
        || name.starts_with("first_byte")
        || matches!(name, "p50_ms" | "p95_ms")
}

/// `value` without what differs from run to run.
fn settled(value: Value, name: &str, texts: &[(String, &str)]) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let value = settled(value, &name, texts);
                (name, value)
            })
            .collect(),
        Value::Array(list) => list
            .into_iter()
            .map(|value| settled(value, name, texts))
            .collect(),
        _ if VOLATILE.contains(&name) || is_measured(name) => format!("[{name}]").into(),
        Value::String(mut text) => {
            for (found, instead) in texts {
                text = text.replace(found, instead);
            }
            text.into()
        }
        other => other,
    }
}

/// The commands of one test, and the types of line they printed.
struct Session {
    project: Project,
    provider: Provider,
    types: BTreeSet<String>,
}

impl Session {
    fn new() -> Self {
        let provider = Provider::start(MockOptions::default());
        Self {
            project: project(&provider),
            provider,
            types: BTreeSet::new(),
        }
    }

    /// The lines of a command, settled.
    fn lines(&mut self, args: &[&str], code: i32) -> Vec<Value> {
        let mut args = args.to_vec();
        args.push("--json");
        let lines = self.project.run(&args).exits(code).json();
        let kinds = lines
            .iter()
            .map(|line| line["type"].as_str().unwrap().to_owned());
        self.types.extend(kinds);
        let texts = [
            (self.project.root().display().to_string(), "[dir]"),
            (self.provider.mock.addr.to_string(), "[provider]"),
            (env!("CARGO_PKG_VERSION").to_owned(), "[version]"),
        ];
        lines
            .into_iter()
            .map(|line| settled(line, "", &texts))
            .collect()
    }

    /// As [`Self::lines`], for a snapshot.
    fn shows(&mut self, args: &[&str], code: i32) -> String {
        pretty(&self.lines(args, code))
    }
}

fn pretty(lines: &[Value]) -> String {
    let lines = lines
        .iter()
        .map(|line| serde_json::to_string_pretty(line).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// One line of each type, the last: how often a run tells of its gates depends on the machine.
fn one_of_each(lines: Vec<Value>) -> Vec<Value> {
    let by_type = lines
        .into_iter()
        .map(|line| (line["type"].to_string(), line));
    by_type.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Records that only a run in trouble prints, or one of an hour; unit tests of the records check them.
const RARE: &[&str] = &[
    "episode",
    "gate",
    "gates",
    "job_in_doubt",
    "job_retry",
    "note",
    "paused",
    "progress",
    "refused_alike",
    "stopping",
    "warning",
];

#[test]
fn every_command_prints_records_and_they_stay_as_they_are() {
    let mut session = Session::new();

    insta::assert_snapshot!("status_without_a_queue", session.shows(&["status"], 0));
    insta::assert_snapshot!("plan", session.shows(&["plan"], 0));
    insta::assert_snapshot!("script", session.shows(&["plan", "--text", "a.txt"], 0));
    insta::assert_snapshot!("run_dry", pretty(&session.lines(&["run", "-n"], 0)[1..]));
    let ran = session.lines(&["run", "--max-cost", "1", "--limit", "1"], 0);
    assert_eq!(ran.last().unwrap()["type"], "exit");
    let ran = ran.into_iter().filter(|line| {
        let is_about_gates = matches!(line["type"].as_str(), Some("gate" | "gates"));
        !is_about_gates
    });
    insta::assert_snapshot!("run", pretty(&ran.collect::<Vec<_>>()));
    insta::assert_snapshot!("report", session.shows(&["report"], 0));
    insta::assert_snapshot!("ls", session.shows(&["ls"], 0));
    insta::assert_snapshot!("show_a_request", session.shows(&["show", "2"], 0));
    insta::assert_snapshot!("show_a_file", session.shows(&["show", "1"], 0));
    insta::assert_snapshot!(
        "pause",
        session.shows(&["pause", "book", "--reason", "noise"], 0)
    );
    insta::assert_snapshot!("status_paused", session.shows(&["status"], 0));
    insta::assert_snapshot!("unpause", session.shows(&["unpause", "--all"], 0));
    insta::assert_snapshot!("verify", session.shows(&["verify"], 0));
    std::fs::remove_file(session.project.path("out/a.wav")).unwrap();
    insta::assert_snapshot!(
        "verify_with_a_finding",
        session.shows(&["verify", "--deep"], 6)
    );
    session.lines(&["run", "--yes"], 0);
    insta::assert_snapshot!("nothing_to_do", session.shows(&["run", "--yes"], 0));

    session.project.write("d.txt", "This one is refused.");
    let refused = FaultRule::every(1, "status=400".parse().unwrap());
    session.provider.mock.set_faults(vec![refused]);
    let failed = session.lines(&["run", "--yes"], 3);
    insta::assert_snapshot!(
        "run_with_a_failure",
        pretty(
            &one_of_each(failed)
                .into_iter()
                .filter(|line| matches!(line["type"].as_str(), Some("job_failed" | "exit")))
                .collect::<Vec<_>>()
        )
    );
    insta::assert_snapshot!("retry_dry", session.shows(&["retry", "--all", "-n"], 0));
    session.lines(&["retry", "--all", "--yes"], 0);
    insta::assert_snapshot!("hold", session.shows(&["hold", "--all"], 0));
    insta::assert_snapshot!("cancel", session.shows(&["cancel", "--all", "--yes"], 0));
    insta::assert_snapshot!("forget", session.shows(&["forget", "d.txt"], 0));

    session.provider.mock.set_faults(Vec::new());
    let spoken = ["tts", "Hello.", "-o", "hello.wav"];
    insta::assert_snapshot!("tts", session.shows(&spoken, 0));
    let heard = [
        "stt",
        "hello.wav",
        "-o",
        "hello.srt",
        "--profile",
        "mock",
        "--model",
        "openai/whisper-large-v3",
        "--yes",
        "-f",
        "jobs.toml",
    ];
    insta::assert_snapshot!("stt", session.shows(&heard, 0));

    let models = session.lines(&["models"], 0);
    insta::assert_snapshot!("models", pretty(&models[..1]));
    let online = session.lines(&["models", "--online"], 0);
    insta::assert_snapshot!("models_online", pretty(&online[..1]));
    let voices = session.lines(&["voices", "kokoro"], 0);
    insta::assert_snapshot!("voices", pretty(&voices[..1]));
    insta::assert_snapshot!(
        "voices_check",
        session.shows(&["voices", "--check", "af_hart"], 6)
    );
    let prices = session.lines(&["prices"], 0);
    insta::assert_snapshot!("prices", pretty(&prices[..1]));
    let checks = session.lines(&["doctor"], 0);
    assert!(checks.len() > 4, "{checks:#?}");
    let sub = session.shows(&["init", "sub"], 0);
    insta::assert_snapshot!("init", sub);
    session.types.extend(["finding", "mock"].map(str::to_owned));
    let answers = walkdir::WalkDir::new(session.project.path(".voicespool/objects"));
    for answer in answers.into_iter().filter_map(Result::ok) {
        if answer.file_type().is_file() {
            std::fs::remove_file(answer.path()).unwrap();
        }
    }
    let lost = session.lines(&["verify", "--deep"], 6);
    assert!(lost.iter().any(|line| line["finding"] == "missing"));
    let finished = ["check", "out/a.wav", "--profile", "acx"];
    session.lines(&finished, 6);

    session.types.extend(RARE.iter().map(ToString::to_string));
    let described: BTreeSet<String> = json_doc::PAGE.records.keys().cloned().collect();
    assert_eq!(session.types, described);
}

#[test]
fn what_is_typed_wrong_is_told_to_programs_too() {
    let project = Project::new("version = 1\n");
    for (args, message) in [
        (
            &["plan", "--fast", "--json"][..],
            "unexpected argument '--fast' found",
        ),
        (&["--json", "plam"], "unrecognized subcommand 'plam'"),
        (
            &["run", "--max-cost", "much", "--json"],
            "invalid value 'much' for '--max-cost <USD>'",
        ),
        (&["plan", "nosuch", "--json"], "there is no task `nosuch`"),
        (
            &["show", "7", "--one-shots", "--json"],
            "no one-shot was ever done",
        ),
        (
            &["plan", "--one-shots", "--json"],
            "`--one-shots` means nothing for this command",
        ),
    ] {
        let ran = project.run(args).exits(2);
        let lines = ran.json();
        let [line] = lines.as_slice() else {
            panic!("{args:?}: {lines:#?}");
        };
        assert_eq!(
            (&line["type"], &line["code"]),
            (&"exit".into(), &2.into()),
            "{args:?}"
        );
        let told = line["message"].as_str().unwrap();
        assert!(told.starts_with(message), "{args:?}: {told}");
        assert!(ran.stderr().contains(message), "{args:?}: {}", ran.stderr());
    }
    let plain = project.run(&["plan", "--fast"]).exits(2);
    assert_eq!(plain.stdout(), "");
    let help = project.run(&["plan", "--help", "--json"]).exits(0);
    assert!(help.stdout().contains("Usage"), "{}", help.stdout());
    // After `--` it is no flag.
    let other = project.run(&["plan", "--fast", "--", "--json"]).exits(2);
    assert_eq!(other.stdout(), "");
}
