//! Proof that a joined file is what was meant: it is read back from disk.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::audio::container::Container;
use crate::audio::decode::{DecodeError, decode, read_container};
use crate::audio::join::Joined;
use crate::audio::level::Meter;
use crate::audio::loudness::LoudnessMeter;
use crate::audio::mp3::{FrameError, Info, Scanner};
use crate::audio::resample::frames_at;
use crate::domain::{AudioMillis, FileFormat};

/// How loud a file is, measured on what was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proof {
    /// In LUFS.
    pub loudness: f64,
    /// In dBTP.
    pub true_peak: f64,
    /// Root mean square of all of it, and the largest sample, in dB of full scale.
    pub rms: f64,
    pub peak: f64,
}

/// How a joined file differs from what was meant.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the joined file could not be read")]
    Io(#[source] io::Error),
    #[error("the joined file does not decode to its end")]
    Decode(#[from] DecodeError),
    #[error("the joined file is no {0}")]
    Format(FileFormat),
    #[error("the joined file is damaged as an MP3")]
    Frames(#[source] FrameError),
    #[error("the joined file has {found} {what} where {expected} were written")]
    Differs {
        what: &'static str,
        expected: u64,
        found: u64,
    },
    #[error("the clips do not lie one after another within the joined file")]
    Spans,
}

/// Decodes the file at `path` to its end and compares it with what [`join`](super::join) said
/// it wrote: format, rate, channels, every frame. A WAV's size, a FLAC's checksum, an MP3's
/// frame chain and info frame are checked as well.
pub fn verify_joined(
    path: &Path,
    joined: &Joined,
    format: FileFormat,
) -> Result<Option<Proof>, VerifyError> {
    let mut file = File::open(path).map_err(VerifyError::Io)?;
    let container = read_container(&mut file).map_err(VerifyError::Io)?;
    if !container.is_some_and(|container| container.is_file(format)) {
        return Err(VerifyError::Format(format));
    }
    match container {
        Some(Container::Mp3) => verify_frames(file, joined)?,
        Some(Container::Wav) => verify_riff_size(&mut file)?,
        _ => {}
    }
    let mut meter: Option<LoudnessMeter> = None;
    let mut levels: Option<Meter> = None;
    let decoded = decode::<DecodeError>(path, |shape, samples| {
        if joined.level.is_some() {
            let meter = meter.get_or_insert_with(|| LoudnessMeter::with_peaks(shape));
            meter.add(samples);
            levels.get_or_insert_with(|| Meter::new(shape)).add(samples);
        }
        Ok(())
    })?;
    same(
        "channels",
        joined.channels.into(),
        decoded.shape.channels.into(),
    )?;
    let rate = joined.coded_rate.unwrap_or(joined.sample_rate);
    same(
        "frames a second",
        rate.into(),
        decoded.shape.sample_rate.into(),
    )?;
    same(
        "frames",
        frames_at(joined.frames, joined.sample_rate, rate),
        decoded.frames,
    )?;
    verify_spans(joined)?;
    let levels = levels.map(Meter::finish).unwrap_or_default();
    let decibels = |level: u16| 20.0 * (f64::from(level) / 32_768.0).log10();
    Ok(meter.and_then(|meter| {
        Some(Proof {
            rms: decibels(levels.rms),
            peak: decibels(levels.peak),
            loudness: meter.integrated()?,
            true_peak: meter.true_peak()?,
        })
    }))
}

fn same(what: &'static str, expected: u64, found: u64) -> Result<(), VerifyError> {
    if expected == found {
        return Ok(());
    }
    Err(VerifyError::Differs {
        what,
        expected,
        found,
    })
}

/// Nothing is missing behind the samples and nothing is left over.
fn verify_riff_size(file: &mut File) -> Result<(), VerifyError> {
    let mut head = [0; 8];
    file.read_exact(&mut head).map_err(VerifyError::Io)?;
    let [_, _, _, _, size @ ..] = head;
    let length = file.metadata().map_err(VerifyError::Io)?.len();
    same("bytes", u64::from(u32::from_le_bytes(size)) + 8, length)
}

/// Frame after frame without a byte between them, as many as the info frame says.
fn verify_frames(file: File, joined: &Joined) -> Result<(), VerifyError> {
    let mut scanner = Scanner::new(BufReader::new(file)).map_err(VerifyError::Io)?;
    let body = scanner.body_bytes();
    let (mut info, mut samples, mut counted) = (None, 0u64, 0u64);
    while let Some(step) = scanner.next_frame().map_err(VerifyError::Io)? {
        let frame = step.map_err(VerifyError::Frames)?;
        if frame.offset == 0 {
            info = Info::of(&frame);
            continue;
        }
        counted += 1;
        samples += u64::from(frame.header.samples);
    }
    let info = info.unwrap_or_default();
    let stated = |number: Option<u32>| number.map_or(0, u64::from);
    same("MPEG frames", stated(info.frames), counted)?;
    same("bytes of MPEG frames", stated(info.bytes), body)?;
    let rate = joined.coded_rate.unwrap_or(joined.sample_rate);
    let coded = u64::from(info.delay) + u64::from(info.padding);
    let frames = frames_at(joined.frames, joined.sample_rate, rate);
    same("frames", frames, samples.saturating_sub(coded))
}

fn verify_spans(joined: &Joined) -> Result<(), VerifyError> {
    let mut end = AudioMillis(0);
    for span in &joined.clips {
        if span.start < end || span.end < span.start || span.end > joined.duration {
            return Err(VerifyError::Spans);
        }
        end = span.end;
    }
    Ok(())
}
