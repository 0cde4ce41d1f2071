//! Reading a provider's transcript: every form and dialect in, one [`Transcript`] out.
//!
//! Tolerant about shape: a JSON object in any dialect, events, lines of JSON, subtitles, or plain
//! text; times as numbers or text; fields of another type than known ones are passed over. Strict
//! about what would lose or invent words: JSON that is cut, an error in the place of a transcript,
//! and an absurd count are errors, never a panic and never a zero that the provider did not write.
//!
//! Times out of order stay as they are (a negative one becomes 0): repairing them is for
//! those who make subtitles.

mod body;
mod lenient;
#[cfg(test)]
mod tests;
mod wire;

use crate::domain::Transcript;
use crate::engine::rest::problem::Scrubber;

/// Most bytes of a transcript that are read.
pub const MAX_BYTES: usize = 64 << 20;

/// Why the bytes are no transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    #[error("the transcript is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Bytes that are no text in any encoding.
    #[error("the transcript is not text")]
    NotText,
    /// Position and reason are in the text; the cause itself may quote the transcript at
    /// any length and is left out.
    #[error("the transcript is not as expected: {reason}")]
    Json { reason: String },
    /// An error object under a status that promised success.
    #[error("the provider answered with an error: {words}")]
    Provider { words: String },
    #[error("the transcript holds neither text nor segments nor words")]
    Empty,
}

impl TranscriptError {
    fn json(reason: &str) -> Self {
        Self::Json {
            reason: Scrubber::default().tidy(reason),
        }
    }

    fn provider(words: &str) -> Self {
        Self::Provider {
            words: Scrubber::default().tidy(words),
        }
    }
}

/// Reads a transcript in any form that a known provider answers with.
///
/// # Errors
/// [`TranscriptError`] by kind.
pub fn parse_transcript(bytes: &[u8]) -> Result<Transcript, TranscriptError> {
    if bytes.len() > MAX_BYTES {
        return Err(TranscriptError::TooLarge);
    }
    body::read(&body::text(bytes)?)
}

/// Whether `bytes` have places that are no UTF-8, which were guessed.
pub fn has_guessed_bytes(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err()
}
