//! The ledger in sums.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::domain::{
    AudioMillis, CharCount, CostStatus, Delivery, FaultClass, JobKind, LedgerRow, NanoUsd,
    Quantity, UtcMillis,
};
use crate::report::Error;
use crate::report::latency::{Histogram, Latency};

/// Money by what became of it. Every amount of the ledger is in exactly one field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Costs {
    pub reserved: NanoUsd,
    pub confirmed: NanoUsd,
    pub wasted: NanoUsd,
    pub in_doubt: NanoUsd,
    /// What the refused attempts would have cost. Not part of any sum.
    pub not_billed: NanoUsd,
}

impl Costs {
    /// Everything that was or may have been billed: for results, for unusable answers, and
    /// for requests that nobody knows the fate of. What caps count.
    pub fn spent(&self) -> NanoUsd {
        self.confirmed
            .saturating_add(self.wasted)
            .saturating_add(self.in_doubt)
    }

    /// What was spent, and what is set aside for requests on the wire.
    pub fn total(&self) -> NanoUsd {
        self.spent().saturating_add(self.reserved)
    }

    /// The amount of `status`.
    pub fn of(&self, status: CostStatus) -> NanoUsd {
        match status {
            CostStatus::Reserved => self.reserved,
            CostStatus::Confirmed => self.confirmed,
            CostStatus::Wasted => self.wasted,
            CostStatus::InDoubt => self.in_doubt,
            CostStatus::NotBilled => self.not_billed,
        }
    }

    fn add(&mut self, status: CostStatus, cost: NanoUsd) -> Option<()> {
        let field = match status {
            CostStatus::Reserved => &mut self.reserved,
            CostStatus::Confirmed => &mut self.confirmed,
            CostStatus::Wasted => &mut self.wasted,
            CostStatus::InDoubt => &mut self.in_doubt,
            CostStatus::NotBilled => &mut self.not_billed,
        };
        *field = field.checked_add(cost)?;
        // The sums above are exact as long as this one is.
        self.confirmed
            .checked_add(self.wasted)?
            .checked_add(self.in_doubt)?
            .checked_add(self.reserved)?;
        Some(())
    }
}

/// Sums over some attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that were made.
    pub attempts: u64,
    /// Of these, with a fault.
    pub failed: u64,
    /// Of these, still on the wire or never heard of again.
    pub unanswered: u64,
    /// Characters of the confirmed attempts.
    pub chars: CharCount,
    /// Transcribed audio of the confirmed attempts.
    pub audio: AudioMillis,
    /// Audio made by the confirmed attempts.
    pub audio_made: AudioMillis,
    pub costs: Costs,
}

impl Totals {
    fn add(&mut self, row: &LedgerRow) -> Option<()> {
        self.attempts = self.attempts.checked_add(1)?;
        if row.class.is_some() {
            self.failed += 1;
        } else if row.finished_at.is_none() {
            self.unanswered += 1;
        }
        if row.cost_status == CostStatus::Confirmed {
            match row.quantity {
                Quantity::Chars(chars) => self.chars.0 = self.chars.0.checked_add(chars.0)?,
                Quantity::Audio(audio) => self.audio.0 = self.audio.0.checked_add(audio.0)?,
                Quantity::Nothing => {}
            }
            let made = row.audio.unwrap_or_default();
            self.audio_made.0 = self.audio_made.0.checked_add(made.0)?;
        }
        self.costs.add(row.cost_status, row.cost)
    }
}

/// A ledger in numbers. Rendered by `json` and `table`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub total: Totals,
    pub by_model: BTreeMap<String, Totals>,
    pub by_task: BTreeMap<String, Totals>,
    pub by_kind: BTreeMap<JobKind, Totals>,
    /// Attempts by fault.
    pub faults: BTreeMap<FaultClass, u64>,
    /// Of the attempts that were answered; `None` if none was.
    pub latency: Option<Latency>,
    /// The same by model and delivery, of the answers that were used.
    pub times: BTreeMap<(String, Delivery), Times>,
    /// When the first attempt started.
    pub first: Option<UtcMillis>,
    /// When the last attempt ended.
    pub last: Option<UtcMillis>,
}

impl Summary {
    /// Folds `rows`, one at a time.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a sum does not fit.
    pub fn of(rows: impl IntoIterator<Item = impl Borrow<LedgerRow>>) -> Result<Self, Error> {
        let mut fold = Fold::default();
        for row in rows {
            fold.push(row.borrow())?;
        }
        Ok(fold.finish())
    }
}

/// How long one model's answers took over one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub answers: u64,
    /// To the first byte; of a stream, to its first sound.
    pub first_byte: Option<Latency>,
    /// To the last byte.
    pub total: Option<Latency>,
}

/// Waiting times of one model over one delivery, in the making.
#[derive(Debug, Clone, Default)]
struct Waits {
    answers: u64,
    first_byte: Histogram,
    total: Histogram,
}

/// A summary in the making. Memory grows with the number of models and tasks, not of rows.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    summary: Summary,
    latencies: Histogram,
    waits: BTreeMap<Delivery, BTreeMap<String, Waits>>,
}

impl Fold {
    /// Adds one attempt.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a sum does not fit.
    pub fn push(&mut self, row: &LedgerRow) -> Result<(), Error> {
        let summary = &mut self.summary;
        add_to(&mut summary.by_model, &row.model, row)?;
        add_to(&mut summary.by_task, &row.task, row)?;
        for totals in [
            &mut summary.total,
            summary.by_kind.entry(row.kind).or_default(),
        ] {
            totals.add(row).ok_or(Error::Overflow)?;
        }
        if let Some(class) = row.class {
            *summary.faults.entry(class).or_default() += 1;
        }
        if let Some(latency) = row.latency {
            self.latencies.add(latency);
        }
        let start = row.started_at;
        summary.first = Some(summary.first.map_or(start, |first| first.min(start)));
        summary.last = summary.last.max(row.finished_at);
        self.add_waits(row);
        Ok(())
    }

    fn add_waits(&mut self, row: &LedgerRow) {
        let (Some(delivery), CostStatus::Confirmed) = (row.delivery, row.cost_status) else {
            return;
        };
        let models = self.waits.entry(delivery).or_default();
        let waits = match models.get_mut(&row.model) {
            Some(waits) => waits,
            None => models.entry(row.model.clone()).or_default(),
        };
        waits.answers += 1;
        for (histogram, time) in [
            (&mut waits.first_byte, row.first_byte),
            (&mut waits.total, row.latency),
        ] {
            if let Some(time) = time {
                histogram.add(time);
            }
        }
    }

    /// The sums.
    pub fn finish(self) -> Summary {
        let times = self.waits.into_iter().flat_map(|(delivery, models)| {
            models.into_iter().map(move |(model, waits)| {
                let times = Times {
                    answers: waits.answers,
                    first_byte: waits.first_byte.latency(),
                    total: waits.total.latency(),
                };
                ((model, delivery), times)
            })
        });
        Summary {
            latency: self.latencies.latency(),
            times: times.collect(),
            ..self.summary
        }
    }
}

fn add_to(groups: &mut BTreeMap<String, Totals>, name: &str, row: &LedgerRow) -> Result<(), Error> {
    // Looked up first: a million rows of one model shall not make a million names.
    let totals = match groups.get_mut(name) {
        Some(totals) => totals,
        None => groups.entry(name.to_owned()).or_default(),
    };
    totals.add(row).ok_or(Error::Overflow)
}
