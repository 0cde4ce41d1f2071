//! What can be asked for over which delivery, and what arrives of it.

use crate::config::tests::{Project, bad, good, local_task, remote_task};
use crate::domain::{
    Alignment, AudioFormat, Delivery, FileFormat, PcmEncoding, RawAudio, Segmenting, SpeechParams,
};
use crate::engine::rest::{Kind, unsupported};
use crate::pipeline::task::{SpeechWork, Work};

fn work(text: &str) -> SpeechWork {
    let settings = good(text);
    match &settings.tasks[0].work {
        Work::Speech(work) => work.clone(),
        Work::Transcription(_) => panic!("a speech task"),
    }
}

#[test]
fn everything_a_streamed_task_says_arrives() {
    let work = work(&remote_task(
        "together",
        r#"delivery = "websocket"
format = "flac"
alignment = "word"
segment = "immediate"
max_partial_length = 90
speed = 1.5
sample_rate = 24000
pronunciation_dict = ["SQL/sequel"]
extra_params = { z = [1, 2.5, true], a = { deep = "x" }, at = 2026-11-22 }
[models.m]
raw = { encoding = "pcm_mulaw", sample_rate = 8000 }"#,
    ));

    assert_eq!(
        (work.delivery, work.format),
        (Delivery::WebSocket, FileFormat::Flac)
    );
    let expected = SpeechParams {
        alignment: Alignment::Word,
        segment: Some(Segmenting::Immediate),
        max_partial_length: Some(90),
        speed: Some(1.5),
        sample_rate: Some(24_000),
        // In the order of the names, whatever the order in the file: it is part of a key.
        extra_params: Some(
            r#"{"a":{"deep":"x"},"at":"2026-11-22","pronunciation_dict":["SQL/sequel"],"z":[1,2.5,true]}"#
                .to_owned(),
        ),
        raw: Some(RawAudio {
            encoding: PcmEncoding::MuLaw,
            sample_rate: 8_000,
        }),
        ..SpeechParams::new("m", "v", AudioFormat::Wav)
    };
    assert_eq!(work.params, expected);
}

#[test]
fn without_a_word_about_it_everything_is_as_it_was() {
    let work = work(&remote_task("together", ""));

    assert_eq!(work.delivery, Delivery::Rest);
    assert_eq!(
        serde_json::to_string(&work.params).unwrap(),
        r#"{"model":"m","voice":"v","format":"wav"}"#,
        "older queues know these requests by this text"
    );
}

#[test]
fn what_a_delivery_cannot_do_is_said_with_what_to_write() {
    let cases = [
        (
            "together",
            "alignment = \"word\"",
            "write delivery = \"stream\"",
        ),
        (
            "together",
            "delivery = \"stream\"\nspeed = 1.5",
            "write delivery = \"websocket\"",
        ),
        (
            "together",
            "delivery = \"stream\"\nformat = \"mp3\"\nencoder = \"built-in\"",
            "or format = \"m4b\"",
        ),
        (
            "together",
            "delivery = \"websocket\"\nresponse_encoding = \"pcm_alaw\"",
            "has no `response_encoding`",
        ),
        (
            "together",
            "delivery = \"websockets\"",
            "did you mean `websocket`?",
        ),
        (
            "together",
            "pronunciation_dict = [\"SQL\"]",
            "write \"written/said\"",
        ),
        (
            "together",
            "pronunciation_dict = [\"a/b\"]\nextra_params = { pronunciation_dict = [] }",
            "leave them out of extra_params",
        ),
        (
            "together",
            "extra_params = { x = nan }",
            "is no value that JSON has",
        ),
        ("together", "extra_params = []", "expected a table"),
        (
            "together",
            "[models.m]\nraw = { encoding = \"pcm_s16le\" }",
            "raw samples without `sample_rate`",
        ),
        (
            "together",
            "[models.m]\nraw = { encoding = \"pcm_s16le\", sample_rate = 1 }",
            "out of range",
        ),
        (
            "openai",
            "delivery = \"websocket\"",
            "write \"rest\" or \"stream\"",
        ),
        ("openai", "segment = \"never\"", "openai has no `segment`"),
    ];
    for (profile, line, expected) in cases {
        let message = bad(&remote_task(profile, line));
        assert!(message.contains(expected), "{line}\n{message}");
        assert_eq!(message.matches("error:").count(), 1, "{line}\n{message}");
    }
    assert!(bad(&local_task("delivery = \"stream\"")).contains("has no `stream`"));
}

/// What this room lets through, the engine takes; what the engine lacks, this room names.
#[test]
fn each_delivery_has_the_same_fields_here_and_in_the_engine() {
    let fields = [
        "language = \"en\"",
        "speed = 1.0",
        "instructions = \"x\"",
        "response_encoding = \"pcm_s16le\"",
        "sample_rate = 24000",
        "alignment = \"word\"",
        "segment = \"never\"",
        "max_partial_length = 9",
    ];
    for (profile, kind) in [("together", Kind::Together), ("openai", Kind::OpenAi)] {
        for &delivery in Delivery::ALL {
            for line in fields {
                let (name, value) = line.split_once(" = ").unwrap();
                let params: SpeechParams = serde_json::from_str(&format!(
                    "{{\"model\":\"m\",\"voice\":\"v\",\"format\":\"wav\",\"{name}\":{value}}}"
                ))
                .unwrap();
                let text = remote_task(profile, &format!("delivery = \"{delivery}\"\n{line}"));
                let here = Project::new(&text).load().is_err();
                let there = !unsupported(kind, delivery, &params).is_empty();
                assert_eq!(here, there, "{profile} {delivery}: {line}");
            }
        }
    }
}

#[test]
fn a_wish_the_model_is_known_to_ignore_is_warned_of() {
    let text = remote_task("together", "delivery = \"stream\"\nsample_rate = 44100")
        .replace("model = \"m\"", "model = \"hexgrad/Kokoro-82M\"")
        .replace("voice = \"v\"", "voice = \"af_heart\"");

    let settings = good(&text);

    let [warning] = settings.warnings.as_slice() else {
        panic!("{:?}", settings.warnings)
    };
    assert!(
        warning
            .to_string()
            .contains("answers 24000 Hz whatever is asked"),
        "{warning}"
    );
}
