//! The three deliveries through the client they were built for.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use voicespool::domain::{Alignment, PcmEncoding, RawAudio, Segmenting};
use voicespool_mock::pcm;
use voicespool_mock::word_times;

async fn ask(
    engine: &RestEngine,
    params: &SpeechParams,
    delivery: Delivery,
    input: &str,
) -> Result<(Answer, Vec<u8>), EngineError> {
    let mut body = Vec::new();
    let request = SpeechRequest {
        params,
        input,
        delivery,
    };
    let answer = engine.speak(request, &mut body).await?;
    Ok((answer, body))
}

fn in_words() -> SpeechParams {
    SpeechParams {
        alignment: Alignment::Word,
        ..kokoro(AudioFormat::Wav)
    }
}

#[tokio::test]
async fn all_three_deliveries_bring_the_same_samples() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    let params = kokoro(AudioFormat::Wav);
    let (_, file) = ask(&engine, &params, Delivery::Rest, TEXT).await.unwrap();

    for delivery in [Delivery::Stream, Delivery::WebSocket] {
        let (answer, samples) = ask(&engine, &params, delivery, TEXT).await.unwrap();

        assert_eq!(samples, file[44..], "{delivery}");
        assert_eq!(answer.bytes, u64::try_from(samples.len()).unwrap());
        assert!(answer.words.is_empty());
    }
    // A conversation is over when the server has seen its end.
    while mock.invoice().in_flight > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(mock.invoice().billed_requests, 3);
    assert_eq!(mock.invoice().billed_chars, 3 * 48);
}

#[tokio::test]
async fn a_text_of_many_items_is_heard_to_its_end() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    let text =
        "One sentence stands here. Another one follows it! Is the third the last? It is not.";
    let (_, file) = ask(&engine, &kokoro(AudioFormat::Wav), Delivery::Rest, text)
        .await
        .unwrap();

    for (segment, max_partial_length, fault) in [
        (Segmenting::Sentence, None, ""),
        (Segmenting::Immediate, None, ""),
        (Segmenting::Never, Some(20), ""),
        // A pause after each item: the first `done` is not the last.
        (Segmenting::Sentence, None, "stream=stall"),
    ] {
        mock.set_faults(vec![FaultRule::every(1, fault.parse().unwrap())]);
        let params = SpeechParams {
            segment: Some(segment),
            max_partial_length,
            ..in_words()
        };

        let (answer, samples) = ask(&engine, &params, Delivery::WebSocket, text)
            .await
            .unwrap();

        assert_eq!(samples, file[44..], "{segment} {fault}");
        let starts: Vec<u64> = answer.words.iter().map(|word| word.start.0).collect();
        assert!(starts.is_sorted(), "{starts:?}");
        assert!(
            starts.last().unwrap() * 100 > answer.bytes / 48 * 70,
            "{starts:?}"
        );
    }
}

#[tokio::test]
async fn word_times_come_with_both_kinds_of_events() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);

    for delivery in [Delivery::Stream, Delivery::WebSocket] {
        let (answer, samples) = ask(&engine, &in_words(), delivery, TEXT).await.unwrap();

        let duration = AudioMillis::of_frames(u64::try_from(samples.len() / 2).unwrap(), 24_000);
        let expected = word_times(TEXT, duration);
        let found: Vec<_> = answer
            .words
            .into_iter()
            .map(|word| (word.text, word.start, word.end))
            .collect();
        assert_eq!(found, expected, "{delivery}");
    }
}

#[tokio::test]
async fn raw_samples_are_what_the_recipe_of_the_model_says() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    let sonic = SpeechParams::new("cartesia/sonic-3", "newsman", AudioFormat::Wav);
    let (_, file) = ask(&engine, &sonic, Delivery::Rest, TEXT).await.unwrap();
    let wide: Vec<i16> = file[44..]
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    for &encoding in PcmEncoding::ALL {
        for delivery in [Delivery::Rest, Delivery::Stream] {
            let params = SpeechParams {
                response_encoding: Some(encoding),
                ..sonic.clone()
            };
            let raw = params.raw_audio(delivery);

            let (_, samples) = ask(&engine, &params, delivery, TEXT).await.unwrap();

            assert_eq!(
                raw,
                RawAudio {
                    encoding,
                    sample_rate: 44_100
                }
            );
            assert_eq!(samples, pcm(&wide, encoding), "{encoding} {delivery}");
        }
    }
    // Kokoro answers as it always does.
    let params = SpeechParams {
        response_encoding: Some(PcmEncoding::F32),
        sample_rate: Some(8_000),
        ..kokoro(AudioFormat::Wav)
    };
    let (_, samples) = ask(&engine, &params, Delivery::Stream, TEXT).await.unwrap();
    let (_, file) = ask(&engine, &kokoro(AudioFormat::Wav), Delivery::Rest, TEXT)
        .await
        .unwrap();
    assert_eq!(samples, file[44..]);
}

#[tokio::test]
async fn every_fault_of_events_is_classified() {
    let mock = start(MockOptions::default()).await;
    let options = RestOptions {
        idle_timeout: Duration::from_millis(400),
        total: Deadline::Fixed(Duration::from_secs(3)),
        ..options_for(&mock)
    };
    let engine = RestEngine::new(options).unwrap();
    let mut report = String::new();
    for (delivery, faults) in [
        (
            Delivery::Stream,
            &[
                "stream=no-done",
                "stream=error",
                "stream=error-first",
                "stream=base64",
                "stream=json",
                "stream=half-sample",
                "stream=reorder",
                "stream=legacy",
                "stream=odd",
                "cut=9000",
                "cut=9000;framing=chunked",
                "cut=9000;framing=close",
                "status=503",
                "body=json",
                "body=html",
                "hang",
            ][..],
        ),
        (
            Delivery::WebSocket,
            &[
                "stream=no-done",
                "stream=error",
                "stream=error-first",
                "stream=base64",
                "stream=json",
                "stream=half-sample",
                "stream=odd",
                "stream=close",
                "stream=busy",
                "stream=silent",
                "cut=9000",
                "status=429;rate-reset=2",
                "status=401",
                "hang",
            ],
        ),
    ] {
        for fault in faults {
            mock.set_faults(vec![FaultRule::every(1, fault.parse().unwrap())]);
            let params = kokoro(AudioFormat::Wav);
            let outcome = match ask(&engine, &params, delivery, TEXT).await {
                Ok((answer, _)) => format!("{} bytes", answer.bytes),
                Err(error) => {
                    let money = if error.may_be_billed {
                        "in doubt"
                    } else {
                        "free"
                    };
                    format!("{} ({money}): {}", error.class, error.detail)
                }
            };
            let outcome = outcome.replace(&mock.addr.to_string(), "HOST");
            writeln!(report, "{delivery} {fault}: {outcome}").unwrap();
        }
    }

    insta::assert_snapshot!(report, @r#"
    stream stream=no-done: bad_answer (in doubt): the stream of HOST broke off before its end
    stream stream=error: bad_answer (in doubt): HOST gave up in the middle: Injected in the middle.
    stream stream=error-first: overloaded (free): HOST gave up: Injected: no worker took it.
    stream stream=base64: bad_answer (in doubt): a piece of the sound is no base64
    stream stream=json: bad_answer (in doubt): an event is no JSON object
    stream stream=half-sample: bad_answer (in doubt): the answer ends within a sample
    stream stream=reorder: bad_answer (in doubt): pieces of the sound are out of order
    stream stream=legacy: 171450 bytes
    stream stream=odd: 171450 bytes
    stream cut=9000: bad_answer (in doubt): the answer of HOST broke off: end of file before message length reached
    stream cut=9000;framing=chunked: bad_answer (in doubt): the answer of HOST broke off: unexpected EOF during chunk size line
    stream cut=9000;framing=close: bad_answer (in doubt): an event is no JSON object
    stream status=503: overloaded (free): 503 Service Unavailable: Injected fault: status 503.
    stream body=json: bad_answer (in doubt): status 200 brought words instead of audio: Injected words under status 200.
    stream body=html: bad_answer (in doubt): status 200 brought words instead of audio: a web page, "Sign in to Hotel WiFi"
    stream hang: timed_out (in doubt): no answer from HOST within 3s
    websocket stream=no-done: timed_out (in doubt): nothing more came from HOST within 400ms
    websocket stream=error: bad_answer (in doubt): HOST gave up in the middle: Injected in the middle.
    websocket stream=error-first: overloaded (free): HOST gave up: Injected.
    websocket stream=base64: bad_answer (in doubt): a piece of the sound is no base64
    websocket stream=json: bad_answer (in doubt): an event is no JSON object
    websocket stream=half-sample: bad_answer (in doubt): the answer ends within a sample
    websocket stream=odd: 171450 bytes
    websocket stream=close: bad_answer (in doubt): HOST closed the connection in the middle with code 1011: injected
    websocket stream=busy: overloaded (free): HOST closed the connection with code 4503: no healthy workers
    websocket stream=silent: timed_out (in doubt): no sound from HOST within 3s
    websocket cut=9000: bad_answer (in doubt): the answer of HOST broke off: WebSocket protocol error: Connection reset without closing handshake
    websocket status=429;rate-reset=2: throttled (free): 429 Too Many Requests: Injected fault: status 429.
    websocket status=401: account (free): 401 Unauthorized: Injected fault: status 401.
    websocket hang: timed_out (in doubt): no sound from HOST within 3s
    "#);
}

/// A WebSocket without the client, for what it never says.
async fn socket(mock: &MockHandle, query: &str) -> WebSocketStream<reqwest::Upgraded> {
    let url = format!("http://{}/v1/audio/speech/websocket?{query}", mock.addr);
    let response = http()
        .get(url)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 101);
    let upgraded = response.upgrade().await.unwrap();
    WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await
}

#[tokio::test]
async fn contexts_are_kept_apart_cleared_and_cancelled() {
    let mock = start(MockOptions::default()).await;
    let mut socket = socket(&mock, "model=hexgrad/Kokoro-82M&voice=af_heart").await;
    for event in [
        json!({"type": "input_text_buffer.append", "text": "Mine."}),
        json!({"type": "input_text_buffer.append", "text": "Yours.", "context_id": "c2"}),
        json!({"type": "input_text_buffer.append", "text": "Never said.", "context_id": "c3"}),
        json!({"type": "input_text_buffer.clear", "context_id": "c3"}),
        json!({"type": "input_text_buffer.commit", "context_id": "c3"}),
        json!({"type": "input_text_buffer.commit", "context_id": "c2"}),
        json!({"type": "context.cancel"}),
        json!({"type": "input_text_buffer.commit"}),
        json!({"type": "nonsense"}),
    ] {
        socket.send(Message::text(event.to_string())).await.unwrap();
    }
    let mut kinds = Vec::new();
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        let event: Value = serde_json::from_str(&text).unwrap();
        let kind = event["type"].as_str().unwrap().to_owned();
        if kind == "conversation.item.audio_output.delta" {
            assert_eq!(event["context_id"], "c2");
        }
        let is_last = kind == "conversation.item.tts.failed";
        kinds.push(kind);
        if is_last {
            break;
        }
    }
    kinds.dedup();

    let short: Vec<_> = kinds
        .iter()
        .map(|kind| kind.rsplit('.').next().unwrap())
        .collect();
    assert_eq!(
        short,
        [
            "created",
            "received",
            "delta",
            "done",
            "cancelled",
            "failed"
        ]
    );
    drop(socket);
}
