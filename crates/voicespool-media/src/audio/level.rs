//! How loud a clip is, and where in it something can be heard.
//!
//! Works on 16-bit samples as they come; keeps two bytes for every ten milliseconds.
//! It knows nothing of loudness standards: it tells speech from nothing.

use crate::audio::decode::Shape;
use crate::domain::AudioMillis;

/// Windows a second.
const WINDOWS: u32 = 100;
/// A window this much below the loudest one (40 dB) is not heard.
const AUDIBLE_RATIO: u16 = 100;
/// Nor is one with a root mean square below this, whatever the rest is (about −74 dBFS).
const AUDIBLE_FLOOR: u16 = 6;

/// Takes a clip's samples and tells what was in them.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    sample_rate: u32,
    channels: u64,
    /// Samples of a full window, all channels.
    window: usize,
    /// Of the window being filled.
    filled: usize,
    squares: u64,
    /// Root mean square of every full window.
    windows: Vec<u16>,
    total_squares: u128,
    samples: u64,
    peak: u16,
}

impl Meter {
    pub(crate) fn new(shape: Shape) -> Self {
        let frames = usize::try_from(shape.sample_rate / WINDOWS).unwrap_or(1);
        Self {
            sample_rate: shape.sample_rate,
            channels: u64::from(shape.channels.max(1)),
            window: frames.max(1) * usize::from(shape.channels.max(1)),
            filled: 0,
            squares: 0,
            windows: Vec::new(),
            total_squares: 0,
            samples: 0,
            peak: 0,
        }
    }

    /// Measures the next samples.
    pub(crate) fn add(&mut self, mut samples: &[i16]) {
        self.samples += u64::try_from(samples.len()).unwrap_or(0);
        while !samples.is_empty() {
            let take = (self.window - self.filled).min(samples.len());
            let (part, rest) = samples.split_at(take);
            let mut peak = 0;
            let mut squares = 0u64;
            for &sample in part {
                let size = sample.unsigned_abs();
                peak = size.max(peak);
                squares += u64::from(u32::from(size) * u32::from(size));
            }
            self.peak = self.peak.max(peak);
            self.squares += squares;
            self.filled += take;
            samples = rest;
            if self.filled == self.window {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let count = u64::try_from(self.filled).unwrap_or(1).max(1);
        let mean = (self.squares / count).isqrt();
        self.windows.push(u16::try_from(mean).unwrap_or(u16::MAX));
        self.total_squares += u128::from(self.squares);
        self.filled = 0;
        self.squares = 0;
    }

    /// What was heard in all.
    pub(crate) fn finish(mut self) -> Levels {
        if self.filled > 0 {
            self.close();
        }
        let mean = self.total_squares / u128::from(self.samples.max(1));
        let loudest = self.windows.iter().copied().max().unwrap_or(0);
        let floor = (loudest / AUDIBLE_RATIO).max(AUDIBLE_FLOOR);
        let heard = |&level: &u16| level > floor;
        let windows = self.windows.len();
        let lead = self.windows.iter().position(heard).unwrap_or(windows);
        let after_last = self.windows.iter().rposition(heard).map_or(0, |at| at + 1);
        let millis = |count: usize| {
            AudioMillis(u64::try_from(count).unwrap_or(0) * u64::from(1000 / WINDOWS))
        };
        Levels {
            peak: self.peak,
            rms: u16::try_from(mean.isqrt()).unwrap_or(u16::MAX),
            length: AudioMillis::of_frames(self.samples / self.channels, self.sample_rate),
            lead: millis(lead),
            tail: millis(windows - after_last.max(lead)),
        }
    }
}

/// The result of a [`Meter`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Levels {
    /// Largest sample, 0 to 32768.
    pub peak: u16,
    /// Root mean square of all samples.
    pub rms: u16,
    pub length: AudioMillis,
    /// Time before the first audible 10 ms; all of it when nothing is audible.
    pub lead: AudioMillis,
    /// Time after the last audible 10 ms.
    pub tail: AudioMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_at_both_ends_is_measured() {
        let shape = Shape {
            sample_rate: 8000,
            channels: 1,
        };
        let mut meter = Meter::new(shape);

        meter.add(&[0; 2400]);
        for _ in 0..800 {
            meter.add(&[10_000, -10_000]);
        }
        meter.add(&[20; 4000]);
        let levels = meter.finish();

        assert_eq!(
            (levels.lead, levels.tail),
            (AudioMillis(300), AudioMillis(500))
        );
        assert_eq!(levels.peak, 10_000);
        assert_eq!(levels.rms, 4472); // 10,000 · √(1600 / 8000)
    }

    #[test]
    fn nothing_audible_is_all_lead() {
        let shape = Shape {
            sample_rate: 8000,
            channels: 2,
        };
        let mut meter = Meter::new(shape);

        meter.add(&[1; 1600]);

        let levels = meter.finish();
        assert_eq!(
            (levels.lead, levels.tail),
            (AudioMillis(100), AudioMillis(0))
        );
    }
}
