//! `SubRip` (`.srt`): UTF-8 without byte order mark, numbers from 1, a comma before the
//! milliseconds, a blank line between cues. There is no syntax for speakers: a name and a
//! colon stand before the first words after each change of speaker, as captioners do.

use std::fmt::Write;

use crate::subtitle::clean::line;
use crate::subtitle::clock::{self, ParseError};
use crate::subtitle::cue::Cue;

/// The file of `cues`; empty for none. A line that a parser would take for something else
/// is cleaned, a cue without text left out.
pub fn write(cues: &[Cue]) -> String {
    let mut file = String::new();
    let mut number = 0u64;
    for cue in &told(cues) {
        let lines: Vec<_> = cue.lines.iter().map(|text| line(text)).collect();
        if lines.iter().all(|line| line.is_empty()) {
            continue;
        }
        if number > 0 {
            file.push('\n');
        }
        number += 1;
        let (start, end) = (clock::write(cue.start, ','), clock::write(cue.end, ','));
        writeln!(file, "{number}\n{start} --> {end}").expect("a String takes everything");
        for line in lines.iter().filter(|line| !line.is_empty()) {
            file.push_str(line);
            file.push('\n');
        }
    }
    file
}

/// The cues as a file holds them: speakers as a name in the text of each cue that is not
/// said by the speaker before.
pub fn told(cues: &[Cue]) -> Vec<Cue> {
    let mut speaking: Option<&str> = None;
    let mut told = cues.to_vec();
    for (cue, shown) in cues.iter().zip(&mut told) {
        shown.speaker = None;
        let Some(first) = shown.lines.iter_mut().find(|text| !line(text).is_empty()) else {
            continue;
        };
        let speaker = cue.speaker.as_deref();
        if speaker != speaking {
            let name = speaker.map(line).unwrap_or_default();
            if !name.is_empty() {
                first.insert_str(0, &format!("{name}: "));
            }
            speaking = speaker;
        }
    }
    told
}

/// The cues of a file. Any number counts as the number of a cue; extra blank lines, CRLF
/// and a byte order mark are accepted.
///
/// # Errors
/// [`ParseError`], with the line, for anything that is not a cue.
pub fn parse(text: &str) -> Result<Vec<Cue>, ParseError> {
    let mut cues = Vec::new();
    let mut lines = clock::numbered(text);
    while let Some((line, number)) = lines.by_ref().find(|(_, text)| !text.trim().is_empty()) {
        let number = number.trim();
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseError::NoNumber { line });
        }
        let (start, end) = lines
            .next()
            .and_then(|(_, times)| clock::parse_line(times))
            .ok_or(ParseError::NoTimes { line: line + 1 })?;
        let text: Vec<_> = lines
            .by_ref()
            .map(|(_, text)| text.to_owned())
            .take_while(|text| !text.trim().is_empty())
            .collect();
        if text.is_empty() {
            return Err(ParseError::NoText { line: line + 2 });
        }
        cues.push(Cue {
            start,
            end,
            lines: text,
            speaker: None,
        });
    }
    Ok(cues)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioMillis;

    fn cue(lines: &[&str]) -> Cue {
        Cue {
            start: AudioMillis(3_661_001),
            end: AudioMillis(3_662_000),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            speaker: None,
        }
    }

    #[test]
    fn a_file_is_written_as_players_read_it() {
        let cues = [
            cue(&["1", "\u{feff}a --> b\r\n\r\nc"]),
            cue(&["", "\u{0}"]),
            cue(&["<i>so & so</i>"]),
        ];

        insta::assert_snapshot!(write(&cues), @r"
        1
        01:01:01,001 --> 01:01:02,000
        1
        a → b    c

        2
        01:01:01,001 --> 01:01:02,000
        <i>so & so</i>
        ");
    }

    #[test]
    fn a_speaker_is_named_where_the_speaker_changes() {
        let said = |speaker: Option<&str>| Cue {
            speaker: speaker.map(str::to_owned),
            ..cue(&["So it is.", "It is."])
        };
        let file = write(&[
            said(Some("A")),
            said(Some("A")),
            said(Some("B")),
            said(None),
        ]);

        let starts: Vec<_> = file
            .lines()
            .filter(|line| line.contains("So it is."))
            .collect();
        assert_eq!(
            starts,
            ["A: So it is.", "So it is.", "B: So it is.", "So it is."]
        );
    }

    #[test]
    fn what_is_no_cue_is_refused_with_its_line() {
        let times = "00:00:01,000 --> 00:00:02,000";
        for (text, expected) in [
            ("hello".to_owned(), ParseError::NoNumber { line: 1 }),
            ("\n1\nhello".to_owned(), ParseError::NoTimes { line: 3 }),
            ("1".to_owned(), ParseError::NoTimes { line: 2 }),
            (format!("1\n{times}\n\n2"), ParseError::NoText { line: 3 }),
        ] {
            assert_eq!(parse(&text), Err(expected), "{text}");
        }
        let foreign = format!("\u{feff}7\r\n{times}\r\nhi\r\n\r\n\r\n\r\n");
        assert_eq!(parse(&foreign).unwrap()[0].lines, ["hi"]);
    }
}
