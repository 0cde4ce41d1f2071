//! The `moov` of an M4B: where every frame lies, when every chapter begins, what the book is.
//!
//! Boxes as in ISO/IEC 14496-12 and -14. The chapters stand twice, as players look in different places: a text
//! track that the sound refers to (Apple, `QuickTime` File Format, "Chapter Lists") and `chpl` (Nero), which counts in one
//! byte and is left out of books with more than 255 chapters. The times are those of the sound: the encoder's
//! first samples are cut off by an edit list.

use crate::audio::aac;
use crate::audio::decode::Shape;
use crate::audio::join::m4b::boxes::{boxed, count, descriptor, runs, words};

/// Frames that lie together in the file.
pub(super) const CHUNK: usize = 32;
/// Units a second of the text track.
const TEXT_SCALE: u32 = 1000;
/// No rotation, no scaling.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// What the movie is made of.
#[derive(Debug)]
pub(super) struct Movie<'a> {
    pub(super) shape: Shape,
    pub(super) config: [u8; 2],
    pub(super) bit_rate: u32,
    /// `und` if it is not known.
    pub(super) language: [u8; 3],
    /// Samples that are heard.
    pub(super) frames: u64,
    /// Bytes of each frame of AAC.
    pub(super) sizes: &'a [u16],
    pub(super) chapters: &'a [Mark],
    /// The tags, as a box.
    pub(super) tags: Vec<u8>,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// In milliseconds.
    pub(super) start: u64,
    pub(super) length: u32,
    pub(super) title: String,
}

impl Mark {
    /// A sample of the text track: the length, the text, and that it is UTF-8.
    pub(super) fn sample(&self) -> Vec<u8> {
        let most = usize::from(u16::MAX);
        let text = &self.title[..self.title.floor_char_boundary(most)];
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        let encoding = boxed(*b"encd", &[&words(&[0x100])]);
        [&length.to_be_bytes(), text.as_bytes(), &encoding].concat()
    }
}

impl Movie<'_> {
    /// The `moov`, for sound that begins at byte `sound` of the file and chapters' titles at byte `titles`.
    pub(super) fn encode(&self, sound: u64, titles: u64) -> Vec<u8> {
        let length = self.frames;
        let next_track = if self.chapters.is_empty() { 2 } else { 3 };
        let header = timed(*b"mvhd", 0, length, |length| {
            let mut body = scale(self.shape.sample_rate, length);
            body.extend_from_slice(&words(&[0x1_0000, 0x0100_0000, 0, 0]));
            body.extend_from_slice(&words(&MATRIX));
            body.extend_from_slice(&words(&[0, 0, 0, 0, 0, 0, next_track]));
            body
        });
        let mut parts = vec![header, self.sound_track(sound)];
        if !self.chapters.is_empty() {
            parts.push(self.text_track(titles));
        }
        let list = self.chapter_list();
        parts.push(boxed(*b"udta", &[&list, &self.tags]));
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        boxed(*b"moov", &parts)
    }

    fn sound_track(&self, start: u64) -> Vec<u8> {
        let header = track_header(7, 1, self.frames, 0x0100_0000);
        let chapters = if self.chapters.is_empty() {
            Vec::new()
        } else {
            boxed(*b"tref", &[&boxed(*b"chap", &[&words(&[2])])])
        };
        let edit = edit_list(self.frames, aac::PRIMING);
        let played = u64::from(aac::PRIMING) + self.frames;
        let media_header = media_header(self.shape.sample_rate, played, self.language);
        let sizes: Vec<u8> = self
            .sizes
            .iter()
            .flat_map(|&size| u32::from(size).to_be_bytes())
            .collect();
        let table = boxed(
            *b"stbl",
            &[
                &boxed(*b"stsd", &[&words(&[0, 1]), &self.sound_entry()]),
                &lengths(self.sizes.len(), played),
                &chunk_lengths(self.sizes.len()),
                &boxed(
                    *b"stsz",
                    &[&words(&[0, 0, count(self.sizes.len())]), &sizes],
                ),
                &offsets(&chunk_starts(self.sizes, start)),
                // Every frame leans on the one before.
                &boxed(
                    *b"sgpd",
                    &[
                        &words(&[0x0100_0000]),
                        b"roll",
                        &words(&[2, 1]),
                        &[0xff, 0xff],
                    ],
                ),
                &boxed(
                    *b"sbgp",
                    &[
                        &words(&[0]),
                        b"roll",
                        &words(&[1, count(self.sizes.len()), 1]),
                    ],
                ),
            ],
        );
        let handler = handler(*b"soun", b"SoundHandler\0");
        let media_info = boxed(
            *b"minf",
            &[&boxed(*b"smhd", &[&words(&[0, 0])]), &data_here(), &table],
        );
        let media = boxed(*b"mdia", &[&media_header, &handler, &media_info]);
        boxed(*b"trak", &[&header, &edit, &chapters, &media])
    }

    /// `mp4a` with `esds`.
    fn sound_entry(&self) -> Vec<u8> {
        let mut decoder = vec![0x40, 0x15, 0, 0x18, 0]; // AAC, a sound stream, a buffer of 6,144 bytes
        decoder.extend_from_slice(&words(&[0, self.bit_rate]));
        decoder.extend_from_slice(&descriptor(5, &self.config));
        let stream = [
            &[0, 1, 0][..],
            &descriptor(4, &decoder),
            &descriptor(6, &[2]),
        ]
        .concat();
        let esds = boxed(*b"esds", &[&words(&[0]), &descriptor(3, &stream)]);
        let mut entry = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        entry.extend_from_slice(&self.shape.channels.to_be_bytes());
        entry.extend_from_slice(&[0, 16, 0, 0, 0, 0]);
        // 16 bits and a fraction; a rate that does not fit stands in the configuration alone.
        let rate = u16::try_from(self.shape.sample_rate).unwrap_or(0);
        entry.extend_from_slice(&rate.to_be_bytes());
        entry.extend_from_slice(&[0, 0]);
        boxed(*b"mp4a", &[&entry, &esds])
    }

    fn text_track(&self, start: u64) -> Vec<u8> {
        let header = track_header(2, 2, self.frames, 0);
        let length = self
            .chapters
            .iter()
            .map(|mark| u64::from(mark.length))
            .sum();
        let media_header = media_header(TEXT_SCALE, length, self.language);
        let lengths: Vec<u32> = self.chapters.iter().map(|mark| mark.length).collect();
        let sizes: Vec<u32> = self
            .chapters
            .iter()
            .map(|mark| count(mark.sample().len()))
            .collect();
        let runs: Vec<u32> = runs(&lengths)
            .into_iter()
            .flat_map(|(times, length)| [times, length])
            .collect();
        let table = boxed(
            *b"stbl",
            &[
                &boxed(*b"stsd", &[&words(&[0, 1]), &text_entry()]),
                &boxed(
                    *b"stts",
                    &[&words(&[0, count(runs.len() / 2)]), &words(&runs)],
                ),
                &boxed(*b"stsc", &[&words(&[0, 1, 1, count(sizes.len()), 1])]),
                &boxed(
                    *b"stsz",
                    &[&words(&[0, 0, count(sizes.len())]), &words(&sizes)],
                ),
                &offsets(&[start]),
            ],
        );
        let media_info = boxed(*b"minf", &[&generic_header(), &data_here(), &table]);
        let handler = handler(*b"text", b"ChapterHandler\0");
        let media = boxed(*b"mdia", &[&media_header, &handler, &media_info]);
        boxed(*b"trak", &[&header, &media])
    }

    /// Nero's list, in units of 100 ns.
    fn chapter_list(&self) -> Vec<u8> {
        let Ok(many @ 1..) = u8::try_from(self.chapters.len()) else {
            return Vec::new();
        };
        let mut body = vec![1, 0, 0, 0, 0, 0, 0, 0, many];
        for mark in self.chapters {
            body.extend_from_slice(&(mark.start * 10_000).to_be_bytes());
            let title = &mark.title[..mark.title.floor_char_boundary(255)];
            body.push(u8::try_from(title.len()).unwrap_or(u8::MAX));
            body.extend_from_slice(title.as_bytes());
        }
        boxed(*b"chpl", &[&body])
    }
}

/// A box whose times have 32 bits, or 64 where they do not fit.
fn timed(name: [u8; 4], flags: u32, length: u64, body: impl FnOnce(Length) -> Vec<u8>) -> Vec<u8> {
    match u32::try_from(length) {
        Ok(length) => boxed(name, &[&words(&[flags]), &body(Length::Short(length))]),
        Err(_) => boxed(
            name,
            &[&words(&[0x0100_0000 | flags]), &body(Length::Long(length))],
        ),
    }
}

/// A length of time as a box writes it.
#[derive(Debug, Clone, Copy)]
enum Length {
    Short(u32),
    Long(u64),
}

impl Length {
    /// When it was made and changed: not said, so that the same book is the same file.
    fn dates(self) -> Vec<u8> {
        match self {
            Self::Short(_) => vec![0; 8],
            Self::Long(_) => vec![0; 16],
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Short(length) => length.to_be_bytes().to_vec(),
            Self::Long(length) => length.to_be_bytes().to_vec(),
        }
    }
}

fn scale(rate: u32, length: Length) -> Vec<u8> {
    [length.dates(), rate.to_be_bytes().to_vec(), length.bytes()].concat()
}

fn track_header(flags: u32, number: u32, length: u64, volume: u32) -> Vec<u8> {
    timed(*b"tkhd", flags, length, |length| {
        let number = words(&[number, 0]);
        let rest = [words(&[0, 0, 0, volume]), words(&MATRIX), words(&[0, 0])].concat();
        [length.dates(), number, length.bytes(), rest].concat()
    })
}

/// What is heard: `length` from `start` on.
fn edit_list(length: u64, start: u32) -> Vec<u8> {
    let list = match u32::try_from(length) {
        Ok(length) => words(&[0, 1, length, start, 0x1_0000]),
        Err(_) => [
            &words(&[0x0100_0000, 1])[..],
            &length.to_be_bytes(),
            &u64::from(start).to_be_bytes(),
            &words(&[0x1_0000]),
        ]
        .concat(),
    };
    boxed(*b"edts", &[&boxed(*b"elst", &[&list])])
}

fn media_header(rate: u32, length: u64, language: [u8; 3]) -> Vec<u8> {
    let packed = language.iter().fold(0u16, |packed, letter| {
        (packed << 5) | u16::from(letter.saturating_sub(0x60) & 0x1f)
    });
    timed(*b"mdhd", 0, length, |length| {
        [
            scale(rate, length),
            packed.to_be_bytes().to_vec(),
            vec![0, 0],
        ]
        .concat()
    })
}

fn handler(kind: [u8; 4], name: &[u8]) -> Vec<u8> {
    boxed(
        *b"hdlr",
        &[&words(&[0, 0]), &kind, &words(&[0, 0, 0]), name],
    )
}

/// The media lies in this file.
fn data_here() -> Vec<u8> {
    let url = boxed(*b"url ", &[&words(&[1])]);
    boxed(*b"dinf", &[&boxed(*b"dref", &[&words(&[0, 1]), &url])])
}

/// `gmhd`: the header of media that are neither sound nor picture.
fn generic_header() -> Vec<u8> {
    let general = boxed(
        *b"gmin",
        &[
            &words(&[0]),
            &[0, 0x40, 0x80, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0],
        ],
    );
    let text = boxed(
        *b"text",
        &[&[0, 1], &[0; 14], &[0, 1], &[0; 14], &[0x40, 0, 0, 0]],
    );
    boxed(*b"gmhd", &[&general, &text])
}

/// The look of chapter titles, which no player shows: text in the first font of a list of one.
fn text_entry() -> Vec<u8> {
    let look = [
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
    ];
    let fonts = boxed(*b"ftab", &[&[0, 1, 0, 1, 0]]);
    boxed(*b"text", &[&[0, 0, 0, 0, 0, 0, 0, 1], &look, &fonts])
}

/// `stts`: each frame of AAC plays as long as it is, but the last one, which is filled up.
fn lengths(sizes: usize, played: u64) -> Vec<u8> {
    let full = count(sizes.saturating_sub(1));
    let before = u64::from(full) * u64::from(aac::PRIMING);
    let last = u32::try_from(played.saturating_sub(before)).unwrap_or(aac::PRIMING);
    boxed(*b"stts", &[&words(&[0, 2, full, aac::PRIMING, 1, last])])
}

/// `stsc`: all chunks are of one length but the last.
fn chunk_lengths(frames: usize) -> Vec<u8> {
    let (full, rest) = (count(frames / CHUNK), count(frames % CHUNK));
    let mut table = Vec::new();
    if full > 0 {
        table.extend([1, count(CHUNK), 1]);
    }
    if rest > 0 {
        table.extend([full + 1, rest, 1]);
    }
    boxed(
        *b"stsc",
        &[&words(&[0, count(table.len() / 3)]), &words(&table)],
    )
}

/// Where chunks of frames begin in the file.
fn chunk_starts(sizes: &[u16], start: u64) -> Vec<u64> {
    let mut at = start;
    sizes
        .chunks(CHUNK)
        .map(|chunk| {
            let first = at;
            at += chunk.iter().map(|&size| u64::from(size)).sum::<u64>();
            first
        })
        .collect()
}

/// `stco`, or `co64` where the file is longer than 4 GiB.
fn offsets(starts: &[u64]) -> Vec<u8> {
    let head = words(&[0, count(starts.len())]);
    let short: Result<Vec<u32>, _> = starts.iter().map(|&start| u32::try_from(start)).collect();
    match short {
        Ok(short) => boxed(*b"stco", &[&head, &words(&short)]),
        Err(_) => {
            let long: Vec<u8> = starts
                .iter()
                .flat_map(|start| start.to_be_bytes())
                .collect();
            boxed(*b"co64", &[&head, &long])
        }
    }
}
