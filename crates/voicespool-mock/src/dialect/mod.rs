//! How other servers behave: their routes, what they refuse and in which words, and the
//! shapes of their answers, for `mock --dialect NAME`.
//!
//! Written down from their own sources and from answers recorded by their users, and on
//! purpose not from the client's table: a mistake there must meet a server that disagrees.
//! What an entry does not say is as in the look-alike of Together and OpenAI.

mod name;
mod speech;
mod table;
mod transcription;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::reply::{Refusal, Shape};

pub use name::Dialect;
pub(crate) use transcription::Order as TranscriptionOrder;

/// One server.
#[derive(Debug)]
pub(crate) struct Profile {
    /// What stands before the routes.
    pub(crate) prefix: &'static str,
    key: Key,
    pub(crate) refusals: Shape,
    pub(crate) speech: Option<SpeechApi>,
    pub(crate) transcription: Option<TranscriptionApi>,
    /// Below the prefix; `None`: no such list.
    pub(crate) voices: Option<&'static str>,
    pub(crate) lists_models: bool,
}

/// How it wants its key, when it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Bearer,
    /// With or without `Bearer`.
    Raw,
    /// Nobody looks.
    Unread,
}

/// How its speech is asked for and answered.
#[derive(Debug)]
pub(crate) struct SpeechApi {
    models: &'static [&'static str],
    voices: &'static [&'static str],
    formats: &'static [&'static str],
    default_format: &'static str,
    fields: &'static [&'static str],
    /// Fields it does not know are refused, not passed over.
    is_strict: bool,
    max_chars: Option<usize>,
    /// A model that answers wav alone, and takes so many characters.
    narrow: Option<(&'static str, usize)>,
    /// Answers as it speaks, with a header of unknown length, unless told `stream: false`.
    streams: bool,
    /// An unknown format is answered in the default one.
    ignores_unknown_format: bool,
}

/// How its transcription is asked for and answered.
#[derive(Debug)]
pub(crate) struct TranscriptionApi {
    pub(crate) route: &'static str,
    /// `None`: by a field.
    pub(crate) translations: Option<&'static str>,
    /// Empty: it has the one it was started with.
    models: &'static [&'static str],
    formats: &'static [&'static str],
    default_format: &'static str,
    /// Names it reads granularities under; empty: times come unasked.
    granularities: &'static [&'static str],
    /// `auto` is a language.
    knows_auto: bool,
    diarize: Option<&'static str>,
    word_key: &'static str,
    in_segments: bool,
    wav_only: bool,
    /// How it says that an upload is too large.
    too_large: TooLarge,
}

/// What is answered to an upload above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TooLarge {
    /// OpenAI's sentence, with both numbers.
    Sentence,
    /// A code and no number.
    Code,
    /// The page of a proxy in front.
    Page,
}

impl Profile {
    /// Those of `kind`; `None` for Together, whose look-alike all this stands beside.
    pub(crate) fn of(kind: Dialect) -> Option<&'static Self> {
        table::of(kind)
    }

    /// Whether the request carries `key` as this server wants it.
    pub(crate) fn is_authorized(&self, headers: &HeaderMap, key: &str) -> bool {
        let sent = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let bare = sent.strip_prefix("Bearer ");
        match self.key {
            Key::Unread => true,
            Key::Bearer => bare == Some(key),
            Key::Raw => sent == key || bare == Some(key),
        }
    }

    /// What an upload of more than `limit` bytes is told.
    pub(crate) fn too_large(&self, limit: usize, read: usize) -> Refusal {
        let how = self.transcription.as_ref().map(|api| api.too_large);
        match how {
            Some(TooLarge::Sentence) => Refusal::of(
                413,
                "server_error",
                format!("Maximum content size limit ({limit}) exceeded ({read} bytes read)"),
            ),
            Some(TooLarge::Page) => Refusal::page(
                413,
                "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
            ),
            Some(TooLarge::Code) | None => {
                Refusal::of(413, "invalid_request_error", "Request Entity Too Large")
                    .code("request_too_large")
            }
        }
    }

    /// The list of voices.
    pub(crate) fn voices_list(&self) -> Value {
        let names = self.speech.as_ref().map_or(&[][..], |api| api.voices);
        let rows: Vec<Value> = names
            .iter()
            .map(|name| json!({ "id": name, "name": name }))
            .collect();
        json!({ "voices": rows })
    }

    /// The list of models.
    pub(crate) fn models_list(&self) -> Value {
        let speech = self.speech.as_ref().map_or(&[][..], |api| api.models);
        let transcription = self
            .transcription
            .as_ref()
            .map_or(&[][..], |api| api.models);
        let rows: Vec<Value> = speech
            .iter()
            .chain(transcription)
            .map(|id| json!({ "id": id, "object": "model", "created": 0, "owned_by": "mock" }))
            .collect();
        json!({ "object": "list", "data": rows })
    }
}
