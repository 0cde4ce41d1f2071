//! ADTS headers: how long one bare AAC frame is, and walking a stream of them.
//!
//! Source: ISO/IEC 13818-7, 6.2. Decoding is not done here.

use std::io::{self, BufRead, Read};

/// The fixed and variable header without a checksum.
pub const HEADER_BYTES: usize = 7;

/// What one ADTS header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Frames per second.
    pub sample_rate: u32,
    /// 0 when the stream itself describes its channels.
    pub channels: u16,
    /// Bytes of the whole frame, header included.
    pub len: usize,
    /// Sample frames: 1024 for each raw data block.
    pub samples: u32,
}

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

impl Header {
    /// Reads the header at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        if head[0] != 0xff || head[1] & 0xf6 != 0xf0 {
            return None;
        }
        let sample_rate = *RATES.get(usize::from((head[2] >> 2) & 0x0f))?;
        let channels = u16::from(((head[2] & 1) << 2) | (head[3] >> 6));
        let len = (usize::from(head[3] & 3) << 11)
            | (usize::from(head[4]) << 3)
            | usize::from(head[5] >> 5);
        let samples = 1024 * (u32::from(head[6] & 3) + 1);
        (len > HEADER_BYTES).then_some(Self {
            sample_rate,
            channels,
            len,
            samples,
        })
    }
}

/// Sample frames of frames laid end to end. The inner `Err` is the offset of the first frame
/// that is not whole, or is none.
pub fn count_samples(file: &mut impl BufRead) -> io::Result<Result<u64, u64>> {
    let (mut at, mut samples) = (0u64, 0u64);
    loop {
        let mut head = Vec::with_capacity(HEADER_BYTES);
        let most = u64::try_from(HEADER_BYTES).unwrap_or(7);
        if file.take(most).read_to_end(&mut head)? == 0 {
            return Ok(Ok(samples));
        }
        let Some(header) = Header::parse(&head) else {
            return Ok(Err(at));
        };
        let body = u64::try_from(header.len - HEADER_BYTES).unwrap_or(0);
        if io::copy(&mut file.take(body), &mut io::sink())? != body {
            return Ok(Err(at));
        }
        samples += u64::from(header.samples);
        at += body + most;
    }
}
