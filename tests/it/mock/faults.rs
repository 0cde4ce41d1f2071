//! Faults, paces and knobs.

use super::*;

#[tokio::test]
async fn every_fault_is_what_it_says() {
    let mock = start(MockOptions::default()).await;
    let options = RestOptions {
        total: Deadline::Fixed(Duration::from_secs(1)),
        max_answer_bytes: ByteCap::Fixed(1 << 20),
        ..options_for(&mock)
    };
    let engine = RestEngine::new(options).unwrap();
    let mut report = String::new();
    for fault in [
        "status=400",
        "status=401",
        "status=402",
        "status=429;rate-reset=2",
        "status=429;retry-after=Sun, 06 Nov 1994 08:49:37 GMT",
        "status=500",
        "status=503;retry-after-ms=1500",
        "redirect=http://127.0.0.1:9/",
        "body=json",
        "body=html",
        "body=text",
        "body=empty",
        "encoding=gzip",
        "cut=1000",
        "cut=1000;framing=chunked",
        "cut=1000;framing=close",
        "framing=chunked",
        "body=silence",
        "body=other",
        "endless",
        "endless;framing=close",
        "drip=1000",
        "hang",
    ] {
        mock.set_faults(vec![FaultRule::every(1, fault.parse().unwrap())]);
        let before = mock.invoice().billed_requests;
        let outcome = match speak(&engine, AudioFormat::Wav, TEXT).await {
            Ok((answer, _)) => format!("{} bytes", answer.bytes),
            Err(error) => {
                let wait = error
                    .retry_after
                    .map_or(String::new(), |wait| format!(", {wait:?}"));
                format!("{}{wait}: {}", error.class, error.detail)
            }
        };
        let billed = if mock.invoice().billed_requests > before {
            "billed"
        } else {
            "free"
        };
        let outcome = outcome.replace(&mock.addr.to_string(), "HOST");
        writeln!(report, "{fault} [{billed}] {outcome}").unwrap();
    }

    insta::assert_snapshot!(report, @r#"
    status=400 [free] refused: 400 Bad Request: Injected fault: status 400.
    status=401 [free] account: 401 Unauthorized: Injected fault: status 401.
    status=402 [free] account: 402 Payment Required: Injected fault: status 402.
    status=429;rate-reset=2 [free] throttled, 2s: 429 Too Many Requests: Injected fault: status 429.
    status=429;retry-after=Sun, 06 Nov 1994 08:49:37 GMT [free] throttled, 0ns: 429 Too Many Requests: Injected fault: status 429.
    status=500 [free] overloaded: 500 Internal Server Error: Injected fault: status 500.
    status=503;retry-after-ms=1500 [free] overloaded, 1.5s: 503 Service Unavailable: Injected fault: status 503.
    redirect=http://127.0.0.1:9/ [free] refused: 307 Temporary Redirect: redirects to 127.0.0.1:9 are not followed
    body=json [free] bad_answer: status 200 brought words instead of audio: Injected words under status 200.
    body=html [free] bad_answer: status 200 brought words instead of audio: a web page, "Sign in to Hotel WiFi"
    body=text [free] bad_answer: status 200 brought words instead of audio: Injected words.
    body=empty [free] bad_answer: the answer is empty
    encoding=gzip [billed] bad_answer: the answer is encoded as `gzip`, which was not asked for
    cut=1000 [billed] bad_answer: the answer of HOST broke off: end of file before message length reached
    cut=1000;framing=chunked [billed] bad_answer: the answer of HOST broke off: unexpected EOF during chunk size line
    cut=1000;framing=close [billed] 1000 bytes
    framing=chunked [billed] 171494 bytes
    body=silence [billed] 192044 bytes
    body=other [billed] 36620 bytes
    endless [billed] bad_answer: the answer is larger than 1048576 bytes
    endless;framing=close [billed] bad_answer: the answer is larger than 1048576 bytes
    drip=1000 [billed] timed_out: the answer was not finished by HOST within 1s
    hang [free] timed_out: no answer from HOST within 1s
    "#);
}

#[tokio::test]
async fn above_its_rate_it_throttles_and_says_for_how_long() {
    let mock = start(MockOptions {
        rate: Some(Rate {
            per_second: 0.1,
            burst: 2.0,
        }),
        ..MockOptions::default()
    })
    .await;
    let engine = engine_for(&mock);
    for _ in 0..2 {
        speak(&engine, AudioFormat::Wav, TEXT).await.unwrap();
    }

    let fault = speak(&engine, AudioFormat::Wav, TEXT).await.unwrap_err();

    assert_eq!(fault.class, FaultClass::Throttled);
    let wait = fault.retry_after.unwrap();
    assert!(
        wait > Duration::from_secs(8) && wait <= Duration::from_secs(10),
        "{wait:?}"
    );
}

#[tokio::test]
async fn knobs_turn_over_http_and_reset_puts_them_back() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    let admin = async |path: &str, body: &str| {
        let url = format!("http://{}/_mock/{path}", mock.addr);
        let answer = http().post(url).body(body.to_owned()).send().await.unwrap();
        answer.status().as_u16()
    };

    let rules = r#"{"rules":[{"every":2,"path":"speech","fault":"status=503"}],"latency_ms":1}"#;
    assert_eq!(admin("faults", rules).await, 200);
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(speak(&engine, AudioFormat::Wav, TEXT).await.is_ok());
    }
    assert_eq!(outcomes, [true, false, true, false]);
    assert_eq!(admin("faults", r#"{"rulez":[]}"#).await, 400);
    assert_eq!(
        admin("faults", r#"{"rules":[{"fault":"explode"}]}"#).await,
        400
    );
    assert_eq!(admin("reset", "").await, 200);
    assert!(speak(&engine, AudioFormat::Wav, TEXT).await.is_ok());
    assert!(speak(&engine, AudioFormat::Wav, TEXT).await.is_ok());
    assert_eq!(mock.invoice().requests, 2);
    assert_eq!(mock.requests_after(0)[0].sequence, 5, "numbers go on");
}

#[tokio::test]
async fn a_request_can_ask_for_its_own_fault() {
    let mock = start(MockOptions::default()).await;
    let post = async |fault: &str| {
        http()
            .post(format!("{}/audio/speech", mock.base_url()))
            .header("x-mock-fault", fault)
            .body(r#"{"model":"tts-1","input":"Hi.","voice":"alloy"}"#)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };

    assert_eq!(post("status=529;retry-after=1").await, 529);
    assert_eq!(post("explode").await, 400);
    assert_eq!(
        mock.requests_after(0)[0].fault.as_deref(),
        Some("status=529;retry-after=1")
    );
}
