//! How long a file is, and what is in it, without decoding it.
//!
//! Rule: the header is believed when it states a length that cannot be a guess – a WAV's
//! sizes, a Xing or VBRI frame whose byte count fits the file, a container's non-zero
//! duration. Otherwise the packets are walked. That beats the usual tools where they estimate
//! from the bit rate (MP3 without Xing, bare ADTS) and measures what has no decoder here
//! (Opus). A file that is shorter than its header promises is measured by what is there.
//!
//! Nothing here judges the sound; [`crate::audio::check`] does.

mod chain;
mod packets;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use symphonia::core::errors::Error as SymphoniaError;

use crate::audio::container::{Container, HEAD_BYTES, TextBody, first_bytes, sniff};
use crate::audio::mp3::{FrameHeader, Info, Scanner};
use crate::audio::wav::{self, Extent, WavError};
use crate::domain::AudioMillis;

/// How a duration was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// The header states it.
    Header,
    /// Every packet was looked at.
    PacketWalk,
}

/// What a file holds. Of several sound tracks, the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFacts {
    pub container: Container,
    /// Short lower-case name: `pcm_s16le`, `mp3`, `aac`, `opus`, ….
    pub codec: String,
    /// Frames per second; 48,000 for Opus whatever it was made from.
    pub sample_rate: u32,
    pub channels: u16,
    /// Without the encoder's own padding where the file states it. Never zero.
    pub duration: AudioMillis,
    /// The same in frames, where it is known to the frame.
    pub frames: Option<u64>,
    pub how: Measured,
    /// What the header promises, where the file ends before it.
    pub cut_from: Option<AudioMillis>,
}

/// Why a file cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("the file could not be read")]
    Io(#[from] io::Error),
    #[error("it is no regular file")]
    NotAFile,
    #[error("the file is empty")]
    Empty,
    #[error("it is no audio but {0}")]
    Text(TextBody),
    #[error("it begins like no audio that is known here ({head})")]
    Unknown {
        /// The first bytes in hexadecimal.
        head: String,
    },
    #[error("the {container} holds no sound track")]
    NoAudio { container: Container },
    #[error("the {container} holds no sound: its duration is zero")]
    ZeroDuration { container: Container },
    #[error(transparent)]
    Wav(#[from] WavError),
    #[error("the {container} is damaged")]
    Damaged {
        container: Container,
        #[source]
        source: SymphoniaError,
    },
    #[error("the {container} does not say its {what}")]
    Silent {
        container: Container,
        what: &'static str,
    },
}

/// Measures the file at `path`.
pub fn probe(path: &Path) -> Result<AudioFacts, ProbeError> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ProbeError::NotAFile);
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    (&mut file).take(most).read_to_end(&mut head)?;
    file.rewind()?;
    let facts = match sniff(past_zeros(&head)) {
        Some(Container::Wav) => probe_wav(file)?,
        // Only here zeros may stand in front: players look for the first frame.
        Some(Container::Mp3) => probe_mp3(file)?,
        Some(_) | None if head.first() == Some(&0) && sniff(&head).is_none() => {
            return Err(unknown(&head));
        }
        Some(Container::Ogg) => probe_ogg(file)?,
        Some(container) => packets::probe(file, container)?,
        None => return Err(unknown(&head)),
    };
    if facts.duration == AudioMillis(0) {
        let container = facts.container;
        return Err(ProbeError::ZeroDuration { container });
    }
    Ok(facts)
}

/// `head` without the zeros it begins with.
fn past_zeros(head: &[u8]) -> &[u8] {
    let zeros = head.iter().take_while(|byte| **byte == 0).count();
    // Some formats begin with a few.
    if zeros > 16 { &head[zeros..] } else { head }
}

fn probe_ogg(mut file: File) -> Result<AudioFacts, ProbeError> {
    let chained = chain::length(&mut file)?;
    let facts = packets::probe(file, Container::Ogg)?;
    Ok(match chained {
        None => facts,
        Some(duration) => AudioFacts {
            duration,
            frames: None,
            how: Measured::PacketWalk,
            ..facts
        },
    })
}

fn unknown(head: &[u8]) -> ProbeError {
    if head.is_empty() {
        return ProbeError::Empty;
    }
    match TextBody::recognise(head) {
        Some(text) => ProbeError::Text(text),
        None => ProbeError::Unknown {
            head: first_bytes(head),
        },
    }
}

fn probe_wav(file: File) -> Result<AudioFacts, ProbeError> {
    let header = wav::read_header(&mut BufReader::with_capacity(8 * 1024, file))?;
    Ok(AudioFacts {
        container: Container::Wav,
        codec: header.spec.format.as_str().to_owned(),
        sample_rate: header.spec.sample_rate,
        channels: header.spec.channels,
        duration: header.duration(),
        frames: Some(header.frames()),
        how: Measured::Header,
        cut_from: match header.extent {
            Extent::Missing { stated } => {
                let frames = stated / u64::from(header.spec.frame_bytes().max(1));
                Some(AudioMillis::of_frames(frames, header.spec.sample_rate))
            }
            Extent::Stated | Extent::Streamed => None,
        },
    })
}

/// A Xing or VBRI frame is believed when the bytes it counts are there, give or take what
/// taggers append; else all frames are counted, over junk and across a cut last frame.
fn probe_mp3(file: File) -> Result<AudioFacts, ProbeError> {
    let container = Container::Mp3;
    let mut scanner = Scanner::new(file)?;
    let body = scanner.body_bytes();
    let (mut first, mut info): (Option<FrameHeader>, Info) = (None, Info::default());
    let mut samples = 0u64;
    let mut how = Measured::PacketWalk;
    while let Some(step) = scanner.next_frame()? {
        let Ok(frame) = step else { continue };
        if first.is_none() {
            first = Some(frame.header);
            if let Some(found) = Info::of(&frame) {
                info = found;
                if let Some(frames) = found.frames.filter(|_| fits(found, body)) {
                    samples = u64::from(frames) * u64::from(frame.header.samples);
                    how = Measured::Header;
                    break;
                }
                continue;
            }
        }
        samples += u64::from(frame.header.samples);
    }
    let first = first.ok_or(ProbeError::NoAudio { container })?;
    let frames = samples.saturating_sub(u64::from(info.delay) + u64::from(info.padding));
    Ok(AudioFacts {
        container,
        codec: "mp3".to_owned(),
        sample_rate: first.sample_rate,
        channels: first.channels,
        duration: AudioMillis::of_frames(frames, first.sample_rate),
        frames: Some(frames),
        how,
        cut_from: info
            .frames
            .map(|stated| u64::from(stated) * u64::from(first.samples))
            .filter(|stated| *stated > samples)
            .map(|stated| AudioMillis::of_frames(stated, first.sample_rate)),
    })
}

/// Whether an info frame's byte count agrees with the file to within 2 % and 4 KiB.
fn fits(info: Info, body: u64) -> bool {
    info.bytes
        .is_some_and(|bytes| u64::from(bytes).abs_diff(body) <= body / 50 + 4096)
}

#[cfg(test)]
mod tests;
