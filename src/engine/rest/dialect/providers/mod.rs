//! The list of providers. Each has one file, whose entry names where it is from and when;
//! nothing in it was tried against a live service. What is not documented is not there.
//!
//! A new provider is a new file, its `mod`, and a line in the list below.

use voicespool_media::named;

use crate::engine::rest::dialect::facts::Facts;

mod compatible;
mod deepinfra;
mod fireworks;
mod groq;
mod kokoro_fastapi;
mod localai;
mod openai;
mod speaches;
mod together;
mod whisper_cpp;

macro_rules! providers {
    ($($(#[$doc:meta])* $provider:ident = $word:literal in $file:ident),+ $(,)?) => {
        named!(
            /// Which contract a provider keeps: `dialect` of a profile.
            Kind { $($(#[$doc])* $provider = $word),+ }
        );

        impl Kind {
            /// All that is known of it.
            pub fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$provider => &$file::FACTS),+
                }
            }
        }
    };
}

providers! {
    /// Together AI.
    Together = "together" in together,
    /// OpenAI.
    OpenAi = "openai" in openai,
    /// Groq.
    Groq = "groq" in groq,
    /// `DeepInfra`.
    DeepInfra = "deepinfra" in deepinfra,
    /// Fireworks.
    Fireworks = "fireworks" in fireworks,
    /// `LocalAI`.
    LocalAi = "localai" in localai,
    /// speaches.
    Speaches = "speaches" in speaches,
    /// Kokoro-FastAPI.
    KokoroFastApi = "kokoro-fastapi" in kokoro_fastapi,
    /// The server of whisper.cpp.
    WhisperCpp = "whisper-cpp" in whisper_cpp,
    /// Whoever follows OpenAI and is not in this list.
    Compatible = "compatible" in compatible,
}

impl Kind {
    /// The provider meant where none is named, and the one in examples.
    pub const USUAL: Self = Self::Together;

    /// The contract that a server is believed to keep when nothing is known of it.
    pub const UNKNOWN: Self = Self::OpenAi;

    /// A provider that has no `kind` of its own, for examples.
    pub const EXAMPLE: Self = Self::Groq;
}

/// What `kind` of a profile can be, for people: the families, and the built-in voice.
pub const KINDS_EXPECTED: &str = "one of \"together\", \"openai\", \"local\"";

/// What a dialect can be, for people.
pub const DIALECTS_EXPECTED: &str = "a dialect such as \"groq\"";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioFormat::Wav;

    #[test]
    fn the_table_holds_together() {
        for &kind in Kind::ALL {
            let facts = kind.facts();
            assert!(facts.speech.is_some() || facts.hearing.is_some(), "{kind}");
            assert!(
                facts.source.contains("20") || facts.source.contains('/'),
                "{kind}"
            );
            let is_keyless = facts.is_own || kind == Kind::Compatible;
            assert_eq!(facts.key_variable.is_none(), is_keyless, "{kind}");
            if let Some(speech) = &facts.speech {
                assert!(speech.formats.contains(&Wav), "{kind}");
                for model in speech.models {
                    assert!(
                        model
                            .formats
                            .iter()
                            .all(|format| speech.formats.contains(format))
                    );
                }
            }
            if let Some(hearing) = &facts.hearing {
                assert!(hearing.formats.contains(&"verbose_json"), "{kind}");
            }
            assert_eq!(kind.as_str().parse(), Ok(kind));
            // The family is a word of this list, and names itself.
            let family: Kind = facts.family.parse().unwrap();
            assert_eq!(family.facts().family, facts.family, "{kind}");
            // The usual address is one that the usual key may go to.
            if let (Some(url), Some(_)) = (facts.base_url, facts.key_variable) {
                let mut hosts = facts.hosts.iter();
                assert!(hosts.any(|host| url.contains(host)), "{kind}");
            }
            for former in facts.former_hosts {
                assert!(facts.hosts[1..].contains(former), "{kind}");
            }
        }
    }
}
