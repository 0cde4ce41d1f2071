//! A request for speech, checked by the contracts of Together and OpenAI.

use serde_json::{Map, Value};

use voicespool_media::domain::PcmEncoding;

use crate::catalogue::{self, local_voice};
use crate::events::Shape;
use crate::reply::Refusal;
use crate::speech::fields;
use crate::speech::format::Format;

/// OpenAI's limit of an input, in characters.
const OPENAI_MAX_CHARS: usize = 4096;

/// A checked request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    pub(crate) model: String,
    pub(crate) input: String,
    pub(super) voice: &'static str,
    /// As asked for: different names of one local voice stay different purchases.
    voice_name: String,
    pub(super) format: Format,
    pub(super) sample_rate: u32,
    /// Thousandths of the normal speed.
    pub(super) speed: u32,
    /// Whether it is to be answered in events, and whose.
    pub(crate) events: Option<Shape>,
    /// Whether the times of its words are to be told.
    pub(crate) words: bool,
}

/// What another server's request comes to, checked by its own rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    pub(crate) input: &'a str,
    pub(crate) voice: &'a str,
    /// `wav`, `mp3` or `pcm`.
    pub(crate) format: &'static str,
    /// 0.25 to 4.0.
    pub(crate) speed: f64,
    pub(crate) events: Option<Shape>,
}

impl Order {
    pub(crate) fn parse(json: &[u8], max_chars: usize) -> Result<Self, Refusal> {
        let fields: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|_| Refusal::bad_request("invalid_json", "The body is no JSON object."))?;
        Self::read(&fields, max_chars, None)
    }

    /// Checks the fields of a request; `socket_speed` is one that came over a WebSocket,
    /// where the other fields are the same.
    pub(crate) fn read(
        body: &Map<String, Value>,
        max_chars: usize,
        socket_speed: Option<f64>,
    ) -> Result<Self, Refusal> {
        let model = fields::text(body, "model")?;
        let family = catalogue::family(model)
            .filter(|family| family.is_speech())
            .ok_or_else(|| Refusal::no_model(model))?;
        fields::check_fields(body, family)?;
        let input = fields::text(body, "input")?;
        let limit = if family.is_openai() {
            OPENAI_MAX_CHARS.min(max_chars)
        } else {
            max_chars
        };
        if input.chars().count() > limit {
            return Err(Refusal::invalid(
                "input",
                format!("The input is longer than {limit} characters."),
            ));
        }
        let voice = fields::text(body, "voice")?;
        if !family.has_voice(voice) {
            return Err(Refusal::invalid(
                "voice",
                format!("Voice {voice:?} is not available for {model}."),
            ));
        }
        let format = fields::format(body, family)?;
        let events = fields::events(body, family, format)?;
        let words = body.get("alignment").is_some_and(|word| word == "word");
        if words && events.is_none() && socket_speed.is_none() {
            return Err(Refusal::invalid(
                "alignment",
                "alignment needs stream to be true.",
            ));
        }
        Ok(Self {
            model: model.to_owned(),
            input: input.to_owned(),
            voice: local_voice(voice),
            voice_name: voice.to_owned(),
            format,
            sample_rate: fields::sample_rate(body, family, format)?,
            speed: match socket_speed {
                Some(speed) => fields::thousandths(speed)?,
                None => fields::speed(body)?,
            },
            events,
            words,
        })
    }

    /// The order that `asked` is, at 24 kHz.
    pub(crate) fn of(asked: Asked<'_>) -> Result<Self, Refusal> {
        let format = match asked.format {
            "wav" => Format::Wav,
            "mp3" => Format::Mp3,
            _ => Format::Raw(PcmEncoding::S16),
        };
        if asked.events.is_some() && !matches!(format, Format::Raw(_)) {
            let message = "Streaming needs the response_format pcm.";
            return Err(Refusal::invalid("response_format", message));
        }
        Ok(Self {
            model: asked.model.to_owned(),
            input: asked.input.to_owned(),
            voice: local_voice(asked.voice),
            voice_name: asked.voice.to_owned(),
            format,
            sample_rate: 24_000,
            speed: fields::thousandths(asked.speed)?,
            events: asked.events,
            words: false,
        })
    }

    /// Everything that decides the sound, as one text.
    pub(crate) fn identity(&self) -> String {
        format!(
            "{}\0{}\0{:?}\0{}\0{}\0{}",
            self.model, self.voice_name, self.format, self.sample_rate, self.speed, self.input
        )
    }
}
