//! From timed words to cues, and from cues to documents.

use serde::{Deserialize, Serialize};

use crate::domain::AudioMillis;

/// How cues are laid out. Part of composing, so changing it sends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CueRules {
    /// Columns of one line (CJK counts two).
    pub max_columns: u16,
    pub max_lines: u8,
    /// Characters per second a reader can follow.
    pub max_cps: f64,
    pub min_duration: AudioMillis,
    pub max_duration: AudioMillis,
    /// Between cues that are not chained.
    pub min_gap: AudioMillis,
}

impl Default for CueRules {
    fn default() -> Self {
        Self {
            max_columns: 42,
            max_lines: 2,
            max_cps: 20.0,
            min_duration: AudioMillis(833),
            max_duration: AudioMillis(7000),
            min_gap: AudioMillis(83),
        }
    }
}
