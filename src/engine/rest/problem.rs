//! What a refusal means and says: the class of every status, and a tolerant reader of
//! the many shapes an error body has.
//!
//! Texts that leave this module are bounded, on one line, and hold no key: whatever the
//! provider echoes goes through [`Scrubber::tidy`].

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::domain::FaultClass;

/// Most characters of a provider's words that are kept.
const MAX_WORDS: usize = 500;

/// Most bytes of an error body that are read.
pub(super) const MAX_BODY: usize = 16 * 1024;

/// The class of an answer that is no success.
///
/// `code` is the provider's own word for the problem; it overrules the status where
/// providers hide one thing behind another: OpenAI reports an empty account as 429
/// `insufficient_quota`, Together a recording it cannot decode as 500
/// `processing_failed`, and neither must look like a pace or an outage.
pub(super) fn class_of(status: u16, code: Option<&str>) -> FaultClass {
    match (status, code) {
        (429, Some("insufficient_quota" | "billing_hard_limit_reached" | "credit_limit")) => {
            FaultClass::Account
        }
        (500, Some("processing_failed")) => FaultClass::BadAnswer,
        _ => class_of_status(status),
    }
}

fn class_of_status(status: u16) -> FaultClass {
    match status {
        401..=403 => FaultClass::Account,
        429 => FaultClass::Throttled,
        // 408 and 409 are retried by every SDK of the providers; 425 asks for it. 501 and
        // 505 (not implemented, a version of HTTP not spoken) no wait will change.
        408 | 409 | 425 | 500 | 502..=504 | 506..=599 => FaultClass::Overloaded,
        300..=501 | 505 => FaultClass::Refused,
        // Other successes (202, 204, 206 …) bring no whole answer.
        _ => FaultClass::BadAnswer,
    }
}

/// The class of a failure that is told inside a stream, and whether money may be gone.
///
/// Before the first sound it is a refusal that came late, and its words decide. After it,
/// something was spoken, so it is an answer that broke off, whatever its reason: a provider
/// that always breaks off must not be paid without end.
pub(super) fn class_of_event(problem: &Problem, is_heard: bool) -> (FaultClass, bool) {
    if is_heard {
        return (FaultClass::BadAnswer, true);
    }
    if let Some(status) = problem.status {
        return (class_of(status, problem.code.as_deref()), false);
    }
    let class = match problem.code.as_deref().unwrap_or_default() {
        "invalid_api_key"
        | "missing_api_key"
        | "authentication_error"
        | "permission_error"
        | "insufficient_quota"
        | "billing_hard_limit_reached"
        | "credit_limit" => FaultClass::Account,
        "rate_limit_exceeded"
        | "rate_limit_error"
        | "dynamic_request_limited"
        | "dynamic_token_limited" => FaultClass::Throttled,
        "invalid_request_error"
        | "invalid_params"
        | "invalid_value"
        | "model_not_available"
        | "model_not_accessible" => FaultClass::Refused,
        "server_error"
        | "internal_error"
        | "internal_server_error"
        | "service_unavailable_error"
        | "service_unavailable"
        | "overloaded_error" => FaultClass::Overloaded,
        // Nobody knows; counted, so that it ends.
        _ => return (FaultClass::BadAnswer, true),
    };
    (class, false)
}

/// The class of a WebSocket that was closed with `code` before its answer was whole.
/// 1xxx: RFC 6455, 7.4.1; 4xxx: by the custom of HTTP's numbers, as Together's 4503.
pub(super) fn class_of_close(code: u16, is_heard: bool) -> FaultClass {
    match code {
        _ if is_heard => FaultClass::BadAnswer,
        4401..=4403 => FaultClass::Account,
        4429 => FaultClass::Throttled,
        1001 | 1011..=1014 | 4500..=4599 => FaultClass::Overloaded,
        1002..=1003 | 1007..=1010 | 4400..=4499 => FaultClass::Refused,
        _ => FaultClass::BadAnswer,
    }
}

/// Whether a request answered with `status` may be on the bill. A gateway that gave up
/// (502, 504, 520, 524) does not know what became of it; the others say it failed.
pub(super) fn may_be_billed(status: u16) -> bool {
    let is_plain_refusal = (300..=599).contains(&status);
    !is_plain_refusal || matches!(status, 502 | 504 | 520 | 524)
}

/// What a person and the queue learn from a refusal with `status` and `body`: the class of the
/// fault, and the provider's words as they are shown, without `key`.
pub fn read_refusal(status: u16, body: &[u8], key: Option<SecretString>) -> (FaultClass, String) {
    let problem = Problem::read(body);
    let class = class_of(status, problem.code.as_deref());
    (class, Scrubber::new(key).tidy(&problem.words))
}

/// What an error body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problem {
    /// The provider's words, unbounded and untidied; empty if there are none.
    pub(super) words: String,
    /// The machine-readable name of the problem, wherever the provider puts it.
    pub(super) code: Option<String>,
    /// The status a provider names inside an event, which has none of its own.
    pub(super) status: Option<u16>,
}

impl Problem {
    /// Reads `error.message`, `error` as text, `detail` as text, object or list,
    /// `message`, the title of a web page, or plain text.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return Self::of_json(&value, text);
        }
        let words = if text.starts_with('<') {
            page_title(text)
        } else {
            text.to_owned()
        };
        Self {
            words,
            ..Self::default()
        }
    }

    pub(super) fn of_json(value: &Value, text: &str) -> Self {
        let words = ["error", "detail", "message"]
            .iter()
            .find_map(|name| words_of(value.get(name)?))
            .or_else(|| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| text.to_owned());
        let error = value.get("error");
        let code = [
            error.and_then(|error| error.get("code")),
            value.get("error_type"),
            value.get("code"),
            error.and_then(|error| error.get("type")),
            value.get("type"),
        ]
        .into_iter()
        .flatten()
        .find_map(Value::as_str)
        .map(str::to_owned);
        let number = |name: &str| error.and_then(|error| error.get(name)).or(value.get(name));
        let status = ["status", "status_code", "code"]
            .iter()
            .find_map(|name| u16::try_from(number(name)?.as_u64()?).ok())
            .filter(|status| (400..600).contains(status));
        Self {
            words,
            code,
            status,
        }
    }
}

/// The human part of an error value: text, an object with a known member, or a list of
/// either (the first three are kept).
fn words_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Object(members) => ["message", "msg", "error", "detail"]
            .iter()
            .find_map(|name| words_of(members.get(*name)?)),
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().take(3).filter_map(words_of).collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        _ => None,
    }
}

/// The title of a web page, or its text without tags.
fn page_title(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|tag| {
        let start = tag + "<title>".len();
        let end = start + lower[start..].find("</title>")?;
        page.get(start..end)
    });
    if let Some(title) = title.map(str::trim).filter(|title| !title.is_empty()) {
        return format!("a web page, \"{title}\"");
    }
    let mut in_tag = false;
    let mut text = String::new();
    for c in page.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(c),
            _ => {}
        }
    }
    format!("a web page, \"{}\"", text.trim())
}

/// Takes keys out of texts. Its `Debug` shows none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrubber {
    key: Option<SecretString>,
    /// Of the address of a recording: its query and each value in it, plain and decoded, the
    /// longest first.
    parts: Vec<SecretString>,
}

/// Shorter parts of an address are words like any other: `v=7`, `expires=60`.
const MIN_PART: usize = 6;

impl Scrubber {
    pub(super) fn new(key: Option<SecretString>) -> Self {
        Self {
            key,
            parts: Vec::new(),
        }
    }

    /// As this one, and what is secret in `address` goes, too.
    pub(super) fn and_address(&self, address: &SecretString) -> Self {
        let mut parts: Vec<String> = Vec::new();
        if let Ok(url) = reqwest::Url::parse(address.expose_secret()) {
            let query = url.query().unwrap_or_default();
            parts.push(query.to_owned());
            parts.extend(
                query
                    .split('&')
                    .filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())),
            );
            parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        }
        parts.retain(|part| part.len() >= MIN_PART);
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.dedup();
        Self {
            key: self.key.clone(),
            parts: parts.into_iter().map(SecretString::from).collect(),
        }
    }

    /// `text` on one line, without control characters, keys, and the queries and user
    /// names of URLs, at most 500 characters.
    pub(crate) fn tidy(&self, text: &str) -> String {
        let mut line = String::with_capacity(text.len().min(MAX_WORDS * 4));
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            let mut word = without_url_secrets(word);
            word.retain(|c| !is_invisible(c));
            if word.is_empty() {
                continue;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
            if line.len() > MAX_WORDS * 8 {
                break;
            }
        }
        let mut line = self.scrub(line);
        for part in &self.parts {
            line = line.replace(part.expose_secret(), "***");
        }
        match line.char_indices().nth(MAX_WORDS) {
            None => line,
            Some((end, _)) => {
                let end = line[..end].char_indices().last().map_or(0, |(at, _)| at);
                format!("{}…", &line[..end])
            }
        }
    }

    /// Replaces the key, and everything that begins with its first 12 characters.
    fn scrub(&self, mut text: String) -> String {
        let Some(key) = &self.key else { return text };
        let key = key.expose_secret();
        let start: String = key.chars().take(12).collect();
        // A key of a few letters is a placeholder, and would eat ordinary words.
        if start.len() < 6 {
            return text;
        }
        let is_key = |c: char| c.is_ascii_alphanumeric() || "-_.~%+/=*".contains(c);
        let mut from = 0;
        while let Some(at) = text[from..].find(&start).map(|at| at + from) {
            let after = at + start.len();
            let end = text[after..]
                .find(|c| !is_key(c))
                .map_or(text.len(), |length| after + length);
            text.replace_range(at..end, "***");
            from = at + 3;
        }
        text
    }
}

/// A URL without its query, fragment and user name; any other word as it is.
fn without_url_secrets(word: &str) -> String {
    let Some(scheme) = word.find("://") else {
        return word.to_owned();
    };
    let (scheme, rest) = word.split_at(scheme + 3);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let host = rest.find('/').unwrap_or(rest.len());
    let rest = rest[..host].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    format!("{scheme}{rest}")
}

/// Characters that reorder or hide text on a screen (Unicode's bidirectional controls
/// and zero-width marks).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_class_of_every_status_is_decided() {
        let mut table = String::new();
        let mut run: Option<(u16, u16, FaultClass, bool)> = None;
        for status in 100..=600 {
            let next = (class_of(status, None), may_be_billed(status));
            match &mut run {
                Some((_, last, class, billed)) if (*class, *billed) == next && status < 600 => {
                    *last = status;
                }
                _ => {
                    if let Some((first, last, class, billed)) = run {
                        let money = if billed { "in doubt" } else { "not billed" };
                        writeln!(table, "{first}..={last} {class}, {money}").unwrap();
                    }
                    run = Some((status, status, next.0, next.1));
                }
            }
        }

        insta::assert_snapshot!(table, @r"
        100..=299 bad_answer, in doubt
        300..=400 refused, not billed
        401..=403 account, not billed
        404..=407 refused, not billed
        408..=409 overloaded, not billed
        410..=424 refused, not billed
        425..=425 overloaded, not billed
        426..=428 refused, not billed
        429..=429 throttled, not billed
        430..=499 refused, not billed
        500..=500 overloaded, not billed
        501..=501 refused, not billed
        502..=502 overloaded, in doubt
        503..=503 overloaded, not billed
        504..=504 overloaded, in doubt
        505..=505 refused, not billed
        506..=519 overloaded, not billed
        520..=520 overloaded, in doubt
        521..=523 overloaded, not billed
        524..=524 overloaded, in doubt
        525..=599 overloaded, not billed
        ");
    }

    #[test]
    fn a_failure_inside_a_stream_is_judged_by_its_words_until_something_was_heard() {
        let problem = |json: &str| Problem::read(json.as_bytes());
        for (json, class, is_billed) in [
            (
                r#"{"error":{"code":"invalid_api_key"}}"#,
                FaultClass::Account,
                false,
            ),
            (
                r#"{"error":{"type":"invalid_request_error","code":"model_not_available"}}"#,
                FaultClass::Refused,
                false,
            ),
            (
                r#"{"error":{"type":"dynamic_request_limited"}}"#,
                FaultClass::Throttled,
                false,
            ),
            (r#"{"error":{"code":503}}"#, FaultClass::Overloaded, false),
            (r#"{"error":{"status":429}}"#, FaultClass::Throttled, false),
            (
                r#"{"error":{"type":"server_error"}}"#,
                FaultClass::Overloaded,
                false,
            ),
            (
                r#"{"type":"error","message":"x"}"#,
                FaultClass::BadAnswer,
                true,
            ),
        ] {
            assert_eq!(
                class_of_event(&problem(json), false),
                (class, is_billed),
                "{json}"
            );
            assert_eq!(
                class_of_event(&problem(json), true),
                (FaultClass::BadAnswer, true),
                "{json}"
            );
        }
    }

    #[test]
    fn a_closed_socket_is_an_outage_a_refusal_or_half_an_answer() {
        for (code, class) in [
            (1000, FaultClass::BadAnswer),
            (1001, FaultClass::Overloaded),
            (1008, FaultClass::Refused),
            (1011, FaultClass::Overloaded),
            (4401, FaultClass::Account),
            (4429, FaultClass::Throttled),
            (4503, FaultClass::Overloaded),
        ] {
            assert_eq!(class_of_close(code, false), class, "{code}");
            assert_eq!(class_of_close(code, true), FaultClass::BadAnswer, "{code}");
        }
    }

    #[test]
    fn a_word_from_the_provider_overrules_a_misleading_status() {
        assert_eq!(
            class_of(429, Some("insufficient_quota")),
            FaultClass::Account
        );
        assert_eq!(
            class_of(429, Some("dynamic_request_limited")),
            FaultClass::Throttled
        );
        assert_eq!(
            class_of(500, Some("processing_failed")),
            FaultClass::BadAnswer
        );
        assert_eq!(class_of(500, Some("server_error")), FaultClass::Overloaded);
    }

    #[test]
    fn every_shape_of_error_body_is_read() {
        let check = |body: &str, words: &str, code: Option<&str>| {
            let expected = Problem {
                words: words.to_owned(),
                code: code.map(str::to_owned),
                status: None,
            };
            assert_eq!(Problem::read(body.as_bytes()), expected, "{body}");
        };
        check(
            r#"{"id":"oAbC","error":{"message":"Unable to access","type":"invalid_request_error","param":null,"code":"model_not_available"}}"#,
            "Unable to access",
            Some("model_not_available"),
        );
        check(
            r#"{"error":{"message":"Credit limit exceeded","type":"credit_limit"}}"#,
            "Credit limit exceeded",
            Some("credit_limit"),
        );
        check(
            r#"{"error_type":"dynamic_token_limited","message":"rate limited"}"#,
            "rate limited",
            Some("dynamic_token_limited"),
        );
        check(r#"{"error":"batch not found"}"#, "batch not found", None);
        check(r#"{"detail":"Not Found"}"#, "Not Found", None);
        check(
            r#"{"detail":[{"loc":["body","voice"],"msg":"field required"},{"msg":"bad"}]}"#,
            "field required; bad",
            None,
        );
        check(
            r#"{"detail":{"error":"validation","message":"no such voice","type":"x"}}"#,
            "no such voice",
            None,
        );
        check(
            r#"{"message":"flat","code":"c","type":"t","param":null}"#,
            "flat",
            Some("c"),
        );
        check("Unauthorized\n", "Unauthorized", None);
        check(r#""quoted""#, "quoted", None);
        check(
            "<html><head><title>413 Request Entity Too Large</title></head><body>413</body></html>",
            "a web page, \"413 Request Entity Too Large\"",
            None,
        );
        check(
            "<html><body>go <b>away</b></body></html>",
            "a web page, \"go  away\"",
            None,
        );
        check("", "", None);
        check(r#"{"odd":1}"#, r#"{"odd":1}"#, None);
        check(
            "{\"error\":{\"message\":\"cut o",
            "{\"error\":{\"message\":\"cut o",
            None,
        );
    }

    #[test]
    fn binary_and_deeply_nested_bodies_are_survived() {
        let deep = "[".repeat(10_000);

        assert_eq!(Problem::read(deep.as_bytes()).words, deep);
        assert!(
            Problem::read(&[0xff, 0xfe, 0x00])
                .words
                .contains('\u{fffd}')
        );
        assert_eq!(
            Problem::read("<titLE>".as_bytes()).words,
            "a web page, \"\""
        );
    }

    #[test]
    fn no_text_shows_the_key_or_a_part_of_it() {
        let key = SecretString::from("sk-CANARY-7f3a9b2c4d5e6f708192");
        let scrubber = Scrubber::new(Some(key));

        for (text, expected) in [
            ("bad key sk-CANARY-7f3a9b2c4d5e6f708192.", "bad key ***"),
            ("bad key sk-CANARY-7f3a…", "bad key ***…"),
            ("sk-CANARY-7f3 sk-CANARY-7f4", "*** ***"),
            (
                "see https://x.example/a?key=1#f now",
                "see https://x.example/a now",
            ),
            ("see https://u:p@x.example/a", "see https://x.example/a"),
            ("two\nlines\u{1b}[31mred\u{0}\u{202e}", "two lines [31mred"),
        ] {
            assert_eq!(scrubber.tidy(text), expected);
        }
        assert!(!format!("{scrubber:?}").contains("CANARY"));
    }

    #[test]
    fn no_text_shows_the_query_of_an_address_however_it_is_quoted() {
        let address = SecretString::from(
            "https://b.example/a.mp3?X-Amz-Signature=CANARY%2F0a1b2c&part=CANARY-two&v=7",
        );
        let scrubber = Scrubber::new(None).and_address(&address);

        for text in [
            "cannot fetch https://b.example/a.mp3?X-Amz-Signature=CANARY%2F0a1b2c&part=CANARY-two",
            "bad signature CANARY/0a1b2c for part",
            "query: X-Amz-Signature=CANARY%2F0a1b2c&part=CANARY-two&v=7",
            "(CANARY-two)",
        ] {
            let tidy = scrubber.tidy(text);
            assert!(!tidy.contains("CANARY"), "{tidy}");
        }
        assert_eq!(scrubber.tidy("v is 7"), "v is 7");
        assert!(!format!("{scrubber:?}").contains("CANARY"));
    }

    #[test]
    fn words_are_bounded_in_characters_and_a_short_key_eats_no_words() {
        let long = "é".repeat(10_000);
        let tidy = Scrubber::default().tidy(&long);

        assert_eq!(tidy.chars().count(), MAX_WORDS);
        assert!(tidy.ends_with('…'));
        assert_eq!(
            Scrubber::new(Some(SecretString::from("x"))).tidy("extra xylophone"),
            "extra xylophone"
        );
    }
}
