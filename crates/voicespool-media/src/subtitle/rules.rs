//! The rules of layout, as a person sets them.

use serde::{Deserialize, Serialize};

use crate::domain::AudioMillis;

/// How cues are laid out. Part of composing, so changing it sends nothing.
///
/// The defaults are those of the Netflix style guide for English (42 columns, two lines,
/// 20 frames to 7 seconds, two frames of gap at 24 frames a second, 20 characters a second):
/// <https://partnerhelp.netflixstudios.com/hc/en-us/articles/217350977>.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CueRules {
    /// Columns of one line (CJK counts two).
    pub max_columns: u16,
    pub max_lines: u8,
    /// Columns per second a reader can follow (characters, CJK counting two).
    pub max_cps: f64,
    pub min_duration: AudioMillis,
    pub max_duration: AudioMillis,
    /// Between cues that are not chained.
    pub min_gap: AudioMillis,
}

/// Milliseconds of a day: no cue stands longer, so that sums of times cannot overflow.
const DAY: u64 = 86_400_000;

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

impl CueRules {
    /// Columns of a line: at least two, so that any one character fits.
    pub(super) fn columns(&self) -> usize {
        usize::from(self.max_columns.max(2))
    }

    /// Lines of a cue: at least one.
    pub(super) fn lines(&self) -> usize {
        usize::from(self.max_lines.max(1))
    }

    /// The longest a cue may stand, in milliseconds: never less than the shortest.
    pub(super) fn longest(&self) -> u64 {
        self.max_duration.0.max(self.min_duration.0).clamp(1, DAY)
    }

    /// Milliseconds a reader needs for `columns`; zero when the limit is no speed
    /// (zero, negative or not a number).
    pub(super) fn reading_time(&self, columns: usize) -> u64 {
        if !(self.max_cps.is_finite() && self.max_cps > 0.0) {
            return 0;
        }
        let columns = f64::from(u32::try_from(columns).unwrap_or(u32::MAX));
        AudioMillis::from_seconds((columns * 1000.0 / self.max_cps).ceil() / 1000.0).0
    }

    /// Milliseconds a cue of `columns` should stand: to be read and not to flash by.
    pub(super) fn wanted(&self, columns: usize) -> u64 {
        self.reading_time(columns)
            .max(self.min_duration.0)
            .min(self.longest())
    }
}
