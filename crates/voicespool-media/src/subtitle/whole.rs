//! A transcript made whole: every word of its text, in order, with a time.
//!
//! Providers give the same speech up to three times (text, segments, words), and the lists may lack
//! what the text has, or have what it lacks. The text is what was said; the lists say when. Where
//! they agree nothing is changed. Elsewhere each word of the text takes the time of the word found
//! for it, else of its place in a segment, else one between its neighbours.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::{AudioMillis, Transcript, Word};
use crate::subtitle::pieces::{Piece, pieces};
use crate::subtitle::repair::{PACE, count, share};
use crate::subtitle::timed::{fill, folded, found};
use crate::subtitle::units::weigh;

/// Repetitions in a row that make a loop.
const LOOP: usize = 4;

/// What was found out about a transcript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Doubts {
    /// Words whose times are estimated, because no list has them.
    pub estimated: u32,
    /// Letters that segments or words have and the text has not: they are not shown.
    pub not_in_text: u32,
    /// Stretches in which the same sentence comes four times in a row or more.
    pub loops: u32,
}

/// `transcript` with all words of its text timed, and what had to be done for it. `audio` is the
/// length of the audio, 0 if it is not known.
pub fn whole(transcript: &Transcript, audio: AudioMillis) -> (Cow<'_, Transcript>, Doubts) {
    let mut doubts = Doubts {
        loops: loops(transcript),
        ..Doubts::default()
    };
    if agrees(transcript) {
        let has_no_times = transcript.words.is_empty() && transcript.segments.is_empty();
        if has_no_times {
            doubts.estimated = count(transcript.text.split_whitespace().count());
        }
        return (Cow::Borrowed(transcript), doubts);
    }
    let text = pieces(&transcript.text, usize::MAX);
    let end = length(transcript, audio, &text);
    let mut known = known(&text, &transcript.words, end);
    let has_words = known.iter().any(Option::is_some);
    let by_segments = self::known(&text, &apart(transcript), end);
    let is_spoken = |piece: &Piece<'_>| piece.text.contains(char::is_alphanumeric);
    let mut estimated = 0_usize;
    for ((slot, other), piece) in known.iter_mut().zip(by_segments).zip(&text) {
        if slot.is_none() {
            estimated += usize::from(is_spoken(piece) && (has_words || other.is_none()));
            *slot = other;
        }
    }
    in_order(&mut known);
    doubts.estimated = count(estimated);
    doubts.not_in_text = not_in_text(transcript);
    let (start, end) = around(&text, &known, end);
    let times = fill(&text, &known, start, end);
    let words = text.iter().zip(times).map(|(piece, (start, end))| Word {
        text: piece.text.to_owned(),
        start: AudioMillis(start),
        end: AudioMillis(end),
        speaker: speaker_at(transcript, start),
    });
    let made = Transcript {
        words: words.collect(),
        segments: Vec::new(),
        ..transcript.clone()
    };
    (Cow::Owned(made), doubts)
}

/// Letters and digits of many texts, folded, in one.
fn letters<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.flat_map(folded).collect()
}

fn segments(transcript: &Transcript) -> String {
    letters(transcript.segments.iter().map(|part| part.text.as_str()))
}

fn words(transcript: &Transcript) -> String {
    letters(transcript.words.iter().map(|part| part.text.as_str()))
}

/// Whether each list that there is says the same as the text.
fn agrees(transcript: &Transcript) -> bool {
    let text = letters(std::iter::once(transcript.text.as_str()));
    text.is_empty()
        || (transcript.segments.is_empty() || segments(transcript) == text)
            && (transcript.words.is_empty() || words(transcript) == text)
}

fn not_in_text(transcript: &Transcript) -> u32 {
    let text = letters(std::iter::once(transcript.text.as_str()));
    let most = words(transcript).chars().count();
    let most = most.max(segments(transcript).chars().count());
    count(most.saturating_sub(text.chars().count()))
}

/// How long all of it may last.
fn length(transcript: &Transcript, audio: AudioMillis, text: &[Piece<'_>]) -> u64 {
    if audio.0 > 0 {
        return audio.0;
    }
    let ends = transcript.segments.iter().map(|part| part.end.0);
    let ends = ends.chain(transcript.words.iter().map(|part| part.end.0));
    let last = ends.max().unwrap_or(0);
    let paced: u64 = text
        .iter()
        .map(|piece| weigh(piece.text).spoken.saturating_mul(PACE))
        .fold(0, u64::saturating_add);
    let stated = transcript.duration.map_or(0, |duration| duration.0);
    stated.max(last).max(if stated == 0 { paced } else { 0 })
}

fn known(text: &[Piece<'_>], words: &[Word], end: u64) -> Vec<Option<(u64, u64)>> {
    let mut known: Vec<Option<(u64, u64)>> = vec![None; text.len()];
    for (piece, from, until) in found(text, words, end) {
        let (from, until) = (from.min(end), until.min(end));
        if let Some(slot) = known.get_mut(piece) {
            *slot = Some(match *slot {
                None => (from, until),
                Some((first, last)) => (first.min(from), last.max(until)),
            });
        }
    }
    known
}

/// The words of the segments, each with its share of its segment's time.
pub(super) fn apart(transcript: &Transcript) -> Vec<Word> {
    let mut words = Vec::new();
    for segment in &transcript.segments {
        let parts = pieces(&segment.text, usize::MAX);
        let weights: Vec<_> = parts.iter().map(|piece| weigh(piece.text)).collect();
        let (start, end) = (segment.start.0, segment.end.0.max(segment.start.0));
        for (piece, (start, end)) in parts.iter().zip(share(&weights, start, end)) {
            words.push(Word {
                text: piece.text.to_owned(),
                start: AudioMillis(start),
                end: AudioMillis(end),
                speaker: None,
            });
        }
    }
    words
}

/// Where the first and the last word may begin and end: what stands before all known times, or
/// behind them, was said near them and not all through the silence there.
fn around(text: &[Piece<'_>], known: &[Option<(u64, u64)>], end: u64) -> (u64, u64) {
    let needed = |pieces: &[Piece<'_>]| {
        let spoken = pieces.iter().map(|piece| weigh(piece.text).spoken);
        spoken.fold(0, u64::saturating_add).saturating_mul(2 * PACE)
    };
    let first = known.iter().position(Option::is_some);
    let last = known.iter().rposition(Option::is_some);
    let (Some(first), Some(last)) = (first, last) else {
        return (0, end);
    };
    let starts = known[first].map_or(0, |(start, _)| start);
    let ends = known[last].map_or(end, |(_, end)| end);
    let until = ends.saturating_add(needed(&text[last + 1..])).min(end);
    (
        starts.saturating_sub(needed(&text[..first])),
        until.max(ends),
    )
}

/// Takes back times that contradict those before them.
fn in_order(known: &mut [Option<(u64, u64)>]) {
    let mut last = 0;
    for slot in known {
        match slot {
            Some((start, end)) if *start >= last => last = (*end).max(*start),
            Some((start, end)) if *end > last => {
                *start = last;
                last = *end;
            }
            Some(_) => *slot = None,
            None => {}
        }
    }
}

fn speaker_at(transcript: &Transcript, at: u64) -> Option<String> {
    let word = transcript.words.iter().rfind(|word| word.start.0 <= at);
    let segment = transcript.segments.iter().rfind(|part| part.start.0 <= at);
    word.and_then(|word| word.speaker.clone())
        .or_else(|| segment.and_then(|segment| segment.speaker.clone()))
}

/// Stretches of the same sentence again and again, as a model does that has lost its way.
fn loops(transcript: &Transcript) -> u32 {
    let by_segments: Vec<String> = transcript
        .segments
        .iter()
        .map(|segment| folded(&segment.text).collect())
        .collect();
    let by_sentences: Vec<String> = transcript
        .text
        .split_inclusive(['.', '!', '?', '。', '！', '？', '\n'])
        .map(|sentence| folded(sentence).collect())
        .collect();
    runs(&by_segments).max(runs(&by_sentences))
}

fn runs(sentences: &[String]) -> u32 {
    let runs = sentences.chunk_by(|one, next| !one.is_empty() && one == next);
    count(runs.filter(|run| run.len() >= LOOP).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Segment;
    use crate::subtitle::{CueRules, cues, txt};

    const TEXT: &str =
        "The river was calm in the morning. We loaded the boats and waited for the tide to turn.";

    fn word(text: &str, start: u64, end: u64) -> Word {
        Word {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: None,
        }
    }

    fn segment(text: &str, start: u64, end: u64) -> Segment {
        Segment {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: None,
        }
    }

    fn shown(transcript: &Transcript) -> Vec<(u64, u64, String)> {
        let (whole, _) = whole(transcript, AudioMillis(12_000));
        assert_eq!(txt::write(&whole).trim(), transcript.text);
        let (cues, _) = cues(&whole, AudioMillis(12_000), &CueRules::default());
        cues.into_iter()
            .map(|cue| (cue.start.0, cue.end.0, cue.lines.join(" ")))
            .collect()
    }

    #[test]
    fn words_that_the_list_lacks_are_timed_by_their_segment() {
        let spoken = ["The", "river", "was", "calm", "in", "the", "morning"];
        let words = (0..)
            .zip(spoken)
            .map(|(idx, text)| word(text, 500 + idx * 600, 1_000 + idx * 600));
        let transcript = Transcript {
            text: TEXT.to_owned(),
            segments: vec![segment(TEXT, 500, 11_500)],
            words: words.collect(),
            ..Transcript::default()
        };

        let found = shown(&transcript);

        let joined: Vec<&str> = found.iter().map(|(.., text)| text.as_str()).collect();
        assert_eq!(joined.join(" "), TEXT);
        assert!(found.last().unwrap().1 > 11_000);
        assert_eq!(whole(&transcript, AudioMillis(12_000)).1.estimated, 11);
    }

    #[test]
    fn a_text_longer_than_its_segments_is_shown_to_its_end() {
        let transcript = Transcript {
            text: TEXT.to_owned(),
            segments: vec![segment(" The river was calm in the morning.", 500, 4_800)],
            ..Transcript::default()
        };

        let found = shown(&transcript);

        assert!(found[0].0 >= 400 && found[0].1 <= 5_000, "{found:?}");
        let rest: Vec<&str> = found[1..].iter().map(|(.., text)| text.as_str()).collect();
        assert_eq!(
            rest.join(" "),
            "We loaded the boats and waited for the tide to turn."
        );
    }

    #[test]
    fn a_gap_in_the_middle_of_the_words_does_not_lose_those_behind_it() {
        let long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty";
        let spoken: Vec<&str> = long.split(' ').collect();
        let words = (0_u64..)
            .zip(&spoken)
            .filter(|(idx, _)| !(4..16).contains(idx));
        let transcript = Transcript {
            text: long.to_owned(),
            words: words
                .map(|(idx, text)| word(text, idx * 500, idx * 500 + 400))
                .collect(),
            ..Transcript::default()
        };

        let (whole, doubts) = whole(&transcript, AudioMillis(12_000));

        assert_eq!(doubts.estimated, 12);
        assert_eq!(whole.words.len(), 20);
        assert_eq!(whole.words[16].start, AudioMillis(8_000));
        assert!(whole.words[5].start.0 >= 1_900 && whole.words[15].end.0 <= 8_000);
    }

    #[test]
    fn where_all_agree_nothing_is_changed() {
        let transcript = Transcript {
            text: "One, two!".to_owned(),
            segments: vec![segment("One, two!", 0, 900)],
            words: vec![word("one", 0, 400), word("two", 500, 900)],
            ..Transcript::default()
        };

        let (whole, doubts) = whole(&transcript, AudioMillis(1_000));

        assert!(matches!(whole, Cow::Borrowed(_)));
        assert_eq!(doubts, Doubts::default());
    }

    #[test]
    fn a_loop_is_counted_and_does_not_move_what_was_said_before_it() {
        let mut segments = vec![
            segment(" The river was calm in the morning.", 500, 4_800),
            segment(
                " We loaded the boats and waited for the tide to turn.",
                4_900,
                11_500,
            ),
        ];
        segments.extend((0..200).map(|_| segment(" Thank you.", 11_500, 11_500)));
        let transcript = Transcript {
            text: format!("{TEXT}{}", " Thank you.".repeat(200)),
            segments,
            ..Transcript::default()
        };

        let (whole, doubts) = whole(&transcript, AudioMillis(12_000));
        let (cues, _) = cues(&whole, AudioMillis(12_000), &CueRules::default());

        assert_eq!(doubts.loops, 1);
        assert!((400..=600).contains(&cues[0].start.0), "{cues:?}");
        assert!((4_200..=5_000).contains(&cues[0].end.0), "{cues:?}");
    }
}
