//! What a finished file sounds like, in the numbers that delivery rules are made of.
//!
//! Everything is measured on the decoded file, in one pass and in memory that does not grow with it.
//! Levels are dB relative to a full-scale square wave, as `sox stats` and ffmpeg's `astats` give them
//! (a full-scale sine has an RMS of −3.01 dB); all channels count together.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::audio::container::Container;
use crate::audio::decode::{DecodeError, Shape, decode};
use crate::audio::level::Meter;
use crate::audio::loudness::LoudnessMeter;
use crate::audio::mp3::{Info, Scanner};
use crate::audio::probe::{ProbeError, probe};
use crate::domain::AudioMillis;

/// Steps of the window in which the noise floor is looked for: 10 ms.
const STEPS_A_SECOND: u32 = 100;
/// Steps in that window: half a second.
const FLOOR_STEPS: usize = 50;
/// Samples this large were cut off, or may have been.
const FULL_SCALE: u16 = 32_767;
/// Of a 16-bit sample.
const FULL: f64 = 32_768.0;

/// How an MP3 spends its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitRateMode {
    /// Every frame has the same rate.
    Constant,
    Variable,
}

/// The numbers of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurements {
    pub container: Container,
    /// Short lower-case name, as in [`crate::audio::AudioFacts`].
    pub codec: String,
    /// Frames per second.
    pub sample_rate: u32,
    pub channels: u16,
    pub duration: AudioMillis,
    /// Bits per second: of an MP3 the mean of its frames, else of the whole file.
    pub bit_rate: u64,
    /// Known for MP3 only.
    pub bit_rate_mode: Option<BitRateMode>,
    /// Root mean square of everything, in dB; `None` if all of it is digital silence, as in the next two.
    pub rms: Option<f64>,
    /// Largest sample, in dB.
    pub peak: Option<f64>,
    /// Largest value between the samples (ITU-R BS.1770-4), in dBTP.
    pub true_peak: Option<f64>,
    /// RMS of the quietest half second, in dB; `None` if it is digital silence or the file is shorter.
    pub floor: Option<f64>,
    /// Integrated loudness (EBU R 128); `None` if there is too little to measure.
    pub lufs: Option<f64>,
    /// Samples at full scale.
    pub clipped: u64,
    /// Before the first and after the last 10 ms that can be heard: louder than 40 dB below the loudest.
    pub head: AudioMillis,
    pub tail: AudioMillis,
}

/// Why a file has no numbers.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the file could not be read")]
    Io(#[from] io::Error),
}

/// Decodes the file at `path` to its end and measures it.
///
/// # Errors
/// A file that is no audio, is damaged, or is of a codec that has no decoder here.
pub fn measure(path: &Path) -> Result<Measurements, MeasureError> {
    let facts = probe(path)?;
    let mut tally: Option<Tally> = None;
    let decoded = decode::<DecodeError>(path, |shape, samples| {
        tally
            .get_or_insert_with(|| Tally::new(shape))
            .add(shape, samples);
        Ok(())
    })?;
    let duration = decoded.duration();
    let (bit_rate, bit_rate_mode) = match facts.container {
        Container::Mp3 => frame_rates(path)?,
        _ => (of_file(path.metadata()?.len(), duration), None),
    };
    let tally = tally.unwrap_or_else(|| Tally::new(decoded.shape));
    let levels = tally.meter.finish();
    Ok(Measurements {
        container: facts.container,
        codec: facts.codec,
        sample_rate: decoded.shape.sample_rate,
        channels: decoded.shape.channels,
        duration,
        bit_rate,
        bit_rate_mode,
        rms: decibels(mean(tally.squares, tally.samples)),
        peak: decibels(square(tally.peak)),
        true_peak: tally.loudness.true_peak(),
        floor: tally.floor.quietest().and_then(decibels),
        lufs: tally.loudness.integrated(),
        clipped: tally.clipped,
        head: levels.lead,
        tail: levels.tail,
    })
}

struct Tally {
    loudness: LoudnessMeter,
    meter: Meter,
    floor: Floor,
    squares: u128,
    samples: u64,
    peak: u16,
    clipped: u64,
}

impl Tally {
    fn new(shape: Shape) -> Self {
        Self {
            loudness: LoudnessMeter::with_peaks(shape),
            meter: Meter::new(shape),
            floor: Floor::new(shape),
            squares: 0,
            samples: 0,
            peak: 0,
            clipped: 0,
        }
    }

    fn add(&mut self, shape: Shape, samples: &[i16]) {
        self.loudness.add(samples);
        self.meter.add(samples);
        for frame in samples.chunks(usize::from(shape.channels.max(1))) {
            let mut squares = 0;
            for sample in frame {
                let size = sample.unsigned_abs();
                self.peak = self.peak.max(size);
                self.clipped += u64::from(size >= FULL_SCALE);
                squares += u64::from(size) * u64::from(size);
            }
            self.squares += u128::from(squares);
            self.samples += u64::try_from(frame.len()).unwrap_or(0);
            self.floor.add(squares);
        }
    }
}

/// The quietest half second, wherever it begins, to 10 ms.
struct Floor {
    /// Frames of a step.
    step: usize,
    channels: u64,
    filled: usize,
    squares: u64,
    /// The last half second, step by step, and its sum.
    window: VecDeque<u64>,
    sum: u64,
    least: Option<u64>,
}

impl Floor {
    fn new(shape: Shape) -> Self {
        Self {
            step: usize::try_from(shape.sample_rate / STEPS_A_SECOND).map_or(1, |step| step.max(1)),
            channels: u64::from(shape.channels.max(1)),
            filled: 0,
            squares: 0,
            window: VecDeque::with_capacity(FLOOR_STEPS),
            sum: 0,
            least: None,
        }
    }

    /// One frame's sum of squares.
    fn add(&mut self, squares: u64) {
        self.squares += squares;
        self.filled += 1;
        if self.filled < self.step {
            return;
        }
        if self.window.len() == FLOOR_STEPS {
            self.sum -= self.window.pop_front().unwrap_or(0);
        }
        self.window.push_back(self.squares);
        self.sum += self.squares;
        (self.filled, self.squares) = (0, 0);
        if self.window.len() == FLOOR_STEPS {
            self.least = Some(self.least.map_or(self.sum, |least| least.min(self.sum)));
        }
    }

    /// Mean square of the quietest; `None` if the file is shorter than half a second.
    fn quietest(&self) -> Option<f64> {
        let samples = u64::try_from(self.step * FLOOR_STEPS).unwrap_or(1) * self.channels;
        self.least.map(|squares| mean(u128::from(squares), samples))
    }
}

/// Mean of squared samples, of full scale.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a level, shown with two decimals"
)]
fn mean(squares: u128, samples: u64) -> f64 {
    squares as f64 / samples.max(1) as f64 / (FULL * FULL)
}

fn square(peak: u16) -> f64 {
    (f64::from(peak) / FULL).powi(2)
}

/// A mean square of full scale in dB; `None` for nothing.
fn decibels(mean_square: f64) -> Option<f64> {
    (mean_square > 0.0).then(|| 10.0 * mean_square.log10())
}

fn of_file(bytes: u64, duration: AudioMillis) -> u64 {
    bytes * 8 * 1000 / duration.0.max(1)
}

/// The mean bit rate of an MP3's frames, and whether it is theirs all along. The frame in front that
/// counts the others is no sound and may have another rate.
fn frame_rates(path: &Path) -> io::Result<(u64, Option<BitRateMode>)> {
    let mut scanner = Scanner::new(BufReader::new(File::open(path)?))?;
    let (mut first, mut is_constant, mut is_front) = (None, true, true);
    let (mut sum, mut frames) = (0u64, 0u64);
    while let Some(step) = scanner.next_frame()? {
        let Ok(frame) = step else { continue };
        if std::mem::take(&mut is_front) && Info::of(&frame).is_some() {
            continue;
        }
        let rate = frame.header.bit_rate;
        is_constant &= *first.get_or_insert(rate) == rate;
        sum += u64::from(rate);
        frames += 1;
    }
    let mode = if is_constant {
        BitRateMode::Constant
    } else {
        BitRateMode::Variable
    };
    Ok((sum / frames.max(1), Some(mode)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of 8 kHz mono in three levels, as blocks that end where no step does.
    fn tally() -> Tally {
        let shape = Shape {
            sample_rate: 8000,
            channels: 1,
        };
        let mut tally = Tally::new(shape);
        let mut samples = [8_192, -8_192].repeat(2_000);
        samples.extend([33, -33].repeat(2_200));
        samples.extend([i16::MIN, i16::MAX, 0, 100]);
        for block in samples.chunks(333) {
            tally.add(shape, block);
        }
        tally
    }

    #[test]
    fn levels_are_relative_to_full_scale() {
        let tally = tally();

        assert_eq!(decibels(square(tally.peak)), Some(0.0));
        assert_eq!(tally.clipped, 2);
        // √(4000·8192² + 4400·33² + 2·32768²)/8404) of 32768, in dB.
        let rms = decibels(mean(tally.squares, tally.samples)).unwrap();
        assert!((rms - -15.231).abs() < 0.001, "{rms}");
    }

    #[test]
    fn the_floor_is_the_quietest_half_second() {
        // 4,000 of the 4,400 quiet samples: 20·log10(33/32768).
        let floor = tally().floor.quietest().and_then(decibels).unwrap();

        assert!((floor - -59.939).abs() < 0.001, "{floor}");
    }

    #[test]
    fn a_file_under_half_a_second_has_no_floor() {
        let shape = Shape {
            sample_rate: 8000,
            channels: 2,
        };
        let mut tally = Tally::new(shape);

        tally.add(shape, &[5; 7_998]);

        assert_eq!(tally.floor.quietest(), None);
    }
}
