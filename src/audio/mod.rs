//! Reading, checking, joining and writing audio.

/// When an answer counts as speech.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeechCheck {
    /// Fewest characters per second of audio (slower is padding or noise).
    pub min_cps: f64,
    /// Most characters per second of audio (faster is truncated).
    pub max_cps: f64,
}

impl Default for SpeechCheck {
    fn default() -> Self {
        Self {
            min_cps: 6.0,
            max_cps: 28.0,
        }
    }
}
