//! The records of `models`, `voices` and `prices`.

use serde::Serialize;

use crate::cli::record::money::PriceTag;

/// A model of the built-in list.
#[derive(Debug, Serialize)]
pub(crate) struct Model {
    pub model: String,
    pub provider: &'static str,
    pub does: Vec<&'static str>,
    pub deliveries: Vec<&'static str>,
    pub languages: Vec<&'static str>,
    /// How many are listed; `None` for transcription.
    pub voices: Option<usize>,
    pub max_chars: Option<u32>,
    pub availability: &'static str,
    pub availability_date: Option<&'static str>,
    pub price: Option<PriceTag>,
    pub as_of: &'static str,
    pub note: &'static str,
}

/// A model as a provider lists it.
#[derive(Debug, Serialize)]
pub(crate) struct ProviderModel {
    pub model: String,
    pub kind: Option<String>,
    pub per_audio_minute_usd: Option<String>,
}

/// A voice, of the built-in list or of the provider's.
#[derive(Debug, Serialize)]
pub(crate) struct Voice {
    pub model: String,
    pub voice: String,
    pub language: Option<String>,
    pub note: String,
}

/// The answer of `voices --check`.
#[derive(Debug, Serialize)]
pub(crate) struct VoiceCheck {
    pub model: String,
    pub voice: String,
    pub ok: bool,
    pub text: String,
}

/// The price of a model.
#[derive(Debug, Serialize)]
pub(crate) struct ListedPrice {
    pub model: String,
    pub price: PriceTag,
    pub as_of: String,
    pub age_days: Option<i32>,
    pub source: String,
}

/// Something a person should look at.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub text: String,
}
