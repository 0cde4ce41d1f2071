//! The dialects of `json` and `verbose_json`: words at the top, in segments, or in speaker segments,
//! called `word` or `text`; speakers `speaker_id` or `speaker`.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::{Segment, Transcript, Word};
use crate::engine::transcription::TranscriptError;
use crate::engine::transcription::lenient::{Lenient, Seconds, Text};

/// Most words or segments: ten times what four hours of fast speech hold.
pub(super) const MAX_ITEMS: usize = 500_000;

/// Most entries of a list that hold nothing at all: three bytes of an answer must not
/// become a hundred of memory.
pub(super) const MAX_HOLLOW: usize = 1_000;

/// The answer as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireTranscript {
    text: Lenient<String>,
    language: Lenient<Text>,
    /// whisper.cpp's name for it.
    detected_language: Lenient<Text>,
    duration: Lenient<Seconds>,
    segments: Items<WireSegment>,
    words: Items<WireWord>,
    speaker_segments: Items<WireSegment>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireSegment {
    text: Lenient<String>,
    start: Lenient<Seconds>,
    end: Lenient<Seconds>,
    speaker_id: Lenient<Text>,
    speaker: Lenient<Text>,
    words: Items<WireWord>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireWord {
    word: Lenient<String>,
    text: Lenient<String>,
    start: Lenient<Seconds>,
    end: Lenient<Seconds>,
    speaker_id: Lenient<Text>,
    speaker: Lenient<Text>,
}

impl WireTranscript {
    pub(super) fn into_transcript(self) -> Result<Transcript, TranscriptError> {
        let spoken = self.text.0;
        // Where speakers were told apart, their segments are the same speech cut finer.
        let segments = [self.speaker_segments, self.segments]
            .into_iter()
            .map(|items| items.0)
            .find(|items| !items.is_empty())
            .unwrap_or_default();
        let words = if self.words.0.is_empty() {
            words_in(&segments)
        } else {
            all_or_none(self.words.0.into_iter().map(|word| word.timed(None)))
        };
        let segments: Vec<Segment> = all_or_none(segments.into_iter().map(WireSegment::segment));
        let parts = joined(&segments, &words);
        let is_blank = |text: &str| text.trim().is_empty();
        let says_something = spoken.as_deref().is_some_and(|text| !is_blank(text));
        if let Some(error) = self.error.filter(|error| !error.is_null())
            && !says_something
            && is_blank(&parts)
        {
            return Err(TranscriptError::provider(&words_of_error(&error)));
        }
        let text = match spoken {
            // Nothing where the parts say something is no text.
            Some(text) if says_something || is_blank(&parts) => text,
            _ if !segments.is_empty() || !words.is_empty() => parts,
            _ => return Err(TranscriptError::Empty),
        };
        let language = self.language.0.or(self.detected_language.0);
        Ok(Transcript {
            text,
            language: language.map(|language| language.0),
            duration: self.duration.0.map(Seconds::millis),
            segments,
            words,
        })
    }
}

fn words_of_error(error: &serde_json::Value) -> String {
    error
        .get("message")
        .and_then(serde_json::Value::as_str)
        .or_else(|| error.as_str())
        .map_or_else(|| error.to_string(), str::to_owned)
}

impl WireSegment {
    /// `None` when it is not timed.
    fn segment(self) -> Option<Segment> {
        Some(Segment {
            text: self.text.0?,
            start: self.start.0?.millis(),
            end: self.end.0?.millis(),
            speaker: self.speaker_id.0.or(self.speaker.0).map(|name| name.0),
        })
    }
}

/// The words nested in `segments`, each with its segment's speaker if it names none.
fn words_in(segments: &[WireSegment]) -> Vec<Word> {
    let nested = segments.iter().flat_map(|segment| {
        let speaker = segment.speaker_id.0.as_ref().or(segment.speaker.0.as_ref());
        let words = segment.words.0.iter();
        words.map(move |word| word.clone().timed(speaker))
    });
    all_or_none(nested)
}

impl WireWord {
    /// `None` when it is not timed.
    fn timed(self, speaker: Option<&Text>) -> Option<Word> {
        Some(Word {
            text: self.word.0.or(self.text.0)?,
            start: self.start.0?.millis(),
            end: self.end.0?.millis(),
            speaker: self
                .speaker_id
                .0
                .or(self.speaker.0)
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

/// The text of the parts: of segments and words, those that say more.
fn joined(segments: &[Segment], words: &[Word]) -> String {
    let join = |parts: Vec<&str>| parts.join(" ");
    let by_segments = join(segments.iter().map(|segment| segment.text.trim()).collect());
    let by_words = join(words.iter().map(|word| word.text.trim()).collect());
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    if letters(&by_words) > letters(&by_segments) {
        by_words
    } else {
        by_segments
    }
}

/// What stands in a list.
trait Item: Default {
    /// Whether it says nothing.
    fn is_hollow(&self) -> bool;
}

impl Item for WireSegment {
    fn is_hollow(&self) -> bool {
        self.text.0.is_none() && self.start.0.is_none() && self.words.0.is_empty()
    }
}

impl Item for WireWord {
    fn is_hollow(&self) -> bool {
        self.word.0.is_none() && self.text.0.is_none() && self.start.0.is_none()
    }
}

/// A list that is refused when it grows absurd: 64 MB of `{},` would fill gigabytes. What is no
/// list is an empty one.
#[derive(Debug, Clone)]
struct Items<T>(Vec<T>);

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Item + Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemsVisitor(PhantomData))
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
        while let Some(item) = list.next_element::<Lenient<T>>()? {
            let item = item.0.unwrap_or_default();
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

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Items::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Items::default())
    }
}
