//! The names of the servers there is a look-alike of.

use voicespool_media::named;

named!(
    /// Whose routes, answers and refusals a look-alike has: the names of `mock --dialect`.
    Dialect {
        /// Together AI; its look-alike also takes OpenAI's models in OpenAI's way.
        Together = "together",
        /// OpenAI.
        OpenAi = "openai",
        /// Groq.
        Groq = "groq",
        /// `DeepInfra`.
        DeepInfra = "deepinfra",
        /// Fireworks.
        Fireworks = "fireworks",
        /// `LocalAI`.
        LocalAi = "localai",
        /// speaches.
        Speaches = "speaches",
        /// Kokoro-FastAPI.
        KokoroFastApi = "kokoro-fastapi",
        /// The server of whisper.cpp.
        WhisperCpp = "whisper-cpp",
        /// Whoever follows OpenAI: the same server as `openai`.
        Compatible = "compatible",
    }
);
