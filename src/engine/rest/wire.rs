//! What goes out, with the providers' field names. Optional fields that are not set are
//! not sent; `response_format` always is, because the defaults differ (Together `wav`,
//! OpenAI `mp3`).

use serde::Serialize;

use crate::domain::{PcmEncoding, SpeechParams};
use crate::engine::rest::dialect::Kind;

/// The JSON of `POST audio/speech`.
#[derive(Debug, Serialize)]
pub(super) struct SpeechBody<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_encoding: Option<PcmEncoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_rate: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bit_rate: Option<u32>,
}

impl<'a> SpeechBody<'a> {
    pub(super) fn new(kind: Kind, params: &'a SpeechParams, input: &'a str) -> Self {
        Self {
            model: &params.model,
            input,
            voice: &params.voice,
            response_format: kind.response_format(params.format),
            language: params.language.as_deref(),
            speed: params.speed,
            instructions: params.instructions.as_deref(),
            response_encoding: params.response_encoding,
            sample_rate: params.sample_rate,
            bit_rate: params.bit_rate,
        }
    }
}

/// Names of the parts of `POST audio/transcriptions`.
pub(super) mod part {
    pub(in crate::engine::rest) const MODEL: &str = "model";
    pub(in crate::engine::rest) const LANGUAGE: &str = "language";
    pub(in crate::engine::rest) const PROMPT: &str = "prompt";
    pub(in crate::engine::rest) const RESPONSE_FORMAT: &str = "response_format";
    pub(in crate::engine::rest) const TEMPERATURE: &str = "temperature";
    /// With the brackets, which every server we know of reads; `speaches` reads no other.
    pub(in crate::engine::rest) const GRANULARITIES: &str = "timestamp_granularities[]";
    pub(in crate::engine::rest) const DIARIZE: &str = "diarize";
    pub(in crate::engine::rest) const MIN_SPEAKERS: &str = "min_speakers";
    pub(in crate::engine::rest) const MAX_SPEAKERS: &str = "max_speakers";
    pub(in crate::engine::rest) const FILE: &str = "file";
}
