//! MP3 answers without an encoder: whole frames cut from a stored recording of speech.
//!
//! The recording was encoded without a bit reservoir, so any run of its frames is a
//! valid MP3. Where a run starts depends on the text, and the text's hash is written into
//! the private bits of its first 32 frames (bits that decoders ignore by definition), so
//! that different texts give different files of the same sound.

use bytes::Bytes;

use voicespool_media::audio::mp3::{Frame, frames};
use voicespool_media::domain::AudioMillis;

/// 75 s of speech at 24 kHz, mono, 48 kbit/s: see `tests/fixtures/README.md`.
const RECORDING: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/speech-24k-mono.mp3"
));

/// Characters spoken in a second.
const CHARS_PER_SECOND: u64 = 14;

/// Frames whose private bits carry the text's hash.
const MARKED: usize = 32;

/// The stored recording, cut into frames.
#[derive(Debug)]
pub(crate) struct Stock {
    frames: Vec<&'static [u8]>,
    samples_per_frame: u32,
    sample_rate: u32,
}

/// A cut: the file, and the length of its sound.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) file: Bytes,
    pub(crate) duration: AudioMillis,
}

impl Stock {
    pub(crate) fn new() -> Self {
        let frames: Vec<Frame<'static>> = frames(RECORDING).filter_map(Result::ok).collect();
        let first = frames.first();
        Self {
            samples_per_frame: first.map_or(576, |frame| frame.header.samples),
            sample_rate: first.map_or(24_000, |frame| frame.header.sample_rate),
            frames: frames.into_iter().map(|frame| frame.bytes).collect(),
        }
    }

    /// Speech of a length plausible for `chars` characters, marked with `hash`.
    pub(crate) fn cut(&self, chars: u64, hash: u64) -> Cut {
        let wanted = (chars * u64::from(self.sample_rate))
            .div_ceil(CHARS_PER_SECOND * u64::from(self.samples_per_frame))
            .max(8);
        let stock = u64::try_from(self.frames.len()).unwrap_or(1).max(1);
        let start = hash % stock;
        let mut file = Vec::new();
        for idx in 0..wanted {
            let from = usize::try_from((start + idx) % stock).unwrap_or(0);
            let at = file.len();
            file.extend_from_slice(self.frames[from]);
            let place = usize::try_from(idx).unwrap_or(MARKED);
            // With a checksum the bit would be covered by it; ours have none.
            if place < MARKED && file[at + 1] & 1 == 1 {
                let bit = u8::from(hash >> (place + 16) & 1 == 1);
                file[at + 2] = file[at + 2] & !1 | bit;
            }
        }
        Cut {
            duration: AudioMillis::of_frames(
                wanted * u64::from(self.samples_per_frame),
                self.sample_rate,
            ),
            file: file.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_has_the_length_of_its_text_and_differs_from_others() {
        let stock = Stock::new();

        let one = stock.cut(140, 0x1234_5678_9abc_def0);
        let again = stock.cut(140, 0x1234_5678_9abc_def0);
        let same_start = u64::try_from(stock.frames.len()).unwrap() << 20;
        let other = stock.cut(140, 0x1234_5678_9abc_def0 + same_start);

        assert_eq!(one.file, again.file);
        assert_ne!(one.file, other.file);
        assert!(
            (9_900..10_200).contains(&one.duration.0),
            "{:?}",
            one.duration
        );
        let samples: u64 = frames(&one.file)
            .map(|frame| u64::from(frame.unwrap().header.samples))
            .sum();
        assert_eq!(AudioMillis::of_frames(samples, 24_000), one.duration);
    }

    #[test]
    fn longer_than_the_recording_goes_round() {
        let cut = Stock::new().cut(4_000, 1);

        assert!(cut.duration.0 > 280_000);
        assert_eq!(
            frames(&cut.file)
                .map(|frame| frame.unwrap().bytes.len())
                .sum::<usize>(),
            cut.file.len()
        );
    }
}
