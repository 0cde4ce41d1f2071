//! What each provider has and lacks: the one table of differences.
//!
//! [`table`](Kind::facts) is data with its sources; `check` holds requests against it. The
//! requests themselves are written by `wire` and `transcription`, which ask the same table,
//! and nobody else knows a provider by name.

mod check;
mod facts;
mod kind;
mod table;

pub use check::{unsupported, unsupported_transcription};
pub use facts::{
    Diarizing, Errors, Events, Facts, Granularities, Hearing, Languages, Routes, Scheme, Speech,
    SpeechField, SpeechModel, Translating, WordPlace,
};
pub use kind::Kind;
