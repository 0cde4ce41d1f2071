//! MP3 clips to one MP3, frame by frame.
//!
//! Every clip's tags and info frame are dropped and its other frames copied. A frame may lean
//! on bytes of the frames before it (the bit reservoir). The first frames of a clip that was
//! cut out of a longer stream lean on what is gone; behind another clip they would lean on
//! the wrong bytes and be heard as noise. Such frames are muted in place: their side
//! information is zeroed, their bytes stay for the frames after them.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};

use crate::audio::container::Container;
use crate::audio::decode::{Shape, read_container};
use crate::audio::join::survey::{Edges, survey};
use crate::audio::join::{
    Clip, JoinError, Joined, Mastering, Span, Tags, chapter_names, chapters, frames_in, id3tag,
    mixed, spans,
};
use crate::audio::mp3::{Frame, FrameError, FrameHeader, Info, InfoFrame, Scanner};
use crate::domain::AudioMillis;

/// The silence at the ends of the clips counts as in [`survey`](super::survey), but none of it is cut off: frames are
/// copied whole.
pub(crate) fn join(
    clips: &[Clip],
    mastering: Mastering,
    tags: &Tags,
    out: &mut File,
) -> Result<Joined, JoinError> {
    let edges = whole(clips, mastering)?;
    let names: Vec<_> = chapter_names(clips)
        .map(|name| (Span::default(), name))
        .collect();
    let placeholder = id3tag::encode(tags, &names).map_err(JoinError::Tags)?;
    let mut writer = FrameWriter {
        out: BufWriter::with_capacity(64 * 1024, out),
        info: None,
        muted: 0,
    };
    writer
        .out
        .seek(SeekFrom::Start(0))
        .map_err(JoinError::Write)?;
    writer.write(&placeholder)?;
    let mut bounds = Vec::with_capacity(clips.len());
    let mut first = None;
    for (clip, edges) in clips.iter().zip(&edges) {
        let start = writer.frames();
        let like = writer.copy(clips, clip)?;
        first.get_or_insert(like);
        bounds.push((start, writer.frames()));
        writer.pause(edges.pause, like)?;
    }
    let Some(first) = first else {
        return Err(JoinError::NoClips);
    };
    let samples = u64::from(first.samples);
    let bounds: Vec<_> = bounds
        .iter()
        .map(|&(a, b)| (a * samples, b * samples))
        .collect();
    let frames = writer.frames() * samples;
    let joined = Joined {
        sample_rate: first.sample_rate,
        channels: first.channels,
        frames,
        duration: AudioMillis::of_frames(frames, first.sample_rate),
        clips: spans(&bounds, first.sample_rate, &edges),
        muted: writer.muted,
        level: None,
        coded_rate: None,
        coder: None,
    };
    let tag = id3tag::encode(tags, &chapters(clips, &joined)).map_err(JoinError::Tags)?;
    writer.finish(&tag, placeholder.len())?;
    Ok(joined)
}

/// The silences of clips that are copied whole, and the pauses between them.
fn whole(clips: &[Clip], mastering: Mastering) -> Result<Vec<Edges>, JoinError> {
    let pauses_only = Mastering {
        loudness: None,
        ..mastering
    };
    let survey = survey(clips, pauses_only)?;
    Ok(survey.edges.into_iter().map(Edges::uncut).collect())
}

struct FrameWriter<'a> {
    out: BufWriter<&'a mut File>,
    /// From the first frame on; counts what is written after it.
    info: Option<InfoFrame>,
    muted: u64,
}

impl FrameWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), JoinError> {
        self.out.write_all(bytes).map_err(JoinError::Write)
    }

    fn frames(&self) -> u64 {
        self.info.as_ref().map_or(0, InfoFrame::frames)
    }

    fn write_frame(&mut self, header: FrameHeader, bytes: &[u8]) -> Result<(), JoinError> {
        if self.info.is_none() {
            let info = InfoFrame::new(header);
            self.write(&info.to_bytes())?; // replaced at the end
            self.info = Some(info);
        }
        if let Some(info) = &mut self.info {
            info.count(header, bytes.len());
        }
        self.write(bytes)
    }

    /// Copies the frames of one clip and returns the header of its last one.
    fn copy(&mut self, clips: &[Clip], clip: &Clip) -> Result<FrameHeader, JoinError> {
        let path = || clip.path.clone();
        let read = |source| JoinError::Read {
            path: path(),
            source,
        };
        let mut file = File::open(&clip.path).map_err(read)?;
        if read_container(&mut file).map_err(read)? != Some(Container::Mp3) {
            return Err(JoinError::NeedsMp3 { path: path() });
        }
        let mut scanner = Scanner::new(BufReader::new(file)).map_err(read)?;
        let mut last: Option<FrameHeader> = None;
        let mut is_first = true;
        // Bytes of main data this clip has offered so far: what its next frame may lean on.
        let mut reservoir = 0;
        while let Some(step) = scanner.next_frame().map_err(read)? {
            let frame = match step {
                Ok(frame) => frame,
                // Junk in front of the first frame is skipped by every decoder.
                Err(FrameError::Junk { .. }) if is_first => continue,
                Err(source) => {
                    return Err(JoinError::Frames {
                        path: path(),
                        source,
                    });
                }
            };
            if std::mem::take(&mut is_first) && Info::of(&frame).is_some() {
                continue;
            }
            if let Some(info) = &self.info
                && !frame.header.continues(info.like())
            {
                return Err(mixed(clips, shape(info.like()), clip, shape(frame.header)));
            }
            if frame.main_data_begin() > reservoir {
                let muted = mute(&frame);
                self.write_frame(frame.header, &muted)?;
                self.muted += 1;
            } else {
                self.write_frame(frame.header, frame.bytes)?;
            }
            reservoir += frame.main_data_room();
            last = Some(frame.header);
        }
        last.ok_or_else(|| JoinError::NoSound { path: path() })
    }

    /// Silent frames for a pause, to the nearest whole frame.
    fn pause(&mut self, pause: AudioMillis, like: FrameHeader) -> Result<(), JoinError> {
        let samples = u64::from(like.samples);
        let frames = (frames_in(pause, like.sample_rate) + samples / 2) / samples;
        let silence = like.silence();
        for _ in 0..frames {
            self.write_frame(like, &silence)?;
        }
        Ok(())
    }

    /// Replaces the placeholders in front.
    fn finish(mut self, tag: &[u8], tag_room: usize) -> Result<(), JoinError> {
        let info = self
            .info
            .as_ref()
            .map(InfoFrame::to_bytes)
            .unwrap_or_default();
        if tag.len() != tag_room {
            let message = "the tag changed its size between two writes";
            return Err(JoinError::Tags(id3::Error::new(
                id3::ErrorKind::InvalidInput,
                message,
            )));
        }
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        self.write(tag)?;
        self.write(&info)?;
        self.out.flush().map_err(JoinError::Write)
    }
}

fn shape(header: FrameHeader) -> Shape {
    Shape {
        sample_rate: header.sample_rate,
        channels: header.channels,
    }
}

/// `frame` saying "nothing of my own", with its bytes kept where later frames look for them.
fn mute(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = frame.bytes.to_vec();
    let side = frame.header.side_start()..frame.header.side_start() + frame.header.side_len();
    if let Some(side) = bytes.get_mut(side.clone()) {
        side.fill(0);
    }
    if frame.header.checksum {
        let sum = checksum(bytes.get(2..4).into_iter().chain(bytes.get(side)).flatten());
        if let Some(place) = bytes.get_mut(4..6) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
    }
    bytes
}

/// CRC-16 with polynomial 0x8005 over the header's second half and the side information
/// (ISO/IEC 11172-3, 2.4.3.1).
fn checksum<'a>(bytes: impl Iterator<Item = &'a u8>) -> u16 {
    bytes.fold(0xffff, |crc: u16, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc >> 15 == 1 {
                (crc << 1) ^ 0x8005
            } else {
                crc << 1
            }
        })
    })
}
