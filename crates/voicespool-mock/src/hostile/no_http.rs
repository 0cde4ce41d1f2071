//! Heads that are none: other protocols, broken lines, and floods of headers.

use std::fmt::Write as _;

use crate::hostile::builder::Builder;
use crate::hostile::script::{behind, head, once};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    other_protocols(catalogue);
    broken_lines(catalogue);
    floods(catalogue);
}

/// Bytes of other protocols, and of none.
fn other_protocols(catalogue: &mut Builder) {
    let noise: Vec<u8> = (0..64_u32 * 1024)
        .map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap_or(0))
        .collect();
    for (name, bytes) in [
        (
            "http-0-9",
            b"here is your answer, without any head".to_vec(),
        ),
        (
            "http-2",
            b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\xff\xff".to_vec(),
        ),
        (
            "http-9-9",
            b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
        ("icy", b"ICY 200 OK\r\nicy-name: radio\r\n\r\n".to_vec()),
        ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("smtp", b"220 mail.example ESMTP\r\n".to_vec()),
        ("tls-alert", b"\x15\x03\x03\0\x02\x02\x28".to_vec()),
        ("noise", noise),
        ("zeros", vec![0; 64 * 1024]),
        (
            "a-request",
            b"POST /v1/audio/speech HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        ),
        ("json-without-head", br#"{"text":"no head"}"#.to_vec()),
        ("nothing", Vec::new()),
    ] {
        catalogue.broken(format!("no-http-{name}"), move |_| {
            if bytes.is_empty() {
                Vec::new()
            } else {
                once(bytes.clone())
            }
        });
    }
}

fn broken_lines(catalogue: &mut Builder) {
    for (name, text) in [
        ("status-missing", "HTTP/1.1\r\n\r\n"),
        ("status-words", "HTTP/1.1 OK\r\n\r\n"),
        ("status-two-digits", "HTTP/1.1 20 OK\r\n\r\n"),
        ("status-four-digits", "HTTP/1.1 2000 OK\r\n\r\n"),
        (
            "status-000",
            "HTTP/1.1 000 Nothing\r\ncontent-length: 0\r\n\r\n",
        ),
        ("status-negative", "HTTP/1.1 -20 OK\r\n\r\n"),
        ("status-nul-in-reason", "HTTP/1.1 200 O\0K\r\n\r\n"),
        ("no-colon", "HTTP/1.1 200 OK\r\ncontent-length 5\r\n\r\n"),
        (
            "space-before-colon",
            "HTTP/1.1 200 OK\r\ncontent-length : %LENGTH\r\n\r\n",
        ),
        ("nul-in-value", "HTTP/1.1 200 OK\r\nx-a: b\0c\r\n\r\n"),
        ("empty-name", "HTTP/1.1 200 OK\r\n: value\r\n\r\n"),
        (
            "folded",
            "HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 0\r\n\r\n",
        ),
        ("letters-in-name", "HTTP/1.1 200 OK\r\nx-\u{e4}: b\r\n\r\n"),
        ("return-in-value", "HTTP/1.1 200 OK\r\nx-a: b\rc\r\n\r\n"),
    ] {
        catalogue.broken(format!("line-{name}"), move |proper| behind(proper, text));
    }
    catalogue.bad("line-status-999", |_| {
        once(head("999 Request denied", &["content-length: 0"]))
    });
    catalogue.bad("line-status-600", |_| {
        once(head("600 Unparseable", &["content-length: 0"]))
    });
}

fn floods(catalogue: &mut Builder) {
    let flood = |count: usize, length: usize| {
        let mut text = "HTTP/1.1 200 OK\r\n".to_owned();
        for idx in 0..count {
            // Writing to a string does not fail.
            let _ = write!(text, "x-{idx}: {}\r\n", "y".repeat(length));
        }
        text + "content-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n"
    };
    for (name, count, length) in [
        ("two-hundred", 200, 10),
        ("twenty-thousand", 20_000, 100),
        ("one-of-a-megabyte", 1, 1 << 20),
    ] {
        let text = flood(count, length);
        catalogue.broken(format!("flood-{name}"), move |proper| behind(proper, &text));
    }
    let text = flood(1, 60_000);
    catalogue.harmless("flood-one-of-60-kilobytes", move |proper| {
        behind(proper, &text)
    });
    catalogue.broken("flood-name-of-70-kilobytes", |_| {
        once(head("200 OK", &[&format!("{}: x", "n".repeat(70_000))]))
    });
    catalogue.broken("flood-reason-of-a-megabyte", |_| {
        once(head(&format!("200 {}", "O".repeat(1 << 20)), &[]))
    });
    catalogue.broken("flood-without-end-of-line", |_| {
        vec![
            Step::send(&b"HTTP/1.1 200 OK\r\nx: "[..]),
            Step::Endless(vec![b'y'; 64 * 1024].into()),
        ]
    });
    catalogue.broken("flood-of-headers-without-end", |_| {
        vec![
            Step::send(&b"HTTP/1.1 200 OK\r\n"[..]),
            Step::Endless(b"x-more: and more\r\n".repeat(3_000).into()),
        ]
    });
    catalogue.broken("flood-of-newlines", |_| {
        vec![Step::Endless(b"\r\n".repeat(32_000).into())]
    });
}
