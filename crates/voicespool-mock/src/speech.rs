//! `POST audio/speech`: what is asked for, checked field by field, and the sound of it.

use bytes::Bytes;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::catalogue::{self, Family, local_voice};
use crate::events::Shape;
use crate::mp3::{Cut, Stock};
use crate::reply::Refusal;
use crate::sound;
use crate::voice::{Voice, tones};
use voicespool_media::audio::mp3::frames;
use voicespool_media::domain::{AudioMillis, PcmEncoding};

/// OpenAI's limit of an input, in characters.
const OPENAI_MAX_CHARS: usize = 4096;

/// Fields by contract; anything else is refused.
const TOGETHER_FIELDS: &[&str] = &[
    "model",
    "input",
    "voice",
    "response_format",
    "response_encoding",
    "sample_rate",
    "bit_rate",
    "language",
    "stream",
    "alignment",
    "segment",
    "extra_params",
];
const OPENAI_FIELDS: &[&str] = &[
    "model",
    "input",
    "voice",
    "response_format",
    "speed",
    "instructions",
    "stream_format",
];

/// A checked request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Order {
    pub(super) model: String,
    pub(super) input: String,
    voice: &'static str,
    /// As asked for: different names of one local voice stay different purchases.
    voice_name: String,
    format: Format,
    sample_rate: u32,
    /// Thousandths of the normal speed.
    speed: u32,
    /// Whether it is to be answered in events, and whose.
    pub(super) events: Option<Shape>,
    /// Whether the times of its words are to be told.
    pub(super) words: bool,
}

/// What another server's request comes to, checked by its own rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a str,
    pub(super) voice: &'a str,
    /// `wav`, `mp3` or `pcm`.
    pub(super) format: &'static str,
    /// 0.25 to 4.0.
    pub(super) speed: f64,
    pub(super) events: Option<Shape>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Format {
    Wav,
    Mp3,
    Raw(PcmEncoding),
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Raw(_) => "application/octet-stream",
        }
    }
}

/// The answer to an order.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    pub(super) duration: AudioMillis,
}

impl Spoken {
    /// The samples without any header (benchmarks are answered with a WAV whatever they ask).
    pub(super) fn samples(&self) -> Bytes {
        if self.body.starts_with(b"RIFF") {
            self.body.slice(44.min(self.body.len())..)
        } else {
            self.body.clone()
        }
    }
}

impl Order {
    pub(super) fn parse(body: &[u8], max_chars: usize) -> Result<Self, Refusal> {
        let fields: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|_| Refusal::bad_request("invalid_json", "The body is no JSON object."))?;
        Self::read(&fields, max_chars, None)
    }

    /// Checks the fields of a request; `socket_speed` is one that came over a WebSocket,
    /// where the other fields are the same.
    pub(super) fn read(
        fields: &Map<String, Value>,
        max_chars: usize,
        socket_speed: Option<f64>,
    ) -> Result<Self, Refusal> {
        let model = text(fields, "model")?;
        let family = catalogue::family(model)
            .filter(|family| family.is_speech())
            .ok_or_else(|| Refusal::no_model(model))?;
        check_fields(fields, family)?;
        let input = text(fields, "input")?;
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
        let voice = text(fields, "voice")?;
        if !family.has_voice(voice) {
            return Err(Refusal::invalid(
                "voice",
                format!("Voice {voice:?} is not available for {model}."),
            ));
        }
        let format = format(fields, family)?;
        let events = events(fields, family, format)?;
        let words = fields.get("alignment").is_some_and(|word| word == "word");
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
            sample_rate: sample_rate(fields, family, format)?,
            speed: match socket_speed {
                Some(speed) => thousandths(speed)?,
                None => speed(fields)?,
            },
            events,
            words,
        })
    }

    /// The order that `asked` is, at 24 kHz.
    pub(super) fn of(asked: Asked<'_>) -> Result<Self, Refusal> {
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
            speed: thousandths(asked.speed)?,
            events: asked.events,
            words: false,
        })
    }

    /// Everything that decides the sound, as one text.
    pub(super) fn identity(&self) -> String {
        format!(
            "{}\0{}\0{:?}\0{}\0{}\0{}",
            self.model, self.voice_name, self.format, self.sample_rate, self.speed, self.input
        )
    }

    /// Speaks the order and remembers it. Takes as long as the voice does.
    pub(super) fn speak(&self, app: &App) -> Result<Spoken, Refusal> {
        if self.format == Format::Mp3 {
            return Ok(self.cut_mp3(app));
        }
        let samples = app
            .voice
            .speak(self.voice, &self.input)
            .map_err(Refusal::broken)?;
        let from = u64::from(Voice::SAMPLE_RATE) * u64::from(self.speed) / 1000;
        let from = u32::try_from(from).unwrap_or(Voice::SAMPLE_RATE);
        let mut samples = sound::resample(&samples, from, self.sample_rate);
        // A text without anything to say is answered with a moment of silence.
        let least = usize::try_from(self.sample_rate / 4).unwrap_or(0);
        if samples.len() < least {
            samples.resize(least, 0);
        }
        app.remember(|memory| memory.remember_samples(&samples, &self.input));
        Ok(self.in_samples(&samples))
    }

    fn cut_mp3(&self, app: &App) -> Spoken {
        let chars = u64::try_from(self.input.chars().count()).unwrap_or(0);
        let chars = chars * 1000 / u64::from(self.speed.max(1));
        let cut = app.stock.cut(chars, short_hash(&self.identity()));
        app.remember(|memory| {
            memory.remember_frames(frames(&cut.file).filter_map(Result::ok), &self.input);
        });
        self.in_frames(cut)
    }

    fn in_frames(&self, cut: Cut) -> Spoken {
        Spoken {
            content_type: self.format.content_type(),
            body: cut.file,
            duration: cut.duration,
        }
    }

    /// What the fault `body=other` answers: well formed speech of something else.
    pub(super) fn misspeak(&self, stock: &Stock) -> Spoken {
        if self.format == Format::Mp3 {
            return self.in_frames(stock.cut(20, 0));
        }
        let samples = tones("other", "something else").unwrap_or_default();
        self.in_samples(&samples)
    }

    /// What the fault `body=silence` answers: as long as the speech would be, and silent
    /// (in MP3, with no encoder to make silence, it is speech).
    pub(super) fn keep_silent(&self, stock: &Stock) -> Spoken {
        if self.format == Format::Mp3 {
            return self.misspeak(stock);
        }
        let seconds = 1 + self.input.chars().count() / 14;
        let rate = usize::try_from(self.sample_rate).unwrap_or(24_000);
        self.in_samples(&vec![0; seconds * rate])
    }

    fn in_samples(&self, samples: &[i16]) -> Spoken {
        let body = match self.format {
            Format::Raw(encoding) => sound::pcm(samples, encoding),
            Format::Wav | Format::Mp3 => sound::wav(samples, self.sample_rate),
        };
        let frames = u64::try_from(samples.len()).unwrap_or(0);
        Spoken {
            duration: AudioMillis::of_frames(frames, self.sample_rate),
            content_type: self.format.content_type(),
            body: body.into(),
        }
    }
}

/// The first eight bytes of a SHA-256.
fn short_hash(text: &str) -> u64 {
    Sha256::digest(text)
        .iter()
        .take(8)
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// A field that must be a text with something in it.
fn text<'a>(fields: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Refusal> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| {
            Refusal::invalid(name, format!("{name:?} must be a text that is not empty."))
        })
}

fn check_fields(fields: &Map<String, Value>, family: Family) -> Result<(), Refusal> {
    let known = if family.is_openai() {
        OPENAI_FIELDS
    } else {
        TOGETHER_FIELDS
    };
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        let name: String = name.chars().take(40).collect();
        return Err(Refusal::bad_request(
            "unknown_parameter",
            format!("Unrecognized request argument supplied: {name}."),
        ));
    }
    for (name, known) in [
        ("alignment", &["none", "word"][..]),
        ("segment", &["sentence", "immediate", "never"]),
        ("stream_format", &["sse", "audio"]),
    ] {
        if let Some(value) = fields.get(name)
            && !known.iter().any(|word| value == word)
        {
            return Err(Refusal::invalid(name, format!("Unknown {name}.")));
        }
    }
    if fields
        .get("stream")
        .is_some_and(|value| !value.is_boolean())
    {
        return Err(Refusal::invalid("stream", "stream must be true or false."));
    }
    if fields
        .get("extra_params")
        .is_some_and(|value| !value.is_object())
    {
        return Err(Refusal::invalid(
            "extra_params",
            "extra_params must be an object.",
        ));
    }
    for name in ["language", "instructions", "alignment", "segment"] {
        if fields.get(name).is_some_and(|value| !value.is_string()) {
            return Err(Refusal::invalid(
                "language",
                format!("{name:?} must be a text."),
            ));
        }
    }
    Ok(())
}

/// Whether the answer is asked for in events; they carry raw samples only.
fn events(
    fields: &Map<String, Value>,
    family: Family,
    format: Format,
) -> Result<Option<Shape>, Refusal> {
    let shape = if family.is_openai() {
        (fields
            .get("stream_format")
            .is_some_and(|value| value == "sse"))
        .then_some(Shape::OpenAi)
    } else {
        (fields.get("stream").is_some_and(|value| value == true)).then_some(Shape::Together)
    };
    if shape.is_some() && !matches!(format, Format::Raw(_)) {
        return Err(Refusal::invalid(
            "response_format",
            "Streaming needs the response_format raw.",
        ));
    }
    Ok(shape)
}

fn format(fields: &Map<String, Value>, family: Family) -> Result<Format, Refusal> {
    let default = if family.is_openai() { "mp3" } else { "wav" };
    let wanted = match fields.get("response_format") {
        None => default,
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let format = match wanted {
        "wav" => Format::Wav,
        "mp3" => Format::Mp3,
        "raw" if !family.is_openai() => Format::Raw(PcmEncoding::S16),
        "pcm" => Format::Raw(PcmEncoding::S16),
        _ => {
            return Err(Refusal::invalid(
                "response_format",
                format!(
                    "Unsupported response_format {wanted:?}: this server speaks mp3, wav, raw and pcm."
                ),
            ));
        }
    };
    let encoding = match fields.get("response_encoding") {
        None => PcmEncoding::F32,
        Some(value) => value
            .as_str()
            .and_then(|name| name.parse().ok())
            .ok_or_else(|| Refusal::invalid("response_encoding", "Unknown response_encoding."))?,
    };
    // Only Cartesia's models honour the coding; the others always answer 16 bits.
    Ok(match (format, family) {
        (Format::Raw(_), Family::Cartesia) => Format::Raw(encoding),
        _ => format,
    })
}

fn sample_rate(
    fields: &Map<String, Value>,
    family: Family,
    format: Format,
) -> Result<u32, Refusal> {
    let asked = match fields.get("sample_rate") {
        None => None,
        Some(value) => Some(
            value
                .as_u64()
                .and_then(|rate| u32::try_from(rate).ok())
                .filter(|rate| (8_000..=48_000).contains(rate))
                .ok_or_else(|| Refusal::invalid("sample_rate", "Unsupported sample_rate."))?,
        ),
    };
    if let Some(rate) = fields.get("bit_rate") {
        let is_known = [32_000, 64_000, 96_000, 128_000, 192_000]
            .iter()
            .any(|known| rate == known);
        if !is_known {
            return Err(Refusal::invalid("bit_rate", "Unsupported bit_rate."));
        }
    }
    Ok(match (family, format) {
        (Family::Cartesia, Format::Wav | Format::Raw(_)) => asked.unwrap_or(44_100),
        _ => 24_000,
    })
}

/// Thousandths of the normal speed.
fn speed(fields: &Map<String, Value>) -> Result<u32, Refusal> {
    let Some(value) = fields.get("speed") else {
        return Ok(1000);
    };
    thousandths(value.as_f64().unwrap_or(f64::NAN))
}

fn thousandths(speed: f64) -> Result<u32, Refusal> {
    Some(speed)
        .filter(|speed| (0.25..=4.0).contains(speed))
        .and_then(|speed| {
            let thousandths = std::time::Duration::from_secs_f64(speed).as_millis();
            u32::try_from(thousandths).ok()
        })
        .ok_or_else(|| Refusal::invalid("speed", "speed must be a number from 0.25 to 4.0."))
}
