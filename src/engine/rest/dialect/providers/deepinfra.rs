//! `DeepInfra`: <https://deepinfra.com/docs>.

use crate::domain::AudioFormat::{Flac, Mp3, Opus, Raw, Wav};
use crate::engine::rest::dialect::facts::{Errors, Facts, Hearing, Speech};
use crate::engine::rest::dialect::speech_field::SpeechField::Speed;

pub(super) static FACTS: Facts = Facts {
    title: "DeepInfra",
    base_url: Some("https://api.deepinfra.com/v1/openai"),
    key_variable: Some("DEEPINFRA_API_KEY"),
    more_key_variables: &["DEEPINFRA_TOKEN"],
    hosts: &["api.deepinfra.com"],
    speech: Some(Speech {
        formats: &[Mp3, Opus, Flac, Wav, Raw],
        default_format: "wav",
        fields: &[Speed],
        events: None,
        max_chars: None,
        ..Speech::OPENAI
    }),
    hearing: Some(Hearing {
        max_upload: None,
        ..Hearing::OPENAI
    }),
    errors: Errors::FastApi,
    source: "deepinfra.com/docs and its OpenAPI schema as stored 2026",
    ..Facts::USUAL
};
