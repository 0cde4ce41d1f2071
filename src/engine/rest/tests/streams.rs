//! Answers in events that are whole, cut, false, or endless.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::server::{Server, Step};
use super::*;
use crate::domain::{Alignment, FaultClass, Segmenting};
use crate::engine::rest::ByteCap;

/// Eight frames.
const SAMPLES: [u8; 16] = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0];

fn params() -> SpeechParams {
    SpeechParams::new("hexgrad/Kokoro-82M", "af_heart", AudioFormat::Wav)
}

async fn stream_with(
    options: RestOptions,
    params: &SpeechParams,
) -> (Result<Answer, EngineError>, Vec<u8>) {
    let mut body = Vec::new();
    let request = SpeechRequest {
        params,
        input: "A short line.",
        delivery: Delivery::Stream,
    };
    let outcome = engine(options).speak(request, &mut body).await;
    (outcome, body)
}

/// What becomes of a 200 with these events, sent in pieces of `size` bytes as chunks.
async fn play(events: &str, size: usize) -> (Result<Answer, EngineError>, Vec<u8>) {
    let mut script = vec![Step::Send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req-9\r\n\
          transfer-encoding: chunked\r\n\r\n"
            .to_vec(),
    )];
    for piece in events.as_bytes().chunks(size) {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        script.push(Step::Send(chunk));
    }
    script.push(Step::Send(b"0\r\n\r\n".to_vec()));
    let server = Server::start(script).await;
    let outcome = stream_with(options(&server.base_url()), &params()).await;
    assert_eq!(server.requests().len(), 1, "one call is one request");
    outcome
}

fn delta(bytes: &[u8]) -> String {
    format!(
        "data: {{\"type\":\"conversation.item.audio_output.delta\",\"item_id\":\"tts_1\",\"delta\":\"{}\"}}\n\n",
        STANDARD.encode(bytes)
    )
}

#[tokio::test]
async fn a_stream_from_retry_after_as_each_contract_says() {
    let full = SpeechParams {
        language: Some("en".to_owned()),
        alignment: Alignment::Word,
        segment: Some(Segmenting::Never),
        extra_params: Some("{\"pronunciation_dict\":[\"abc/a b c\"]}".to_owned()),
        ..params()
    };
    let mut sent = String::new();
    for (kind, params) in [
        (Kind::Together, full),
        (
            Kind::Together,
            SpeechParams {
                model: "cartesia/sonic-3".to_owned(),
                ..params()
            },
        ),
        (Kind::OpenAi, params()),
    ] {
        let server = Server::saying(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let options = RestOptions {
            kind,
            ..options(&server.base_url())
        };
        stream_with(options, &params).await.0.unwrap_err();
        let request = server.requests().remove(0);
        let body = String::from_utf8(request).unwrap();
        writeln!(sent, "{}", body.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    }

    insta::assert_snapshot!(sent, @r#"
    {"model":"hexgrad/Kokoro-82M","input":"A short line.","voice":"af_heart","response_format":"raw","language":"en","response_encoding":"pcm_s16le","sample_rate":24000,"stream":true,"alignment":"word","segment":"never","extra_params":{"pronunciation_dict":["abc/a b c"]}}
    {"model":"cartesia/sonic-3","input":"A short line.","voice":"af_heart","response_format":"raw","response_encoding":"pcm_s16le","sample_rate":44100,"stream":true}
    {"model":"hexgrad/Kokoro-82M","input":"A short line.","voice":"af_heart","response_format":"pcm","stream_format":"sse"}
    "#);
}

#[tokio::test]
async fn the_fixtures_of_the_contract_are_heard() {
    let events = "data: {\"type\": \"conversation.item.audio_output.delta\", \"item_id\": \"tts_1\", \"delta\": \"AAABAAIA\"}\n\n\
        data: {\"type\": \"conversation.item.word_timestamps\", \"words\": [\"A\", \"short\", \"line.\"], \"start_seconds\": [0.0, 0.12, 0.4], \"end_seconds\": [0.1, 0.38, 0.8]}\n\n\
        data: {\"type\": \"conversation.item.audio_output.delta\", \"item_id\": \"tts_1\", \"delta\": \"AwAEAAUA\"}\n\n\
        data: [DONE]\n\n";
    for size in [1, 7, 64, 4096] {
        let (answer, body) = play(events, size).await;

        let answer = answer.unwrap();
        assert_eq!(body, [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
        assert_eq!(answer.bytes, 12);
        assert_eq!(answer.request_id.as_deref(), Some("req-9"));
        let words: Vec<_> = answer
            .words
            .iter()
            .map(|word| (word.text.as_str(), word.start.0, word.end.0))
            .collect();
        assert_eq!(
            words,
            [("A", 0, 100), ("short", 120, 380), ("line.", 400, 800)]
        );
    }
    let legacy = "data: {\"object\": \"audio.tts.chunk\", \"model\": \"cartesia/sonic\", \"b64\": \"AAABAAIA\"}\n\ndata: [DONE]\n\n";
    assert_eq!(play(legacy, 9).await.1, [0, 0, 1, 0, 2, 0]);
    let openai = "event: speech.audio.delta\r\ndata: {\"type\":\"speech.audio.delta\",\"audio\":\"AAABAAIA\"}\r\n\r\n\
        event: speech.audio.done\r\ndata: {\"type\":\"speech.audio.done\",\"usage\":{}}\r\n\r\n";
    assert_eq!(play(openai, 5).await.1, [0, 0, 1, 0, 2, 0]);
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_is_never_whole() {
    let events = format!(
        "{}{}data: [DONE]\n\n",
        delta(&SAMPLES[..9]),
        delta(&SAMPLES[9..])
    );
    for cut in 0..events.len() {
        let (outcome, _) = play(&events[..cut], 64).await;
        if events[..cut].contains("[DONE]") {
            assert!(outcome.is_ok(), "the mark was there: {cut}");
            continue;
        }
        let failure = outcome.unwrap_err();
        assert_eq!(failure.class, FaultClass::BadAnswer, "{cut}");
        assert!(failure.may_be_billed, "{cut}");
    }
}

#[tokio::test]
async fn what_a_hostile_stream_says_decides_the_class_and_nothing_is_free_once_it_sounded() {
    let sound = delta(&SAMPLES);
    let mut report = String::new();
    for (name, events) in [
        ("nothing", String::new()),
        ("only the end", "data: [DONE]\n\n".to_owned()),
        (
            "half a sample",
            format!("{}data: [DONE]\n\n", delta(&SAMPLES[..5])),
        ),
        (
            "no base64",
            "data: {\"type\":\"conversation.item.audio_output.delta\",\"delta\":\"*\"}\n\n"
                .to_owned(),
        ),
        ("no JSON", format!("{sound}data: {{\"type\n\n")),
        ("a control character", format!("{sound}data: \u{1}\n\n")),
        (
            "sound without any",
            "data: {\"type\":\"speech.audio.delta\"}\n\n".to_owned(),
        ),
        (
            "a key",
            "data: {\"error\":{\"message\":\"bad key\",\"code\":\"invalid_api_key\"}}\n\n"
                .to_owned(),
        ),
        (
            "a pace",
            "data: {\"error\":{\"message\":\"slow\",\"type\":\"dynamic_request_limited\"}}\n\n"
                .to_owned(),
        ),
        (
            "a model",
            "data: {\"error\":{\"message\":\"no\",\"code\":\"model_not_available\"}}\n\n"
                .to_owned(),
        ),
        (
            "an outage",
            "event: error\ndata: {\"message\":\"down\",\"code\":503}\n\n".to_owned(),
        ),
        (
            "no reason",
            "data: {\"error\":\"because sk-CANARY-7f3a9b2c4d5e6f708192\"}\n\n".to_owned(),
        ),
        (
            "in the middle",
            format!(
                "{sound}data: {{\"error\":{{\"code\":\"invalid_api_key\"}}}}\n\ndata: [DONE]\n\n"
            ),
        ),
        (
            "an outage in the middle",
            format!("{sound}data: {{\"error\":{{\"code\":503}}}}\n\n"),
        ),
        (
            "a container",
            format!("{}data: [DONE]\n\n", delta(b"RIFF\xff\xff\xff\xffWAVEfmt ")),
        ),
        (
            "words under success",
            "{\"error\":{\"message\":\"no credit\"}}".to_owned(),
        ),
        ("a page", "<html><title>Sign in</title></html>".to_owned()),
    ] {
        let failure = play(&events, 4096).await.0.unwrap_err();
        let money = if failure.may_be_billed {
            "in doubt"
        } else {
            "free"
        };
        let detail = failure.detail.replace(char::is_numeric, "");
        writeln!(report, "{name}: {} ({money}) {detail}", failure.class).unwrap();
        assert_eq!(failure.request_id.as_deref(), Some("req-9"), "{name}");
        let has_sounded = failure.first_byte.is_some();
        assert!(has_sounded || !events.starts_with(&sound), "{name}");
        assert!(failure.may_be_billed || !has_sounded, "{name}");
    }

    insta::assert_snapshot!(report, @r#"
    nothing: bad_answer (in doubt) the stream of ...: broke off before its end
    only the end: bad_answer (in doubt) the answer holds no sound
    half a sample: bad_answer (in doubt) the answer ends within a sample
    no base64: bad_answer (in doubt) a piece of the sound is no base
    no JSON: bad_answer (in doubt) an event is no JSON object
    a control character: bad_answer (in doubt) an event is no JSON object
    sound without any: bad_answer (in doubt) an event of sound holds none
    a key: account (free) ...: gave up: bad key
    a pace: throttled (free) ...: gave up: slow
    a model: refused (free) ...: gave up: no
    an outage: overloaded (free) ...: gave up: down
    no reason: bad_answer (in doubt) ...: gave up: because ***
    in the middle: bad_answer (in doubt) ...: gave up in the middle: {"error":{"code":"invalid_api_key"}}
    an outage in the middle: bad_answer (in doubt) ...: gave up in the middle: {"error":{"code":}}
    a container: bad_answer (in doubt) a container came where raw samples were asked for
    words under success: bad_answer (in doubt) status  brought words instead of audio: no credit
    a page: bad_answer (in doubt) status  brought words instead of audio: a web page, "Sign in"
    "#);
    assert!(!report.contains("CANARY"));
}

#[tokio::test]
async fn an_event_without_end_and_sound_without_end_are_bounded() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let mut line = vec![b'A'; 1 << 20];
    line[0] = b'd';
    for (first, endless) in [
        (b"data: ".to_vec(), line),
        (Vec::new(), delta(&[1; 3000]).into_bytes()),
    ] {
        let server = Server::start(vec![
            Step::Send(head.clone()),
            Step::Send(first),
            Step::Endless(endless),
        ])
        .await;
        let options = RestOptions {
            max_answer_bytes: ByteCap::Fixed(1 << 20),
            ..options(&server.base_url())
        };

        let failure = stream_with(options, &params()).await.0.unwrap_err();

        assert_eq!(failure.class, FaultClass::BadAnswer);
        assert!(failure.detail.contains("bytes"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_given_up_and_one_that_thinks_is_not() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let with_idle = |server: &Server| RestOptions {
        idle_timeout: Duration::from_millis(150),
        total: Deadline::Fixed(Duration::from_secs(5)),
        ..options(&server.base_url())
    };
    let silent = Server::start(vec![
        Step::Send(head.clone()),
        Step::Send(delta(&SAMPLES).into_bytes()),
        Step::Hang,
    ])
    .await;
    let failure = stream_with(with_idle(&silent), &params())
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.class, FaultClass::TimedOut);
    assert!(failure.may_be_billed && failure.first_byte.is_some());

    let thinking = Server::start(vec![
        Step::Send(head),
        Step::Wait(Duration::from_millis(400)),
        Step::Send(format!("{}data: [DONE]\n\n", delta(&SAMPLES)).into_bytes()),
    ])
    .await;
    let answer = stream_with(with_idle(&thinking), &params())
        .await
        .0
        .unwrap();
    assert!(answer.first_byte >= Duration::from_millis(350));
}

#[tokio::test]
async fn a_server_that_speaks_no_websocket_says_so_for_nothing() {
    let mut report = String::new();
    for (name, answer) in [
        ("404", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        (
            "401",
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 12\r\n\r\nUnauthorized",
        ),
        (
            "429",
            "HTTP/1.1 429 Too Many\r\nx-ratelimit-reset: 2\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "502",
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "307",
            "HTTP/1.1 307 Moved\r\nlocation: https://evil.example/\r\ncontent-length: 0\r\n\r\n",
        ),
        ("200", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"),
        (
            "a wrong proof",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: x\r\n\r\n",
        ),
        ("nothing", ""),
    ] {
        let server = Server::saying(answer).await;
        let mut body = Vec::new();
        let request = SpeechRequest {
            params: &params(),
            input: "A short line.",
            delivery: Delivery::WebSocket,
        };
        let failure = engine(options(&server.base_url()))
            .speak(request, &mut body)
            .await
            .unwrap_err();
        assert!(!failure.may_be_billed, "{name}");
        let detail = failure.detail.replace(&server.addr.to_string(), "HOST");
        let wait = failure
            .retry_after
            .map_or(String::new(), |wait| format!(" {wait:?}"));
        writeln!(report, "{name}: {}{wait} {detail}", failure.class).unwrap();
        let head = String::from_utf8(server.requests().remove(0)).unwrap();
        assert!(
            head.starts_with("GET /v1/audio/speech/websocket?model="),
            "{head}"
        );
        assert!(
            head.contains(&format!("authorization: Bearer {CANARY}\r\n")),
            "{head}"
        );
        assert!(!head.lines().next().unwrap().contains("CANARY"), "{head}");
    }

    insta::assert_snapshot!(report, @r#"
    404: refused 404 Not Found
    401: account 401 Unauthorized: Unauthorized
    429: throttled 2s 429 Too Many Requests
    502: overloaded 502 Bad Gateway
    307: refused 307 Temporary Redirect: redirects to evil.example are not followed
    200: refused HOST speaks no WebSocket here (status 200); use another delivery
    a wrong proof: refused HOST answers a WebSocket's handshake wrongly
    nothing: overloaded HOST broke the connection off: connection closed before message completed
    "#);
}
