//! What the cues are made of: every piece of text once and in order, with a time that
//! can be, taken from the words where there are any and from the segments elsewhere.

use std::borrow::Cow;

use crate::domain::{Segment, Transcript};
use crate::subtitle::align::{Alignment, align};
use crate::subtitle::clean::{clean, is_break_space};
use crate::subtitle::clock::LAST;
use crate::subtitle::pieces::{columns, is_ideographic, pieces};
use crate::subtitle::repair::{self, Repairs, Span, Weight, count, share};
use crate::subtitle::stops::{Stop, stop};

/// Milliseconds a column of text takes at most, three times the pace of speech: a segment
/// often ends long after its last word.
const SLOWEST: u64 = 3 * repair::PACE;

/// A piece of text that is never torn, with its time in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit<'t> {
    pub(super) text: String,
    pub(super) columns: usize,
    /// Whether white space stands before it.
    pub(super) spaced: bool,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) speaker: Option<&'t str>,
}

/// A stretch of text with a time from the provider: a word, or a segment without words.
struct Item<'t> {
    text: Cow<'t, str>,
    spaced: bool,
    /// One word, to be kept whole if it fits a line.
    whole: bool,
    span: Span,
    speaker: Option<&'t str>,
}

/// The units of `transcript`, ordered, none after `limit` milliseconds and none wider than
/// `max_columns`.
pub(super) fn units<'t>(
    transcript: &'t Transcript,
    limit: u64,
    max_columns: usize,
    repairs: &mut Repairs,
) -> Vec<Unit<'t>> {
    let mut items = items(transcript, limit, repairs);
    let mut spans: Vec<Span> = items.iter().map(|item| item.span).collect();
    repair::repair(&mut spans, limit, repairs);
    let mut units = Vec::with_capacity(items.len());
    for (item, span) in items.iter_mut().zip(spans) {
        item.span = span;
        split(item, max_columns, &mut units);
    }
    units
}

/// Weight of `text`: its columns, and the pause its punctuation makes.
pub(super) fn weigh(text: &str) -> Weight {
    Weight {
        spoken: u64::try_from(columns(text)).unwrap_or(u64::MAX).max(1),
        pause: match stop(text) {
            Some(Stop::Sentence) => 6,
            Some(Stop::Clause) => 3,
            None => 0,
        },
    }
}

fn items<'t>(transcript: &'t Transcript, limit: u64, repairs: &mut Repairs) -> Vec<Item<'t>> {
    let has_text = |text: &str| !clean(text).trim().is_empty();
    if transcript.words.iter().any(|word| has_text(&word.text)) {
        return from_words(transcript);
    }
    let segments: Vec<_> = transcript.segments.iter().map(from_segment).collect();
    if transcript
        .segments
        .iter()
        .any(|segment| has_text(&segment.text))
        || !has_text(&transcript.text)
    {
        return segments;
    }
    let text = clean(&transcript.text);
    repairs.untimed = repairs
        .untimed
        .saturating_add(count(text.split_whitespace().count()));
    let paced = weigh(&text).spoken.saturating_mul(repair::PACE);
    // Said anywhere in the audio: the provider's length of it, else ours, else the pace of speech.
    let measured = (limit < LAST).then_some(limit);
    let stated = transcript.duration.map(|duration| duration.0);
    let end = stated.or(measured).unwrap_or(paced).clamp(1, limit);
    vec![item(
        text,
        Span {
            start: 0,
            end,
            weight: NO_WEIGHT,
        },
        None,
    )]
}

const NO_WEIGHT: Weight = Weight {
    spoken: 0,
    pause: 0,
};

/// The words in order, and among them, by time, the segments that have none.
fn from_words(transcript: &Transcript) -> Vec<Item<'_>> {
    let Alignment {
        words: found,
        covered,
    } = align(transcript);
    let rule = Spaces::of(transcript);
    let mut lost = transcript
        .segments
        .iter()
        .zip(covered)
        .filter_map(|(segment, covered)| (!covered).then_some(segment))
        .peekable();
    let mut items: Vec<Item<'_>> = Vec::with_capacity(transcript.words.len());
    for (word, found) in transcript.words.iter().zip(found) {
        while let Some(segment) = lost.next_if(|segment| segment.start <= word.start) {
            items.push(from_segment(segment));
        }
        let spaced = found.spaced.unwrap_or_else(|| {
            rule.between(
                items.last().map_or("", |item| item.text.as_ref()),
                &word.text,
            )
        });
        let text = match found.dressed {
            Some(text) => Cow::Owned(clean(&text).into_owned()),
            None => clean(&word.text),
        };
        let segment = found.segment.map(|segment| &transcript.segments[segment]);
        let speaker = word.speaker.as_ref();
        let speaker = speaker.or_else(|| segment.and_then(|segment| segment.speaker.as_ref()));
        let span = Span {
            start: word.start.0,
            end: word.end.0,
            weight: NO_WEIGHT,
        };
        let whole = item(text, span, speaker);
        if !whole.text.trim().is_empty() {
            items.push(Item {
                spaced,
                whole: true,
                ..whole
            });
        }
    }
    items.extend(lost.map(from_segment));
    items
}

fn from_segment(segment: &Segment) -> Item<'_> {
    let span = Span {
        start: segment.start.0,
        end: segment.end.0,
        weight: NO_WEIGHT,
    };
    item(clean(&segment.text), span, segment.speaker.as_ref())
}

fn item<'t>(text: Cow<'t, str>, span: Span, speaker: Option<&'t String>) -> Item<'t> {
    Item {
        span: Span {
            weight: weigh(&text),
            ..span
        },
        text,
        spaced: true,
        whole: false,
        speaker: speaker
            .map(|name| name.trim())
            .filter(|name| !name.is_empty()),
    }
}

fn split<'t>(item: &Item<'t>, max_columns: usize, units: &mut Vec<Unit<'t>>) {
    let text = item.text.trim();
    let one_word = item.whole
        && !text.contains(|c| is_break_space(c) || c == '—')
        && columns(text) <= max_columns;
    let parts = if one_word {
        vec![(text, true)]
    } else {
        apart(text, max_columns)
    };
    let weights: Vec<_> = parts.iter().map(|(text, _)| weigh(text)).collect();
    let slowest = item.span.weight.spoken.saturating_mul(SLOWEST);
    let end = item.span.end.min(item.span.start.saturating_add(slowest));
    let end = if item.whole { item.span.end } else { end };
    let times = share(&weights, item.span.start, end);
    for (idx, ((text, spaced), (start, end))) in parts.into_iter().zip(times).enumerate() {
        units.push(Unit {
            columns: columns(text),
            text: text.to_owned(),
            spaced: if idx == 0 { item.spaced } else { spaced },
            start,
            end,
            speaker: item.speaker,
        });
    }
}

fn apart(text: &str, max_columns: usize) -> Vec<(&str, bool)> {
    let pieces = pieces(text, max_columns).into_iter();
    pieces.map(|piece| (piece.text, piece.spaced)).collect()
}

/// Whether words that are not found in the text have a space between them.
struct Spaces {
    /// Most words bring their own (` One`, ` two`): one without belongs to the one before it.
    own: bool,
}

impl Spaces {
    fn of(transcript: &Transcript) -> Self {
        let own = transcript
            .words
            .iter()
            .filter(|word| word.text.starts_with(is_break_space));
        Self {
            own: own.count() * 2 > transcript.words.len(),
        }
    }

    fn between(&self, before: &str, after: &str) -> bool {
        if self.own || after.starts_with(is_break_space) {
            return after.starts_with(is_break_space);
        }
        !(before.ends_with(is_ideographic) && after.starts_with(is_ideographic))
    }
}
