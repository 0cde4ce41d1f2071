//! The provider's times of spoken words, given to the words of the text that was sent.
//!
//! The text is ours and whole; the times are the provider's and may be anything. So each time
//! has to earn its place: the word must be found in the text, where it should come, and its
//! time must be in line with the others and inside the clip. What no time is left for shares
//! the time between its neighbours. When less than half of the words have times, none is
//! believed.

use crate::domain::{AudioMillis, Word};
use crate::subtitle::pieces::Piece;
use crate::subtitle::repair::{Span, believed, share};
use crate::subtitle::units::weigh;

/// Letters searched for a word that is not where it should be.
const SEARCH: usize = 60;

/// Behind a gap a word is believed together with those after it, of so many letters at least.
const FAR_WORDS: usize = 4;
const FAR_LETTERS: usize = 8;
/// Letters searched for it, and how often: a hostile list must not take the square of its length.
const FAR: usize = 50_000;
const FAR_SEARCHES: usize = 500;

/// How far behind the end of the clip a word may end: rounding, and a tail that was cut.
const PAST_END: u64 = 250;

/// Start and end of each of `pieces`, in milliseconds of the joined file, by `words`, which
/// count from the start of their clip; `None` when the times cannot be believed.
pub(super) fn times(
    pieces: &[Piece<'_>],
    words: &[Word],
    start: AudioMillis,
    end: AudioMillis,
) -> Option<Vec<(u64, u64)>> {
    let length = end.0.saturating_sub(start.0);
    let letters = Letters::of(pieces);
    let found = letters.find(words, length, 0);
    let mut known: Vec<Option<(u64, u64)>> = vec![None; pieces.len()];
    for (piece, from, until) in found {
        let (from, until) = (start.0 + from.min(length), start.0 + until.min(length));
        let slot = known.get_mut(piece)?;
        *slot = Some(match *slot {
            None => (from, until),
            Some((first, last)) => (first.min(from), last.max(until)),
        });
    }
    let spoken = pieces
        .iter()
        .filter(|piece| piece.text.contains(char::is_alphanumeric))
        .count();
    let timed = known.iter().flatten().count();
    (timed > 0 && timed * 2 >= spoken).then(|| fill(pieces, &known, start.0, end.0.max(start.0)))
}

/// Letters and digits of the pieces, folded, and whose each is.
struct Letters {
    letters: Vec<char>,
    owners: Vec<usize>,
}

/// Letters and digits of `text`, folded.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
}

impl Letters {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let (mut letters, mut owners) = (Vec::new(), Vec::new());
        for (idx, piece) in pieces.iter().enumerate() {
            for letter in folded(piece.text) {
                letters.push(letter);
                owners.push(idx);
            }
        }
        Self { letters, owners }
    }

    /// Pieces with the times of words that are found in them and believed. A word of
    /// several pieces gives each its share.
    /// Words behind a long gap are looked for so often.
    fn find(&self, words: &[Word], length: u64, mut far: usize) -> Vec<(usize, u64, u64)> {
        let mut at = 0;
        let mut placed = Vec::new();
        for (idx, word) in words.iter().enumerate() {
            let (from, until) = (word.start.0, word.end.0);
            if until < from || until > length.saturating_add(PAST_END) || from > length {
                continue;
            }
            let name: Vec<char> = folded(&word.text).collect();
            let near = self.place(at, &name);
            let place = near.or_else(|| {
                far = far.checked_sub(1)?;
                self.far_place(at, &words[idx..])
            });
            let Some(place) = place else {
                continue;
            };
            at = place + name.len();
            placed.push((place, name.len(), from, until));
        }
        let spans: Vec<Span> = placed
            .iter()
            .map(|&(_, _, start, end)| Span {
                start,
                end,
                weight: weigh(""),
            })
            .collect();
        let mut found = Vec::with_capacity(placed.len());
        for idx in believed(&spans) {
            let (place, count, from, until) = placed[idx];
            self.share_out(place, count, (from, until), &mut found);
        }
        found
    }

    /// Where the first of `words` starts further on: the letters of it and of those after it.
    fn far_place(&self, at: usize, words: &[Word]) -> Option<usize> {
        let letters = words
            .iter()
            .take(FAR_WORDS)
            .flat_map(|word| folded(&word.text));
        let name: Vec<char> = letters.collect();
        if name.len() < FAR_LETTERS {
            return None;
        }
        let end = self.letters.len().min(at.saturating_add(FAR));
        let starts_piece =
            |place: &usize| *place == 0 || self.owners.get(*place) != self.owners.get(*place - 1);
        (at..end)
            .filter(starts_piece)
            .find(|&place| self.letters[place..].starts_with(&name))
    }

    /// Where `name` starts at `at` or a little later.
    fn place(&self, at: usize, name: &[char]) -> Option<usize> {
        if name.is_empty() {
            return None;
        }
        let is_at = |place: usize| {
            self.letters
                .get(place..)
                .is_some_and(|rest| rest.starts_with(name))
        };
        if is_at(at) {
            return Some(at);
        }
        // Further on only where a piece begins, and not for a letter or two.
        let starts_piece = |place: usize| self.owners.get(place) != self.owners.get(place - 1);
        (at + 1..self.letters.len().min(at + SEARCH))
            .find(|&place| name.len() > 2 && starts_piece(place) && is_at(place))
    }

    fn share_out(
        &self,
        place: usize,
        count: usize,
        (from, until): (u64, u64),
        found: &mut Vec<(usize, u64, u64)>,
    ) {
        let owners = self.owners.get(place..place + count).unwrap_or_default();
        let step = |n: usize| {
            let part = u128::from(until - from) * u128::try_from(n).unwrap_or(0);
            let part = part / u128::try_from(count.max(1)).unwrap_or(1);
            from + u64::try_from(part).unwrap_or(0)
        };
        for (n, owner) in owners.iter().enumerate() {
            match found.last_mut() {
                Some((last, _, end)) if last == owner => *end = step(n + 1),
                _ => found.push((*owner, step(n), step(n + 1))),
            }
        }
    }
}

/// Pieces with the times of words that are found in them, also behind a long gap.
pub(super) fn found(pieces: &[Piece<'_>], words: &[Word], length: u64) -> Vec<(usize, u64, u64)> {
    Letters::of(pieces).find(words, length, FAR_SEARCHES)
}

/// Times for all pieces: those that have none share the time between their neighbours.
pub(super) fn fill(
    pieces: &[Piece<'_>],
    known: &[Option<(u64, u64)>],
    start: u64,
    end: u64,
) -> Vec<(u64, u64)> {
    let mut times = Vec::with_capacity(pieces.len());
    let mut from = start;
    while let Some(slot) = known.get(times.len()) {
        if let Some((first, last)) = *slot {
            let before: Option<&mut (u64, u64)> = times.last_mut();
            if let Some(before) = before {
                before.1 = before.1.min(first.max(before.0));
            }
            times.push((first, last.max(first)));
            from = last.max(first).min(end);
            continue;
        }
        let begin = times.len();
        let gap = known[begin..]
            .iter()
            .take_while(|slot| slot.is_none())
            .count();
        let until = known
            .get(begin + gap)
            .and_then(|slot| slot.map(|(first, _)| first))
            .unwrap_or(end);
        let weights: Vec<_> = pieces[begin..begin + gap]
            .iter()
            .map(|piece| weigh(piece.text))
            .collect();
        times.extend(share(&weights, from.min(until), until));
        from = from.max(until);
    }
    times
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;
    use crate::subtitle::pieces::pieces;

    fn words(words: &[(&str, u64, u64)]) -> Vec<Word> {
        words
            .iter()
            .map(|&(text, start, end)| Word {
                text: text.to_owned(),
                start: AudioMillis(start),
                end: AudioMillis(end),
                speaker: None,
            })
            .collect()
    }

    /// The text spoken from 10 s to 14 s of the joined file.
    #[track_caller]
    fn check(text: &str, given: &[(&str, u64, u64)], expected: Option<&[(u64, u64)]>) {
        let pieces = pieces(text, usize::MAX);
        let found = times(
            &pieces,
            &words(given),
            AudioMillis(10_000),
            AudioMillis(14_000),
        );
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn words_have_the_providers_times_at_the_place_of_their_clip() {
        check(
            "“Well-known,” he said – twice.",
            &[
                ("Well", 100, 300),
                ("known", 300, 700),
                ("He", 800, 900),
                ("said", 950, 1300),
                ("twice", 2000, 2600),
            ],
            Some(&[
                (10_100, 10_700),
                (10_800, 10_900),
                (10_950, 11_300),
                (11_300, 12_000),
                (12_000, 12_600),
            ]),
        );
        check(
            "你好，世界",
            &[("你好", 0, 800), ("世界", 1000, 1800)],
            Some(&[
                (10_000, 10_400),
                (10_400, 10_800),
                (11_000, 11_400),
                (11_400, 11_800),
            ]),
        );
    }

    #[test]
    fn missing_reversed_and_impossible_times_are_filled_from_their_neighbours() {
        let text = "one two three four five";
        let expected: &[(u64, u64)] = &[
            (10_000, 10_400),
            (10_500, 10_900),
            (10_900, 13_000),
            (13_000, 13_400),
            (13_400, 14_000),
        ];
        // `three` is missing, reversed, past the end, out of line, misspelt.
        for third in [
            None,
            Some(("three", 900, 100)),
            Some(("three", 90_000, 90_100)),
            Some(("three", 3_900, 3_950)),
            Some(("tree", 1000, 1100)),
        ] {
            let mut given = vec![("one", 0, 400), ("two", 500, 900)];
            given.extend(third);
            given.extend([("four", 3000, 3400), ("five", 3400, 4200)]);
            check(text, &given, Some(expected));
        }
    }

    #[test]
    fn times_of_another_text_or_of_too_little_of_it_are_not_believed() {
        check(
            "one two three four",
            &[("uno", 0, 100), ("due", 100, 200)],
            None,
        );
        check("one two three four", &[("one", 0, 100)], None);
        check("one two three four", &[], None);
        check(
            "one two",
            &[("one", 9_000, 9_100), ("two", 9_100, 9_200)],
            None,
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn every_piece_has_a_time_in_its_clip_whatever_the_provider_says(
            given in proptest::collection::vec((0usize..6, any::<u16>(), any::<u16>()), 0..12),
        ) {
            let names = ["one", "two", "three", "four", "x", ""];
            let given: Vec<_> = given
                .iter()
                .map(|&(name, start, end)| (names[name], u64::from(start) / 8, u64::from(end) / 8))
                .collect();
            let pieces = pieces("One, two – three. Four", usize::MAX);
            let found = times(&pieces, &words(&given), AudioMillis(500), AudioMillis(4_500));
            if let Some(times) = found {
                assert_eq!(times.len(), pieces.len());
                for (start, end) in times {
                    assert!(500 <= start && start <= end && end <= 4_500, "{start} {end}");
                }
            }
        }
    }
}
