//! What can be said of a provider. The values stand in `table`.

use std::time::Duration;

use crate::domain::AudioFormat;
use crate::domain::Delivery;

/// One provider, or one program that people run themselves.
#[derive(Debug)]
pub struct Facts {
    /// As it writes its own name.
    pub title: &'static str,
    /// Where it answers unless told otherwise. `None`: everywhere else.
    pub base_url: Option<&'static str>,
    /// The variable its key is usually in. `None`: it asks for none.
    pub key_variable: Option<&'static str>,
    /// How the key travels.
    pub auth: Scheme,
    /// It runs on the user's own machine and charges nothing there.
    pub is_own: bool,
    pub routes: Routes,
    /// `None`: it does not speak.
    pub speech: Option<Speech>,
    /// `None`: it does not listen.
    pub hearing: Option<Hearing>,
    /// How it says that it will not.
    pub errors: Errors,
    /// Where the facts are from, with version or date.
    pub source: &'static str,
}

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `Authorization: KEY`.
    Raw,
    /// It asks for none.
    None,
}

/// Routes that are not OpenAI's: below the base URL, or from the host with `/` in front.
#[derive(Debug, Clone, Copy, Default)]
pub struct Routes {
    pub transcriptions: Option<&'static str>,
    pub translations: Option<&'static str>,
    pub models: Option<&'static str>,
    pub voices: Option<&'static str>,
}

/// How it speaks.
#[derive(Debug)]
pub struct Speech {
    /// What it answers in. Always asked for by name: the defaults differ.
    pub formats: &'static [AudioFormat],
    /// What it answers when nothing is asked for, which is why something always is.
    pub default_format: &'static str,
    /// Its word for headerless samples.
    pub raw: &'static str,
    /// Optional fields over plain requests.
    pub fields: &'static [SpeechField],
    /// Server-sent events; `None`: it has none, or none that are documented.
    pub events: Option<Events>,
    /// Optional fields over a WebSocket; `None`: it has none.
    pub socket: Option<&'static [SpeechField]>,
    /// It streams unless told not to, and what it streams has a header of unknown length.
    pub says_no_stream: bool,
    /// Bit rates of an MP3; empty: any.
    pub bit_rates: &'static [u32],
    /// Most characters of a request; `None`: not documented.
    pub max_chars: Option<u32>,
    /// Models with rules of their own.
    pub models: &'static [SpeechModel],
    /// Models it takes; empty: it has others, or they are installed by hand.
    pub only_models: &'static [&'static str],
}

/// How events are asked for, and what goes with them.
#[derive(Debug)]
pub struct Events {
    /// `stream: true` as Together has it, and not OpenAI's `stream_format: "sse"`.
    pub by_stream: bool,
    pub fields: &'static [SpeechField],
}

/// One model that can do less than its provider.
#[derive(Debug)]
pub struct SpeechModel {
    pub id: &'static str,
    pub max_chars: u32,
    pub formats: &'static [AudioFormat],
}

/// How it listens. The answer is always asked for as `verbose_json`, which all of them have;
/// subtitles are made here, because not all of them do.
#[derive(Debug)]
pub struct Hearing {
    /// What `response_format` can be, for people.
    pub formats: &'static [&'static str],
    pub granularities: Granularities,
    pub language: Languages,
    pub translating: Translating,
    pub diarizing: Diarizing,
    /// Where the times of words stand and what a word is called there. For people: the reader
    /// takes every known shape.
    pub words: WordPlace,
    pub word_key: &'static str,
    /// File name extensions it takes; empty: the usual ones.
    pub containers: &'static [&'static str],
    /// Largest upload in bytes; `None`: not documented, or as its owner set it.
    pub max_upload: Option<u64>,
    pub max_duration: Option<Duration>,
    /// Least that a request is charged for.
    pub min_billed: Duration,
    /// Models that answer at another base URL.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

/// How word and segment times are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularities {
    /// `timestamp_granularities[]`, once for each.
    Brackets,
    /// `timestamp_granularities`, with commas.
    Commas,
    /// Never: they come with every verbose answer.
    Unasked,
}

/// How "find out what is spoken" is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Languages {
    /// `auto` is a value, and always sent, because the default is something else.
    AutoIsTold,
    /// By leaving the field out: `auto` is refused.
    AutoLeftOut,
}

/// How a translation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translating {
    /// On a route of its own, into the language of the field `language`.
    RouteToAny,
    /// On a route of its own, into English.
    RouteToEnglish,
    /// On the route of transcriptions, by a field `translate`; into English.
    FieldToEnglish,
}

/// How speakers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diarizing {
    /// Not at all.
    No,
    /// By this field alone.
    Field(&'static str),
    /// By `diarize`, with `min_speakers` and `max_speakers`; needs word times.
    Counted,
}

/// Where times of words stand in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordPlace {
    Top,
    InSegments,
}

/// The shape of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    /// `{"error": {"message", "type", "code"}}`.
    OpenAi,
    /// `{"detail": "…"}`, and a list of places for what the schema refuses (422).
    FastApi,
    /// `{"detail": {"error", "message", "type"}}`.
    FastApiObject,
    /// `{"error": "…"}`.
    Words,
}

/// Optional fields of a speech request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechField {
    Language,
    Speed,
    Instructions,
    ResponseEncoding,
    SampleRate,
    BitRate,
    Alignment,
    Segment,
    MaxPartialLength,
    ExtraParams,
}

impl SpeechField {
    /// The field's name on the wire and in `jobs.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Speed => "speed",
            Self::Instructions => "instructions",
            Self::ResponseEncoding => "response_encoding",
            Self::SampleRate => "sample_rate",
            Self::BitRate => "bit_rate",
            Self::Alignment => "alignment",
            Self::Segment => "segment",
            Self::MaxPartialLength => "max_partial_length",
            Self::ExtraParams => "extra_params",
        }
    }
}

impl Speech {
    /// Optional fields over `delivery`; `None` when it cannot be had at all.
    pub fn fields(&self, delivery: Delivery) -> Option<&'static [SpeechField]> {
        match delivery {
            Delivery::Rest => Some(self.fields),
            Delivery::Stream => self.events.as_ref().map(|events| events.fields),
            Delivery::WebSocket => self.socket,
        }
    }

    /// What `model` answers in.
    pub fn formats_of(&self, model: &str) -> &'static [AudioFormat] {
        self.model(model)
            .map_or(self.formats, |model| model.formats)
    }

    /// The rules of `model`, where it has its own.
    pub fn model(&self, id: &str) -> Option<&'static SpeechModel> {
        self.models.iter().find(|model| model.id == id)
    }
}
