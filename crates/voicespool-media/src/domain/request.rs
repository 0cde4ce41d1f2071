//! What one request asks for. Everything here decides the sound or the text, so
//! everything here is part of a job's key.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::domain::delivery::{Alignment, Delivery, Segmenting};
use crate::domain::format::{AudioFormat, PcmEncoding};
use crate::domain::pcm::RawAudio;

/// Parameters of a speech request, named as the providers name them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechParams {
    /// A free string: model lists go out of date.
    pub model: String,
    pub voice: String,
    /// What the kept answer is: `wav` also where raw samples travel and get their header
    /// here. Never left to the provider's default.
    pub format: AudioFormat,
    /// ISO 639-1 or lower-case locale. `None`: not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// 0.25 to 4.0, where the provider has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Style directions, where the provider has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Coding of samples: with it they are asked for raw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_encoding: Option<PcmEncoding>,
    /// Frames per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Bits per second of an MP3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u32>,
    /// Whether the answer is to hold the times of its words.
    #[serde(default, skip_serializing_if = "Alignment::is_none")]
    pub alignment: Alignment,
    /// Where the provider may cut the text; `None`: not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segmenting>,
    /// Most characters a WebSocket holds back before it speaks them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_partial_length: Option<u32>,
    /// A JSON object that is passed on as it is (`extra_params`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_params: Option<String>,
    /// What raw samples of this model are, where the built-in knowledge is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawAudio>,
}

impl SpeechParams {
    /// Everything but these three left to the provider.
    pub fn new(model: impl Into<String>, voice: impl Into<String>, format: AudioFormat) -> Self {
        Self {
            model: model.into(),
            voice: voice.into(),
            format,
            language: None,
            speed: None,
            instructions: None,
            response_encoding: None,
            sample_rate: None,
            bit_rate: None,
            alignment: Alignment::None,
            segment: None,
            max_partial_length: None,
            extra_params: None,
            raw: None,
        }
    }

    /// What travels: events carry raw samples and nothing else.
    pub fn wire_format(&self, delivery: Delivery) -> AudioFormat {
        if delivery == Delivery::Rest && self.response_encoding.is_none() {
            self.format
        } else {
            AudioFormat::Raw
        }
    }

    /// What the raw samples of an answer are. A WebSocket has no say in their coding, and
    /// its rate is 24 kHz unless another is asked for.
    pub fn raw_audio(&self, delivery: Delivery) -> RawAudio {
        let (encoding, rate) = match delivery {
            Delivery::Rest | Delivery::Stream => (self.response_encoding, self.sample_rate),
            Delivery::WebSocket => (None, self.sample_rate.or(Some(24_000))),
        };
        self.raw
            .unwrap_or_else(|| RawAudio::of(&self.model, encoding, rate))
    }
}

/// Parameters of a transcription request. The answer is always asked for as
/// `verbose_json`; documents are made here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscriptionParams {
    pub model: String,
    /// ISO 639-1 or `auto`; always sent, because providers disagree on the default.
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// 0.0 to 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Ask for word times besides segment times.
    pub words: bool,
    /// Answer in this language instead of the one spoken: ISO 639-1. `None`: transcribe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translate_to: Option<String>,
    /// Tell speakers apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diarize: Option<Speakers>,
}

/// How many speakers to tell apart; `None`: the provider finds out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speakers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<NonZeroU32>,
    /// Not below `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<NonZeroU32>,
}
