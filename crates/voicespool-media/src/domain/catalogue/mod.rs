//! What is known of models without asking anybody: a dated list of facts that informs and
//! prices, and never forbids. A model that is not here can be used by its name.
//!
//! Sources: docs.together.ai (serverless models, text to speech, speech to text) and
//! Together's public skill pages as of 2026-10-02, platform.openai.com as of 2026-08,
//! console.groq.com as stored 2026. Ids are spelled as the provider spells them.

mod mix;
mod models;
mod prices;
pub mod voices;

pub use mix::{MixProblem, VoicePart, parse_mix};
pub use models::{AS_OF, MODELS};
pub use prices::{PRICES_AS_OF, prices};

use crate::domain::price::Price;

/// Whose list a model is on. The same weights at another provider are another entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    Together,
    OpenAi,
    Groq,
}

impl Provider {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::OpenAi => "openai",
            Self::Groq => "groq",
        }
    }
}

/// Who can use a model, and since or until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// For everybody with a key, charged by use.
    Serverless,
    /// On a machine rented for it, charged by its time: no price per character is listed.
    Dedicated,
    /// Still listed, and ends on the ISO date given.
    Ending { on: &'static str },
    /// No longer listed since; a request by its name may fail, and is not held back.
    Retired { since: &'static str },
}

impl Availability {
    /// One word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serverless => "serverless",
            Self::Dedicated => "dedicated",
            Self::Ending { .. } => "ending",
            Self::Retired { .. } => "retired",
        }
    }
}

/// What a speech model offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of a table, each true or not by itself"
)]
pub struct Speech {
    /// Server-sent events.
    pub stream: bool,
    pub websocket: bool,
    /// `a(2)+b(1)` as a voice.
    pub mixes: bool,
    /// Voices of the documentation; empty where it lists none.
    pub voices: &'static [&'static str],
    /// Whether `voices` is all of them, by name.
    pub complete: bool,
    /// Languages, as codes; empty where nothing is documented.
    pub languages: &'static [&'static str],
    /// Most characters of one request where somebody states it.
    pub max_chars: Option<u32>,
}

/// What a recognition model offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of a table, each true or not by itself"
)]
pub struct Recognition {
    pub translates: bool,
    pub diarizes: bool,
    /// Whether `prompt` is read, not ignored.
    pub prompts: bool,
    /// Word times.
    pub words: bool,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Speak(Speech),
    Transcribe(Recognition),
}

/// One model at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    pub provider: Provider,
    pub id: &'static str,
    pub does: Does,
    pub availability: Availability,
    /// `None`: charged by machine time, or not known.
    pub price: Option<Price>,
    /// A fact worth knowing before a night is spent on it; may be empty.
    pub note: &'static str,
}

impl Model {
    /// The deliveries of the model, as words of `delivery`.
    pub fn deliveries(&self) -> Vec<&'static str> {
        let mut deliveries = vec!["rest"];
        if let Does::Speak(speech) = self.does {
            deliveries.extend(speech.stream.then_some("stream"));
            deliveries.extend(speech.websocket.then_some("websocket"));
        }
        deliveries
    }
}

/// The model `id` on the list of `provider`.
pub fn find(provider: Provider, id: &str) -> Option<&'static Model> {
    MODELS
        .iter()
        .find(|model| model.provider == provider && model.id == id)
}

/// What the list says of a voice.
#[derive(Debug, Clone, PartialEq)]
pub enum VoiceFinding {
    /// Listed, or every part of the mix is.
    Listed,
    /// The list has no such name and is not complete, or there is no list.
    Unlisted,
    /// The list is complete and has no such name.
    Unknown { name: String },
    /// A mix that is none, or for a model that does not mix.
    BadMix(MixProblem),
}

/// Looks `voice` up in the list of `model`.
pub fn check_voice(model: &Model, voice: &str) -> VoiceFinding {
    let Does::Speak(speech) = model.does else {
        return VoiceFinding::Unlisted;
    };
    if speech.voices.contains(&voice) {
        return VoiceFinding::Listed;
    }
    let names = if speech.mixes {
        match parse_mix(voice) {
            Ok(parts) => parts.into_iter().map(|part| part.name).collect(),
            Err(problem) => return VoiceFinding::BadMix(problem),
        }
    } else {
        vec![voice.to_owned()]
    };
    let unknown = names
        .into_iter()
        .find(|name| !speech.voices.contains(&name.as_str()));
    match unknown {
        None => VoiceFinding::Listed,
        Some(name) if speech.complete => VoiceFinding::Unknown { name },
        Some(_) => VoiceFinding::Unlisted,
    }
}

/// Language and gender of a Kokoro voice, by its prefix (the convention of its authors).
pub fn kokoro_voice(name: &str) -> Option<(&'static str, &'static str)> {
    let mut letters = name.chars();
    let language = match letters.next()? {
        'a' => "en-US",
        'b' => "en-GB",
        'e' => "es",
        'f' => "fr",
        'h' => "hi",
        'i' => "it",
        'j' => "ja",
        'p' => "pt-BR",
        'z' => "zh",
        _ => return None,
    };
    let gender = match letters.next()? {
        'f' => "female",
        'm' => "male",
        _ => return None,
    };
    (letters.next() == Some('_')).then_some((language, gender))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kokoro() -> &'static Model {
        find(Provider::Together, "hexgrad/Kokoro-82M").unwrap()
    }

    #[test]
    fn a_voice_of_a_complete_list_is_known_or_it_is_not() {
        let finding = |voice| check_voice(kokoro(), voice);

        assert_eq!(finding("af_heart"), VoiceFinding::Listed);
        assert_eq!(finding("af_heart(2)+bm_george(0.5)"), VoiceFinding::Listed);
        assert_eq!(
            finding("af_hart"),
            VoiceFinding::Unknown {
                name: "af_hart".to_owned()
            }
        );
        assert_eq!(
            finding("af_heart+af_nobody"),
            VoiceFinding::Unknown {
                name: "af_nobody".to_owned()
            }
        );
        assert!(matches!(finding("af_heart(0)"), VoiceFinding::BadMix(_)));
    }

    #[test]
    fn a_sample_list_forbids_nothing() {
        let minimax = find(Provider::Together, "minimax/speech-2.6-turbo").unwrap();

        assert_eq!(
            check_voice(minimax, "English_SomebodyNew"),
            VoiceFinding::Unlisted
        );
        assert_eq!(
            check_voice(minimax, "English_DeterminedMan"),
            VoiceFinding::Listed
        );
    }

    #[test]
    fn every_kokoro_voice_tells_its_language() {
        let Does::Speak(speech) = kokoro().does else {
            panic!("it speaks")
        };
        assert_eq!(speech.voices.len(), 54);
        for voice in speech.voices {
            assert!(kokoro_voice(voice).is_some(), "{voice}");
        }
        assert_eq!(kokoro_voice("bf_alice"), Some(("en-GB", "female")));
        assert_eq!(kokoro_voice("tara"), None);
    }

    #[test]
    fn no_model_is_listed_twice() {
        for (at, model) in MODELS.iter().enumerate() {
            let again = MODELS[..at]
                .iter()
                .any(|other| other.provider == model.provider && other.id == model.id);
            assert!(!again, "{}", model.id);
        }
    }
}
