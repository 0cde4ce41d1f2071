//! A transcript against what was heard in its recording: speech without words, and words where nobody speaks.
//!
//! Recognisers skip minutes and invent sentences in silence, and say so with nothing. Where somebody speaks is known
//! from the sound ([`crate::audio::voice`]); where there are words, from their times, which are right to about half
//! a second. What remains unexplained between the two is doubtful.

use crate::domain::{AudioMillis, Stretch, Transcript, Word};
use crate::subtitle::pieces::pieces;
use crate::subtitle::repair::PACE;
use crate::subtitle::units::weigh;

/// Words reach this far to either side: so wrong are the times of recognisers now and then.
const REACH: u64 = 500;
/// Speech without words below this is an "um", a laugh, a word that was cut short.
const LEAST_SPEECH: u64 = 1_800;
/// Silences up to this are part of a stretch without words.
const BREAK: u64 = 1_200;
/// So far from any speech, nobody can have said a word.
const FAR: u64 = 800;
/// Fewer words in silence are noises that were taken for words.
const LEAST_WORDS: usize = 3;
/// Nobody speaks so slowly: times of the usual pace.
const SLOWEST: u64 = 3;
/// In a segment, speech that its words do not account for even at that pace.
const LEAST_REST: u64 = 3_000;

/// What the sound says of a transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// How long somebody speaks.
    pub speech: AudioMillis,
    /// How much of that has words.
    pub covered: AudioMillis,
    /// Speech without words, in order.
    pub unworded: Vec<Stretch>,
    /// Words where nobody speaks, in order.
    pub unvoiced: Vec<Stretch>,
}

impl Heard {
    /// Share of the speech that has words, 0 to 1; all of it if nobody speaks.
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "a share, shown with a few digits"
    )]
    pub fn share(&self) -> f64 {
        if self.speech.0 == 0 {
            return 1.0;
        }
        self.covered.0 as f64 / self.speech.0 as f64
    }
}

/// Compares `transcript`, in the order of its times, with the `voices` in its recording. Of an answer without any
/// times, only whether there are words at all.
pub fn heard(transcript: &Transcript, voices: &[Stretch]) -> Heard {
    let speech = AudioMillis(total(voices));
    if transcript.words.is_empty() && transcript.segments.is_empty() {
        let is_silent = transcript.text.trim().is_empty();
        return Heard {
            speech,
            covered: if is_silent { AudioMillis(0) } else { speech },
            unworded: if is_silent {
                long(voices.to_vec())
            } else {
                Vec::new()
            },
            unvoiced: Vec::new(),
        };
    }
    let (worded, sparse) = if transcript.words.is_empty() {
        (of_segments(transcript), sparse(transcript, voices))
    } else {
        (of_words(&transcript.words), Vec::new())
    };
    let reached = widened(worded.iter().map(|(stretch, _)| *stretch), REACH);
    let rest = without(voices, &reached);
    let mut unworded = long(joined(rest, BREAK));
    unworded.extend(sparse);
    unworded.sort_by_key(|stretch| stretch.start);
    Heard {
        speech,
        covered: AudioMillis(
            speech.0
                - unworded
                    .iter()
                    .map(|stretch| within(voices, *stretch))
                    .sum::<u64>()
                    .min(speech.0),
        ),
        unvoiced: unvoiced(&worded, voices),
        unworded,
    }
}

/// Where words are said, with how many.
type Worded = Vec<(Stretch, usize)>;

fn of_words(words: &[Word]) -> Worded {
    let spoken = words
        .iter()
        .filter(|word| word.text.contains(char::is_alphanumeric));
    let placed = spoken.map(|word| {
        (
            Stretch {
                start: word.start,
                end: word.end.max(word.start),
            },
            1,
        )
    });
    placed.collect()
}

fn of_segments(transcript: &Transcript) -> Worded {
    let placed = transcript.segments.iter().map(|segment| {
        let stretch = Stretch {
            start: segment.start,
            end: segment.end.max(segment.start),
        };
        (stretch, words_in(&segment.text))
    });
    placed.filter(|(_, words)| *words > 0).collect()
}

fn words_in(text: &str) -> usize {
    let spoken = pieces(text, usize::MAX);
    spoken
        .iter()
        .filter(|piece| piece.text.contains(char::is_alphanumeric))
        .count()
}

/// Segments whose words take far less time than somebody speaks in them: the rest is missing somewhere inside.
fn sparse(transcript: &Transcript, voices: &[Stretch]) -> Vec<Stretch> {
    let mut found = Vec::new();
    for segment in &transcript.segments {
        let stretch = Stretch {
            start: segment.start,
            end: segment.end.max(segment.start),
        };
        let slowly = weigh(&segment.text)
            .spoken
            .saturating_mul(PACE)
            .saturating_mul(SLOWEST);
        let is_sparse = within(voices, stretch) >= slowly.saturating_add(LEAST_REST);
        if is_sparse && words_in(&segment.text) > 0 {
            found.push(stretch);
        }
    }
    found
}

/// Runs of words that are far from every voice.
fn unvoiced(worded: &Worded, voices: &[Stretch]) -> Vec<Stretch> {
    let near = widened(voices.iter().copied(), FAR);
    let mut found = Vec::new();
    let mut run: Option<(Stretch, usize)> = None;
    for (stretch, words) in worded {
        if within(&near, *stretch) > 0 || is_inside(&near, stretch.start) {
            found.extend(run.take());
            continue;
        }
        run = Some(match run {
            None => (*stretch, *words),
            Some((before, more)) => (
                Stretch {
                    start: before.start,
                    end: before.end.max(stretch.end),
                },
                more + words,
            ),
        });
    }
    found.extend(run);
    found.retain(|(_, words)| *words >= LEAST_WORDS);
    found.into_iter().map(|(stretch, _)| stretch).collect()
}

/// In order and apart, each reaching further by `reach` to both sides.
fn widened(stretches: impl Iterator<Item = Stretch>, reach: u64) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = stretches
        .map(|stretch| Stretch {
            start: AudioMillis(stretch.start.0.saturating_sub(reach)),
            end: AudioMillis(stretch.end.0.saturating_add(reach)),
        })
        .collect();
    all.sort_by_key(|stretch| stretch.start);
    joined(all, 0)
}

/// Those with at most `gap` between them as one.
fn joined(stretches: Vec<Stretch>, gap: u64) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for next in stretches {
        match joined
            .last_mut()
            .filter(|last| next.start.0 <= last.end.0.saturating_add(gap))
        {
            Some(last) => last.end = last.end.max(next.end),
            None => joined.push(next),
        }
    }
    joined
}

/// What of `stretches` lies outside of `others`; both in order and apart.
fn without(stretches: &[Stretch], others: &[Stretch]) -> Vec<Stretch> {
    let mut rest = Vec::new();
    let mut others = others.iter().peekable();
    for stretch in stretches {
        let mut start = stretch.start;
        while let Some(other) = others.peek() {
            if other.end <= start {
                others.next();
                continue;
            }
            if other.start >= stretch.end {
                break;
            }
            if other.start > start {
                rest.push(Stretch {
                    start,
                    end: other.start,
                });
            }
            start = other.end;
            if other.end >= stretch.end {
                break;
            }
            others.next();
        }
        if start < stretch.end {
            rest.push(Stretch {
                start,
                end: stretch.end,
            });
        }
    }
    rest
}

/// How much of `stretch` lies in `others`, which are in order and apart.
fn within(others: &[Stretch], stretch: Stretch) -> u64 {
    let first = others.partition_point(|other| other.end <= stretch.start);
    let overlaps = others
        .iter()
        .skip(first)
        .take_while(|other| other.start < stretch.end);
    overlaps
        .map(|other| other.end.min(stretch.end).0 - other.start.max(stretch.start).0)
        .sum()
}

fn is_inside(others: &[Stretch], at: AudioMillis) -> bool {
    others
        .get(others.partition_point(|other| other.end <= at))
        .is_some_and(|other| other.start <= at)
}

fn total(stretches: &[Stretch]) -> u64 {
    stretches.iter().map(|stretch| stretch.length().0).sum()
}

fn long(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|stretch| stretch.length().0 >= LEAST_SPEECH);
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Segment;

    fn stretch(start: u64, end: u64) -> Stretch {
        Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        }
    }

    /// A word every 400 ms from `from` to `to`.
    fn words(from: u64, to: u64) -> Vec<Word> {
        (from..to)
            .step_by(400)
            .map(|start| Word {
                text: "word".to_owned(),
                start: AudioMillis(start),
                end: AudioMillis(start + 350),
                speaker: None,
            })
            .collect()
    }

    fn transcript(words: Vec<Word>) -> Transcript {
        Transcript {
            text: words
                .iter()
                .flat_map(|word| [word.text.as_str(), " "])
                .collect(),
            words,
            ..Transcript::default()
        }
    }

    fn segment(start: u64, end: u64, text: &str) -> Segment {
        Segment {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: None,
        }
    }

    #[test]
    fn words_that_follow_the_speech_are_not_doubted() {
        let voices = [stretch(300, 9_000), stretch(11_000, 20_000)];
        let mut all = words(700, 8_600);
        all.extend(words(11_500, 19_600));

        let heard = heard(&transcript(all), &voices);

        assert_eq!((heard.unworded, heard.unvoiced), (vec![], vec![]));
        assert_eq!(heard.covered, AudioMillis(17_700));
    }

    #[test]
    fn dropped_speech_is_found_with_its_place() {
        let voices = [
            stretch(0, 4_000),
            stretch(4_500, 9_000),
            stretch(9_800, 20_000),
        ];
        let mut all = words(0, 4_000);
        all.extend(words(14_000, 20_000));

        let heard = heard(&transcript(all), &voices);

        assert_eq!(heard.unworded, [stretch(4_500, 13_500)]);
        assert_eq!(heard.speech, AudioMillis(18_700));
        assert!(
            (heard.share() - 10_500.0 / 18_700.0).abs() < 0.001,
            "{}",
            heard.share()
        );
    }

    #[test]
    fn words_in_silence_are_found_and_a_noise_taken_for_a_word_is_not() {
        let voices = [stretch(0, 4_000), stretch(20_000, 24_000)];
        let mut all = words(0, 4_000);
        all.extend(words(8_000, 8_400));
        all.extend(words(11_000, 13_000));
        all.extend(words(20_000, 24_000));

        let heard = heard(&transcript(all), &voices);

        assert_eq!(heard.unvoiced, [stretch(8_000, 12_950)]);
        assert!(heard.unworded.is_empty());
    }

    #[test]
    fn a_segment_with_too_few_words_for_its_speech_is_doubted() {
        let voices = [stretch(0, 28_000)];
        let segments = vec![
            segment(0, 14_000, "Only these few words."),
            segment(
                14_000,
                28_000,
                "This one has as many words as somebody says in that time, who speaks neither fast nor slowly, and pauses now and then.",
            ),
        ];
        let text = segments
            .iter()
            .map(|segment| segment.text.clone())
            .collect::<Vec<_>>()
            .join(" ");

        let heard = heard(
            &Transcript {
                text,
                segments,
                ..Transcript::default()
            },
            &voices,
        );

        assert_eq!(heard.unworded, [stretch(0, 14_000)]);
    }

    #[test]
    fn an_answer_without_a_word_leaves_all_speech_without_words() {
        let heard = heard(&Transcript::default(), &[stretch(1_000, 9_000)]);

        assert_eq!(heard.unworded, [stretch(1_000, 9_000)]);
        assert_eq!(heard.covered, AudioMillis(0));
    }
}
