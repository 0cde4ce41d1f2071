//! Whether a file is all there, as far as its format can tell.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::audio::adts;
use crate::audio::check::CheckError;
use crate::audio::container::Container;
use crate::audio::decode::{Decoded, Shape};
use crate::audio::mp3::{FrameError, FrameHeader, Info, Scanner};
use crate::audio::ogg::{self, OpusHead, PageError};

/// What remains to be done after the structure is sound.
pub(crate) enum Verdict {
    /// Decode it; it must come to at least this many frames where that is stated.
    Decode { frames: Option<u64> },
    /// There is no decoder; this is what the container says.
    Measured(Decoded),
}

/// Checks the structure of `file`.
pub(crate) fn check(file: &mut File, container: Container) -> Result<Verdict, CheckError> {
    let frames = match container {
        Container::Mp3 => {
            check_mp3(file)?;
            None
        }
        Container::Flac => flac_frames(file)?,
        Container::Ogg => return check_ogg(file),
        Container::Adts => {
            let counted = adts::count_samples(&mut BufReader::new(file)).map_err(CheckError::Io)?;
            counted
                .map_err(|at| CheckError::Truncated(format!("no whole frame at offset {at}")))?;
            None
        }
        _ => None,
    };
    Ok(Verdict::Decode { frames })
}

/// Compares what was decoded with what was stated.
pub(crate) fn compare(stated: Option<u64>, decoded: u64) -> Result<(), CheckError> {
    match stated {
        Some(stated) if decoded < stated => Err(CheckError::Truncated(format!(
            "{decoded} of {stated} frames are there"
        ))),
        Some(stated) if decoded > stated => Err(CheckError::Damaged(format!(
            "{decoded} frames where {stated} are stated"
        ))),
        _ => Ok(()),
    }
}

/// Bytes in front of the first frame that decoders skip and some encoders leave.
const LEADING_JUNK: u64 = 2048;

/// Frame after frame to the last byte, all of one kind, as many as an info frame promises.
fn check_mp3(file: &mut File) -> Result<(), CheckError> {
    let mut scanner = Scanner::new(BufReader::new(file)).map_err(CheckError::Io)?;
    let mut first: Option<FrameHeader> = None;
    let (mut promised, mut counted) = (None, 0u64);
    while let Some(step) = scanner.next_frame().map_err(CheckError::Io)? {
        match (step, first) {
            (Ok(frame), None) => {
                first = Some(frame.header);
                match Info::of(&frame) {
                    Some(info) => promised = info.frames.map(u64::from),
                    None => counted = 1,
                }
            }
            (Ok(frame), Some(first)) if frame.header.continues(first) => counted += 1,
            (Ok(frame), Some(_)) => {
                let at = frame.offset;
                return Err(CheckError::Damaged(format!(
                    "the kind of MP3 changes at offset {at}"
                )));
            }
            (Err(FrameError::Junk { offset, len }), None) if offset + len <= LEADING_JUNK => {}
            (Err(fault @ FrameError::Truncated { .. }), _) => {
                return Err(CheckError::Truncated(fault.to_string()));
            }
            (Err(fault), _) => return Err(CheckError::Damaged(fault.to_string())),
        }
    }
    match promised {
        Some(promised) if promised > counted => Err(CheckError::Truncated(format!(
            "{counted} of {promised} MPEG frames are there"
        ))),
        _ if counted == 0 => Err(CheckError::NoSound),
        _ => Ok(()),
    }
}

/// Frames stated in a FLAC's STREAMINFO; 0 there means unknown (RFC 9639, 8.2).
fn flac_frames(file: &mut File) -> Result<Option<u64>, CheckError> {
    let mut head = Vec::with_capacity(26);
    file.take(26)
        .read_to_end(&mut head)
        .map_err(CheckError::Io)?;
    file.seek(SeekFrom::Start(0)).map_err(CheckError::Io)?;
    let Some(&[high, a, b, c, d]) = head.get(21..26) else {
        return Err(CheckError::Truncated(
            "the FLAC ends inside its header".to_owned(),
        ));
    };
    let frames = (u64::from(high & 0x0f) << 32) | u64::from(u32::from_be_bytes([a, b, c, d]));
    Ok((frames > 0).then_some(frames))
}

/// Whole pages to the last, with Opus in them.
fn check_ogg(file: &mut File) -> Result<Verdict, CheckError> {
    let pages = ogg::walk(&mut BufReader::new(file)).map_err(CheckError::Io)?;
    let pages = pages.map_err(|error| match error {
        PageError::Cut(_) | PageError::NoLastPage => CheckError::Truncated(error.to_string()),
        _ => CheckError::Damaged(error.to_string()),
    })?;
    let opus = OpusHead::parse(&pages.first_packet);
    let opus = opus.ok_or_else(|| CheckError::Damaged("the Ogg carries no Opus".to_owned()))?;
    Ok(Verdict::Measured(Decoded {
        shape: Shape {
            sample_rate: 48_000,
            channels: opus.channels,
        },
        frames: pages.last_position.saturating_sub(u64::from(opus.pre_skip)),
    }))
}
