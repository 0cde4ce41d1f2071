//! Refusals, failures and redirects: answers that say so in their status line.

use crate::hostile::{Expected, Proper, Shelf, head};
use crate::wire::Step;
use voicespool_media::domain::FaultClass;

/// The time at the provider, for headers that count from it.
const DATE: &str = "date: Sun, 22 Nov 2026 10:00:00 GMT";

/// Statuses of an answer in the provider's shape, and what each means.
const STATUSES: &[(&str, FaultClass, bool)] = &[
    ("400 Bad Request", FaultClass::Refused, false),
    ("401 Unauthorized", FaultClass::Account, false),
    ("402 Payment Required", FaultClass::Account, false),
    ("403 Forbidden", FaultClass::Account, false),
    ("404 Not Found", FaultClass::Refused, false),
    ("405 Method Not Allowed", FaultClass::Refused, false),
    ("406 Not Acceptable", FaultClass::Refused, false),
    (
        "407 Proxy Authentication Required",
        FaultClass::Refused,
        false,
    ),
    ("408 Request Timeout", FaultClass::Overloaded, false),
    ("409 Conflict", FaultClass::Overloaded, false),
    ("410 Gone", FaultClass::Refused, false),
    ("411 Length Required", FaultClass::Refused, false),
    ("413 Payload Too Large", FaultClass::Refused, false),
    ("414 URI Too Long", FaultClass::Refused, false),
    ("415 Unsupported Media Type", FaultClass::Refused, false),
    ("416 Range Not Satisfiable", FaultClass::Refused, false),
    ("418 I'm a teapot", FaultClass::Refused, false),
    ("421 Misdirected Request", FaultClass::Refused, false),
    ("422 Unprocessable Entity", FaultClass::Refused, false),
    ("425 Too Early", FaultClass::Overloaded, false),
    ("426 Upgrade Required", FaultClass::Refused, false),
    ("428 Precondition Required", FaultClass::Refused, false),
    (
        "431 Request Header Fields Too Large",
        FaultClass::Refused,
        false,
    ),
    (
        "451 Unavailable For Legal Reasons",
        FaultClass::Refused,
        false,
    ),
    ("499 Client Closed Request", FaultClass::Refused, false),
    ("500 Internal Server Error", FaultClass::Overloaded, false),
    ("501 Not Implemented", FaultClass::Refused, false),
    ("502 Bad Gateway", FaultClass::Overloaded, true),
    ("503 Service Unavailable", FaultClass::Overloaded, false),
    ("504 Gateway Timeout", FaultClass::Overloaded, true),
    ("505 HTTP Version Not Supported", FaultClass::Refused, false),
    ("507 Insufficient Storage", FaultClass::Overloaded, false),
    ("508 Loop Detected", FaultClass::Overloaded, false),
    (
        "511 Network Authentication Required",
        FaultClass::Overloaded,
        false,
    ),
    ("520 Unknown Error", FaultClass::Overloaded, true),
    ("521 Web Server Is Down", FaultClass::Overloaded, false),
    ("522 Connection Timed Out", FaultClass::Overloaded, false),
    ("523 Origin Is Unreachable", FaultClass::Overloaded, false),
    ("524 A Timeout Occurred", FaultClass::Overloaded, true),
    ("525 SSL Handshake Failed", FaultClass::Overloaded, false),
    ("526 Invalid SSL Certificate", FaultClass::Overloaded, false),
    ("529 Site is overloaded", FaultClass::Overloaded, false),
    ("530 Site is frozen", FaultClass::Overloaded, false),
    ("598 Network read timeout", FaultClass::Overloaded, false),
    ("599 Network connect timeout", FaultClass::Overloaded, false),
    // Successes that bring no whole answer. What they cost nobody says.
    ("202 Accepted", FaultClass::BadAnswer, true),
    (
        "203 Non-Authoritative Information",
        FaultClass::BadAnswer,
        true,
    ),
    ("206 Partial Content", FaultClass::BadAnswer, true),
    ("207 Multi-Status", FaultClass::BadAnswer, true),
    ("226 IM Used", FaultClass::BadAnswer, true),
    ("299 Warning", FaultClass::BadAnswer, true),
];

pub(super) fn add(shelf: &mut Shelf) {
    for (line, class, billed) in STATUSES {
        let name = format!("status-{}", &line[..3]);
        let answer = shelf.add(name, Expected::Fault(*class), move |_| {
            refusal(line, &[], &words(line))
        });
        answer.billed = *billed;
    }
    shelf
        .bad("status-204-no-content", |_| {
            vec![Step::send(head("204 No Content", &[]))]
        })
        .billed = true;
    shelf.bad("status-205-reset-content", |_| {
        vec![Step::send(head(
            "205 Reset Content",
            &["content-length: 0"],
        ))]
    });
    bodies(shelf);
    throttles(shelf);
    redirects(shelf);
}

/// What the provider's own error says.
fn words(line: &str) -> String {
    format!(
        r#"{{"id":"x","error":{{"message":"hostile: {line}","type":"server_error","param":null,"code":null}}}}"#
    )
}

/// A status, header lines and a body with its length.
fn refusal(line: &str, lines: &[&str], body: &str) -> Vec<Step> {
    let length = format!("content-length: {}", body.len());
    let mut all = vec!["content-type: application/json", length.as_str()];
    all.extend_from_slice(lines);
    let mut answer = head(line, &all);
    answer.extend_from_slice(body.as_bytes());
    vec![Step::send(answer)]
}

/// A refusal with a body that is no error in the provider's shape.
fn page(line: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<Step> {
    let body = body.as_ref();
    let mut answer = head(
        line,
        &[
            &format!("content-type: {content_type}"),
            &format!("content-length: {}", body.len()),
        ],
    );
    answer.extend_from_slice(body);
    vec![Step::send(answer)]
}

fn free(
    shelf: &mut Shelf,
    name: &str,
    class: FaultClass,
    script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
) {
    shelf.add(name, Expected::Fault(class), script).billed = false;
}

fn bodies(shelf: &mut Shelf) {
    use FaultClass::{Account, BadAnswer, Overloaded, Refused};
    free(shelf, "status-401-plain-text", Account, |_| {
        page("401 Unauthorized", "text/plain", "Unauthorized\n")
    });
    free(shelf, "status-402-empty", Account, |_| {
        page("402 Payment Required", "application/json", "")
    });
    free(shelf, "status-403-web-page", Account, |_| {
        page(
            "403 Forbidden",
            "text/html",
            "<html><head><title>Attention Required! | Cloudflare</title></head></html>",
        )
    });
    free(shelf, "status-429-no-credit", Account, |_| {
        let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        refusal("429 Too Many Requests", &["retry-after: 1"], body)
    });
    free(shelf, "status-400-echoes-the-key", Refused, |proper| {
        let body = format!(
            r#"{{"error":{{"message":"bad header: {}"}}}}"#,
            proper.authorization
        );
        refusal("400 Bad Request", &[], &body)
    });
    free(shelf, "status-400-escape-sequences", Refused, |_| {
        let body = r#"{"error":{"message":"\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\r\nerror: all is well"}}"#;
        refusal("400 Bad Request", &[], body)
    });
    free(shelf, "status-422-list-of-details", Refused, |_| {
        let body = r#"{"detail":[{"loc":["body","voice"],"msg":"field required"}]}"#;
        refusal("422 Unprocessable Entity", &[], body)
    });
    free(shelf, "status-400-invalid-utf8", Refused, |_| {
        page(
            "400 Bad Request",
            "application/json",
            b"{\"error\":\"\xff\xfe\xc0\x80\"}",
        )
    });
    free(shelf, "status-400-deep-json", Refused, |_| {
        page("400 Bad Request", "application/json", "[".repeat(200_000))
    });
    free(shelf, "status-500-recording-unreadable", BadAnswer, |_| {
        let body = r#"{"error":{"message":"cannot decode","type":"server_error","code":"processing_failed"}}"#;
        refusal("500 Internal Server Error", &[], body)
    });
    for (name, content_type, body) in [
        ("web-page", "text/html", "<html><title>502</title></html>"),
        ("plain-text", "text/plain", "upstream connect error"),
        ("empty", "text/plain", ""),
        (
            "words-that-lie",
            "application/json",
            r#"{"text":"all is well"}"#,
        ),
        ("half-json", "application/json", r#"{"error":{"mess"#),
    ] {
        free(
            shelf,
            &format!("status-503-{name}"),
            Overloaded,
            move |_| page("503 Service Unavailable", content_type, body),
        );
    }
    free(
        shelf,
        "status-500-with-the-proper-answer",
        Overloaded,
        |proper| {
            page(
                "500 Internal Server Error",
                proper.content_type,
                &proper.body,
            )
        },
    );
    free(shelf, "status-503-gzip", Overloaded, |_| {
        let lines = ["content-encoding: gzip"];
        refusal("503 Service Unavailable", &lines, "\u{1f}\u{8b}\u{8}")
    });
    free(shelf, "status-503-endless", Overloaded, |_| {
        vec![
            Step::send(head("503 Service Unavailable", &[])),
            Step::Endless(b"sorry ".repeat(4_000).into()),
        ]
    });
    free(shelf, "status-503-hangs-in-its-body", Overloaded, |_| {
        vec![
            Step::send(head("503 Service Unavailable", &["content-length: 900"])),
            Step::send(&b"<title>Over"[..]),
            Step::Hang,
        ]
    });
}

/// Seconds.
type Wait = Option<(f64, f64)>;

/// The wait that a 429 asks for, in every spelling: header lines, seconds at least and at
/// most (`None`: it is nonsense, and the client's own delay holds).
const WAITS: &[(&str, &[&str], Wait)] = &[
    ("without-a-wait", &[], None),
    ("zero", &["retry-after: 0"], Some((0.0, 1.0))),
    ("one-second", &["retry-after: 1"], Some((1.0, 2.0))),
    ("fraction", &["retry-after: 0.25"], Some((0.25, 1.25))),
    ("padded", &["retry-after:    1   "], Some((1.0, 2.0))),
    ("exponent", &["retry-after: 1e0"], Some((1.0, 2.0))),
    ("a-minute", &["retry-after: 60"], Some((60.0, 66.0))),
    ("a-day", &["retry-after: 86400"], Some((900.0, 990.0))),
    (
        "huge",
        &["retry-after: 99999999999999999999999999"],
        Some((900.0, 990.0)),
    ),
    ("overflowing", &["retry-after: 1e999"], None),
    ("negative", &["retry-after: -5"], None),
    ("not-a-number", &["retry-after: NaN"], None),
    ("infinite", &["retry-after: inf"], None),
    ("words", &["retry-after: soon"], None),
    ("empty", &["retry-after:"], None),
    ("hexadecimal", &["retry-after: 0x10"], None),
    ("comma", &["retry-after: 1,5"], None),
    (
        "date-past",
        &[DATE, "retry-after: Sun, 22 Nov 2026 09:00:00 GMT"],
        Some((0.0, 1.0)),
    ),
    (
        "date-future",
        &[DATE, "retry-after: Sun, 22 Nov 2026 10:00:30 GMT"],
        Some((30.0, 33.0)),
    ),
    (
        "date-rfc850",
        &[DATE, "retry-after: Sunday, 22-Nov-26 10:00:30 GMT"],
        Some((30.0, 33.0)),
    ),
    (
        "date-asctime",
        &[DATE, "retry-after: Sun Nov 22 10:00:30 2026"],
        Some((30.0, 33.0)),
    ),
    (
        "date-never",
        &[DATE, "retry-after: Fri, 31 Dec 9999 23:59:59 GMT"],
        Some((900.0, 990.0)),
    ),
    (
        "date-without-now",
        &["retry-after: Sun, 22 Nov 2026 10:00:30 GMT"],
        None,
    ),
    (
        "date-nonsense",
        &[DATE, "retry-after: Sun, 99 Nov 2026 10:00:30 GMT"],
        None,
    ),
    ("milliseconds", &["retry-after-ms: 1500"], Some((1.5, 2.5))),
    ("negative-milliseconds", &["retry-after-ms: -1"], None),
    ("reset", &["x-ratelimit-reset: 1.5"], Some((1.5, 2.5))),
    (
        "reset-at-a-time",
        &[DATE, "x-ratelimit-reset: 1795341602"],
        Some((2.0, 3.0)),
    ),
    (
        "reset-without-now",
        &["x-ratelimit-reset: 1795341602"],
        None,
    ),
    (
        "two-headers",
        &["retry-after: 1", "x-ratelimit-reset: 2"],
        Some((2.0, 3.0)),
    ),
    (
        "twice",
        &["retry-after: 1", "retry-after: 500"],
        Some((1.0, 2.0)),
    ),
];

fn throttles(shelf: &mut Shelf) {
    for (name, lines, wait) in WAITS {
        let answer = shelf.add(
            format!("throttle-{name}"),
            Expected::Fault(FaultClass::Throttled),
            move |_| refusal("429 Too Many Requests", lines, &words(name)),
        );
        answer.wait = *wait;
        answer.billed = false;
    }
    free(shelf, "throttle-web-page", FaultClass::Throttled, |_| {
        page(
            "429 Too Many Requests",
            "text/html",
            "<html><title>Slow down</title></html>",
        )
    });
    free(shelf, "throttle-hangs", FaultClass::Throttled, |_| {
        vec![
            Step::send(head("429 Too Many Requests", &["content-length: 10"])),
            Step::Hang,
        ]
    });
}

fn redirects(shelf: &mut Shelf) {
    let mut redirect = |name: &str, line: &'static str, to: fn(&Proper) -> Option<String>| {
        let script = move |proper: &Proper| {
            let location = to(proper).map(|to| format!("location: {to}"));
            let mut lines = vec!["content-length: 0"];
            lines.extend(location.as_deref());
            vec![Step::send(head(line, &lines))]
        };
        let expected = Expected::Fault(FaultClass::Refused);
        shelf
            .add(format!("redirect-{name}"), expected, script)
            .billed = false;
    };
    let away = |proper: &Proper| Some(format!("http://{}/v1/audio/speech", proper.elsewhere));
    redirect("300", "300 Multiple Choices", away);
    redirect("301", "301 Moved Permanently", away);
    redirect("302", "302 Found", away);
    redirect("303", "303 See Other", away);
    redirect("304", "304 Not Modified", |_| None);
    redirect("305", "305 Use Proxy", away);
    redirect("307", "307 Temporary Redirect", away);
    redirect("308", "308 Permanent Redirect", away);
    redirect("307-with-a-key", "307 Temporary Redirect", |proper| {
        Some(format!("http://user:pass@{}/?key=stolen", proper.elsewhere))
    });
    redirect("307-without-scheme", "307 Temporary Redirect", |proper| {
        Some(format!("//{}/v1/audio/speech", proper.elsewhere))
    });
    redirect("307-to-itself", "307 Temporary Redirect", |_| {
        Some("/v1/audio/speech".to_owned())
    });
    redirect("307-to-a-file", "307 Temporary Redirect", |_| {
        Some("file:///etc/passwd".to_owned())
    });
    redirect("307-to-a-script", "307 Temporary Redirect", |_| {
        Some("javascript:alert(1)".to_owned())
    });
    redirect("307-nowhere", "307 Temporary Redirect", |_| None);
    redirect("308-to-nonsense", "308 Permanent Redirect", |_| {
        Some("http://[::1".to_owned())
    });
}
