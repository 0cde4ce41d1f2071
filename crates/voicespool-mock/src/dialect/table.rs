//! The servers, as their sources show them. Versions and dates stand at each.

use crate::dialect::{Dialect, Key, Profile, SpeechApi, TooLarge, TranscriptionApi};
use crate::reply::Shape;
use voicespool_media::domain::catalogue::voices::{KOKORO, OPENAI as OPENAI_VOICES};

pub(crate) fn of(kind: Dialect) -> Option<&'static Profile> {
    match kind {
        Dialect::Together => None,
        Dialect::OpenAi | Dialect::Compatible => Some(&OPENAI),
        Dialect::Groq => Some(&GROQ),
        Dialect::DeepInfra => Some(&DEEPINFRA),
        Dialect::Fireworks => Some(&FIREWORKS),
        Dialect::LocalAi => Some(&LOCALAI),
        Dialect::Speaches => Some(&SPEACHES),
        Dialect::KokoroFastApi => Some(&KOKORO_FASTAPI),
        Dialect::WhisperCpp => Some(&WHISPER_CPP),
    }
}

const BRACKETS: &[&str] = &["timestamp_granularities[]"];
const BOTH: &[&str] = &["timestamp_granularities[]", "timestamp_granularities"];

const SPEECH: SpeechApi = SpeechApi {
    models: &["tts-1", "tts-1-hd", "gpt-4o-mini-tts"],
    voices: OPENAI_VOICES,
    formats: &["mp3", "wav", "pcm"],
    default_format: "mp3",
    fields: &[
        "model",
        "input",
        "voice",
        "response_format",
        "speed",
        "instructions",
        "stream_format",
    ],
    is_strict: true,
    max_chars: None,
    narrow: None,
    streams: false,
    ignores_unknown_format: false,
};

const TRANSCRIPTION: TranscriptionApi = TranscriptionApi {
    route: "/audio/transcriptions",
    translations: Some("/audio/translations"),
    models: &["whisper-1"],
    formats: &["json", "text", "srt", "verbose_json", "vtt"],
    default_format: "json",
    granularities: BRACKETS,
    knows_auto: false,
    diarize: None,
    word_key: "word",
    in_segments: false,
    wav_only: false,
    too_large: TooLarge::Sentence,
};

/// Its schema of 2026-08; `string_too_long` and the sentence about the size of uploads as
/// its users recorded them (2023 to 2026-09).
static OPENAI: Profile = Profile {
    prefix: "/v1",
    key: Key::Bearer,
    refusals: Shape::OpenAi,
    speech: Some(SpeechApi {
        max_chars: Some(4096),
        ..SPEECH
    }),
    transcription: Some(TRANSCRIPTION),
    voices: None,
    lists_models: true,
};

/// groq-python 9620fde; the limit of Orpheus as clients know it, its wording a likeness.
static GROQ: Profile = Profile {
    prefix: "/openai/v1",
    key: Key::Bearer,
    refusals: Shape::OpenAi,
    speech: Some(SpeechApi {
        models: &[
            "canopylabs/orpheus-v1-english",
            "canopylabs/orpheus-arabic-saudi",
        ],
        voices: &["autumn", "diana", "hannah", "austin", "daniel", "troy"],
        fields: &[
            "model",
            "input",
            "voice",
            "response_format",
            "sample_rate",
            "speed",
        ],
        narrow: Some(("canopylabs/orpheus-", 200)),
        ..SPEECH
    }),
    transcription: Some(TranscriptionApi {
        models: &["whisper-large-v3", "whisper-large-v3-turbo"],
        formats: &["json", "text", "verbose_json"],
        too_large: TooLarge::Code,
        ..TRANSCRIPTION
    }),
    voices: None,
    lists_models: true,
};

/// Its documentation as stored 2026: a schema that answers 422, behind a proxy.
static DEEPINFRA: Profile = Profile {
    prefix: "/v1/openai",
    key: Key::Bearer,
    refusals: Shape::FastApi,
    speech: Some(SpeechApi {
        models: &["hexgrad/Kokoro-82M"],
        voices: KOKORO,
        default_format: "wav",
        is_strict: false,
        ..SPEECH
    }),
    transcription: Some(TranscriptionApi {
        models: &["openai/whisper-large-v3"],
        granularities: BOTH,
        too_large: TooLarge::Page,
        ..TRANSCRIPTION
    }),
    voices: None,
    lists_models: true,
};

/// Its reference as stored 2026: the bare spelling, and words for those who tell speakers apart.
static FIREWORKS: Profile = Profile {
    prefix: "/v1",
    key: Key::Raw,
    refusals: Shape::OpenAi,
    speech: None,
    transcription: Some(TranscriptionApi {
        models: &["whisper-v3", "whisper-v3-turbo"],
        granularities: &["timestamp_granularities"],
        diarize: Some("diarize"),
        too_large: TooLarge::Code,
        ..TRANSCRIPTION
    }),
    voices: None,
    lists_models: false,
};

/// mudler/LocalAI 82c191a: verbose unless asked, a word is `text`, `translate` is a field,
/// and a format it does not know is wav.
static LOCALAI: Profile = Profile {
    prefix: "/v1",
    key: Key::Bearer,
    refusals: Shape::NumberedCode,
    speech: Some(SpeechApi {
        models: &["kokoro"],
        voices: KOKORO,
        default_format: "wav",
        is_strict: false,
        ignores_unknown_format: true,
        ..SPEECH
    }),
    transcription: Some(TranscriptionApi {
        translations: None,
        models: &["whisper-1"],
        formats: &["json", "text", "srt", "verbose_json", "vtt", "lrc"],
        default_format: "verbose_json",
        granularities: BOTH,
        diarize: Some("diarize"),
        word_key: "text",
        ..TRANSCRIPTION
    }),
    voices: None,
    lists_models: true,
};

/// speaches-ai/speaches 870e1e1: reads brackets alone; a model must be installed.
static SPEACHES: Profile = Profile {
    prefix: "/v1",
    key: Key::Bearer,
    refusals: Shape::FastApi,
    speech: Some(SpeechApi {
        models: &["speaches-ai/Kokoro-82M-v1.0-ONNX"],
        voices: KOKORO,
        is_strict: false,
        ..SPEECH
    }),
    transcription: Some(TranscriptionApi {
        models: &["Systran/faster-whisper-small"],
        diarize: Some("diarization"),
        ..TRANSCRIPTION
    }),
    voices: Some("/audio/voices"),
    lists_models: true,
};

/// remsky/Kokoro-FastAPI 26eec06: four names for one model, and a stream unless told not to.
static KOKORO_FASTAPI: Profile = Profile {
    prefix: "/v1",
    key: Key::Unread,
    refusals: Shape::FastApiObject,
    speech: Some(SpeechApi {
        models: &["tts-1", "tts-1-hd", "kokoro", "gpt-4o-mini-tts"],
        voices: KOKORO,
        is_strict: false,
        streams: true,
        ..SPEECH
    }),
    transcription: None,
    voices: Some("/audio/voices"),
    lists_models: true,
};

/// ggml-org/whisper.cpp 233fe1f: one model, WAV (without `--convert`), English unless told,
/// words in segments whatever was asked.
static WHISPER_CPP: Profile = Profile {
    prefix: "",
    key: Key::Unread,
    refusals: Shape::Words,
    speech: None,
    transcription: Some(TranscriptionApi {
        route: "/inference",
        translations: None,
        models: &[],
        granularities: &[],
        knows_auto: true,
        in_segments: true,
        wav_only: true,
        ..TRANSCRIPTION
    }),
    voices: None,
    lists_models: false,
};
