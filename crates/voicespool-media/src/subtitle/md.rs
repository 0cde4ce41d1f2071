//! Markdown (`.md`): paragraphs with the time at which each begins, and who speaks where that is known.

use crate::domain::{AudioMillis, Transcript};
use crate::subtitle::txt::{Paragraph, paragraphs};

/// Characters that mean something in a paragraph (`CommonMark`).
const MARKS: &str = "\\`*_[]<>&~|";
/// Characters that mean something where a line begins.
const AT_START: &str = "#-+=.)";

/// The text of `transcript`: `**Ann** (0:12:05): I think so.`
pub fn write(transcript: &Transcript) -> String {
    let paragraphs = paragraphs(transcript);
    let lines: Vec<_> = paragraphs.iter().map(paragraph).collect();
    lines.join("\n")
}

fn paragraph(paragraph: &Paragraph) -> String {
    let time = paragraph.start.map(|start| AudioMillis(start).clock());
    let prefix = match (&paragraph.speaker, time) {
        (Some(speaker), Some(time)) => format!("**{}** ({time}): ", escaped(speaker)),
        (Some(speaker), None) => format!("**{}**: ", escaped(speaker)),
        (None, Some(time)) => format!("({time}) "),
        (None, None) => String::new(),
    };
    let text = escaped(&paragraph.text);
    if prefix.is_empty() {
        return format!("{}\n", escaped_start(&text));
    }
    format!("{prefix}{text}\n")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if MARKS.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What would be a heading, a list or a rule at the beginning of a line is none.
fn escaped_start(text: &str) -> String {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match text[digits..].chars().next() {
        Some(c) if AT_START.contains(c) => format!("{}\\{}", &text[..digits], &text[digits..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Segment;

    #[test]
    fn paragraphs_have_their_times_and_speakers_and_no_mark_means_anything() {
        let segment = |text: &str, start: u64, speaker: &str| Segment {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(start + 1_000),
            speaker: Some(speaker.to_owned()),
        };
        let transcript = Transcript {
            segments: vec![
                segment("Is *it* on?", 0, "Ann_1"),
                segment("I think so.", 3_725_000, "Ben"),
            ],
            ..Transcript::default()
        };

        assert_eq!(
            write(&transcript),
            "**Ann\\_1** (0:00:00): Is \\*it\\* on?\n\n**Ben** (1:02:05): I think so.\n"
        );
        let untimed = Transcript {
            text: "# One\n1. Two\n- Three\n2 four".to_owned(),
            ..Transcript::default()
        };
        assert_eq!(
            write(&untimed),
            "\\# One\n\n1\\. Two\n\n\\- Three\n\n2 four\n"
        );
    }
}
