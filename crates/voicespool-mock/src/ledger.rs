//! The account of all requests: the truth that the client's own report is held against.
//!
//! A request is charged for when its answer has been computed and its sending begins, also
//! when nobody is left to receive it: that is when a real provider has done the work.

use std::collections::{HashMap, HashSet, VecDeque};

use voicespool_media::domain::{AudioMillis, CharCount, ContentKey, NanoUsd, Price, Quantity};

use crate::invoice::{Invoice, Record};

/// Records kept; older ones are counted but forgotten.
const KEPT: usize = 200_000;

/// The invoice in the making.
#[derive(Debug)]
pub(crate) struct Ledger {
    sequence: u64,
    invoice: Invoice,
    total: NanoUsd,
    costs: HashMap<String, NanoUsd>,
    seen: HashSet<ContentKey>,
    records: VecDeque<Record>,
    prices: HashMap<String, Price>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let mut prices: HashMap<String, Price> = voicespool_media::domain::catalogue::prices()
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
            invoice: Invoice::default(),
            total: NanoUsd::ZERO,
            costs: HashMap::new(),
            seen: HashSet::new(),
            records: VecDeque::new(),
            prices,
        }
    }

    /// Forgets everything but the sequence, and requests still in flight.
    pub(crate) fn reset(&mut self) {
        let fresh = Self {
            sequence: self.sequence,
            invoice: Invoice {
                in_flight: self.invoice.in_flight,
                max_in_flight: self.invoice.in_flight,
                ..Invoice::default()
            },
            ..Self::new()
        };
        *self = fresh;
    }

    /// A request has arrived; returns its number.
    pub(crate) fn arrive(&mut self, is_speech: bool) -> u64 {
        self.sequence += 1;
        self.invoice.requests += 1;
        if is_speech {
            self.invoice.speech_requests += 1;
        } else {
            self.invoice.transcription_requests += 1;
        }
        self.invoice.in_flight += 1;
        self.invoice.max_in_flight = self.invoice.max_in_flight.max(self.invoice.in_flight);
        self.sequence
    }

    /// A request is over. `identity` tells apart what would be worth buying twice.
    pub(crate) fn settle(&mut self, record: Record, identity: Option<ContentKey>) {
        self.invoice.in_flight = self.invoice.in_flight.saturating_sub(1);
        *self.invoice.by_status.entry(record.status).or_default() += 1;
        if record.billed {
            self.charge(&record);
            if identity.is_none_or(|identity| self.seen.insert(identity)) {
                self.invoice.unique_inputs += 1;
            } else {
                self.invoice.duplicates += 1;
            }
        }
        if self.records.len() == KEPT {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    fn charge(&mut self, record: &Record) {
        self.invoice.billed_requests += 1;
        self.invoice.billed_chars += record.chars;
        self.invoice.billed_audio_ms += record.audio_ms;
        let model = self.invoice.models.entry(record.model.clone()).or_default();
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

    pub(crate) fn invoice(&self) -> Invoice {
        let mut invoice = self.invoice.clone();
        invoice.cost_usd = self.total.to_string();
        for (name, model) in &mut invoice.models {
            model.cost_usd = self.costs.get(name).map(ToString::to_string);
        }
        invoice
    }

    /// The records after number `after`, oldest first.
    pub(crate) fn records_after(&self, after: u64) -> Vec<Record> {
        self.records
            .iter()
            .filter(|record| record.sequence > after)
            .cloned()
            .collect()
    }
}
