//! What each provider has and lacks: the one table of differences.

use serde::{Deserialize, Serialize};

use crate::domain::{Alignment, AudioFormat, Delivery, SpeechParams, TranscriptionParams};
use crate::engine::rest::wire::part;

/// Which contract the provider keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Together AI: <https://docs.together.ai/reference/audio-speech>.
    Together,
    /// OpenAI and those who follow it: <https://platform.openai.com/docs/api-reference/audio>.
    OpenAi,
}

impl Kind {
    /// The word in `jobs.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::OpenAi => "openai",
        }
    }

    /// How the provider names `format` in `response_format`.
    pub(super) fn response_format(self, format: AudioFormat) -> &'static str {
        match (self, format) {
            (Self::Together, AudioFormat::Raw) => "raw",
            (Self::OpenAi, AudioFormat::Raw) => "pcm",
            (_, other) => other.as_str(),
        }
    }

    /// What to send as `language` of a transcription; `None` leaves the field out.
    /// Together knows `auto`, and its documents disagree on the default, so it is always
    /// told. For OpenAI leaving it out is how detection is asked for.
    pub(super) fn transcription_language(self, language: &str) -> Option<&str> {
        match self {
            Self::OpenAi if language == "auto" => None,
            Self::OpenAi | Self::Together => Some(language),
        }
    }

    /// The part of a transcription's form that takes the URL of a recording, for the provider
    /// to fetch; `None` where recordings are only taken as files. Together reads a URL from
    /// `file` itself, where that part has no file name (its SDK 1.x). `OpenAI` takes files
    /// only; a provider with a part of its own for it (Groq: `url`) belongs here.
    pub fn url_part(self) -> Option<&'static str> {
        match self {
            Self::Together => Some(part::FILE),
            Self::OpenAi => None,
        }
    }

    /// Whether a request for speech has the field.
    fn has(self, delivery: Delivery, field: SpeechField) -> bool {
        let has_events = delivery != Delivery::Rest;
        let is_socket = delivery == Delivery::WebSocket;
        match (self, field) {
            (Self::OpenAi, field) => {
                matches!(field, SpeechField::Speed | SpeechField::Instructions)
            }
            (Self::Together, SpeechField::Instructions) => false,
            // Together documents a speed for its WebSocket only, which takes no coding of
            // samples and no bit rate.
            (Self::Together, SpeechField::Speed | SpeechField::MaxPartialLength) => is_socket,
            (Self::Together, SpeechField::ResponseEncoding | SpeechField::BitRate) => !is_socket,
            (Self::Together, SpeechField::Alignment) => has_events,
            (Self::Together, _) => true,
        }
    }
}

/// Optional fields of a speech request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpeechField {
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
    fn name(self) -> &'static str {
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

/// Bit rates Together takes for MP3 (its published schema of 2026-04).
const TOGETHER_BIT_RATES: [u32; 5] = [32_000, 64_000, 96_000, 128_000, 192_000];

/// What of `params` a provider of `kind` cannot do over `delivery`, one sentence fragment each; empty if
/// all is well. To be asked before anything is planned: a field that is silently left
/// out would be a different recording from the one that was ordered.
pub fn unsupported(kind: Kind, delivery: Delivery, params: &SpeechParams) -> Vec<String> {
    let set = [
        (SpeechField::Language, params.language.is_some()),
        (SpeechField::Speed, params.speed.is_some()),
        (SpeechField::Instructions, params.instructions.is_some()),
        (
            SpeechField::ResponseEncoding,
            params.response_encoding.is_some(),
        ),
        (SpeechField::SampleRate, params.sample_rate.is_some()),
        (SpeechField::BitRate, params.bit_rate.is_some()),
        (SpeechField::Alignment, params.alignment != Alignment::None),
        (SpeechField::Segment, params.segment.is_some()),
        (
            SpeechField::MaxPartialLength,
            params.max_partial_length.is_some(),
        ),
        (SpeechField::ExtraParams, params.extra_params.is_some()),
    ];
    let road = match delivery {
        Delivery::Rest => String::new(),
        other => format!(" over `{other}`"),
    };
    let mut found: Vec<String> = set
        .into_iter()
        .filter(|&(field, is_set)| is_set && !kind.has(delivery, field))
        .map(|(field, _)| {
            format!(
                "`{}` is no field of {} speech{road}",
                field.name(),
                kind.as_str()
            )
        })
        .collect();
    if delivery == Delivery::WebSocket && kind == Kind::OpenAi {
        found.push("openai speech has no WebSocket".to_owned());
    }
    if delivery != Delivery::Rest && !matches!(params.format, AudioFormat::Wav | AudioFormat::Raw) {
        found.push(format!(
            "`{delivery}` brings raw samples, which become no `{}`",
            params.format
        ));
    }
    if let Some(speed) = params.speed
        && !(0.25..=4.0).contains(&speed)
    {
        found.push("`speed` must be between 0.25 and 4.0".to_owned());
    }
    if params.response_encoding.is_some()
        && !matches!(params.format, AudioFormat::Wav | AudioFormat::Raw)
    {
        found.push("`response_encoding` is for raw samples, which become `wav`".to_owned());
    }
    if params.bit_rate.is_some() && params.format != AudioFormat::Mp3 {
        found.push("`bit_rate` is for the format `mp3` only".to_owned());
    }
    if let Some(bit_rate) = params.bit_rate
        && kind == Kind::Together
        && !TOGETHER_BIT_RATES.contains(&bit_rate)
    {
        found.push("`bit_rate` must be 32000, 64000, 96000, 128000 or 192000".to_owned());
    }
    if params
        .sample_rate
        .is_some_and(|rate| !(8_000..=192_000).contains(&rate))
    {
        found.push("`sample_rate` must be between 8000 and 192000".to_owned());
    }
    found
}

/// As [`unsupported`], of a transcription.
pub fn unsupported_transcription(kind: Kind, params: &TranscriptionParams) -> Vec<String> {
    let mut found = Vec::new();
    if params
        .temperature
        .is_some_and(|value| !(0.0..=1.0).contains(&value))
    {
        found.push("`temperature` must be between 0.0 and 1.0".to_owned());
    }
    if let Some(target) = &params.translate_to {
        if kind == Kind::OpenAi && target != "en" {
            found.push("`translate` of openai goes to \"en\" only".to_owned());
        }
        // The translations endpoint has no such fields.
        if params.diarize.is_some() {
            found.push("speakers are told apart in transcriptions, not in translations".to_owned());
        }
    }
    if let Some(speakers) = params.diarize {
        if kind == Kind::OpenAi {
            found.push("`diarize` is no field of openai transcription".to_owned());
        }
        if let (Some(min), Some(max)) = (speakers.min, speakers.max)
            && min > max
        {
            found.push("`min_speakers` is above `max_speakers`".to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PcmEncoding, Segmenting};

    fn params() -> SpeechParams {
        SpeechParams::new("m", "v", AudioFormat::Wav)
    }

    #[test]
    fn a_field_the_provider_lacks_is_named_instead_of_dropped() {
        let everything = SpeechParams {
            format: AudioFormat::Flac,
            language: Some("en".to_owned()),
            speed: Some(1.5),
            instructions: Some("softly".to_owned()),
            response_encoding: Some(PcmEncoding::S16),
            sample_rate: Some(24_000),
            bit_rate: Some(64_000),
            alignment: Alignment::Word,
            segment: Some(Segmenting::Never),
            max_partial_length: Some(9),
            extra_params: Some("{}".to_owned()),
            ..params()
        };

        assert_eq!(
            unsupported(Kind::Together, Delivery::Rest, &params()),
            Vec::<String>::new()
        );
        assert_eq!(
            unsupported(Kind::OpenAi, Delivery::Rest, &params()),
            Vec::<String>::new()
        );
        insta::assert_snapshot!(unsupported(Kind::Together, Delivery::Rest, &everything).join("\n"), @r"
        `speed` is no field of together speech
        `instructions` is no field of together speech
        `alignment` is no field of together speech
        `max_partial_length` is no field of together speech
        `response_encoding` is for raw samples, which become `wav`
        `bit_rate` is for the format `mp3` only
        ");
        insta::assert_snapshot!(unsupported(Kind::OpenAi, Delivery::Rest, &everything).join("\n"), @r"
        `language` is no field of openai speech
        `response_encoding` is no field of openai speech
        `sample_rate` is no field of openai speech
        `bit_rate` is no field of openai speech
        `alignment` is no field of openai speech
        `segment` is no field of openai speech
        `max_partial_length` is no field of openai speech
        `extra_params` is no field of openai speech
        `response_encoding` is for raw samples, which become `wav`
        `bit_rate` is for the format `mp3` only
        ");
    }

    #[test]
    fn values_out_of_range_never_reach_the_provider() {
        for speed in [0.0, 0.24, 4.01, -1.0, f64::NAN, f64::INFINITY] {
            let params = SpeechParams {
                speed: Some(speed),
                ..params()
            };
            assert_eq!(
                unsupported(Kind::OpenAi, Delivery::Rest, &params).len(),
                1,
                "{speed}"
            );
        }
        let odd = SpeechParams {
            format: AudioFormat::Mp3,
            bit_rate: Some(48_000),
            sample_rate: Some(1),
            ..params()
        };
        assert_eq!(unsupported(Kind::Together, Delivery::Rest, &odd).len(), 2);
    }
}
