//! The models and voices the look-alike offers: what the providers listed in autumn 2026.
//!
//! Sources: Together's serverless model and voice lists (2026-08 to 2026-10), OpenAI's API
//! reference (2026-08). Other names are refused as the providers refuse them, so that a
//! typo shows.

use voicespool_media::domain::catalogue::voices::{KOKORO, OPENAI, ORPHEUS};

/// What kind of speech or recognition a model does, as far as requests differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Always 24 kHz 16-bit, whatever is asked for.
    Orpheus,
    /// As Orpheus; mixes voices.
    Kokoro,
    /// Honours rate and coding of samples.
    Cartesia,
    OpenAiSpeech,
    Recogniser {
        translates: bool,
    },
    OpenAiRecogniser,
}

/// Every model, with its family.
pub(crate) const MODELS: &[(&str, Family)] = &[
    ("canopylabs/orpheus-3b-0.1-ft", Family::Orpheus),
    ("hexgrad/Kokoro-82M", Family::Kokoro),
    ("cartesia/sonic-3", Family::Cartesia),
    ("cartesia/sonic-2", Family::Cartesia),
    ("cartesia/sonic", Family::Cartesia),
    ("tts-1", Family::OpenAiSpeech),
    ("tts-1-hd", Family::OpenAiSpeech),
    ("gpt-4o-mini-tts", Family::OpenAiSpeech),
    (
        "openai/whisper-large-v3",
        Family::Recogniser { translates: true },
    ),
    (
        "nvidia/parakeet-tdt-0.6b-v3",
        Family::Recogniser { translates: false },
    ),
    (
        "nvidia/nemotron-3-asr-streaming-0.6b",
        Family::Recogniser { translates: false },
    ),
    (
        "nvidia/nemotron-3.5-asr-streaming-0.6b",
        Family::Recogniser { translates: false },
    ),
    ("whisper-1", Family::OpenAiRecogniser),
];

/// Samples; Cartesia takes any id.
const CARTESIA: &[&str] = &[
    "reading lady",
    "newsman",
    "storyteller lady",
    "german narrator man",
];

pub(crate) fn family(model: &str) -> Option<Family> {
    MODELS
        .iter()
        .find(|(id, _)| *id == model)
        .map(|&(_, family)| family)
}

impl Family {
    pub(crate) fn is_speech(self) -> bool {
        !matches!(self, Self::Recogniser { .. } | Self::OpenAiRecogniser)
    }

    pub(crate) fn is_openai(self) -> bool {
        matches!(self, Self::OpenAiSpeech | Self::OpenAiRecogniser)
    }

    /// The voices listed for the family's models.
    pub(crate) fn voices(self) -> &'static [&'static str] {
        match self {
            Self::Orpheus => ORPHEUS,
            Self::Kokoro => KOKORO,
            Self::Cartesia => CARTESIA,
            Self::OpenAiSpeech => OPENAI,
            Self::Recogniser { .. } | Self::OpenAiRecogniser => &[],
        }
    }

    /// Whether the model would speak with `voice`. Kokoro mixes: `a+b`, `a(2)+b(0.5)`.
    pub(crate) fn has_voice(self, voice: &str) -> bool {
        let has = |name: &str| self.voices().contains(&name);
        match self {
            Self::Cartesia => true,
            Self::Kokoro => voice.split('+').all(|part| match part.split_once('(') {
                None => has(part),
                Some((name, weight)) => {
                    let weight = weight.strip_suffix(')').map(str::parse::<f64>);
                    has(name) && matches!(weight, Some(Ok(weight)) if weight > 0.0)
                }
            }),
            _ => has(voice),
        }
    }
}

/// The voice that really speaks for `voice`: by the language the name is for, British
/// or American English where it is for none of ours.
pub(crate) fn local_voice(voice: &str) -> &'static str {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| voice.starts_with(prefix));
    if starts(&["bf_", "bm_"]) || ["fable", "ash", "ballad"].contains(&voice) {
        "en-GB"
    } else if starts(&["ef_", "em_"]) {
        "es-ES"
    } else if starts(&["ff_"]) {
        "fr-FR"
    } else if starts(&["if_", "im_"]) {
        "it-IT"
    } else if voice.starts_with("german") {
        "de-DE"
    } else {
        "en-US"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_known_by_name_and_mixed_for_kokoro_only() {
        for (family, voice, is_known) in [
            (Family::Kokoro, "af_heart", true),
            (Family::Kokoro, "af_heart+af_bella", true),
            (Family::Kokoro, "af_heart(2)+bm_george(0.5)", true),
            (Family::Kokoro, "af_heart(0)", false),
            (Family::Kokoro, "af_heart(2", false),
            (Family::Kokoro, "af_heart+", false),
            (Family::Kokoro, "tara", false),
            (Family::Orpheus, "tara", true),
            (Family::Orpheus, "tara+leo", false),
            (Family::OpenAiSpeech, "alloy", true),
            (Family::OpenAiSpeech, "Alloy", false),
            (
                Family::Cartesia,
                "00000000-0000-0000-0000-000000000000",
                true,
            ),
        ] {
            assert_eq!(family.has_voice(voice), is_known, "{voice}");
        }
        assert_eq!(KOKORO.len(), 54);
    }
}
