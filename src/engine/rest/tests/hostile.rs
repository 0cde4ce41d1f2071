//! Answers that are late, cut, too long, false, or somewhere else.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::server::{Server, Step};
use super::*;
use crate::domain::{Delivery, FaultClass};
use crate::engine::rest::ByteCap;

/// The outcome of one speech request to a server with this script.
async fn outcome_of(script: Vec<Step>) -> Result<Answer, EngineError> {
    let server = Server::start(script).await;
    let outcome = speak(&engine(options(&server.base_url())), &speech_params())
        .await
        .0;
    assert_eq!(server.requests().len(), 1, "one call is one request");
    outcome
}

async fn fault_of(answer: &[u8]) -> EngineError {
    outcome_of(vec![Step::Send(answer.to_vec())])
        .await
        .expect_err(&String::from_utf8_lossy(answer))
}

/// A success with a head and this body.
fn ok(content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

#[tokio::test]
async fn no_truncated_answer_with_a_length_or_in_chunks_is_a_success() {
    let audio: Vec<u8> = (0..640_u32)
        .map(|n| u8::try_from(n % 199 + 1).unwrap())
        .collect();
    let with_length = ok("audio/mpeg", &audio);
    let mut in_chunks =
        b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for chunk in audio.chunks(100) {
        in_chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        in_chunks.extend_from_slice(chunk);
        in_chunks.extend_from_slice(b"\r\n");
    }
    in_chunks.extend_from_slice(b"0\r\n\r\n");

    for whole in [with_length, in_chunks] {
        assert!(outcome_of(vec![Step::Send(whole.clone())]).await.is_ok());
        let body_at = whole.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
        for idx in 0..64 {
            let cut = body_at + idx * (whole.len() - 1 - body_at) / 63;
            let fault = fault_of(&whole[..cut]).await;
            assert_eq!(fault.class, FaultClass::BadAnswer, "cut at {cut}");
            assert!(fault.may_be_billed);
        }
        for cut in [0, 5, body_at - 3] {
            let fault = fault_of(&whole[..cut]).await;
            assert_eq!(fault.class, FaultClass::Overloaded, "head cut at {cut}");
            assert!(fault.may_be_billed, "the request had left");
        }
    }
}

#[tokio::test]
async fn an_answer_ended_by_closing_is_handed_on_for_decoding_to_judge() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\nconnection: close\r\n\r\nID3half";

    let answer = outcome_of(vec![Step::Send(cut.to_vec())]).await.unwrap();

    assert_eq!(answer.bytes, 7);
}

#[tokio::test]
async fn a_reset_before_the_answer_is_in_doubt() {
    let fault = outcome_of(vec![Step::Reset]).await.unwrap_err();

    assert_eq!(fault.class, FaultClass::Overloaded);
    assert!(fault.may_be_billed);
}

#[tokio::test]
async fn nobody_there_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let fault = speak(&engine(options(&base_url)), &speech_params())
        .await
        .0
        .unwrap_err();

    assert_eq!(fault.class, FaultClass::Overloaded);
    assert!(!fault.may_be_billed);
    assert!(
        fault.detail.starts_with("cannot connect to 127.0.0.1:"),
        "{}",
        fault.detail
    );
    assert!(fault.detail.contains("refused"), "{}", fault.detail);
}

#[tokio::test]
async fn words_under_status_200_are_no_speech() {
    let gzip =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08";
    let mut report = String::new();
    for (name, answer) in [
        (
            "json",
            ok(
                "application/json",
                br#"{"error":{"message":"the model is asleep"}}"#,
            ),
        ),
        (
            "json as audio",
            ok("audio/mpeg", br#"  {"detail":"no voice"}"#),
        ),
        (
            "portal",
            ok(
                "text/html",
                b"<html><head><title>Sign in</title></head></html>",
            ),
        ),
        (
            "html as audio",
            ok("audio/mpeg", b"<!DOCTYPE html><p>Hotel WiFi</p>"),
        ),
        ("text", ok("text/plain; charset=utf-8", b"try again later")),
        ("nothing", ok("audio/mpeg", b"")),
        ("no content", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        (
            "partial",
            b"HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nID3".to_vec(),
        ),
        ("gzip", gzip.to_vec()),
    ] {
        let fault = fault_of(&answer).await;
        assert!(fault.may_be_billed, "{name}");
        writeln!(report, "{name}: {}: {fault}", fault.class).unwrap();
    }

    insta::assert_snapshot!(report, @r#"
    json: bad_answer: status 200 brought words instead of audio: the model is asleep
    json as audio: bad_answer: status 200 brought words instead of audio: no voice
    portal: bad_answer: status 200 brought words instead of audio: a web page, "Sign in"
    html as audio: bad_answer: status 200 brought words instead of audio: a web page, "Hotel WiFi"
    text: bad_answer: status 200 brought words instead of audio: try again later
    nothing: bad_answer: the answer is empty
    no content: bad_answer: 204 No Content
    partial: bad_answer: 206 Partial Content: ID3
    gzip: bad_answer: the answer is encoded as `gzip`, which was not asked for
    "#);
}

#[tokio::test]
async fn sound_under_a_wrong_label_is_handed_on_and_words_are_not() {
    let sound = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0";
    for label in ["text/html", "text/plain; charset=utf-8", "application/json"] {
        let answer = outcome_of(vec![Step::Send(ok(label, sound))])
            .await
            .unwrap();
        assert_eq!(answer.bytes, 20, "{label}");
        fault_of(&ok(label, "caf\u{e9} closed".as_bytes())).await;
    }
}

#[tokio::test]
async fn samples_may_begin_with_any_byte_but_not_be_a_message() {
    let raw = SpeechParams {
        format: AudioFormat::Raw,
        ..speech_params()
    };
    for (body, is_speech) in [
        (&b"{\x00\x01\x80\xff\x7f{\x00"[..], true),
        (b"<\x00<\x00<\x00", true),
        (br#"{"error":"busy"}"#, false),
        (b"<html>busy</html>", false),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", false),
    ] {
        let server = Server::saying(ok("application/octet-stream", body)).await;
        let outcome = speak(&engine(options(&server.base_url())), &raw).await.0;
        assert_eq!(outcome.is_ok(), is_speech, "{body:?}");
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_a_transcript_is_a_bad_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), b"RIFF").unwrap();
    for (answer, is_good) in [
        // whisper.cpp labels its JSON as a web page.
        (ok("text/html", br#"{"text":"hi"}"#), true),
        (ok("application/json", b"\n {\"text\":\"hi\"}"), true),
        (
            ok("application/json", "\u{feff}{\"text\":\"hi\"}".as_bytes()),
            true,
        ),
        (ok("application/json", b"<html>"), false),
        (ok("text/html; charset=utf-8", b"Please log in"), false),
        // Read later, as whatever it is.
        (ok("text/plain", b"hi"), true),
        (ok("application/json", b""), false),
    ] {
        let server = Server::saying(answer.clone()).await;
        let outcome = transcribe(
            &engine(options(&server.base_url())),
            &transcription_params(),
            &path,
        )
        .await
        .0;
        assert_eq!(
            outcome.is_ok(),
            is_good,
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}

#[tokio::test]
async fn an_endless_answer_is_stopped_at_the_cap() {
    let chunked =
        "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n";
    let closing = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n\r\n";
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for (head, piece) in [
        (chunked, chunk.as_str()),
        (closing, "audio"),
        (announced, "audio"),
    ] {
        let server = Server::start(vec![
            Step::Send(head.into()),
            Step::Endless(piece.as_bytes().repeat(16)),
        ])
        .await;
        let options = RestOptions {
            max_answer_bytes: ByteCap::Fixed(1 << 20),
            ..options(&server.base_url())
        };

        let (outcome, body) = speak(&engine(options), &speech_params()).await;

        let fault = outcome.unwrap_err();
        assert_eq!(fault.class, FaultClass::BadAnswer);
        assert_eq!(fault.detail, "the answer is larger than 1048576 bytes");
        assert!(body.len() <= 1 << 20);
        assert_eq!(
            body.is_empty(),
            head == announced,
            "nothing is read in vain"
        );
    }
}

#[tokio::test]
async fn waiting_ends_at_each_limit() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec();
    let drip = (0..100).flat_map(|_| {
        [
            Step::Send(b"x".to_vec()),
            Step::Wait(Duration::from_millis(50)),
        ]
    });
    let short = Duration::from_millis(300);
    let long = Duration::from_mins(1);
    for (name, script, idle, total, expected) in [
        (
            "hang",
            vec![Step::Hang],
            short,
            short,
            "no answer from HOST within 300ms",
        ),
        (
            "stop in the middle",
            vec![
                Step::Send(head.clone()),
                Step::Send(b"ID3".to_vec()),
                Step::Hang,
            ],
            short,
            long,
            "nothing more came from HOST within 300ms",
        ),
        (
            "drip",
            std::iter::once(Step::Send(head)).chain(drip).collect(),
            long,
            short,
            "the answer was not finished by HOST within 300ms",
        ),
    ] {
        let server = Server::start(script).await;
        let options = RestOptions {
            idle_timeout: idle,
            total: Deadline::Fixed(total),
            ..options(&server.base_url())
        };
        let begun = Instant::now();

        let fault = speak(&engine(options), &speech_params())
            .await
            .0
            .unwrap_err();

        assert!(begun.elapsed() < Duration::from_secs(3), "{name}");
        assert_eq!(fault.class, FaultClass::TimedOut, "{name}");
        assert!(fault.may_be_billed, "{name}");
        assert_eq!(
            fault.detail.replace(&server.addr.to_string(), "HOST"),
            expected
        );
    }
}

#[tokio::test]
async fn a_slow_first_byte_is_not_idleness() {
    let server = Server::start(vec![
        Step::Wait(Duration::from_millis(400)),
        Step::Send(ok("audio/mpeg", b"ID3")),
    ])
    .await;
    let options = RestOptions {
        idle_timeout: Duration::from_millis(100),
        ..options(&server.base_url())
    };

    let answer = speak(&engine(options), &speech_params()).await.0.unwrap();

    assert!(answer.first_byte >= Duration::from_millis(400));
}

#[tokio::test]
async fn redirects_are_refused_and_the_other_server_hears_nothing() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = elsewhere.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://{target}/steal?key={CANARY}\r\ncontent-length: 0\r\n\r\n"
        );

        let fault = fault_of(answer.as_bytes()).await;

        assert_eq!(fault.class, FaultClass::Refused);
        assert!(!fault.may_be_billed);
        assert!(
            fault
                .detail
                .ends_with(&format!("redirects to {target} are not followed")),
            "{}",
            fault.detail
        );
    }
    let heard = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(
        heard.is_err(),
        "a connection arrived at the redirect's target"
    );
}

#[tokio::test]
async fn a_flood_of_headers_is_an_error_and_interim_answers_are_skipped() {
    let mut flood = b"HTTP/1.1 200 OK\r\n".to_vec();
    for idx in 0..20_000 {
        flood.extend_from_slice(format!("x-{idx}: {}\r\n", "y".repeat(100)).as_bytes());
    }
    flood.extend_from_slice(b"content-length: 3\r\n\r\nID3");
    let mut interim = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(1000);
    interim.extend_from_slice(&ok("audio/mpeg", b"ID3"));

    assert_eq!(fault_of(&flood).await.class, FaultClass::Overloaded);
    assert_eq!(
        outcome_of(vec![Step::Send(interim)]).await.unwrap().bytes,
        3
    );
}

#[tokio::test]
async fn refusals_carry_the_providers_words_and_the_wait_it_asks_for() {
    let answer = b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n\
        x-ratelimit-reset: 2\r\nretry-after: 1\r\nx-together-traceid: t-9\r\nconnection: close\r\n\r\n\
        {\"error_type\":\"dynamic_request_limited\",\"message\":\"slow\\ndown\"}";

    let fault = fault_of(answer).await;

    assert_eq!(fault.class, FaultClass::Throttled);
    assert_eq!(fault.http_status, Some(429));
    assert_eq!(fault.request_id.as_deref(), Some("t-9"));
    assert_eq!(fault.retry_after, Some(Duration::from_secs(2)));
    assert_eq!(fault.detail, "429 Too Many Requests: slow down");
    assert!(!fault.may_be_billed);
}

#[tokio::test]
async fn an_error_page_that_never_ends_does_not_hold_the_request() {
    let server = Server::start(vec![
        Step::Send(b"HTTP/1.1 503 Service Unavailable\r\n\r\n<title>Over</title>".to_vec()),
        Step::Hang,
    ])
    .await;
    let options = RestOptions {
        idle_timeout: Duration::from_millis(200),
        ..options(&server.base_url())
    };

    let fault = speak(&engine(options), &speech_params())
        .await
        .0
        .unwrap_err();

    assert_eq!(fault.class, FaultClass::Overloaded);
    assert_eq!(
        fault.detail,
        "503 Service Unavailable: a web page, \"Over\""
    );
}

#[tokio::test]
async fn the_key_is_in_no_text() {
    let echo = format!("{{\"error\":{{\"message\":\"bad key {CANARY}\",\"code\":\"{CANARY}\"}}}}");
    let head = format!(
        "x-request-id: {CANARY}\r\ncontent-type: application/{CANARY}\r\ncontent-encoding: {CANARY}\r\n"
    );
    let mut scripts = vec![vec![Step::Reset], vec![Step::Hang]];
    for status in [200, 302, 400, 401, 429, 500] {
        for head in [head.as_str(), ""] {
            let answer = format!(
                "HTTP/1.1 {status} {CANARY}\r\nlocation: http://{CANARY}:{CANARY}@x.example/?{CANARY}\r\n{head}content-length: {}\r\n\r\n{echo}",
                echo.len()
            );
            scripts.push(vec![Step::Send(answer.into_bytes())]);
        }
    }
    scripts.push(vec![Step::Send(format!("{CANARY}\r\n\r\n").into_bytes())]);
    for script in scripts {
        let server = Server::start(script).await;
        let options = RestOptions {
            total: Deadline::Fixed(Duration::from_millis(500)),
            ..options(&server.base_url())
        };
        let options_text = format!("{options:?}");
        let engine = engine(options);

        let fault = speak(&engine, &speech_params()).await.0.unwrap_err();

        let texts = format!("{fault} {fault:?} {engine:?} {options_text}");
        assert!(!texts.contains("sk-CANARY"), "{texts}");
        assert!(String::from_utf8_lossy(&server.requests()[0]).contains(CANARY));
    }
}

/// A disk that is full after some bytes.
struct FullDisk(usize);

impl io::Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_full_disk_is_our_own_fault_and_the_answer_was_paid_for() {
    let server = Server::saying(ok("audio/mpeg", &[b'x'; 5000])).await;
    let request = SpeechRequest {
        params: &speech_params(),
        input: "A short line.",
        delivery: Delivery::Rest,
    };

    let fault = engine(options(&server.base_url()))
        .speak(request, &mut FullDisk(1000))
        .await
        .unwrap_err();

    assert_eq!(fault.class, FaultClass::Local);
    assert!(fault.may_be_billed);
    assert_eq!(fault.http_status, Some(200));
}

#[tokio::test]
async fn an_upload_that_did_not_get_through_is_not_billed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.wav");
    std::fs::File::create(&path)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    let server = Server::start(vec![Step::IgnoreBody, Step::Reset]).await;

    let outcome = transcribe(
        &engine(options(&server.base_url())),
        &transcription_params(),
        &path,
    )
    .await
    .0;

    let fault = outcome.unwrap_err();
    assert_eq!(fault.class, FaultClass::Overloaded);
    assert!(!fault.may_be_billed, "{fault:?}");

    // The other way round: all of it arrived, and then nothing came back.
    std::fs::File::create(&path).unwrap().set_len(1000).unwrap();
    let server = Server::start(vec![Step::Reset]).await;
    let outcome = transcribe(
        &engine(options(&server.base_url())),
        &transcription_params(),
        &path,
    )
    .await
    .0;
    assert!(outcome.unwrap_err().may_be_billed);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_our_own_fault() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::saying(ok("application/json", b"{\"text\":\"x\"}")).await;
    let engine = engine(options(&server.base_url()));
    for path in [
        dir.path().join("missing.wav").as_path(),
        dir.path(),
        Path::new("/dev/null"),
    ] {
        let fault = transcribe(&engine, &transcription_params(), path)
            .await
            .0
            .unwrap_err();
        assert_eq!(fault.class, FaultClass::Local, "{}", path.display());
        assert!(!fault.may_be_billed);
    }
    assert_eq!(server.requests().len(), 0);
}
