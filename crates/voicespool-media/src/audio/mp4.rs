//! What of an MP4's sound is heard: its edit list, which symphonia does not follow.
//!
//! Encoders of AAC put samples in front that no one recorded, and fill the last frame up; the edit list says
//! which samples are the recording. ISO/IEC 14496-12, 8.6.6.

use std::io::{self, Read, Seek, SeekFrom};

/// The part of a sound track that is heard, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// Boxes looked at before a file is given up as strange.
const MOST_BOXES: u32 = 4_096;
/// Boxes this much larger than they can be are not read.
const LARGEST_BODY: u64 = 1_024;

/// What is heard of the first sound track, if its edit list is a single cut. `None`: all of it, as far as is known
/// here.
pub(crate) fn heard(file: &mut (impl Read + Seek)) -> io::Result<Option<Heard>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut walk = Walk {
        file,
        left: MOST_BOXES,
        found: Found::default(),
    };
    walk.boxes(0, end, 0)?;
    let found = walk.found;
    walk.file.rewind()?;
    Ok(found.heard())
}

/// What was found on the way, of the movie and of the sound track that came first.
#[derive(Debug, Default)]
struct Found {
    movie_scale: u32,
    /// Of the track that is walked through.
    track: Track,
    sound: Option<Track>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Track {
    scale: u32,
    is_sound: bool,
    edit: Option<(u64, u64)>,
}

impl Found {
    fn heard(&self) -> Option<Heard> {
        let track = self.sound?;
        let (start, length) = track.edit?;
        if self.movie_scale == 0 || track.scale == 0 || length == 0 {
            return None;
        }
        let scaled = u128::from(length) * u128::from(track.scale);
        let rounded = (scaled + u128::from(self.movie_scale / 2)) / u128::from(self.movie_scale);
        Some(Heard {
            start,
            length: u64::try_from(rounded).ok()?,
        })
    }
}

struct Walk<'a, F> {
    file: &'a mut F,
    left: u32,
    found: Found,
}

impl<F: Read + Seek> Walk<'_, F> {
    /// The boxes from `at` to `end`, and those within the ones that matter.
    fn boxes(&mut self, mut at: u64, end: u64, depth: u8) -> io::Result<()> {
        while at + 8 <= end && self.left > 0 && self.found.sound.is_none() {
            self.left -= 1;
            self.file.seek(SeekFrom::Start(at))?;
            let mut head = [0; 8];
            self.file.read_exact(&mut head)?;
            let [a, b, c, d, name @ ..] = head;
            let (mut size, mut body) = (u64::from(u32::from_be_bytes([a, b, c, d])), at + 8);
            if size == 1 && at + 16 <= end {
                let mut long = [0; 8];
                self.file.read_exact(&mut long)?;
                (size, body) = (u64::from_be_bytes(long), at + 16);
            }
            let next = match size {
                0 => end,
                size => at.saturating_add(size).min(end),
            };
            if next < body {
                return Ok(());
            }
            match &name {
                b"trak" if depth < 8 => {
                    self.found.track = Track::default();
                    self.boxes(body, next, depth + 1)?;
                    let track = self.found.track;
                    self.found.sound = track.is_sound.then_some(track);
                }
                b"moov" | b"mdia" | b"edts" if depth < 8 => self.boxes(body, next, depth + 1)?,
                b"mvhd" | b"mdhd" | b"hdlr" | b"elst" => self.leaf(name, next - body)?,
                _ => {}
            }
            at = next;
        }
        Ok(())
    }

    fn leaf(&mut self, name: [u8; 4], size: u64) -> io::Result<()> {
        if size > LARGEST_BODY {
            return Ok(());
        }
        let mut body = Vec::new();
        self.file.by_ref().take(size).read_to_end(&mut body)?;
        let is_long = body.first() == Some(&1);
        let short = |at: usize| number(&body, at, 4).and_then(|number| u32::try_from(number).ok());
        match &name {
            b"mvhd" => self.found.movie_scale = short(if is_long { 20 } else { 12 }).unwrap_or(0),
            b"mdhd" => self.found.track.scale = short(if is_long { 20 } else { 12 }).unwrap_or(0),
            b"hdlr" => self.found.track.is_sound = body.get(8..12) == Some(b"soun"),
            _ => {
                let wide = if is_long { 8 } else { 4 };
                let start = number(&body, 8 + wide, wide);
                // A start of all ones is a silence put in front, which is not looked into here.
                let start = start.filter(|&start| start < u64::from(u32::MAX) / 2);
                let length = number(&body, 8, wide);
                let is_single = short(4) == Some(1);
                let edit = start.zip(length).filter(|_| is_single);
                self.found.track.edit = edit;
            }
        }
        Ok(())
    }
}

/// A number of `wide` bytes.
fn number(body: &[u8], at: usize, wide: usize) -> Option<u64> {
    let bytes = body.get(at..at + wide)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, &byte| (number << 8) | u64::from(byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn boxes_that_hold_themselves_or_lie_about_their_size_end() {
        let hostile: [&[u8]; 4] = [
            b"\0\0\0\0moov\0\0\0\0moov",
            b"\xff\xff\xff\xffmoov\0\0\0\x08trak\0\0\0\x04mdia",
            b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\0\0\0\x10mvhd\x01",
        ];
        for bytes in hostile {
            let read = heard(&mut Cursor::new(bytes));
            assert!(matches!(read, Ok(None)), "{bytes:?}: {read:?}");
        }
    }
}
