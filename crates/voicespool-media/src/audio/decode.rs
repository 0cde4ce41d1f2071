//! Any file that can be decoded, as interleaved 16-bit blocks.
//!
//! Promise: strict. A packet that does not decode, a container that breaks off, a
//! FLAC whose checksum is wrong or a stream that changes its rate half-way is an
//! error, never a gap; nothing is skipped or repeated. Memory does not grow with the
//! file. WAV and the frames of MP3 are read by this room's own readers, the rest by
//! symphonia, which decodes all but WAV and Opus. Rounding to 16 bits: [`crate::audio::sample`].

mod mp3;
mod opus;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::{formats, meta};

use crate::audio::container::{Container, HEAD_BYTES, sniff};
use crate::audio::mp3::FrameError;
use crate::audio::mp4::{self, Heard};
use crate::audio::sample::from_float;
use crate::audio::wav::{self, Extent, WavError};
use crate::domain::AudioMillis;

/// The kind of samples a file decodes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Frames per second.
    pub sample_rate: u32,
    pub channels: u16,
}

/// What came out of a file that was decoded to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    pub shape: Shape,
    /// Frames handed on.
    pub frames: u64,
}

impl Decoded {
    pub fn duration(&self) -> AudioMillis {
        AudioMillis::of_frames(self.frames, self.shape.sample_rate)
    }
}

/// Why a file does not decode to its end.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the file could not be read")]
    Io(#[from] io::Error),
    #[error("it begins like no audio that is known here")]
    Unknown,
    #[error("the WAV cannot be read")]
    Wav(#[from] WavError),
    #[error("the samples break off: {found} of {stated} bytes are there")]
    Truncated { stated: u64, found: u64 },
    #[error("it is not one MP3 frame after another")]
    Frames(#[from] FrameError),
    #[error("it holds no sound track")]
    NoTrack,
    #[error("there is no decoder for `{codec}` here")]
    NoDecoder {
        codec: String,
        #[source]
        source: SymphoniaError,
    },
    #[error("it does not decode beyond {at_ms} ms")]
    Broken {
        at_ms: u64,
        #[source]
        source: SymphoniaError,
    },
    #[error("the sample rate or the channels change at {at_ms} ms")]
    Changes { at_ms: u64 },
    #[error("the decoded sound has another checksum than the file states")]
    Checksum,
}

/// Decodes the file at `path` to its end, handing blocks of whole frames to `sink` with their
/// shape, which is the same for all blocks.
///
/// # Errors
/// The sink's own error ends decoding and comes back as it is.
pub fn decode<E: From<DecodeError>>(
    path: &Path,
    sink: impl FnMut(Shape, &[i16]) -> Result<(), E>,
) -> Result<Decoded, E> {
    let mut file = File::open(path).map_err(DecodeError::Io)?;
    let container = read_container(&mut file).map_err(DecodeError::Io)?;
    match container.ok_or(DecodeError::Unknown)? {
        Container::Wav => decode_wav(file, sink),
        Container::Mp3 => mp3::decode(file, false, sink),
        other => decode_packets(file, other, sink),
    }
}

/// The same for a recording that was not made here: junk between the frames of an MP3 is passed over, and a frame that
/// does not decode is silence. The caller looks whether as much came out as there is.
pub(crate) fn decode_tolerant<E: From<DecodeError>>(
    path: &Path,
    sink: impl FnMut(Shape, &[i16]) -> Result<(), E>,
) -> Result<Decoded, E> {
    let mut file = File::open(path).map_err(DecodeError::Io)?;
    match read_container(&mut file).map_err(DecodeError::Io)? {
        Some(Container::Mp3) => mp3::decode(file, true, sink),
        _ => decode(path, sink),
    }
}

/// Sniffs `file` and rewinds it.
pub fn read_container(file: &mut File) -> io::Result<Option<Container>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX))
        .read_to_end(&mut head)?;
    file.rewind()?;
    Ok(sniff(&head))
}

fn decode_wav<E: From<DecodeError>>(
    file: File,
    mut sink: impl FnMut(Shape, &[i16]) -> Result<(), E>,
) -> Result<Decoded, E> {
    /// Lets the sink's error and an I/O error pass through one channel.
    enum Stop<E> {
        Io(io::Error),
        Sink(E),
    }
    impl<E> From<io::Error> for Stop<E> {
        fn from(error: io::Error) -> Self {
            Self::Io(error)
        }
    }
    let mut file = BufReader::with_capacity(8 * 1024, file);
    let header = wav::read_header(&mut file).map_err(DecodeError::Wav)?;
    if let Extent::Missing { stated } = header.extent {
        let found = header.data_bytes;
        return Err(DecodeError::Truncated { stated, found }.into());
    }
    if header.partial_frame() > 0 {
        let found = header.data_bytes;
        let frame = u64::from(header.spec.frame_bytes());
        let stated = (header.frames() + 1) * frame;
        return Err(DecodeError::Truncated { stated, found }.into());
    }
    let shape = Shape {
        sample_rate: header.spec.sample_rate,
        channels: header.spec.channels,
    };
    wav::read_frames(&mut file, &header, |block| {
        sink(shape, block).map_err(Stop::Sink)
    })
    .map_err(|stop| match stop {
        Stop::Io(error) => DecodeError::Io(error).into(),
        Stop::Sink(error) => error,
    })?;
    Ok(Decoded {
        shape,
        frames: header.frames(),
    })
}

/// Opens `file` with symphonia, as `container` and nothing else.
pub(crate) fn open(
    mut file: File,
    container: Container,
) -> Result<Box<dyn FormatReader>, SymphoniaError> {
    file.seek(SeekFrom::Start(0))?;
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    guarded(|| reader_of(container).probe(&Hint::new(), stream, format, metadata))
}

/// One step of symphonia, whose readers panic on some damaged files: a recording by strangers
/// must not end the program. The caller drops what took the step.
pub(crate) fn guarded<T>(
    step: impl FnOnce() -> Result<T, SymphoniaError>,
) -> Result<T, SymphoniaError> {
    let panicked = SymphoniaError::DecodeError("its decoder gave up");
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(panicked))
}

/// Symphonia looks for the beginning of any format it knows anywhere in the file; knowing one
/// only, it cannot find a WAV in the middle of what began as AAC.
fn reader_of(container: Container) -> Probe {
    let mut probe = Probe::new();
    match container {
        Container::Wav => probe.register_format::<formats::WavReader<'_>>(),
        Container::Mp3 => probe.register_format::<formats::MpaReader<'_>>(),
        Container::Flac => probe.register_format::<formats::FlacReader<'_>>(),
        Container::Ogg => probe.register_format::<formats::OggReader<'_>>(),
        Container::Mp4 => probe.register_format::<formats::IsoMp4Reader<'_>>(),
        Container::WebM => probe.register_format::<formats::MkvReader<'_>>(),
        Container::Aiff => probe.register_format::<formats::AiffReader<'_>>(),
        Container::Caf => probe.register_format::<formats::CafReader<'_>>(),
        Container::Adts => probe.register_format::<formats::AdtsReader<'_>>(),
    }
    probe.register_metadata::<meta::ApeReader<'_>>();
    probe.register_metadata::<meta::Id3v1Reader<'_>>();
    probe.register_metadata::<meta::Id3v2Reader<'_>>();
    probe
}

/// The name of a codec in messages: symphonia's own short name, or `opus`.
pub(crate) fn codec_name(params: &AudioCodecParameters) -> String {
    if params.codec == CODEC_ID_OPUS {
        return "opus".to_owned();
    }
    symphonia::default::get_codecs()
        .get_audio_decoder(params.codec)
        .map_or_else(
            || params.codec.to_string(),
            |decoder| decoder.codec.info.short_name.to_owned(),
        )
}

fn decode_packets<E: From<DecodeError>>(
    mut file: File,
    container: Container,
    mut sink: impl FnMut(Shape, &[i16]) -> Result<(), E>,
) -> Result<Decoded, E> {
    let broken = |at_ms| move |source| DecodeError::Broken { at_ms, source };
    let heard = match container {
        Container::Mp4 => mp4::heard(&mut file).map_err(DecodeError::Io)?,
        _ => None,
    };
    let mut cut = Cut::new(heard);
    let mut format = open(file, container).map_err(broken(0))?;
    if let Some((track, params, stated)) = opus_of(format.as_ref(), container) {
        return opus::decode(format.as_mut(), (track, &params, stated), sink);
    }
    let (mut decoder, track) = decoder_of(format.as_ref())?;
    let mut done: Option<Decoded> = None;
    let mut block = Vec::new();
    loop {
        let at_ms = done.map_or(0, |done| done.duration().0);
        let Some(packet) = guarded(|| format.next_packet()).map_err(broken(at_ms))? else {
            break;
        };
        if packet.track_id != track {
            continue;
        }
        let buffer = guarded(|| decoder.decode(&packet)).map_err(broken(at_ms))?;
        let shape = Shape {
            sample_rate: buffer.spec().rate(),
            channels: u16::try_from(buffer.spec().channels().count()).unwrap_or(u16::MAX),
        };
        if buffer.frames() == 0 || shape.sample_rate == 0 || shape.channels == 0 {
            continue;
        }
        copy(&buffer, &mut block);
        let block = cut.take(&block, shape.channels);
        let frames = u64::try_from(block.len() / usize::from(shape.channels)).unwrap_or(0);
        match &mut done {
            Some(done) if done.shape != shape => return Err(DecodeError::Changes { at_ms }.into()),
            Some(done) => done.frames += frames,
            None => done = Some(Decoded { shape, frames }),
        }
        if !block.is_empty() {
            sink(shape, block)?;
        }
    }
    if decoder.finalize().verify_ok == Some(false) {
        return Err(DecodeError::Checksum.into());
    }
    done.ok_or_else(|| DecodeError::NoTrack.into())
}

/// What is left of a sound when its edit list is followed.
struct Cut {
    skip: u64,
    left: u64,
}

impl Cut {
    fn new(heard: Option<Heard>) -> Self {
        heard.map_or(
            Self {
                skip: 0,
                left: u64::MAX,
            },
            |Heard { start, length }| Self {
                skip: start,
                left: length,
            },
        )
    }

    /// The part of the next `block` that is heard.
    fn take<'a>(&mut self, block: &'a [i16], channels: u16) -> &'a [i16] {
        let channels = usize::from(channels);
        let frames = u64::try_from(block.len() / channels).unwrap_or(0);
        let skip = self.skip.min(frames);
        let take = self.left.min(frames - skip);
        self.skip -= skip;
        self.left -= take;
        let index = |frames: u64| usize::try_from(frames).unwrap_or(0) * channels;
        block
            .get(index(skip)..index(skip + take))
            .unwrap_or_default()
    }
}

/// The default sound track if it is Opus: its number, what it says of itself, and its length in frames at 48 kHz if that
/// is known to the frame.
fn opus_of(
    format: &dyn FormatReader,
    container: Container,
) -> Option<(u32, AudioCodecParameters, Option<u64>)> {
    let track = format.default_track(TrackType::Audio)?;
    let params = track.codec_params.as_ref()?.audio()?;
    // The times of Matroska are rounded to milliseconds.
    let base = track
        .time_base
        .map(|base| (base.numer.get(), base.denom.get()));
    let ticks = track.duration.filter(|_| base == Some((1, 48_000)));
    let stated = ticks
        .map(symphonia::core::units::Duration::get)
        .filter(|_| container == Container::Ogg);
    (params.codec == CODEC_ID_OPUS).then(|| (track.id, params.clone(), stated))
}

/// A decoder for the default sound track, and the track's number.
fn decoder_of(format: &dyn FormatReader) -> Result<(Box<dyn AudioDecoder>, u32), DecodeError> {
    let track = format
        .default_track(TrackType::Audio)
        .ok_or(DecodeError::NoTrack)?;
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio())
        .ok_or(DecodeError::NoTrack)?;
    let options = AudioDecoderOptions::default().verify(true);
    let codecs = symphonia::default::get_codecs();
    let decoder = guarded(|| codecs.make_audio_decoder(params, &options)).map_err(|source| {
        DecodeError::NoDecoder {
            codec: codec_name(params),
            source,
        }
    })?;
    Ok((decoder, track.id))
}

/// `buffer` as interleaved 16 bits, rounded as [`crate::audio::sample`] promises.
fn copy(buffer: &GenericAudioBufferRef<'_>, block: &mut Vec<i16>) {
    match buffer {
        GenericAudioBufferRef::S16(_)
        | GenericAudioBufferRef::U8(_)
        | GenericAudioBufferRef::S8(_) => {
            buffer.copy_to_vec_interleaved(block);
        }
        _ => {
            let mut floats: Vec<f32> = Vec::new();
            buffer.copy_to_vec_interleaved(&mut floats);
            block.clear();
            block.extend(floats.into_iter().map(from_float));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn fixture(name: &str) -> Vec<i16> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        decode::<DecodeError>(&path.join("../../tests/fixtures").join(name), |_, block| {
            all.extend_from_slice(block);
            Ok(())
        })
        .unwrap();
        all
    }

    // ffmpeg 5.1 decodes the fixture to 26,400 frames with the largest at 13,487.
    #[test]
    fn an_mp3_with_a_lame_tag_decodes_without_its_padding() {
        let all = fixture("gapless.mp3");

        let loudest = (0..all.len()).max_by_key(|&at| all[at].unsigned_abs());
        assert_eq!((all.len(), loudest), (26_400, Some(13_487)));
    }

    #[test]
    fn every_format_with_a_decoder_decodes_to_its_end() {
        let cases = [
            ("short.ogg", 36_000),
            ("short.flac", 4000),
            ("short.aiff", 4000),
            ("short.caf", 4000),
            ("no-xing-vbr.mp3", 37_440),
        ];
        for (name, frames) in cases {
            assert_eq!(fixture(name).len(), frames, "{name}");
        }
    }

    /// Eight bytes a packet more than 32 bits of bits: where overflow is checked, symphonia panics.
    #[test]
    fn a_decoder_that_panics_is_an_error() {
        let mut bytes =
            fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/short.caf"))
                .unwrap();
        bytes[36..40].copy_from_slice(&[0xf8, 0xff, 0xff, 0x01]);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();

        let decoded = decode::<DecodeError>(file.path(), |_, _| Ok(()));

        assert!(
            matches!(decoded, Err(DecodeError::Broken { at_ms: 0, .. })),
            "{decoded:?}"
        );
    }

    #[test]
    fn a_wav_inside_an_aac_is_not_taken_for_it() {
        // The header of a frame of AAC, then a whole WAV.
        let mut bytes = vec![0xff, 0xf8, 0x46, 0x46, 0x7c, 0x02, 0, 0];
        bytes.extend_from_slice(b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0");
        bytes.extend_from_slice(b"\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x08\0\0\0abcdefgh");
        assert_eq!(sniff(&bytes), Some(Container::Adts));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();

        let decoded = decode::<DecodeError>(file.path(), |_, _| Ok(()));

        assert!(decoded.is_err(), "{decoded:?}");
    }

    /// One and a half seconds, as `opusinfo` says of both.
    #[test]
    fn opus_is_decoded_without_its_warming_up() {
        let decoded = |name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../tests/fixtures")
                .join(name);
            let mut loudest = 0;
            let decoded = decode::<DecodeError>(&path, |_, samples| {
                loudest = samples
                    .iter()
                    .map(|sample| sample.unsigned_abs())
                    .fold(loudest, u16::max);
                Ok(())
            });
            (decoded.unwrap(), loudest)
        };

        let (ogg, loudest) = decoded("short.opus");
        assert_eq!(
            (ogg.shape.sample_rate, ogg.shape.channels, ogg.frames),
            (48_000, 1, 72_000)
        );
        assert!((20_000..26_000).contains(&loudest), "{loudest}");
        // Matroska does not say where in its last packet the sound ends.
        let (webm, _) = decoded("short.webm");
        assert!(webm.frames.abs_diff(72_000) < 960, "{}", webm.frames);
    }

    #[test]
    fn the_sink_can_stop_decoding() {
        #[derive(Debug, PartialEq)]
        struct Enough;
        impl From<DecodeError> for Enough {
            fn from(error: DecodeError) -> Self {
                panic!("{error}")
            }
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/short.ogg");

        assert_eq!(decode(&path, |_, _| Err(Enough)), Err(Enough));
    }
}
