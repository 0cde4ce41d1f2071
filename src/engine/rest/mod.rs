//! The client of hosted and self-hosted speech providers: Together, OpenAI, and those who
//! follow them as far as `dialect` says.
//!
//! One call is one request. It follows no redirect, retries nothing, decompresses
//! nothing, and hands the provider's bytes to the caller's writer under a byte cap and
//! three deadlines (connect, idle, total). What went wrong is classified once, in
//! `problem`; the API key is in no error, no `Debug` text and no log.
//!
//! Speech comes in one of three ways: one body (`answer`), server-sent events (`stream`), a
//! WebSocket (`socket`). The last two share the meaning of events (`events`) and the order
//! of the sound (`sound`).
//!
//! It does not decide whether an answer is good speech: it only refuses what cannot be
//! (an empty body, a web page, a JSON error under status 200). Decoding proves the rest.

mod answer;
mod base_url;
mod client;
mod dialect;
mod endpoint;
mod events;
mod failure;
mod listing;
mod options;
mod pace;
pub(crate) mod problem;
mod socket;
mod sound;
mod speech;
mod stream;
mod transcription;
mod wire;

#[cfg(test)]
mod tests;

pub use base_url::BaseUrl;
pub use client::RestEngine;
pub use dialect::{
    CAUTIOUS_MAX_CHARS, Catalogue, DIALECTS_EXPECTED, Diarizing, Errors, Events, Facts,
    Granularities, Hearing, KINDS_EXPECTED, Kind, Languages, OPENAI_MAX_CHARS, Routes, Scheme,
    Speech, SpeechField, SpeechModel, Translating, WordPlace, unsupported,
    unsupported_transcription,
};
pub use listing::{ListedModel, ListedVoice};
pub use options::{Auth, ByteCap, Deadline, OptionsError, Paths, RestOptions};
pub use pace::read_wait;
pub use problem::read_refusal;
