//! The contracts by name.

use crate::domain::AudioFormat;
use crate::engine::rest::dialect::facts::{Facts, Languages};
use crate::engine::rest::dialect::table;
use crate::engine::rest::wire::part;
use voicespool_media::named;

named!(
    /// Which contract a provider keeps: `dialect` of a profile.
    Kind {
        /// Together AI: <https://docs.together.ai/reference/audio-speech>.
        Together = "together",
        /// OpenAI: <https://platform.openai.com/docs/api-reference/audio>.
        OpenAi = "openai",
        /// Groq: <https://console.groq.com/docs/api-reference>.
        Groq = "groq",
        /// `DeepInfra`: <https://deepinfra.com/docs>.
        DeepInfra = "deepinfra",
        /// Fireworks: <https://docs.fireworks.ai/api-reference/audio-transcriptions>.
        Fireworks = "fireworks",
        /// `LocalAI`: <https://github.com/mudler/LocalAI>.
        LocalAi = "localai",
        /// speaches: <https://github.com/speaches-ai/speaches>.
        Speaches = "speaches",
        /// Kokoro-FastAPI: <https://github.com/remsky/Kokoro-FastAPI>.
        KokoroFastApi = "kokoro-fastapi",
        /// The server of whisper.cpp: <https://github.com/ggml-org/whisper.cpp>.
        WhisperCpp = "whisper-cpp",
        /// Whoever follows OpenAI and is not in this list.
        Compatible = "compatible",
    }
);

impl Kind {
    /// All that is known of it.
    pub fn facts(self) -> &'static Facts {
        table::of(self)
    }

    /// How the provider names `format` in `response_format`.
    pub(in crate::engine::rest) fn response_format(self, format: AudioFormat) -> &'static str {
        let raw = self
            .facts()
            .speech
            .as_ref()
            .map_or("pcm", |speech| speech.raw);
        match format {
            AudioFormat::Raw => raw,
            other => other.as_str(),
        }
    }

    /// The part of a transcription's form that takes the URL of a recording, for the provider
    /// to fetch; `None` where recordings are only taken as files. Together reads a URL from
    /// `file` itself, where that part has no file name (its SDK 1.x); Groq has a field for it.
    pub fn url_part(self) -> Option<&'static str> {
        match self {
            Self::Together => Some(part::FILE),
            Self::Groq => Some("url"),
            _ => None,
        }
    }

    /// What to send as `language` of a transcription; `None` leaves the field out.
    pub(in crate::engine::rest) fn transcription_language(self, language: &str) -> Option<&str> {
        let hearing = self.facts().hearing.as_ref();
        match hearing.map(|hearing| hearing.language) {
            Some(Languages::AutoLeftOut) | None if language == "auto" => None,
            _ => Some(language),
        }
    }
}
