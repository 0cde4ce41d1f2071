//! speaches: <https://github.com/speaches-ai/speaches>.

use crate::engine::rest::dialect::facts::{Diarizing, Errors, Facts, Hearing, Routes, Speech};
use crate::engine::rest::dialect::speech_field::SpeechField::{SampleRate, Speed};

pub(super) static FACTS: Facts = Facts {
    title: "speaches",
    base_url: Some("http://127.0.0.1:8000/v1"),
    is_own: true,
    routes: Routes {
        voices: Some("audio/voices"),
        ..Routes::USUAL
    },
    speech: Some(Speech {
        fields: &[Speed, SampleRate],
        ..Speech::OWN
    }),
    hearing: Some(Hearing {
        diarizing: Diarizing::Field("diarization"),
        ..Hearing::OWN
    }),
    errors: Errors::FastApi,
    source: "speaches-ai/speaches 870e1e1",
    ..Facts::USUAL
};
