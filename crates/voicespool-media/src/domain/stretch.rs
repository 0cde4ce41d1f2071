//! A part of a recording.

use crate::domain::AudioMillis;

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub start: AudioMillis,
    pub end: AudioMillis,
}

impl Stretch {
    pub fn length(self) -> AudioMillis {
        AudioMillis(self.end.0.saturating_sub(self.start.0))
    }
}
