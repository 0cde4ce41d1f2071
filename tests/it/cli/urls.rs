//! Recordings at URLs: priced by their manifest, fetched by the provider, billed by what it
//! heard, and their signatures nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::{Project, Provider, Started};
use serde_json::Value;
use voicespool_mock::{FaultRule, MockOptions};

/// Stands in queries; the first three characters may be seen.
const SIGNATURE: &str = "sig5e2f81c07a9d4b36";

/// $0.0015 a minute, four hours.
const MOST: &str = "0.360000000";

fn config(provider: &Provider, manifest: &str, keys: &str) -> String {
    format!(
        "version = 1\n{}[task.talks]\ntype = \"stt\"\nprofile = \"mock\"\nurls = [\"{manifest}\"]\nmodel = \"openai/whisper-large-v3\"\noutput = \"{{stem}}.{{ext}}\"\nformats = [\"srt\", \"json\"]\n{keys}",
        provider.profile()
    )
}

/// A project whose manifest may hold the signature; nothing else may.
fn project(provider: &Provider, manifest: &str, keys: &str) -> Project {
    let mut project = Project::new(&config(provider, manifest, keys));
    project.hide(SIGNATURE, &[manifest, ".voicespool/urls"]);
    project
}

/// A WAV of `seconds` that is not silent, different for every `seed`.
fn recording(seconds: usize, seed: i16) -> Vec<u8> {
    let samples: Vec<i16> = (0..seconds * 8000)
        .map(|n| if n / 20 % 2 == 0 { 3000 + seed } else { -3000 })
        .collect();
    let bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(bytes + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8000_u32.to_le_bytes());
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

fn signed(provider: &Provider, name: &str, seconds: usize, query: &str) -> String {
    let seed = i16::try_from(name.len()).unwrap();
    let found = provider
        .mock
        .upload(name, recording(seconds, seed), Some(query));
    found.unwrap()
}

fn query(number: u8) -> String {
    format!("X-Amz-Date=2026&X-Amz-Signature={SIGNATURE}{number}")
}

/// The addresses that are kept.
fn kept(project: &Project) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(project.path(".voicespool/urls")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The rows of the bill as `(cost_status, cost_usd, billable_qty)`.
fn bill(project: &Project) -> Vec<(String, String, String)> {
    let mut reader = csv::Reader::from_path(project.path("out/cost.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let cell = |row: &csv::StringRecord, name: &str| {
        let column = headers.iter().position(|header| header == name).unwrap();
        row[column].to_owned()
    };
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            (
                cell(&row, "cost_status"),
                cell(&row, "cost_usd"),
                cell(&row, "billable_qty"),
            )
        })
        .collect()
}

#[test]
fn manifests_become_transcripts_billed_by_what_was_heard_and_signatures_are_nowhere() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "episodes.csv", "");
    let (one, two) = (
        signed(&provider, "one.wav", 61, &query(1)),
        signed(&provider, "two.wav", 30, &query(2)),
    );
    project.write(
        "episodes.csv",
        format!("url,duration,name\n{one},1:01,Episode 1. The start\n{two},,\n"),
    );

    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    let told = project.run(&["plan"]).exits(0);

    assert_eq!(provider.mock.invoice().requests, 0);
    let files = &plan["tasks"][0]["files"];
    assert_eq!(
        (&files[0]["cost"], &files[0]["at_most"]),
        (&Value::from("0.001525000"), &Value::from(false))
    );
    assert_eq!(
        (&files[1]["cost"], &files[1]["at_most"]),
        (&Value::from(MOST), &Value::from(true))
    );
    assert_eq!(plan["totals"]["files_at_most"], 1);
    assert_eq!(files[0]["outputs"][0], "Episode 1. The start.srt");
    assert_eq!(files[1]["outputs"][0], "two.srt");
    for words in [
        "at most $0.36",
        "≤ 240.0 min",
        "`duration` in episodes.csv:3",
    ] {
        assert!(told.stdout().contains(words), "{words}: {}", told.stdout());
    }

    project.run(&["run", "--max-cost", "1"]).exits(0);

    let base = provider.mock.base_url().replace("/v1", "/_mock/audio");
    let json: Value = serde_json::from_str(&project.read("out/two.json")).unwrap();
    let source = &json["voicespool"]["source"];
    assert_eq!(source["path"], format!("{base}/two.wav"));
    assert_eq!(source["duration"], 30.0);
    assert_eq!(json["voicespool"]["usage"]["billed_seconds"], 30.0);
    assert_eq!(
        source.get("sha256").or(source.get("bytes")),
        None,
        "nobody here saw it"
    );
    assert!(
        project
            .read("out/Episode 1. The start.srt")
            .contains("00:00:5")
    );
    let record = provider.mock.requests_after(0).pop().unwrap();
    let parts: Vec<_> = record.parts.iter().map(String::as_str).collect();
    assert_eq!(
        (parts.first(), parts.last()),
        (Some(&"model"), Some(&"file"))
    );
    // The bill is the provider's, and no reservation of four hours is left in it.
    let mut rows = bill(&project);
    rows.sort();
    let row =
        |cost: &str, seconds: &str| ("confirmed".to_owned(), cost.to_owned(), seconds.to_owned());
    assert_eq!(
        rows,
        [row("0.000750000", "30.000"), row("0.001525000", "61.000")]
    );
    assert_eq!(provider.mock.invoice().cost_usd, "0.002275000");
    assert_eq!(kept(&project).len(), 0, "no address outlives its answer");

    for command in [
        &["status"][..],
        &["ls", "--json"],
        &["show", "1"],
        &["show", "2", "--json"],
        &["report"],
        &["report", "--format", "attempts"],
        &["verify", "--deep"],
        &["plan", "--files"],
        &["run", "--yes"],
    ] {
        project.run(command).exits(0);
    }
    assert_eq!(provider.mock.invoice().requests, 2);
}

#[test]
fn a_new_signature_buys_nothing_and_another_id_is_another_recording() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "talks.csv", "");
    let url = signed(&provider, "talk.wav", 5, &query(1));
    project.write("talks.csv", format!("url,duration,id\n{url},5,\n"));
    project.run(&["run", "--yes"]).exits(0);

    let url = signed(&provider, "talk.wav", 5, &query(2));
    project.write("talks.csv", format!("url,duration,id\n{url},5,\n"));
    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    assert_eq!(plan["tasks"][0]["files"][0]["state"], "done");

    project.write("talks.csv", format!("url,duration,id\n{url},5,second\n"));
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 2);
}

#[test]
fn what_cannot_be_fetched_fails_in_the_provider_s_words_and_a_new_signature_mends_it() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "talks.txt", "");
    let url = signed(&provider, "talk.wav", 5, &query(1));
    let stale = url.replace(&query(1), &query(9));
    project.write("talks.txt", format!("# weekly\n{stale}\n"));

    project.run(&["run", "--yes"]).exits(3);

    let why = project
        .run(&["ls", "--state", "failed", "--json"])
        .exits(0)
        .stdout();
    assert!(
        why.contains("Failed to fetch") && why.contains("status 403"),
        "{why}"
    );
    assert_eq!((provider.billed(), kept(&project).len()), (0, 0));

    project.write("talks.txt", &url);
    project.run(&["retry", "--all", "--yes"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 1);
    assert!(project.path("out/talk.srt").exists());
}

#[test]
fn a_file_over_the_limit_of_fetching_is_refused_by_the_provider_once() {
    let provider = Provider::start(MockOptions {
        max_fetch_bytes: 1000,
        ..MockOptions::default()
    });
    let project = project(&provider, "talks.txt", "");
    project.write("talks.txt", signed(&provider, "talk.wav", 5, &query(1)));

    project.run(&["run", "--yes"]).exits(3);

    let why = project
        .run(&["ls", "--state", "failed", "--json"])
        .exits(0)
        .stdout();
    assert!(why.contains("larger than 1000 bytes"), "{why}");
    assert_eq!(provider.mock.invoice().requests, 1);
}

#[test]
fn wrong_rows_are_all_named_by_line_and_nothing_is_sent() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "bad.csv", "");
    let good = signed(&provider, "talk.wav", 5, &query(1));
    project.write(
        "bad.csv",
        format!(
            "url,duration\n{good},5\n{good}x,5\nhttp://h.example/a.mp3?s={SIGNATURE},5\nhttps://jo:{SIGNATURE}@h.example/a.mp3,5\nhttps://h.example/a.mp3?s={SIGNATURE},half an hour\nhttps://h.example/b.mp3?s={SIGNATURE},5,5\n"
        ),
    );

    let told = project.run(&["run", "--yes"]).exits(2).stderr();

    for words in [
        "5 rows",
        "bad.csv:3: ",
        "bad.csv:4: http://h.example/a.mp3 would show its query",
        "bad.csv:5: https://h.example/a.mp3 holds a user name",
        "bad.csv:6: `duration`",
        "bad.csv:7: has 3 fields",
        "nothing was sent",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(provider.mock.invoice().requests, 0);

    // A recording too long for one request is refused alone, and the others are done.
    project.write(
        "bad.csv",
        format!("url,duration\n{good},5\nhttps://h.example/a.mp3,5h\n"),
    );
    let ran = project.run(&["run", "--yes"]).exits(3);
    assert!(
        ran.stderr().contains("is 300.0 min long"),
        "{}",
        ran.stderr()
    );
    assert_eq!(provider.billed(), 1);
}

#[test]
fn two_recordings_that_would_become_one_file_are_found_before_anything_is_sent() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "talks.txt", "");
    project.write(
        "talks.txt",
        format!("https://h.example/1/audio.mp3?s={SIGNATURE}\nhttps://h.example/2/audio.mp3?s={SIGNATURE}\n"),
    );

    let told = project.run(&["plan"]).exits(2).stderr();
    for words in [
        "one file, audio.srt",
        "talks.txt:1",
        "talks.txt:2",
        "`name`",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }

    // By default the folders of the address keep them apart.
    let apart = config(&provider, "talks.txt", "").replace("output = \"{stem}.{ext}\"\n", "");
    project.write("jobs.toml", apart);
    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    assert_eq!(
        plan["tasks"][0]["files"][1]["outputs"][0],
        "talks/h.example/2/audio.srt"
    );
}

/// Waits until a request is on the wire.
fn sent(run: &mut Started) {
    assert!(run.wait_for("job_sent", 1));
}

#[test]
fn a_kill_loses_no_address_and_shows_none() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_secs(2),
        ..MockOptions::default()
    });
    let project = project(&provider, "talks.csv", "");
    let url = signed(&provider, "talk.wav", 5, &query(1));
    project.write("talks.csv", format!("url\n{url}\n"));

    let mut run = project.start(&["run", "--yes", "--json"]);
    sent(&mut run);
    run.kill();

    let kept_now = kept(&project);
    assert_eq!(kept_now.len(), 1);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept_now[0]), 0o600);
    assert_eq!(mode(&project.path(".voicespool/urls")), 0o700);
    assert_eq!(mode(&project.path(".voicespool")), 0o700);
    project.run(&["status"]).exits(0);

    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(kept(&project).len(), 0);
    let rows = bill(&project);
    assert_eq!(rows.len(), 2, "{rows:?}");
    // Nobody knows how long what was in doubt is: it counts with the most it can be.
    assert!(
        rows.contains(&("in_doubt".into(), MOST.into(), "14400.000".into())),
        "{rows:?}"
    );
    assert!(
        rows.contains(&("confirmed".into(), "0.000125000".into(), "5.000".into())),
        "{rows:?}"
    );
}

#[test]
fn an_answer_that_had_arrived_is_adopted_and_billed_by_its_length() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_secs(20),
        ..MockOptions::default()
    });
    let project = project(&provider, "talks.txt", "");
    project.write("talks.txt", signed(&provider, "talk.wav", 5, &query(1)));
    let mut run = project.start(&["run", "--yes", "--json"]);
    sent(&mut run);
    run.kill();
    let key = kept(&project)[0]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    project.write(
        &format!(".voicespool/objects/{}/.{key}.1.answer", &key[..2]),
        r#"{"text":"Hello.","duration":12.0,"segments":[{"start":0.0,"end":2.0,"text":"Hello."}]}"#,
    );

    project.run(&["run", "--yes"]).exits(0);

    // The kill may have come before the request did; after it there was none.
    assert!(provider.mock.invoice().requests <= 1);
    assert_eq!(
        bill(&project),
        [("confirmed".into(), "0.000300000".into(), "12.000".into())]
    );
    assert!(project.read("out/talk.srt").contains("Hello."));
    assert_eq!(kept(&project).len(), 0);
}

#[test]
fn under_a_cap_what_was_reserved_for_an_unknown_length_is_waited_for_and_used_again() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(20),
        ..MockOptions::default()
    });
    let project = project(&provider, "talks.txt", "");
    let urls: Vec<_> = (0..12)
        .map(|n| signed(&provider, &format!("talk{n}.wav"), 5, &query(1)))
        .collect();
    project.write("talks.txt", urls.join("\n"));

    // Two reservations of four hours fit at a time, and all twelve together cost $0.0015.
    project.run(&["run", "--max-cost", "0.75"]).exits(0);

    let seen = provider.mock.invoice();
    assert_eq!((seen.requests, seen.billed_requests), (12, 12));
    assert!(seen.max_in_flight <= 2, "{seen:?}");
    assert_eq!(bill(&project).len(), 12);
}

#[test]
fn under_a_cap_an_unknown_length_is_reserved_in_full_and_a_duration_frees_it() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "talks.csv", "");
    let url = signed(&provider, "talk.wav", 5, &query(1));
    project.write("talks.csv", format!("url,duration\n{url},\n"));

    let stopped = project.run(&["run", "--max-cost", "0.10"]).exits(8);
    assert_eq!(provider.mock.invoice().requests, 0, "{}", stopped.stderr());
    assert!(
        stopped.stderr().contains("`duration` in talks.csv:2"),
        "{}",
        stopped.stderr()
    );

    // The job is in the queue with four hours, and what counts is what is known now.
    project.write("talks.csv", format!("url,duration\n{url},5\n"));
    project.run(&["run", "--max-cost", "0.10"]).exits(0);
    assert_eq!(
        bill(&project),
        [("confirmed".into(), "0.000125000".into(), "5.000".into())]
    );
}

#[test]
fn a_wrong_duration_changes_the_estimate_and_not_the_bill_or_the_transcript() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "talks.csv", "");
    let url = signed(&provider, "talk.wav", 20, &query(1));
    project.write("talks.csv", format!("url,duration\n{url},2\n"));

    let ran = project
        .command(&["run", "--yes"])
        .env("VOICESPOOL_RUNAWAY_FACTOR", "0")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");

    assert_eq!(
        bill(&project),
        [("confirmed".into(), "0.000500000".into(), "20.000".into())]
    );
    let json: Value = serde_json::from_str(&project.read("out/talk.json")).unwrap();
    assert_eq!(json["voicespool"]["source"]["duration"], 20.0);
    assert!(
        project.read("out/talk.srt").contains("00:00:1"),
        "cues end with the recording"
    );

    // Correcting it changes nothing that was made.
    project.write("talks.csv", format!("url,duration\n{url},20\n"));
    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    assert_eq!(plan["tasks"][0]["files"][0]["state"], "done");
}

#[test]
fn throttled_and_cancelled_recordings_come_back_as_files_do() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule {
            until: Some(1),
            ..FaultRule::every(1, "status=429".parse().unwrap())
        }],
        ..MockOptions::default()
    });
    let project = project(&provider, "talks.txt", "");
    project.write("talks.txt", signed(&provider, "talk.wav", 5, &query(1)));

    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 1);

    // What leaves the manifest leaves the queue, and comes back for nothing.
    let other = signed(&provider, "other.wav", 5, &query(2));
    project.write("talks.txt", &other);
    project.run(&["run", "--yes"]).exits(0);
    let both = format!("{other}\n{}\n", signed(&provider, "talk.wav", 5, &query(3)));
    project.write("talks.txt", both);
    fs::remove_file(project.path("out/talk.srt")).unwrap();
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 2);
    assert!(project.path("out/talk.srt").exists());
    assert_eq!(kept(&project).len(), 0);

    // What was never sent and is not wanted any more leaves no address behind.
    project.write("talks.txt", signed(&provider, "third.wav", 5, &query(4)));
    project.run(&["run", "--max-cost", "0.01"]).exits(8);
    assert_eq!(kept(&project).len(), 1);
    for name in ["fourth.wav", "fifth.wav"] {
        project.write("talks.txt", signed(&provider, name, 5, &query(5)));
        project.run(&["run", "--yes"]).exits(0);
    }
    assert_eq!(kept(&project).len(), 0);
}

#[test]
fn where_no_manifest_can_work_the_configuration_says_so() {
    let provider = Provider::start(MockOptions::default());
    let says = |from: &str, to: &str| {
        let project = Project::new(&config(&provider, "talks.txt", "").replace(from, to));
        project.write("talks.txt", "https://h.example/a.mp3\n");
        project.run(&["plan"]).exits(2).stderr()
    };

    assert!(says("kind = \"together\"", "kind = \"openai\"").contains("fetches no recordings"));
    assert!(says("talks.txt", "talks.xlsx").contains("is no manifest"));
    let hidden = says("talks.txt", "https://h.example/a.mp3?s=sig5e2f81c07a9d4b36");
    assert!(
        hidden.contains("files that list URLs") && !hidden.contains("5e2f81"),
        "{hidden}"
    );
    assert!(says("talks.txt", "talk.txt").contains("did you mean `talks.txt`"));
    assert!(says("urls = [\"talks.txt\"]", "urls = []").contains("names no manifest"));
    let input = says(
        "urls = [\"talks.txt\"]",
        "input = [\"https://h.example/a.mp3?s=sig5e2f81c07a9d4b36\"]",
    );
    assert!(
        input.contains("takes files, no URLs") && !input.contains("5e2f81"),
        "{input}"
    );
    let speech = says("type = \"stt\"", "type = \"tts\"\nvoice = \"x\"");
    assert!(speech.contains("`urls` is for type = \"stt\""), "{speech}");
}
