//! Containers read by symphonia: tracks, stated durations, walking packets.

use std::fs::File;
use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::units::TimeBase;

use crate::audio::container::Container;
use crate::audio::decode::{codec_name, guarded, open};
use crate::audio::ogg::OpusHead;
use crate::audio::probe::{AudioFacts, Measured, ProbeError};
use crate::domain::AudioMillis;

pub(crate) fn probe(file: File, container: Container) -> Result<AudioFacts, ProbeError> {
    let damaged = |source| ProbeError::Damaged { container, source };
    let mut format = open(file, container).map_err(damaged)?;
    let track = format
        .default_track(TrackType::Audio)
        .ok_or(ProbeError::NoAudio { container })?
        .clone();
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio())
        .ok_or(ProbeError::NoAudio { container })?;
    let (sample_rate, channels) = shape_of(params, container)?;
    let stated = stated(format.as_ref(), &track, container, sample_rate);
    let believed = stated.filter(|_| is_believed(container, format.tracks().len()));
    let (duration, frames, how) = if let Some((duration, frames)) = believed {
        (duration, frames, Measured::Header)
    } else {
        let walked = walk(format.as_mut(), &track, params).map_err(damaged)?;
        let frames = walked.frames(sample_rate);
        (walked.duration(), frames, Measured::PacketWalk)
    };
    // A frame less is rounding.
    let cut_from = stated
        .filter(|(stated, _)| container == Container::Flac && duration.0 + 200 < stated.0)
        .map(|(stated, _)| stated);
    Ok(AudioFacts {
        container,
        codec: codec_name(params),
        sample_rate,
        channels,
        duration,
        frames,
        how,
        cut_from,
    })
}

/// Whether what the header states is the length of the sound that is there. FLAC's stands in front of
/// all frames, however few came; Matroska's is that of the longest track, a picture's perhaps.
fn is_believed(container: Container, tracks: usize) -> bool {
    match container {
        Container::Flac => false,
        Container::WebM => tracks == 1,
        _ => true,
    }
}

/// Rate and channels, from the codec's own header where the container does not say.
fn shape_of(params: &AudioCodecParameters, container: Container) -> Result<(u32, u16), ProbeError> {
    let opus = params.extra_data.as_deref().and_then(OpusHead::parse);
    let channels = params
        .channels
        .as_ref()
        .and_then(|channels| u16::try_from(channels.count()).ok())
        .or(opus.map(|opus| opus.channels));
    let is_opus = params.codec == CODEC_ID_OPUS;
    let sample_rate = if is_opus {
        Some(48_000)
    } else {
        params.sample_rate
    };
    let missing = |what| ProbeError::Silent { container, what };
    Ok((
        sample_rate
            .filter(|&rate| rate > 0)
            .ok_or(missing("sample rate"))?,
        channels
            .filter(|&count| count > 0)
            .ok_or(missing("channels"))?,
    ))
}

/// What the container states, if it is more than a guess: the track's own duration, else that
/// of the whole file.
fn stated(
    format: &dyn FormatReader,
    track: &Track,
    container: Container,
    sample_rate: u32,
) -> Option<(AudioMillis, Option<u64>)> {
    if container == Container::Adts {
        return None; // symphonia estimates from the bit rate
    }
    let info = format.media_info();
    let in_millis = |ticks: u64, base: TimeBase| {
        let scaled = u128::from(ticks) * u128::from(base.numer.get()) * 1000;
        let rounded = (scaled + u128::from(base.denom.get()) / 2) / u128::from(base.denom.get());
        AudioMillis(u64::try_from(rounded).unwrap_or(u64::MAX))
    };
    let of_track = track.duration.zip(track.time_base);
    let of_file = info
        .duration
        .zip(info.time_base)
        .filter(|(ticks, _)| !ticks.is_zero());
    let (ticks, base) = of_track.or(of_file).filter(|(ticks, _)| !ticks.is_zero())?;
    // An MP4's track counts the encoder's priming, which the edit list takes off the movie.
    if let Some((whole, unit)) = of_file.filter(|_| container == Container::Mp4) {
        let (whole, track) = (in_millis(whole.get(), unit), in_millis(ticks.get(), base));
        if whole < track {
            return Some((whole, None));
        }
    }
    let exact = of_track.is_some() && base.numer.get() == 1 && base.denom.get() == sample_rate;
    let mut ticks = ticks.get();
    if container == Container::Ogg && exact {
        // The last page's position counts the pre-skip (RFC 7845, 4); symphonia leaves it in.
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio());
        let opus = params.and_then(|params| OpusHead::parse(params.extra_data.as_deref()?));
        ticks = ticks.saturating_sub(opus.map_or(0, |opus| u64::from(opus.pre_skip)));
    }
    let frames = if exact { Some(ticks) } else { track.num_frames };
    Some((in_millis(ticks, base), frames))
}

/// Where the packets of a track begin and end, in ticks of its time base.
struct Walked {
    ticks: u64,
    base: TimeBase,
}

impl Walked {
    fn duration(&self) -> AudioMillis {
        let scaled = u128::from(self.ticks) * u128::from(self.base.numer.get()) * 1000;
        let denom = u128::from(self.base.denom.get());
        AudioMillis(u64::try_from((scaled + denom / 2) / denom).unwrap_or(u64::MAX))
    }

    fn frames(&self, sample_rate: u32) -> Option<u64> {
        let exact = self.base.numer.get() == 1 && self.base.denom.get() == sample_rate;
        exact.then_some(self.ticks)
    }
}

/// Looks at every packet. Running out of file ends the walk like the last packet does.
fn walk(
    format: &mut dyn FormatReader,
    track: &Track,
    params: &AudioCodecParameters,
) -> Result<Walked, SymphoniaError> {
    let base = track
        .time_base
        .ok_or(SymphoniaError::Unsupported("a track without a time base"))?;
    let (mut start, mut end, mut summed) = (i64::MAX, i64::MIN, 0u64);
    loop {
        let packet = match guarded(|| format.next_packet()) {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(SymphoniaError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                break;
            }
            Err(error) => return Err(error),
        };
        if packet.track_id != track.id {
            continue;
        }
        let mut length = packet.dur.get();
        if length == 0 && params.codec == CODEC_ID_OPUS {
            length = ticks_of(opus_frames(&packet.data), base);
        }
        start = start.min(packet.pts.get());
        end = end.max(packet.pts.get().saturating_add_unsigned(length));
        summed = summed.saturating_add(length);
    }
    let spanned = end.saturating_sub(start);
    // Fragments whose clock starts anew would overlap; their sum is the truth then.
    let ticks = u64::try_from(spanned).unwrap_or(0).max(summed);
    Ok(Walked { ticks, base })
}

/// Frames at 48 kHz in ticks of `base`, to the nearest.
fn ticks_of(frames: u64, base: TimeBase) -> u64 {
    let denom = 48_000 * u128::from(base.numer.get());
    let scaled = u128::from(frames) * u128::from(base.denom.get());
    u64::try_from((scaled + denom / 2) / denom).unwrap_or(u64::MAX)
}

/// Frames at 48 kHz in one Opus packet (RFC 6716, 3.1 and 3.2).
fn opus_frames(packet: &[u8]) -> u64 {
    let Some(&toc) = packet.first() else { return 0 };
    let one = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |byte| u64::from(byte & 0x3f)),
    };
    one * count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opus_packet_tells_its_own_length() {
        let cases: &[(&[u8], u64)] = &[
            (&[], 0),
            (&[0b0000_1000], 960),               // SILK, 20 ms, one frame
            (&[0b0001_1001], 5760),              // SILK, 60 ms, two frames
            (&[0b0110_0000], 480),               // hybrid, 10 ms
            (&[0b1000_0010], 240),               // CELT, 2.5 ms, two frames
            (&[0b1111_1011, 0b0000_0011], 2880), // CELT, 20 ms, three frames
        ];

        for (packet, frames) in cases {
            assert_eq!(opus_frames(packet), *frames, "{packet:?}");
        }
    }
}
