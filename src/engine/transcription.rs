//! Reading a provider's transcript: every dialect of `json` and `verbose_json` in, one
//! [`Transcript`] out.
//!
//! Tolerant about shape: words stand at the top, in segments, or in speaker segments;
//! they are called `word` or `text`; speakers `speaker_id` or `speaker`; unknown fields
//! are passed over. Strict about values: invalid JSON or UTF-8, a wrong type, a time that
//! is no finite number, or an absurd count is an error, never a panic and never a zero
//! that the provider did not write.
//!
//! Times out of order stay as they are (a negative one becomes 0): repairing them is for
//! those who make subtitles.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::domain::{AudioMillis, Segment, Transcript, Word};
use crate::engine::rest::problem::Scrubber;

/// Most bytes of a transcript that are read.
pub const MAX_BYTES: usize = 64 << 20;

/// Most words or segments: ten times what four hours of fast speech hold.
const MAX_ITEMS: usize = 500_000;

/// Most entries of a list that hold nothing at all: three bytes of an answer must not
/// become a hundred of memory.
const MAX_HOLLOW: usize = 1_000;

/// No audio is longer, in seconds (a year); a larger time is a mistake.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;

/// Why the bytes are no transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    #[error("the transcript is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the transcript is not valid UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// Position and reason are in the text; the cause itself may quote the transcript at
    /// any length and is left out.
    #[error("the transcript is not as expected: {reason}")]
    Json { reason: String },
    /// An error object under a status that promised success.
    #[error("the provider answered with an error: {words}")]
    Provider { words: String },
    #[error("the transcript holds neither text nor segments nor words")]
    Empty,
}

/// Reads `json` or `verbose_json` as any known provider writes it.
///
/// # Errors
/// [`TranscriptError`] by kind; nothing is guessed.
pub fn parse_transcript(bytes: &[u8]) -> Result<Transcript, TranscriptError> {
    if bytes.len() > MAX_BYTES {
        return Err(TranscriptError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(TranscriptError::NotUtf8)?;
    let text = text.trim_start_matches('\u{feff}');
    let wire: WireTranscript =
        serde_json::from_str(text).map_err(|error| TranscriptError::Json {
            reason: Scrubber::default().tidy(&error.to_string()),
        })?;
    if let Some(error) = &wire.error
        && !error.is_null()
        && wire.text.is_none()
    {
        let words = error
            .get("message")
            .and_then(serde_json::Value::as_str)
            .or_else(|| error.as_str())
            .map_or_else(|| error.to_string(), str::to_owned);
        return Err(TranscriptError::Provider {
            words: Scrubber::default().tidy(&words),
        });
    }
    wire.into_transcript()
}

#[derive(Debug, Deserialize)]
struct WireTranscript {
    text: Option<String>,
    language: Option<String>,
    /// whisper.cpp's name for it.
    detected_language: Option<String>,
    duration: Option<Seconds>,
    segments: Option<Items<WireSegment>>,
    words: Option<Items<WireWord>>,
    speaker_segments: Option<Items<WireSegment>>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct WireSegment {
    text: Option<String>,
    start: Option<Seconds>,
    end: Option<Seconds>,
    speaker_id: Option<Speaker>,
    speaker: Option<Speaker>,
    words: Option<Items<WireWord>>,
}

#[derive(Debug, Clone, Deserialize)]
struct WireWord {
    word: Option<String>,
    text: Option<String>,
    start: Option<Seconds>,
    end: Option<Seconds>,
    speaker_id: Option<Speaker>,
    speaker: Option<Speaker>,
}

impl WireTranscript {
    fn into_transcript(self) -> Result<Transcript, TranscriptError> {
        // Where speakers were told apart, their segments are the same speech cut finer.
        let segments = [self.speaker_segments, self.segments]
            .into_iter()
            .flatten()
            .map(|items| items.0)
            .find(|items| !items.is_empty())
            .unwrap_or_default();
        let words = match self.words {
            Some(words) if !words.0.is_empty() => words_of(words.0.iter(), None),
            _ => words_in(&segments),
        };
        let has_parts = !segments.is_empty() || !words.is_empty();
        let segments: Vec<Segment> = all_or_none(segments.into_iter().map(WireSegment::segment));
        let text = match self.text {
            Some(text) => text,
            None if has_parts => joined(&segments, &words),
            None => return Err(TranscriptError::Empty),
        };
        Ok(Transcript {
            text,
            language: self.language.or(self.detected_language),
            duration: self.duration.map(Seconds::millis),
            segments,
            words,
        })
    }
}

impl WireSegment {
    /// `None` when it is not timed.
    fn segment(self) -> Option<Segment> {
        Some(Segment {
            text: self.text?,
            start: self.start?.millis(),
            end: self.end?.millis(),
            speaker: self.speaker_id.or(self.speaker).map(|name| name.0),
        })
    }
}

/// The words nested in `segments`, each with its segment's speaker if it names none.
fn words_in(segments: &[WireSegment]) -> Vec<Word> {
    let nested = segments.iter().flat_map(|segment| {
        let speaker = segment.speaker_id.as_ref().or(segment.speaker.as_ref());
        let words = segment.words.iter().flat_map(|words| words.0.iter());
        words.map(move |word| word.clone().timed(speaker))
    });
    all_or_none(nested)
}

fn words_of<'a>(words: impl Iterator<Item = &'a WireWord>, speaker: Option<&Speaker>) -> Vec<Word> {
    all_or_none(words.map(|word| word.clone().timed(speaker)))
}

impl WireWord {
    /// `None` when it is not timed.
    fn timed(self, speaker: Option<&Speaker>) -> Option<Word> {
        Some(Word {
            text: self.word.or(self.text)?,
            start: self.start?.millis(),
            end: self.end?.millis(),
            speaker: self
                .speaker_id
                .or(self.speaker)
                .or_else(|| speaker.cloned())
                .map(|name| name.0),
        })
    }
}

/// All of `items`, or nothing if one of them lacks its text or its times: a list with
/// holes would lose what was said there, and the coarser list does not.
fn all_or_none<T>(items: impl Iterator<Item = Option<T>>) -> Vec<T> {
    items.collect::<Option<Vec<T>>>().unwrap_or_default()
}

fn joined(segments: &[Segment], words: &[Word]) -> String {
    let parts: Vec<&str> = if segments.is_empty() {
        words.iter().map(|word| word.text.trim()).collect()
    } else {
        segments.iter().map(|segment| segment.text.trim()).collect()
    };
    parts.join(" ")
}

/// A time in seconds: any finite JSON number below a year.
#[derive(Debug, Clone, Copy)]
struct Seconds(f64);

impl Seconds {
    fn millis(self) -> AudioMillis {
        AudioMillis::from_seconds(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if seconds.is_finite() && seconds.abs() <= MAX_SECONDS {
            Ok(Self(seconds))
        } else {
            Err(D::Error::custom("a time longer than a year"))
        }
    }
}

/// A speaker's name, or number as some servers write it.
#[derive(Debug, Clone)]
struct Speaker(String);

impl<'de> Deserialize<'de> for Speaker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a speaker's name or number")]
        enum Wire {
            Name(String),
            Number(i64),
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Name(name) => Self(name),
            Wire::Number(number) => Self(number.to_string()),
        })
    }
}

/// What stands in a list.
trait Item {
    /// Whether it says nothing.
    fn is_hollow(&self) -> bool;
}

impl Item for WireSegment {
    fn is_hollow(&self) -> bool {
        self.text.is_none() && self.start.is_none() && self.words.is_none()
    }
}

impl Item for WireWord {
    fn is_hollow(&self) -> bool {
        self.word.is_none() && self.text.is_none() && self.start.is_none()
    }
}

/// A list that is refused when it grows absurd: 64 MB of `{},` would fill gigabytes.
#[derive(Debug)]
struct Items<T>(Vec<T>);

impl<'de, T: Item + Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor(PhantomData))
    }
}

struct ItemsVisitor<T>(PhantomData<T>);

impl<'de, T: Item + Deserialize<'de>> Visitor<'de> for ItemsVisitor<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut hollow) = (Vec::new(), 0);
        while let Some(item) = list.next_element::<T>()? {
            hollow += usize::from(item.is_hollow());
            if hollow > MAX_HOLLOW {
                return Err(A::Error::custom(
                    "more than 1000 words or segments without text or time",
                ));
            }
            if items.len() == MAX_ITEMS {
                return Err(A::Error::custom("more than 500000 words or segments"));
            }
            items.push(item);
        }
        Ok(Items(items))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(json: &str) -> Transcript {
        parse_transcript(json.as_bytes()).expect(json)
    }

    fn word(text: &str, start: u64, end: u64, speaker: Option<&str>) -> Word {
        Word {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: speaker.map(str::to_owned),
        }
    }

    fn segment(text: &str, start: u64, end: u64, speaker: Option<&str>) -> Segment {
        Segment {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: speaker.map(str::to_owned),
        }
    }

    #[test]
    fn the_plain_form_is_only_text() {
        let expected = Transcript {
            text: "One two three.".to_owned(),
            ..Transcript::default()
        };

        assert_eq!(parsed(r#"{"text":"One two three."}"#), expected);
        assert_eq!(
            parsed(r#"{"duration":4.825,"language":"en","text":"One two three."}"#),
            Transcript {
                language: Some("en".to_owned()),
                duration: Some(AudioMillis(4825)),
                ..expected
            }
        );
    }

    #[test]
    fn words_at_the_top_are_read_as_together_writes_them() {
        let transcript = parsed(
            r#"{"task":"transcribe","language":"en","duration":10.9,"text":"One two.",
                "segments":[{"id":0,"start":0.11,"end":10.85,"text":"One two."}],
                "words":[{"id":0,"word":"One","start":0.11,"end":0.4},
                         {"id":1,"word":"two.","start":0.5,"end":0.8,"speaker_id":"SPEAKER_01"}]}"#,
        );

        assert_eq!(
            transcript.segments,
            [segment("One two.", 110, 10_850, None)]
        );
        assert_eq!(
            transcript.words,
            [
                word("One", 110, 400, None),
                word("two.", 500, 800, Some("SPEAKER_01"))
            ]
        );
    }

    #[test]
    fn speakers_segments_win_over_coarser_ones_and_name_their_words() {
        let transcript = parsed(
            r#"{"text":"One two","segments":[{"id":0,"start":0.1,"end":1.3,"text":"One two"}],
                "speaker_segments":[
                  {"id":1,"speaker_id":"SPEAKER_00","start":0.1,"end":0.8,"text":"One",
                   "words":[{"word":"One","start":0.1,"end":0.4,"speaker_id":"SPEAKER_00"}]},
                  {"id":2,"speaker":7,"start":0.9,"end":1.3,"text":"two",
                   "words":[{"text":"two","start":0.9,"end":1.3}]}]}"#,
        );

        assert_eq!(
            transcript.segments,
            [
                segment("One", 100, 800, Some("SPEAKER_00")),
                segment("two", 900, 1300, Some("7"))
            ]
        );
        assert_eq!(
            transcript.words,
            [
                word("One", 100, 400, Some("SPEAKER_00")),
                word("two", 900, 1300, Some("7"))
            ]
        );
    }

    #[test]
    fn words_nested_in_segments_are_found() {
        let transcript = parsed(
            r#"{"task":"transcribe","detected_language":"english","duration":2,"segments":[
                {"id":0,"text":" Hi there","start":0,"end":1.5,"tokens":[1,2],"avg_logprob":-0.2,
                 "words":[{"word":" Hi","start":0.0,"end":0.5,"probability":0.9},
                          {"word":" there","start":0.5,"end":1.5,"probability":0.9}]}]}"#,
        );

        assert_eq!(transcript.text, "Hi there");
        assert_eq!(transcript.language.as_deref(), Some("english"));
        assert_eq!(transcript.words.len(), 2);
        assert_eq!(transcript.duration, Some(AudioMillis(2000)));
    }

    #[test]
    fn a_list_with_an_untimed_entry_is_left_out_as_a_whole() {
        let transcript = parsed(
            r#"{"text":"a 3 b","segments":[{"text":"a 3 b","start":0,"end":1}],
                "words":[{"word":"a","start":0,"end":0.2},{"word":"3"},{"word":"b","start":0.8,"end":1}]}"#,
        );

        assert_eq!(transcript.words, []);
        assert_eq!(transcript.segments.len(), 1);
    }

    #[test]
    fn reversed_times_are_kept_and_negative_ones_become_zero() {
        let transcript = parsed(
            r#"{"text":"x","words":[{"word":"x","start":3.0,"end":-1.5},{"word":"y","start":-0.0,"end":0.0004}]}"#,
        );

        assert_eq!(
            transcript.words,
            [word("x", 3000, 0, None), word("y", 0, 0, None)]
        );
    }

    #[test]
    fn silence_is_a_transcript() {
        assert_eq!(
            parsed(r#"{"text":"","segments":[],"words":[]}"#),
            Transcript::default()
        );
        assert_eq!(
            parsed(r#"{"text":"","words":null,"error":null}"#),
            Transcript::default()
        );
    }

    #[test]
    fn hostile_values_are_errors() {
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        for bad in [
            "",
            "null",
            "[]",
            "\"text\"",
            "{}",
            r#"{"text":null}"#,
            r#"{"text":5}"#,
            r#"{"text":"x"} trailing"#,
            r#"{"text":"cut o"#,
            r#"{"text":"x","duration":NaN}"#,
            r#"{"text":"x","duration":1e999}"#,
            r#"{"text":"x","duration":"4.8"}"#,
            r#"{"text":"x","duration":999999999999999999999999999999}"#,
            r#"{"text":"x","words":{}}"#,
            r#"{"text":"x","words":["x"]}"#,
            r#"{"text":"x","words":[{"word":["x"],"start":0,"end":1}]}"#,
            r#"{"text":"x","words":[{"word":"x","start":"0","end":1}]}"#,
            r#"{"text":"x","segments":[{"start":true,"end":1,"text":"x"}]}"#,
            r#"{"text":"x","words":[{"word":"x","start":0,"end":1,"speaker":{}}]}"#,
            r#"{"text":"lone \ud800 surrogate"}"#,
            r#"{"text":"a","text":"b"}"#,
            "{\"text\":\"control \u{1} character\"}",
            r#"{"error":{"message":"no such model"}}"#,
            r#"{"error":"busy"}"#,
            deep.as_str(),
        ] {
            let start: String = bad.chars().take(60).collect();
            assert!(parse_transcript(bad.as_bytes()).is_err(), "{start}");
        }
        assert!(matches!(
            parse_transcript(b"{\"text\":\"\xff\"}"),
            Err(TranscriptError::NotUtf8(_))
        ));
        assert!(matches!(
            parse_transcript(b"{\"other\":\"\xff\",\"text\":\"x\"}"),
            Err(TranscriptError::NotUtf8(_))
        ));
        assert!(matches!(
            parse_transcript(&vec![b' '; MAX_BYTES + 1]),
            Err(TranscriptError::TooLarge)
        ));
    }

    #[test]
    fn an_error_under_status_200_keeps_its_words() {
        let error = parse_transcript(br#"{"error":{"message":"no such\nmodel"}}"#).unwrap_err();

        assert_eq!(
            error.to_string(),
            "the provider answered with an error: no such model"
        );
    }

    #[test]
    fn a_list_of_nothing_is_refused_long_before_it_fills_the_memory() {
        let list = |count: usize| {
            let items = "{},".repeat(count);
            format!(
                "{{\"text\":\"a\",\"words\":[{}]}}",
                items.trim_end_matches(',')
            )
        };

        assert_eq!(parsed(&list(MAX_HOLLOW)).text, "a");
        let refused = parse_transcript(list(MAX_HOLLOW + 1).as_bytes()).unwrap_err();
        assert!(
            refused.to_string().contains("without text or time"),
            "{refused}"
        );
    }

    #[test]
    fn absurd_lists_are_refused_before_they_fill_memory() {
        let list = format!(
            "{{\"text\":\"\",\"words\":[{}{{}}]}}",
            r#"{"word":""},"#.repeat(MAX_ITEMS)
        );

        let error = parse_transcript(list.as_bytes()).unwrap_err();

        assert!(error.to_string().contains("more than 500000"), "{error}");
    }

    #[test]
    fn an_error_does_not_quote_the_transcript_at_length() {
        let json = format!("{{\"text\":[\"{}\"]}}", "secret ".repeat(100_000));
        let wrong = format!(
            "{{\"text\":\"x\",\"duration\":\"{}\"}}",
            "secret ".repeat(100_000)
        );

        for bad in [json, wrong] {
            let error = parse_transcript(bad.as_bytes()).unwrap_err();
            assert!(error.to_string().chars().count() < 600);
        }
    }

    #[test]
    fn a_cut_transcript_is_never_taken_for_a_whole_one() {
        let whole = br#"{"text":"One two.","duration":10.9,"segments":[{"id":0,"start":0.11,"end":10.85,"text":"One two."}],"words":[{"word":"One","start":0.11,"end":0.4}]}"#;

        assert!(parse_transcript(whole).is_ok());
        for cut in 0..whole.len() {
            assert!(parse_transcript(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_transcript(&bytes);
        }
    }
}
