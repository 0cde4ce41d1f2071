//! `WebVTT` (`.vtt`): like SRT, with a header, a dot before the milliseconds, `&`, `<` and
//! `>` escaped, and the speaker as a voice tag. <https://www.w3.org/TR/webvtt1/>

use std::fmt::Write;

use crate::subtitle::clean::line;
use crate::subtitle::clock::{self, ParseError};
use crate::subtitle::cue::Cue;

/// The file of `cues`; for none, the header alone, which is a valid file.
pub fn write(cues: &[Cue]) -> String {
    let mut file = "WEBVTT\n".to_owned();
    for cue in cues {
        let lines: Vec<_> = cue.lines.iter().map(|text| escape(&line(text))).collect();
        if lines.iter().all(String::is_empty) {
            continue;
        }
        let (start, end) = (clock::write(cue.start, '.'), clock::write(cue.end, '.'));
        writeln!(file, "\n{start} --> {end}").expect("a String takes everything");
        let speaker = cue.speaker.as_deref().map(|name| escape(&line(name)));
        if let Some(speaker) = speaker.filter(|speaker| !speaker.is_empty()) {
            write!(file, "<v {speaker}>").expect("a String takes everything");
        }
        for line in lines.iter().filter(|line| !line.is_empty()) {
            file.push_str(line);
            file.push('\n');
        }
    }
    file
}

/// The cues of a file as [`write`](write()) writes it: identifiers, settings and blocks of
/// notes and styles are skipped, tags other than a leading voice stay in the text.
///
/// # Errors
/// [`ParseError`], with the line, for a block that is neither.
pub fn parse(text: &str) -> Result<Vec<Cue>, ParseError> {
    let mut lines = clock::numbered(text);
    let header = lines.next().map_or("", |(_, text)| text);
    if header != "WEBVTT" && !header.starts_with("WEBVTT ") && !header.starts_with("WEBVTT\t") {
        return Err(ParseError::NoHeader { line: 1 });
    }
    let mut cues = Vec::new();
    while let Some((mut line, first)) = lines.by_ref().find(|(_, text)| !text.trim().is_empty()) {
        let mut times = first;
        if ["NOTE", "STYLE", "REGION"]
            .iter()
            .any(|word| first.starts_with(word))
        {
            lines.by_ref().find(|(_, text)| text.trim().is_empty());
            continue;
        }
        if !times.contains("-->") {
            (line, times) = lines.next().unwrap_or((line + 1, ""));
        }
        let (start, end) = clock::parse_line(times).ok_or(ParseError::NoTimes { line })?;
        let mut text: Vec<&str> = lines
            .by_ref()
            .map(|(_, text)| text)
            .take_while(|text| !text.trim().is_empty())
            .collect();
        let first = text
            .first_mut()
            .ok_or(ParseError::NoText { line: line + 1 })?;
        let voice = first
            .strip_prefix("<v ")
            .and_then(|rest| rest.split_once('>'));
        if let Some((_, rest)) = voice {
            *first = rest;
        }
        cues.push(Cue {
            start,
            end,
            lines: text.into_iter().map(unescape).collect(),
            speaker: voice.map(|(name, _)| unescape(name)),
        });
    }
    Ok(cues)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioMillis;

    fn cue(speaker: Option<&str>, lines: &[&str]) -> Cue {
        Cue {
            start: AudioMillis(1),
            end: AudioMillis(1_000),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            speaker: speaker.map(str::to_owned),
        }
    }

    #[test]
    fn markup_in_the_text_is_only_text() {
        let cues = [
            cue(Some("A > B\n"), &["<script>&amp;", "NOTE", "\n\n"]),
            cue(Some(" "), &["-->"]),
        ];

        insta::assert_snapshot!(write(&cues), @r"
        WEBVTT

        00:00:00.001 --> 00:00:01.000
        <v A &gt; B>&lt;script&gt;&amp;amp;
        NOTE

        00:00:00.001 --> 00:00:01.000
        →
        ");
        assert_eq!(write(&[]), "WEBVTT\n");
    }

    #[test]
    fn what_is_no_cue_is_refused_with_its_line() {
        let times = "00:01.000 --> 00:02.000 align:start";
        for (text, expected) in [
            (String::new(), ParseError::NoHeader { line: 1 }),
            ("WEBVTTX".to_owned(), ParseError::NoHeader { line: 1 }),
            ("WEBVTT\n\nid".to_owned(), ParseError::NoTimes { line: 4 }),
            (
                format!("WEBVTT\n\n{times}\n\n"),
                ParseError::NoText { line: 4 },
            ),
        ] {
            assert_eq!(parse(&text), Err(expected), "{text}");
        }
        let foreign = format!("WEBVTT - x\n\nNOTE a\nb\n\nid\n{times}\nhi\n");
        assert_eq!(parse(&foreign).unwrap()[0].lines, ["hi"]);
    }
}
