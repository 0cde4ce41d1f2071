//! Which limit a refusal names, if it clearly names one.
//!
//! Conservative, because what is learned here is believed until it expires or is overruled:
//! a number counts only with its unit beside it and a word such as "at most" before it, only
//! if the request that was refused was beyond it, and only if no other number could be meant.
//! A refusal without a number teaches nothing: that one size was too large does not say which
//! is not.

use crate::domain::{AudioMillis, Lesson};

/// The request that was refused.
#[derive(Debug, Clone, Copy)]
pub enum Refused<'a> {
    /// So many characters, to be answered in a format of this name.
    Speech { chars: u64, format: &'a str },
    /// A file of so many bytes; of audio of this length, zero when unknown.
    Transcription { bytes: u64, audio: AudioMillis },
}

/// Characters of a refusal that are looked at: some providers echo the text that was sent,
/// OpenAI after `'input': '`.
const LOOKED_AT: usize = 240;

/// Characters around a number in which its meaning must be told.
const BESIDE: usize = 44;

/// A limit below this is no limit anybody has.
const LEAST_CHARS: u64 = 20;
const LEAST_BYTES: u64 = 1_000;
const LEAST_MILLIS: u64 = 1_000;

/// Before a number that is a limit.
const CAPS: &[&str] = &[
    "at most",
    "maximum",
    "max ",
    "max_length",
    "limit",
    "less than or equal to",
    "no more than",
    "not exceed",
    "up to",
    "longer than",
    "larger than",
    "over",
    "exceeds",
];

/// Right before a number that is what was sent.
const SENT: &[&str] = &["got", "received", "read", "sent"];

/// What `words`, the provider's answer with `status`, teach.
pub fn lesson(status: Option<u16>, words: &str, refused: Refused<'_>) -> Option<Lesson> {
    if !matches!(status, Some(400 | 413 | 422)) {
        return None;
    }
    let words: String = words.chars().take(LOOKED_AT).collect();
    let words = words.to_lowercase();
    let words = words.split("'input': '").next().unwrap_or_default();
    match refused {
        Refused::Speech { chars, format } => {
            let limits = limits(words, chars_unit, LEAST_CHARS, chars);
            let most = limits.and_then(|most| u32::try_from(most).ok());
            most.map(Lesson::MaxChars)
                .or_else(|| no_format(words, format))
        }
        Refused::Transcription { bytes, audio } => {
            let size = limits(words, bytes_unit, LEAST_BYTES, bytes).map(Lesson::MaxUpload);
            let length = limits(words, time_unit, LEAST_MILLIS, audio.0)
                .filter(|_| words.contains("audio") || words.contains("duration"))
                .map(|most| Lesson::MaxAudio(AudioMillis(most)));
            match (size, length) {
                (Some(_), Some(_)) => None,
                (one, other) => one.or(other),
            }
            .or_else(|| no_format(words, "verbose_json"))
        }
    }
}

/// The one limit among the numbers of `words`, in the unit that `unit` reads; `None` when it
/// is unclear which, or when `refused` was not beyond it.
fn limits(
    words: &str,
    unit: impl Fn(&str, &str) -> Option<u64>,
    least: u64,
    refused: u64,
) -> Option<u64> {
    let mut found: Option<u64> = None;
    for number in numbers(words) {
        let Some(scale) = unit(number.before, number.after) else {
            continue;
        };
        let before = tail(number.before, BESIDE);
        let is_cap = CAPS.iter().any(|cap| before.contains(cap));
        let word = before.split_whitespace().next_back().unwrap_or_default();
        if !is_cap || SENT.contains(&word) {
            continue;
        }
        let most = number.scaled(scale)?;
        if most < least || most >= refused {
            continue;
        }
        if found.is_some_and(|other| other != most) {
            return None;
        }
        found = Some(most);
    }
    found
}

/// `characters` after the number.
fn chars_unit(_: &str, after: &str) -> Option<u64> {
    let after = after.trim_start();
    ["character", "chars", "unicode characters"]
        .iter()
        .any(|unit| after.starts_with(unit))
        .then_some(1)
}

/// A unit of size after the number, or OpenAI's `content size limit (N)`, which is bytes.
fn bytes_unit(before: &str, after: &str) -> Option<u64> {
    if before.ends_with("size limit (") && after.starts_with(')') {
        return Some(1);
    }
    let after = after.trim_start_matches([' ', '-']);
    let word: String = after
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    let rest = after[word.len()..].trim_start();
    if rest.starts_with("read") || rest.starts_with("received") {
        return None;
    }
    // Whoever writes MB may mean MiB; the smaller one is safe.
    Some(match word.as_str() {
        "bytes" | "byte" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" | "megabytes" => 1_000_000,
        "mib" => 1 << 20,
        "gb" | "gigabytes" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    })
}

/// A unit of time after the number, in milliseconds.
fn time_unit(_: &str, after: &str) -> Option<u64> {
    let after = after.trim_start_matches([' ', '-']);
    let word: String = after
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    Some(match word.as_str() {
        "second" | "seconds" | "sec" => 1_000,
        "minute" | "minutes" | "min" => 60_000,
        "hour" | "hours" => 3_600_000,
        _ => return None,
    })
}

/// `response_format 'X' is not …`, where X is what was asked for.
fn no_format(words: &str, format: &str) -> Option<Lesson> {
    let at = words.find("response_format")?;
    let rest = &words[at..];
    let is_named = ['\'', '"', '`']
        .iter()
        .any(|quote| rest.contains(&format!("{quote}{format}{quote}")));
    let is_refused = ["not compatible", "not supported", "unsupported"]
        .iter()
        .any(|no| words.contains(no));
    (is_named && is_refused).then(|| Lesson::NoFormat(format.to_owned()))
}

/// A number and the text on both sides.
struct Number<'a> {
    whole: &'a str,
    fraction: &'a str,
    before: &'a str,
    after: &'a str,
}

impl Number<'_> {
    /// The number times `scale`, cut to a whole one; `None` when it is no amount at all.
    fn scaled(&self, scale: u64) -> Option<u64> {
        let digits: String = self.whole.chars().filter(char::is_ascii_digit).collect();
        let whole: u64 = digits.parse().ok()?;
        // Six places of a gigabyte are a kilobyte.
        let fraction: String = self.fraction.chars().take(6).collect();
        let mut part = 0;
        if !fraction.is_empty() {
            let places = u32::try_from(fraction.len()).ok()?;
            part = fraction.parse::<u64>().ok()?.checked_mul(scale)? / 10_u64.pow(places);
        }
        whole.checked_mul(scale)?.checked_add(part)
    }
}

/// The numbers of `text`: digits, `1,000` with its commas, `1.5` with its point.
fn numbers(text: &str) -> Vec<Number<'_>> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let joined = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        if !digit(at) || joined {
            at += 1;
            continue;
        }
        let start = at;
        let mut end = at;
        while digit(end) || (bytes.get(end) == Some(&b',') && digit(end + 1)) {
            end += 1;
        }
        let whole = &text[start..end];
        let mut fraction = "";
        if bytes.get(end) == Some(&b'.') && digit(end + 1) {
            let first = end + 1;
            end = first;
            while digit(end) {
                end += 1;
            }
            fraction = &text[first..end];
        }
        found.push(Number {
            whole,
            fraction,
            before: &text[..start],
            after: &text[end..],
        });
        at = end;
    }
    found
}

/// The last `count` characters.
fn tail(text: &str, count: usize) -> &str {
    let from = text.char_indices().rev().nth(count.saturating_sub(1));
    from.map_or(text, |(at, _)| &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_speech(status: u16, words: &str, chars: u64) -> Option<Lesson> {
        let refused = Refused::Speech {
            chars,
            format: "wav",
        };
        lesson(Some(status), words, refused)
    }

    fn of_upload(status: u16, words: &str, bytes: u64, seconds: u64) -> Option<Lesson> {
        let refused = Refused::Transcription {
            bytes,
            audio: AudioMillis(seconds * 1000),
        };
        lesson(Some(status), words, refused)
    }

    #[test]
    fn openai_names_4096_characters_and_its_echo_of_the_text_says_nothing() {
        let words = "400 Bad Request: [{'type': 'string_too_long', 'loc': ('body', 'input'), 'msg': 'String should have at most 4096 characters', 'input': 'He could say at most 50 characters";

        assert_eq!(of_speech(400, words, 5_311), Some(Lesson::MaxChars(4096)));
    }

    #[test]
    fn groq_names_200_characters_whatever_it_says_of_what_it_got() {
        for words in [
            "'input' : value must be at most 200 characters, got 311 characters",
            "Input text exceeds the limit of 200 characters.",
            "input is 311 characters, the maximum length is 200 characters",
            "Text must be less than or equal to 200 characters long",
        ] {
            assert_eq!(
                of_speech(400, words, 311),
                Some(Lesson::MaxChars(200)),
                "{words}"
            );
        }
    }

    #[test]
    fn a_schema_names_its_limit_under_422() {
        let words = "422 Unprocessable Entity: String should have at most 1,000 characters";

        assert_eq!(of_speech(422, words, 1_001), Some(Lesson::MaxChars(1000)));
    }

    #[test]
    fn openai_names_the_size_of_an_upload_and_of_a_recording() {
        let size = "413 Payload Too Large: Maximum content size limit (26214400) exceeded (26306794 bytes read)";
        assert_eq!(
            of_upload(413, size, 30_700_000, 0),
            Some(Lesson::MaxUpload(26_214_400))
        );
        let length = "400 Bad Request: audio duration 1830.530612 seconds is longer than 1400 seconds which is the maximum for this model";
        assert_eq!(
            of_upload(400, length, 20_000_000, 1_830),
            Some(Lesson::MaxAudio(AudioMillis(1_400_000)))
        );
    }

    #[test]
    fn together_names_hours_and_sizes() {
        assert_eq!(
            of_upload(400, "audio longer than 4 hours", 70_000_000, 5 * 3600),
            Some(Lesson::MaxAudio(AudioMillis(4 * 3_600_000)))
        );
        assert_eq!(
            of_upload(
                413,
                "The file is larger than the limit of 80 MB.",
                90_000_000,
                60
            ),
            Some(Lesson::MaxUpload(80_000_000))
        );
        // About another road: this file was no gigabyte.
        assert_eq!(
            of_upload(400, "url download over 1 GB", 90_000_000, 60),
            None
        );
        assert_eq!(
            of_upload(413, "maximum upload is 1.5 MiB", 9_000_000, 60),
            Some(Lesson::MaxUpload(1_572_864))
        );
    }

    #[test]
    fn a_refusal_without_a_number_of_its_own_teaches_nothing() {
        for words in [
            "413 Payload Too Large: a web page, \"413 Request Entity Too Large\"",
            "413 Payload Too Large: Request Entity Too Large",
            "file_too_large",
            "Rate limit: at most 50 requests a minute",
            "try again in 20 seconds, the limit is reached",
            "maximum 25 files",
        ] {
            assert_eq!(of_upload(413, words, 90_000_000, 3_600), None, "{words}");
            assert_eq!(of_speech(400, words, 5_000), None, "{words}");
        }
    }

    #[test]
    fn what_is_unclear_or_was_not_exceeded_is_not_believed() {
        // Two limits, and nobody says which one it was.
        let two = "at most 200 characters, at most 300 characters for others";
        assert_eq!(of_speech(400, two, 500), None);
        assert_eq!(of_speech(400, "at most 200 characters", 200), None);
        assert_eq!(of_speech(400, "at most 3 characters", 200), None);
        assert_eq!(of_speech(429, "at most 200 characters", 500), None);
        assert_eq!(of_speech(500, "at most 200 characters", 500), None);
        assert_eq!(of_speech(400, "at most 200 tokens", 500), None);
        assert_eq!(of_speech(400, "200 characters were spoken", 500), None);
        assert_eq!(
            of_upload(400, "audio longer than 4 hours", 1_000, 0),
            None,
            "its length is not known"
        );
        assert_eq!(
            of_speech(400, "at most 99999999999999999999999 characters", 500),
            None
        );
    }

    #[test]
    fn a_format_is_given_up_only_if_it_is_the_one_that_was_asked_for() {
        let words = "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'. Use 'json' or 'text' instead.";

        assert_eq!(
            of_upload(400, words, 5_000, 60),
            Some(Lesson::NoFormat("verbose_json".to_owned()))
        );
        assert_eq!(of_speech(400, words, 5), None);
        assert_eq!(
            of_speech(400, "Unsupported response_format \"wav\"", 5),
            Some(Lesson::NoFormat("wav".to_owned()))
        );
    }
}
