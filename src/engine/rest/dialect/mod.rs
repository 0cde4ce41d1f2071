//! What each provider has and lacks: the one table of differences.
//!
//! [`facts`](Kind::facts) of a provider are data with their sources, one file each in
//! `providers`; `check` holds requests against them. The requests themselves are written by
//! `wire` and `transcription`, which ask the same table, and nobody else knows a provider by
//! name.

mod check;
mod facts;
mod kind;
mod providers;
mod speech_field;

pub use check::{unsupported, unsupported_transcription};
pub use facts::{
    CAUTIOUS_MAX_CHARS, Catalogue, Diarizing, Errors, Events, Facts, Granularities, Hearing,
    Languages, OPENAI_MAX_CHARS, Routes, Scheme, Speech, SpeechModel, Translating, WordPlace,
};
pub use providers::{DIALECTS_EXPECTED, KINDS_EXPECTED, Kind};
pub use speech_field::SpeechField;
