//! Transcripts that are too large, and odd ones that count.

use crate::hostile::answer::Expected;
use crate::hostile::builder::Builder;
use crate::hostile::json::{body, flood};
use crate::hostile::script::{ok, ok_with};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    floods(catalogue);
    odd_but_usable(catalogue);
}

/// A transcript with `count` times the segment `item`.
fn segments(item: &str, count: usize) -> String {
    let list = format!("{item},").repeat(count);
    let list = list.trim_end_matches(',');
    format!(r#"{{"text":"a","segments":[{list}]}}"#)
}

fn floods(catalogue: &mut Builder) {
    flood(catalogue, "deep-lists", || {
        ["{\"text\":", &"[".repeat(300_000)].concat()
    });
    flood(catalogue, "deep-objects", || {
        ["{\"text\":\"a\",\"x\":", &"{\"a\":".repeat(100_000)].concat()
    });
    catalogue.add("deep-and-closed", Expected::Different, |proper| {
        let nested = ["[".repeat(500), "]".repeat(500)].concat();
        let text = format!(r#"{{"text":"a","x":{nested}}}"#);
        vec![Step::send(ok_with(proper, &[], text.as_bytes()))]
    });
    flood(catalogue, "flood-of-empty-segments", || {
        segments("{}", 1_200_000)
    });
    flood(catalogue, "flood-of-empty-segments-that-fit", || {
        segments("{}", 300_000)
    });
    flood(catalogue, "flood-of-segments", || {
        segments(r#"{"text":"","start":0,"end":0}"#, 600_000)
    });
    flood(catalogue, "flood-of-text", || {
        format!(r#"{{"text":"{}"}}"#, "na ".repeat(24 << 20))
    });
    flood(catalogue, "flood-of-escapes", || {
        format!(r#"{{"text":"{}"}}"#, "\\u0041".repeat(11 << 20))
    });
    catalogue.bad("flood-endless-list", |proper| {
        let mut answer = ok(proper, &["connection: close"]);
        answer.extend_from_slice(br#"{"text":"a","segments":[{}"#);
        vec![
            Step::send(answer),
            Step::Endless(b",{}".repeat(20_000).into()),
        ]
    });
    catalogue.bad("flood-endless-string", |proper| {
        let mut answer = ok(proper, &["connection: close"]);
        answer.extend_from_slice(br#"{"text":""#);
        vec![
            Step::send(answer),
            Step::Endless(b"and then ".repeat(8_000).into()),
        ]
    });
    catalogue.add("flood-of-keys", Expected::Different, |proper| {
        let keys: Vec<String> = (0..20_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
        let text = format!(r#"{{"text":"a",{}}}"#, keys.join(","));
        vec![Step::send(ok_with(proper, &[], text.as_bytes()))]
    });
}

/// Odd transcripts with what must be taken from them: name, body.
const ODD: &[(&str, &str)] = &[
    ("odd-text-only", r#"{"text":"so it is"}"#),
    (
        "odd-no-text-said",
        r#"{"text":"","duration":3.0,"segments":[]}"#,
    ),
    (
        "odd-words-only",
        r#"{"words":[{"word":"so","start":0.1,"end":0.4}]}"#,
    ),
    (
        "odd-words-in-segments",
        r#"{"text":"so","segments":[{"text":"so","start":0,"end":1,"words":[{"word":"so","start":0.1,"end":0.4}]}]}"#,
    ),
    (
        "odd-unknown-keys",
        r#"{"text":"so","x":{"y":[1,{"z":null}]},"usage":{"cost":"free"}}"#,
    ),
    (
        "odd-nulls",
        r#"{"text":"so","language":null,"duration":null,"segments":null,"words":null,"error":null}"#,
    ),
    (
        "odd-times-negative",
        r#"{"text":"so it","words":[{"word":"so","start":-4.0,"end":-1.0},{"word":"it","start":0.2,"end":0.6}]}"#,
    ),
    (
        "odd-times-reversed",
        r#"{"text":"so it","words":[{"word":"so","start":2.0,"end":0.5},{"word":"it","start":1.0,"end":0.2}]}"#,
    ),
    (
        "odd-times-out-of-order",
        r#"{"text":"so it","words":[{"word":"so","start":2.0,"end":2.5},{"word":"it","start":0.1,"end":0.4}]}"#,
    ),
    (
        "odd-times-past-the-end",
        r#"{"text":"so it","words":[{"word":"so","start":0.0,"end":0.5},{"word":"it","start":5000.0,"end":9000.0}]}"#,
    ),
    (
        "odd-times-all-zero",
        r#"{"text":"so it","words":[{"word":"so","start":0,"end":0},{"word":"it","start":0,"end":0}]}"#,
    ),
    (
        "odd-times-missing",
        r#"{"text":"so it","words":[{"word":"so"},{"word":"it","start":0.2,"end":0.6}]}"#,
    ),
    (
        "odd-times-exponents",
        r#"{"text":"so","words":[{"word":"so","start":1e-1,"end":4E-1}]}"#,
    ),
    (
        "odd-duration-negative",
        r#"{"text":"so it is","duration":-3.0}"#,
    ),
    (
        "odd-duration-tiny",
        r#"{"text":"so it is","duration":1e-300}"#,
    ),
    (
        "odd-segments-overlap",
        r#"{"text":"so it","segments":[{"text":"so","start":0.0,"end":2.9},{"text":"it","start":0.1,"end":3.0}]}"#,
    ),
    (
        "odd-segments-empty-texts",
        r#"{"text":"so","segments":[{"text":"","start":0,"end":1},{"text":"  ","start":1,"end":2}]}"#,
    ),
    (
        "odd-cue-arrows",
        r#"{"text":"a --> b\n\n2\n00:00:00,000 --> 00:00:01,000\nevil","segments":[{"text":"a --> b\n\n2\n00:00:00,000 --> 00:00:01,000\nevil","start":0,"end":2}]}"#,
    ),
    (
        "odd-markup",
        r#"{"text":"<script>alert(1)</script> & <i>","segments":[{"text":"<script>alert(1)</script> & <i>","start":0,"end":2}]}"#,
    ),
    (
        "odd-control-characters",
        r#"{"text":"a\u0000b\u0007c\u001b[31md\u202ee\u2028f"}"#,
    ),
    ("odd-escapes", r#"{"text":"\u0073\u006f \ud83d\ude00"}"#),
    (
        "odd-speaker-numbers",
        r#"{"text":"so","words":[{"word":"so","start":0,"end":1,"speaker":3}]}"#,
    ),
    (
        "odd-error-beside-text",
        r#"{"text":"so it is","error":{"message":"a warning"}}"#,
    ),
    ("odd-mark-first", "\u{feff}{\"text\":\"so it is\"}"),
];

fn odd_but_usable(catalogue: &mut Builder) {
    for (name, text) in ODD {
        body(catalogue, name, Expected::Different, *text);
    }
    catalogue.harmless("odd-spaces-around", |proper| {
        let body = [&b"\r\n\t  "[..], &proper.body, b"   \r\n"].concat();
        vec![Step::send(ok_with(proper, &[], &body))]
    });
    let long = "word ".repeat(20_000);
    let text = format!(r#"{{"text":"{long}"}}"#);
    body(catalogue, "odd-a-long-text", Expected::Different, text);
}
