//! The server of whisper.cpp: <https://github.com/ggml-org/whisper.cpp>.

use crate::engine::rest::dialect::facts::{
    Errors, Facts, Granularities, Hearing, Languages, Routes, Scheme, Translating, WordPlace,
};

pub(super) static FACTS: Facts = Facts {
    title: "whisper.cpp",
    base_url: Some("http://127.0.0.1:8080"),
    auth: Scheme::None,
    is_own: true,
    routes: Routes {
        transcriptions: Some("/inference"),
        translations: Some("/inference"),
        ..Routes::USUAL
    },
    speech: None,
    hearing: Some(Hearing {
        granularities: Granularities::Unasked,
        // Left out it means English.
        language: Languages::AutoIsTold,
        translating: Translating::FieldToEnglish,
        words: WordPlace::InSegments,
        containers: &["wav"],
        ..Hearing::OWN
    }),
    errors: Errors::Words,
    source: "ggml-org/whisper.cpp 233fe1f, examples/server",
    ..Facts::USUAL
};
