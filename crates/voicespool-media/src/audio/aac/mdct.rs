//! The modified discrete cosine transform of AAC: 2n windowed samples to n lines.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// A transform of one size, with its sine window.
pub(super) struct Mdct {
    lines: usize,
    fft: Arc<dyn Fft<f32>>,
    /// `exp(-2πi (k + 1/8) / 2n)`, for the turns before and after.
    twiddles: Vec<Complex<f32>>,
    /// The rising half of the window.
    pub(super) slope: Vec<f32>,
    turned: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    rotated: Vec<f32>,
}

impl Mdct {
    pub(super) fn new(lines: usize) -> Self {
        let fft = FftPlanner::new().plan_fft_forward(lines / 2);
        let size = 2.0 * float(lines);
        let twiddles = (0..lines / 2)
            .map(|k| {
                let angle = -2.0 * std::f64::consts::PI * (float(k) + 0.125) / size;
                Complex::new(narrow(angle.cos()), narrow(angle.sin()))
            })
            .collect();
        let slope = (0..lines)
            .map(|n| narrow((std::f64::consts::PI / size * (float(n) + 0.5)).sin()))
            .collect();
        Self {
            lines,
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            fft,
            twiddles,
            slope,
            turned: vec![Complex::default(); lines / 2],
            rotated: vec![0.0; 2 * lines],
        }
    }

    /// `X[k] = 2 Σ z[n] cos(2π/2n (n + n0) (k + 1/2))` with `n0 = (lines + 1) / 2`, as ISO/IEC 14496-3 §4.6.11.3
    /// has it; `windowed` holds two samples a line.
    pub(super) fn transform(&mut self, windowed: &[f32], lines: &mut [f32]) {
        let n = self.lines;
        let quarter = n / 2;
        // By a quarter of the block, what comes round with its sign turned.
        for (to, from) in self.rotated.iter_mut().zip(&windowed[3 * quarter..]) {
            *to = -from;
        }
        self.rotated[quarter..].copy_from_slice(&windowed[..3 * quarter]);
        let r = &self.rotated;
        for (k, (turned, twiddle)) in self.turned.iter_mut().zip(&self.twiddles).enumerate() {
            let re = r[2 * k] - r[2 * n - 1 - 2 * k];
            let im = r[n + 2 * k] - r[n - 1 - 2 * k];
            *turned = Complex::new(re, -im) * twiddle;
        }
        self.fft
            .process_with_scratch(&mut self.turned, &mut self.scratch);
        for (k, (turned, twiddle)) in self.turned.iter().zip(&self.twiddles).enumerate() {
            let line = turned * twiddle * 2.0;
            lines[2 * k] = line.re;
            lines[n - 1 - 2 * k] = -line.im;
        }
    }
}

impl std::fmt::Debug for Mdct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mdct")
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "indices of a block, at most 2,048"
)]
fn float(index: usize) -> f64 {
    index as f64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a table in the precision of the samples"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_transform_is_the_one_of_the_standard() {
        for lines in [128, 1024] {
            let samples: Vec<f32> = (0..2 * lines)
                .map(|n| narrow((float(n * n % 977) - 488.0) * 60.0))
                .collect();
            let mut fast = vec![0.0; lines];
            Mdct::new(lines).transform(&samples, &mut fast);
            for k in [0, 1, 2, 17, lines / 2, lines - 2, lines - 1] {
                let slow: f64 = samples
                    .iter()
                    .enumerate()
                    .map(|(n, sample)| {
                        let turn = (float(n) + f64::midpoint(float(lines), 1.0)) * (float(k) + 0.5);
                        2.0 * f64::from(*sample)
                            * (std::f64::consts::PI / float(lines) * turn).cos()
                    })
                    .sum();
                assert!(
                    (slow - f64::from(fast[k])).abs() < 2.0,
                    "line {k} of {lines}: {slow} and {}",
                    fast[k]
                );
            }
        }
    }
}
