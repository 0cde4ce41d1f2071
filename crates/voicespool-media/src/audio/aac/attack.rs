//! Where a sound sets in so suddenly that a long window would smear it over what is before.

/// Samples of a block that is compared with those before.
const BLOCK: usize = 128;
/// A block this much above the average of those before it is an attack.
const RATIO: f32 = 12.0;
/// The mean square of a block that is no attack however quiet it was before: about -60 dBFS above 1 kHz.
const QUIET: f32 = 1_000.0;

/// Listens to one channel, hop after hop.
#[derive(Debug, Default)]
pub(super) struct Detector {
    last: f32,
    average: f32,
}

impl Detector {
    /// The first of the eight blocks of `samples` that is an attack.
    pub(super) fn find(&mut self, samples: &[f32]) -> Option<usize> {
        let mut found = None;
        for (block, samples) in samples.chunks_exact(BLOCK).enumerate() {
            let mut energy = 0.0;
            for &sample in samples {
                // A first difference: what an ear takes for an onset is in the higher part.
                let high = sample - self.last;
                self.last = sample;
                energy += high * high;
            }
            energy /= 128.0;
            if energy > QUIET && energy > RATIO * self.average && found.is_none() {
                found = Some(block);
            }
            self.average = 0.7 * self.average + 0.3 * energy;
        }
        found
    }
}
