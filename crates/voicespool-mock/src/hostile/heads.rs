//! Heads: what stands before the body, bent and broken.

use std::fmt::Write as _;
use std::time::Duration;

use crate::hostile::{Expected, Limit, Proper, Shelf, chunk, head, ok, ok_with, proper_answer};
use crate::wire::Step;
use voicespool_media::domain::FaultClass;

pub(super) fn add(shelf: &mut Shelf) {
    odd_but_right(shelf);
    interim(shelf);
    no_http(shelf);
    broken_lines(shelf);
    floods(shelf);
    lengths(shelf);
    stops(shelf);
}

fn once(bytes: Vec<u8>) -> Vec<Step> {
    vec![Step::send(bytes)]
}

/// The proper answer behind a head of its own making.
fn behind(proper: &Proper, head: &str) -> Vec<Step> {
    let mut answer = head.replace("%LENGTH", &proper.body.len().to_string());
    answer = answer.replace("%TYPE", proper.content_type);
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(&proper.body);
    once(answer)
}

/// Heads that nobody writes, and that say what they should.
const ODD: &[(&str, &str)] = &[
    (
        "no-reason",
        "HTTP/1.1 200\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "long-reason",
        "HTTP/1.1 200 Everything went as well as anybody could have hoped\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "bare-newlines",
        "HTTP/1.1 200 OK\ncontent-type: %TYPE\ncontent-length: %LENGTH\n\n",
    ),
    (
        "shouting",
        "HTTP/1.1 200 OK\r\nCONTENT-TYPE: %TYPE\r\nCONTENT-LENGTH: %LENGTH\r\n\r\n",
    ),
    (
        "no-spaces",
        "HTTP/1.1 200 OK\r\ncontent-type:%TYPE\r\ncontent-length:%LENGTH\r\n\r\n",
    ),
    (
        "tabs",
        "HTTP/1.1 200 OK\r\ncontent-type:\t%TYPE\t\r\ncontent-length:\t%LENGTH\r\n\r\n",
    ),
    (
        "blank-lines-first",
        "\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "http-1-0",
        "HTTP/1.0 200 OK\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "http-1-0-until-close",
        "HTTP/1.0 200 OK\r\ncontent-type: %TYPE\r\n\r\n",
    ),
    (
        "until-close",
        "HTTP/1.1 200 OK\r\ncontent-type: %TYPE\r\nconnection: close\r\n\r\n",
    ),
    (
        "status-201",
        "HTTP/1.1 201 Created\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "foreign-letters",
        "HTTP/1.1 200 OK\r\nx-greeting: gr\u{fc}\u{df} dich\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "same-length-twice",
        "HTTP/1.1 200 OK\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "two-types",
        "HTTP/1.1 200 OK\r\ncontent-type: %TYPE\r\ncontent-type: application/octet-stream\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "two-request-ids",
        "HTTP/1.1 200 OK\r\nx-request-id: one\r\nx-request-id: two\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
    (
        "refresh-header",
        "HTTP/1.1 200 OK\r\nrefresh: 0; url=http://127.0.0.1:1/\r\ncontent-type: %TYPE\r\ncontent-length: %LENGTH\r\n\r\n",
    ),
];

fn odd_but_right(shelf: &mut Shelf) {
    for (name, text) in ODD {
        shelf.harmless(format!("head-{name}"), move |proper| behind(proper, text));
    }
    shelf.harmless("head-location-under-200", |proper| {
        let location = format!("location: http://{}/", proper.elsewhere);
        once(ok_with(proper, &[&location], &proper.body))
    });
    shelf.harmless("head-alternative-service", |proper| {
        let other = format!("alt-svc: h2=\"{}\"; ma=86400", proper.elsewhere);
        once(ok_with(
            proper,
            &[&other, "clear-site-data: \"*\""],
            &proper.body,
        ))
    });
    shelf.harmless("head-byte-by-byte", |proper| {
        let head = ok(proper, &[&format!("content-length: {}", proper.body.len())]);
        vec![
            Step::Drip {
                bytes: head.into(),
                size: 1,
                pause: Duration::from_millis(1),
            },
            Step::Send(proper.body.clone()),
        ]
    });
    shelf.harmless("head-ninety-headers", |proper| {
        let lines: Vec<String> = (0..90).map(|n| format!("x-{n}: {n}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        once(ok_with(proper, &lines, &proper.body))
    });
    shelf.harmless("head-followed-by-another-answer", |proper| {
        let mut twice = proper_answer(proper);
        twice.extend_from_slice(&head("200 OK", &["content-length: 4"]));
        twice.extend_from_slice(b"evil");
        once(twice)
    });
}

fn interim(shelf: &mut Shelf) {
    let mut before = |name: &str, interim: fn(&Proper) -> Vec<u8>| {
        shelf.harmless(format!("interim-{name}"), move |proper| {
            let mut answer = interim(proper);
            answer.extend_from_slice(&proper_answer(proper));
            once(answer)
        });
    };
    before("continue", |_| head("100 Continue", &[]));
    before("processing-a-thousand-times", |_| {
        head("102 Processing", &[]).repeat(1_000)
    });
    before("early-hints", |proper| {
        let link = format!("link: <http://{}/x.js>; rel=preload", proper.elsewhere);
        head("103 Early Hints", &[&link])
    });
    before("with-a-wait", |_| {
        head("103 Early Hints", &["retry-after: 900"])
    });
    shelf.add(
        "interim-switching-protocols",
        Expected::Fault(FaultClass::BadAnswer),
        |_| {
            let lines = ["upgrade: websocket", "connection: upgrade"];
            once(head("101 Switching Protocols", &lines))
        },
    );
    shelf.late("interim-for-ever", Limit::Total, |_| {
        vec![Step::Drip {
            bytes: head("102 Processing", &[]).repeat(100_000).into(),
            size: 27,
            pause: Duration::from_millis(20),
        }]
    });
}

/// Bytes of other protocols, and of none.
fn no_http(shelf: &mut Shelf) {
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
        shelf.broken(format!("no-http-{name}"), move |_| {
            if bytes.is_empty() {
                Vec::new()
            } else {
                once(bytes.clone())
            }
        });
    }
}

fn broken_lines(shelf: &mut Shelf) {
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
        shelf.broken(format!("line-{name}"), move |proper| behind(proper, text));
    }
    shelf.bad("line-status-999", |_| {
        once(head("999 Request denied", &["content-length: 0"]))
    });
    shelf.bad("line-status-600", |_| {
        once(head("600 Unparseable", &["content-length: 0"]))
    });
}

fn floods(shelf: &mut Shelf) {
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
        shelf.broken(format!("flood-{name}"), move |proper| behind(proper, &text));
    }
    let text = flood(1, 60_000);
    shelf.harmless("flood-one-of-60-kilobytes", move |proper| {
        behind(proper, &text)
    });
    shelf.broken("flood-name-of-70-kilobytes", |_| {
        once(head("200 OK", &[&format!("{}: x", "n".repeat(70_000))]))
    });
    shelf.broken("flood-reason-of-a-megabyte", |_| {
        once(head(&format!("200 {}", "O".repeat(1 << 20)), &[]))
    });
    shelf.broken("flood-without-end-of-line", |_| {
        vec![
            Step::send(&b"HTTP/1.1 200 OK\r\nx: "[..]),
            Step::Endless(vec![b'y'; 64 * 1024].into()),
        ]
    });
    shelf.broken("flood-of-headers-without-end", |_| {
        vec![
            Step::send(&b"HTTP/1.1 200 OK\r\n"[..]),
            Step::Endless(b"x-more: and more\r\n".repeat(3_000).into()),
        ]
    });
    shelf.broken("flood-of-newlines", |_| {
        vec![Step::Endless(b"\r\n".repeat(32_000).into())]
    });
}

fn lengths(shelf: &mut Shelf) {
    for (name, value) in [
        ("negative", "-1"),
        ("with-a-sign", "+%LENGTH"),
        ("hexadecimal", "0xffff"),
        ("words", "a lot"),
        ("fraction", "%LENGTH.0"),
        ("over-64-bits", "99999999999999999999999"),
        ("empty", ""),
    ] {
        shelf.broken(format!("length-{name}"), move |proper| {
            let text = "HTTP/1.1 200 OK\r\ncontent-type: %TYPE\r\ncontent-length: VALUE\r\n\r\n";
            behind(proper, &text.replace("VALUE", value))
        });
    }
    shelf.broken("length-two-that-differ", |proper| {
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: %LENGTH\r\n\r\n";
        behind(proper, text)
    });
    let mut claims = |name: &str, claim: fn(usize) -> u64| {
        shelf.bad(format!("length-{name}"), move |proper| {
            let length = format!("content-length: {}", claim(proper.body.len()));
            let mut answer = ok(proper, &[&length]);
            answer.extend_from_slice(&proper.body);
            once(answer)
        });
    };
    claims("zero", |_| 0);
    claims("half", |length| u64::try_from(length / 2).unwrap_or(0));
    claims("one-too-few", |length| {
        u64::try_from(length.saturating_sub(1)).unwrap_or(0)
    });
    claims("one-too-many", |length| {
        u64::try_from(length + 1).unwrap_or(0)
    });
    claims("a-terabyte", |_| 1 << 40);
    shelf.late("length-one-too-many-and-open", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len() + 1);
        let mut answer = ok(proper, &[&length]);
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer), Step::Hang]
    });
    shelf.harmless("length-and-chunks", |proper| {
        let mut answer = ok(proper, &["content-length: 3", "transfer-encoding: chunked"]);
        answer.extend_from_slice(&chunk(&proper.body));
        answer.extend_from_slice(b"0\r\n\r\n");
        once(answer)
    });
}

/// The connection ends, or stops, before there is a whole head.
fn stops(shelf: &mut Shelf) {
    shelf.broken("stop-reset", |_| vec![Step::Reset]);
    shelf.broken("stop-reset-after-a-moment", |_| {
        vec![Step::Wait(Duration::from_millis(100)), Step::Reset]
    });
    for at in [1, 5, 9, 12, 15, 17, 30] {
        shelf.broken(format!("stop-head-cut-at-{at}"), move |proper| {
            once(proper_answer(proper)[..at].to_vec())
        });
    }
    shelf.broken("stop-head-cut-before-its-end", |proper| {
        once(
            ok(proper, &["x-a: b"])[..]
                .split_last_chunk::<2>()
                .map_or(Vec::new(), |(rest, _)| rest.to_vec()),
        )
    });
    shelf.broken("stop-reset-in-the-head", |proper| {
        let half = proper_answer(proper)[..20].to_vec();
        vec![
            Step::send(half),
            Step::Wait(Duration::from_millis(20)),
            Step::Reset,
        ]
    });
    shelf.late("stop-silence", Limit::Total, |_| vec![Step::Hang]);
    shelf.late("stop-silence-in-the-head", Limit::Total, |proper| {
        vec![Step::send(proper_answer(proper)[..20].to_vec()), Step::Hang]
    });
    shelf.late("stop-silence-after-an-interim", Limit::Total, |_| {
        vec![Step::send(head("100 Continue", &[])), Step::Hang]
    });
    shelf.late("stop-head-drips", Limit::Total, |proper| {
        vec![Step::Drip {
            bytes: ok(proper, &[&format!("x: {}", "y".repeat(4_000))]).into(),
            size: 1,
            pause: Duration::from_millis(100),
        }]
    });
}
