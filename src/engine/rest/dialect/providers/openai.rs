//! OpenAI: <https://platform.openai.com/docs/api-reference/audio>, from which the others are told apart.

use crate::engine::rest::dialect::facts::{Facts, Hearing, Speech};

pub(super) static FACTS: Facts = Facts {
    title: "OpenAI",
    base_url: Some("https://api.openai.com/v1"),
    key_variable: Some("OPENAI_API_KEY"),
    hosts: &["api.openai.com"],
    speech: Some(Speech::OPENAI),
    hearing: Some(Hearing::OPENAI),
    source: "OpenAPI schema of 2026-08, SDK 3.54.0, platform.openai.com of 2026-08",
    ..Facts::USUAL
};
