//! Clips and pauses to one file.
//!
//! Promise: nothing is lost, doubled or stretched. WAV and FLAC are exact to the sample:
//! the clips' samples, and silence for the pauses, in order; M4B and Opus are the same samples, coded here.
//! MP3 is coded by LAME where that is asked for, else joined by frames, never re-encoded: every frame of every clip, in order, pauses as silent frames, one info
//! frame and one tag in front. Clips that differ in rate or channels are refused by
//! name. Memory does not grow with the book. [`verify_joined`] reads the result back.
//!
//! Silence belongs here and not to the clips, so that changing a pause sends nothing.
//! Loudness is not touched. Writing under a final name is the caller's business.

mod flac;
mod id3tag;
mod lame;
mod m4b;
mod mp3;
mod opus;
mod shaper;
mod shrink;
mod survey;
mod verify;
mod vorbis;
mod wav;

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::audio::aac::Unsupported;
use crate::audio::cover::Cover;
use crate::audio::decode::{DecodeError, Shape, decode};
use crate::audio::mp3::FrameError;
use crate::domain::{Aim, AudioMillis, Encoder, FileFormat, Loudness, Standard};

pub use lame::Coder;
use shaper::Shaper;
pub use shrink::{ShrinkError, can_shrink, fitting_rate, longest_in, shrink};
use survey::Edges;
pub use survey::Level;
pub use verify::{Proof, VerifyError, verify_joined};

/// One clip of the joined file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    pub path: PathBuf,
    /// Silence that follows it.
    pub pause_after: AudioMillis,
    /// A chapter of this name starts with this clip.
    pub chapter: Option<String>,
}

/// What the joined file says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    pub title: Option<String>,
    /// Of an audiobook: the book.
    pub album: Option<String>,
    /// Of an audiobook: who wrote it.
    pub artist: Option<String>,
    pub narrator: Option<String>,
    pub series: Option<String>,
    /// Its place in the series.
    pub part: Option<String>,
    pub year: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    pub genre: Option<String>,
    pub description: Option<String>,
    pub track: Option<u32>,
    /// Of how many.
    pub tracks: Option<u32>,
    pub cover: Option<Cover>,
}

/// How clips become one sound, and how that is coded. By default they are put one after another as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mastering {
    /// A pause is what is heard: the silence at the ends of the clips is part of it.
    pub heard: bool,
    /// How loud the file is to be; `None`: as the clips are. No part of an MP3 whose frames are copied.
    pub loudness: Option<Loudness>,
    /// Whom it is made for: in place of `loudness`.
    pub standard: Option<Standard>,
    /// Bits a second of what is coded here; `None`: as is usual for speech.
    pub bit_rate: Option<u32>,
    /// What makes an MP3 of them: the built-in one copies the frames of its clips.
    pub encoder: Encoder,
}

impl Mastering {
    /// What level is aimed at, and the highest peak, in dB of full scale; `None`: it is left as it is.
    pub(crate) fn aim(self) -> Option<(Aim, f64)> {
        let standard = self.standard.map(|it| (it.aim(), it.ceiling()));
        standard.or(self.loudness.map(|it| (Aim::Lufs(it.lufs()), CEILING)))
    }
}

/// The largest sample after loudness was set, so that no peak between samples exceeds -1 dB by much.
const CEILING: f64 = -1.5;

/// Where one clip lies in the joined file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub start: AudioMillis,
    /// Before the pause.
    pub end: AudioMillis,
    /// The silence of its own with which it begins and ends, where that was measured.
    pub lead: AudioMillis,
    pub tail: AudioMillis,
    /// What of the clip was cut off before `start`.
    pub cut: AudioMillis,
}

impl Span {
    /// From the first sound to the last one.
    #[must_use]
    pub fn sound(&self) -> (AudioMillis, AudioMillis) {
        let start = self.start.0 + self.lead.0;
        let end = self.end.0.saturating_sub(self.tail.0);
        if start < end {
            (AudioMillis(start), AudioMillis(end))
        } else {
            (self.start, self.end)
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Frames per second.
    pub sample_rate: u32,
    pub channels: u16,
    /// Sample frames, pauses included. For MP3: of all MPEG frames but the info frame.
    pub frames: u64,
    pub duration: AudioMillis,
    /// In the order of the clips. Of an MP3 clip, the encoder's delay and padding are part.
    pub clips: Vec<Span>,
    /// MPEG frames whose sound was lost before they came here (they lean on frames that were
    /// cut off) and that were made silent so that nothing wrong is heard. 0 but for MP3.
    pub muted: u64,
    /// How the loudness was set, if it was.
    pub level: Option<Level>,
    /// Frames per second of the file, where it is coded at others than its clips have.
    pub coded_rate: Option<u32>,
    /// The program that coded it, if it was another one.
    pub coder: Option<&'static str>,
}

/// Why clips cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("there is nothing to join")]
    NoClips,
    #[error("the joined file could not be written")]
    Write(#[source] io::Error),
    #[error("`{}` could not be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` cannot be decoded", path.display())]
    Decode {
        path: PathBuf,
        #[source]
        source: DecodeError,
    },
    #[error("`{}` is damaged as an MP3", path.display())]
    Frames {
        path: PathBuf,
        #[source]
        source: FrameError,
    },
    #[error("`{}` holds no sound", path.display())]
    NoSound { path: PathBuf },
    #[error("`{}` is {first_is} but `{}` is {other_is}", first.display(), other.display())]
    Mixed {
        first: PathBuf,
        first_is: String,
        other: PathBuf,
        other_is: String,
    },
    #[error("an MP3 is joined from MP3 clips only, and `{}` is none", path.display())]
    NeedsMp3 { path: PathBuf },
    #[error("the clips cannot be coded as M4B")]
    Aac(#[from] Unsupported),
    #[error(
        "a FLAC holds at most 8 channels and 1,048,575 Hz, not {channels} channels at {sample_rate} Hz"
    )]
    NotFlac { sample_rate: u32, channels: u16 },
    #[error("an Opus holds one or two channels, not {channels} at {sample_rate} Hz")]
    NotOpus { sample_rate: u32, channels: u16 },
    #[error("an MP3 holds one or two channels, not {channels} at {sample_rate} Hz")]
    NotMp3 { sample_rate: u32, channels: u16 },
    #[error("neither `lame` nor `ffmpeg` is on the PATH, and an MP3 is coded by one of them")]
    NoCoder,
    #[error("`{coder}` did not code it: {said}")]
    Coder { coder: &'static str, said: String },
    #[error("a pause of {} s is longer than an hour", .0.seconds())]
    Pause(AudioMillis),
    #[error("the joined file would be larger than {limit}")]
    TooLarge { limit: &'static str },
    /// In the encoder's words: its own error cannot leave its thread.
    #[error("the FLAC encoder refused a block: {0}")]
    Encode(String),
    #[error("the tags could not be written")]
    Tags(#[source] id3::Error),
}

/// Joins `clips` into `out`, whose former content is dropped.
///
/// WAV, FLAC, M4B and Opus take any clips that can be decoded (16 bits; rounding as in
/// [`crate::audio::sample`]); MP3 takes MP3. Tags go into a WAV's `LIST INFO`, a FLAC's
/// Vorbis comments, an MP3's ID3v2.3 and an M4B's `ilst`; chapters and the cover into all but WAV.
pub fn join(
    clips: &[Clip],
    format: FileFormat,
    mastering: Mastering,
    tags: &Tags,
    out: &mut File,
) -> Result<Joined, JoinError> {
    if clips.is_empty() {
        return Err(JoinError::NoClips);
    }
    if let Some(clip) = clips.iter().find(|clip| clip.pause_after > LONGEST_PAUSE) {
        return Err(JoinError::Pause(clip.pause_after));
    }
    out.set_len(0).map_err(JoinError::Write)?;
    match format {
        FileFormat::Wav => join_samples(clips, mastering, &mut wav::WavSink::new(out, tags)),
        FileFormat::Flac => {
            join_samples(clips, mastering, &mut flac::FlacSink::new(out, tags, clips))
        }
        FileFormat::Mp3 if !mastering.encoder.is_built_in() => {
            let wanted = lame::Wanted {
                encoder: mastering.encoder,
                bit_rate: mastering
                    .bit_rate
                    .or(mastering.standard.map(|standard| standard.mp3().1)),
                sample_rate: mastering.standard.map(|standard| standard.mp3().0),
            };
            let mut sink = lame::LameSink::new(out, tags, clips, wanted);
            join_samples(clips, mastering, &mut sink)
        }
        FileFormat::Mp3 => mp3::join(clips, mastering, tags, out),
        FileFormat::Opus => {
            let mut sink = opus::OpusSink::new(out, tags, clips, mastering.bit_rate);
            join_samples(clips, mastering, &mut sink)
        }
        FileFormat::M4b => {
            let bit_rate = mastering.bit_rate;
            let mut sink = m4b::M4bSink::new(out, tags, clips, bit_rate);
            join_samples(clips, mastering, &mut sink)
        }
    }
}

/// More is a slip of units, and would fill the disk.
const LONGEST_PAUSE: AudioMillis = AudioMillis(3_600_000);

/// Takes the samples of the joined file.
trait SampleSink {
    /// Once, before the first sample.
    fn begin(&mut self, shape: Shape) -> Result<(), JoinError>;
    /// Whole frames, interleaved.
    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError>;
    /// Once, after the last sample.
    fn finish(&mut self, joined: &Joined) -> Result<(), JoinError>;
    /// Frames per second of the file that is made of samples of `shape`.
    fn rate_of(&self, shape: Shape) -> u32 {
        shape.sample_rate
    }
    /// The program that codes, if it is another one.
    fn coder(&self) -> Option<&'static str> {
        None
    }
}

/// What a decoding sink may stop for.
enum Stop {
    Decode(DecodeError),
    Join(JoinError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// What is said of a clip that does not decode.
fn decoding(clip: &Clip, error: DecodeError) -> JoinError {
    let path = clip.path.clone();
    match error {
        DecodeError::Io(source) => JoinError::Read { path, source },
        source => JoinError::Decode { path, source },
    }
}

fn join_samples(
    clips: &[Clip],
    mastering: Mastering,
    sink: &mut impl SampleSink,
) -> Result<Joined, JoinError> {
    let survey = survey::survey(clips, mastering)?;
    let mut first: Option<Shape> = None;
    let mut frames = 0u64;
    let mut bounds = Vec::with_capacity(clips.len());
    for (clip, &edges) in clips.iter().zip(&survey.edges) {
        let ahead = survey.head.filter(|_| first.is_none());
        let (shape, added) = add_clip(clips, clip, (edges, survey.gain, ahead), &mut first, sink)?;
        frames += ahead.map_or(0, |ahead| frames_in(ahead, shape.sample_rate));
        let start = frames;
        frames += added;
        bounds.push((start, frames));
        frames += add_pause(sink, edges.pause, shape)?;
    }
    let Some(shape) = first else {
        return Err(JoinError::NoClips);
    };
    let joined = Joined {
        sample_rate: shape.sample_rate,
        channels: shape.channels,
        frames,
        duration: AudioMillis::of_frames(frames, shape.sample_rate),
        clips: spans(&bounds, shape.sample_rate, &survey.edges),
        muted: 0,
        level: survey.level,
        coded_rate: Some(sink.rate_of(shape)).filter(|rate| *rate != shape.sample_rate),
        coder: sink.coder(),
    };
    sink.finish(&joined)?;
    Ok(joined)
}

/// Adds one clip, of the shape of the first one, with quiet ahead of it; returns its shape and how many frames of it were
/// added.
fn add_clip(
    clips: &[Clip],
    clip: &Clip,
    (edges, gain, ahead): (Edges, f32, Option<AudioMillis>),
    first: &mut Option<Shape>,
    sink: &mut impl SampleSink,
) -> Result<(Shape, u64), JoinError> {
    let mut shaper: Option<Shaper> = None;
    let mut block = Vec::new();
    let decoded = decode::<Stop>(&clip.path, |shape, samples| {
        match first {
            None => {
                *first = Some(shape);
                sink.begin(shape).map_err(Stop::Join)?;
                let quiet = ahead.unwrap_or_default();
                add_pause(sink, quiet, shape).map_err(Stop::Join)?;
            }
            Some(first) if *first != shape => {
                return Err(Stop::Join(mixed(clips, *first, clip, shape)));
            }
            Some(_) => {}
        }
        let shaper = shaper.get_or_insert_with(|| Shaper::new(edges, gain, shape));
        if shaper.is_idle() {
            return sink.add(samples).map_err(Stop::Join);
        }
        shaper.add(samples, &mut block);
        sink.add(&block).map_err(Stop::Join)
    })
    .map_err(|stop| match stop {
        Stop::Join(error) => error,
        Stop::Decode(error) => decoding(clip, error),
    })?;
    if decoded.frames == 0 {
        let path = clip.path.clone();
        return Err(JoinError::NoSound { path });
    }
    let Some(mut shaper) = shaper.filter(|shaper| !shaper.is_idle()) else {
        return Ok((decoded.shape, decoded.frames));
    };
    shaper.finish(&mut block);
    sink.add(&block)?;
    Ok((decoded.shape, shaper.frames))
}

/// Bounds in frames to spans in milliseconds.
fn spans(bounds: &[(u64, u64)], sample_rate: u32, edges: &[Edges]) -> Vec<Span> {
    let time = |frames| AudioMillis::of_frames(frames, sample_rate);
    bounds
        .iter()
        .zip(edges)
        .map(|(&(start, end), edges)| Span {
            start: time(start),
            end: time(end),
            lead: AudioMillis(edges.lead.0 - edges.cut_lead.0),
            tail: AudioMillis(edges.tail.0 - edges.cut_tail.0),
            cut: edges.cut_lead,
        })
        .collect()
}

/// Writes a pause and returns its frames, to the nearest.
fn add_pause(
    sink: &mut impl SampleSink,
    pause: AudioMillis,
    shape: Shape,
) -> Result<u64, JoinError> {
    let frames = frames_in(pause, shape.sample_rate);
    let silence = [0i16; 4096];
    let mut left = frames.saturating_mul(u64::from(shape.channels));
    let whole = silence.len() - silence.len() % usize::from(shape.channels.max(1));
    while left > 0 {
        let take = usize::try_from(left).unwrap_or(whole).min(whole);
        sink.add(silence.get(..take).unwrap_or_default())?;
        left -= u64::try_from(take).unwrap_or(left);
    }
    Ok(frames)
}

/// Frames of `pause` at `sample_rate`, to the nearest.
fn frames_in(pause: AudioMillis, sample_rate: u32) -> u64 {
    let exact = (u128::from(pause.0) * u128::from(sample_rate) + 500) / 1000;
    u64::try_from(exact).unwrap_or(u64::MAX)
}

fn mixed(clips: &[Clip], first: Shape, clip: &Clip, shape: Shape) -> JoinError {
    let words = |shape: Shape| {
        let channels = match shape.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            more => format!("of {more} channels"),
        };
        format!("{channels} at {} Hz", shape.sample_rate)
    };
    JoinError::Mixed {
        first: clips
            .first()
            .map(|clip| clip.path.clone())
            .unwrap_or_default(),
        first_is: words(first),
        other: clip.path.clone(),
        other_is: words(shape),
    }
}

/// Milliseconds by which a chapter's mark is before its first sound.
const MARK_AHEAD: u64 = 30;

/// The names of the chapters in order.
fn chapter_names(clips: &[Clip]) -> impl Iterator<Item = &str> {
    clips.iter().filter_map(|clip| clip.chapter.as_deref())
}

/// The chapters among the clips, as (start, end, name); each ends where the next starts.
fn chapters<'a>(clips: &'a [Clip], joined: &Joined) -> Vec<(Span, &'a str)> {
    let mut chapters: Vec<(Span, &str)> = Vec::new();
    for (number, (clip, span)) in clips.iter().zip(&joined.clips).enumerate() {
        let is_first = number == 0;
        let Some(name) = &clip.chapter else { continue };
        // Just before the first sound, so that a player that jumps there misses nothing of it. The first
        // chapter begins where the file does.
        let silence = span.lead.0.saturating_sub(MARK_AHEAD);
        let start = match chapters.last_mut() {
            None if is_first => AudioMillis(0),
            _ => AudioMillis(span.start.0 + silence),
        };
        if let Some((last, _)) = chapters.last_mut() {
            last.end = start;
        }
        let span = Span {
            start,
            end: joined.duration,
            ..Span::default()
        };
        chapters.push((span, name));
    }
    chapters
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "test data is small"
)]
mod tests;
