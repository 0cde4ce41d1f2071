//! Which form an answer has: JSON, events, lines of JSON, subtitles, or plain text. A server that
//! knows only one of them answers in it whatever was asked, and what was paid for is read.

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::{Segment, Transcript};
use crate::engine::transcription::TranscriptError;
use crate::engine::transcription::wire::WireTranscript;
use crate::subtitle::{Cue, srt, vtt};

/// What short answers say that a server or a proxy in front of it gives when it failed, in lower case.
const TROUBLE: &[&str] = &[
    "error",
    "try again",
    "bad gateway",
    "gateway time",
    "unavailable",
    "upstream",
    "not found",
    "unauthorized",
    "forbidden",
    "too many",
    "rate limit",
    "timeout",
    "timed out",
    "overloaded",
    "busy",
];
/// Up to so many bytes an answer with such words is trouble, and no speech about it.
const SHORT: usize = 300;
/// Fewer words without any mark of a transcript are no answer: a sentence of a server reads like one
/// of a speaker.
const FEWEST_WORDS: usize = 8;

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

/// One line of an answer that comes in lines.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Piece {
    #[serde(rename = "type")]
    kind: String,
    delta: Option<String>,
    start: Option<f64>,
    end: Option<f64>,
}

/// Objects one after another: segments, pieces of text, and perhaps the whole at the end.
fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Transcript, TranscriptError> {
    let (mut parts, mut pieces, mut count) = (Vec::new(), String::new(), 0_usize);
    let (mut whole, mut alone) = (None, None);
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
            _ if piece.kind.rsplit('.').next() == Some("done") => whole = Some(read),
            // A piece without times, or the whole in one line.
            _ => {
                pieces.push(' ');
                pieces.push_str(&read.text);
                alone = Some(read);
                count += 1;
            }
        }
    }
    if let Some(whole) = whole.or(alone.filter(|_| count == 1 && parts.is_empty())) {
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
        pieces.trim().to_owned()
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
    let has_trouble = |text: &str| {
        let lower = text.to_lowercase();
        TROUBLE.iter().any(|trouble| lower.contains(trouble))
    };
    let unspaced = text.chars().filter(|c| u32::from(*c) >= 0x2E80).count();
    let words = text.split_whitespace().count().max(unspaced / 2);
    if words < FEWEST_WORDS || text.len() <= SHORT && has_trouble(text) {
        return Err(TranscriptError::provider(text));
    }
    let is_control = |c: char| c.is_control() && !c.is_whitespace();
    let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
    // The end of a JSON, a form, a page.
    let is_code = text.starts_with(['<', '"', '}', ']', ':', ',']) || text.starts_with("--");
    if is_json
        || is_code
        || text.contains("\"text\"")
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
