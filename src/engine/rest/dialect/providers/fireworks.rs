//! Fireworks: <https://docs.fireworks.ai/api-reference/audio-transcriptions>.

use crate::engine::rest::dialect::facts::{Diarizing, Facts, Granularities, Hearing, Scheme};

pub(super) static FACTS: Facts = Facts {
    title: "Fireworks",
    base_url: Some("https://audio-prod.api.fireworks.ai/v1"),
    key_variable: Some("FIREWORKS_API_KEY"),
    hosts: &[
        "api.fireworks.ai",
        "audio-prod.api.fireworks.ai",
        "audio-turbo.api.fireworks.ai",
        "audio-prod.us-virginia-1.direct.fireworks.ai",
        "audio-turbo.us-virginia-1.direct.fireworks.ai",
    ],
    // The header of its own examples, without `Bearer`.
    auth: Scheme::Raw,
    speech: None,
    hearing: Some(Hearing {
        granularities: Granularities::Commas,
        diarizing: Diarizing::Counted,
        max_upload: Some(1_000_000_000),
        elsewhere: &[(
            "whisper-v3-turbo",
            "https://audio-turbo.api.fireworks.ai/v1",
        )],
        ..Hearing::OPENAI
    }),
    source: "docs.fireworks.ai/api-reference/audio-transcriptions as stored 2026",
    ..Facts::USUAL
};
