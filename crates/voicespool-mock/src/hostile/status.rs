//! Refusals, failures and incomplete successes: answers that say so in their status line.

use voicespool_media::domain::FaultClass;

use crate::hostile::answer::Expected;
use crate::hostile::builder::Builder;
use crate::hostile::script::head;
use crate::wire::Step;

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

pub(super) fn add(catalogue: &mut Builder) {
    for (line, class, billed) in STATUSES {
        let name = format!("status-{}", &line[..3]);
        let answer = catalogue.add(name, Expected::Fault(*class), move |_| {
            refusal(line, &[], &words(line))
        });
        answer.billed = *billed;
    }
    catalogue
        .bad("status-204-no-content", |_| {
            vec![Step::send(head("204 No Content", &[]))]
        })
        .billed = true;
    catalogue.bad("status-205-reset-content", |_| {
        vec![Step::send(head(
            "205 Reset Content",
            &["content-length: 0"],
        ))]
    });
    account(catalogue);
    refused(catalogue);
    overloaded(catalogue);
}

/// What the provider's own error says.
pub(super) fn words(line: &str) -> String {
    format!(
        r#"{{"id":"x","error":{{"message":"hostile: {line}","type":"server_error","param":null,"code":null}}}}"#
    )
}

/// A status, header lines and a body with its length.
pub(super) fn refusal(line: &str, lines: &[&str], body: &str) -> Vec<Step> {
    let length = format!("content-length: {}", body.len());
    let mut all = vec!["content-type: application/json", length.as_str()];
    all.extend_from_slice(lines);
    let mut answer = head(line, &all);
    answer.extend_from_slice(body.as_bytes());
    vec![Step::send(answer)]
}

/// A refusal with a body that is no error in the provider's shape.
pub(super) fn page(line: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<Step> {
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

/// Refused accounts, in other shapes.
fn account(catalogue: &mut Builder) {
    catalogue.free("status-401-plain-text", FaultClass::Account, |_| {
        page("401 Unauthorized", "text/plain", "Unauthorized\n")
    });
    catalogue.free("status-402-empty", FaultClass::Account, |_| {
        page("402 Payment Required", "application/json", "")
    });
    catalogue.free("status-403-web-page", FaultClass::Account, |_| {
        page(
            "403 Forbidden",
            "text/html",
            "<html><head><title>Attention Required! | Cloudflare</title></head></html>",
        )
    });
    catalogue.free("status-429-no-credit", FaultClass::Account, |_| {
        let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        refusal("429 Too Many Requests", &["retry-after: 1"], body)
    });
}

/// Refused requests, with bodies that are hostile to who shows them.
fn refused(catalogue: &mut Builder) {
    catalogue.free("status-400-echoes-the-key", FaultClass::Refused, |proper| {
        let body = format!(
            r#"{{"error":{{"message":"bad header: {}"}}}}"#,
            proper.authorization
        );
        refusal("400 Bad Request", &[], &body)
    });
    catalogue.free("status-400-escape-sequences", FaultClass::Refused, |_| {
        let body = r#"{"error":{"message":"\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\r\nerror: all is well"}}"#;
        refusal("400 Bad Request", &[], body)
    });
    catalogue.free("status-422-list-of-details", FaultClass::Refused, |_| {
        let body = r#"{"detail":[{"loc":["body","voice"],"msg":"field required"}]}"#;
        refusal("422 Unprocessable Entity", &[], body)
    });
    catalogue.free("status-400-invalid-utf8", FaultClass::Refused, |_| {
        page(
            "400 Bad Request",
            "application/json",
            b"{\"error\":\"\xff\xfe\xc0\x80\"}",
        )
    });
    catalogue.free("status-400-deep-json", FaultClass::Refused, |_| {
        page("400 Bad Request", "application/json", "[".repeat(200_000))
    });
    catalogue.free("status-500-recording-unreadable", FaultClass::BadAnswer, |_| {
        let body = r#"{"error":{"message":"cannot decode","type":"server_error","code":"processing_failed"}}"#;
        refusal("500 Internal Server Error", &[], body)
    });
}

/// Failures whose bodies are no error in the provider's shape.
fn overloaded(catalogue: &mut Builder) {
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
        catalogue.free(
            format!("status-503-{name}"),
            FaultClass::Overloaded,
            move |_| page("503 Service Unavailable", content_type, body),
        );
    }
    catalogue.free(
        "status-500-with-the-proper-answer",
        FaultClass::Overloaded,
        |proper| {
            page(
                "500 Internal Server Error",
                proper.content_type,
                &proper.body,
            )
        },
    );
    catalogue.free("status-503-gzip", FaultClass::Overloaded, |_| {
        let lines = ["content-encoding: gzip"];
        refusal("503 Service Unavailable", &lines, "\u{1f}\u{8b}\u{8}")
    });
    catalogue.free("status-503-endless", FaultClass::Overloaded, |_| {
        vec![
            Step::send(head("503 Service Unavailable", &[])),
            Step::Endless(b"sorry ".repeat(4_000).into()),
        ]
    });
    catalogue.free(
        "status-503-hangs-in-its-body",
        FaultClass::Overloaded,
        |_| {
            vec![
                Step::send(head("503 Service Unavailable", &["content-length: 900"])),
                Step::send(&b"<title>Over"[..]),
                Step::Hang,
            ]
        },
    );
}
