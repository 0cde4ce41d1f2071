//! Samples to an Opus in Ogg, with chapters, tags and cover.
//!
//! The comments in front name the times of chapters, which are known at the end: they are written twice, and are as long
//! each time. The last page says to the frame where the sound ends. Layout: RFC 7845; chapters as in a FLAC.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use ropus::{Application, Bitrate, Channels, Encoder};

use crate::audio::decode::Shape;
use crate::audio::join::vorbis::comments_with_cover;
use crate::audio::join::{Clip, JoinError, Joined, SampleSink, Tags, chapter_names, chapters};
use crate::audio::resample::{Interleaved, frames_at};
use crate::domain::AudioMillis;

/// Frames a second by which every position is counted, and in one packet of 20 ms.
pub(super) const CLOCK: u32 = 48_000;
const PACKET: u64 = 960;
/// Rates at which the encoder takes samples.
const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];
/// Packets of a page: one second. Players complain of longer ones.
const PAGE: u64 = 50;
const SERIAL: u32 = 1;
/// Bits a second of a channel, unless said otherwise: speech is transparent to most listeners.
pub(super) const USUAL: u32 = 32_000;
/// The largest packet that an encoder makes (RFC 6716).
const LARGEST: usize = 1_275 * 3 + 7;

pub(crate) struct OpusSink<'a> {
    out: &'a mut File,
    tags: &'a Tags,
    clips: &'a [Clip],
    bit_rate: Option<u32>,
    coding: Option<Coding>,
}

struct Coding {
    encoder: Encoder,
    resampler: Interleaved,
    shape: Shape,
    /// Frames a second that the encoder takes.
    rate: u32,
    pre_skip: u64,
    /// Of the encoder's rate, not coded yet.
    pending: Vec<f32>,
    pages: PacketWriter<'static, BufWriter<File>>,
    /// The last packet made: whether another follows it is known later.
    held: Option<Vec<u8>>,
    packets: u64,
}

impl<'a> OpusSink<'a> {
    pub(crate) fn new(
        out: &'a mut File,
        tags: &'a Tags,
        clips: &'a [Clip],
        bit_rate: Option<u32>,
    ) -> Self {
        Self {
            out,
            tags,
            clips,
            bit_rate,
            coding: None,
        }
    }

    fn comments(&self, chapters: &[(AudioMillis, &str)]) -> Vec<u8> {
        let mut comments = b"OpusTags".to_vec();
        comments.extend(comments_with_cover(self.tags, chapters));
        comments
    }
}

impl SampleSink for OpusSink<'_> {
    fn begin(&mut self, shape: Shape) -> Result<(), JoinError> {
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        let out = self.out.try_clone().map_err(JoinError::Write)?;
        let mut coding = Coding::new(shape, self.bit_rate, out)?;
        let at_zero: Vec<_> = chapter_names(self.clips)
            .map(|name| (AudioMillis(0), name))
            .collect();
        let comments = self.comments(&at_zero);
        let front = [coding.head(), comments];
        write_front(&mut coding.pages, front)?;
        self.coding = Some(coding);
        Ok(())
    }

    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        let Some(coding) = &mut self.coding else {
            return Ok(());
        };
        coding.resampler.add(samples, &mut coding.pending);
        coding.encode()
    }

    fn finish(&mut self, joined: &Joined) -> Result<(), JoinError> {
        let times: Vec<_> = chapters(self.clips, joined)
            .into_iter()
            .map(|(span, name)| (span.start, name))
            .collect();
        let comments = self.comments(&times);
        let Some(mut coding) = self.coding.take() else {
            return Err(JoinError::NoClips);
        };
        coding.resampler.finish(&mut coding.pending);
        let head = coding.head();
        coding.end(joined.frames)?;
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        let mut front = PacketWriter::new(BufWriter::new(&mut *self.out));
        write_front(&mut front, [head, comments])?;
        front.into_inner().flush().map_err(JoinError::Write)
    }

    fn rate_of(&self, _: Shape) -> u32 {
        CLOCK
    }
}

/// The two packets in front, each in pages of its own.
fn write_front(
    pages: &mut PacketWriter<'_, impl Write>,
    packets: [Vec<u8>; 2],
) -> Result<(), JoinError> {
    for packet in packets {
        pages
            .write_packet(packet, SERIAL, PacketWriteEndInfo::EndPage, 0)
            .map_err(JoinError::Write)?;
    }
    Ok(())
}

impl Coding {
    fn new(shape: Shape, bit_rate: Option<u32>, out: File) -> Result<Self, JoinError> {
        let refused = || JoinError::NotOpus {
            sample_rate: shape.sample_rate,
            channels: shape.channels,
        };
        let channels = match shape.channels {
            1 => Channels::Mono,
            2 => Channels::Stereo,
            _ => return Err(refused()),
        };
        // The next rate above, so that nothing is lost.
        let rate = RATES.into_iter().find(|rate| *rate >= shape.sample_rate);
        let rate = rate.unwrap_or(CLOCK);
        let bits = bit_rate.unwrap_or(USUAL * u32::from(shape.channels));
        let encoder = Encoder::builder(rate, channels, Application::Audio)
            .bitrate(Bitrate::Bits(bits))
            .vbr(true)
            .complexity(10)
            .build()
            .map_err(|error| JoinError::Encode(error.to_string()))?;
        Ok(Self {
            pre_skip: u64::from(encoder.lookahead()) * u64::from(CLOCK / rate),
            encoder,
            resampler: Interleaved::new(shape.channels, shape.sample_rate, rate)
                .ok_or_else(refused)?,
            shape,
            rate,
            pending: Vec::new(),
            pages: PacketWriter::new(BufWriter::with_capacity(64 * 1024, out)),
            held: None,
            packets: 0,
        })
    }

    /// The identification header (RFC 7845, 5.1).
    fn head(&self) -> Vec<u8> {
        let mut head = b"OpusHead\x01".to_vec();
        head.extend(self.shape.channels.to_le_bytes().first());
        head.extend(u16::try_from(self.pre_skip).unwrap_or(0).to_le_bytes());
        head.extend(self.shape.sample_rate.to_le_bytes());
        head.extend([0, 0, 0]);
        head
    }

    /// Samples of one packet, all channels.
    fn packet_samples(&self) -> usize {
        let frames = usize::try_from(self.rate / 50).unwrap_or(0);
        frames * usize::from(self.shape.channels)
    }

    /// Codes the whole packets of what is pending.
    fn encode(&mut self) -> Result<(), JoinError> {
        let length = self.packet_samples();
        let mut done = 0;
        while let Some(samples) = self.pending.get(done..done + length) {
            let mut packet = vec![0; LARGEST];
            let size = self
                .encoder
                .encode_float(samples, &mut packet)
                .map_err(|error| JoinError::Encode(error.to_string()))?;
            packet.truncate(size);
            done += length;
            if let Some(before) = self.held.replace(packet) {
                self.packets += 1;
                let end = if self.packets.is_multiple_of(PAGE) {
                    PacketWriteEndInfo::EndPage
                } else {
                    PacketWriteEndInfo::NormalPacket
                };
                self.write(before, end, self.packets * PACKET)?;
            }
        }
        self.pending.drain(..done);
        Ok(())
    }

    /// Writes what is left, and where the sound ends that has `frames` of the clips' rate.
    fn end(mut self, frames: u64) -> Result<(), JoinError> {
        let end = frames_at(frames, self.shape.sample_rate, CLOCK) + self.pre_skip;
        let packets = end.div_ceil(PACKET).max(1);
        let made = self.packets + u64::from(self.held.is_some());
        let missing = usize::try_from(packets.saturating_sub(made)).unwrap_or(0);
        self.pending.resize(missing * self.packet_samples(), 0.0);
        self.encode()?;
        let Some(last) = self.held.take() else {
            return Err(JoinError::NoClips);
        };
        self.write(last, PacketWriteEndInfo::EndStream, end)?;
        self.pages.into_inner().flush().map_err(JoinError::Write)
    }

    fn write(
        &mut self,
        packet: Vec<u8>,
        end: PacketWriteEndInfo,
        position: u64,
    ) -> Result<(), JoinError> {
        self.pages
            .write_packet(packet, SERIAL, end, position)
            .map_err(JoinError::Write)
    }
}
