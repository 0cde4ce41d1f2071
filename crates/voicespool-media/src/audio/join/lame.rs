//! Samples to an MP3, by LAME: no encoder with a free licence is good enough, so one that is installed is used.
//!
//! `lame` or `ffmpeg` gets samples through a pipe and gives frames into the file, with fixed arguments and no shell. What
//! makes them a book is ours: tag, chapters, and the info frame that says to the sample where the sound begins and ends.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::audio::decode::Shape;
use crate::audio::join::{
    Clip, JoinError, Joined, SampleSink, Span, Tags, chapter_names, chapters, id3tag,
};
use crate::audio::mp3::{FrameHeader, InfoFrame, Scanner};
use crate::audio::resample::{Interleaved, frames_at};
use crate::audio::sample::from_float;
use crate::domain::Encoder;
use crate::domain::program::on_path;

/// What LAME puts in front of the first sample.
const DELAY: u64 = 576;
/// Rates that an MP3 may have.
const RATES: [u32; 9] = [
    8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
];
/// Bits a second, in thousands, of MPEG-1 and of the lower rates.
const HIGH: [u32; 14] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
];
const LOW: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
/// Up to this rate a voice needs 64 kbit/s, above twice that.
const NARROW: u32 = 24_000;
/// What a program says last is why it gave up; more is noise.
const SAID: usize = 300;

/// A program that codes MP3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coder {
    Lame,
    Ffmpeg,
}

impl Coder {
    const ALL: [Self; 2] = [Self::Lame, Self::Ffmpeg];

    /// The first on the PATH that `wanted` takes.
    #[must_use]
    pub fn find(wanted: Encoder) -> Option<(Self, PathBuf)> {
        let mut coders = Self::ALL.into_iter().filter(|coder| match wanted {
            Encoder::Auto => true,
            Encoder::Ffmpeg => *coder == Self::Ffmpeg,
            Encoder::BuiltIn => false,
        });
        coders.find_map(|coder| Some((coder, on_path(coder.name())?)))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Lame => "lame",
            Self::Ffmpeg => "ffmpeg",
        }
    }

    fn command(self, program: &Path, shape: Shape, bits: u32) -> Command {
        let mut command = Command::new(program);
        let kilobits = (bits / 1000).to_string();
        match self {
            Self::Lame => {
                let mode = if shape.channels == 1 { "m" } else { "j" };
                let rate = format!(
                    "{}.{:03}",
                    shape.sample_rate / 1000,
                    shape.sample_rate % 1000
                );
                command
                    .args([
                        "--silent",
                        "--noreplaygain",
                        "--scale",
                        "1",
                        "-t",
                        "-r",
                        "--little-endian",
                    ])
                    .args([
                        "--signed",
                        "--bitwidth",
                        "16",
                        "-s",
                        &rate,
                        "--resample",
                        &rate,
                    ])
                    .args(["-m", mode, "--cbr", "-b", &kilobits, "-", "-"]);
            }
            Self::Ffmpeg => {
                command
                    .args(["-nostdin", "-v", "error", "-f", "s16le"])
                    .args(["-ar", &shape.sample_rate.to_string()])
                    .args(["-ac", &shape.channels.to_string(), "-i", "pipe:0"])
                    .args(["-c:a", "libmp3lame", "-b:a", &format!("{kilobits}k")])
                    .args([
                        "-write_xing",
                        "0",
                        "-id3v2_version",
                        "0",
                        "-f",
                        "mp3",
                        "pipe:1",
                    ]);
            }
        }
        command
    }
}

/// How an MP3 is coded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) encoder: Encoder,
    /// Bits a second; `None`: as is usual for one voice.
    pub(super) bit_rate: Option<u32>,
    /// Frames a second; `None`: those of the clips.
    pub(super) sample_rate: Option<u32>,
}

pub(crate) struct LameSink<'a> {
    out: &'a mut File,
    tags: &'a Tags,
    clips: &'a [Clip],
    wanted: Wanted,
    coding: Option<Coding>,
}

struct Coding {
    coder: Coder,
    child: Child,
    input: BufWriter<ChildStdin>,
    resampler: Option<Interleaved>,
    from: u32,
    shape: Shape,
    like: FrameHeader,
    /// Bytes of the tag that stands in front.
    room: usize,
    samples: Vec<f32>,
}

impl<'a> LameSink<'a> {
    pub(super) fn new(
        out: &'a mut File,
        tags: &'a Tags,
        clips: &'a [Clip],
        wanted: Wanted,
    ) -> Self {
        Self {
            out,
            tags,
            clips,
            wanted,
            coding: None,
        }
    }

    fn start(&mut self, from: Shape) -> Result<Coding, JoinError> {
        let refused = || JoinError::NotMp3 {
            sample_rate: from.sample_rate,
            channels: from.channels,
        };
        let shape = Shape {
            sample_rate: rate_of(self.wanted, from),
            ..from
        };
        let bits = bits_of(self.wanted, shape);
        let like = header(shape, bits).ok_or_else(refused)?;
        let names: Vec<_> = chapter_names(self.clips)
            .map(|name| (Span::default(), name))
            .collect();
        let tag = id3tag::encode(self.tags, &names).map_err(JoinError::Tags)?;
        let info = InfoFrame::new(like).gapless(0, 0).to_bytes();
        self.out
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.out.write_all(&tag))
            .and_then(|()| self.out.write_all(&info))
            .map_err(JoinError::Write)?;
        let (coder, program) = Coder::find(self.wanted.encoder).ok_or(JoinError::NoCoder)?;
        // It writes where we stopped: both have the same place in the file.
        let frames = self.out.try_clone().map_err(JoinError::Write)?;
        let mut child = coder
            .command(&program, shape, bits)
            .stdin(Stdio::piped())
            .stdout(frames)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| JoinError::Coder {
                coder: coder.name(),
                said: error.to_string(),
            })?;
        let input = child.stdin.take().ok_or(JoinError::NoCoder)?;
        let is_same = from.sample_rate == shape.sample_rate;
        let resampler = Interleaved::new(from.channels, from.sample_rate, shape.sample_rate);
        Ok(Coding {
            coder,
            child,
            input: BufWriter::with_capacity(64 * 1024, input),
            resampler: resampler.filter(|_| !is_same),
            from: from.sample_rate,
            shape,
            like,
            room: tag.len(),
            samples: Vec::new(),
        })
    }
}

impl SampleSink for LameSink<'_> {
    fn begin(&mut self, shape: Shape) -> Result<(), JoinError> {
        self.coding = Some(self.start(shape)?);
        Ok(())
    }

    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        match &mut self.coding {
            Some(coding) => coding.add(samples),
            None => Ok(()),
        }
    }

    fn finish(&mut self, joined: &Joined) -> Result<(), JoinError> {
        let Some(coding) = self.coding.take() else {
            return Err(JoinError::NoClips);
        };
        let tag =
            id3tag::encode(self.tags, &chapters(self.clips, joined)).map_err(JoinError::Tags)?;
        let room = coding.room;
        let (like, frames) = coding.end(joined.frames)?;
        if tag.len() != room {
            return Err(JoinError::Encode("the tag changed its size".to_owned()));
        }
        let info = info(self.out, like, frames)?;
        self.out
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.out.write_all(&tag))
            .and_then(|()| self.out.write_all(&info))
            .map_err(JoinError::Write)
    }

    fn rate_of(&self, shape: Shape) -> u32 {
        rate_of(self.wanted, shape)
    }

    fn coder(&self) -> Option<&'static str> {
        self.coding.as_ref().map(|coding| coding.coder.name())
    }
}

impl Drop for LameSink<'_> {
    /// A program whose samples end early would make a file of them.
    fn drop(&mut self) {
        if let Some(coding) = &mut self.coding {
            // It may be gone already.
            let _ = coding.child.kill();
            let _ = coding.child.wait();
        }
    }
}

impl Coding {
    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        let Some(resampler) = &mut self.resampler else {
            return self.send(samples);
        };
        resampler.add(samples, &mut self.samples);
        self.send_resampled()
    }

    fn send_resampled(&mut self) -> Result<(), JoinError> {
        let whole: Vec<i16> = self.samples.drain(..).map(from_float).collect();
        self.send(&whole)
    }

    fn send(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        // A program that gave up says why: a broken pipe does not.
        match self.input.write_all(&bytes) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.gave_up()),
        }
    }

    fn gave_up(&mut self) -> JoinError {
        let mut said = String::new();
        if let Some(errors) = self.child.stderr.take() {
            let most = u64::try_from(SAID).unwrap_or(u64::MAX);
            // What is no text is no reason.
            let _ = errors.take(most).read_to_string(&mut said);
        }
        let ended = self.child.wait().map(|status| status.to_string());
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        JoinError::Coder {
            coder: self.coder.name(),
            said: if said.is_empty() {
                ended.unwrap_or_else(|error| error.to_string())
            } else {
                said
            },
        }
    }

    /// Sends the rest of `frames` of the clips' rate and waits; how many of the file's rate they are.
    fn end(mut self, frames: u64) -> Result<(FrameHeader, u64), JoinError> {
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(&mut self.samples);
            self.send_resampled()?;
        }
        if self.input.flush().is_err() {
            return Err(self.gave_up());
        }
        let frames = frames_at(frames, self.from, self.shape.sample_rate);
        let Self {
            coder,
            child,
            input,
            like,
            ..
        } = self;
        drop(input);
        let output = child.wait_with_output().map_err(JoinError::Write)?;
        if output.status.success() {
            return Ok((like, frames));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(JoinError::Coder {
            coder: coder.name(),
            said: said.chars().take(SAID).collect(),
        })
    }
}

/// The info frame of the frames in `out`, which hold `frames` of sound.
fn info(out: &mut File, like: FrameHeader, frames: u64) -> Result<Vec<u8>, JoinError> {
    let mut info = InfoFrame::new(like);
    let file = out.try_clone().map_err(JoinError::Write)?;
    let mut scanner = Scanner::new(BufReader::new(file)).map_err(JoinError::Write)?;
    let mut samples = 0;
    let mut is_placeholder = true;
    while let Some(step) = scanner.next_frame().map_err(JoinError::Write)? {
        let frame = step.map_err(|error| JoinError::Encode(error.to_string()))?;
        if std::mem::take(&mut is_placeholder) {
            continue;
        }
        if !frame.header.continues(like) {
            let message = "the program wrote frames of another kind than it was asked for";
            return Err(JoinError::Encode(message.to_owned()));
        }
        samples += u64::from(frame.header.samples);
        info.count(frame.header, frame.bytes.len());
    }
    let padding = samples.saturating_sub(DELAY + frames);
    Ok(info.gapless(DELAY, padding).to_bytes())
}

/// Frames a second of the file.
fn rate_of(wanted: Wanted, from: Shape) -> u32 {
    let least = wanted.sample_rate.unwrap_or(from.sample_rate);
    RATES
        .into_iter()
        .find(|rate| *rate >= least)
        .unwrap_or(48_000)
}

/// Bits a second of the file: the next that an MP3 may have.
fn bits_of(wanted: Wanted, shape: Shape) -> u32 {
    let usual = if shape.sample_rate <= NARROW {
        64_000
    } else {
        128_000
    };
    let bits = wanted
        .bit_rate
        .unwrap_or(usual * u32::from(shape.channels.min(2)));
    let known = if shape.sample_rate < 32_000 {
        LOW
    } else {
        HIGH
    };
    let next = known.into_iter().find(|known| known * 1000 >= bits);
    next.unwrap_or(known[known.len() - 1]) * 1000
}

/// The header of a frame of such a file.
fn header(shape: Shape, bits: u32) -> Option<FrameHeader> {
    let (version, known) = match shape.sample_rate {
        32_000.. => (0xfb_u8, HIGH),
        16_000.. => (0xf3, LOW),
        _ => (0xe3, LOW),
    };
    let rate = match shape.sample_rate {
        44_100 | 22_050 | 11_025 => 0_u8,
        48_000 | 24_000 | 12_000 => 1,
        32_000 | 16_000 | 8_000 => 2,
        _ => return None,
    };
    let mode = match shape.channels {
        1 => 0xc0,
        2 => 0x40,
        _ => return None,
    };
    let place = known.into_iter().position(|known| known * 1000 == bits)?;
    let index = u8::try_from(place + 1).ok()?;
    FrameHeader::parse(&[0xff, version, index << 4 | rate << 2, mode])
}
