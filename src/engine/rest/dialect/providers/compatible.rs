//! Whoever follows OpenAI and is not in the list; what such a server lacks it says itself.

use crate::engine::rest::dialect::facts::{Facts, Hearing, Speech};

pub(super) static FACTS: Facts = Facts {
    title: "an OpenAI-compatible server",
    base_url: None,
    speech: Some(Speech::OPENAI),
    hearing: Some(Hearing::OPENAI),
    source: "OpenAI's schema of 2026-08",
    ..Facts::USUAL
};
