//! The client against a scripted server on loopback: what goes out byte by byte, and
//! what becomes of every kind of answer.

mod hostile;
mod server;
mod streams;
mod tls;
mod wire;

use std::time::Duration;

use secrecy::SecretString;

use crate::domain::{AudioFormat, AudioMillis, Delivery, SpeechParams, TranscriptionParams};
use crate::engine::rest::{Auth, Deadline, Kind, RestEngine, RestOptions};
use crate::engine::{Answer, Engine, EngineError, Recording, SpeechRequest, TranscriptionRequest};

const CANARY: &str = "sk-CANARY-7f3a9b2c4d5e6f708192";

fn options(base_url: &str) -> RestOptions {
    let auth = Auth::Bearer(SecretString::from(CANARY));
    RestOptions {
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        total: Deadline::Fixed(Duration::from_secs(10)),
        ..RestOptions::new(Kind::Together, base_url, auth)
    }
}

fn engine(options: RestOptions) -> RestEngine {
    RestEngine::new(options).unwrap()
}

fn speech_params() -> SpeechParams {
    SpeechParams::new("hexgrad/Kokoro-82M", "af_heart", AudioFormat::Mp3)
}

fn transcription_params() -> TranscriptionParams {
    TranscriptionParams {
        model: "openai/whisper-large-v3".to_owned(),
        language: "auto".to_owned(),
        prompt: None,
        temperature: None,
        words: true,
        translate_to: None,
        diarize: None,
    }
}

async fn speak(
    engine: &RestEngine,
    params: &SpeechParams,
) -> (Result<Answer, EngineError>, Vec<u8>) {
    let mut body = Vec::new();
    let request = SpeechRequest {
        params,
        input: "A short line.",
        delivery: Delivery::Rest,
    };
    let outcome = engine.speak(request, &mut body).await;
    (outcome, body)
}

async fn transcribe(
    engine: &RestEngine,
    params: &TranscriptionParams,
    path: &std::path::Path,
) -> (Result<Answer, EngineError>, Vec<u8>) {
    let mut body = Vec::new();
    let request = TranscriptionRequest {
        params,
        recording: Recording::File(path),
        duration: AudioMillis(1000),
    };
    let outcome = engine.transcribe(request, &mut body).await;
    (outcome, body)
}
