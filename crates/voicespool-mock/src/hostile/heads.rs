//! Heads that are odd and right, and interim answers before them.

use std::time::Duration;

use voicespool_media::domain::FaultClass;

use crate::hostile::answer::{Expected, Limit, Proper};
use crate::hostile::builder::Builder;
use crate::hostile::script::{behind, head, ok, ok_with, once, proper_answer};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    odd_but_right(catalogue);
    interim(catalogue);
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

fn odd_but_right(catalogue: &mut Builder) {
    for (name, text) in ODD {
        catalogue.harmless(format!("head-{name}"), move |proper| behind(proper, text));
    }
    catalogue.harmless("head-location-under-200", |proper| {
        let location = format!("location: http://{}/", proper.elsewhere);
        once(ok_with(proper, &[&location], &proper.body))
    });
    catalogue.harmless("head-alternative-service", |proper| {
        let other = format!("alt-svc: h2=\"{}\"; ma=86400", proper.elsewhere);
        once(ok_with(
            proper,
            &[&other, "clear-site-data: \"*\""],
            &proper.body,
        ))
    });
    catalogue.harmless("head-byte-by-byte", |proper| {
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
    catalogue.harmless("head-ninety-headers", |proper| {
        let lines: Vec<String> = (0..90).map(|n| format!("x-{n}: {n}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        once(ok_with(proper, &lines, &proper.body))
    });
    catalogue.harmless("head-followed-by-another-answer", |proper| {
        let mut twice = proper_answer(proper);
        twice.extend_from_slice(&head("200 OK", &["content-length: 4"]));
        twice.extend_from_slice(b"evil");
        once(twice)
    });
}

fn interim(catalogue: &mut Builder) {
    let mut before = |name: &str, interim: fn(&Proper) -> Vec<u8>| {
        catalogue.harmless(format!("interim-{name}"), move |proper| {
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
    catalogue.add(
        "interim-switching-protocols",
        Expected::Fault(FaultClass::BadAnswer),
        |_| {
            let lines = ["upgrade: websocket", "connection: upgrade"];
            once(head("101 Switching Protocols", &lines))
        },
    );
    catalogue.late("interim-for-ever", Limit::Total, |_| {
        vec![Step::Drip {
            bytes: head("102 Processing", &[]).repeat(100_000).into(),
            size: 27,
            pause: Duration::from_millis(20),
        }]
    });
}
