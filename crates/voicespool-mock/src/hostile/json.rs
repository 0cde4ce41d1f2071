//! Transcripts that are none: no JSON, other shapes, impossible numbers.

use voicespool_media::domain::FaultClass;

use crate::hostile::answer::Expected;
use crate::hostile::builder::Builder;
use crate::hostile::script::ok_with;
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    no_json(catalogue);
    wrong_types(catalogue);
    numbers(catalogue);
}

pub(super) fn body(
    catalogue: &mut Builder,
    name: &str,
    expected: Expected,
    body: impl Into<Vec<u8>>,
) {
    let body = body.into();
    catalogue.add(name, expected, move |proper| {
        vec![Step::send(ok_with(proper, &[], &body))]
    });
}

/// What a client makes of it: a fault, unless it is [`READABLE`].
fn odd(catalogue: &mut Builder, name: &str, text: impl Into<Vec<u8>>) {
    let expected = if READABLE.contains(&name) {
        Expected::Different
    } else {
        Expected::Fault(FaultClass::BadAnswer)
    };
    body(catalogue, name, expected, text);
}

/// Odd, and read all the same: what is of no use never fails an answer.
const READABLE: &[&str] = &[
    "duration-endless",
    "duration-nan",
    "json-invalid-utf8",
    "json-lines",
    "json-srt-instead",
    "json-vtt-instead",
    "shape-duration-a-text",
    "shape-duration-an-object",
    "shape-language-a-number",
    "shape-segments-a-text",
    "shape-segments-an-object",
    "shape-segments-of-null",
    "shape-segments-of-numbers",
    "shape-speaker-an-object",
    "shape-start-a-list",
    "shape-start-a-text",
    "shape-start-true",
    "shape-word-a-number",
    "shape-words-of-texts",
    "shape-words-true",
    "time-1e300",
    "time-a-thousand-years",
    "time-infinity",
    "time-minus-infinity",
    "time-nan",
];

/// As [`odd`], for bodies too large to be kept ready.
pub(super) fn flood(catalogue: &mut Builder, name: &str, text: fn() -> String) {
    catalogue.bad(name, move |proper| {
        vec![Step::send(ok_with(proper, &[], text().as_bytes()))]
    });
}

fn no_json(catalogue: &mut Builder) {
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
        odd(catalogue, name, text);
    }
    let wide: Vec<u8> = r#"{"text":"a"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    odd(catalogue, "json-utf16", [b"\xff\xfe", &wide[..]].concat());
    let wide: Vec<u8> =
        r#"{"text":"a"}"#.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    odd(catalogue, "json-utf32", wide);
}

fn wrong_types(catalogue: &mut Builder) {
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
        odd(catalogue, name, text);
    }
}

fn numbers(catalogue: &mut Builder) {
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
        odd(catalogue, &format!("time-{name}"), text);
    }
    flood(catalogue, "time-of-a-hundred-thousand-digits", || {
        format!(r#"{{"text":"a","duration":{}}}"#, "9".repeat(100_000))
    });
    odd(catalogue, "duration-nan", r#"{"text":"a","duration":NaN}"#);
    odd(
        catalogue,
        "duration-endless",
        r#"{"text":"a","duration":1e200}"#,
    );
}
