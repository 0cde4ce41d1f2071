//! What can be said of a provider, and what is usual. The values stand in `providers`.

use std::time::Duration;

use crate::domain::AudioFormat::{self, Aac, Flac, Mp3, Opus, Raw, Wav};
use crate::domain::Delivery;
use crate::domain::catalogue::Provider;
use crate::engine::rest::dialect::speech_field::SpeechField;

/// One provider, or one program that people run themselves.
#[derive(Debug)]
pub struct Facts {
    /// As it writes its own name.
    pub title: &'static str,
    /// Where it answers unless told otherwise. `None`: everywhere else.
    pub base_url: Option<&'static str>,
    /// The variable its key is usually in. `None`: it asks for none.
    pub key_variable: Option<&'static str>,
    /// Other variables that hold its key.
    pub more_key_variables: &'static [&'static str],
    /// Its own hosts, which its key may go to.
    pub hosts: &'static [&'static str],
    /// Old names of the first of its hosts: the same service, so the same endpoint.
    pub former_hosts: &'static [&'static str],
    /// What `kind` of a profile says, and the first word of an endpoint's identity, which is
    /// part of content keys: the name of a provider whose `kind` it shares.
    pub family: &'static str,
    /// What the built-in list of models says of it.
    pub catalogue: Option<Catalogue>,
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

/// The part of the built-in list of models that is about a provider.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    pub provider: Provider,
    /// The list also has its voices, deliveries and what ends when; otherwise prices only.
    pub is_full: bool,
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
    /// It is told what raw samples are expected, because its schema's defaults are not what
    /// its models do.
    pub states_raw_samples: bool,
    /// Most characters of a request; `None`: not documented.
    pub max_chars: Option<u32>,
    /// Most characters that are sent where it documents no limit.
    pub assumed_max_chars: u32,
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
    /// The part of the form that takes the URL of a recording, for the provider to fetch;
    /// `None`: it takes files only.
    pub url_part: Option<&'static str>,
    /// The model meant when `stt` names none.
    pub usual_model: Option<&'static str>,
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

/// What OpenAI's schema names, and most who follow it.
pub(super) const ALL_FORMATS: &[AudioFormat] = &[Mp3, Opus, Aac, Flac, Wav, Raw];

/// What is sent to those who document no limit and are not believed to take what OpenAI
/// takes: half of it.
pub const CAUTIOUS_MAX_CHARS: u32 = 2000;

/// OpenAI's limit, which is what a server of its kind is believed to take when it says nothing.
pub const OPENAI_MAX_CHARS: u32 = 4096;

impl Facts {
    /// What an entry need not say: a hosted provider that follows OpenAI.
    pub(super) const USUAL: Self = Self {
        title: "",
        base_url: None,
        key_variable: None,
        more_key_variables: &[],
        hosts: &[],
        former_hosts: &[],
        family: "openai",
        catalogue: None,
        auth: Scheme::Bearer,
        is_own: false,
        routes: Routes::USUAL,
        speech: None,
        hearing: None,
        errors: Errors::OpenAi,
        source: "",
    };

    /// The variables that hold its key.
    pub fn key_variables(&self) -> impl Iterator<Item = &'static str> {
        self.key_variable
            .into_iter()
            .chain(self.more_key_variables.iter().copied())
    }
}

impl Routes {
    /// OpenAI's.
    pub(super) const USUAL: Self = Self {
        transcriptions: None,
        translations: None,
        models: None,
        voices: None,
    };
}

impl Hearing {
    /// OpenAI's own (its `OpenAPI` schema, 2026-08); the guide names 25 MB and no longest
    /// duration.
    pub(super) const OPENAI: Self = Self {
        formats: &["json", "text", "srt", "verbose_json", "vtt"],
        granularities: Granularities::Brackets,
        language: Languages::AutoLeftOut,
        translating: Translating::RouteToEnglish,
        diarizing: Diarizing::No,
        words: WordPlace::Top,
        word_key: "word",
        containers: &[],
        url_part: None,
        usual_model: None,
        max_upload: Some(25_000_000),
        max_duration: None,
        min_billed: Duration::ZERO,
        elsewhere: &[],
    };

    /// A program of one's own: the limits its owner sets.
    pub(super) const OWN: Self = Self {
        max_upload: None,
        ..Self::OPENAI
    };
}

impl Speech {
    /// OpenAI's own (its `OpenAPI` schema, 2026-08), which the others are told apart from.
    pub(super) const OPENAI: Self = Self {
        formats: ALL_FORMATS,
        default_format: "mp3",
        raw: "pcm",
        fields: &[SpeechField::Speed, SpeechField::Instructions],
        events: Some(Events {
            by_stream: false,
            fields: &[SpeechField::Speed, SpeechField::Instructions],
        }),
        socket: None,
        says_no_stream: false,
        bit_rates: &[],
        states_raw_samples: false,
        max_chars: Some(OPENAI_MAX_CHARS),
        assumed_max_chars: OPENAI_MAX_CHARS,
        models: &[],
        only_models: &[],
    };

    /// A program of one's own: the limits its owner sets.
    pub(super) const OWN: Self = Self {
        events: None,
        max_chars: None,
        ..Self::OPENAI
    };

    /// Optional fields over `delivery`; `None` when it cannot be had at all.
    pub fn fields(&self, delivery: Delivery) -> Option<&'static [SpeechField]> {
        match delivery {
            Delivery::Rest => Some(self.fields),
            Delivery::Stream => self.events.as_ref().map(|events| events.fields),
            Delivery::WebSocket => self.socket,
        }
    }

    /// The only delivery that has `field`, where a plain request has not.
    pub fn delivery_of(&self, field: SpeechField) -> Option<Delivery> {
        let apart = [Delivery::Stream, Delivery::WebSocket];
        let has = |delivery| {
            let fields = self.fields(delivery);
            fields.is_some_and(|fields: &[SpeechField]| fields.contains(&field))
        };
        let mut with = apart.into_iter().filter(|delivery| has(*delivery));
        with.next().filter(|_| !has(Delivery::Rest))
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
