//! A clip on its way into the file: its ends cut, its loudness set.

use crate::audio::decode::Shape;
use crate::audio::join::frames_in;
use crate::audio::join::survey::Edges;

/// Frames over which a cut fades, so that it does not click.
const FADE_MILLIS: u32 = 5;

/// Shapes the blocks of one clip.
#[derive(Debug)]
pub(super) struct Shaper {
    channels: usize,
    /// The frame at which it begins, and where it ends if that is before the end of the clip.
    start: u64,
    /// Frames at the end that are not handed on.
    hold: usize,
    is_cut: (bool, bool),
    fade: usize,
    gain: f32,
    /// Frames that came in.
    seen: u64,
    /// What may be the end.
    held: Vec<i16>,
    /// Frames handed on.
    pub(super) frames: u64,
}

impl Shaper {
    pub(super) fn new(edges: Edges, gain: f32, shape: Shape) -> Self {
        let (lead, tail) = (edges.cut_lead, edges.cut_tail);
        let fade = usize::try_from(shape.sample_rate * FADE_MILLIS / 1000).unwrap_or(0);
        Self {
            channels: usize::from(shape.channels),
            start: frames_in(lead, shape.sample_rate),
            hold: usize::try_from(frames_in(tail, shape.sample_rate)).unwrap_or(0),
            is_cut: (lead.0 > 0, tail.0 > 0),
            fade,
            gain,
            seen: 0,
            held: Vec::new(),
            frames: 0,
        }
    }

    /// Whether the clip passes as it is.
    pub(super) fn is_idle(&self) -> bool {
        self.is_cut == (false, false) && (self.gain - 1.0).abs() < f32::EPSILON
    }

    /// Takes whole frames and hands on what is sure to be within the clip.
    pub(super) fn add(&mut self, block: &[i16], out: &mut Vec<i16>) {
        out.clear();
        let frames = block.len() / self.channels;
        let skip = self.start.saturating_sub(self.seen);
        let skip = usize::try_from(skip).unwrap_or(frames).min(frames);
        self.seen += u64::try_from(frames).unwrap_or(0);
        self.held.extend_from_slice(&block[skip * self.channels..]);
        let keep = (self.hold + if self.is_cut.1 { self.fade } else { 0 }) * self.channels;
        let ready = self.held.len().saturating_sub(keep);
        out.extend(self.held.drain(..ready));
        self.shape(out);
    }

    /// The clip has ended: what is left of it.
    pub(super) fn finish(&mut self, out: &mut Vec<i16>) {
        out.clear();
        let keep = self.held.len().saturating_sub(self.hold * self.channels);
        out.extend(self.held.drain(..keep));
        if self.is_cut.1 {
            let fade = self.fade * self.channels;
            let start = out.len().saturating_sub(fade);
            let frames = (out.len() - start) / self.channels;
            for (frame, samples) in out[start..].chunks_mut(self.channels).enumerate() {
                scale(samples, ratio(frames - frame, frames));
            }
        }
        self.shape(out);
    }

    fn shape(&mut self, out: &mut [i16]) {
        if self.is_cut.0 {
            for samples in out.chunks_mut(self.channels) {
                let at = usize::try_from(self.frames).unwrap_or(usize::MAX);
                if at < self.fade {
                    scale(samples, ratio(at, self.fade));
                }
                self.frames += 1;
            }
        } else {
            self.frames += u64::try_from(out.len() / self.channels).unwrap_or(0);
        }
        if (self.gain - 1.0).abs() >= f32::EPSILON {
            scale(out, self.gain);
        }
    }
}

fn scale(samples: &mut [i16], factor: f32) {
    for sample in samples {
        *sample = rounded(f32::from(*sample) * factor);
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "frames of a fade: a few hundred"
)]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a float becomes the nearest sample, and stops at full scale"
)]
fn rounded(value: f32) -> i16 {
    value.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioMillis;

    #[test]
    fn the_ends_go_whatever_the_blocks_are() {
        let shape = Shape {
            sample_rate: 1000,
            channels: 2,
        };
        let edges = Edges {
            cut_lead: AudioMillis(20),
            cut_tail: AudioMillis(30),
            ..Edges::default()
        };
        let clip: Vec<i16> = (0..200).map(|n| n / 2 * 100).collect();
        for size in [2, 6, 34, 200] {
            let mut shaper = Shaper::new(edges, 0.5, shape);
            let (mut all, mut out) = (Vec::new(), Vec::new());
            for block in clip.chunks(size) {
                shaper.add(block, &mut out);
                all.extend_from_slice(&out);
            }
            shaper.finish(&mut out);
            all.extend_from_slice(&out);

            assert_eq!((all.len(), shaper.frames), (100, 50), "blocks of {size}");
            // Faded in from the 20th frame, and out towards the 70th.
            assert_eq!(
                (all[0], all[20], all[98]),
                (0, 1500, 690),
                "blocks of {size}"
            );
        }
    }
}
