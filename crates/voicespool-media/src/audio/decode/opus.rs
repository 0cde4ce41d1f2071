//! Opus, in Ogg or Matroska, one stream of at most two channels.
//!
//! Opus is 48 kHz whatever it was made from. The decoder's warming up (pre-skip) is dropped, and so is what is behind
//! the end that an Ogg states (RFC 7845, 4).

use ropus::{Channels, DecodeMode, Decoder};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::FormatReader;

use crate::audio::decode::{DecodeError, Decoded, Shape, guarded};
use crate::audio::ogg::OpusHead;
use crate::domain::AudioMillis;

/// Frames a second.
const RATE: u32 = 48_000;
/// Frames of the longest packet: 120 ms.
const LONGEST: usize = 5_760;

/// Decodes the packets of `track`, whose sound is `params`; `stated` is how many frames it has with the warming up,
/// if the container says so.
pub(super) fn decode<E: From<DecodeError>>(
    format: &mut dyn FormatReader,
    (track, params, stated): (u32, &AudioCodecParameters, Option<u64>),
    mut sink: impl FnMut(Shape, &[i16]) -> Result<(), E>,
) -> Result<Decoded, E> {
    let head = params.extra_data.as_deref().and_then(OpusHead::parse);
    let channels = head.map_or(1, |head| head.channels);
    let kind = match channels {
        1 => Channels::Mono,
        2 => Channels::Stereo,
        _ => {
            return Err(DecodeError::NoDecoder {
                codec: format!("opus of {channels} channels"),
                source: SymphoniaError::Unsupported("more than two channels"),
            }
            .into());
        }
    };
    let broken = |at_ms| move |source| DecodeError::Broken { at_ms, source };
    let mut decoder = Decoder::new(RATE, kind)
        .map_err(|_| broken(0)(SymphoniaError::DecodeError("the decoder does not begin")))?;
    let shape = Shape {
        sample_rate: RATE,
        channels,
    };
    let width = usize::from(channels);
    let mut block = vec![0; LONGEST * width];
    let mut skip = head.map_or(0, |head| usize::from(head.pre_skip));
    let pre_skip = count(skip);
    let most = stated.map_or(u64::MAX, |stated| stated.saturating_sub(pre_skip));
    let mut frames = 0_u64;
    loop {
        let at_ms = AudioMillis::of_frames(frames, RATE).0;
        let Some(packet) = guarded(|| format.next_packet()).map_err(broken(at_ms))? else {
            break;
        };
        if packet.track_id != track {
            continue;
        }
        let made = guarded(|| {
            decoder
                .decode(&packet.data, &mut block, DecodeMode::Normal)
                .map_err(|_| SymphoniaError::DecodeError("a packet is no Opus"))
        })
        .map_err(broken(at_ms))?;
        let from = skip.min(made);
        skip -= from;
        let left = usize::try_from(most - frames).unwrap_or(usize::MAX);
        let to = made.min(from.saturating_add(left));
        frames += count(to - from);
        if to > from {
            sink(shape, &block[from * width..to * width])?;
        }
    }
    if frames == 0 {
        return Err(DecodeError::NoTrack.into());
    }
    Ok(Decoded { shape, frames })
}

fn count(frames: usize) -> u64 {
    u64::try_from(frames).unwrap_or(u64::MAX)
}
