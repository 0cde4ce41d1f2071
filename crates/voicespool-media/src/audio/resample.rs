//! One channel at another sample rate, block by block.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

/// Nobody records at more frames a second; a header that says so would cost gigabytes.
const FASTEST: u32 = 768_000;
/// Frames that go in at once.
const BLOCK: usize = 1024;

/// Frames at one rate for `frames` at another: what a [`Resampler`] makes of them.
pub(crate) fn frames_at(frames: u64, from: u32, to: u32) -> u64 {
    let exact = (u128::from(frames) * u128::from(to)).div_ceil(u128::from(from.max(1)));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// Interleaved samples of any number of channels at another rate.
pub(crate) struct Interleaved {
    channels: Vec<Resampler>,
    apart: Vec<i16>,
    /// What came through of each channel and waits for the others.
    waiting: Vec<Vec<f32>>,
}

impl Interleaved {
    /// `None` for rates that nobody records at.
    pub(crate) fn new(channels: u16, from: u32, to: u32) -> Option<Self> {
        let resamplers = (0..channels).map(|_| Resampler::new(from, to));
        Some(Self {
            channels: resamplers.collect::<Option<_>>()?,
            apart: Vec::new(),
            waiting: vec![Vec::new(); usize::from(channels)],
        })
    }

    /// Adds whole frames and appends to `out` what has come through.
    pub(crate) fn add(&mut self, samples: &[i16], out: &mut Vec<f32>) {
        let width = self.channels.len();
        for (number, (resampler, waiting)) in
            self.channels.iter_mut().zip(&mut self.waiting).enumerate()
        {
            self.apart.clear();
            self.apart
                .extend(samples.iter().skip(number).step_by(width));
            resampler.add(&self.apart, waiting);
        }
        self.interleave(out);
    }

    /// Nothing follows: appends the rest.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        for (resampler, waiting) in self.channels.iter_mut().zip(&mut self.waiting) {
            resampler.finish(waiting);
        }
        self.interleave(out);
    }

    fn interleave(&mut self, out: &mut Vec<f32>) {
        let frames = self.waiting.iter().map(Vec::len).min().unwrap_or(0);
        for frame in 0..frames {
            out.extend(self.waiting.iter().map(|waiting| waiting[frame]));
        }
        for waiting in &mut self.waiting {
            waiting.drain(..frames);
        }
    }
}

/// Takes mono samples at one rate and gives them at another, from the first to the last, with nothing before or after.
pub(crate) struct Resampler {
    /// `None`: the rates are equal.
    fft: Option<Fft<f32>>,
    pending: Vec<f32>,
    block: Vec<f32>,
    /// Frames still to be dropped: the resampler's own delay.
    skip: usize,
    from: u64,
    to: u64,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// `None` for rates that nobody records at.
    pub(crate) fn new(from: u32, to: u32) -> Option<Self> {
        let rate = |rate: u32| usize::try_from(rate).ok();
        if from == 0 || from > FASTEST {
            return None;
        }
        let fft = if from == to {
            None
        } else {
            Some(Fft::new(rate(from)?, rate(to)?, BLOCK, 1, FixedSync::Input).ok()?)
        };
        Some(Self {
            skip: fft.as_ref().map_or(0, rubato::Resampler::output_delay),
            block: vec![0.0; fft.as_ref().map_or(0, rubato::Resampler::output_frames_max)],
            fft,
            pending: Vec::new(),
            from: u64::from(from),
            to: u64::from(to),
            taken: 0,
            given: 0,
        })
    }

    /// Adds `samples` and appends to `out` what has come through.
    pub(crate) fn add(&mut self, samples: &[i16], out: &mut Vec<f32>) {
        self.taken += count(samples.len());
        let samples = samples.iter().map(|&sample| f32::from(sample) / 32_768.0);
        if self.fft.is_none() {
            out.extend(samples);
            return;
        }
        self.pending.extend(samples);
        self.work(out, u64::MAX);
    }

    /// Nothing follows: appends the rest.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        if self.fft.is_none() {
            return;
        }
        let wanted = (self.taken * self.to).div_ceil(self.from);
        while self.given < wanted {
            self.pending.resize(self.pending.len() + BLOCK, 0.0);
            let before = self.given;
            let skipped = self.skip;
            self.work(out, wanted);
            if self.given == before && self.skip == skipped {
                return;
            }
        }
    }

    /// Resamples whole blocks, up to `most` frames in all.
    fn work(&mut self, out: &mut Vec<f32>, most: u64) {
        let Some(fft) = &mut self.fft else { return };
        let mut at = 0;
        while let Some(input) = self.pending.get(at..at + fft.input_frames_next()) {
            let taken = input.len();
            let room = self.block.len();
            let input = InterleavedSlice::new(input, 1, taken);
            let output = InterleavedSlice::new_mut(&mut self.block, 1, room);
            let (Ok(input), Ok(mut output)) = (input, output) else {
                return;
            };
            let Ok((_, made)) = fft.process_into_buffer(&input, &mut output, None) else {
                return;
            };
            at += taken;
            let skip = self.skip.min(made);
            self.skip -= skip;
            let left = usize::try_from(most - self.given).unwrap_or(usize::MAX);
            let end = made.min(skip.saturating_add(left));
            // A filter may ring above full scale.
            out.extend(
                self.block[skip..end]
                    .iter()
                    .map(|sample| sample.clamp(-1.0, 1.0)),
            );
            self.given += count(end - skip);
        }
        self.pending.drain(..at);
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").finish_non_exhaustive()
    }
}

fn count(frames: usize) -> u64 {
    u64::try_from(frames).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a tone"
)]
mod tests {
    use super::*;

    /// Half a second of 500 Hz.
    fn tone(rate: u32) -> Vec<i16> {
        let step = std::f32::consts::TAU * 500.0 / rate as f32;
        (0..rate / 2)
            .map(|at| (f32::sin(at as f32 * step) * 16_384.0) as i16)
            .collect()
    }

    #[test]
    fn rates_that_nobody_records_at_are_refused() {
        for rate in [0, 768_001, u32::MAX] {
            assert!(Resampler::new(rate, 16_000).is_none(), "{rate}");
        }
    }

    #[test]
    fn a_tone_stays_where_it_is_whatever_the_blocks_are() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            for size in [1, 333, 5_000] {
                let mut resampler = Resampler::new(rate, 16_000).unwrap();
                let mut out = Vec::new();
                for block in tone(rate).chunks(size) {
                    resampler.add(block, &mut out);
                }
                resampler.finish(&mut out);

                let expected = (u64::from(rate / 2) * 16_000).div_ceil(u64::from(rate));
                assert_eq!(count(out.len()), expected, "{rate} in {size}");
                // Within one frame, away from the ends, where a filter sees what is not there.
                let wanted = tone(16_000);
                for at in 400..7_600 {
                    let difference = out[at] - f32::from(wanted[at]) / 32_768.0;
                    assert!(
                        difference.abs() < 0.098,
                        "{rate} in {size}: {difference} at {at}"
                    );
                }
            }
        }
    }
}
