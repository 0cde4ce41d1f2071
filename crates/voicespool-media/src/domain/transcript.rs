//! What was said and when: word ⊂ segment. Times are milliseconds from the
//! start of the audio.

use serde::{Deserialize, Serialize};

use crate::domain::units::AudioMillis;

/// One spoken word as the provider timed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    pub start: AudioMillis,
    pub end: AudioMillis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

/// A stretch of speech as the provider cut it: from a phrase to a whole paragraph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub text: String,
    pub start: AudioMillis,
    pub end: AudioMillis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

/// Everything the provider said about one piece of audio.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    pub text: String,
    /// As the provider spells it (`en`, `english`); `None` if it does not say.
    pub language: Option<String>,
    /// As the provider measured it; `None` if it does not say.
    pub duration: Option<AudioMillis>,
    pub segments: Vec<Segment>,
    /// Empty when word times were not asked for or not given.
    pub words: Vec<Word>,
}
