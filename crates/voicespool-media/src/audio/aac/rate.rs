//! How good the sound may be at the bit rate that was asked for.

use crate::audio::aac::FRAME;

/// Keeps the average over what is spoken at the bit rate, by moving one number slowly.
#[derive(Debug)]
pub(super) struct Rate {
    /// Bits of a frame, all channels.
    bits: f32,
    /// Logarithm to the base 2 of the part of the hidden noise that is allowed.
    quality: f32,
    frames: u32,
    cutoff: f32,
}

/// Where quality starts, and how far it may move.
const START: f32 = 3.0;
const BEST: f32 = -6.0;
const WORST: f32 = 14.0;

impl Rate {
    pub(super) fn new(bit_rate: u32, sample_rate: u32, channels: u16) -> Self {
        let (bit_rate, sample_rate) = (float(bit_rate), float(sample_rate));
        let each = bit_rate / f32::from(channels);
        // What is above is left out, so that what is below is good.
        let hertz = 4_000.0 + 0.18 * each;
        Self {
            bits: bit_rate / sample_rate * float(u32::try_from(FRAME).unwrap_or(0)),
            quality: START,
            frames: 0,
            cutoff: (2.0 * hertz / sample_rate).min(1.0),
        }
    }

    /// The part of the spectrum that is coded.
    pub(super) fn cutoff(&self) -> f32 {
        self.cutoff
    }

    pub(super) fn quality(&self) -> f32 {
        self.quality.exp2()
    }

    /// A frame took so many bits.
    pub(super) fn used(&mut self, bits: u32) {
        let off = float(bits) / self.bits - 1.0;
        // Silence does not make the speech after it better than the bit rate.
        if off < -0.7 {
            return;
        }
        self.frames = self.frames.saturating_add(1);
        let pull = if self.frames < 16 { 0.5 } else { 0.06 };
        self.quality = (self.quality + pull * off).clamp(BEST, WORST);
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "rates, to seven digits"
)]
fn float(value: u32) -> f32 {
    value as f32
}
