//! Samples to a FLAC, a block at a time.
//!
//! The metadata in front (STREAMINFO, Vorbis comments, padding) has a fixed size, so that it
//! is written as a placeholder first and again when the length, the checksum and the
//! times of the chapters are known. Layout: RFC 9639, section 8.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;

use flacenc::bitsink::MemSink;
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::config;
use flacenc::error::{SourceError, Verified, Verify};
use flacenc::source::{Context, Fill, FrameBuf};

use crate::audio::decode::Shape;
use crate::audio::join::vorbis::{comments, picture};
use crate::audio::join::{Clip, JoinError, Joined, SampleSink, Tags, chapter_names, chapters};
use crate::domain::AudioMillis;

/// Frames of a block; what the reference encoder takes at this range of rates.
const BLOCK: usize = 4096;
/// Bytes left free for taggers and for chapter times longer than `00:00:00.000`.
const PADDING: usize = 4096;
/// A metadata block's size has 24 bits.
const MAX_METADATA: usize = (1 << 24) - 1 - PADDING;

pub(crate) struct FlacSink<'a> {
    out: BufWriter<&'a mut File>,
    tags: &'a Tags,
    clips: &'a [Clip],
    encoder: Option<Encoder>,
}

impl<'a> FlacSink<'a> {
    pub(crate) fn new(out: &'a mut File, tags: &'a Tags, clips: &'a [Clip]) -> Self {
        Self {
            out: BufWriter::with_capacity(64 * 1024, out),
            tags,
            clips,
            encoder: None,
        }
    }

    /// Everything before the first block. As long as its chapters are as many and named the
    /// same, so is its size.
    fn metadata(&self, stream_info: Vec<u8>, chapters: &[(AudioMillis, &str)]) -> Vec<u8> {
        let at_zero: Vec<_> = chapters
            .iter()
            .map(|&(_, name)| (AudioMillis(0), name))
            .collect();
        let room = comments(self.tags, &at_zero).len() + PADDING;
        let comments = comments(self.tags, chapters);
        let padding = vec![0; room.saturating_sub(comments.len())];
        let mut blocks = vec![(0u8, stream_info), (4, comments)];
        blocks.extend(self.tags.cover.as_ref().map(|cover| (6, picture(cover))));
        blocks.push((0x81, padding));
        let mut bytes = b"fLaC".to_vec();
        for (kind, block) in blocks {
            let [_, size @ ..] = u32::try_from(block.len()).unwrap_or(0).to_be_bytes();
            bytes.push(kind);
            bytes.extend_from_slice(&size);
            bytes.extend_from_slice(&block);
        }
        bytes
    }

    /// Encodes the full blocks of what is pending, and with `all` the rest too.
    fn encode(&mut self, all: bool) -> Result<(), JoinError> {
        let Some(encoder) = &mut self.encoder else {
            return Ok(());
        };
        let block = BLOCK * usize::from(encoder.shape.channels);
        let mut done = 0;
        while let Some(rest) = encoder.pending.get(done..).filter(|rest| !rest.is_empty()) {
            let take = block.min(rest.len());
            if take < block && !all {
                break;
            }
            let bytes = encode_block(encoder, done..done + take)?;
            self.out.write_all(&bytes).map_err(JoinError::Write)?;
            done += take;
        }
        encoder.pending.drain(..done);
        Ok(())
    }
}

impl SampleSink for FlacSink<'_> {
    fn begin(&mut self, shape: Shape) -> Result<(), JoinError> {
        let encoder = Encoder::new(shape)?;
        let names: Vec<_> = chapter_names(self.clips)
            .map(|name| (AudioMillis(0), name))
            .collect();
        let placeholder = self.metadata(encoder.stream_info(), &names);
        if placeholder.len() > MAX_METADATA {
            return Err(JoinError::TooLarge {
                limit: "a FLAC's metadata can be (16 MiB)",
            });
        }
        self.encoder = Some(encoder);
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        self.out.write_all(&placeholder).map_err(JoinError::Write)
    }

    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        if let Some(encoder) = &mut self.encoder {
            encoder
                .pending
                .extend(samples.iter().map(|&sample| i32::from(sample)));
        }
        self.encode(false)
    }

    fn finish(&mut self, joined: &Joined) -> Result<(), JoinError> {
        self.encode(true)?;
        let Some(encoder) = &self.encoder else {
            return Err(JoinError::NoClips);
        };
        let chapters: Vec<_> = chapters(self.clips, joined)
            .into_iter()
            .map(|(span, name)| (span.start, name))
            .collect();
        let metadata = self.metadata(encoder.stream_info(), &chapters);
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        self.out.write_all(&metadata).map_err(JoinError::Write)?;
        self.out.flush().map_err(JoinError::Write)
    }
}

/// The part that encodes.
struct Encoder {
    config: Verified<config::Encoder>,
    info: StreamInfo,
    shape: Shape,
    buffer: FrameBuf,
    md5: Context,
    /// Samples not yet encoded: less than a block between calls.
    pending: Vec<i32>,
    n_blocks: usize,
    frames: u64,
    /// Smallest and largest encoded block in bytes.
    sizes: (usize, usize),
}

impl Encoder {
    fn new(shape: Shape) -> Result<Self, JoinError> {
        let Shape {
            sample_rate,
            channels,
        } = shape;
        let refused = JoinError::NotFlac {
            sample_rate,
            channels,
        };
        if sample_rate >= 1 << 20 {
            return Err(refused);
        }
        let n_channels = usize::from(channels);
        let rate = usize::try_from(sample_rate).unwrap_or(0);
        let parts = config::Encoder::default()
            .into_verified()
            .ok()
            .zip(FrameBuf::with_size(n_channels, BLOCK).ok())
            .zip(StreamInfo::new(rate, n_channels, 16).ok());
        let Some(((config, buffer), info)) = parts else {
            return Err(refused);
        };
        Ok(Self {
            config,
            info,
            shape,
            buffer,
            md5: Context::new(16, n_channels),
            pending: Vec::new(),
            n_blocks: 0,
            frames: 0,
            sizes: (usize::MAX, 0),
        })
    }

    /// The 34 bytes of STREAMINFO for what was encoded so far.
    fn stream_info(&self) -> Vec<u8> {
        let block = u16::try_from(BLOCK).unwrap_or(u16::MAX).to_be_bytes();
        let size = |bytes: usize| -> [u8; 4] {
            let known = self.n_blocks > 0 && bytes < 1 << 24;
            u32::try_from(if known { bytes } else { 0 })
                .unwrap_or(0)
                .to_be_bytes()
        };
        let frames = if self.frames < 1 << 36 {
            self.frames
        } else {
            0
        };
        let packed = (u64::from(self.shape.sample_rate) << 44)
            | (u64::from(self.shape.channels.saturating_sub(1)) << 41)
            | (15 << 36)
            | frames;
        let mut bytes = [block, block].concat();
        bytes.extend_from_slice(&size(self.sizes.0)[1..]);
        bytes.extend_from_slice(&size(self.sizes.1)[1..]);
        bytes.extend_from_slice(&packed.to_be_bytes());
        bytes.extend_from_slice(&self.md5.md5_digest());
        bytes
    }
}

/// One block of the pending samples as a FLAC frame.
fn encode_block(encoder: &mut Encoder, range: Range<usize>) -> Result<Vec<u8>, JoinError> {
    let samples = encoder.pending.get(range).unwrap_or_default();
    let refused = |error: SourceError| JoinError::Encode(error.to_string());
    encoder.buffer.fill_interleaved(samples).map_err(refused)?;
    encoder.md5.fill_interleaved(samples).map_err(refused)?;
    let frame = flacenc::encode_fixed_size_frame(
        &encoder.config,
        &encoder.buffer,
        encoder.n_blocks,
        &encoder.info,
    )
    .map_err(|error| JoinError::Encode(error.to_string()))?;
    let mut sink = MemSink::<u8>::new();
    frame
        .write(&mut sink)
        .map_err(|error| JoinError::Write(io::Error::other(error.to_string())))?;
    let bytes = sink.into_inner();
    encoder.n_blocks += 1;
    encoder.frames +=
        u64::try_from(samples.len() / usize::from(encoder.shape.channels)).unwrap_or(0);
    encoder.sizes = (
        encoder.sizes.0.min(bytes.len()),
        encoder.sizes.1.max(bytes.len()),
    );
    Ok(bytes)
}
