//! What the look-alike says it was asked, and what it charges for it.

use std::collections::BTreeMap;

use serde::Serialize;

use voicespool_media::domain::ContentKey;

/// Everything so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Invoice {
    /// Requests to the audio endpoints, whatever became of them.
    pub requests: u64,
    pub speech_requests: u64,
    pub transcription_requests: u64,
    /// Those that cost something.
    pub billed_requests: u64,
    /// Unicode scalar values of billed inputs.
    pub billed_chars: u64,
    /// Milliseconds of billed recordings.
    pub billed_audio_ms: u64,
    /// US dollars with nine decimals, each request rounded up to a nano-dollar.
    pub cost_usd: String,
    pub models: BTreeMap<String, ModelInvoice>,
    /// Answers by HTTP status; 499 is a client that left before its answer was computed.
    pub by_status: BTreeMap<u16, u64>,
    pub in_flight: u64,
    pub max_in_flight: u64,
    /// Different billed requests.
    pub unique_inputs: u64,
    /// Billed requests that had been billed before.
    pub duplicates: u64,
}

/// One model's part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelInvoice {
    pub requests: u64,
    pub chars: u64,
    pub audio_ms: u64,
    /// US dollars with nine decimals; `null` where no price is known.
    pub cost_usd: Option<String>,
}

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Counts from 1 and never again, not even after a reset.
    pub sequence: u64,
    /// Milliseconds since the server started.
    pub at_ms: u64,
    pub path: &'static str,
    /// Empty if the request did not say.
    pub model: String,
    /// Of the input text or the recording's bytes; `null` if there was none.
    pub sha256: Option<ContentKey>,
    pub chars: u64,
    pub audio_ms: u64,
    /// Names of the parts of a form in the order they came.
    pub parts: Vec<String>,
    pub status: u16,
    pub billed: bool,
    /// The fault that was put into the answer.
    pub fault: Option<String>,
}

impl Record {
    /// One that has just arrived; 499 is what it ends with if nothing else happens.
    pub(crate) fn new(sequence: u64, at_ms: u64, path: &'static str) -> Self {
        Self {
            sequence,
            at_ms,
            path,
            status: 499,
            ..Self::default()
        }
    }
}
