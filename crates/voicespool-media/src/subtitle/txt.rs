//! Plain text (`.txt`): paragraphs, and who speaks where that is known. No times.

use crate::domain::Transcript;
use crate::subtitle::clean::{clean, is_break_space};
use crate::subtitle::repair::Repairs;
use crate::subtitle::stops::{Stop, stop};
use crate::subtitle::units::{Unit, units};

/// Silence after a sentence that starts a new paragraph, in milliseconds.
const PAUSE: u64 = 2_000;
/// Columns after which a paragraph ends with its sentence.
const LONG: usize = 600;

/// A paragraph of what was said.
pub(super) struct Paragraph {
    /// Who begins to speak.
    pub(super) speaker: Option<String>,
    /// In milliseconds, if the answer has times.
    pub(super) start: Option<u64>,
    pub(super) text: String,
}

/// The text of `transcript`, a paragraph a line, a blank line between them; empty if there
/// is none. A paragraph ends where the speaker changes, at a pause after a sentence, and
/// with its sentence when it has grown long.
pub fn write(transcript: &Transcript) -> String {
    let paragraphs = paragraphs(transcript).into_iter();
    let lines = paragraphs.map(|paragraph| match paragraph.speaker {
        Some(speaker) => format!("{speaker}: {}\n", paragraph.text),
        None => format!("{}\n", paragraph.text),
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(super) fn paragraphs(transcript: &Transcript) -> Vec<Paragraph> {
    if transcript.words.is_empty() && transcript.segments.is_empty() {
        return untimed(&transcript.text);
    }
    let units = units(transcript, u64::MAX, usize::MAX, &mut Repairs::default());
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut last: Option<&Unit<'_>> = None;
    let mut long = 0;
    for unit in &units {
        let new_speaker = last.is_none_or(|last| last.speaker != unit.speaker);
        let begins = new_speaker || last.is_some_and(|last| ends(last, unit, long));
        match paragraphs.last_mut().filter(|_| !begins) {
            Some(open) => {
                if unit.spaced {
                    open.text.push(' ');
                }
                open.text.push_str(&unit.text);
            }
            None => {
                paragraphs.push(Paragraph {
                    speaker: unit
                        .speaker
                        .filter(|_| new_speaker)
                        .map(|name| clean(name).into()),
                    start: Some(unit.start),
                    text: unit.text.clone(),
                });
                long = 0;
            }
        }
        long += unit.columns;
        last = Some(unit);
    }
    paragraphs
}

/// Whether the paragraph ends between two units of one speaker.
fn ends(last: &Unit<'_>, unit: &Unit<'_>, long: usize) -> bool {
    let paused = unit.start.saturating_sub(last.end) >= PAUSE;
    stop(&last.text) == Some(Stop::Sentence)
        && unit.spaced
        && !unit.text.starts_with(char::is_lowercase)
        && (paused || long >= LONG)
}

fn untimed(text: &str) -> Vec<Paragraph> {
    let lines = text.lines().map(|line| {
        let line = clean(line);
        let words = line.split(is_break_space).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    });
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|text| Paragraph {
            speaker: None,
            start: None,
            text,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AudioMillis, Segment};

    fn segment(text: &str, start: u64, speaker: Option<&str>) -> Segment {
        Segment {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(start + 1_000),
            speaker: speaker.map(str::to_owned),
        }
    }

    #[test]
    fn paragraphs_follow_speakers_and_pauses() {
        let transcript = Transcript {
            segments: vec![
                segment(" Is it on?", 0, Some("Ann")),
                segment("I think so.", 1_100, Some("Ann")),
                segment("It is.", 2_100, Some("Ben")),
                segment("And after a while,", 9_000, Some("Ben")),
                segment("a long one,", 15_000, Some("Ben")),
                segment("\u{1b}[31mred.", 16_000, None),
            ],
            ..Transcript::default()
        };

        insta::assert_snapshot!(write(&transcript), @r"
        Ann: Is it on? I think so.

        Ben: It is.

        And after a while, a long one,

        [31mred.
        ");
    }

    #[test]
    fn text_without_times_keeps_its_paragraphs() {
        let transcript = Transcript {
            text: " One  two.\r\n\r\n\u{feff}Three.".to_owned(),
            ..Transcript::default()
        };

        assert_eq!(write(&transcript), "One two.\n\nThree.\n");
    }

    #[test]
    fn a_long_monologue_is_parted_at_its_sentences() {
        let sentence = "This sentence has exactly fifty characters, no more. ".repeat(30);
        let transcript = Transcript {
            segments: vec![segment(&sentence, 0, None)],
            ..Transcript::default()
        };

        let text = write(&transcript);

        assert_eq!(text.split("\n\n").count(), 3);
        assert!(
            text.split("\n\n")
                .all(|paragraph| paragraph.trim().ends_with("no more."))
        );
    }
}
