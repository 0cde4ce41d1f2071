//! Audio to transcripts.

use std::fs;

use crate::support::{Project, Provider};
use serde_json::Value;
use voicespool::mock::MockOptions;
use voicespool::subtitle::{srt, vtt};

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
        "{}[models.\"openai/whisper-large-v3\"]\nmax_upload = \"20 kB\"\n",
        config(&provider, "\"srt\"")
    ));
    project.write("talks/a.wav", recording(&provider));

    let plan = project.run(&["plan"]).exits(0);

    assert!(
        plan.stdout().contains("0.0 MB") && plan.stdout().contains("ffmpeg"),
        "{}",
        plan.stdout()
    );
}
