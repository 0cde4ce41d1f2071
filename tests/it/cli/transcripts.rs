//! Audio to transcripts.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::recogniser::Recogniser;
use crate::support::{Project, Provider};
use serde_json::{Value, json};
use voicespool::subtitle::{srt, vtt};
use voicespool_mock::MockOptions;

fn config(provider: &Provider, formats: &str) -> String {
    format!(
        "version = 1\n{}[task.talks]\ntype = \"stt\"\nprofile = \"mock\"\ninput = [\"talks\"]\nmodel = \"openai/whisper-large-v3\"\ntimestamps = \"word\"\nformats = [{formats}]\n",
        provider.profile()
    )
}

/// What the mock spoke itself, as a file: it knows text and times.
fn recording(provider: &Provider) -> Vec<u8> {
    let project = Project::new(&format!(
        "version = 1\n{}[task.say]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    project.write(
        "a.txt",
        "The meeting starts at nine thirty on Tuesday morning. It will finish before noon.",
    );
    project.run(&["run", "--yes"]).exits(0);
    fs::read(project.path("out/a.wav")).unwrap()
}

#[test]
fn a_recording_comes_back_as_srt_vtt_json_and_text() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&config(&provider, "\"srt\", \"vtt\", \"json\", \"txt\""));
    project.write("talks/monday/a.wav", recording(&provider));

    project.run(&["run", "--yes"]).exits(0);

    let base = "out/talks/monday/a";
    let text = project.read(&format!("{base}.txt"));
    assert!(text.contains("Tuesday morning"), "{text}");
    let cues = srt::parse(&project.read(&format!("{base}.srt"))).unwrap();
    assert_eq!(
        cues.len(),
        vtt::parse(&project.read(&format!("{base}.vtt")))
            .unwrap()
            .len()
    );
    let json: Value = serde_json::from_str(&project.read(&format!("{base}.json"))).unwrap();
    assert!(
        json["words"]
            .as_array()
            .is_some_and(|words| words.len() == 14),
        "{json}"
    );
    assert_eq!(json["voicespool"]["source"]["path"], "talks/monday/a.wav");
    assert!(cues.last().unwrap().end.seconds() <= json["duration"].as_f64().unwrap() + 0.001);
}

#[test]
fn another_format_is_written_without_another_request() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&config(&provider, "\"srt\""));
    project.write("talks/a.wav", recording(&provider));
    project.run(&["run", "--yes"]).exits(0);
    let billed = provider.billed();
    project.write("jobs.toml", config(&provider, "\"srt\", \"txt\""));

    let plan = project.run(&["plan", "--json"]).exits(0).json();
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(plan[0]["totals"]["requests_to_send"], 0);
    assert_eq!(provider.billed(), billed);
    assert!(project.path("out/talks/a.txt").exists());
}

#[test]
fn junk_is_refused_before_it_is_uploaded() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&config(&provider, "\"srt\""));
    project.write("talks/a.mp3", "<html>not found</html>");
    project.write("talks/b.wav", b"RIFF\x24\0\0\0WAVEfmt ");
    project.write("talks/c.flac", "");

    let plan = project.run(&["plan", "--json"]).exits(0).json();
    let ran = project.run(&["run", "--yes"]).exits(3);

    for file in plan[0]["tasks"][0]["files"].as_array().unwrap() {
        assert_eq!(file["state"], "refused", "{file}");
    }
    assert!(ran.stderr().contains("a.mp3"), "{}", ran.stderr());
    assert_eq!(provider.billed(), 0);
}

#[test]
fn a_file_over_the_provider_s_limit_is_refused_with_the_limit_and_the_remedy() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "{}[models.\"openai/whisper-large-v3\"]\nmax_upload = \"5 kB\"\n",
        config(&provider, "\"srt\"")
    ));
    project.write("talks/a.wav", recording(&provider));

    let plan = project.run(&["plan"]).exits(0);

    assert!(
        plan.stdout().contains("0.0 MB") && plan.stdout().contains("cut it into parts"),
        "{}",
        plan.stdout()
    );
}

#[test]
fn a_file_over_the_provider_s_limit_is_sent_smaller_and_whole() {
    let whole = Provider::start(MockOptions::default());
    let recording = recording(&whole);
    // At about 40 kbit/s it fits; as it is, at 384, it does not.
    let most = recording.len() / 48_000 * 5_600;
    let provider = Provider::start(MockOptions {
        max_upload_bytes: most,
        ..MockOptions::default()
    });
    let limited = format!(
        "{}[models.\"openai/whisper-large-v3\"]\nmax_upload = \"{} kB\"\n",
        config(&provider, "\"srt\", \"txt\", \"json\""),
        most / 1000
    );
    let as_it_is = Project::new(&config(&whole, "\"txt\""));
    let small = Project::new(&limited);
    for project in [&as_it_is, &small] {
        project.write("talks/a.wav", &recording);
    }
    small.write(
        ".voicespool/uploads/upload-left.m4a",
        "of a run that was killed",
    );
    as_it_is.run(&["run", "--yes"]).exits(0);

    let plan = small.run(&["plan"]).exits(0);
    assert!(
        plan.stdout().contains("sent as M4A of about"),
        "{}",
        plan.stdout()
    );
    small.run(&["run", "--yes"]).exits(0);

    // What arrived was another file, as long as the recording to the millisecond.
    let last = |provider: &Provider| provider.mock.requests_after(0).pop().unwrap();
    let (sent, given) = (last(&provider), last(&whole));
    assert_ne!(sent.sha256, given.sha256);
    assert_eq!(sent.audio_ms, given.audio_ms);
    assert!(!small.read("out/talks/a.txt").trim().is_empty());
    assert!(!small.path(".voicespool/uploads/upload-left.m4a").exists());
    let left = std::fs::read_dir(small.path(".voicespool/uploads"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
    // The job is the recording's: with a larger limit nothing is bought again.
    let billed = provider.billed();
    let config = limited.replace(&format!("{} kB", most / 1000), "80 MB");
    small.write("jobs.toml", config);
    let plan = small.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["totals"]["requests_to_send"], 0);
    assert_eq!(provider.billed(), billed);
}

#[test]
fn speakers_are_named_in_every_document() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "{}diarize = true\nmin_speakers = 1\nmax_speakers = 2\n",
        config(&provider, "\"srt\", \"vtt\", \"json\", \"txt\"")
    ));
    project.write("talks/a.wav", recording(&provider));

    project.run(&["run", "--yes"]).exits(0);

    let named = |text: &str| ["SPEAKER_00", "SPEAKER_01"].map(|name| text.contains(name));
    let read = |format: &str| project.read(&format!("out/talks/a.{format}"));
    for format in ["srt", "vtt", "json", "txt"] {
        assert_eq!(
            named(&read(format)),
            [true, true],
            "{format}: {}",
            read(format)
        );
    }
    assert!(read("vtt").contains("<v SPEAKER_00>"), "{}", read("vtt"));
    assert!(read("srt").contains("SPEAKER_01: "), "{}", read("srt"));
    let json: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(json["segments"][0]["speaker"], "SPEAKER_00");
    assert_eq!(json["words"][0]["speaker"], "SPEAKER_00");
    let record = provider.mock.requests_after(0).pop().unwrap();
    let parts: Vec<_> = record.parts.iter().map(String::as_str).collect();
    assert_eq!(parts.first(), Some(&"model"));
    assert_eq!(parts.last(), Some(&"file"));
    for part in ["language", "diarize", "min_speakers", "max_speakers"] {
        assert!(parts.contains(&part), "{parts:?}");
    }
}

#[test]
fn a_translation_goes_to_its_own_route_with_its_target() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "{}translate = \"en\"\n",
        config(&provider, "\"json\"")
    ));
    project.write("talks/a.wav", recording(&provider));

    project.run(&["run", "--yes"]).exits(0);

    let record = provider.mock.requests_after(0).pop().unwrap();
    assert!(record.path.ends_with("audio/translations"), "{record:?}");
    let json: Value = serde_json::from_str(&project.read("out/talks/a.json")).unwrap();
    assert_eq!(json["task"], "translate");
    assert_eq!(json["voicespool"]["request"]["translated_to"], "en");
    // Transcribing the same recording is other work.
    project.write("jobs.toml", config(&provider, "\"json\""));
    let billed = provider.billed();
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), billed + 1);
}

#[test]
fn what_the_provider_cannot_do_is_said_before_anything_is_sent() {
    let provider = Provider::start(MockOptions::default());
    let says = |kind: &str, keys: &str| {
        let text = config(&provider, "\"srt\"").replace("kind = \"together\"", kind);
        let project = Project::new(&format!("{text}{keys}"));
        project.write("talks/a.wav", "x");
        project.run(&["plan"]).exits(2).stderr()
    };
    let together = "kind = \"together\"";

    assert!(says("kind = \"openai\"", "diarize = true\n").contains("no `diarize`"));
    assert!(says("kind = \"openai\"", "translate = \"de\"\n").contains("\"en\" only"));
    assert!(says(together, "translate = \"english\"\n").contains("no language"));
    assert!(says(together, "max_speakers = 2\n").contains("add diarize"));
    assert!(
        says(
            together,
            "diarize = true\nmin_speakers = 3\nmax_speakers = 2\n"
        )
        .contains("is none")
    );
    assert!(says(together, "diarize = true\ntranslate = \"en\"\n").contains("two tasks"));
    assert_eq!(provider.billed(), 0);
}

/// Names are given at composing: another name, and another document, send nothing.
#[test]
fn speakers_get_their_names_in_every_document_for_nothing() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let server = Recogniser::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let segment = |text: &str, start: f64, speaker: &str| json!({ "text": text, "start": start, "end": start + 1.0, "speaker": speaker });
        let segments = [
            segment("Is it on?", 0.0, "SPEAKER_00"),
            segment("I think so.", 1.5, "SPEAKER_01"),
        ];
        (
            200,
            json!({ "text": "Is it on? I think so.", "duration": 3.0, "segments": segments }),
        )
    });
    let project = Project::new(&server.config("check = \"off\"\n"));
    project
        .run(&["tts", "Is it on? I think so.", "-o", "a.wav"])
        .exits(0);
    project.write("talks/a.wav", fs::read(project.path("a.wav")).unwrap());
    project.run(&["run", "--yes"]).exits(0);
    assert!(
        project
            .read("out/talks/a.txt")
            .starts_with("SPEAKER_00: Is it on?")
    );

    let named = server
        .config("check = \"off\"\nspeakers = { SPEAKER_00 = \"Ann\", SPEAKER_07 = \"Ben\" }\n");
    project.write(
        "jobs.toml",
        named.replace("[\"txt\", \"json\"]", "[\"txt\", \"md\"]"),
    );
    let said = project.run(&["run", "--yes"]).exits(0).stderr();

    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(
        project.read("out/talks/a.txt"),
        "Ann: Is it on?\n\nSPEAKER_01: I think so.\n"
    );
    assert_eq!(
        project.read("out/talks/a.md"),
        "**Ann** (0:00:00): Is it on?\n\n**SPEAKER\\_01** (0:00:01): I think so.\n"
    );
    assert!(said.contains("names nobody in it: SPEAKER_07"), "{said}");
}
