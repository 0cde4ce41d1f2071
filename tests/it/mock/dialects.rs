//! Every dialect: the real client, told nothing but the dialect's name, gets right results
//! from a server with that dialect's manners, and understands how it says no.

use super::*;
use voicespool::domain::{Speakers, Transcript};
use voicespool::engine::Recording;
use voicespool::engine::rest::ListedVoice;
use voicespool_mock::Dialect;

const LONG: &str = "The meeting starts at nine. It ends before noon, and nobody will be late.";

/// The look-alike of the provider that the client calls `dialect`.
fn twin(dialect: Kind) -> Dialect {
    dialect.as_str().parse().unwrap()
}

#[test]
fn each_dialect_of_the_client_has_a_look_alike_of_its_name() {
    let client: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let mock: Vec<&str> = Dialect::ALL.iter().map(|name| name.as_str()).collect();
    assert_eq!(client, mock);
}

async fn server(dialect: Kind) -> MockHandle {
    start(MockOptions {
        dialect: twin(dialect),
        api_key: Some("right".to_owned()),
        ..MockOptions::default()
    })
    .await
}

fn client_with(mock: &MockHandle, dialect: Kind, auth: Auth) -> RestEngine {
    RestEngine::new(RestOptions {
        idle_timeout: Duration::from_millis(500),
        total: Deadline::Fixed(Duration::from_secs(10)),
        ..RestOptions::new(dialect, mock.base_url(), auth)
    })
    .unwrap()
}

/// As the profile of the dialect sends its key.
fn client(mock: &MockHandle, dialect: Kind) -> RestEngine {
    let key = SecretString::from("right");
    let auth = match dialect.facts().auth {
        voicespool::engine::rest::Scheme::Bearer => Auth::Bearer(key),
        voicespool::engine::rest::Scheme::Raw => Auth::Raw(key),
        voicespool::engine::rest::Scheme::None => Auth::None,
    };
    client_with(mock, dialect, auth)
}

async fn say(
    engine: &RestEngine,
    (model, voice): (&str, &str),
    format: AudioFormat,
    input: &str,
) -> Result<Vec<u8>, EngineError> {
    let params = SpeechParams::new(model, voice, format);
    let request = SpeechRequest {
        params: &params,
        input,
        delivery: Delivery::Rest,
    };
    let mut body = Vec::new();
    engine.speak(request, &mut body).await?;
    Ok(body)
}

fn asked(model: &str) -> TranscriptionParams {
    TranscriptionParams {
        model: model.to_owned(),
        language: "auto".to_owned(),
        prompt: None,
        temperature: Some(0.0),
        words: true,
        translate_to: None,
        diarize: None,
    }
}

async fn hear(
    engine: &RestEngine,
    params: &TranscriptionParams,
    (name, bytes): (&str, &[u8]),
) -> Result<(Transcript, Value), EngineError> {
    let (_dir, path) = temporary(name, bytes);
    let request = TranscriptionRequest {
        params,
        recording: Recording::File(&path),
        duration: AudioMillis(0),
    };
    let mut body = Vec::new();
    engine.transcribe(request, &mut body).await?;
    let raw = serde_json::from_slice(&body).unwrap();
    Ok((parse_transcript(&body).unwrap(), raw))
}

/// Words with times in order, of exactly what was said.
fn assert_timed(transcript: &Transcript, said: Option<&str>) {
    assert!(transcript.words.len() > 3, "{transcript:?}");
    for pair in transcript.words.windows(2) {
        assert!(pair[0].start <= pair[1].start, "{pair:?}");
    }
    let words: Vec<&str> = transcript
        .words
        .iter()
        .map(|word| word.text.trim())
        .collect();
    assert_eq!(words.join(" "), transcript.text);
    if let Some(said) = said {
        assert_eq!(transcript.text, said);
    }
}

/// Speech that is a whole WAV of what was said.
async fn speaks(mock: &MockHandle, dialect: Kind, model: &str, voice: &str) -> Vec<u8> {
    let file = say(
        &client(mock, dialect),
        (model, voice),
        AudioFormat::Wav,
        LONG,
    )
    .await
    .unwrap();
    assert!(samples_of(&file).len() > 60_000);
    let size = u32::from_le_bytes(file[40..44].try_into().unwrap());
    assert_eq!(usize::try_from(size).unwrap(), file.len() - 44, "{dialect}");
    file
}

/// A recording nobody spoke here.
fn recording() -> Vec<u8> {
    wav(&tones("en-US", &LONG.repeat(2)).unwrap(), 16_000)
}

async fn voices(mock: &MockHandle, dialect: Kind) -> Vec<ListedVoice> {
    client(mock, dialect).list_voices(None).await.unwrap()
}

async fn refused(
    mock: &MockHandle,
    dialect: Kind,
    (model, voice): (&str, &str),
    input: &str,
) -> EngineError {
    say(
        &client(mock, dialect),
        (model, voice),
        AudioFormat::Wav,
        input,
    )
    .await
    .unwrap_err()
}

#[track_caller]
fn assert_refused(fault: &EngineError, expected: &str) {
    assert_eq!(fault.class, FaultClass::Refused, "{fault}");
    assert!(fault.detail.contains(expected), "{}", fault.detail);
    assert!(!fault.may_be_billed);
}

#[tokio::test]
async fn openai_speaks_and_times_words() {
    let mock = server(Kind::OpenAi).await;

    let file = speaks(&mock, Kind::OpenAi, "tts-1", "alloy").await;
    let engine = client(&mock, Kind::OpenAi);
    let heard = hear(&engine, &asked("whisper-1"), ("a.wav", &file)).await;
    assert_timed(&heard.unwrap().0, Some(LONG));

    let long = "word ".repeat(900);
    let fault = refused(&mock, Kind::OpenAi, ("tts-1", "alloy"), &long).await;
    assert_refused(&fault, "String should have at most 4096 characters");
    let fault = refused(&mock, Kind::OpenAi, ("tts-9", "alloy"), "Hi.").await;
    assert_refused(
        &fault,
        "404 Not Found: The model `tts-9` does not exist or you do not have access to it.",
    );
}

#[tokio::test]
async fn groq_takes_200_characters_and_answers_wav_alone() {
    let (mock, model) = (server(Kind::Groq).await, "canopylabs/orpheus-v1-english");

    assert!(mock.base_url().ends_with("/openai/v1"));
    let file = speaks(&mock, Kind::Groq, model, "autumn").await;
    let engine = client(&mock, Kind::Groq);
    let heard = hear(&engine, &asked("whisper-large-v3"), ("a.wav", &file)).await;
    assert_timed(&heard.unwrap().0, Some(LONG));

    let fault = refused(&mock, Kind::Groq, (model, "autumn"), &"a ".repeat(101)).await;
    assert_refused(&fault, "value must be at most 200 characters");
    // The table stops it before it is sent; somebody who is told nothing is told by the server.
    let before = mock.invoice().requests;
    let fault = say(&engine, (model, "autumn"), AudioFormat::Mp3, "Hi.").await;
    assert_refused(&fault.unwrap_err(), "does not answer in `mp3`");
    assert_eq!(mock.invoice().requests, before);
    let key = Auth::Bearer(SecretString::from("right"));
    let compatible = client_with(&mock, Kind::Compatible, key);
    let fault = say(&compatible, (model, "autumn"), AudioFormat::Mp3, "Hi.").await;
    assert_refused(&fault.unwrap_err(), "response_format must be one of [wav]");
}

#[tokio::test]
async fn deepinfra_speaks_and_its_schema_answers_with_places() {
    let (mock, model) = (server(Kind::DeepInfra).await, "hexgrad/Kokoro-82M");

    let file = speaks(&mock, Kind::DeepInfra, model, "af_heart").await;
    let engine = client(&mock, Kind::DeepInfra);
    let params = asked("openai/whisper-large-v3");
    let heard = hear(&engine, &params, ("a.wav", &file)).await;
    assert_timed(&heard.unwrap().0, Some(LONG));

    let fault = refused(&mock, Kind::DeepInfra, (model, ""), "Hi.").await;
    assert_eq!(
        fault.detail, "422 Unprocessable Entity: Field required",
        "from {{detail: [{{msg}}]}}"
    );
    assert_eq!(fault.class, FaultClass::Refused);
}

#[tokio::test]
async fn fireworks_wants_the_bare_key_and_the_bare_spelling() {
    let mock = server(Kind::Fireworks).await;
    let engine = client(&mock, Kind::Fireworks);

    let recording = recording();
    let heard = hear(&engine, &asked("whisper-v3"), ("a.wav", &recording)).await;
    assert_timed(&heard.unwrap().0, None);
    let told_apart = TranscriptionParams {
        words: false,
        diarize: Some(Speakers::default()),
        ..asked("whisper-v3")
    };
    let (heard, _) = hear(&engine, &told_apart, ("a.wav", &recording))
        .await
        .unwrap();
    assert_eq!(heard.segments[0].speaker.as_deref(), Some("SPEAKER_00"));

    let fault = hear(&engine, &asked("whisper-9"), ("a.wav", &recording)).await;
    assert_refused(&fault.unwrap_err(), "`whisper-9` does not exist");
    let fault = say(&engine, ("m", "v"), AudioFormat::Wav, "Hi.").await;
    assert_refused(&fault.unwrap_err(), "fireworks has no speech");
}

#[tokio::test]
async fn localai_calls_a_word_text_and_translates_by_a_field() {
    let mock = server(Kind::LocalAi).await;
    let engine = client(&mock, Kind::LocalAi);

    let file = speaks(&mock, Kind::LocalAi, "kokoro", "af_heart").await;
    let (heard, raw) = hear(&engine, &asked("whisper-1"), ("a.wav", &file))
        .await
        .unwrap();
    assert_timed(&heard, Some(LONG));
    assert_eq!(raw["words"][0]["text"], "The");
    assert!(raw["words"][0].get("word").is_none());
    let english = TranscriptionParams {
        translate_to: Some("en".to_owned()),
        ..asked("whisper-1")
    };
    let (_, raw) = hear(&engine, &english, ("a.wav", &file)).await.unwrap();
    assert_eq!(raw["task"], "translate");

    let fault = refused(&mock, Kind::LocalAi, ("kokoro", "nobody"), "Hi.").await;
    assert_refused(&fault, "400 Bad Request: Voice 'nobody' not found");
    let stranger = client_with(&mock, Kind::LocalAi, Auth::None);
    let fault = say(&stranger, ("kokoro", "af_heart"), AudioFormat::Wav, "Hi.").await;
    assert_eq!(fault.unwrap_err().class, FaultClass::Account);
}

#[tokio::test]
async fn speaches_reads_brackets_alone_and_names_a_model_that_is_not_installed() {
    let (mock, model) = (
        server(Kind::Speaches).await,
        "speaches-ai/Kokoro-82M-v1.0-ONNX",
    );
    let engine = client(&mock, Kind::Speaches);

    let file = speaks(&mock, Kind::Speaches, model, "af_heart").await;
    let params = asked("Systran/faster-whisper-small");
    let heard = hear(&engine, &params, ("a.wav", &file)).await;
    assert_timed(&heard.unwrap().0, Some(LONG));
    assert_eq!(voices(&mock, Kind::Speaches).await.len(), 54);
    // The bare spelling is passed over: no words, which is why the table has a column for it.
    let key = Auth::Bearer(SecretString::from("right"));
    let wrong = client_with(&mock, Kind::Fireworks, key);
    let (heard, raw) = hear(&wrong, &params, ("a.wav", &file)).await.unwrap();
    assert!(raw.get("words").is_none() && heard.words.is_empty());

    let fault = hear(&engine, &asked("big"), ("a.wav", &file)).await;
    assert_refused(
        &fault.unwrap_err(),
        "404 Not Found: Model 'big' is not installed locally",
    );
}

#[tokio::test]
async fn kokoro_fastapi_is_told_not_to_stream() {
    let mock = server(Kind::KokoroFastApi).await;

    speaks(&mock, Kind::KokoroFastApi, "kokoro", "af_heart(2)+af_sky").await;
    assert_eq!(voices(&mock, Kind::KokoroFastApi).await.len(), 54);
    let models = client(&mock, Kind::KokoroFastApi).list_models().await;
    assert_eq!(models.unwrap().len(), 4);
    // Who does not say so gets a header of unknown length.
    let other = client_with(&mock, Kind::Compatible, Auth::None);
    let file = say(&other, ("kokoro", "af_heart"), AudioFormat::Wav, LONG).await;
    assert_eq!(file.unwrap()[40..44], [0xFF; 4]);

    let model = ("hexgrad/Kokoro-82M", "af_heart");
    let fault = refused(&mock, Kind::KokoroFastApi, model, "Hi.").await;
    assert_eq!(
        fault.detail, "400 Bad Request: Unsupported model: hexgrad/Kokoro-82M",
        "from {{detail: {{message}}}}"
    );
    assert_eq!(fault.class, FaultClass::Refused);
}

#[tokio::test]
async fn whisper_cpp_has_its_own_route_takes_wav_and_nests_its_words() {
    let mock = server(Kind::WhisperCpp).await;
    let engine = client(&mock, Kind::WhisperCpp);
    let recording = recording();

    let (heard, raw) = hear(&engine, &asked("any"), ("a.wav", &recording))
        .await
        .unwrap();
    assert_timed(&heard, None);
    assert!(raw.get("words").is_none());
    assert!(raw["segments"][0]["words"][0]["probability"].is_number());
    assert_eq!(heard.language.as_deref(), Some("english"));
    let english = TranscriptionParams {
        translate_to: Some("en".to_owned()),
        ..asked("any")
    };
    let (_, raw) = hear(&engine, &english, ("a.wav", &recording))
        .await
        .unwrap();
    assert_eq!(raw["task"], "translate");

    let fault = hear(&engine, &asked("any"), ("a.mp3", b"ID3\x04 no wav")).await;
    let fault = fault.unwrap_err();
    assert_eq!(
        fault.detail, "400 Bad Request: failed to read audio data",
        "from {{error: words}}"
    );
    assert_eq!(fault.class, FaultClass::Refused);
}

#[tokio::test]
async fn an_upload_above_the_limit_is_told_as_each_tells_it() {
    for (dialect, model, expected) in [
        (
            Kind::OpenAi,
            "whisper-1",
            "Maximum content size limit (1000) exceeded",
        ),
        (
            Kind::Groq,
            "whisper-large-v3",
            "413 Payload Too Large: Request Entity Too Large",
        ),
        (
            Kind::DeepInfra,
            "openai/whisper-large-v3",
            "a web page, \"413 Request Entity Too Large\"",
        ),
    ] {
        let mock = start(MockOptions {
            dialect: twin(dialect),
            max_upload_bytes: 1000,
            ..MockOptions::default()
        })
        .await;
        let heard = hear(
            &client(&mock, dialect),
            &asked(model),
            ("a.wav", &recording()),
        )
        .await;
        assert_refused(&heard.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_route_a_dialect_lacks_is_not_there() {
    for (dialect, path) in [
        (Kind::WhisperCpp, "/v1/audio/transcriptions"),
        (Kind::LocalAi, "/v1/audio/translations"),
        (Kind::KokoroFastApi, "/v1/audio/transcriptions"),
        (Kind::Groq, "/v1/audio/speech"),
    ] {
        let mock = server(dialect).await;
        let answer = http()
            .post(format!("http://{}{path}", mock.addr))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{dialect} {path}");
    }
}
