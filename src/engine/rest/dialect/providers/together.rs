//! Together AI: <https://docs.together.ai/reference/audio-speech>.

use std::time::Duration;

use crate::domain::catalogue::Provider;
use crate::engine::rest::dialect::facts::{
    ALL_FORMATS, CAUTIOUS_MAX_CHARS, Catalogue, Diarizing, Events, Facts, Granularities, Hearing,
    Languages, Speech, Translating,
};
use crate::engine::rest::dialect::speech_field::SpeechField::{
    Alignment, BitRate, ExtraParams, Language, MaxPartialLength, ResponseEncoding, SampleRate,
    Segment, Speed,
};

pub(super) static FACTS: Facts = Facts {
    title: "Together AI",
    base_url: Some("https://api.together.ai/v1"),
    key_variable: Some("TOGETHER_API_KEY"),
    family: "together",
    catalogue: Some(Catalogue {
        provider: Provider::Together,
        is_full: true,
    }),
    hosts: &["api.together.ai", "api.together.xyz"],
    // In the SDK until 1.5.
    former_hosts: &["api.together.xyz"],
    speech: Some(Speech {
        formats: ALL_FORMATS,
        default_format: "wav",
        raw: "raw",
        states_raw_samples: true,
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
        assumed_max_chars: CAUTIOUS_MAX_CHARS,
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
        // Where that part has no file name (its SDK 1.x).
        url_part: Some("file"),
        // What its own script asks for.
        usual_model: Some("openai/whisper-large-v3"),
        max_upload: Some(80_000_000),
        max_duration: Some(Duration::from_hours(4)),
        ..Hearing::OPENAI
    }),
    source: "OpenAPI schema of 2026-04, SDK 3.1.1, docs.together.ai of 2026-08",
    ..Facts::USUAL
};
