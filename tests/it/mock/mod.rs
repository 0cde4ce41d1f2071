//! The look-alike over real sockets, mostly through the client it was built for.

mod contract;
mod dialects;
mod faults;
mod hearing;
mod streams;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use voicespool::audio::{Clip, Mastering, Span, Tags, join, mp3};
use voicespool::domain::{
    AudioFormat, AudioMillis, Delivery, FaultClass, FileFormat, SpeechParams, TranscriptionParams,
};
use voicespool::engine::rest::{Auth, ByteCap, Deadline, Kind, Paths, RestEngine, RestOptions};
use voicespool::engine::transcription::parse_transcript;
use voicespool::engine::{
    Answer, Engine, EngineError, Recording, SpeechRequest, TranscriptionRequest,
};
use voicespool_mock::wav;
use voicespool_mock::{FaultRule, MockHandle, MockOptions, Rate, serve, tones};

const TEXT: &str = "The meeting starts at nine. It ends before noon.";

async fn start(options: MockOptions) -> MockHandle {
    serve(options, tones).await.unwrap()
}

fn options_for(mock: &MockHandle) -> RestOptions {
    RestOptions {
        idle_timeout: Duration::from_millis(500),
        total: Deadline::Fixed(Duration::from_secs(10)),
        ..RestOptions::new(Kind::Together, mock.base_url(), Auth::None)
    }
}

fn engine_for(mock: &MockHandle) -> RestEngine {
    RestEngine::new(options_for(mock)).unwrap()
}

fn kokoro(format: AudioFormat) -> SpeechParams {
    SpeechParams::new("hexgrad/Kokoro-82M", "af_heart", format)
}

async fn speak(
    engine: &RestEngine,
    format: AudioFormat,
    input: &str,
) -> Result<(Answer, Vec<u8>), EngineError> {
    let params = kokoro(format);
    let request = SpeechRequest {
        params: &params,
        input,
        delivery: Delivery::Rest,
    };
    let mut body = Vec::new();
    let answer = engine.speak(request, &mut body).await?;
    Ok((answer, body))
}

fn temporary(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    (dir, path)
}

async fn transcribe(engine: &RestEngine, name: &str, bytes: &[u8]) -> Result<Vec<u8>, EngineError> {
    let (_dir, path) = temporary(name, bytes);
    let params = TranscriptionParams {
        model: "openai/whisper-large-v3".to_owned(),
        language: "auto".to_owned(),
        prompt: None,
        temperature: Some(0.0),
        words: true,
        translate_to: None,
        diarize: None,
    };
    let request = TranscriptionRequest {
        params: &params,
        recording: Recording::File(&path),
        duration: AudioMillis(0),
    };
    let mut body = Vec::new();
    engine.transcribe(request, &mut body).await?;
    Ok(body)
}

/// The samples of a plain 16-bit mono WAV at 24 kHz.
fn samples_of(file: &[u8]) -> Vec<i16> {
    assert_eq!(file[24..28], 24_000_u32.to_le_bytes());
    file[44..]
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// A plain HTTP client, for what the engine would never send.
fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn post_speech(mock: &MockHandle, body: &Value) -> (u16, Value) {
    let answer = http()
        .post(format!("http://{}/audio/speech", mock.addr))
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_bill_counts_characters_audio_and_duplicates_to_the_nano_dollar() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    for input in ["Grüße", "Grüße", "Welt"] {
        speak(&engine, AudioFormat::Wav, input).await.unwrap();
    }
    let minute = wav(&vec![900; 16_000 * 60], 16_000);
    transcribe(&engine, "a.wav", &minute).await.unwrap();
    let refused = RestEngine::new(RestOptions {
        paths: Paths {
            speech: Some("nowhere".to_owned()),
            ..Paths::default()
        },
        ..options_for(&mock)
    });
    speak(&refused.unwrap(), AudioFormat::Wav, "x")
        .await
        .unwrap_err();
    speak(&engine, AudioFormat::Flac, "x").await.unwrap_err();

    let bill = mock.invoice();

    assert_eq!(
        (
            bill.requests,
            bill.speech_requests,
            bill.transcription_requests,
            bill.billed_requests
        ),
        (5, 4, 1, 4)
    );
    assert_eq!((bill.billed_chars, bill.billed_audio_ms), (14, 60_000));
    assert_eq!((bill.unique_inputs, bill.duplicates), (3, 1));
    // 14 characters at $4 a million, and a minute at $0.0015.
    assert_eq!(bill.cost_usd, "0.001556000");
    assert_eq!(
        bill.models["hexgrad/Kokoro-82M"].cost_usd.as_deref(),
        Some("0.000056000")
    );
    assert_eq!(bill.by_status, [(200, 4), (400, 1)].into());
    assert_eq!(bill.in_flight, 0);
    let records = mock.requests_after(3);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].parts.first().map(String::as_str), Some("model"));
    assert_eq!(records[0].parts.last().map(String::as_str), Some("file"));
}

#[tokio::test]
async fn a_client_that_leaves_is_billed_all_the_same() {
    let mock = start(MockOptions {
        latency: Duration::from_millis(200),
        ..MockOptions::default()
    })
    .await;
    let impatient = RestEngine::new(RestOptions {
        total: Deadline::Fixed(Duration::from_millis(50)),
        ..options_for(&mock)
    });

    let fault = speak(&impatient.unwrap(), AudioFormat::Wav, TEXT)
        .await
        .unwrap_err();

    assert_eq!(fault.class, FaultClass::TimedOut);
    assert!(fault.may_be_billed);
    assert_eq!(mock.invoice().billed_requests, 0, "too early to tell");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while mock.invoice().billed_requests == 0 {
        assert!(tokio::time::Instant::now() < deadline, "never billed");
        tokio::task::yield_now().await;
    }
    assert_eq!(mock.invoice().billed_chars, 48);
}

#[tokio::test]
async fn the_benchmark_answer_is_valid_speech_of_the_promised_size() {
    let mock = start(MockOptions {
        fixed_answer_bytes: Some(32_768),
        ..MockOptions::default()
    })
    .await;

    let body = speak(&engine_for(&mock), AudioFormat::Wav, "ten chars.")
        .await
        .unwrap()
        .1;

    assert_eq!(body.len(), 32_768);
    let samples = samples_of(&body);
    assert_eq!(samples.len(), 16_362, "0.68 s");
    assert!(samples.iter().any(|sample| *sample > 1000));
}

#[tokio::test]
async fn one_connection_serves_many_requests_and_shutdown_ends_it() {
    let mock = start(MockOptions::default()).await;
    let addr = mock.addr;
    let engine = engine_for(&mock);
    let requests = (0..20).map(|_| speak(&engine, AudioFormat::Wav, TEXT));
    for outcome in futures_util::future::join_all(requests).await {
        outcome.unwrap();
    }
    assert!(mock.invoice().max_in_flight >= 1);

    mock.shutdown().await;

    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
