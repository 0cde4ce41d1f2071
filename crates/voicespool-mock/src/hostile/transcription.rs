//! Transcripts that are none, and transcripts that are odd.

use crate::hostile::{Expected, Shelf, ok, ok_with};
use crate::wire::Step;

pub(super) fn add(shelf: &mut Shelf) {
    no_json(shelf);
    wrong_types(shelf);
    numbers(shelf);
    floods(shelf);
    odd_but_usable(shelf);
}

fn body(shelf: &mut Shelf, name: &str, expected: Expected, body: impl Into<Vec<u8>>) {
    let body = body.into();
    shelf.add(name, expected, move |proper| {
        vec![Step::send(ok_with(proper, &[], &body))]
    });
}

fn bad(shelf: &mut Shelf, name: &str, text: impl Into<Vec<u8>>) {
    let bad = Expected::Fault(voicespool_media::domain::FaultClass::BadAnswer);
    body(shelf, name, bad, text);
}

/// As [`bad`], for bodies too large to be kept ready.
fn flood(shelf: &mut Shelf, name: &str, text: fn() -> String) {
    shelf.bad(name, move |proper| {
        vec![Step::send(ok_with(proper, &[], text().as_bytes()))]
    });
}

/// A transcript with `count` times the segment `item`.
fn segments(item: &str, count: usize) -> String {
    let list = format!("{item},").repeat(count);
    let list = list.trim_end_matches(',');
    format!(r#"{{"text":"a","segments":[{list}]}}"#)
}

fn no_json(shelf: &mut Shelf) {
    for (name, text) in [
        ("json-trailing-comma", &br#"{"text":"a",}"#[..]),
        ("json-single-quotes", b"{'text':'a'}"),
        ("json-no-quotes", b"{text:\"a\"}"),
        ("json-comment", b"{/* hi */\"text\":\"a\"}"),
        ("json-two-documents", br#"{"text":"a"}{"text":"b"}"#),
        ("json-rubbish-behind", br#"{"text":"a"} and so on"#),
        ("json-web-page-behind", br#"{"text":"a"}<html></html>"#),
        ("json-unclosed-string", br#"{"text":"a"#),
        ("json-unclosed", br#"{"text":"a""#),
        ("json-bare-control-character", b"{\"text\":\"a\x01b\"}"),
        ("json-bare-newline", b"{\"text\":\"a\nb\"}"),
        ("json-lone-surrogate", br#"{"text":"\ud800"}"#),
        ("json-bad-escape", br#"{"text":"\x41"}"#),
        ("json-invalid-utf8", b"{\"text\":\"\xc3\x28\"}"),
        ("json-overlong-utf8", b"{\"text\":\"\xc0\xaf\"}"),
        ("json-nul-behind", b"{\"text\":\"a\"}\0"),
        ("json-lines", b"{\"text\":\"a\"}\n{\"text\":\"b\"}\n"),
        ("json-nothing-said", b"{}"),
        ("json-text-null", br#"{"text":null}"#),
        (
            "json-only-a-language",
            br#"{"language":"en","duration":3.0}"#,
        ),
        ("json-error-object", br#"{"error":{"message":"busy"}}"#),
        ("json-error-text", br#"{"error":"busy"}"#),
        (
            "json-error-and-null",
            br#"{"text":null,"error":{"message":"busy"}}"#,
        ),
        ("json-detail", br#"{"detail":"Not Found"}"#),
        (
            "json-srt-instead",
            b"1\n00:00:00,000 --> 00:00:01,000\nHi\n",
        ),
        (
            "json-vtt-instead",
            b"WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n",
        ),
    ] {
        bad(shelf, name, text);
    }
    let wide: Vec<u8> = r#"{"text":"a"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bad(shelf, "json-utf16", [b"\xff\xfe", &wide[..]].concat());
    let wide: Vec<u8> =
        r#"{"text":"a"}"#.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    bad(shelf, "json-utf32", wide);
}

fn wrong_types(shelf: &mut Shelf) {
    for (name, text) in [
        ("shape-text-a-number", r#"{"text":5}"#),
        ("shape-text-a-list", r#"{"text":["a","b"]}"#),
        ("shape-text-an-object", r#"{"text":{"en":"a"}}"#),
        ("shape-text-twice", r#"{"text":"a","text":"b"}"#),
        ("shape-segments-a-text", r#"{"text":"a","segments":"none"}"#),
        (
            "shape-segments-an-object",
            r#"{"text":"a","segments":{"0":{}}}"#,
        ),
        (
            "shape-segments-of-numbers",
            r#"{"text":"a","segments":[1,2]}"#,
        ),
        (
            "shape-segments-of-null",
            r#"{"text":"a","segments":[null]}"#,
        ),
        ("shape-words-of-texts", r#"{"text":"a","words":["a"]}"#),
        ("shape-words-true", r#"{"text":"a","words":true}"#),
        (
            "shape-word-a-number",
            r#"{"text":"a","words":[{"word":1,"start":0,"end":1}]}"#,
        ),
        (
            "shape-start-a-text",
            r#"{"text":"a","words":[{"word":"a","start":"0","end":1}]}"#,
        ),
        (
            "shape-start-a-list",
            r#"{"text":"a","words":[{"word":"a","start":[0],"end":1}]}"#,
        ),
        (
            "shape-start-true",
            r#"{"text":"a","words":[{"word":"a","start":true,"end":1}]}"#,
        ),
        ("shape-duration-a-text", r#"{"text":"a","duration":"3 s"}"#),
        (
            "shape-duration-an-object",
            r#"{"text":"a","duration":{"s":3}}"#,
        ),
        ("shape-language-a-number", r#"{"text":"a","language":49}"#),
        (
            "shape-speaker-an-object",
            r#"{"text":"a","words":[{"word":"a","start":0,"end":1,"speaker":{}}]}"#,
        ),
    ] {
        bad(shelf, name, text);
    }
}

fn numbers(shelf: &mut Shelf) {
    for (name, number) in [
        ("nan", "NaN"),
        ("infinity", "Infinity"),
        ("minus-infinity", "-Infinity"),
        ("inf", "inf"),
        ("overflow", "1e999"),
        ("minus-overflow", "-1e999"),
        ("a-thousand-years", "31557600000"),
        ("1e300", "1e300"),
        ("hexadecimal", "0x10"),
        ("leading-zero", "01"),
        ("plus", "+1"),
        ("bare-point", ".5"),
        ("two-points", "1.2.3"),
        ("comma", "1,5"),
        ("minus", "-"),
    ] {
        let text = format!(r#"{{"text":"a","words":[{{"word":"a","start":0,"end":{number}}}]}}"#);
        bad(shelf, &format!("time-{name}"), text);
    }
    flood(shelf, "time-of-a-hundred-thousand-digits", || {
        format!(r#"{{"text":"a","duration":{}}}"#, "9".repeat(100_000))
    });
    bad(shelf, "duration-nan", r#"{"text":"a","duration":NaN}"#);
    bad(
        shelf,
        "duration-endless",
        r#"{"text":"a","duration":1e200}"#,
    );
}

fn floods(shelf: &mut Shelf) {
    flood(shelf, "deep-lists", || {
        ["{\"text\":", &"[".repeat(300_000)].concat()
    });
    flood(shelf, "deep-objects", || {
        ["{\"text\":\"a\",\"x\":", &"{\"a\":".repeat(100_000)].concat()
    });
    shelf.add("deep-and-closed", Expected::Different, |proper| {
        let nested = ["[".repeat(500), "]".repeat(500)].concat();
        let text = format!(r#"{{"text":"a","x":{nested}}}"#);
        vec![Step::send(ok_with(proper, &[], text.as_bytes()))]
    });
    flood(shelf, "flood-of-empty-segments", || {
        segments("{}", 1_200_000)
    });
    flood(shelf, "flood-of-empty-segments-that-fit", || {
        segments("{}", 300_000)
    });
    flood(shelf, "flood-of-segments", || {
        segments(r#"{"text":"","start":0,"end":0}"#, 600_000)
    });
    flood(shelf, "flood-of-text", || {
        format!(r#"{{"text":"{}"}}"#, "na ".repeat(24 << 20))
    });
    flood(shelf, "flood-of-escapes", || {
        format!(r#"{{"text":"{}"}}"#, "\\u0041".repeat(11 << 20))
    });
    shelf.bad("flood-endless-list", |proper| {
        let mut answer = ok(proper, &["connection: close"]);
        answer.extend_from_slice(br#"{"text":"a","segments":[{}"#);
        vec![
            Step::send(answer),
            Step::Endless(b",{}".repeat(20_000).into()),
        ]
    });
    shelf.bad("flood-endless-string", |proper| {
        let mut answer = ok(proper, &["connection: close"]);
        answer.extend_from_slice(br#"{"text":""#);
        vec![
            Step::send(answer),
            Step::Endless(b"and then ".repeat(8_000).into()),
        ]
    });
    shelf.add("flood-of-keys", Expected::Different, |proper| {
        let keys: Vec<String> = (0..20_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
        let text = format!(r#"{{"text":"a",{}}}"#, keys.join(","));
        vec![Step::send(ok_with(proper, &[], text.as_bytes()))]
    });
}

fn odd_but_usable(shelf: &mut Shelf) {
    for (name, text) in [
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
    ] {
        body(shelf, name, Expected::Different, text);
    }
    shelf.harmless("odd-spaces-around", |proper| {
        let body = [&b"\r\n\t  "[..], &proper.body, b"   \r\n"].concat();
        vec![Step::send(ok_with(proper, &[], &body))]
    });
    let long = "word ".repeat(20_000);
    let text = format!(r#"{{"text":"{long}"}}"#);
    body(shelf, "odd-a-long-text", Expected::Different, text);
}
