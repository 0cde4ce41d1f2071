//! Samples to an M4B: AAC in MP4, with chapters, tags and cover.
//!
//! The list of all frames (`moov`) goes in front of the sound, into room that is left there, so that a player
//! that gets the file over a network knows it at once. Only if the clips turn out longer than they say does it go
//! behind. Memory is two bytes for every frame: 12 MB for forty hours at 44.1 kHz.

mod boxes;
mod language;
mod movie;
mod tags;

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::audio::aac::{self, Encoder};
use crate::audio::decode::Shape;
use crate::audio::join::{Clip, JoinError, Joined, SampleSink, Tags, chapters};
use crate::audio::probe::probe;

use boxes::{boxed, words};
use movie::{CHUNK, Mark, Movie};

/// The header of `mdat` with a length of 64 bits.
const DATA_HEADER: u64 = 16;
/// Of the boxes of a movie, besides tags, chapters and what each frame takes.
const FIXED: u64 = 2048;
/// Of a chapter, besides its name.
const EACH_CHAPTER: u64 = 64;

pub(crate) struct M4bSink<'a> {
    out: BufWriter<&'a mut File>,
    tags: &'a Tags,
    clips: &'a [Clip],
    bit_rate: Option<u32>,
    encoding: Option<Encoding>,
    sizes: Vec<u16>,
    /// Bytes of `ftyp`, and of what is kept free behind it.
    head: u64,
    room: u64,
}

struct Encoding {
    encoder: Encoder,
    bit_rate: u32,
    shape: Shape,
    config: [u8; 2],
}

impl<'a> M4bSink<'a> {
    pub(crate) fn new(
        out: &'a mut File,
        tags: &'a Tags,
        clips: &'a [Clip],
        bit_rate: Option<u32>,
    ) -> Self {
        Self {
            out: BufWriter::with_capacity(64 * 1024, out),
            tags,
            clips,
            bit_rate,
            encoding: None,
            sizes: Vec::new(),
            head: 0,
            room: 0,
        }
    }

    /// About as many bytes as the movie will have, and some.
    fn movie_bytes(&self, shape: Shape) -> u64 {
        let length: u64 = self
            .clips
            .iter()
            .map(|clip| {
                let sound = probe(&clip.path).map_or(0, |facts| facts.duration.0);
                sound + clip.pause_after.0
            })
            .sum();
        let frames = length * u64::from(shape.sample_rate) / 1000 / u64::from(aac::PRIMING);
        let chunk = u64::try_from(CHUNK).unwrap_or(1);
        let chapters: u64 = self
            .clips
            .iter()
            .filter_map(|clip| clip.chapter.as_ref())
            .map(|name| 2 * size(name.len()) + EACH_CHAPTER)
            .sum();
        let tags = size(tags::encode(self.tags).len());
        (frames + frames / 100 + 64) * 4 + frames / chunk * 8 + chapters + tags + FIXED
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), JoinError> {
        self.out.write_all(bytes).map_err(JoinError::Write)
    }

    fn seek(&mut self, at: u64) -> Result<(), JoinError> {
        let moved = self.out.seek(SeekFrom::Start(at));
        moved.map(|_| ()).map_err(JoinError::Write)
    }

    fn marks(&self, joined: &Joined) -> Vec<Mark> {
        chapters(self.clips, joined)
            .into_iter()
            .map(|(span, name)| Mark {
                start: span.start.0,
                length: u32::try_from(span.end.0 - span.start.0).unwrap_or(u32::MAX),
                title: name.to_owned(),
            })
            .collect()
    }
}

impl SampleSink for M4bSink<'_> {
    fn begin(&mut self, shape: Shape) -> Result<(), JoinError> {
        let bit_rate = self.bit_rate.unwrap_or(usual_bit_rate(shape.channels));
        let encoder = Encoder::new(shape, bit_rate)?;
        let config = encoder.config();
        let brands = [&b"M4B "[..], &words(&[0x200]), b"M4B M4A mp42isom"].concat();
        let kind = boxed(*b"ftyp", &[&brands]);
        self.head = size(kind.len());
        self.room = self.movie_bytes(shape);
        self.encoding = Some(Encoding {
            encoder,
            bit_rate,
            shape,
            config,
        });
        self.seek(0)?;
        self.write(&kind)?;
        let room = self.room + DATA_HEADER;
        let zeros = io::copy(&mut io::Read::take(io::repeat(0), room), &mut self.out);
        zeros.map(|_| ()).map_err(JoinError::Write)
    }

    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        let Some(encoding) = &mut self.encoding else {
            return Ok(());
        };
        encoding
            .encoder
            .add(samples, |frame| keep(&mut self.out, &mut self.sizes, frame))
    }

    fn finish(&mut self, joined: &Joined) -> Result<(), JoinError> {
        let Some(Encoding {
            encoder,
            bit_rate,
            shape,
            config,
        }) = self.encoding.take()
        else {
            return Err(JoinError::NoClips);
        };
        encoder.finish(|frame| keep(&mut self.out, &mut self.sizes, frame))?;
        let sound = self.head + self.room + DATA_HEADER;
        let titles = sound + self.sizes.iter().map(|&size| u64::from(size)).sum::<u64>();
        let chapters = self.marks(joined);
        let mut end = titles;
        for mark in &chapters {
            let sample = mark.sample();
            self.write(&sample)?;
            end += size(sample.len());
        }
        let movie = Movie {
            shape,
            config,
            bit_rate,
            language: language::code(self.tags.language.as_deref()),
            frames: joined.frames,
            sizes: &self.sizes,
            chapters: &chapters,
            tags: tags::encode(self.tags),
        }
        .encode(sound, titles);
        let free = self.room.checked_sub(size(movie.len()));
        match free {
            // What is left over is a box of its own, which has a header.
            Some(free) if free == 0 || free >= 8 => {
                self.seek(self.head)?;
                self.write(&movie)?;
                self.write_free(free)?;
            }
            _ => {
                self.write(&movie)?;
                self.seek(self.head)?;
                self.write_free(self.room)?;
            }
        }
        self.seek(sound - DATA_HEADER)?;
        self.write(&words(&[1]))?;
        self.write(b"mdat")?;
        self.write(&(end - sound + DATA_HEADER).to_be_bytes())?;
        self.out.flush().map_err(JoinError::Write)
    }
}

impl M4bSink<'_> {
    /// The header of a box of `bytes` that holds nothing.
    fn write_free(&mut self, bytes: u64) -> Result<(), JoinError> {
        let Some(bytes) = u32::try_from(bytes).ok().filter(|&bytes| bytes > 0) else {
            return Ok(());
        };
        self.write(&words(&[bytes]))?;
        self.write(b"free")
    }
}

/// Bits a second when nobody said: 64,000 for one voice, which is hard to tell from the original.
fn usual_bit_rate(channels: u16) -> u32 {
    if channels > 1 { 96_000 } else { 64_000 }
}

/// Writes a frame and notes its size.
fn keep(out: &mut impl Write, sizes: &mut Vec<u16>, frame: &[u8]) -> Result<(), JoinError> {
    sizes.push(u16::try_from(frame.len()).unwrap_or(u16::MAX));
    out.write_all(frame).map_err(JoinError::Write)
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
