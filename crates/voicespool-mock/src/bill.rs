//! What was asked, and what it costs: the truth that the client's own report is held
//! against.
//!
//! A request is billed when its answer has been computed and its sending begins, also
//! when nobody is left to receive it: that is when a real provider has done the work.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::Serialize;

use voicespool_media::domain::{AudioMillis, CharCount, ContentKey, NanoUsd, Price, Quantity};

/// Records kept; older ones are counted but forgotten.
const KEPT: usize = 200_000;

/// Everything so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bill {
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
    pub models: BTreeMap<String, ModelBill>,
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
pub struct ModelBill {
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
    pub(super) fn new(sequence: u64, at_ms: u64, path: &'static str) -> Self {
        Self {
            sequence,
            at_ms,
            path,
            status: 499,
            ..Self::default()
        }
    }
}

/// The bill in the making.
#[derive(Debug)]
pub(super) struct Ledger {
    sequence: u64,
    bill: Bill,
    total: NanoUsd,
    costs: HashMap<String, NanoUsd>,
    seen: HashSet<ContentKey>,
    records: VecDeque<Record>,
    prices: HashMap<String, Price>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let mut prices: HashMap<String, Price> = voicespool_media::domain::price::built_in()
            .into_iter()
            .map(|listed| (listed.model, listed.price))
            .collect();
        // OpenAI's list prices as of 2026-04.
        prices.insert(
            "tts-1".to_owned(),
            Price::PerMillionChars(NanoUsd(15_000_000_000)),
        );
        prices.insert(
            "whisper-1".to_owned(),
            Price::PerAudioMinute(NanoUsd(6_000_000)),
        );
        Self {
            sequence: 0,
            bill: Bill::default(),
            total: NanoUsd::ZERO,
            costs: HashMap::new(),
            seen: HashSet::new(),
            records: VecDeque::new(),
            prices,
        }
    }

    /// Forgets everything but the sequence, and requests still in flight.
    pub(super) fn reset(&mut self) {
        let fresh = Self {
            sequence: self.sequence,
            bill: Bill {
                in_flight: self.bill.in_flight,
                max_in_flight: self.bill.in_flight,
                ..Bill::default()
            },
            ..Self::new()
        };
        *self = fresh;
    }

    /// A request has arrived; returns its number.
    pub(super) fn arrive(&mut self, is_speech: bool) -> u64 {
        self.sequence += 1;
        self.bill.requests += 1;
        if is_speech {
            self.bill.speech_requests += 1;
        } else {
            self.bill.transcription_requests += 1;
        }
        self.bill.in_flight += 1;
        self.bill.max_in_flight = self.bill.max_in_flight.max(self.bill.in_flight);
        self.sequence
    }

    /// A request is over. `identity` tells apart what would be worth buying twice.
    pub(super) fn settle(&mut self, record: Record, identity: Option<ContentKey>) {
        self.bill.in_flight = self.bill.in_flight.saturating_sub(1);
        *self.bill.by_status.entry(record.status).or_default() += 1;
        if record.billed {
            self.charge(&record);
            if identity.is_none_or(|identity| self.seen.insert(identity)) {
                self.bill.unique_inputs += 1;
            } else {
                self.bill.duplicates += 1;
            }
        }
        if self.records.len() == KEPT {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    fn charge(&mut self, record: &Record) {
        self.bill.billed_requests += 1;
        self.bill.billed_chars += record.chars;
        self.bill.billed_audio_ms += record.audio_ms;
        let model = self.bill.models.entry(record.model.clone()).or_default();
        model.requests += 1;
        model.chars += record.chars;
        model.audio_ms += record.audio_ms;
        let quantity = if record.chars > 0 {
            Quantity::Chars(CharCount(record.chars))
        } else {
            Quantity::Audio(AudioMillis(record.audio_ms))
        };
        let price = self.prices.get(&record.model);
        if let Some(cost) = price.and_then(|price| price.cost(quantity)) {
            let spent = self.costs.entry(record.model.clone()).or_default();
            *spent = spent.saturating_add(cost);
            self.total = self.total.saturating_add(cost);
        }
    }

    pub(super) fn bill(&self) -> Bill {
        let mut bill = self.bill.clone();
        bill.cost_usd = self.total.to_string();
        for (name, model) in &mut bill.models {
            model.cost_usd = self.costs.get(name).map(ToString::to_string);
        }
        bill
    }

    /// The records after number `after`, oldest first.
    pub(super) fn records_after(&self, after: u64) -> Vec<Record> {
        self.records
            .iter()
            .filter(|record| record.sequence > after)
            .cloned()
            .collect()
    }
}
