//! What goes out, with the providers' field names. Optional fields that are not set are
//! not sent; `response_format` always is, because the defaults differ (Together `wav`,
//! OpenAI `mp3`).

use serde::Serialize;
use serde_json::Value;

use crate::domain::{Alignment, AudioFormat, Delivery, PcmEncoding, Segmenting};
use crate::engine::SpeechRequest;
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
    /// Together's word for events; Kokoro-FastAPI streams unless it says `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    /// OpenAI's word for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Alignment::is_none")]
    alignment: Alignment,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<Segmenting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_params: Option<Value>,
}

impl<'a> SpeechBody<'a> {
    /// # Errors
    /// When `extra_params` is no JSON.
    pub(super) fn new(kind: Kind, request: SpeechRequest<'a>) -> serde_json::Result<Self> {
        let params = request.params;
        let format = params.wire_format(request.delivery);
        let streams = request.delivery == Delivery::Stream;
        let speech = kind.speech();
        let by_stream = speech
            .and_then(|speech| speech.events.as_ref())
            .is_some_and(|events| events.by_stream);
        let says_no_stream = speech.is_some_and(|speech| speech.says_no_stream);
        // Where raw samples travel and nothing overrules what is known of them.
        let told = params.raw_audio(request.delivery);
        let states = speech.is_some_and(|speech| speech.states_raw_samples);
        let tells = states && format == AudioFormat::Raw && params.raw.is_none();
        let extra = params.extra_params.as_deref();
        Ok(Self {
            model: &params.model,
            input: request.input,
            voice: &params.voice,
            response_format: kind.response_format(format),
            language: params.language.as_deref(),
            speed: params.speed,
            instructions: params.instructions.as_deref(),
            response_encoding: params.response_encoding.or(tells.then_some(told.encoding)),
            sample_rate: params.sample_rate.or(tells.then_some(told.sample_rate)),
            bit_rate: params.bit_rate,
            stream: if streams {
                by_stream.then_some(true)
            } else {
                says_no_stream.then_some(false)
            },
            stream_format: (streams && !by_stream).then_some("sse"),
            alignment: params.alignment,
            segment: params.segment,
            extra_params: extra.map(serde_json::from_str).transpose()?,
        })
    }
}

/// Names of the parts of `POST audio/transcriptions`.
pub(super) mod part {
    pub(in crate::engine::rest) const MODEL: &str = "model";
    pub(in crate::engine::rest) const LANGUAGE: &str = "language";
    pub(in crate::engine::rest) const PROMPT: &str = "prompt";
    pub(in crate::engine::rest) const RESPONSE_FORMAT: &str = "response_format";
    pub(in crate::engine::rest) const TEMPERATURE: &str = "temperature";
    /// With the brackets, which most servers read; speaches reads no other.
    pub(in crate::engine::rest) const GRANULARITIES: &str = "timestamp_granularities[]";
    /// Without, as Fireworks documents it.
    pub(in crate::engine::rest) const BARE_GRANULARITIES: &str = "timestamp_granularities";
    /// Where it is no route of its own.
    pub(in crate::engine::rest) const TRANSLATE: &str = "translate";
    pub(in crate::engine::rest) const DIARIZE: &str = "diarize";
    pub(in crate::engine::rest) const MIN_SPEAKERS: &str = "min_speakers";
    pub(in crate::engine::rest) const MAX_SPEAKERS: &str = "max_speakers";
    pub(in crate::engine::rest) const FILE: &str = "file";
}
