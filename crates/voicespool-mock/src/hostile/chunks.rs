//! Chunked bodies, broken and odd.

use crate::hostile::builder::Builder;
use crate::hostile::framing::{CHUNKED, Place, part};
use crate::hostile::script::{chunk, ok};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    sizes(catalogue);
    ends(catalogue);
    odd_but_right(catalogue);
}

/// Sizes of chunks that are none.
fn sizes(catalogue: &mut Builder) {
    for (name, lines) in [
        ("size-words", "zz\r\n"),
        ("size-negative", "-5\r\n"),
        ("size-over-64-bits", "FFFFFFFFFFFFFFFFFF\r\n"),
        ("size-empty", "\r\n"),
        ("size-with-0x", "0x10\r\n"),
    ] {
        catalogue.bad(format!("chunk-{name}"), move |proper| {
            let mut answer = ok(proper, &[CHUNKED]);
            answer.extend_from_slice(&chunk(&proper.body));
            answer.extend_from_slice(lines.as_bytes());
            answer.extend_from_slice(b"0\r\n\r\n");
            vec![Step::send(answer)]
        });
    }
    catalogue.bad("chunk-size-huge", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(b"7fffffffffffffff\r\n");
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer)]
    });
}

/// Chunks and bodies that do not end as they should.
fn ends(catalogue: &mut Builder) {
    catalogue.bad("chunk-without-line-end", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(format!("{:x}\r\n", proper.body.len()).as_bytes());
        answer.extend_from_slice(&proper.body);
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    catalogue.bad("chunk-end-in-the-middle", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(&chunk(&part(proper, Place::Share(50))));
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    catalogue.bad("chunk-extension-flood", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(format!("10;{}\r\n", "x".repeat(1 << 20)).as_bytes());
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer)]
    });
    catalogue.bad("chunk-end-half", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(&chunk(&proper.body));
        answer.extend_from_slice(b"0\r\n");
        vec![Step::send(answer)]
    });
    catalogue.bad("chunk-trailer-flood", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        answer.extend_from_slice(&chunk(&proper.body));
        answer.extend_from_slice(b"0\r\n");
        vec![
            Step::send(answer),
            Step::Endless(b"x-trailer: flood\r\n".repeat(3_000).into()),
        ]
    });
}

fn odd_but_right(catalogue: &mut Builder) {
    let mut fine = |name: &str, encode: fn(&[u8]) -> Vec<u8>| {
        catalogue.harmless(format!("chunk-{name}"), move |proper| {
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
