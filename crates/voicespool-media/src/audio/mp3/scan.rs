//! Stepping from frame to frame, in memory or through a reader.

use std::io::{self, Read, Seek, SeekFrom};

use crate::audio::mp3::body::{body_of, body_range};
use crate::audio::mp3::{FrameHeader, MAX_FRAME_BYTES, Version};

/// One frame of an MP3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub header: FrameHeader,
    /// The whole frame, header included.
    pub bytes: &'a [u8],
    /// Where it begins, counted from the end of the leading tags.
    pub offset: u64,
}

impl Frame<'_> {
    /// How many bytes before this frame its main data begins, not counting headers and side
    /// information (the bit reservoir). 0: the frame stands alone.
    pub fn main_data_begin(&self) -> usize {
        let side = self.bytes.get(self.header.side_start()..);
        match (self.header.version, side) {
            (Version::Mpeg1, Some([high, low, ..])) => {
                (usize::from(*high) << 1) | usize::from(low >> 7)
            }
            (_, Some([byte, ..])) => usize::from(*byte),
            _ => 0,
        }
    }

    /// Bytes this frame has for main data, its own or that of frames after it.
    pub(crate) fn main_data_room(&self) -> usize {
        let side_end = self.header.side_start() + self.header.side_len();
        self.bytes.len().saturating_sub(side_end)
    }
}

/// Where an MP3 is not one frame after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Reading goes on after it.
    #[error("at offset {offset} stands what is no frame (bytes: {len})")]
    Junk { offset: u64, len: u64 },
    /// The last frame is cut. Nothing follows.
    #[error("the last frame, at offset {offset}, lacks bytes: {missing}")]
    Truncated { offset: u64, missing: usize },
}

/// What stands at the beginning of a buffer.
enum Step {
    /// A believable frame.
    Frame(FrameHeader),
    /// No frame begins in the first `len` bytes.
    Junk(usize),
    /// A frame that is longer than what is left.
    Cut {
        missing: usize,
    },
    /// Cannot be told without more bytes.
    More,
    End,
}

/// One step. `last` is the header of the frame that ended exactly here; `at_end` says that
/// nothing follows `buffer`.
fn step(buffer: &[u8], last: Option<FrameHeader>, at_end: bool) -> Step {
    let mut junk = 0;
    while let Some(rest) = buffer.get(junk..).filter(|rest| !rest.is_empty()) {
        if rest.len() < MAX_FRAME_BYTES + 4 && !at_end {
            return if junk > 0 {
                Step::Junk(junk)
            } else {
                Step::More
            };
        }
        if let Some(header) = FrameHeader::parse(rest) {
            let in_sync = junk == 0 && last.is_some_and(|last| header.continues(last));
            let next = rest.get(header.len..).map(|after| {
                after.is_empty() || FrameHeader::parse(after).is_some_and(|h| h.continues(header))
            });
            match next {
                Some(true) if junk > 0 => return Step::Junk(junk),
                Some(true) => return Step::Frame(header),
                Some(false) if in_sync => return Step::Frame(header),
                None if in_sync => {
                    return Step::Cut {
                        missing: header.len.saturating_sub(rest.len()),
                    };
                }
                _ => {}
            }
        }
        junk += 1;
    }
    if junk == 0 {
        Step::End
    } else {
        Step::Junk(junk)
    }
}

/// The frames of `bytes`, tags left out; a Xing, Info or VBRI frame in front is yielded like
/// the others ([`crate::audio::mp3::Info::of`] tells).
pub fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames {
        rest: body_of(bytes),
        offset: 0,
        last: None,
    }
}

/// Iterator of [`frames`].
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    offset: u64,
    last: Option<FrameHeader>,
}

impl<'a> Frames<'a> {
    fn take(&mut self, len: usize) -> (&'a [u8], u64) {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        let offset = self.offset;
        self.rest = rest;
        self.offset += length(taken.len());
        (taken, offset)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = step(self.rest, self.last, true);
        self.last = None;
        Some(match step {
            Step::Frame(header) => {
                self.last = Some(header);
                let (bytes, offset) = self.take(header.len);
                Ok(Frame {
                    header,
                    bytes,
                    offset,
                })
            }
            Step::Junk(len) => {
                let (_, offset) = self.take(len);
                Err(FrameError::Junk {
                    offset,
                    len: length(len),
                })
            }
            Step::Cut { missing } => {
                let (_, offset) = self.take(self.rest.len());
                Err(FrameError::Truncated { offset, missing })
            }
            Step::More | Step::End => return None,
        })
    }
}

/// The frames of a file, a buffer at a time: memory does not grow with the file.
#[derive(Debug)]
pub struct Scanner<R> {
    file: R,
    buffer: Vec<u8>,
    /// Start of what is not yet stepped over in `buffer`.
    at: usize,
    offset: u64,
    /// Bytes of the body still unread.
    left: u64,
    last: Option<FrameHeader>,
}

const READ_BYTES: usize = 64 * 1024;

impl<R: Read + Seek> Scanner<R> {
    /// Begins after the leading tags of `file`.
    pub fn new(mut file: R) -> io::Result<Self> {
        let body = body_range(&mut file)?;
        file.seek(SeekFrom::Start(body.start))?;
        Ok(Self {
            file,
            buffer: Vec::with_capacity(READ_BYTES + MAX_FRAME_BYTES + 4),
            at: 0,
            offset: 0,
            left: body.end - body.start,
            last: None,
        })
    }

    /// Bytes between the tags: those stepped over and those to come.
    pub fn body_bytes(&self) -> u64 {
        self.offset + length(self.buffer.len() - self.at) + self.left
    }

    /// The next frame or fault, or `None` at the end.
    pub fn next_frame(&mut self) -> io::Result<Option<Result<Frame<'_>, FrameError>>> {
        loop {
            let step = step(
                self.buffer.get(self.at..).unwrap_or_default(),
                self.last,
                self.left == 0,
            );
            if matches!(step, Step::More | Step::End) && self.left > 0 {
                self.refill()?;
                continue;
            }
            let (start, offset) = (self.at, self.offset);
            self.last = None;
            let (len, fault) = match step {
                Step::Frame(header) => {
                    self.last = Some(header);
                    (header.len, None)
                }
                Step::Junk(len) => {
                    let len_long = length(len);
                    let fault = FrameError::Junk {
                        offset,
                        len: len_long,
                    };
                    (len, Some(fault))
                }
                Step::Cut { missing } => {
                    let fault = FrameError::Truncated { offset, missing };
                    (self.buffer.len() - start, Some(fault))
                }
                Step::More | Step::End => return Ok(None),
            };
            self.at += len;
            self.offset += length(len);
            let bytes = self.buffer.get(start..self.at).unwrap_or_default();
            return Ok(Some(match (fault, self.last) {
                (None, Some(header)) => Ok(Frame {
                    header,
                    bytes,
                    offset,
                }),
                (Some(fault), _) => Err(fault),
                (None, None) => return Ok(None),
            }));
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let take = self.left.min(length(READ_BYTES));
        let kept = self.buffer.len();
        self.buffer
            .resize(kept + usize::try_from(take).unwrap_or(READ_BYTES), 0);
        self.file
            .read_exact(self.buffer.get_mut(kept..).unwrap_or_default())?;
        self.left -= take;
        Ok(())
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
