//! Kokoro-FastAPI: <https://github.com/remsky/Kokoro-FastAPI>.

use crate::engine::rest::dialect::facts::{Errors, Facts, Routes, Scheme, Speech};
use crate::engine::rest::dialect::speech_field::SpeechField::Speed;

pub(super) static FACTS: Facts = Facts {
    title: "Kokoro-FastAPI",
    base_url: Some("http://127.0.0.1:8880/v1"),
    auth: Scheme::None,
    is_own: true,
    routes: Routes {
        voices: Some("audio/voices"),
        ..Routes::USUAL
    },
    speech: Some(Speech {
        fields: &[Speed],
        says_no_stream: true,
        only_models: &["kokoro", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"],
        ..Speech::OWN
    }),
    hearing: None,
    errors: Errors::FastApiObject,
    source: "remsky/Kokoro-FastAPI 26eec06 (0.8.1-rc1)",
    ..Facts::USUAL
};
