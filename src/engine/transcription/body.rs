//! Which form an answer has: JSON, events, lines of JSON, subtitles, or plain text. A server that
//! knows only one of them answers in it whatever was asked, and what was paid for is read.

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::{Segment, Transcript};
use crate::engine::transcription::TranscriptError;
use crate::engine::transcription::wire::WireTranscript;
use crate::subtitle::{Cue, srt, vtt};

/// How answers begin that a server or a proxy in front of it gives when it failed, in lower case.
const TROUBLE: &[&str] = &[
    "error",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "gateway time",
    "upstream ",
    "not found",
    "unauthorized",
    "forbidden",
    "too many requests",
    "timeout",
];

/// `bytes` as text. A byte that is no UTF-8 is read as windows-1252, where those come from that
/// servers pass on.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, TranscriptError> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text.trim_start_matches('\u{feff}')));
    }
    let mut text = String::with_capacity(bytes.len());
    let mut guessed = 0_usize;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            guessed = guessed.saturating_add(1);
            // The printable half of windows-1252 is that of Unicode.
            text.push(if *byte >= 0xA0 {
                char::from(*byte)
            } else {
                char::REPLACEMENT_CHARACTER
            });
        }
    }
    if guessed > bytes.len() / 20 + 1 {
        return Err(TranscriptError::NotText);
    }
    Ok(Cow::Owned(text))
}

/// Reads `text` in the form it has.
pub(super) fn read(text: &str) -> Result<Transcript, TranscriptError> {
    let text = text.trim();
    if text.starts_with("data:") || text.starts_with("event:") {
        return lines(text.lines().filter_map(|line| line.strip_prefix("data:")));
    }
    if text.starts_with(['{', '[']) {
        return match object(text) {
            // One object a line is no object.
            Err(error) if text.starts_with('{') && has_objects_in_lines(text) => {
                lines(text.lines()).map_err(|_| error)
            }
            read => read,
        };
    }
    if text.starts_with("WEBVTT") {
        let cues = vtt::parse(text).map_err(|error| TranscriptError::json(&error.to_string()))?;
        return Ok(of_cues(cues));
    }
    if text.lines().take(2).any(|line| line.contains(" --> ")) {
        let cues = srt::parse(text).map_err(|error| TranscriptError::json(&error.to_string()))?;
        return Ok(of_cues(cues));
    }
    plain(text)
}

fn object(text: &str) -> Result<Transcript, TranscriptError> {
    let wire = |text: &str| serde_json::from_str::<WireTranscript>(text);
    wire(text)
        .or_else(|error| match without_nan(text) {
            Some(text) => wire(&text),
            None => Err(error),
        })
        .map_err(|error| TranscriptError::json(&error.to_string()))?
        .into_transcript()
}

/// `text` with `null` for the numbers that Python writes and JSON does not know; `None` without any.
fn without_nan(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut is_quoted, mut is_escaped, mut found) = (false, false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let number = ["-Infinity", "Infinity", "NaN"];
        let number = number.into_iter().find(|name| rest.starts_with(name));
        if let Some(name) = number.filter(|_| !is_quoted) {
            out.push_str("null");
            found = true;
            rest = &rest[name.len()..];
            continue;
        }
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    found.then_some(out)
}

fn has_objects_in_lines(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.clone().count() > 1 && lines.all(|line| line.starts_with('{') && line.ends_with('}'))
}

/// Objects one after another: segments, pieces of text, and perhaps the whole at the end.
fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Transcript, TranscriptError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Piece {
        #[serde(rename = "type")]
        kind: String,
        delta: Option<String>,
        start: Option<f64>,
        end: Option<f64>,
    }
    let (mut parts, mut pieces) = (Vec::new(), String::new());
    let mut whole = None;
    for line in lines.map(str::trim) {
        if line.is_empty() || line == "[DONE]" {
            continue;
        }
        let piece: Piece = serde_json::from_str(line)
            .map_err(|error| TranscriptError::json(&error.to_string()))?;
        if let Some(delta) = piece.delta {
            pieces.push_str(&delta);
            continue;
        }
        let read = object(line)?;
        match (piece.start, piece.end) {
            (Some(start), Some(end)) => parts.push((read.text, start, end)),
            _ if piece.kind.rsplit('.').next() == Some("done") || parts.is_empty() => {
                whole = Some(read);
            }
            _ => {}
        }
    }
    if let Some(whole) = whole {
        return Ok(whole);
    }
    if parts.is_empty() && pieces.is_empty() {
        return Err(TranscriptError::Empty);
    }
    let segments: Vec<Segment> = parts
        .into_iter()
        .map(|(text, start, end)| Segment {
            text,
            start: crate::domain::AudioMillis::from_seconds(start),
            end: crate::domain::AudioMillis::from_seconds(end),
            speaker: None,
        })
        .collect();
    let text = if segments.is_empty() {
        pieces
    } else {
        joined(&segments)
    };
    Ok(Transcript {
        text,
        segments,
        ..Transcript::default()
    })
}

fn of_cues(cues: Vec<Cue>) -> Transcript {
    let segments: Vec<Segment> = cues
        .into_iter()
        .map(|cue| Segment {
            text: cue.lines.join(" "),
            start: cue.start,
            end: cue.end,
            speaker: cue.speaker,
        })
        .collect();
    Transcript {
        text: joined(&segments),
        segments,
        ..Transcript::default()
    }
}

fn joined(segments: &[Segment]) -> String {
    let texts: Vec<&str> = segments.iter().map(|segment| segment.text.trim()).collect();
    texts.join(" ")
}

/// Words without times. What looks like a page, a program's output or a failure is none.
fn plain(text: &str) -> Result<Transcript, TranscriptError> {
    if text.is_empty() {
        return Err(TranscriptError::Empty);
    }
    let start = text
        .get(..80.min(text.len()))
        .unwrap_or(text)
        .to_lowercase();
    if text.len() < 400 && TROUBLE.iter().any(|trouble| start.starts_with(trouble)) {
        return Err(TranscriptError::provider(text));
    }
    let is_control = |c: char| c.is_control() && !c.is_whitespace();
    let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
    if is_json
        || text.starts_with(['<', '"'])
        || text.contains(is_control)
        || !text.contains(char::is_alphabetic)
    {
        return Err(TranscriptError::json("it is neither JSON nor plain text"));
    }
    Ok(Transcript {
        text: text.to_owned(),
        ..Transcript::default()
    })
}
