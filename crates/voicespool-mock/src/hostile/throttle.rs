//! Throttles: 429 answers, and every spelling of the wait they ask for.

use voicespool_media::domain::FaultClass;

use crate::hostile::answer::Expected;
use crate::hostile::builder::Builder;
use crate::hostile::script::head;
use crate::hostile::status::{page, refusal, words};
use crate::wire::Step;

/// The time at the provider, for headers that count from it.
const DATE: &str = "date: Sun, 22 Nov 2026 10:00:00 GMT";

/// Seconds.
type Wait = Option<(f64, f64)>;

/// The wait that a 429 asks for, in every spelling: header lines, seconds at least and at
/// most (`None`: it is nonsense, and the client's own delay holds).
const WAITS: &[(&str, &[&str], Wait)] = &[
    ("without-a-wait", &[], None),
    ("zero", &["retry-after: 0"], Some((0.0, 1.0))),
    ("one-second", &["retry-after: 1"], Some((1.0, 2.0))),
    ("fraction", &["retry-after: 0.25"], Some((0.25, 1.25))),
    ("padded", &["retry-after:    1   "], Some((1.0, 2.0))),
    ("exponent", &["retry-after: 1e0"], Some((1.0, 2.0))),
    ("a-minute", &["retry-after: 60"], Some((60.0, 66.0))),
    ("a-day", &["retry-after: 86400"], Some((900.0, 990.0))),
    (
        "huge",
        &["retry-after: 99999999999999999999999999"],
        Some((900.0, 990.0)),
    ),
    ("overflowing", &["retry-after: 1e999"], Some((900.0, 990.0))),
    ("negative", &["retry-after: -5"], None),
    ("not-a-number", &["retry-after: NaN"], None),
    ("infinite", &["retry-after: inf"], None),
    ("words", &["retry-after: soon"], None),
    ("empty", &["retry-after:"], None),
    ("hexadecimal", &["retry-after: 0x10"], None),
    ("comma", &["retry-after: 1,5"], None),
    (
        "date-past",
        &[DATE, "retry-after: Sun, 22 Nov 2026 09:00:00 GMT"],
        Some((0.0, 1.0)),
    ),
    (
        "date-future",
        &[DATE, "retry-after: Sun, 22 Nov 2026 10:00:30 GMT"],
        Some((30.0, 33.0)),
    ),
    (
        "date-rfc850",
        &[DATE, "retry-after: Sunday, 22-Nov-26 10:00:30 GMT"],
        Some((30.0, 33.0)),
    ),
    (
        "date-asctime",
        &[DATE, "retry-after: Sun Nov 22 10:00:30 2026"],
        Some((30.0, 33.0)),
    ),
    (
        "date-never",
        &[DATE, "retry-after: Fri, 31 Dec 9999 23:59:59 GMT"],
        Some((900.0, 990.0)),
    ),
    (
        "date-without-now",
        &["retry-after: Sun, 22 Nov 2026 10:00:30 GMT"],
        None,
    ),
    (
        "date-nonsense",
        &[DATE, "retry-after: Sun, 99 Nov 2026 10:00:30 GMT"],
        None,
    ),
    ("milliseconds", &["retry-after-ms: 1500"], Some((1.5, 2.5))),
    ("negative-milliseconds", &["retry-after-ms: -1"], None),
    ("reset", &["x-ratelimit-reset: 1.5"], Some((1.5, 2.5))),
    (
        "reset-at-a-time",
        &[DATE, "x-ratelimit-reset: 1795341602"],
        Some((2.0, 3.0)),
    ),
    (
        "reset-without-now",
        &["x-ratelimit-reset: 1795341602"],
        None,
    ),
    (
        "two-headers",
        &["retry-after: 1", "x-ratelimit-reset: 2"],
        Some((2.0, 3.0)),
    ),
    (
        "twice",
        &["retry-after: 1", "retry-after: 500"],
        Some((1.0, 2.0)),
    ),
];

pub(super) fn add(catalogue: &mut Builder) {
    for (name, lines, wait) in WAITS {
        let answer = catalogue.add(
            format!("throttle-{name}"),
            Expected::Fault(FaultClass::Throttled),
            move |_| refusal("429 Too Many Requests", lines, &words(name)),
        );
        answer.wait = *wait;
        answer.billed = false;
    }
    catalogue.free("throttle-web-page", FaultClass::Throttled, |_| {
        page(
            "429 Too Many Requests",
            "text/html",
            "<html><title>Slow down</title></html>",
        )
    });
    catalogue.free("throttle-hangs", FaultClass::Throttled, |_| {
        vec![
            Step::send(head("429 Too Many Requests", &["content-length: 10"])),
            Step::Hang,
        ]
    });
}
