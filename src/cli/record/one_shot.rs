//! The record of `tts` and `stt`.

use serde::Serialize;

use crate::domain::{CharCount, NanoUsd};

/// What was made, and what it cost.
#[derive(Debug, Serialize)]
pub(crate) struct OneShot {
    pub model: String,
    pub endpoint: String,
    /// `None`: the model has no price.
    pub cost: Option<NanoUsd>,
    pub cost_nano: Option<i64>,
    pub wasted: NanoUsd,
    pub wasted_nano: i64,
    pub in_doubt: NanoUsd,
    pub in_doubt_nano: i64,
    pub chars: CharCount,
    pub chars_sent: CharCount,
    pub audio_s: f64,
    pub audio_s_sent: f64,
    pub files: Vec<File>,
}

/// One input.
#[derive(Debug, Serialize)]
pub(crate) struct File {
    pub input: String,
    pub done: bool,
    pub outputs: Vec<String>,
}
