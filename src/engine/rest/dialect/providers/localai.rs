//! `LocalAI`: <https://github.com/mudler/LocalAI>.

use crate::domain::AudioFormat::{Aac, Flac, Mp3, Opus, Wav};
use crate::engine::rest::dialect::facts::{Diarizing, Facts, Hearing, Speech, Translating};
use crate::engine::rest::dialect::speech_field::SpeechField::{
    Instructions, Language, SampleRate, Speed,
};

pub(super) static FACTS: Facts = Facts {
    title: "LocalAI",
    base_url: Some("http://127.0.0.1:8080/v1"),
    is_own: true,
    speech: Some(Speech {
        // What it does not know it answers as wav without a word, and opus as ogg.
        formats: &[Wav, Mp3, Flac, Opus, Aac],
        default_format: "wav",
        fields: &[Language, Speed, Instructions, SampleRate],
        ..Speech::OWN
    }),
    hearing: Some(Hearing {
        formats: &["json", "text", "srt", "verbose_json", "vtt", "lrc"],
        translating: Translating::FieldToEnglish,
        diarizing: Diarizing::Field("diarize"),
        word_key: "text",
        ..Hearing::OWN
    }),
    source: "mudler/LocalAI 82c191a",
    ..Facts::USUAL
};
