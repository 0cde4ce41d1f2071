//! The table itself. Each entry names where it is from and when; nothing here was tried
//! against a live service. What is not documented is not here.

use std::time::Duration;

use crate::domain::AudioFormat::{self, Aac, Flac, Mp3, Opus, Raw, Wav};
use crate::engine::rest::dialect::facts::SpeechField::{
    Alignment, BitRate, ExtraParams, Instructions, Language, MaxPartialLength, ResponseEncoding,
    SampleRate, Segment, Speed,
};
use crate::engine::rest::dialect::facts::{
    Diarizing, Errors, Events, Facts, Granularities, Hearing, Languages, Routes, Scheme, Speech,
    SpeechModel, Translating, WordPlace,
};
use crate::engine::rest::dialect::kind::Kind;

/// The entry of `kind`.
pub(super) fn of(kind: Kind) -> &'static Facts {
    match kind {
        Kind::Together => &TOGETHER,
        Kind::OpenAi => &OPENAI,
        Kind::Groq => &GROQ,
        Kind::DeepInfra => &DEEPINFRA,
        Kind::Fireworks => &FIREWORKS,
        Kind::LocalAi => &LOCALAI,
        Kind::Speaches => &SPEACHES,
        Kind::KokoroFastApi => &KOKORO_FASTAPI,
        Kind::WhisperCpp => &WHISPER_CPP,
        Kind::Compatible => &COMPATIBLE,
    }
}

/// What OpenAI's schema names, and most who follow it.
const ALL_FORMATS: &[AudioFormat] = &[Mp3, Opus, Aac, Flac, Wav, Raw];

const ROUTES: Routes = Routes {
    transcriptions: None,
    translations: None,
    models: None,
    voices: None,
};

/// OpenAI's own (its `OpenAPI` schema, 2026-08), which the others are told apart from.
const OPENAI_SPEECH: Speech = Speech {
    formats: ALL_FORMATS,
    default_format: "mp3",
    raw: "pcm",
    fields: &[Speed, Instructions],
    events: Some(Events {
        by_stream: false,
        fields: &[Speed, Instructions],
    }),
    socket: None,
    says_no_stream: false,
    bit_rates: &[],
    max_chars: Some(4096),
    models: &[],
    only_models: &[],
};

/// As above; the guide names 25 MB and no longest duration.
const OPENAI_HEARING: Hearing = Hearing {
    formats: &["json", "text", "srt", "verbose_json", "vtt"],
    granularities: Granularities::Brackets,
    language: Languages::AutoLeftOut,
    translating: Translating::RouteToEnglish,
    diarizing: Diarizing::No,
    words: WordPlace::Top,
    word_key: "word",
    containers: &[],
    max_upload: Some(25_000_000),
    max_duration: None,
    min_billed: Duration::ZERO,
    elsewhere: &[],
};

/// A program of one's own: no key, and the limits its owner sets.
const OWN_SPEECH: Speech = Speech {
    events: None,
    max_chars: None,
    ..OPENAI_SPEECH
};

const OWN_HEARING: Hearing = Hearing {
    max_upload: None,
    ..OPENAI_HEARING
};

static TOGETHER: Facts = Facts {
    title: "Together AI",
    base_url: Some("https://api.together.ai/v1"),
    key_variable: Some("TOGETHER_API_KEY"),
    auth: Scheme::Bearer,
    is_own: false,
    routes: ROUTES,
    speech: Some(Speech {
        formats: ALL_FORMATS,
        default_format: "wav",
        raw: "raw",
        fields: &[
            Language,
            ResponseEncoding,
            SampleRate,
            BitRate,
            Segment,
            ExtraParams,
        ],
        // A speed is documented for the WebSocket only, which takes no coding of samples
        // and no bit rate.
        events: Some(Events {
            by_stream: true,
            fields: &[
                Language,
                ResponseEncoding,
                SampleRate,
                Alignment,
                Segment,
                ExtraParams,
            ],
        }),
        socket: Some(&[
            Language,
            Speed,
            SampleRate,
            Alignment,
            Segment,
            MaxPartialLength,
            ExtraParams,
        ]),
        says_no_stream: false,
        bit_rates: &[32_000, 64_000, 96_000, 128_000, 192_000],
        // Documented for none of its models; `config` has what serves them well.
        max_chars: None,
        models: &[],
        only_models: &[],
    }),
    hearing: Some(Hearing {
        formats: &["json", "verbose_json"],
        granularities: Granularities::Brackets,
        // Its documents disagree on the default, so it is always told.
        language: Languages::AutoIsTold,
        translating: Translating::RouteToAny,
        diarizing: Diarizing::Counted,
        max_upload: Some(80_000_000),
        max_duration: Some(Duration::from_hours(4)),
        ..OPENAI_HEARING
    }),
    errors: Errors::OpenAi,
    source: "OpenAPI schema of 2026-04, SDK 3.1.1, docs.together.ai of 2026-08",
};

static OPENAI: Facts = Facts {
    title: "OpenAI",
    base_url: Some("https://api.openai.com/v1"),
    key_variable: Some("OPENAI_API_KEY"),
    auth: Scheme::Bearer,
    is_own: false,
    routes: ROUTES,
    speech: Some(OPENAI_SPEECH),
    hearing: Some(OPENAI_HEARING),
    errors: Errors::OpenAi,
    source: "OpenAPI schema of 2026-08, SDK 3.54.0, platform.openai.com of 2026-08",
};

static GROQ: Facts = Facts {
    title: "Groq",
    base_url: Some("https://api.groq.com/openai/v1"),
    key_variable: Some("GROQ_API_KEY"),
    auth: Scheme::Bearer,
    is_own: false,
    routes: ROUTES,
    speech: Some(Speech {
        // Also `mulaw` and `ogg`, which no file is made of here.
        formats: &[Flac, Mp3, Wav],
        fields: &[Speed, SampleRate],
        events: None,
        max_chars: None,
        models: &[
            SpeechModel {
                id: "canopylabs/orpheus-v1-english",
                max_chars: 200,
                formats: &[Wav],
            },
            SpeechModel {
                id: "canopylabs/orpheus-arabic-saudi",
                max_chars: 200,
                formats: &[Wav],
            },
        ],
        ..OPENAI_SPEECH
    }),
    hearing: Some(Hearing {
        formats: &["json", "text", "verbose_json"],
        min_billed: Duration::from_secs(10),
        ..OPENAI_HEARING
    }),
    errors: Errors::OpenAi,
    source: "groq-python 9620fde, console.groq.com as stored 2026",
};

static DEEPINFRA: Facts = Facts {
    title: "DeepInfra",
    base_url: Some("https://api.deepinfra.com/v1/openai"),
    key_variable: Some("DEEPINFRA_API_KEY"),
    auth: Scheme::Bearer,
    is_own: false,
    routes: ROUTES,
    speech: Some(Speech {
        formats: &[Mp3, Opus, Flac, Wav, Raw],
        default_format: "wav",
        fields: &[Speed],
        events: None,
        max_chars: None,
        ..OPENAI_SPEECH
    }),
    hearing: Some(Hearing {
        max_upload: None,
        ..OPENAI_HEARING
    }),
    errors: Errors::FastApi,
    source: "deepinfra.com/docs and its OpenAPI schema as stored 2026",
};

static FIREWORKS: Facts = Facts {
    title: "Fireworks",
    base_url: Some("https://audio-prod.api.fireworks.ai/v1"),
    key_variable: Some("FIREWORKS_API_KEY"),
    // The header of its own examples, without `Bearer`.
    auth: Scheme::Raw,
    is_own: false,
    routes: ROUTES,
    speech: None,
    hearing: Some(Hearing {
        granularities: Granularities::Commas,
        diarizing: Diarizing::Counted,
        max_upload: Some(1_000_000_000),
        elsewhere: &[(
            "whisper-v3-turbo",
            "https://audio-turbo.api.fireworks.ai/v1",
        )],
        ..OPENAI_HEARING
    }),
    errors: Errors::OpenAi,
    source: "docs.fireworks.ai/api-reference/audio-transcriptions as stored 2026",
};

static LOCALAI: Facts = Facts {
    title: "LocalAI",
    base_url: Some("http://127.0.0.1:8080/v1"),
    key_variable: None,
    auth: Scheme::Bearer,
    is_own: true,
    routes: ROUTES,
    speech: Some(Speech {
        // What it does not know it answers as wav without a word, and opus as ogg.
        formats: &[Wav, Mp3, Flac, Opus, Aac],
        default_format: "wav",
        fields: &[Language, Speed, Instructions, SampleRate],
        ..OWN_SPEECH
    }),
    hearing: Some(Hearing {
        formats: &["json", "text", "srt", "verbose_json", "vtt", "lrc"],
        translating: Translating::FieldToEnglish,
        diarizing: Diarizing::Field("diarize"),
        word_key: "text",
        ..OWN_HEARING
    }),
    errors: Errors::OpenAi,
    source: "mudler/LocalAI 82c191a",
};

static SPEACHES: Facts = Facts {
    title: "speaches",
    base_url: Some("http://127.0.0.1:8000/v1"),
    key_variable: None,
    auth: Scheme::Bearer,
    is_own: true,
    routes: Routes {
        voices: Some("audio/voices"),
        ..ROUTES
    },
    speech: Some(Speech {
        fields: &[Speed, SampleRate],
        ..OWN_SPEECH
    }),
    hearing: Some(Hearing {
        diarizing: Diarizing::Field("diarization"),
        ..OWN_HEARING
    }),
    errors: Errors::FastApi,
    source: "speaches-ai/speaches 870e1e1",
};

static KOKORO_FASTAPI: Facts = Facts {
    title: "Kokoro-FastAPI",
    base_url: Some("http://127.0.0.1:8880/v1"),
    key_variable: None,
    auth: Scheme::None,
    is_own: true,
    routes: Routes {
        voices: Some("audio/voices"),
        ..ROUTES
    },
    speech: Some(Speech {
        fields: &[Speed],
        says_no_stream: true,
        only_models: &["kokoro", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"],
        ..OWN_SPEECH
    }),
    hearing: None,
    errors: Errors::FastApiObject,
    source: "remsky/Kokoro-FastAPI 26eec06 (0.8.1-rc1)",
};

static WHISPER_CPP: Facts = Facts {
    title: "whisper.cpp",
    base_url: Some("http://127.0.0.1:8080"),
    key_variable: None,
    auth: Scheme::None,
    is_own: true,
    routes: Routes {
        transcriptions: Some("/inference"),
        translations: Some("/inference"),
        ..ROUTES
    },
    speech: None,
    hearing: Some(Hearing {
        granularities: Granularities::Unasked,
        // Left out it means English.
        language: Languages::AutoIsTold,
        translating: Translating::FieldToEnglish,
        words: WordPlace::InSegments,
        containers: &["wav"],
        ..OWN_HEARING
    }),
    errors: Errors::Words,
    source: "ggml-org/whisper.cpp 233fe1f, examples/server",
};

/// As OpenAI, because that is whom they follow; what they lack they say.
static COMPATIBLE: Facts = Facts {
    title: "an OpenAI-compatible server",
    base_url: None,
    key_variable: None,
    auth: Scheme::Bearer,
    is_own: false,
    routes: ROUTES,
    speech: Some(OPENAI_SPEECH),
    hearing: Some(OPENAI_HEARING),
    errors: Errors::OpenAi,
    source: "OpenAI's schema of 2026-08",
};

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }
}
