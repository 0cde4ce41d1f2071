//! How much noise each band hides.
//!
//! A simple model: what a band hides follows its own energy and, falling off with the distance in Bark, that of its
//! neighbours. How far below that the noise is kept is one number, which the rate control moves.

use crate::audio::aac::frame::Layout;

/// Decibels a Bark by which a sound hides less above itself, and below.
const UP: f32 = 15.0;
const DOWN: f32 = 27.0;
/// Neighbours further than this hide nothing.
const REACH: usize = 4;
/// How much of the differences between loud and quiet parts of a spectrum the noise does not follow.
const FLATTEN: f32 = 0.3;
/// Noise of a line that nobody hears: what rounding to 16 bits makes, in the scale of a long window.
const FLOOR: f32 = 100.0;

/// The fall-off between the bands of one kind of window.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    /// For each band, what part of the energy of each band from `REACH` below to `REACH` above it hides here.
    parts: Vec<[f32; 2 * REACH + 1]>,
    floor: f32,
}

impl Spread {
    pub(super) fn new(layout: &Layout, rate: u32) -> Self {
        let lines = if layout.is_short() { 8.0 } else { 1.0 };
        let hertz = f32::from(u16::try_from(rate / 4).unwrap_or(u16::MAX)) / 512.0;
        let barks: Vec<f32> = layout.middles().map(|line| bark(line * hertz)).collect();
        let parts = (0..barks.len())
            .map(|band| {
                std::array::from_fn(|offset| {
                    let Some(from) = (band + offset).checked_sub(REACH) else {
                        return 0.0;
                    };
                    let Some(distance) = barks.get(from).map(|from| barks[band] - from) else {
                        return 0.0;
                    };
                    let decibels = if distance >= 0.0 {
                        -UP * distance
                    } else {
                        DOWN * distance
                    };
                    10f32.powf(decibels / 10.0)
                })
            })
            .collect();
        Self {
            parts,
            floor: FLOOR / lines,
        }
    }

    /// The noise that each band of one group may have, given their energies and lines, with `quality` (a part of
    /// what is hidden; more is worse).
    pub(super) fn noise(
        &self,
        energies: &[f32],
        widths: impl Iterator<Item = f32>,
        quality: f32,
        noise: &mut Vec<f32>,
    ) {
        for ((band, parts), width) in self.parts.iter().enumerate().zip(widths) {
            let mut hidden = 0.0;
            for (offset, part) in parts.iter().enumerate() {
                let from = (band + offset).checked_sub(REACH);
                hidden += part * from.and_then(|from| energies.get(from)).unwrap_or(&0.0);
            }
            let line = (hidden / width).max(self.floor);
            noise.push((quality * line.powf(1.0 - FLATTEN)).max(self.floor) * width);
        }
    }
}

/// Zwicker's scale of hearing, in Traunmüller's form.
fn bark(hertz: f32) -> f32 {
    26.81 * hertz / (1960.0 + hertz) - 0.53
}
