//! What headerless samples are: nothing in them says it, so it must be known beforehand.

use serde::{Deserialize, Serialize};

use crate::domain::format::PcmEncoding;

/// How raw samples of one channel are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAudio {
    pub encoding: PcmEncoding,
    /// Frames per second.
    pub sample_rate: u32,
}

/// What a family of models does with the two wishes about raw samples.
#[derive(Debug, Clone, Copy)]
struct Recipe {
    /// Beginning of the models' names, in lower case.
    family: &'static str,
    honours_encoding: bool,
    honours_rate: bool,
    /// What is asked for, and comes, where nothing is wished for.
    default: RawAudio,
}

const fn s16(sample_rate: u32) -> RawAudio {
    RawAudio {
        encoding: PcmEncoding::S16,
        sample_rate,
    }
}

/// Together's documents and schema (2026-04 to 2026-09): only Cartesia's models honour coding
/// and rate, `MiniMax`'s the rate. Orpheus and Kokoro answer 16 bits at 24 kHz whatever is asked,
/// although the schema's defaults are `pcm_f32le` and 44100. OpenAI's `pcm` is the same.
const RECIPES: &[Recipe] = &[
    Recipe {
        family: "cartesia/",
        honours_encoding: true,
        honours_rate: true,
        default: s16(44_100),
    },
    Recipe {
        family: "minimax",
        honours_encoding: false,
        honours_rate: true,
        default: s16(24_000),
    },
];

/// Everybody else.
const OTHERS: Recipe = Recipe {
    family: "",
    honours_encoding: false,
    honours_rate: false,
    default: s16(24_000),
};

impl RawAudio {
    /// What `model` answers when it is asked for raw samples in `encoding` at `sample_rate`.
    pub fn of(model: &str, encoding: Option<PcmEncoding>, sample_rate: Option<u32>) -> Self {
        let model = model.to_ascii_lowercase();
        let recipe = RECIPES
            .iter()
            .find(|recipe| model.starts_with(recipe.family))
            .unwrap_or(&OTHERS);
        Self {
            encoding: encoding
                .filter(|_| recipe.honours_encoding)
                .unwrap_or(recipe.default.encoding),
            sample_rate: sample_rate
                .filter(|_| recipe.honours_rate)
                .unwrap_or(recipe.default.sample_rate),
        }
    }

    /// Bytes of one sample.
    pub fn sample_bytes(self) -> u64 {
        match self.encoding {
            PcmEncoding::F32 => 4,
            PcmEncoding::S16 => 2,
            PcmEncoding::MuLaw | PcmEncoding::ALaw => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_raw_samples_are_depends_on_the_model_and_not_only_on_the_wish() {
        let asked = |model| RawAudio::of(model, Some(PcmEncoding::MuLaw), Some(8_000));

        for fixed in [
            "hexgrad/Kokoro-82M",
            "canopylabs/orpheus-3b-0.1-ft",
            "tts-1",
        ] {
            assert_eq!(asked(fixed), s16(24_000), "{fixed}");
        }
        assert_eq!(asked("minimax/speech-2.8-turbo"), s16(8_000));
        assert_eq!(
            asked("cartesia/sonic-3"),
            RawAudio {
                encoding: PcmEncoding::MuLaw,
                sample_rate: 8_000
            }
        );
        assert_eq!(RawAudio::of("cartesia/sonic-3", None, None), s16(44_100));
    }
}
