//! What the jobs of one spec ask a provider for.

use crate::audio::SpeechCheck;
use crate::domain::{AudioMillis, Delivery, Price, SpeechParams, TranscriptionParams};

/// What the jobs of one spec ask for.
#[derive(Debug)]
pub enum Request {
    Speak {
        params: SpeechParams,
        price: Option<Price>,
        check: SpeechCheck,
        delivery: Delivery,
    },
    Transcribe {
        endpoint: String,
        params: TranscriptionParams,
        price: Option<Price>,
        /// The longest audio of one request.
        longest: AudioMillis,
        /// The largest file of one request.
        largest: u64,
    },
    /// Assemble or compose: everything is in the job.
    Nothing,
}

impl Request {
    /// The road the answer takes.
    pub(super) fn delivery(&self) -> Delivery {
        match self {
            Self::Speak { delivery, .. } => *delivery,
            Self::Transcribe { .. } | Self::Nothing => Delivery::Rest,
        }
    }

    pub(super) fn price(&self) -> Option<Price> {
        match self {
            Self::Speak { price, .. } | Self::Transcribe { price, .. } => *price,
            Self::Nothing => Some(Price::Free),
        }
    }
}
