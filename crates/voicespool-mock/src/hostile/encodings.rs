//! Bodies whose encoding or type is not what the head says, and bodies without an end.

use std::time::Duration;

use crate::hostile::answer::Limit;
use crate::hostile::builder::Builder;
use crate::hostile::script::{chunk, head, ok, ok_with, proper_answer, typed};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    encodings(catalogue);
    endless(catalogue);
}

fn encodings(catalogue: &mut Builder) {
    for name in ["gzip", "br", "deflate", "zstd", "x-gzip", "aws-chunked"] {
        catalogue.bad(format!("encoding-{name}-claimed"), move |proper| {
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
    catalogue.bad("encoding-gzip-told", move |proper| {
        let lines = ["content-encoding: gzip"];
        vec![Step::send(ok_with(proper, &lines, &stored(&proper.body)))]
    });
    catalogue.bad("encoding-gzip-untold", move |proper| {
        vec![Step::send(ok_with(proper, &[], &stored(&proper.body)))]
    });
    catalogue.bad("encoding-transfer-gzip", |proper| {
        let mut answer = ok(proper, &["transfer-encoding: gzip, chunked"]);
        answer.extend_from_slice(&chunk(b"\x1f\x8b\x08\0\0\0\0\0\0\x03"));
        answer.extend_from_slice(b"0\r\n\r\n");
        vec![Step::send(answer)]
    });
    catalogue.harmless("encoding-identity", |proper| {
        let lines = ["content-encoding: identity"];
        vec![Step::send(ok_with(proper, &lines, &proper.body))]
    });
    catalogue.harmless("encoding-identity-shouted", |proper| {
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
        catalogue.harmless(format!("type-{name}"), move |proper| {
            vec![Step::send(typed(content_type, &proper.body))]
        });
    }
    catalogue.harmless("type-none", |proper| {
        let length = format!("content-length: {}", proper.body.len());
        let mut answer = head("200 OK", &[&length]);
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer)]
    });
}

fn endless(catalogue: &mut Builder) {
    catalogue.bad("endless-until-close", |proper| {
        let more = proper.body.repeat(8);
        vec![
            Step::send(ok(proper, &["connection: close"])),
            Step::send(proper.body.clone()),
            Step::Endless(more.into()),
        ]
    });
    catalogue.bad("endless-in-chunks", |proper| {
        vec![
            Step::send(ok(proper, &["transfer-encoding: chunked"])),
            Step::Endless(chunk(&proper.body.repeat(8)).into()),
        ]
    });
    catalogue.bad("endless-spaces", |proper| {
        vec![
            Step::send(ok(proper, &["connection: close"])),
            Step::Endless(vec![b' '; 256 * 1024].into()),
        ]
    });
    catalogue.bad("endless-words", |_| {
        let mut answer = head(
            "200 OK",
            &["content-type: text/html", "transfer-encoding: chunked"],
        );
        answer.extend_from_slice(&chunk(b"<html><title>For ever</title>"));
        vec![
            Step::send(answer),
            Step::Endless(chunk(&b"and ever ".repeat(2_000)).into()),
        ]
    });
    catalogue.late("endless-slowly", Limit::Total, |proper| {
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
