//! The frame in front of the others that tells how many there are: Xing, Info, VBRI.
//!
//! Source of the layout: LAME's `VbrTag.c` and the "MP3 Info Tag" specification by Gabriel
//! Bouvigne; VBRI by Fraunhofer.

use crate::audio::mp3::{Frame, FrameHeader};

/// What a Xing, Info or VBRI frame says about the frames after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Info {
    /// MPEG frames, itself not counted.
    pub frames: Option<u32>,
    /// Bytes, itself included.
    pub bytes: Option<u32>,
    /// Sample frames the encoder put in front.
    pub delay: u32,
    /// Sample frames the encoder put behind.
    pub padding: u32,
}

impl Info {
    /// Reads `frame` as an info frame; `None` when it is a frame of sound.
    pub fn of(frame: &Frame<'_>) -> Option<Self> {
        let header = frame.header;
        // LAME writes the tag where the side information of a frame without checksum ends.
        let xing = frame.bytes.get(4 + header.side_len()..)?;
        if xing.starts_with(b"Xing") || xing.starts_with(b"Info") {
            return Some(Self::of_xing(xing.get(4..)?));
        }
        // VBRI stands at one place, whatever the frame.
        let vbri = frame.bytes.get(36..)?.strip_prefix(b"VBRI")?;
        let number = |at: usize| Some(u32::from_be_bytes(*vbri.get(at..)?.first_chunk()?));
        Some(Self {
            frames: number(10),
            bytes: number(6),
            ..Self::default()
        })
    }

    fn of_xing(mut tag: &[u8]) -> Self {
        fn number(tag: &mut &[u8]) -> Option<u32> {
            let (head, rest) = tag.split_first_chunk()?;
            *tag = rest;
            Some(u32::from_be_bytes(*head))
        }
        let flags = number(&mut tag).unwrap_or(0);
        let has = |bit: u32| flags & bit != 0;
        let frames = if has(1) { number(&mut tag) } else { None };
        let bytes = if has(2) { number(&mut tag) } else { None };
        let skip = if has(4) { 100 } else { 0 } + if has(8) { 4 } else { 0 };
        let lame = tag.get(skip..).unwrap_or_default();
        // Version text (9), method, low pass, peak and gains (8), flags, bit rate; then 12 + 12 bits.
        let (delay, padding) = match lame.get(21..24) {
            Some(&[a, b, c]) if lame.starts_with(b"LAME") || lame.starts_with(b"Lav") => (
                (u32::from(a) << 4) | u32::from(b >> 4),
                (u32::from(b & 0x0f) << 8) | u32::from(c),
            ),
            _ => (0, 0),
        };
        Self {
            frames,
            bytes,
            delay,
            padding,
        }
    }
}

/// Counts frames as they are written and makes the Xing or Info frame that belongs in front.
///
/// The seek table (TOC) is computed from real frame positions. They are kept for every
/// frame at first and for every 2nd, 4th, … once there are many, so that memory stays
/// below 64 KiB while each of the hundred points stays far finer than the table's 1/256.
#[derive(Debug, Clone)]
pub struct InfoFrame {
    like: FrameHeader,
    frames: u64,
    bytes: u64,
    constant: bool,
    positions: Vec<u64>,
    stride: u64,
    /// Sample frames that LAME put in front and behind, if that is to be said.
    gapless: Option<(u64, u64)>,
}

const MAX_POSITIONS: usize = 8192;
/// Of what LAME adds to the tag.
const LAME_BYTES: usize = 36;

/// What LAME adds to the tag: of it only who coded, and the sample frames in front and behind (12 bits each).
fn lame((delay, padding): (u64, u64)) -> [u8; LAME_BYTES] {
    let mut tag = [0; LAME_BYTES];
    tag[..9].copy_from_slice(b"LAME     ");
    let packed = delay.min(0xfff) << 12 | padding.min(0xfff);
    tag[21..24].copy_from_slice(&packed.to_be_bytes()[5..]);
    tag
}

impl InfoFrame {
    /// For a stream of frames like `like`.
    pub fn new(like: FrameHeader) -> Self {
        Self {
            like,
            frames: 0,
            bytes: 0,
            constant: true,
            positions: Vec::new(),
            stride: 1,
            gapless: None,
        }
    }

    /// Says where the sound begins and ends: `delay` sample frames in front and `padding` behind are LAME's.
    #[must_use]
    pub fn gapless(self, delay: u64, padding: u64) -> Self {
        Self {
            gapless: Some((delay, padding)),
            ..self
        }
    }

    /// The kind of frame it was made for.
    pub fn like(&self) -> FrameHeader {
        self.like
    }

    /// MPEG frames counted so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Counts one frame as written.
    pub fn count(&mut self, header: FrameHeader, len: usize) {
        if self.frames.is_multiple_of(self.stride) {
            if self.positions.len() == MAX_POSITIONS {
                let mut keep = false;
                self.positions.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.stride *= 2;
            }
            if self.frames.is_multiple_of(self.stride) {
                self.positions.push(self.bytes);
            }
        }
        self.constant &= header.bit_rate == self.like.bit_rate;
        self.frames += 1;
        self.bytes += u64::try_from(len).unwrap_or(0);
    }

    /// The frame. Its length depends only on the stream's kind, so that a placeholder can be
    /// written first and replaced at the end. Counts that do not fit into 32 bits are left out.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut frame, start) = self.empty();
        let total = self.bytes + u64::try_from(frame.len()).unwrap_or(0);
        let name: &[u8; 4] = if self.constant { b"Info" } else { b"Xing" };
        let fields = match (u32::try_from(self.frames), u32::try_from(total)) {
            (Ok(frames), Ok(bytes)) => (7u32, frames, bytes),
            _ => (4, 0, 0),
        };
        let mut tag = name.to_vec();
        tag.extend_from_slice(&fields.0.to_be_bytes());
        if fields.0 & 3 == 3 {
            tag.extend_from_slice(&fields.1.to_be_bytes());
            tag.extend_from_slice(&fields.2.to_be_bytes());
        }
        let lead = total - self.bytes;
        for percent in 0..100u64 {
            let position = self.position_of(self.frames * percent / 100);
            let share = (lead + position).saturating_mul(256) / total.max(1);
            tag.push(u8::try_from(share).unwrap_or(255));
        }
        tag.extend(self.gapless.map(lame).into_iter().flatten());
        if let Some(place) = frame.get_mut(start..start + tag.len()) {
            place.copy_from_slice(&tag);
        }
        frame
    }

    fn position_of(&self, frame: u64) -> u64 {
        let idx = usize::try_from(frame / self.stride).unwrap_or(usize::MAX);
        let found = self.positions.get(idx).or(self.positions.last());
        found.copied().unwrap_or(0)
    }

    fn tag_bytes(&self) -> usize {
        let lame = self.gapless.map_or(0, |_| LAME_BYTES);
        116 + lame
    }

    /// A silent frame of the stream's kind, at the lowest bit rate that holds the tag, and
    /// where in it the tag goes.
    fn empty(&self) -> (Vec<u8>, usize) {
        let start = 4 + self.like.side_len();
        let mut header = self.like;
        for index in 1..15u8 {
            header.raw[2] = (header.raw[2] & 0x0d) | (index << 4);
            let frame = header.silence();
            if frame.len() >= start + self.tag_bytes() {
                return (frame, start);
            }
        }
        (header.silence(), start)
    }
}
