//! Groq: <https://console.groq.com/docs/api-reference>.

use std::time::Duration;

use crate::domain::AudioFormat::{Flac, Mp3, Wav};
use crate::domain::catalogue::Provider;
use crate::engine::rest::dialect::facts::{Catalogue, Facts, Hearing, Speech, SpeechModel};
use crate::engine::rest::dialect::speech_field::SpeechField::{SampleRate, Speed};

pub(super) static FACTS: Facts = Facts {
    title: "Groq",
    base_url: Some("https://api.groq.com/openai/v1"),
    key_variable: Some("GROQ_API_KEY"),
    catalogue: Some(Catalogue {
        provider: Provider::Groq,
        is_full: false,
    }),
    hosts: &["api.groq.com"],
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
        ..Speech::OPENAI
    }),
    hearing: Some(Hearing {
        formats: &["json", "text", "verbose_json"],
        url_part: Some("url"),
        min_billed: Duration::from_secs(10),
        ..Hearing::OPENAI
    }),
    source: "groq-python 9620fde, console.groq.com as stored 2026",
    ..Facts::USUAL
};
