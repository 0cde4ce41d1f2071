//! Reading and writing RIFF/WAVE without going through a decoder.
//!
//! Promise: the header is believed only as far as the file reaches. A size that
//! promises more than there is, is an error ([`Extent::Missing`]) – except the sizes
//! streaming servers write because they do not know better, which mean "to the
//! end". Writing never produces a file whose sizes do not fit: above 4 GiB it
//! refuses. RF64 is read, not written; compressed codecs inside WAV are named
//! and refused.
//!
//! Layout: Microsoft, "Multiple Channel Audio Data and WAVE Files"; RF64: EBU Tech 3306.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::audio::sample::SampleFormat;
use crate::domain::AudioMillis;

/// More channels than this are taken for a damaged header.
pub const MAX_CHANNELS: u16 = 32;
/// More frames a second than this are taken for a damaged header.
pub const MAX_SAMPLE_RATE: u32 = 768_000;
/// Bytes of a plain header as written here.
pub const HEADER_BYTES: u32 = 44;
/// Most bytes of samples that fit into one WAV: the 32-bit RIFF size less the header.
pub const MAX_DATA_BYTES: u64 = 0xffff_ffff - 36 - 1;

/// What the samples of a WAV are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WavSpec {
    pub channels: u16,
    /// Frames per second.
    pub sample_rate: u32,
    pub format: SampleFormat,
}

impl WavSpec {
    /// Bytes of one frame (one sample of every channel).
    pub fn frame_bytes(self) -> u16 {
        self.channels.saturating_mul(self.format.bytes())
    }

    /// The 44-byte header of a file with `data_bytes` bytes of samples. `None` when
    /// they do not fit into 4 GiB.
    pub fn header(self, data_bytes: u64) -> Option<[u8; 44]> {
        if data_bytes > MAX_DATA_BYTES {
            return None;
        }
        let data = u32::try_from(data_bytes).ok()?;
        let tag: u16 = match self.format {
            SampleFormat::F32 => FLOAT,
            SampleFormat::MuLaw => MU_LAW,
            SampleFormat::ALaw => A_LAW,
            _ => PCM,
        };
        let byte_rate = self
            .sample_rate
            .saturating_mul(u32::from(self.frame_bytes()));
        let mut header = Vec::with_capacity(44);
        header.extend_from_slice(b"RIFF");
        header.extend_from_slice(&(36 + data + (data & 1)).to_le_bytes());
        header.extend_from_slice(b"WAVEfmt \x10\0\0\0");
        header.extend_from_slice(&tag.to_le_bytes());
        header.extend_from_slice(&self.channels.to_le_bytes());
        header.extend_from_slice(&self.sample_rate.to_le_bytes());
        header.extend_from_slice(&byte_rate.to_le_bytes());
        header.extend_from_slice(&self.frame_bytes().to_le_bytes());
        header.extend_from_slice(&(self.format.bytes() * 8).to_le_bytes());
        header.extend_from_slice(b"data");
        header.extend_from_slice(&data.to_le_bytes());
        header.try_into().ok()
    }
}

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// How the header and the file agree about the length of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The header's size is there in full.
    Stated,
    /// The header says "unknown" (0 or near the top of 31 or 32 bits): taken to the end.
    /// A file cut at a frame border cannot be told from a whole one.
    Streamed,
    /// The header promises more bytes than the file has.
    Missing {
        /// Bytes of samples promised.
        stated: u64,
    },
}

/// A WAV's header, checked against the length of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WavHeader {
    pub spec: WavSpec,
    /// Offset of the first sample.
    pub data_start: u64,
    /// Bytes of samples that are really there, a last partial frame included.
    pub data_bytes: u64,
    pub extent: Extent,
}

impl WavHeader {
    /// Whole frames that are really there.
    pub fn frames(&self) -> u64 {
        self.data_bytes / u64::from(self.spec.frame_bytes().max(1))
    }

    /// Bytes after the last whole frame.
    pub fn partial_frame(&self) -> u64 {
        self.data_bytes % u64::from(self.spec.frame_bytes().max(1))
    }

    /// Length of the whole frames that are really there.
    pub fn duration(&self) -> AudioMillis {
        AudioMillis::of_frames(self.frames(), self.spec.sample_rate)
    }
}

/// Why a file is no WAV that can be read.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    #[error("the file could not be read")]
    Io(#[from] io::Error),
    #[error("it does not begin as a WAV")]
    NotWav,
    #[error("the WAV ends inside its header")]
    EndsInHeader,
    #[error("the WAV has no `{0}` chunk")]
    NoChunk(&'static str),
    #[error(
        "the WAV holds {} ({bits} bits), which is not read here; convert it: ffmpeg -i IN.wav -c:a flac OUT.flac", codec_name(*.tag)
    )]
    Codec { tag: u16, bits: u16 },
    #[error(
        "the WAV's header makes no sense: {channels} channels at {sample_rate} Hz in blocks of {block} bytes"
    )]
    Header {
        channels: u16,
        sample_rate: u32,
        block: u16,
    },
}

/// What the format tags of WAV stand for (Microsoft's mmreg.h) that are met in the wild.
fn codec_name(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x0011 => "IMA ADPCM",
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 6.10",
        0x0050 => "MPEG layer II",
        0x0055 => "MP3",
        0x00FF | 0x1600 => "AAC",
        0x0161 => "Windows Media audio",
        _ => return format!("a codec with tag {tag:#06x}"),
    };
    name.to_owned()
}

/// Reads the header of a WAV and leaves `file` at the first sample.
///
/// Chunks in front of the samples are stepped over, however long they claim to be.
pub fn read_header(file: &mut (impl Read + Seek)) -> Result<WavHeader, WavError> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut riff = [0; 12];
    fill(file, &mut riff)?;
    if !matches!(&riff[..4], b"RIFF" | b"RF64") || &riff[8..] != b"WAVE" {
        return Err(WavError::NotWav);
    }
    let (mut spec, mut long_data, mut at) = (None, None, 12u64);
    for _ in 0..MAX_CHUNKS {
        let mut chunk = [0; 8];
        match fill(file, &mut chunk) {
            Err(WavError::EndsInHeader) if spec.is_none() => {
                return Err(WavError::NoChunk("fmt "));
            }
            Err(WavError::EndsInHeader) => return Err(WavError::NoChunk("data")),
            other => other?,
        }
        let [i, d, n, t, size @ ..] = chunk;
        let size = u32::from_le_bytes(size);
        at += 8;
        match &[i, d, n, t] {
            b"fmt " => spec = Some(read_format(file, size)?),
            b"ds64" => long_data = Some(read_long_size(file, size)?),
            b"data" => {
                let spec = spec.ok_or(WavError::NoChunk("fmt "))?;
                return Ok(extent_of(spec, at, length, size, long_data));
            }
            _ => {}
        }
        at = at
            .saturating_add(u64::from(size))
            .saturating_add(u64::from(size & 1));
        file.seek(SeekFrom::Start(at))?;
    }
    Err(WavError::NoChunk("data"))
}

/// Real files have a handful; a file of zeros has millions of empty ones.
const MAX_CHUNKS: u32 = 1000;

/// How far the samples reach.
fn extent_of(
    spec: WavSpec,
    data_start: u64,
    length: u64,
    size: u32,
    long_data: Option<u64>,
) -> WavHeader {
    let there = length.saturating_sub(data_start);
    let stated = match (size, long_data) {
        (u32::MAX, Some(long)) => Some(long),
        _ => (!is_unknown(size)).then_some(u64::from(size)),
    };
    let (data_bytes, extent) = match stated {
        Some(stated) if stated <= there => (stated, Extent::Stated),
        Some(stated) => (there, Extent::Missing { stated }),
        None => (there, Extent::Streamed),
    };
    WavHeader {
        spec,
        data_start,
        data_bytes,
        extent,
    }
}

/// Sizes written by programs that stream: 0, ffmpeg's and `OpenAI`'s 0xFFFFFFFF (some
/// take the header off), sox's 0x7FFFF000 and the like.
fn is_unknown(size: u32) -> bool {
    size == 0 || size >= 0xffff_ff00 || (0x7fff_f000..=0x7fff_ffff).contains(&size)
}

fn read_format(file: &mut impl Read, size: u32) -> Result<WavSpec, WavError> {
    let mut fmt = [0; 40];
    let take = usize::try_from(size.min(40)).unwrap_or(40);
    if take < 16 {
        return Err(WavError::NoChunk("fmt "));
    }
    fill(file, &mut fmt[..take])?;
    let word = |at: usize| u16::from_le_bytes([fmt[at], fmt[at + 1]]);
    let sample_rate = u32::from_le_bytes([fmt[4], fmt[5], fmt[6], fmt[7]]);
    let (channels, block, bits) = (word(2), word(12), word(14));
    let tag = match word(0) {
        // The GUID of an extensible format begins with the plain tag.
        EXTENSIBLE if take == 40 => word(24),
        tag => tag,
    };
    let format = match (tag, bits) {
        (PCM, 8) => SampleFormat::U8,
        (PCM, 16) => SampleFormat::S16,
        (PCM, 24) => SampleFormat::S24,
        (PCM, 32) => SampleFormat::S32,
        (FLOAT, 32) => SampleFormat::F32,
        (MU_LAW, 8) => SampleFormat::MuLaw,
        (A_LAW, 8) => SampleFormat::ALaw,
        _ => return Err(WavError::Codec { tag, bits }),
    };
    let spec = WavSpec {
        channels,
        sample_rate,
        format,
    };
    let sane = (1..=MAX_CHANNELS).contains(&channels)
        && (1..=MAX_SAMPLE_RATE).contains(&sample_rate)
        && block == spec.frame_bytes();
    sane.then_some(spec).ok_or(WavError::Header {
        channels,
        sample_rate,
        block,
    })
}

/// The data size in an RF64's `ds64` chunk.
fn read_long_size(file: &mut impl Read, size: u32) -> Result<u64, WavError> {
    let mut sizes = [0; 16];
    if size < 16 {
        return Err(WavError::NoChunk("ds64"));
    }
    fill(file, &mut sizes)?;
    let [_, _, _, _, _, _, _, _, data @ ..] = sizes;
    Ok(u64::from_le_bytes(data))
}

fn fill(file: &mut impl Read, buffer: &mut [u8]) -> Result<(), WavError> {
    file.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => WavError::EndsInHeader,
        _ => WavError::Io(error),
    })
}

/// Hands the whole frames of a WAV to `sink` as interleaved 16-bit samples, a block at a
/// time; `file` stands at the first sample, as [`read_header`] leaves it.
///
/// # Errors
/// `E` from the sink, or from reading. A file that shrinks meanwhile is an I/O error.
pub fn read_frames<E: From<io::Error>>(
    file: &mut impl Read,
    header: &WavHeader,
    mut sink: impl FnMut(&[i16]) -> Result<(), E>,
) -> Result<(), E> {
    let frame = usize::from(header.spec.frame_bytes().max(1));
    let block = (BLOCK_BYTES / frame).max(1) * frame;
    let mut left = header.frames() * u64::from(header.spec.frame_bytes());
    let mut bytes = vec![0; block.min(usize::try_from(left).unwrap_or(block))];
    let mut samples = Vec::with_capacity(bytes.len());
    while left > 0 {
        let take = block.min(usize::try_from(left).unwrap_or(block));
        let Some(part) = bytes.get_mut(..take) else {
            break;
        };
        file.read_exact(part)?;
        samples.clear();
        header.spec.format.expand(part, &mut samples);
        sink(&samples)?;
        left = left.saturating_sub(u64::try_from(take).unwrap_or(left));
    }
    Ok(())
}

const BLOCK_BYTES: usize = 32 * 1024;

/// Appends samples to `out` as 16-bit little-endian bytes.
pub(crate) fn write_samples(out: &mut impl Write, samples: &[i16]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(samples.len() * 2);
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    out.write_all(&bytes)
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "test data is small"
)]
mod tests;
