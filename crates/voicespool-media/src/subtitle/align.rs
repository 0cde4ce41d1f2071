//! Words found again in the text of their segments.
//!
//! Providers time words but often strip them of their punctuation (`One` in `words`, `“One,`
//! in `segments`), and none says whether a space stands between two of them. Both are read
//! from the text, which is walked once along the words. A word that is not found there stays
//! as it is: words are the truth, the text only dresses them.

use std::ops::Range;

use crate::domain::{Segment, Transcript, Word};
use crate::subtitle::clean::is_break_space;
use crate::subtitle::pieces::{is_ideographic, is_opening};

/// Bytes of text searched for a word that is not where it should be.
const SEARCH: usize = 400;

/// What the text says about the words of a transcript.
#[derive(Debug)]
pub(super) struct Alignment {
    /// One for each word.
    pub(super) words: Vec<Found>,
    /// One for each segment: whether words stand for it. A segment without any is text that
    /// would be lost.
    pub(super) covered: Vec<bool>,
}

/// Where a word belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The word with its punctuation; `None` if it is not in the text.
    pub(super) dressed: Option<String>,
    /// Whether white space stands before it in the text.
    pub(super) spaced: Option<bool>,
    /// The segment it is part of.
    pub(super) segment: Option<usize>,
}

/// Finds the words of `transcript` in its text.
pub(super) fn align(transcript: &Transcript) -> Alignment {
    let reference = Reference::of(transcript);
    let places = reference.places(&transcript.words);
    let mut found = reference.dress(&places);
    let mut covered = vec![false; transcript.segments.len()];
    let by_time = ByTime::of(&transcript.segments);
    for (word, found) in transcript.words.iter().zip(&mut found) {
        let timed = by_time.segment(word);
        for segment in [found.segment, timed].into_iter().flatten() {
            covered[segment] = true;
        }
        found.segment = found.segment.or(timed);
    }
    for (covered, segment) in covered.iter_mut().zip(&transcript.segments) {
        *covered |= !segment.text.contains(char::is_alphanumeric);
    }
    Alignment {
        words: found,
        covered,
    }
}

/// The text of the segments in one, and where each starts in it.
#[derive(Debug)]
struct Reference {
    text: String,
    starts: Vec<usize>,
}

impl Reference {
    fn of(transcript: &Transcript) -> Self {
        let mut text = String::new();
        let mut starts = Vec::with_capacity(transcript.segments.len());
        for segment in &transcript.segments {
            let glued = text.ends_with(is_ideographic) && segment.text.starts_with(is_ideographic);
            if !glued && !text.is_empty() {
                text.push(' ');
            }
            starts.push(text.len());
            text.push_str(&segment.text);
        }
        if text.trim().is_empty() {
            text.clone_from(&transcript.text);
            starts.clear();
        }
        Self { text, starts }
    }

    fn places(&self, words: &[Word]) -> Vec<Option<Range<usize>>> {
        let mut at = 0;
        let mut places = Vec::with_capacity(words.len());
        for (idx, word) in words.iter().enumerate() {
            let word = word.text.trim();
            let next = words.get(idx + 1).map(|next| next.text.trim());
            let place = self
                .next(at, word, next)
                .or_else(|| self.later(at, word, next));
            if let Some(place) = &place {
                at = place.end;
            }
            places.push(place);
        }
        places
    }

    /// `word` as the next word after `at`: only punctuation and spaces may stand between.
    fn next(&self, at: usize, word: &str, next: Option<&str>) -> Option<Range<usize>> {
        if word.is_empty() {
            return None;
        }
        for (idx, c) in self.text[at..].char_indices() {
            let start = at + idx;
            if self.text[start..].starts_with(word) {
                let place = start..start + word.len();
                return self.is_whole(&place, next).then_some(place);
            }
            if c.is_alphanumeric() {
                return None;
            }
        }
        None
    }

    /// `word` a little further on, if the word after it is there as well.
    fn later(&self, at: usize, word: &str, next: Option<&str>) -> Option<Range<usize>> {
        if word.is_empty() {
            return None;
        }
        let mut before = ' ';
        for (idx, c) in self.text[at..]
            .char_indices()
            .take_while(|(idx, _)| *idx < SEARCH)
        {
            let start = at + idx;
            let starts_word = !before.is_alphanumeric() || is_ideographic(c);
            before = c;
            if starts_word && self.text[start..].starts_with(word) {
                let end = start + word.len();
                let confirmed = next.is_none_or(|word| self.next(end, word, None).is_some());
                if confirmed && self.is_whole(&(start..end), next) {
                    return Some(start..end);
                }
            }
        }
        None
    }

    /// Whether the word at `place` ends there, and is not the start of a longer one.
    fn is_whole(&self, place: &Range<usize>, next: Option<&str>) -> bool {
        let rest = &self.text[place.end..];
        let inside = |c: char| c.is_alphanumeric() && !is_ideographic(c);
        let last = self.text[place.clone()].chars().next_back();
        !(last.is_some_and(inside) && rest.starts_with(inside))
            || next.is_some_and(|next| !next.is_empty() && rest.starts_with(next))
    }

    /// Gives each placed word the punctuation around it, each mark to one word only.
    fn dress(&self, places: &[Option<Range<usize>>]) -> Vec<Found> {
        let mut found = vec![Found::default(); places.len()];
        let known: Vec<_> = (0..)
            .zip(places)
            .filter_map(|(idx, place)| Some((idx, place.clone()?)))
            .collect();
        let mut taken = 0;
        for (nth, (idx, place)) in known.iter().enumerate() {
            let until = known
                .get(nth + 1)
                .map_or(self.text.len(), |(_, next)| next.start);
            let start = self.prefix(taken, place.start);
            let end = self.suffix(place.end, until);
            // Says something about two words only if nothing unplaced stands between them.
            let follows = nth > 0 && known[nth - 1].0 + 1 == *idx;
            let spaced = follows.then(|| self.text[..start].ends_with(is_break_space));
            found[*idx] = Found {
                dressed: Some(self.text[start..end].to_owned()),
                spaced,
                segment: self.segment_at(place.start),
            };
            taken = end;
        }
        found
    }

    /// Start of the marks that lead into the word at `start`.
    fn prefix(&self, taken: usize, start: usize) -> usize {
        let gap = &self.text[taken.min(start)..start];
        let lead = gap
            .char_indices()
            .rev()
            .take_while(|(_, c)| !c.is_alphanumeric() && !is_break_space(*c))
            .last();
        lead.map_or(start, |(idx, _)| start - gap.len() + idx)
    }

    /// End of the marks that belong to the word that ends at `end`; the next one starts at
    /// `until`. What opens the next word is left to it, a mark that stands alone (` – `) is not.
    fn suffix(&self, end: usize, until: usize) -> usize {
        let gap = &self.text[end..until];
        let marks = gap.find(char::is_alphanumeric).map_or(gap, |at| &gap[..at]);
        let only_marks = marks.len() == gap.len();
        let cut = if only_marks && until == self.text.len() {
            marks.len()
        } else if only_marks {
            marks
                .rfind(is_break_space)
                .unwrap_or_else(|| opening(marks))
        } else {
            marks.find(is_break_space).unwrap_or_else(|| opening(marks))
        };
        end + marks[..cut].trim_end_matches(is_break_space).len()
    }

    fn segment_at(&self, byte: usize) -> Option<usize> {
        self.starts
            .partition_point(|&start| start <= byte)
            .checked_sub(1)
    }
}

fn opening(marks: &str) -> usize {
    marks.find(is_opening).unwrap_or(marks.len())
}

/// Segments looked up by time.
#[derive(Debug)]
struct ByTime<'a> {
    segments: &'a [Segment],
    order: Vec<usize>,
}

impl<'a> ByTime<'a> {
    fn of(segments: &'a [Segment]) -> Self {
        let mut order: Vec<usize> = (0..segments.len()).collect();
        order.sort_by_key(|&idx| segments[idx].start);
        Self { segments, order }
    }

    /// The segment in which the middle of `word` lies.
    fn segment(&self, word: &Word) -> Option<usize> {
        let middle = word.start.0.midpoint(word.end.0);
        let after = self
            .order
            .partition_point(|&idx| self.segments[idx].start.0 <= middle);
        let segment = self.order[after.checked_sub(1)?];
        (middle <= self.segments[segment].end.0).then_some(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioMillis;

    #[track_caller]
    fn check(text: &str, words: &[&str], expected: &[Option<(&str, Option<bool>)>]) {
        let transcript = Transcript {
            text: text.to_owned(),
            words: words
                .iter()
                .map(|word| Word {
                    text: (*word).to_owned(),
                    start: AudioMillis(0),
                    end: AudioMillis(0),
                    speaker: None,
                })
                .collect(),
            ..Transcript::default()
        };
        let found = align(&transcript).words;
        let found: Vec<_> = found
            .iter()
            .map(|found| Some((found.dressed.as_deref()?, found.spaced)))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_word_gets_its_punctuation_back() {
        check(
            "“Well-known,” he said – once.",
            &["Well", "known", "he", "said", "once"],
            &[
                Some(("“Well-", None)),
                Some(("known,”", Some(false))),
                Some(("he", Some(true))),
                Some(("said –", Some(true))),
                Some(("once.", Some(true))),
            ],
        );
        check(
            "你好。「再见」",
            &["你", "好", "再", "见"],
            &[
                Some(("你", None)),
                Some(("好。", Some(false))),
                Some(("「再", Some(false))),
                Some(("见」", Some(false))),
            ],
        );
    }

    #[test]
    fn a_word_that_is_not_in_the_text_disturbs_only_itself() {
        check(
            "Take the lift, and wait.",
            &["Take", "um", "lift", "and", "wait"],
            &[
                Some(("Take", None)),
                None,
                Some(("lift,", None)),
                Some(("and", Some(true))),
                Some(("wait.", Some(true))),
            ],
        );
        check("And then", &["a", "then"], &[None, Some(("then", None))]);
        check("", &["a", ""], &[None, None]);
    }
}
