//! The answers for the clips of one recording, made one transcript.
//!
//! Where two clips meet in a pause, one follows the other. Where they overlap, both have the words in between, and the
//! words tell where one goes over into the next: in the middle of the longest run that both have at nearly the same
//! time. Where they share no word, the middle of the overlap decides, or, without times, both keep what they have; and
//! that is told.

use std::ops::Range;

use crate::domain::{AudioMillis, Segment, Stretch, Transcript, Word};
use crate::subtitle::pieces::{is_ideographic, is_opening};
use crate::subtitle::timed::folded;
use crate::subtitle::whole::{Doubts, apart, whole};

/// A model's times are a little off, more at the ends of what it heard.
const SLACK: u64 = 2_000;
/// The same word of both clips.
const SAME_TIME: u64 = 1_500;
/// Words in a row that are the same ones, whatever their times.
const SURE_RUN: usize = 3;
/// Words looked at on either side of a seam; nobody says more in the time of an overlap.
const NEAR: usize = 60;
/// A provider measures a recording a little otherwise than we do.
const MEASURES: u64 = 3_000;

/// What was answered for one clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Of the recording.
    pub at: Stretch,
    /// Times count from the start of the clip.
    pub answer: Transcript,
}

/// One transcript of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seamed {
    /// Times count from the start of the recording.
    pub transcript: Transcript,
    /// The sums of what was found out about the answers.
    pub doubts: Doubts,
    /// The answers say when words were said.
    pub has_times: bool,
    /// Where two clips overlap and share no word: some may be missing there, or stand twice.
    pub unsure: Vec<AudioMillis>,
}

/// Joins `clips`, which are in order.
pub fn join(clips: &[Clip]) -> Seamed {
    let mut joined = Seamed::default();
    let spoken = |clip: &&Clip| !clip.answer.text.trim().is_empty();
    joined.has_times = clips
        .iter()
        .filter(spoken)
        .all(|clip| is_timed(&clip.answer));
    let mut parts: Vec<Part> = Vec::new();
    for (number, clip) in (1..).zip(clips) {
        let (mut part, doubts) = Part::new(clip, number);
        joined.doubts.estimated += doubts.estimated;
        joined.doubts.not_in_text += doubts.not_in_text;
        joined.doubts.loops += doubts.loops;
        if let Some(before) = parts.last_mut()
            && part.at.start < before.at.end
        {
            let overlap = Stretch {
                start: part.at.start,
                end: before.at.end,
            };
            let has_times = before.has_times && part.has_times;
            let seam = seam(&before.words, &part.words, overlap, has_times);
            before.kept.end = seam.before.max(before.kept.start);
            part.kept.start = seam.after;
            let is_shared = seam.is_sure && seam.after > 0;
            before.shared.1 = is_shared;
            part.shared.0 = is_shared;
            if !seam.is_sure {
                joined.unsure.push(overlap.start);
            }
        }
        parts.push(part);
    }
    joined.transcript.duration = heard(clips);
    for part in parts {
        part.append_to(&mut joined.transcript);
    }
    joined
}

fn is_timed(answer: &Transcript) -> bool {
    !answer.words.is_empty() || !answer.segments.is_empty()
}

/// How much the provider heard in all, if it says so of each clip.
fn heard(clips: &[Clip]) -> Option<AudioMillis> {
    let mut missing = 0;
    for clip in clips {
        let less = clip.at.length().0.saturating_sub(clip.answer.duration?.0);
        missing += if less > MEASURES { less } else { 0 };
    }
    let end = clips.last()?.at.end.0;
    Some(AudioMillis(end.saturating_sub(missing)))
}

/// The answer for one clip, with the times of the recording.
struct Part {
    at: Stretch,
    transcript: Transcript,
    /// All of its words, with times.
    words: Vec<Word>,
    /// Those that stay.
    kept: Range<usize>,
    /// The times are the provider's.
    has_times: bool,
    /// The word before the first that stays, and the last, are words of the neighbour as well: what stands behind such
    /// a word is taken from the second of the two.
    shared: (bool, bool),
}

impl Part {
    fn new(clip: &Clip, number: usize) -> (Self, Doubts) {
        let (whole, doubts) = whole(&clip.answer, clip.at.length());
        let mut words = whole.words.clone();
        let mut transcript = clip.answer.clone();
        let has_times = is_timed(&transcript);
        if !has_times && !transcript.text.trim().is_empty() {
            // All that is known of the words is in which clip they are.
            transcript.segments.push(Segment {
                text: transcript.text.clone(),
                start: AudioMillis(0),
                end: clip.at.length(),
                speaker: None,
            });
        }
        if words.is_empty() {
            words = apart(&transcript);
        }
        let moved = |start: &mut AudioMillis, end: &mut AudioMillis, who: &mut Option<String>| {
            for time in [start, end] {
                time.0 = time.0.min(clip.at.length().0) + clip.at.start.0;
            }
            if let Some(name) = who.as_mut().filter(|_| number > 1) {
                // Speakers are told apart in each clip anew: the same name is not the same voice.
                *name = format!("{name} ({number})");
            }
        };
        for Word {
            start,
            end,
            speaker,
            ..
        } in words.iter_mut().chain(&mut transcript.words)
        {
            moved(start, end, speaker);
        }
        for Segment {
            start,
            end,
            speaker,
            ..
        } in &mut transcript.segments
        {
            moved(start, end, speaker);
        }
        let part = Self {
            at: clip.at,
            transcript,
            kept: 0..words.len(),
            words,
            has_times,
            shared: (false, false),
        };
        (part, doubts)
    }

    /// Adds what is kept to `joined`.
    fn append_to(mut self, joined: &mut Transcript) {
        if self.kept != (0..self.words.len()) {
            self.trim();
        }
        let text = self.transcript.text.trim_end();
        let text = if self.shared.0 {
            text
        } else {
            text.trim_start()
        };
        let last = joined.text.chars().next_back();
        if let (Some(last), Some(first)) = (last, text.chars().next()) {
            let is_mark = !first.is_alphanumeric() && !is_opening(first);
            let goes_on = self.shared.0 && is_mark;
            let has_no_space = goes_on || is_ideographic(last) && is_ideographic(first);
            if !has_no_space {
                joined.text.push(' ');
            }
        }
        joined.text.push_str(text);
        joined.segments.append(&mut self.transcript.segments);
        joined.words.append(&mut self.transcript.words);
        joined.language = joined.language.take().or(self.transcript.language);
    }

    /// Takes away what the neighbours have.
    fn trim(&mut self) {
        let letters = |words: &[Word]| words.iter().flat_map(|word| folded(&word.text)).count();
        let Range { start, end } = self.kept;
        let from = letters(&self.words[..start]);
        let to = from + letters(&self.words[start..end]);
        let text = &self.transcript.text;
        let all = end == self.words.len();
        let (shared_start, shared_end) = self.shared;
        let end_of_text = if all {
            text.len()
        } else {
            behind(text, to, !shared_end)
        };
        let start_of_text = behind(text, from, !shared_start).min(end_of_text);
        self.transcript.text = text[start_of_text..end_of_text].to_owned();
        self.transcript.words = self.words[start..end].to_vec();
        self.transcript.segments = Vec::new();
    }
}

/// The byte behind so many letters of `text`, and behind the marks that close them if they are `closed`.
fn behind(text: &str, letters: usize, closed: bool) -> usize {
    let mut left = letters;
    for (at, c) in text.char_indices() {
        let count = folded(c.encode_utf8(&mut [0; 4])).count();
        let is_next = count > 0 || c.is_whitespace() || is_opening(c);
        if left == 0 && (is_next || letters == 0 || !closed) {
            return at;
        }
        left = left.saturating_sub(count);
    }
    text.len()
}

/// Where one clip goes over into the next.
struct Seam {
    /// Words of the first that stay.
    before: usize,
    /// Words of the second that go.
    after: usize,
    is_sure: bool,
}

fn seam(first: &[Word], second: &[Word], overlap: Stretch, has_times: bool) -> Seam {
    let (from, to) = if has_times {
        (
            first.partition_point(|word| word.end.0 + SLACK < overlap.start.0),
            second.partition_point(|word| word.start.0 <= overlap.end.0 + SLACK),
        )
    } else {
        (0, second.len())
    };
    let from = from.max(first.len().saturating_sub(NEAR));
    let to = to.min(NEAR);
    let (tail, head) = (&first[from..], &second[..to]);
    let is_in = |word: &Word| word.end > overlap.start && word.start < overlap.end;
    let whole = Seam {
        before: first.len(),
        after: 0,
        is_sure: true,
    };
    // Only one of them heard somebody speak: nothing is there twice.
    if has_times && !(tail.iter().any(is_in) && head.iter().any(is_in)) {
        return whole;
    }
    let middle = overlap.start.0.midpoint(overlap.end.0);
    if let Some((before, after)) = common(tail, head, middle, has_times) {
        return Seam {
            before: from + before + 1,
            after: after + 1,
            is_sure: true,
        };
    }
    if !has_times {
        // Rather twice than not at all.
        return Seam {
            is_sure: false,
            ..whole
        };
    }
    let centre = |word: &Word| word.start.0.midpoint(word.end.0);
    Seam {
        before: first.partition_point(|word| centre(word) < middle),
        after: second.partition_point(|word| centre(word) < middle),
        is_sure: false,
    }
}

/// The word next to `middle` in the longest run of words that `tail` and `head` share.
fn common(tail: &[Word], head: &[Word], middle: u64, has_times: bool) -> Option<(usize, usize)> {
    let fold = |words: &[Word]| -> Vec<String> {
        let folded = words.iter().map(|word| folded(&word.text).collect());
        folded.collect()
    };
    let (ours, theirs) = (fold(tail), fold(head));
    let mut lengths = vec![0_usize; head.len() + 1];
    let mut best: Option<(Score, usize, (usize, usize))> = None;
    for (at, word) in ours.iter().enumerate() {
        // From behind, so that a length is that of the run before it.
        for other in (0..theirs.len()).rev() {
            let is_same = !word.is_empty() && *word == theirs[other];
            lengths[other + 1] = if is_same { lengths[other] + 1 } else { 0 };
            let length = lengths[other + 1];
            let apart = tail[at].start.0.abs_diff(head[other].start.0);
            let Some(score) = score(length, has_times.then_some(apart)) else {
                continue;
            };
            if best.is_none_or(|(most, ..)| score > most) {
                best = Some((score, length, (at, other)));
            }
        }
    }
    let (_, length, (at, other)) = best?;
    let nearest = (0..length).min_by_key(|back| tail[at - back].start.0.abs_diff(middle))?;
    Some((at - nearest, other - nearest))
}

/// Same words at the same time before same words at another, then longer runs before shorter ones; a word more is
/// worth half a second.
type Score = (bool, i64);

/// What a run of `length` words says whose times are so far `apart`, if there are times; `None` if it says nothing.
fn score(length: usize, apart: Option<u64>) -> Option<Score> {
    let words = 1_000 * i64::try_from(length).ok()?;
    match apart.filter(|apart| *apart <= SAME_TIME) {
        Some(apart) if length > 0 => Some((true, words - 2 * i64::try_from(apart).ok()?)),
        _ => (length >= SURE_RUN).then_some((false, words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start: u64, end: u64) -> Stretch {
        Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        }
    }

    fn words(said: &[&str], start: u64, each: u64) -> Vec<Word> {
        let words = (0..).zip(said).map(|(at, text)| Word {
            text: (*text).to_owned(),
            start: AudioMillis(start + at * each),
            end: AudioMillis(start + at * each + each * 4 / 5),
            speaker: None,
        });
        words.collect()
    }

    fn clip(at: Stretch, said: &str, start: u64, each: u64) -> Clip {
        let said: Vec<&str> = said.split(' ').collect();
        Clip {
            at,
            answer: Transcript {
                text: said.join(" "),
                words: words(&said, start, each),
                ..Transcript::default()
            },
        }
    }

    #[test]
    fn clips_that_meet_in_a_pause_follow_one_another() {
        let joined = join(&[
            clip(stretch(0, 10_000), "One two, three.", 0, 1_000),
            clip(stretch(10_000, 14_000), "Four five.", 500, 1_000),
        ]);

        assert_eq!(joined.transcript.text, "One two, three. Four five.");
        let starts: Vec<_> = joined
            .transcript
            .words
            .iter()
            .map(|word| word.start.0)
            .collect();
        assert_eq!(starts, [0, 1_000, 2_000, 10_500, 11_500]);
        assert!(joined.has_times && joined.unsure.is_empty());
        assert_eq!(joined.transcript.duration, None);
    }

    #[test]
    fn words_that_both_clips_have_are_there_once() {
        // Of the word at either end each clip has heard half.
        let joined = join(&[
            clip(stretch(0, 10_000), "a b c d e f g, h i bro", 0, 1_000),
            clip(stretch(6_000, 16_000), "tch f g, h i broken j k.", 0, 1_000),
        ]);

        assert_eq!(joined.transcript.text, "a b c d e f g, h i broken j k.");
        assert!(joined.unsure.is_empty());
        let times: Vec<_> = joined
            .transcript
            .words
            .iter()
            .map(|word| word.start.0)
            .collect();
        assert!(times.is_sorted(), "{times:?}");
    }

    #[test]
    fn the_same_word_again_and_again_is_told_by_its_time() {
        let joined = join(&[
            clip(
                stretch(0, 10_000),
                "no no no no no no no no no no",
                0,
                1_000,
            ),
            clip(
                stretch(6_000, 16_000),
                "no no no no no no no no no no",
                0,
                1_000,
            ),
        ]);

        assert_eq!(joined.transcript.text.split(' ').count(), 16);
    }

    #[test]
    fn without_a_word_in_common_the_middle_decides_and_it_is_told() {
        let joined = join(&[
            clip(stretch(0, 10_000), "a b c d e f g h i j", 0, 1_000),
            clip(stretch(6_000, 16_000), "q r s t u v w x y z", 0, 1_000),
        ]);

        assert_eq!(joined.transcript.text, "a b c d e f g h s t u v w x y z");
        assert_eq!(joined.unsure, [AudioMillis(6_000)]);
    }

    #[test]
    fn where_one_clip_heard_nothing_nothing_is_taken_from_the_other() {
        let joined = join(&[
            clip(stretch(0, 10_000), "a b c d e f g h i j", 0, 1_000),
            clip(stretch(6_000, 16_000), "x y", 7_000, 1_000),
        ]);

        assert_eq!(joined.transcript.text, "a b c d e f g h i j x y");
        assert!(joined.unsure.is_empty());
    }

    #[test]
    fn answers_without_times_are_joined_by_their_words() {
        let text = |at, text: &str| Clip {
            at,
            answer: Transcript {
                text: text.to_owned(),
                duration: Some(at.length()),
                ..Transcript::default()
            },
        };
        let joined = join(&[
            text(
                stretch(0, 20_000),
                "He said: the tide turns at four and we go then",
            ),
            text(
                stretch(16_000, 40_000),
                "turns at four and we go then, or not at all.",
            ),
        ]);

        let said = "He said: the tide turns at four and we go then, or not at all.";
        assert_eq!(joined.transcript.text, said);
        assert!(!joined.has_times);
        assert_eq!(joined.transcript.duration, Some(AudioMillis(40_000)));
    }

    #[test]
    fn chinese_is_joined_without_a_space_and_what_was_not_heard_is_missed() {
        let mut clips = [
            clip(stretch(0, 10_000), "你好。", 0, 1_000),
            clip(stretch(10_000, 20_000), "再见。", 0, 1_000),
        ];
        clips[0].answer.duration = Some(AudioMillis(10_000));
        clips[1].answer.duration = Some(AudioMillis(4_000));

        let joined = join(&clips);

        assert_eq!(joined.transcript.text, "你好。再见。");
        assert_eq!(joined.transcript.duration, Some(AudioMillis(14_000)));
    }

    #[test]
    fn speakers_of_two_clips_are_not_taken_for_the_same() {
        let mut clips = [
            clip(stretch(0, 10_000), "a", 0, 1_000),
            clip(stretch(10_000, 20_000), "b", 0, 1_000),
        ];
        for clip in &mut clips {
            clip.answer.words[0].speaker = Some("SPEAKER_00".to_owned());
        }

        let joined = join(&clips);

        let names: Vec<_> = joined
            .transcript
            .words
            .iter()
            .map(|word| word.speaker.as_deref())
            .collect();
        assert_eq!(names, [Some("SPEAKER_00"), Some("SPEAKER_00 (2)")]);
    }
}
