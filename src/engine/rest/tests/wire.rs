//! Request bytes, as the contracts ask for them.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use super::server::Server;
use super::*;
use crate::domain::PcmEncoding;

const MP3: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\ncontent-type: audio/mpeg\r\n\
    x-request-id: req-1\r\n\r\nID3\x04\0\0\0";
const SAMPLES: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\ncontent-type: audio/mpeg\r\n\
    x-request-id: req-1\r\n\r\nID3\x04\0\0\0\0";
const TRANSCRIPT: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\ncontent-type: application/json\r\n\r\n{\"text\":\"a\"}";

/// The request with what changes from run to run taken out.
fn shown(server: &Server) -> String {
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "one call is one request");
    let text = String::from_utf8_lossy(&requests[0]).replace("\r\n", "\n");
    let text = text
        .replace(&server.addr.to_string(), "HOST")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    match text.split_once("boundary=") {
        None => text,
        Some((_, rest)) => {
            let boundary = rest.lines().next().unwrap().to_owned();
            text.replace(&boundary, "BOUNDARY")
        }
    }
}

fn audio_file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    File::create(&path).unwrap().write_all(bytes).unwrap();
    (dir, path)
}

#[tokio::test]
async fn together_speech_is_sent_as_its_contract_says() {
    let server = Server::saying(SAMPLES).await;
    let params = SpeechParams {
        model: "cartesia/sonic-3".to_owned(),
        format: AudioFormat::Raw,
        language: Some("en".to_owned()),
        response_encoding: Some(PcmEncoding::S16),
        sample_rate: Some(44_100),
        ..speech_params()
    };

    let (answer, body) = speak(&engine(options(&server.base_url())), &params).await;

    insta::assert_snapshot!(shown(&server), @r#"
    POST /v1/audio/speech HTTP/1.1
    content-type: application/json
    accept-encoding: identity
    authorization: Bearer sk-CANARY-7f3a9b2c4d5e6f708192
    accept: */*
    user-agent: voicespool/VERSION
    host: HOST
    content-length: 163

    {"model":"cartesia/sonic-3","input":"A short line.","voice":"af_heart","response_format":"raw","language":"en","response_encoding":"pcm_s16le","sample_rate":44100}
    "#);
    let answer = answer.unwrap();
    assert_eq!(body, b"ID3\x04\0\0\0\0");
    assert_eq!(
        (
            answer.bytes,
            answer.http_status,
            answer.request_id.as_deref(),
            answer.content_type.as_deref()
        ),
        (8, Some(200), Some("req-1"), Some("audio/mpeg"))
    );
}

#[tokio::test]
async fn openai_speech_is_sent_as_its_contract_says() {
    let server = Server::saying(SAMPLES).await;
    let params = SpeechParams {
        model: "gpt-4o-mini-tts".to_owned(),
        format: AudioFormat::Raw,
        speed: Some(1.25),
        instructions: Some("softly".to_owned()),
        ..speech_params()
    };
    let options = RestOptions {
        kind: Kind::OpenAi,
        auth: Auth::None,
        ..options(&server.base_url())
    };

    speak(&engine(options), &params).await.0.unwrap();

    insta::assert_snapshot!(shown(&server), @r#"
    POST /v1/audio/speech HTTP/1.1
    content-type: application/json
    accept-encoding: identity
    accept: */*
    user-agent: voicespool/VERSION
    host: HOST
    content-length: 131

    {"model":"gpt-4o-mini-tts","input":"A short line.","voice":"af_heart","response_format":"pcm","speed":1.25,"instructions":"softly"}
    "#);
}

#[tokio::test]
async fn a_raw_key_goes_out_without_a_scheme() {
    let server = Server::saying(MP3).await;
    let options = RestOptions {
        auth: Auth::Raw(SecretString::from(CANARY)),
        ..options(&server.base_url())
    };

    speak(&engine(options), &speech_params()).await.0.unwrap();

    assert!(shown(&server).contains(&format!("\nauthorization: {CANARY}\n")));
}

#[tokio::test]
async fn a_transcription_names_the_model_first_and_the_file_last() {
    let server = Server::saying(TRANSCRIPT).await;
    let (_dir, path) = audio_file("Private name of a client.WAV", b"RIFF....");
    let params = TranscriptionParams {
        prompt: Some("Ünïcode \"prompt\"\nsecond line".to_owned()),
        temperature: Some(0.2),
        ..transcription_params()
    };

    let (answer, body) = transcribe(&engine(options(&server.base_url())), &params, &path).await;

    assert_eq!(answer.unwrap().bytes, 12);
    assert_eq!(body, b"{\"text\":\"a\"}");
    insta::assert_snapshot!(shown(&server), @r#"
    POST /v1/audio/transcriptions HTTP/1.1
    accept: application/json
    content-type: multipart/form-data; boundary=BOUNDARY
    content-length: 1238
    accept-encoding: identity
    authorization: Bearer sk-CANARY-7f3a9b2c4d5e6f708192
    user-agent: voicespool/VERSION
    host: HOST

    --BOUNDARY
    Content-Disposition: form-data; name="model"

    openai/whisper-large-v3
    --BOUNDARY
    Content-Disposition: form-data; name="language"

    auto
    --BOUNDARY
    Content-Disposition: form-data; name="prompt"

    Ünïcode "prompt"
    second line
    --BOUNDARY
    Content-Disposition: form-data; name="response_format"

    verbose_json
    --BOUNDARY
    Content-Disposition: form-data; name="temperature"

    0.2
    --BOUNDARY
    Content-Disposition: form-data; name="timestamp_granularities[]"

    segment
    --BOUNDARY
    Content-Disposition: form-data; name="timestamp_granularities[]"

    word
    --BOUNDARY
    Content-Disposition: form-data; name="file"; filename="audio.wav"
    Content-Type: audio/wav

    RIFF....
    --BOUNDARY--
    "#);
}

/// A request that names its recording by `url`.
async fn transcribe_url(engine: &RestEngine, url: &str) -> Result<Answer, EngineError> {
    let (params, url) = (transcription_params(), SecretString::from(url));
    let request = TranscriptionRequest {
        params: &params,
        recording: Recording::Url(&url),
        duration: AudioMillis(0),
    };
    engine.transcribe(request, &mut Vec::new()).await
}

#[tokio::test]
async fn a_recording_at_a_url_is_named_in_plain_text_where_the_file_would_be() {
    let server = Server::saying(TRANSCRIPT).await;
    let url = "https://b.example/a%20b.mp3?X-Amz-Signature=0a1b2c3d&x=%2F+1";

    let answer = transcribe_url(&engine(options(&server.base_url())), url).await;

    answer.unwrap();
    insta::assert_snapshot!(shown(&server), @r#"
    POST /v1/audio/transcriptions HTTP/1.1
    accept: application/json
    content-type: multipart/form-data; boundary=BOUNDARY
    content-length: 961
    accept-encoding: identity
    authorization: Bearer sk-CANARY-7f3a9b2c4d5e6f708192
    user-agent: voicespool/VERSION
    host: HOST

    --BOUNDARY
    Content-Disposition: form-data; name="model"

    openai/whisper-large-v3
    --BOUNDARY
    Content-Disposition: form-data; name="language"

    auto
    --BOUNDARY
    Content-Disposition: form-data; name="response_format"

    verbose_json
    --BOUNDARY
    Content-Disposition: form-data; name="timestamp_granularities[]"

    segment
    --BOUNDARY
    Content-Disposition: form-data; name="timestamp_granularities[]"

    word
    --BOUNDARY
    Content-Disposition: form-data; name="file"

    https://b.example/a%20b.mp3?X-Amz-Signature=0a1b2c3d&x=%2F+1
    --BOUNDARY--
    "#);
}

#[tokio::test]
async fn openai_is_sent_no_url() {
    let server = Server::saying(TRANSCRIPT).await;
    let options = RestOptions {
        kind: Kind::OpenAi,
        ..options(&server.base_url())
    };

    let error = transcribe_url(&engine(options), "https://b.example/a?s=CANARY")
        .await
        .unwrap_err();

    assert_eq!(error.class, crate::domain::FaultClass::Refused);
    assert!(
        !error.may_be_billed && !error.detail.contains("CANARY"),
        "{error:?}"
    );
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_provider_that_quotes_a_signature_is_not_quoted() {
    let body = r#"{"error":{"message":"signature CANARY-0a1b2c of https%3A%2F%2Fb.example%2Fa.mp3%3FSignature%3DCANARY-0a1b2c has expired"}}"#;
    let refusal = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\r\n{body}",
        body.len()
    );
    let server = Server::saying(refusal.as_bytes()).await;
    let url = "https://b.example/a.mp3?Signature=CANARY-0a1b2c&Expires=1";

    let error = transcribe_url(&engine(options(&server.base_url())), url)
        .await
        .unwrap_err();

    assert!(error.detail.contains("has expired"), "{error:?}");
    assert!(!error.detail.contains("CANARY"), "{error:?}");
}

#[tokio::test]
async fn openai_is_asked_to_detect_the_language_by_leaving_it_out() {
    let server = Server::saying(TRANSCRIPT).await;
    let (_dir, path) = audio_file("a.mp3", b"ID3");
    let options = RestOptions {
        kind: Kind::OpenAi,
        ..options(&server.base_url())
    };
    let params = TranscriptionParams {
        words: false,
        ..transcription_params()
    };

    transcribe(&engine(options), &params, &path)
        .await
        .0
        .unwrap();

    let sent = shown(&server);
    assert!(!sent.contains("language"), "{sent}");
    assert_eq!(
        sent.matches("timestamp_granularities[]").count(),
        1,
        "{sent}"
    );
}

#[tokio::test]
async fn a_large_file_is_streamed_whole_with_its_length_announced() {
    let server = Server::saying(TRANSCRIPT).await;
    let bytes: Vec<u8> = (0..300_000_u32)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    let (_dir, path) = audio_file("long.flac", &bytes);

    let (answer, _) = transcribe(
        &engine(options(&server.base_url())),
        &transcription_params(),
        &path,
    )
    .await;

    answer.unwrap();
    let request = server.requests().remove(0);
    assert!(request.windows(bytes.len()).any(|window| window == bytes));
    let head = String::from_utf8_lossy(&request[..400]).into_owned();
    assert!(head.contains("content-length: 30"), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn what_the_provider_cannot_do_is_not_sent() {
    let server = Server::saying(MP3).await;
    let (_dir, path) = audio_file("a.mp3", b"ID3");
    let engine = engine(options(&server.base_url()));
    let fast = SpeechParams {
        speed: Some(2.0),
        ..speech_params()
    };
    let hot = TranscriptionParams {
        temperature: Some(f64::NAN),
        ..transcription_params()
    };

    for outcome in [
        speak(&engine, &fast).await.0,
        transcribe(&engine, &hot, &path).await.0,
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(error.class, crate::domain::FaultClass::Refused);
        assert!(!error.may_be_billed);
    }
    assert_eq!(server.requests().len(), 0);
}
