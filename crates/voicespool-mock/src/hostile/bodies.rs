//! Whole bodies that are not what was asked for, whatever that was.

use std::time::Duration;

use crate::hostile::{Limit, Shelf, chunk, ok, ok_with, proper_answer, typed};
use crate::wire::Step;

/// A web page, as hotels answer.
const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Sign in to Hotel WiFi</title></head><body></body></html>";

/// An error under a status that promised success.
const ERROR: &str = r#"{"error":{"message":"The model is asleep.","type":"server_error"}}"#;

pub(super) fn add(shelf: &mut Shelf) {
    words(shelf);
    bytes(shelf);
    encodings(shelf);
    endless(shelf);
}

fn words(shelf: &mut Shelf) {
    for (name, content_type, body) in [
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
    ] {
        shelf.bad(format!("words-{name}"), move |_| {
            vec![Step::send(typed(content_type, body.as_bytes()))]
        });
    }
    for (name, body) in [("json-error", ERROR), ("web-page", PAGE)] {
        shelf.bad(
            format!("words-{name}-with-the-proper-type"),
            move |proper| vec![Step::send(ok_with(proper, &["age: 60"], body.as_bytes()))],
        );
    }
    shelf.bad("words-utf16-web-page", |_| {
        let wide: Vec<u8> = PAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        vec![Step::send(typed(
            "text/html; charset=utf-16",
            &[b"\xff\xfe", &wide[..]].concat(),
        ))]
    });
    shelf.bad("words-json-error-byte-by-byte", |_| {
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
    shelf.bad("words-json-error-behind-a-mark", |_| {
        let body = ["\u{feff}", ERROR].concat();
        vec![Step::send(typed(
            "application/json; charset=utf-8",
            body.as_bytes(),
        ))]
    });
}

fn bytes(shelf: &mut Shelf) {
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
        shelf.bad(format!("bytes-{name}"), move |_| {
            vec![Step::send(typed(content_type, &body))]
        });
    }
    shelf.bad("bytes-none", |proper| {
        vec![Step::send(ok_with(proper, &[], b""))]
    });
    shelf.bad("bytes-none-in-chunks", |proper| {
        let mut answer = ok(proper, &["transfer-encoding: chunked"]);
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    shelf.bad("bytes-none-until-close", |proper| {
        vec![Step::send(ok(proper, &["connection: close"]))]
    });
    shelf.bad("bytes-backwards", |proper| {
        let body: Vec<u8> = proper.body.iter().rev().copied().collect();
        vec![Step::send(ok_with(proper, &[], &body))]
    });
    shelf.bad("bytes-without-the-first", |proper| {
        vec![Step::send(ok_with(proper, &["x-a: b"], &proper.body[1..]))]
    });
    shelf.bad("bytes-behind-noise", |proper| {
        let body = [&b"\x01\x02\x03\x04garbage"[..], &proper.body].concat();
        vec![Step::send(ok_with(proper, &[], &body))]
    });
    shelf.bad("bytes-multipart", |proper| {
        let body = [
            &b"--x\r\ncontent-type: audio/wav\r\n\r\n"[..],
            &proper.body,
            b"\r\n--x--",
        ]
        .concat();
        vec![Step::send(typed("multipart/mixed; boundary=x", &body))]
    });
}

fn encodings(shelf: &mut Shelf) {
    for name in ["gzip", "br", "deflate", "zstd", "x-gzip", "aws-chunked"] {
        shelf.bad(format!("encoding-{name}-claimed"), move |proper| {
            let encoding = format!("content-encoding: {name}");
            vec![Step::send(ok_with(proper, &[&encoding], &proper.body))]
        });
    }
    // A stored block: gzip of anything without a compressor.
    let stored = |body: &[u8]| {
        let mut file = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
        let start = &body[..body.len().min(60_000)];
        let length = u16::try_from(start.len()).unwrap_or(0);
        file.push(1);
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        file.extend_from_slice(start);
        file.extend_from_slice(&[0; 8]);
        file
    };
    shelf.bad("encoding-gzip-told", move |proper| {
        let lines = ["content-encoding: gzip"];
        vec![Step::send(ok_with(proper, &lines, &stored(&proper.body)))]
    });
    shelf.bad("encoding-gzip-untold", move |proper| {
        vec![Step::send(ok_with(proper, &[], &stored(&proper.body)))]
    });
    shelf.bad("encoding-transfer-gzip", |proper| {
        let mut answer = ok(proper, &["transfer-encoding: gzip, chunked"]);
        answer.extend_from_slice(&chunk(b"\x1f\x8b\x08\0\0\0\0\0\0\x03"));
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    shelf.harmless("encoding-identity", |proper| {
        let lines = ["content-encoding: identity"];
        vec![Step::send(ok_with(proper, &lines, &proper.body))]
    });
    shelf.harmless("encoding-identity-shouted", |proper| {
        let lines = ["content-encoding: IDENTITY"];
        vec![Step::send(ok_with(proper, &lines, &proper.body))]
    });
    for (name, content_type) in [
        ("bytes", "application/octet-stream"),
        ("image", "image/png"),
        ("nonsense", "this is not a type"),
        ("empty", ""),
        ("web-page", "text/html; charset=utf-8"),
        ("plain-text", "text/plain"),
        ("form", "application/x-www-form-urlencoded"),
    ] {
        shelf.harmless(format!("type-{name}"), move |proper| {
            vec![Step::send(typed(content_type, &proper.body))]
        });
    }
    shelf.harmless("type-none", |proper| {
        let length = format!("content-length: {}", proper.body.len());
        let mut answer = crate::hostile::head("200 OK", &[&length]);
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer)]
    });
}

fn endless(shelf: &mut Shelf) {
    shelf.bad("endless-until-close", |proper| {
        let more = proper.body.repeat(8);
        vec![
            Step::send(ok(proper, &["connection: close"])),
            Step::send(proper.body.clone()),
            Step::Endless(more.into()),
        ]
    });
    shelf.bad("endless-in-chunks", |proper| {
        vec![
            Step::send(ok(proper, &["transfer-encoding: chunked"])),
            Step::Endless(chunk(&proper.body.repeat(8)).into()),
        ]
    });
    shelf.bad("endless-spaces", |proper| {
        vec![
            Step::send(ok(proper, &["connection: close"])),
            Step::Endless(vec![b' '; 256 * 1024].into()),
        ]
    });
    shelf.bad("endless-words", |_| {
        let mut answer = crate::hostile::head(
            "200 OK",
            &["content-type: text/html", "transfer-encoding: chunked"],
        );
        answer.extend_from_slice(&chunk(b"<html><title>For ever</title>"));
        vec![
            Step::send(answer),
            Step::Endless(chunk(&b"and ever ".repeat(2_000)).into()),
        ]
    });
    shelf.late("endless-slowly", Limit::Total, |proper| {
        let start = proper_answer(proper);
        let head = start.len() - proper.body.len();
        let mut steps = vec![Step::send(
            [&ok(proper, &["connection: close"])[..], &start[head..]].concat(),
        )];
        steps.push(Step::Drip {
            bytes: vec![0x20; 10_000].into(),
            size: 1,
            pause: Duration::from_millis(150),
        });
        steps
    });
}
