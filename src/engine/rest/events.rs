//! Events of speech: how they are framed as server-sent events, and what one says.
//!
//! What is read is generous, because three dialects are in the wild (Together's events, the
//! shape of its older schema, OpenAI's), and bounded, because a line may never end. Framing:
//! WHATWG HTML, "Server-sent events". Meaning: `Heard`.

use serde_json::Value;

use crate::engine::rest::problem::Problem;

/// Most bytes of one event. The largest known answer is sent in pieces of a second or so;
/// this holds two minutes of the widest samples in one.
pub(super) const MAX_EVENT: usize = 32 << 20;

/// The mark of the end, of OpenAI's making and Together's too.
const DONE: &[u8] = b"[DONE]";

/// One event of a stream, not understood yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framed {
    Data {
        text: String,
        /// The event is named `error`.
        is_error: bool,
    },
    /// `[DONE]`.
    Done,
}

/// Why bytes are no stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("an event has more than {MAX_EVENT} bytes")]
    TooLong,
    #[error("an event is not UTF-8")]
    NotText,
}

/// Takes a stream of bytes apart into events, wherever the network cut it.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Where the line that is being read starts, and how far it was searched for its end.
    line: usize,
    searched: usize,
    /// What the `data` lines of the event hold so far.
    data: Option<Vec<u8>>,
    is_error: bool,
    /// The last line ended in a carriage return, whose line feed may still come.
    after_return: bool,
    is_begun: bool,
}

impl Frames {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.line);
        self.searched -= self.line;
        self.line = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Nothing more will come: what is there counts as whole.
    pub(super) fn end(&mut self) {
        self.push(b"\n\n");
    }

    /// The next event, if it is all there.
    pub(super) fn next(&mut self) -> Result<Option<Framed>, FrameError> {
        loop {
            if self.after_return && self.line < self.bytes.len() {
                self.after_return = false;
                if self.bytes[self.line] == b'\n' {
                    self.line += 1;
                    self.searched = self.searched.max(self.line);
                }
            }
            let end = self.bytes[self.searched..]
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'));
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.bytes.len();
                let held = self.data.as_ref().map_or(0, Vec::len);
                return if self.bytes.len() - self.line + held > MAX_EVENT {
                    Err(FrameError::TooLong)
                } else {
                    Ok(None)
                };
            };
            self.after_return = self.bytes[end] == b'\r';
            let start = std::mem::replace(&mut self.line, end + 1);
            self.searched = self.line;
            if let Some(event) = self.read_line(start, end)? {
                return Ok(Some(event));
            }
        }
    }

    fn read_line(&mut self, start: usize, end: usize) -> Result<Option<Framed>, FrameError> {
        let mut line = &self.bytes[start..end];
        if !std::mem::replace(&mut self.is_begun, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                match &mut self.data {
                    // Some servers forget the empty line behind the last one.
                    None if value.trim_ascii() == DONE => return Ok(Some(Framed::Done)),
                    None => self.data = Some(value.to_vec()),
                    Some(data) if data.len() + value.len() > MAX_EVENT => {
                        return Err(FrameError::TooLong);
                    }
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                }
            }
            b"event" => self.is_error = value == b"error",
            // Comments, ids, times to reconnect after: nothing here resumes a stream.
            _ => {}
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Result<Option<Framed>, FrameError> {
        let is_error = std::mem::take(&mut self.is_error);
        let Some(data) = self.data.take() else {
            return Ok(None);
        };
        let text = String::from_utf8(data).map_err(|_| FrameError::NotText)?;
        Ok(Some(Framed::Data { text, is_error }))
    }
}

/// What one event says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// Samples in base64.
    Sound {
        item: Option<String>,
        base64: String,
    },
    /// Times of some words.
    Words {
        item: Option<String>,
        words: Vec<TimedWord>,
    },
    /// All samples of one item have been sent.
    ItemDone { item: Option<String> },
    /// The whole answer has been sent.
    End,
    /// The WebSocket may be spoken to.
    Ready,
    /// The provider gave up.
    Failed(Problem),
    /// Nothing that matters here.
    Other,
}

/// A word with times in seconds from a start that is not said; finite.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimedWord {
    pub(super) text: String,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// An event that cannot be one: no JSON object, or sound without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum EventError {
    #[error("an event is no JSON object")]
    NoObject,
    #[error("an event of sound holds none")]
    NoSound,
}

impl Heard {
    /// Understands one event.
    pub(super) fn read(text: &str) -> Result<Self, EventError> {
        let Ok(Value::Object(mut event)) = serde_json::from_str(text) else {
            return Err(EventError::NoObject);
        };
        let kind = match event.get("type").or_else(|| event.get("object")) {
            Some(Value::String(kind)) => kind.clone(),
            _ => String::new(),
        };
        let has_error = event.get("error").is_some_and(is_truthy);
        if has_error || kind == "error" || kind.ends_with(".failed") {
            return Ok(Self::Failed(Problem::of_json(&Value::Object(event), text)));
        }
        let mut take = |name: &str| match event.get_mut(name).map(Value::take) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let item = take("item_id");
        let sound = match kind.as_str() {
            "conversation.item.audio_output.delta" => take("delta"),
            "speech.audio.delta" => take("audio").or_else(|| take("delta")),
            "audio.tts.chunk" => take("b64"),
            "conversation.item.audio_output.done" => return Ok(Self::ItemDone { item }),
            "speech.audio.done" => return Ok(Self::End),
            "session.created" => return Ok(Self::Ready),
            "conversation.item.word_timestamps" => {
                let words = timed_words(&event);
                return Ok(Self::Words { item, words });
            }
            // The older schema's member alone says enough.
            _ => match take("b64") {
                Some(base64) => Some(base64),
                None => return Ok(Self::Other),
            },
        };
        let base64 = sound.ok_or(EventError::NoSound)?;
        Ok(Self::Sound { item, base64 })
    }
}

/// As the provider's own client tests it: JSON's `null`, `false`, `0`, `""`, `[]` and `{}`
/// are no error.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// The words of three parallel lists, as far as all three reach. Words are an extra: what
/// is odd about them is left out, and never costs the sound.
fn timed_words(event: &serde_json::Map<String, Value>) -> Vec<TimedWord> {
    let list = |name: &str| match event.get(name) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    let times = list("start_seconds").iter().zip(list("end_seconds"));
    list("words")
        .iter()
        .zip(times)
        .filter_map(|(word, (start, end))| {
            Some(TimedWord {
                text: word.as_str()?.trim().to_owned(),
                start: start.as_f64()?,
                end: end.as_f64()?,
            })
        })
        .filter(|word| !word.text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;

    /// Every event of `stream` when it comes in pieces of `size` bytes.
    fn events(stream: &[u8], size: usize) -> Vec<Framed> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for piece in stream.chunks(size) {
            frames.push(piece);
            while let Some(event) = frames.next().unwrap() {
                found.push(event);
            }
        }
        frames.end();
        while let Some(event) = frames.next().unwrap() {
            found.push(event);
        }
        found
    }

    fn data(text: &str) -> Framed {
        Framed::Data {
            text: text.to_owned(),
            is_error: false,
        }
    }

    #[test]
    fn a_stream_means_the_same_however_the_network_cuts_it() {
        let stream = "\u{feff}data: one\n\n: a comment\ndata:two\r\ndata:  lines\r\n\r\nid: 7\nretry: 5\n\
            event: error\rdata: é\r\revent: x\ndata\n\nnonsense\n\ndata: [DONE]";
        let expected = [
            data("one"),
            data("two\n lines"),
            Framed::Data {
                text: "é".to_owned(),
                is_error: true,
            },
            data(""),
            Framed::Done,
        ];

        for size in 1..=stream.len() {
            assert_eq!(events(stream.as_bytes(), size), expected, "{size}");
        }
    }

    #[test]
    fn a_line_without_end_and_bytes_that_are_no_text_are_refused() {
        let mut frames = Frames::default();
        frames.push(b"data: ");
        let megabyte = vec![b'A'; 1 << 20];
        let refused = (0..64).find_map(|_| {
            frames.push(&megabyte);
            frames.next().err()
        });
        assert_eq!(refused, Some(FrameError::TooLong));

        let mut frames = Frames::default();
        let line = [b"data: ", &megabyte[..], b"\n"].concat();
        let refused = (0..64).find_map(|_| {
            frames.push(&line);
            frames.next().err()
        });
        assert_eq!(refused, Some(FrameError::TooLong), "many lines, one event");

        let mut frames = Frames::default();
        frames.push(b"data: \xff\n\n");
        assert_eq!(frames.next(), Err(FrameError::NotText));
    }

    #[test]
    fn all_three_dialects_are_understood() {
        let sound = |item: Option<&str>| Heard::Sound {
            item: item.map(str::to_owned),
            base64: "AAAB".to_owned(),
        };
        for (text, expected) in [
            (
                r#"{"type":"conversation.item.audio_output.delta","item_id":"tts_1","delta":"AAAB"}"#,
                sound(Some("tts_1")),
            ),
            (
                r#"{"object":"audio.tts.chunk","model":"cartesia/sonic","b64":"AAAB"}"#,
                sound(None),
            ),
            (r#"{"b64":"AAAB"}"#, sound(None)),
            (
                r#"{"type":"speech.audio.delta","audio":"AAAB"}"#,
                sound(None),
            ),
            (
                r#"{"type":"speech.audio.done","usage":{"input_tokens":1}}"#,
                Heard::End,
            ),
            (
                r#"{"type":"conversation.item.audio_output.done","item_id":"tts_1"}"#,
                Heard::ItemDone {
                    item: Some("tts_1".to_owned()),
                },
            ),
            (r#"{"type":"session.created","error":null}"#, Heard::Ready),
            (
                r#"{"type":"something.new","delta":{"odd":1}}"#,
                Heard::Other,
            ),
            ("{}", Heard::Other),
        ] {
            assert_eq!(Heard::read(text), Ok(expected), "{text}");
        }
        for bad in ["", "[]", "{", "null", "\"x\""] {
            assert_eq!(Heard::read(bad), Err(EventError::NoObject), "{bad}");
        }
        let empty = r#"{"type":"conversation.item.audio_output.delta","delta":5}"#;
        assert_eq!(Heard::read(empty), Err(EventError::NoSound));
    }

    #[test]
    fn a_failure_is_heard_in_every_shape() {
        for (text, words) in [
            (r#"{"error":{"message":"no voice","code":"x"}}"#, "no voice"),
            (r#"{"error":"overloaded"}"#, "overloaded"),
            (
                r#"{"type":"conversation.item.tts.failed","error":{"message":"gone"}}"#,
                "gone",
            ),
            (r#"{"type":"error","message":"bare"}"#, "bare"),
            (
                r#"{"type":"conversation.item.audio_output.delta","delta":"AA","error":{"message":"late"}}"#,
                "late",
            ),
        ] {
            let Ok(Heard::Failed(problem)) = Heard::read(text) else {
                panic!("{text}")
            };
            assert_eq!(problem.words, words, "{text}");
        }
    }

    #[test]
    fn words_are_taken_as_far_as_all_three_lists_reach() {
        let text = r#"{"type":"conversation.item.word_timestamps","words":["One"," ",5,"two","three"],
            "start_seconds":[0.0,0.1,0.2,-1,0.4],"end_seconds":[0.4,0.1,0.3,1e300]}"#;
        let Ok(Heard::Words { item: None, words }) = Heard::read(text) else {
            panic!()
        };

        let found: Vec<_> = words
            .iter()
            .map(|word| (word.text.as_str(), word.start, word.end))
            .collect();
        assert_eq!(found, [("One", 0.0, 0.4), ("two", -1.0, 1e300)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_bytes_make_the_reader_panic(stream in proptest::collection::vec(
            proptest::prop_oneof![any::<u8>(), proptest::prelude::Just(b'\n'), proptest::prelude::Just(b'\r')], 0..200),
            size in 1usize..40) {
            let mut frames = Frames::default();
            for piece in stream.chunks(size) {
                frames.push(piece);
                while let Ok(Some(event)) = frames.next() {
                    if let Framed::Data { text, .. } = event {
                        let _ = Heard::read(&text);
                    }
                }
            }
        }
    }
}
