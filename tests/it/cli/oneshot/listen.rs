//! Audio to text and subtitles.

use crate::cli::oneshot::{fed, listen, names, recording, with};
use crate::support::Provider;
use voicespool_mock::MockOptions;

#[test]
fn a_recording_goes_to_stdout_as_text_and_only_that() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");
    let recording = recording(&provider);
    project.write("a.wav", &recording);

    let file = project.run(&listen(&["a.wav"], &[])).exits(0);
    let piped = fed(&project, &listen(&["-"], &[]), &recording);

    assert_eq!(
        file.stdout(),
        "The meeting starts at nine thirty on Tuesday morning.\n"
    );
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), file.stdout());
    let said = file.stderr();
    assert!(said.contains("of audio, openai/whisper-large-v3"), "{said}");
    assert_eq!(names(&project), ["a.wav"]);
    // The same audio by another name: one transcription is on the bill.
    assert_eq!(provider.billed(), 2);
}

#[test]
fn documents_are_named_after_their_recordings_as_whisper_does() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");
    let recording = recording(&provider);
    project.write("talks/a.wav", &recording);
    project.write("talks/b.wav", &recording);

    project
        .run(&listen(&["talks/a.wav", "talks/b.wav"], &[]))
        .exits(0);
    assert_eq!(
        names(&project),
        [
            "a.json", "a.srt", "a.txt", "b.json", "b.srt", "b.txt", "talks"
        ]
    );
    let whisper = [
        "--output_dir",
        "w",
        "--output_format",
        "all",
        "--word_timestamps",
        "True",
        "--language",
        "en",
        "--initial_prompt",
        "Tuesday",
        "--temperature",
        "0.2",
    ];
    project.run(&listen(&["talks/a.wav"], &whisper)).exits(0);
    for extension in ["srt", "vtt", "json", "txt"] {
        assert!(
            project.path(&format!("w/a.{extension}")).is_file(),
            "{extension}"
        );
    }
    let record = provider.mock.requests_after(0).pop().unwrap();
    for part in ["language", "prompt", "temperature"] {
        assert!(record.parts.iter().any(|found| found == part), "{part}");
    }
    let billed = provider.billed();
    project
        .run(&listen(&["talks/a.wav"], &["-o", "only.vtt"]))
        .exits(0);
    project
        .run(&listen(&["talks/a.wav"], &["--srt", "-q"]))
        .exits(0);
    assert!(project.read("only.vtt").starts_with("WEBVTT"));
    assert_eq!(provider.billed(), billed, "formats are not bought");
}

#[test]
fn speakers_and_translations_are_asked_for_as_the_provider_s_own_script_does() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");
    project.write("a.wav", recording(&provider));

    let speakers = ["--diarize", "--min-speakers", "1", "--max-speakers", "2"];
    let told = project.run(&listen(&["a.wav"], &speakers)).exits(0);
    let translated = project
        .run(&listen(&["a.wav"], &["--task", "translate"]))
        .exits(0);

    assert!(told.stdout().contains("SPEAKER_00"), "{}", told.stdout());
    assert!(!translated.stdout().is_empty());
    let paths: Vec<_> = provider.mock.requests_after(0);
    assert!(paths.last().unwrap().path.ends_with("audio/translations"));
}

#[test]
fn a_model_without_a_price_costs_something_unknown_and_never_nothing() {
    let provider = Provider::start(MockOptions::default());
    let more = format!(
        "[profile.unpriced]\nkind = \"openai\"\nbase_url = \"{}\"\nkey = {{ env = \"TOGETHER_API_KEY\" }}\n",
        provider.mock.base_url()
    );
    let project = with(&provider, &more);

    let to = [
        "--profile",
        "unpriced",
        "--model",
        "tts-1",
        "--voice",
        "alloy",
    ];
    let args = [&["tts", "One sentence.", "-o", "a.wav", "--yes"][..], &to].concat();
    let said = project.run(&args).exits(0).stderr();

    assert!(
        said.contains("cost unknown") && !said.contains("$0.00"),
        "{said}"
    );
    let args = [
        &["tts", "Another.", "-o", "b.wav", "--yes", "--json"][..],
        &to,
    ]
    .concat();
    let told = project.run(&args).exits(0).json();
    assert!(told[0]["cost"].is_null(), "{}", told[0]);
}
