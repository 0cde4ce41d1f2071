//! Lines to whole numbers, coarse enough for the noise that each band may have and no coarser.

use crate::audio::aac::bits::Code;
use crate::audio::aac::frame::Layout;
use crate::audio::aac::huffman;

/// The scale factor at which a step is 1.
const UNIT: i32 = 100;
/// Differences of scale factors that can be written.
const LARGEST_STEP: i32 = 60;
/// The largest number that can be written.
const LARGEST_LINE: f32 = 8_191.0;
/// What is added before cutting off: less than a half, because small numbers cost less.
const ROUNDING: f32 = 0.4054;

/// A frame's lines, quantised.
#[derive(Debug, Default)]
pub(super) struct Quantised {
    pub(super) lines: Vec<i16>,
    /// Of each band; of those of zeros, what happened to be there.
    factors: Vec<i32>,
    /// The bands in which nothing is left.
    is_zero: Vec<bool>,
}

impl Quantised {
    /// Quantises `lines` so that each band has about the noise of `noise`.
    pub(super) fn fill(&mut self, layout: &Layout, lines: &[f32], noise: &[f32]) {
        self.factors.clear();
        self.lines.clear();
        for (band, &noise) in layout.bounds.windows(2).zip(noise) {
            self.factors.push(factor(&lines[band[0]..band[1]], noise));
        }
        // All differences can be written if all are within reach of the coarsest.
        let coarsest = self.factors.iter().copied().max().unwrap_or(UNIT);
        for (band, factor) in layout.bounds.windows(2).zip(&mut self.factors) {
            *factor = (*factor).max(coarsest - LARGEST_STEP);
            let scale = step(*factor).recip();
            let lines = &lines[band[0]..band[1]];
            self.lines
                .extend(lines.iter().map(|&line| round(line, scale)));
        }
        self.is_zero.clear();
        let bands = layout.bounds.windows(2);
        self.is_zero
            .extend(bands.map(|band| self.lines[band[0]..band[1]].iter().all(|&line| line == 0)));
    }

    /// What `global_gain` says: the first scale factor that is written.
    pub(super) fn gain(&self, books: &[u8]) -> i32 {
        let mut written = self.factors.iter().zip(&self.is_zero).zip(books);
        written
            .find(|((_, is_zero), book)| **book > 0 && !**is_zero)
            .map_or(0, |((factor, _), _)| *factor)
    }

    /// The differences of scale factors, in order. A band of zeros that is written repeats the last one.
    pub(super) fn differences(&self, books: &[u8]) -> impl Iterator<Item = Code> {
        let mut last = self.gain(books);
        let bands = self.factors.iter().zip(&self.is_zero).zip(books);
        bands
            .filter(|(_, book)| **book > 0)
            .map(move |((factor, is_zero), _)| {
                let before = last;
                if !is_zero {
                    last = *factor;
                }
                difference(before, last)
            })
    }
}

/// Bits of a difference of scale factors.
fn difference(from: i32, to: i32) -> Code {
    let place = usize::try_from(to - from + LARGEST_STEP).unwrap_or(0);
    huffman::SCALE_FACTOR[place.min(huffman::SCALE_FACTOR.len() - 1)]
}

/// The scale factor of the steps that make about this noise. The power law of the format makes the error of a
/// line `x` with the step `d` about `(4/3)² d^1.5 sqrt|x| / 12`.
fn factor(lines: &[f32], noise: f32) -> i32 {
    let (mut roots, mut energy, mut peak) = (0.0f32, 0.0f32, 0.0f32);
    for &line in lines {
        roots += line.abs().sqrt();
        energy += line * line;
        peak = peak.max(line.abs());
    }
    if energy <= noise || roots == 0.0 {
        // Coarse enough to leave nothing.
        return ceil(4.0 * (peak.max(1.0) * 2.2).log2()) + UNIT;
    }
    let width = noise / (4.0 / 27.0 * roots);
    let wanted = 4.0 / 1.5 * width.log2();
    let least = 4.0 * (peak / LARGEST_LINE.powf(4.0 / 3.0)).log2();
    (UNIT + ceil(least).max(floor(wanted))).clamp(0, 255)
}

fn step(factor: i32) -> f32 {
    (0.25 * narrow(factor - UNIT)).exp2()
}

fn round(line: f32, scale: f32) -> i16 {
    let scaled = line.abs() * scale;
    let root = scaled.sqrt();
    // x^(3/4), by two roots.
    let size = cut((root * root.sqrt() + ROUNDING).min(LARGEST_LINE));
    if line < 0.0 { -size } else { size }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "at most 8,191"
)]
fn cut(value: f32) -> i16 {
    value as i16
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "saturates, and is clamped"
)]
fn floor(value: f32) -> i32 {
    value.floor() as i32
}

fn ceil(value: f32) -> i32 {
    -floor(-value)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "at most 255"
)]
fn narrow(value: i32) -> f32 {
    value as f32
}
