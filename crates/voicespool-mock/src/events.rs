//! Speech as events: the pieces of an answer, in Together's shape, in the shape of its older
//! schema, and in OpenAI's; whole or broken on purpose.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fault::StreamFault;
use voicespool_media::domain::{AudioMillis, Segmenting};

/// Bytes of samples in one event: 100 ms of 16 bits at 24 kHz, and a prime number of bytes
/// where samples shall be torn.
const PIECE: usize = 4800;
const ODD_PIECE: usize = 4799;

/// Whose events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    Together,
    OpenAi,
}

/// A recording to be told in events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) text: &'a str,
    /// Raw samples.
    pub(crate) samples: &'a [u8],
    pub(crate) duration: AudioMillis,
    /// Whether the times of the words are told.
    pub(crate) words: bool,
}

/// The words of a text as the look-alike times them: each as long as every other, which no
/// guess from the letters comes to.
pub fn word_times(text: &str, duration: AudioMillis) -> Vec<(String, AudioMillis, AudioMillis)> {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let count = u64::try_from(words.len()).unwrap_or(1).max(1);
    (0..)
        .zip(words)
        .map(|(idx, word)| {
            let at = |n: u64| AudioMillis(duration.0 * n / count);
            (word, at(idx), at(idx + 1))
        })
        .collect()
}

/// The event with the times of the words of `told`; `None` when there are none to tell.
pub(crate) fn word_event(told: Told<'_>, item: Option<&str>, fault: StreamFault) -> Option<Value> {
    if !told.words || fault == StreamFault::NoWords {
        return None;
    }
    let words = word_times(told.text, told.duration);
    let mut starts: Vec<f64> = words.iter().map(|word| word.1.seconds()).collect();
    let mut ends: Vec<f64> = words.iter().map(|word| word.2.seconds()).collect();
    if fault == StreamFault::BadWords {
        starts.reverse();
        for end in &mut ends {
            *end += 1e4;
        }
    }
    let names: Vec<_> = words.into_iter().map(|word| word.0).collect();
    let mut event = json!({
        "type": "conversation.item.word_timestamps",
        "words": names, "start_seconds": starts, "end_seconds": ends,
    });
    if let Some(item) = item {
        event["item_id"] = item.into();
    }
    Some(event)
}

/// The pieces of `samples`, in base64.
pub(crate) fn pieces(samples: &[u8], fault: StreamFault) -> Vec<String> {
    let size = if fault == StreamFault::Odd {
        ODD_PIECE
    } else {
        PIECE
    };
    let mut samples = samples;
    if fault == StreamFault::HalfSample {
        samples = &samples[..samples.len().saturating_sub(1)];
    }
    samples
        .chunks(size)
        .map(|piece| STANDARD.encode(piece))
        .collect()
}

/// The whole answer as server-sent events.
pub(crate) fn stream(told: Told<'_>, shape: Shape, fault: StreamFault) -> Vec<u8> {
    let pieces = pieces(told.samples, fault);
    let middle = pieces.len() / 2;
    let mut events: Vec<String> = Vec::with_capacity(pieces.len() + 3);
    if fault == StreamFault::ErrorFirst {
        events.push(error("Injected: no worker took it.").to_string());
    }
    for (idx, piece) in pieces.iter().enumerate() {
        let mut item = "tts_1";
        match fault {
            StreamFault::Error if idx == middle => {
                events.push(error("Injected in the middle.").to_string());
            }
            StreamFault::Base64 if idx == middle => {
                events.push(delta(shape, fault, item, "*this* is none"));
            }
            StreamFault::Json if idx == middle => events.push("{\"type\": ".to_owned()),
            StreamFault::Reorder if idx == middle => item = "tts_2",
            _ => {}
        }
        events.push(delta(shape, fault, item, piece));
        if idx == 0 {
            events.extend(word_event(told, None, fault).map(|event| event.to_string()));
        }
    }
    match (fault, shape) {
        (StreamFault::NoDone, _) => {}
        (_, Shape::Together) => events.push("[DONE]".to_owned()),
        (_, Shape::OpenAi) => events.push(json!({ "type": "speech.audio.done" }).to_string()),
    }
    framed(&events, fault).into_bytes()
}

fn delta(shape: Shape, fault: StreamFault, item: &str, piece: &str) -> String {
    match shape {
        _ if fault == StreamFault::Legacy => {
            json!({ "object": "audio.tts.chunk", "model": "mock", "b64": piece })
        }
        Shape::Together => json!({
            "type": "conversation.item.audio_output.delta", "item_id": item, "delta": piece,
        }),
        Shape::OpenAi => json!({ "type": "speech.audio.delta", "audio": piece }),
    }
    .to_string()
}

/// An error as it stands inside a stream.
pub(crate) fn error(message: &str) -> Value {
    json!({ "error": {
        "message": message, "type": "server_error", "param": null, "code": null,
    }})
}

/// `events` between empty lines; with every freedom the format allows where asked to.
fn framed(events: &[String], fault: StreamFault) -> String {
    let mut text = String::new();
    for event in events {
        // Writing to a string does not fail.
        let _ = if fault == StreamFault::Odd {
            let lines = event.replace(',', ",\r\ndata: ");
            write!(
                text,
                ": keep-alive\r\nevent: message\r\nid: 7\r\ndata: {lines}\r\n\r\n"
            )
        } else {
            write!(text, "data: {event}\n\n")
        };
    }
    text
}

/// `text` as the items a commit makes of it, each with its share of `samples` (16 bits).
pub(crate) fn items<'a>(
    text: &'a str,
    samples: &'a [u8],
    segment: Segmenting,
    max_partial: usize,
) -> Vec<(&'a str, &'a [u8])> {
    let parts = parts(text, segment, max_partial.max(1));
    let total = text.len().max(1);
    let mut end = 0;
    let mut taken = 0;
    let count = parts.len();
    parts
        .into_iter()
        .enumerate()
        .map(|(idx, part)| {
            end += part.len();
            let until = if idx + 1 == count {
                samples.len()
            } else {
                samples.len() * end / total / 2 * 2
            };
            let share = samples.get(taken..until).unwrap_or_default();
            taken = until;
            (part, share)
        })
        .collect()
}

fn parts(text: &str, segment: Segmenting, max_partial: usize) -> Vec<&str> {
    match segment {
        Segmenting::Sentence => text.split_inclusive(['.', '!', '?']).collect(),
        Segmenting::Immediate => text.split_inclusive(' ').collect(),
        Segmenting::Never => {
            let mut parts = Vec::new();
            let mut rest = text;
            while !rest.is_empty() {
                let end = rest
                    .char_indices()
                    .nth(max_partial)
                    .map_or(rest.len(), |(end, _)| end);
                let (part, tail) = rest.split_at(end);
                parts.push(part);
                rest = tail;
            }
            parts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_the_text_and_its_sound_again_however_it_is_cut() {
        let samples: Vec<u8> = (0..200).collect();
        for (segment, most, count) in [
            (Segmenting::Sentence, 9, 3),
            (Segmenting::Immediate, 9, 5),
            (Segmenting::Never, 250, 1),
            (Segmenting::Never, 10, 3),
        ] {
            let items = items("One here. Two! Three, then.", &samples, segment, most);

            assert_eq!(items.len(), count, "{segment}");
            let text: String = items.iter().map(|item| item.0).collect();
            assert_eq!(text, "One here. Two! Three, then.");
            let sound: Vec<u8> = items.iter().flat_map(|item| item.1).copied().collect();
            assert_eq!(sound, samples);
        }
    }

    #[test]
    fn an_answer_in_events_holds_its_samples_in_both_shapes() {
        let told = Told {
            text: "One two",
            samples: &[1; 5000],
            duration: AudioMillis(100),
            words: true,
        };

        let together = String::from_utf8(stream(told, Shape::Together, StreamFault::None)).unwrap();
        let openai = String::from_utf8(stream(told, Shape::OpenAi, StreamFault::None)).unwrap();

        assert_eq!(together.matches("audio_output.delta").count(), 2);
        assert!(together.contains("\"words\":[\"One\",\"two\"],\"start_seconds\":[0.0,0.05]"));
        assert!(together.ends_with("data: [DONE]\n\n"));
        assert!(openai.ends_with("data: {\"type\":\"speech.audio.done\"}\n\n"));
    }
}
