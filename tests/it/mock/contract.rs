//! What is accepted, what is refused, and in which words.

use super::*;

#[tokio::test]
async fn every_format_is_spoken_and_equal_requests_get_equal_bytes() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);

    let wav_file = speak(&engine, AudioFormat::Wav, TEXT).await.unwrap().1;
    let raw = speak(&engine, AudioFormat::Raw, TEXT).await.unwrap().1;
    let mp3_file = speak(&engine, AudioFormat::Mp3, TEXT).await.unwrap().1;

    let samples = samples_of(&wav_file).len();
    assert!(
        (60_000..144_000).contains(&samples),
        "{samples} samples for 48 characters"
    );
    assert_eq!(raw, wav_file[44..]);
    assert!(mp3::frames(&mp3_file).count() > 100);
    for format in [AudioFormat::Wav, AudioFormat::Mp3] {
        let first = speak(&engine, format, TEXT).await.unwrap().1;
        let other = speak(
            &engine,
            format,
            "The meeting starts at ten. It ends at noon!",
        )
        .await;
        assert_eq!(speak(&engine, format, TEXT).await.unwrap().1, first);
        assert_ne!(other.unwrap().1, first);
    }
}

#[tokio::test]
async fn a_wrong_key_gets_nothing() {
    let mock = start(MockOptions {
        api_key: Some("right".to_owned()),
        ..MockOptions::default()
    })
    .await;
    let with_key = |key: &str| {
        RestEngine::new(RestOptions {
            auth: Auth::Bearer(SecretString::from(key)),
            ..options_for(&mock)
        })
        .unwrap()
    };

    let fault = speak(&with_key("wrong"), AudioFormat::Wav, TEXT)
        .await
        .unwrap_err();
    let models = http()
        .get(format!("{}/models", mock.base_url()))
        .send()
        .await
        .unwrap();

    assert_eq!(fault.class, FaultClass::Account);
    assert_eq!(fault.detail, "401 Unauthorized: Invalid API key provided.");
    assert_eq!(models.status(), 401);
    assert_eq!(models.text().await.unwrap(), "Unauthorized\n");
    assert!(
        speak(&with_key("right"), AudioFormat::Wav, TEXT)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn requests_are_held_against_the_contracts() {
    let mock = start(MockOptions::default()).await;
    let together = json!({"model": "hexgrad/Kokoro-82M", "input": "Hi.", "voice": "af_heart"});
    let openai = json!({"model": "tts-1", "input": "Hi.", "voice": "alloy"});
    let with = |base: &Value, name: &str, value: Value| {
        let mut body = base.clone();
        body[name] = value;
        body
    };
    for (body, expected, param) in [
        (together.clone(), 200, None),
        (openai.clone(), 200, None),
        (with(&together, "language", json!("en")), 200, None),
        (with(&openai, "speed", json!(1.5)), 200, None),
        (with(&openai, "instructions", json!("softly")), 200, None),
        (with(&together, "speed", json!(1.5)), 400, None),
        (with(&openai, "sample_rate", json!(24_000)), 400, None),
        (with(&openai, "speed", json!(9)), 400, Some("speed")),
        (
            with(&openai, "input", json!("x".repeat(4097))),
            400,
            Some("input"),
        ),
        (with(&together, "input", json!("")), 400, Some("input")),
        (with(&together, "input", json!(5)), 400, Some("input")),
        (with(&together, "voice", json!("alloy")), 400, Some("voice")),
        (
            with(&together, "response_format", json!("ogg")),
            400,
            Some("response_format"),
        ),
        (
            with(&openai, "response_format", json!("raw")),
            400,
            Some("response_format"),
        ),
        (
            with(&together, "response_encoding", json!("s8")),
            400,
            Some("response_encoding"),
        ),
        (with(&together, "bit_rate", json!(1)), 400, Some("bit_rate")),
        (
            with(&together, "sample_rate", json!("x")),
            400,
            Some("sample_rate"),
        ),
        (
            with(&together, "stream", json!(true)),
            400,
            Some("response_format"),
        ),
        (with(&together, "stream", json!("yes")), 400, Some("stream")),
        (
            with(&together, "alignment", json!("word")),
            400,
            Some("alignment"),
        ),
        (
            with(&together, "segment", json!("always")),
            400,
            Some("segment"),
        ),
        (
            with(&together, "extra_params", json!([])),
            400,
            Some("extra_params"),
        ),
        (
            with(&together, "model", json!("openai/whisper-large-v3")),
            404,
            Some("model"),
        ),
        (
            with(&together, "model", json!("no/such")),
            404,
            Some("model"),
        ),
        (json!([]), 400, None),
        (json!("text"), 400, None),
    ] {
        let (status, answer) = post_speech(&mock, &body).await;
        assert_eq!(status, expected, "{body} got {answer}");
        if expected != 200 {
            assert_eq!(
                answer["error"]["param"].as_str(),
                param,
                "{body} got {answer}"
            );
        }
    }
}

#[tokio::test]
async fn forms_are_read_in_every_spelling() {
    let mock = start(MockOptions::default()).await;
    let recording = wav(&tones("x", "hello there").unwrap(), 16_000);
    let post = async |fields: &[(&str, &str)], with_file: bool| {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        if with_file {
            let part = reqwest::multipart::Part::bytes(recording.clone()).file_name("a.wav");
            form = form.part("file", part);
        }
        let url = format!("http://{}/audio/transcriptions", mock.addr);
        let answer = http().post(url).multipart(form).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (status, body)
    };
    let model = ("model", "openai/whisper-large-v3");
    let verbose = ("response_format", "verbose_json");
    for (name, value) in [
        ("timestamp_granularities", "word"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities", "segment,word"),
        ("timestamp_granularities", "[\"word\"]"),
    ] {
        let (status, body) = post(&[model, verbose, (name, value)], true).await;
        assert_eq!(status, 200);
        assert!(body["words"].is_array(), "{name}={value}: {body}");
    }
    let (_, segments) = post(&[model, verbose], true).await;
    assert!(segments["segments"].is_array() && segments["words"].is_null());
    let (_, plain) = post(&[model], true).await;
    assert_eq!(
        plain.as_object().map(serde_json::Map::len),
        Some(1),
        "{plain}"
    );
    for (fields, with_file) in [
        (vec![model], false),
        (vec![], true),
        (vec![model, ("file", "https://x.example/a.mp3")], false),
        (vec![model, ("response_format", "srt")], true),
        (vec![model, ("timestamp_granularities[]", "letter")], true),
        (vec![model, ("temperature", "NaN")], true),
        (vec![model, ("language", "English")], true),
        (vec![("model", "whisper-1"), ("language", "auto")], true),
    ] {
        let (status, body) = post(&fields, with_file).await;
        assert_eq!(status, 400, "{fields:?} got {body}");
    }
}

#[tokio::test]
async fn an_upload_over_the_limit_is_refused() {
    let mock = start(MockOptions {
        max_upload_bytes: 1000,
        ..MockOptions::default()
    })
    .await;

    let fault = transcribe(&engine_for(&mock), "a.wav", &[0; 2000])
        .await
        .unwrap_err();

    assert_eq!(fault.class, FaultClass::Refused);
    assert_eq!(fault.http_status, Some(413));
}
