//! What one request asks for. Everything here decides the sound or the text, so
//! everything here is part of a job's key.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::domain::format::{AudioFormat, PcmEncoding};

/// Parameters of a speech request, named as the providers name them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechParams {
    /// A free string: model lists go out of date.
    pub model: String,
    pub voice: String,
    /// What is asked for; never left to the provider's default.
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
    /// Coding of raw samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_encoding: Option<PcmEncoding>,
    /// Frames per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Bits per second of an MP3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u32>,
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
