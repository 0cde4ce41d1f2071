//! Bodies that break off, and chunks that are none.

use std::time::Duration;

use crate::hostile::{Limit, Proper, Shelf, chunk, ok};
use crate::wire::Step;

/// Where a body is cut: `(name, numerator of 1000, bytes off the end)`. Together these are
/// the classes of offsets: before, in and after a file's header, in its middle, at its end.
const CUTS: &[(&str, Place)] = &[
    ("nothing", Place::First(0)),
    ("one-byte", Place::First(1)),
    ("four-bytes", Place::First(4)),
    ("thirteen-bytes", Place::First(13)),
    ("forty-three-bytes", Place::First(43)),
    ("fifty-bytes", Place::First(50)),
    ("a-tenth", Place::Share(10)),
    ("a-quarter", Place::Share(25)),
    ("half", Place::Share(50)),
    ("three-quarters", Place::Share(75)),
    ("all-but-twenty", Place::Last(20)),
    ("all-but-two", Place::Last(2)),
    ("all-but-one", Place::Last(1)),
];

#[derive(Debug, Clone, Copy)]
enum Place {
    First(usize),
    /// Percent.
    Share(usize),
    Last(usize),
}

impl Place {
    fn of(self, length: usize) -> usize {
        match self {
            Self::First(bytes) => bytes.min(length.saturating_sub(1)),
            Self::Share(percent) => length * percent / 100,
            Self::Last(bytes) => length.saturating_sub(bytes),
        }
    }
}

const CHUNKED: &str = "transfer-encoding: chunked";

pub(super) fn add(shelf: &mut Shelf) {
    for (name, place) in CUTS {
        shelf.bad(format!("cut-length-{name}"), move |proper| {
            let length = format!("content-length: {}", proper.body.len());
            vec![
                Step::send(ok(proper, &[&length])),
                Step::send(part(proper, *place)),
            ]
        });
        shelf.bad(format!("cut-chunked-{name}"), move |proper| {
            let part = part(proper, *place);
            let mut answer = ok(proper, &[CHUNKED]);
            if !part.is_empty() {
                answer.extend_from_slice(&chunk(&part));
            }
            vec![Step::send(answer)]
        });
        shelf.bad(format!("cut-close-{name}"), move |proper| {
            vec![
                Step::send(ok(proper, &["connection: close"])),
                Step::send(part(proper, *place)),
            ]
        });
    }
    shelf.bad("cut-reset-half", |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::send(part(proper, Place::Share(50))),
            Step::Wait(Duration::from_millis(50)),
            Step::Reset,
        ]
    });
    shelf.bad("cut-inside-a-chunk", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        let whole = chunk(&proper.body);
        answer.extend_from_slice(&whole[..whole.len() / 2]);
        vec![Step::send(answer)]
    });
    stops(shelf);
    chunks(shelf);
}

fn part(proper: &Proper, place: Place) -> Vec<u8> {
    proper.body[..place.of(proper.body.len())].to_vec()
}

fn stops(shelf: &mut Shelf) {
    shelf.late("body-silence-before", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![Step::send(ok(proper, &[&length])), Step::Hang]
    });
    shelf.late("body-silence-in-the-middle", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::send(part(proper, Place::Share(50))),
            Step::Hang,
        ]
    });
    shelf.late("body-silence-before-the-last-byte", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::send(part(proper, Place::Last(1))),
            Step::Hang,
        ]
    });
    shelf.late(
        "body-silence-instead-of-the-last-chunk",
        Limit::Idle,
        |proper| {
            let mut answer = ok(proper, &[CHUNKED]);
            answer.extend_from_slice(&chunk(&proper.body));
            vec![Step::send(answer), Step::Hang]
        },
    );
    shelf.late("body-silence-instead-of-closing", Limit::Idle, |proper| {
        let mut answer = ok(proper, &["connection: close"]);
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer), Step::Hang]
    });
    shelf.late("body-drips", Limit::Total, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::Drip {
                bytes: proper.body.clone(),
                size: 1,
                pause: Duration::from_millis(100),
            },
        ]
    });
    shelf.harmless("body-in-small-pieces", |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::Drip {
                bytes: proper.body.clone(),
                size: proper.body.len() / 40 + 1,
                pause: Duration::from_millis(5),
            },
        ]
    });
}

/// Both lines of a chunk and its end, as they should not be.
fn chunks(shelf: &mut Shelf) {
    for (name, lines) in [
        ("size-words", "zz\r\n"),
        ("size-negative", "-5\r\n"),
        ("size-over-64-bits", "FFFFFFFFFFFFFFFFFF\r\n"),
        ("size-empty", "\r\n"),
        ("size-with-0x", "0x10\r\n"),
    ] {
        shelf.bad(format!("chunk-{name}"), move |proper| {
            let mut answer = ok(proper, &[CHUNKED]);
            answer.extend_from_slice(&chunk(&proper.body));
            answer.extend_from_slice(lines.as_bytes());
            answer.extend_from_slice(b"0\r\n\r\n");
            vec![Step::send(answer)]
        });
    }
    shelf.bad("chunk-size-huge", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(b"7fffffffffffffff\r\n");
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer)]
    });
    shelf.bad("chunk-without-line-end", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(format!("{:x}\r\n", proper.body.len()).as_bytes());
        answer.extend_from_slice(&proper.body);
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    shelf.bad("chunk-end-in-the-middle", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(&chunk(&part(proper, Place::Share(50))));
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    shelf.bad("chunk-extension-flood", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(format!("10;{}\r\n", "x".repeat(1 << 20)).as_bytes());
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer)]
    });
    shelf.bad("chunk-end-half", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(&chunk(&proper.body));
        answer.extend_from_slice(b"0\r\n");
        vec![Step::send(answer)]
    });
    shelf.bad("chunk-trailer-flood", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(&chunk(&proper.body));
        answer.extend_from_slice(b"0\r\n");
        vec![
            Step::send(answer),
            Step::Endless(b"x-trailer: flood\r\n".repeat(3_000).into()),
        ]
    });
    let mut fine = |name: &str, encode: fn(&[u8]) -> Vec<u8>| {
        shelf.harmless(format!("chunk-{name}"), move |proper| {
            let mut answer = ok(proper, &[CHUNKED]);
            answer.extend_from_slice(&encode(&proper.body));
            vec![Step::send(answer)]
        });
    };
    fine("one", |body| [&chunk(body)[..], b"0\r\n\r\n"].concat());
    fine("tiny", |body| {
        let (start, rest) = body.split_at(body.len() / 2);
        let small: Vec<u8> = start.chunks(start.len() / 50 + 1).flat_map(chunk).collect();
        [&small[..], &chunk(rest), b"0\r\n\r\n"].concat()
    });
    fine("leading-zeros", |body| {
        [&b"0000000"[..], &chunk(body), b"0000\r\n\r\n"].concat()
    });
    fine("extension", |body| {
        let mut text = format!("{:X};name=\"a value\"\r\n", body.len()).into_bytes();
        text.extend_from_slice(body);
        [&text[..], b"\r\n0\r\n\r\n"].concat()
    });
    fine("trailers", |body| {
        [&chunk(body)[..], b"0\r\nx-checksum: 1\r\n\r\n"].concat()
    });
}
