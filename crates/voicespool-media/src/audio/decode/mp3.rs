//! MP3 frames through symphonia's decoder, without its reader.
//!
//! That reader steps over junk, ends quietly in the middle of a frame and believes a
//! Xing frame that streaming encoders leave empty, which silences the whole file. Here the
//! frames come from [`crate::audio::mp3`] and an info frame counts only when it is right.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoderOptions};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use crate::audio::decode::{DecodeError, Decoded, Shape, copy, guarded};
use crate::audio::mp3::{FrameError, FrameHeader, Info, Scanner};
use crate::domain::AudioMillis;

/// What a decoder of layer III adds in front of everything.
const DECODER_DELAY: u64 = 529;

/// Which sample frames of a stream are the encoder's input.
struct Window {
    first: FrameHeader,
    has_info: bool,
    skip: u64,
    keep: u64,
}

/// What is no frame, and a frame that does not decode, is an error; if `is_tolerant`, the first is passed over and the
/// second is silence, so that what is behind it keeps its time.
pub(crate) fn decode<E: From<DecodeError>>(
    mut file: File,
    is_tolerant: bool,
    mut sink: impl FnMut(Shape, &[i16]) -> Result<(), E>,
) -> Result<Decoded, E> {
    let window = measure(&mut file, is_tolerant)?;
    let shape = Shape {
        sample_rate: window.first.sample_rate,
        channels: window.first.channels,
    };
    let mut params = AudioCodecParameters::new();
    params
        .for_codec(CODEC_ID_MP3)
        .with_sample_rate(shape.sample_rate);
    let broken = |at_ms| move |source| DecodeError::Broken { at_ms, source };
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&params, &AudioDecoderOptions::default())
        .map_err(broken(0))?;
    let mut scanner = Scanner::new(BufReader::new(file)).map_err(DecodeError::Io)?;
    let mut block = Vec::new();
    let (mut at, mut done, mut is_info) = (0u64, 0u64, window.has_info);
    while let Some(step) = scanner.next_frame().map_err(DecodeError::Io)? {
        let frame = match step {
            Ok(_) if std::mem::take(&mut is_info) => continue,
            Ok(frame) => frame,
            Err(_) => continue, // `measure` saw to that
        };
        let at_ms = AudioMillis::of_frames(at, shape.sample_rate).0;
        if !frame.header.continues(window.first) {
            return Err(DecodeError::Changes { at_ms }.into());
        }
        let length = Duration::from(u64::from(frame.header.samples));
        let packet = Packet::new(0, Timestamp::new(0), length, frame.bytes);
        let frames = u64::from(frame.header.samples);
        match guarded(|| decoder.decode(&packet)) {
            Ok(buffer) => copy(&buffer, &mut block),
            Err(_) if is_tolerant => {
                block.clear();
                let samples = usize::try_from(frames).unwrap_or(0);
                block.resize(samples * usize::from(shape.channels), 0);
            }
            Err(source) => return Err(broken(at_ms)(source).into()),
        }
        let from = window.skip.saturating_sub(at).min(frames);
        let to = (window.skip + window.keep).saturating_sub(at).min(frames);
        let sample = |frame: u64| usize::try_from(frame * u64::from(shape.channels)).unwrap_or(0);
        if let Some(heard) = block
            .get(sample(from)..sample(to))
            .filter(|heard| !heard.is_empty())
        {
            sink(shape, heard)?;
            done += to - from;
        }
        at += frames;
    }
    Ok(Decoded {
        shape,
        frames: done,
    })
}

/// Walks the file once: faults, the number of frames, and what of them is sound.
fn measure(file: &mut (impl Read + Seek), is_tolerant: bool) -> Result<Window, DecodeError> {
    let mut scanner = Scanner::new(BufReader::new(file))?;
    let mut first: Option<(FrameHeader, Option<Info>)> = None;
    let mut counted = 0u64;
    while let Some(step) = scanner.next_frame()? {
        match step {
            Ok(frame) => {
                first.get_or_insert_with(|| (frame.header, Info::of(&frame)));
                counted += 1;
            }
            Err(FrameError::Junk { .. }) if first.is_none() => {}
            Err(_) if is_tolerant => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    let (first, info) = first.ok_or(DecodeError::NoTrack)?;
    let counted = counted - u64::from(info.is_some());
    let samples = counted * u64::from(first.samples);
    let trusted = info.filter(|info| {
        info.frames.map(u64::from) == Some(counted) && info.delay + info.padding > 0
    });
    let (skip, keep) = trusted.map_or((0, samples), |info| {
        let added = u64::from(info.delay) + u64::from(info.padding);
        (
            u64::from(info.delay) + DECODER_DELAY,
            samples.saturating_sub(added),
        )
    });
    Ok(Window {
        first,
        has_info: info.is_some(),
        skip,
        keep,
    })
}
