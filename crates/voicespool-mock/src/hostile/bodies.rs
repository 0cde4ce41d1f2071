//! Whole bodies that are not what was asked for, whatever that was.

use std::time::Duration;

use crate::hostile::builder::Builder;
use crate::hostile::script::{ok, ok_with, typed};
use crate::wire::Step;

/// A web page, as hotels answer.
const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Sign in to Hotel WiFi</title></head><body></body></html>";

/// An error under a status that promised success.
const ERROR: &str = r#"{"error":{"message":"The model is asleep.","type":"server_error"}}"#;

/// Words where sound or a transcript should be: name, content type, body.
const WORDS: &[(&str, &str, &str)] = &[
    ("json-error", "application/json", ERROR),
    ("web-page", "text/html", PAGE),
    ("web-page-as-bytes", "application/octet-stream", PAGE),
    ("plain-text", "text/plain", "Try again later."),
    (
        "xml-error",
        "application/xml",
        "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>",
    ),
    ("whitespace", "text/plain", "  \r\n\t \n"),
    ("newline", "application/octet-stream", "\n"),
    (
        "event-stream",
        "text/event-stream",
        "data: {\"audio\":\"UklGRg==\"}\n\ndata: [DONE]\n\n",
    ),
    ("base64", "text/plain", "UklGRiQAAABXQVZFZm10IBAAAAABAAEA"),
    (
        "job-ticket",
        "application/json",
        r#"{"id":"job-1","status":"queued"}"#,
    ),
    ("null", "application/json", "null"),
    ("empty-list", "application/json", "[]"),
    ("true", "application/json", "true"),
    ("number", "application/json", "0"),
    ("string", "application/json", "\"done\""),
];

pub(super) fn add(catalogue: &mut Builder) {
    words(catalogue);
    other_files(catalogue);
    misplaced_bytes(catalogue);
}

fn words(catalogue: &mut Builder) {
    for (name, content_type, body) in WORDS {
        catalogue.bad(format!("words-{name}"), move |_| {
            vec![Step::send(typed(content_type, body.as_bytes()))]
        });
    }
    for (name, body) in [("json-error", ERROR), ("web-page", PAGE)] {
        catalogue.bad(
            format!("words-{name}-with-the-proper-type"),
            move |proper| vec![Step::send(ok_with(proper, &["age: 60"], body.as_bytes()))],
        );
    }
    catalogue.bad("words-utf16-web-page", |_| {
        let wide: Vec<u8> = PAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        vec![Step::send(typed(
            "text/html; charset=utf-16",
            &[b"\xff\xfe", &wide[..]].concat(),
        ))]
    });
    catalogue.bad("words-json-error-byte-by-byte", |_| {
        let mut answer = typed("application/json", ERROR.as_bytes());
        let body = answer.split_off(answer.len() - ERROR.len());
        vec![
            Step::send(answer),
            Step::Drip {
                bytes: body.into(),
                size: 1,
                pause: Duration::from_millis(2),
            },
        ]
    });
    catalogue.bad("words-json-error-behind-a-mark", |_| {
        let body = ["\u{feff}", ERROR].concat();
        vec![Step::send(typed(
            "application/json; charset=utf-8",
            body.as_bytes(),
        ))]
    });
}

fn other_files(catalogue: &mut Builder) {
    let noise: Vec<u8> = (0..40_000_u32)
        .map(|n| u8::try_from(n.wrapping_mul(2_246_822_519) >> 24).unwrap_or(0))
        .collect();
    for (name, content_type, body) in [
        (
            "pdf",
            "application/pdf",
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(),
        ),
        (
            "png",
            "image/png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
        ),
        (
            "zip",
            "application/zip",
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(),
        ),
        (
            "program",
            "application/octet-stream",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0".to_vec(),
        ),
        ("noise", "application/octet-stream", noise),
        ("zeros", "application/octet-stream", vec![0; 40_000]),
        (
            "invalid-utf8",
            "text/plain",
            b"\xc0\x80\xff\xfe\xed\xa0\x80".to_vec(),
        ),
    ] {
        catalogue.bad(format!("bytes-{name}"), move |_| {
            vec![Step::send(typed(content_type, &body))]
        });
    }
}

/// The proper bytes, or none, in the wrong way.
fn misplaced_bytes(catalogue: &mut Builder) {
    catalogue.bad("bytes-none", |proper| {
        vec![Step::send(ok_with(proper, &[], b""))]
    });
    catalogue.bad("bytes-none-in-chunks", |proper| {
        let mut answer = ok(proper, &["transfer-encoding: chunked"]);
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    catalogue.bad("bytes-none-until-close", |proper| {
        vec![Step::send(ok(proper, &["connection: close"]))]
    });
    catalogue.bad("bytes-backwards", |proper| {
        let body: Vec<u8> = proper.body.iter().rev().copied().collect();
        vec![Step::send(ok_with(proper, &[], &body))]
    });
    catalogue.bad("bytes-without-the-first", |proper| {
        vec![Step::send(ok_with(proper, &["x-a: b"], &proper.body[1..]))]
    });
    catalogue.bad("bytes-behind-noise", |proper| {
        let body = [&b"\x01\x02\x03\x04garbage"[..], &proper.body].concat();
        vec![Step::send(ok_with(proper, &[], &body))]
    });
    catalogue.bad("bytes-multipart", |proper| {
        let body = [
            &b"--x\r\ncontent-type: audio/wav\r\n\r\n"[..],
            &proper.body,
            b"\r\n--x--",
        ]
        .concat();
        vec![Step::send(typed("multipart/mixed; boundary=x", &body))]
    });
}
