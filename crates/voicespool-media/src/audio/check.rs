//! Is it speech? Asked of every answer before it counts.
//!
//! A body with status 200 may be an error page, a file cut in transit, silence, or
//! half of what was asked for. Promise: `Ok` means the file begins as what was asked
//! for, is whole as far as its format can tell, decodes to its last sample, can be
//! heard, and lasts about as long as its text takes to say.
//!
//! What cannot be known: an MP3 without an info frame, ADTS, a streamed WAV or a FLAC of
//! unstated length, cut exactly between two frames, is a valid shorter file; then only the
//! pace speaks, and it sees no loss of less than about half of the text. Opus is not decoded
//! here: pages and pace are checked, not the sound. Whether the *words* are right, nothing
//! here knows.
//!
//! Whether the last word is cut is not judged. Of 35 whole clips at hand (Pico, espeak, people)
//! none ended in its last 20 ms louder than a third of its own speech, and a limit at one
//! half would find 45 % of random cuts; but no clip of the voices that are paid for was among
//! them, and a false alarm is paid for at every retry.

mod pace;
mod whole;

pub use pace::SpokenLength;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use symphonia::core::errors::Error as SymphoniaError;

use crate::audio::container::{Container, HEAD_BYTES, TextBody, first_bytes, sniff};
use crate::audio::decode::{DecodeError, Decoded, decode};
use crate::audio::level::{Levels, Meter};
use crate::domain::units::counted;
use crate::domain::{AudioFormat, AudioMillis, CharCount};

/// When an answer counts as speech.
///
/// With `c` characters of prose, audible speech (what is left without silence at the ends)
/// must last at least `c / max_cps − 1.5 s`, and the clip without up to 2 s of silence at
/// each end at most `c / min_cps + 1.5 s`. So a text under 42 characters is never too
/// short and one word may take 1.5 s. What says more with a character (ideographs, digits,
/// signs, capitals in a row) counts for more of them: [`SpokenLength`].
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

/// What a clip that passed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipFacts {
    pub format: AudioFormat,
    /// Frames per second.
    pub sample_rate: u32,
    pub channels: u16,
    /// Frames that decode, without what the encoder says is its own padding.
    pub frames: u64,
    pub duration: AudioMillis,
}

/// Why an answer is not speech. All but [`CheckError::Io`] blame the answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("the file could not be read")]
    Io(#[source] io::Error),
    #[error("the answer is empty")]
    Empty,
    #[error("the answer is no audio but {0}")]
    NotAudio(TextBody),
    #[error("the answer is no {expected} and begins like nothing known ({head})")]
    Unknown {
        expected: AudioFormat,
        /// The first bytes in hexadecimal.
        head: String,
    },
    #[error("the answer is {found} where {expected} was asked for")]
    WrongContainer {
        expected: AudioFormat,
        found: Container,
    },
    /// Raw samples carry nothing to check: put a WAV header in front first.
    #[error("raw samples without a header cannot be checked")]
    Headerless,
    #[error("the answer breaks off: {0}")]
    Truncated(String),
    #[error("the answer is damaged: {0}")]
    Damaged(String),
    #[error("the answer does not decode to its end")]
    Undecodable(#[source] DecodeError),
    #[error("the answer holds no sound")]
    NoSound,
    #[error("the answer is silent (peak {peak} of 32768, mean {rms})")]
    Silent { peak: u16, rms: u16 },
    #[error("{chars} cannot be said in {} s", audible.seconds(), chars = counted(chars.0, "character"))]
    TooShort {
        chars: CharCount,
        audible: AudioMillis,
    },
    #[error("{} s are too long for {chars}", duration.seconds(), chars = counted(chars.0, "character"))]
    TooLong {
        chars: CharCount,
        duration: AudioMillis,
    },
}

impl From<DecodeError> for CheckError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Io(error) => Self::Io(error),
            DecodeError::Truncated { stated, found } => {
                Self::Truncated(format!("{found} of {stated} bytes of samples are there"))
            }
            DecodeError::Broken {
                at_ms,
                source: SymphoniaError::IoError(error),
            } if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Truncated(format!("it ends after {at_ms} ms"))
            }
            other => Self::Undecodable(other),
        }
    }
}

/// Below this peak (−50 dBFS) nobody speaks.
const SILENT_PEAK: u16 = 104;
/// Nor below this mean (−70 dBFS).
const SILENT_RMS: u16 = 10;

/// Checks that the file at `path` is speech of a text of this `length` in the format asked for.
pub fn check_speech(
    path: &Path,
    expected: AudioFormat,
    length: &SpokenLength,
    rules: &SpeechCheck,
) -> Result<ClipFacts, CheckError> {
    let mut file = File::open(path).map_err(CheckError::Io)?;
    let container = container_of(&mut file, expected)?;
    let (decoded, levels) = match whole::check(&mut file, container)? {
        whole::Verdict::Measured(decoded) => (decoded, None),
        whole::Verdict::Decode { frames } => {
            let (decoded, levels) = listen(path)?;
            whole::compare(frames, decoded.frames)?;
            (decoded, Some(levels))
        }
    };
    if decoded.frames == 0 {
        return Err(CheckError::NoSound);
    }
    if let Some(Levels { peak, rms, .. }) = levels
        && (peak < SILENT_PEAK || rms < SILENT_RMS)
    {
        return Err(CheckError::Silent { peak, rms });
    }
    pace::check(decoded.duration(), levels, length, rules)?;
    Ok(ClipFacts {
        format: expected,
        sample_rate: decoded.shape.sample_rate,
        channels: decoded.shape.channels,
        frames: decoded.frames,
        duration: decoded.duration(),
    })
}

/// The container of `file` if it is one that answers for `expected`.
fn container_of(file: &mut File, expected: AudioFormat) -> Result<Container, CheckError> {
    if expected == AudioFormat::Raw {
        return Err(CheckError::Headerless);
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    file.take(most)
        .read_to_end(&mut head)
        .map_err(CheckError::Io)?;
    file.rewind().map_err(CheckError::Io)?;
    if head.is_empty() {
        return Err(CheckError::Empty);
    }
    match sniff(&head) {
        Some(container) if container.answers(expected) => Ok(container),
        Some(found) => Err(CheckError::WrongContainer { expected, found }),
        None => Err(match TextBody::recognise(&head) {
            Some(text) => CheckError::NotAudio(text),
            None => CheckError::Unknown {
                expected,
                head: first_bytes(&head),
            },
        }),
    }
}

/// Decodes all of it.
fn listen(path: &Path) -> Result<(Decoded, Levels), CheckError> {
    let mut meter = None;
    let decoded = decode::<CheckError>(path, |shape, samples| {
        meter.get_or_insert_with(|| Meter::new(shape)).add(samples);
        Ok(())
    })?;
    let meter = meter.ok_or(CheckError::NoSound)?;
    Ok((decoded, meter.finish()))
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "test data is small"
)]
mod tests;
