//! The models, one row each.

use crate::domain::catalogue::{Availability, Does, Model, Provider, Recognition, Speech, voices};
use crate::domain::price::Price;
use crate::domain::units::NanoUsd;

/// The day the list was true.
pub const AS_OF: &str = "2026-10-02";

const fn per_1m_chars(cents: i64) -> Price {
    Price::PerMillionChars(NanoUsd(cents * 10_000_000))
}

const fn per_minute(nanos: i64) -> Price {
    Price::PerAudioMinute(NanoUsd(nanos))
}

/// Rest only, no voices, nothing stated: what each row starts from.
const SPEECH: Speech = Speech {
    stream: false,
    websocket: false,
    mixes: false,
    voices: &[],
    complete: false,
    languages: &[],
    max_chars: None,
};

const STREAMED: Speech = Speech {
    stream: true,
    websocket: true,
    ..SPEECH
};

/// Language list of the speech page for Cartesia, 2025-11; sonic-2 lost seven in 2026-06.
const CARTESIA_LANGUAGES: &[&str] = &[
    "en", "de", "fr", "es", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "zh",
];
const SONIC_2_LANGUAGES: &[&str] = &["en", "de", "fr", "es", "ja", "ko", "pt", "zh"];
const KOKORO_LANGUAGES: &[&str] = &[
    "en-us", "en-gb", "ja", "zh", "es", "fr", "hi", "it", "pt-br",
];

const CARTESIA: Speech = Speech {
    voices: voices::CARTESIA,
    languages: CARTESIA_LANGUAGES,
    ..SPEECH
};

const RECOGNITION: Recognition = Recognition {
    translates: false,
    diarizes: true,
    prompts: false,
    words: true,
};

const fn speech(id: &'static str, speech: Speech) -> Model {
    Model {
        provider: Provider::Together,
        id,
        does: Does::Speak(speech),
        availability: Availability::Serverless,
        price: None,
        note: "",
    }
}

const fn dedicated(id: &'static str, speech: Speech, note: &'static str) -> Model {
    Model {
        availability: Availability::Dedicated,
        note,
        ..self::speech(id, speech)
    }
}

const fn recognition(id: &'static str, recognition: Recognition) -> Model {
    Model {
        provider: Provider::Together,
        id,
        does: Does::Transcribe(recognition),
        availability: Availability::Serverless,
        price: Some(per_minute(1_500_000)),
        note: "",
    }
}

const fn openai(id: &'static str, does: Does, end: &'static str, price: Option<Price>) -> Model {
    Model {
        provider: Provider::OpenAi,
        id,
        does,
        availability: Availability::Ending { on: end },
        price,
        note: "price from third-party pages",
    }
}

const OPENAI_SPEECH: Speech = Speech {
    stream: true,
    voices: voices::OPENAI,
    max_chars: Some(4096),
    ..SPEECH
};

const RIME: Speech = Speech {
    voices: voices::RIME_ARCANA,
    complete: true,
    ..STREAMED
};

const RIME_MIST: Speech = Speech {
    voices: voices::RIME_MIST,
    ..RIME
};

/// Every model, by provider, speech first.
pub const MODELS: &[Model] = &[
    Model {
        price: Some(per_1m_chars(1500)),
        note: "raw audio is always 24 kHz 16-bit",
        ..speech(
            "canopylabs/orpheus-3b-0.1-ft",
            Speech {
                voices: voices::ORPHEUS,
                languages: &["en"],
                ..STREAMED
            },
        )
    },
    Model {
        price: Some(per_1m_chars(400)),
        note: "raw audio is always 24 kHz 16-bit; voices can be mixed",
        ..speech(
            "hexgrad/Kokoro-82M",
            Speech {
                mixes: true,
                voices: voices::KOKORO,
                complete: true,
                languages: KOKORO_LANGUAGES,
                ..STREAMED
            },
        )
    },
    Model {
        price: Some(per_1m_chars(6500)),
        note: "wants Build Tier 2 and voice ids",
        ..speech("cartesia/sonic-3", CARTESIA)
    },
    Model {
        price: Some(per_1m_chars(6500)),
        note: "wants Build Tier 2 and voice ids; sonic-3 speaks more languages",
        ..speech(
            "cartesia/sonic-2",
            Speech {
                languages: SONIC_2_LANGUAGES,
                ..CARTESIA
            },
        )
    },
    Model {
        price: Some(per_1m_chars(6500)),
        note: "ended by its maker, still listed by Together; may fail: use cartesia/sonic-3",
        availability: Availability::Retired {
            since: "2026-06-01",
        },
        ..speech("cartesia/sonic", CARTESIA)
    },
    dedicated("rime-labs/rime-arcana-v3-turbo", RIME, "many languages"),
    dedicated("rime-labs/rime-arcana-v3", RIME, "many languages"),
    dedicated("rime-labs/rime-arcana-v2", RIME, ""),
    dedicated("rime-labs/rime-mist-v3", RIME_MIST, "beta"),
    dedicated("rime-labs/rime-mist-v2", RIME_MIST, ""),
    dedicated(
        "minimax/speech-2.8-turbo",
        Speech {
            voices: voices::MINIMAX_2_8,
            ..STREAMED
        },
        "also opus, aac and flac; honours sample_rate",
    ),
    dedicated(
        "minimax/speech-2.6-turbo",
        Speech {
            voices: voices::MINIMAX_2_6,
            ..STREAMED
        },
        "also opus, aac and flac; honours sample_rate",
    ),
    dedicated("deepgram/deepgram-aura-2", STREAMED, ""),
    Model {
        note: "the only one that translates",
        ..recognition(
            "openai/whisper-large-v3",
            Recognition {
                translates: true,
                prompts: true,
                ..RECOGNITION
            },
        )
    },
    Model {
        note: "ignores prompts",
        ..recognition("nvidia/parakeet-tdt-0.6b-v3", RECOGNITION)
    },
    Model {
        note: "made for live audio; answers to files are not documented",
        ..recognition("nvidia/nemotron-3-asr-streaming-0.6b", RECOGNITION)
    },
    Model {
        note: "made for live audio; answers to files are not documented",
        ..recognition("nvidia/nemotron-3.5-asr-streaming-0.6b", RECOGNITION)
    },
    Model {
        availability: Availability::Dedicated,
        price: None,
        note: "some pages call it deepgram/deepgram-nova-3",
        ..recognition("deepgram/nova-3-en", RECOGNITION)
    },
    Model {
        availability: Availability::Dedicated,
        price: None,
        note: "some pages call it deepgram/deepgram-nova-3-multi",
        ..recognition("deepgram/nova-3-multi", RECOGNITION)
    },
    Model {
        availability: Availability::Retired {
            since: "2026-06-03",
        },
        price: None,
        note: "left the catalogue; unpriced, use openai/whisper-large-v3",
        ..recognition(
            "mistralai/Voxtral-Mini-3B-2507",
            Recognition {
                diarizes: false,
                ..RECOGNITION
            },
        )
    },
    openai(
        "tts-1",
        Does::Speak(OPENAI_SPEECH),
        "2027-01-06",
        Some(per_1m_chars(1500)),
    ),
    openai("tts-1-hd", Does::Speak(OPENAI_SPEECH), "2027-01-06", None),
    openai(
        "gpt-4o-mini-tts",
        Does::Speak(OPENAI_SPEECH),
        "2027-01-06",
        None,
    ),
    openai(
        "whisper-1",
        Does::Transcribe(Recognition {
            translates: true,
            diarizes: false,
            prompts: true,
            words: true,
        }),
        "2027-02-26",
        Some(per_minute(6_000_000)),
    ),
    Model {
        provider: Provider::OpenAi,
        availability: Availability::Serverless,
        price: Some(per_minute(4_500_000)),
        note: "replaces whisper-1; no word times, srt, vtt or speakers; price from third-party pages",
        ..recognition(
            "gpt-transcribe",
            Recognition {
                diarizes: false,
                words: false,
                prompts: true,
                ..RECOGNITION
            },
        )
    },
    Model {
        provider: Provider::Groq,
        // $0.111 an hour, rounded up to the nano-dollar a minute.
        price: Some(per_minute(1_850_000)),
        note: "bills at least 10 s a request",
        ..recognition(
            "whisper-large-v3",
            Recognition {
                translates: true,
                diarizes: false,
                prompts: true,
                words: true,
            },
        )
    },
    Model {
        provider: Provider::Groq,
        // $0.04 an hour, rounded up to the nano-dollar a minute.
        price: Some(per_minute(666_667)),
        note: "bills at least 10 s a request; does not translate",
        ..recognition(
            "whisper-large-v3-turbo",
            Recognition {
                diarizes: false,
                prompts: true,
                ..RECOGNITION
            },
        )
    },
];
