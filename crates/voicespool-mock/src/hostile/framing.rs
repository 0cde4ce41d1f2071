//! Bodies that break off, or fall silent.

use std::time::Duration;

use crate::hostile::answer::{Limit, Proper};
use crate::hostile::builder::Builder;
use crate::hostile::script::{chunk, ok};
use crate::wire::Step;

/// Where a body is cut. Together these are
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
pub(super) enum Place {
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

pub(super) const CHUNKED: &str = "transfer-encoding: chunked";

pub(super) fn add(catalogue: &mut Builder) {
    for (name, place) in CUTS {
        catalogue.bad(format!("cut-length-{name}"), move |proper| {
            let length = format!("content-length: {}", proper.body.len());
            vec![
                Step::send(ok(proper, &[&length])),
                Step::send(part(proper, *place)),
            ]
        });
        catalogue.bad(format!("cut-chunked-{name}"), move |proper| {
            let part = part(proper, *place);
            let mut answer = ok(proper, &[CHUNKED]);
            if !part.is_empty() {
                answer.extend_from_slice(&chunk(&part));
            }
            vec![Step::send(answer)]
        });
        catalogue.bad(format!("cut-close-{name}"), move |proper| {
            vec![
                Step::send(ok(proper, &["connection: close"])),
                Step::send(part(proper, *place)),
            ]
        });
    }
    catalogue.bad("cut-reset-half", |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::send(part(proper, Place::Share(50))),
            Step::Wait(Duration::from_millis(50)),
            Step::Reset,
        ]
    });
    catalogue.bad("cut-inside-a-chunk", |proper| {
        let mut answer = ok(proper, &[CHUNKED]);
        let whole = chunk(&proper.body);
        answer.extend_from_slice(&whole[..whole.len() / 2]);
        vec![Step::send(answer)]
    });
    stops(catalogue);
}

pub(super) fn part(proper: &Proper, place: Place) -> Vec<u8> {
    proper.body[..place.of(proper.body.len())].to_vec()
}

fn stops(catalogue: &mut Builder) {
    catalogue.late("body-silence-before", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![Step::send(ok(proper, &[&length])), Step::Hang]
    });
    catalogue.late("body-silence-in-the-middle", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::send(part(proper, Place::Share(50))),
            Step::Hang,
        ]
    });
    catalogue.late("body-silence-before-the-last-byte", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len());
        vec![
            Step::send(ok(proper, &[&length])),
            Step::send(part(proper, Place::Last(1))),
            Step::Hang,
        ]
    });
    catalogue.late(
        "body-silence-instead-of-the-last-chunk",
        Limit::Idle,
        |proper| {
            let mut answer = ok(proper, &[CHUNKED]);
            answer.extend_from_slice(&chunk(&proper.body));
            vec![Step::send(answer), Step::Hang]
        },
    );
    catalogue.late("body-silence-instead-of-closing", Limit::Idle, |proper| {
        let mut answer = ok(proper, &["connection: close"]);
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer), Step::Hang]
    });
    catalogue.late("body-drips", Limit::Total, |proper| {
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
    catalogue.harmless("body-in-small-pieces", |proper| {
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
