//! MP3 by frames: finding, counting and cutting them without decoding.
//!
//! Promise: every byte between the tags belongs to a yielded frame or to a
//! reported piece of junk, and a frame that does not end inside the file is an
//! error. Bare bytes look like frame headers now and then, so a frame is believed
//! when it directly follows another or is directly followed by one.
//!
//! Free-format streams and layers I and II are not read. Source: ISO/IEC 11172-3,
//! 2.4.1 and 13818-3, 2.4.1; MPEG-2.5 by convention.

mod body;
mod info;
mod scan;

pub use body::{body_of, body_range, id3v2_len};
pub use info::{Info, InfoFrame};
pub use scan::{Frame, FrameError, Frames, Scanner, frames};

/// Longest layer III frame: 320 kbit/s at 32 kHz, padded.
pub const MAX_FRAME_BYTES: usize = 1441;

/// The three sample rate families of layer III.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 32, 44.1, 48 kHz.
    Mpeg1,
    /// 16, 22.05, 24 kHz.
    Mpeg2,
    /// 8, 11.025, 12 kHz.
    Mpeg25,
}

/// What the four bytes in front of a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    pub version: Version,
    /// Frames per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Bits per second of this frame.
    pub bit_rate: u32,
    /// Sample frames: 1152 (MPEG-1) or 576.
    pub samples: u32,
    /// Bytes of the whole frame, header included.
    pub len: usize,
    /// Whether a checksum of two bytes follows the header.
    pub checksum: bool,
    /// The header itself.
    pub raw: [u8; 4],
}

/// kbit/s by the header's index; MPEG-1, then MPEG-2 and 2.5.
const BIT_RATES: [[u32; 15]; 2] = [
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl FrameHeader {
    /// Reads the header at the start of `bytes`; `None` if there is none of layer III.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let raw: [u8; 4] = *bytes.first_chunk()?;
        let [sync, kind, rates, mode] = raw;
        if sync != 0xff || kind & 0xe6 != 0xe2 {
            return None;
        }
        let (version, shift, table) = match (kind >> 3) & 3 {
            3 => (Version::Mpeg1, 0, 0),
            2 => (Version::Mpeg2, 1, 1),
            0 => (Version::Mpeg25, 2, 1),
            _ => return None,
        };
        let sample_rate = [44_100u32, 48_000, 32_000].get(usize::from((rates >> 2) & 3))? >> shift;
        let bit_rate = match BIT_RATES.get(table)?.get(usize::from(rates >> 4))? {
            0 => return None,
            kilo => kilo * 1000,
        };
        let samples = if version == Version::Mpeg1 { 1152 } else { 576 };
        let padding = u32::from((rates >> 1) & 1);
        let len = usize::try_from(samples / 8 * bit_rate / sample_rate + padding).ok()?;
        Some(Self {
            version,
            sample_rate,
            channels: if mode >> 6 == 3 { 1 } else { 2 },
            bit_rate,
            samples,
            len,
            checksum: kind & 1 == 0,
            raw,
        })
    }

    /// Whether a frame of this kind can follow one of `other`'s in one stream.
    pub fn continues(&self, other: Self) -> bool {
        (self.sample_rate, self.channels, self.version)
            == (other.sample_rate, other.channels, other.version)
    }

    /// Offset of the side information in the frame.
    pub(crate) fn side_start(&self) -> usize {
        if self.checksum { 6 } else { 4 }
    }

    /// Bytes of side information.
    pub(crate) fn side_len(&self) -> usize {
        match (self.version, self.channels) {
            (Version::Mpeg1, 1) => 17,
            (Version::Mpeg1, _) => 32,
            (_, 1) => 9,
            (_, _) => 17,
        }
    }

    /// A whole frame of digital silence with this frame's rate, mode and bit rate, that needs
    /// nothing from the frames before it and leaves nothing for those after it.
    pub fn silence(&self) -> Vec<u8> {
        let mut raw = self.raw;
        raw[1] |= 1; // no checksum
        raw[2] &= !2; // no padding
        let len = Self::parse(&raw).map_or(self.len, |header| header.len);
        let mut frame = vec![0; len];
        if let Some(head) = frame.first_chunk_mut() {
            *head = raw;
        }
        frame
    }
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "test data is small"
)]
mod tests;
