//! JSON for scripts: the summary and the files in one object. Money is an object of the
//! exact decimal string and the integer of nano-dollars, so that no reader needs floats.

use std::collections::BTreeMap;
use std::io::Write;

use serde::{Serialize, Serializer};

use crate::domain::{
    CostStatus, Delivery, FaultClass, FileRow, JobKind, JobState, NanoUsd, Quantity, UtcMillis,
};
use crate::report::escape::path_text;
use crate::report::latency::Latency;
use crate::report::summary::{Costs, Summary, Times, Totals};
use crate::report::{Error, SCHEMA_VERSION};

/// Writes one object, ending in a line break.
///
/// # Errors
/// [`Error::Write`] if `out` takes no more, [`Error::Overflow`] if the costs of a file do
/// not fit a sum.
pub fn write(out: &mut dyn Write, summary: &Summary, files: &[FileRow]) -> Result<(), Error> {
    let report = Report {
        schema_version: SCHEMA_VERSION,
        first: summary.first,
        last: summary.last,
        latency: summary.latency,
        times: summary.times.iter().map(TimesOut::of).collect(),
        total: TotalsOut::of(&summary.total),
        by_kind: groups(&summary.by_kind),
        by_task: groups(&summary.by_task),
        by_model: groups(&summary.by_model),
        faults: &summary.faults,
        files: files.iter().map(FileOut::of).collect::<Result<_, _>>()?,
    };
    serde_json::to_writer_pretty(&mut *out, &report).map_err(|error| Error::Write(error.into()))?;
    out.write_all(b"\n").map_err(Error::Write)
}

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    #[serde(rename = "first_ms")]
    first: Option<UtcMillis>,
    #[serde(rename = "last_ms")]
    last: Option<UtcMillis>,
    latency: Option<Latency>,
    times: Vec<TimesOut<'a>>,
    total: TotalsOut,
    by_kind: BTreeMap<&'a JobKind, TotalsOut>,
    by_task: BTreeMap<&'a String, TotalsOut>,
    by_model: BTreeMap<&'a String, TotalsOut>,
    faults: &'a BTreeMap<FaultClass, u64>,
    files: Vec<FileOut<'a>>,
}

/// How long one model's answers took over one delivery.
#[derive(Serialize)]
struct TimesOut<'a> {
    model: &'a str,
    delivery: Delivery,
    answers: u64,
    first_byte: Option<Latency>,
    total: Option<Latency>,
}

impl<'a> TimesOut<'a> {
    fn of(((model, delivery), times): (&'a (String, Delivery), &Times)) -> Self {
        Self {
            model,
            delivery: *delivery,
            answers: times.answers,
            first_byte: times.first_byte,
            total: times.total,
        }
    }
}

fn groups<K: Ord>(groups: &BTreeMap<K, Totals>) -> BTreeMap<&K, TotalsOut> {
    groups
        .iter()
        .map(|(name, totals)| (name, TotalsOut::of(totals)))
        .collect()
}

#[derive(Serialize)]
struct TotalsOut {
    attempts: u64,
    failed: u64,
    unanswered: u64,
    chars: u64,
    audio_ms: u64,
    audio_made_ms: u64,
    /// Everything that was or may have been billed.
    cost: Money,
    by_status: BTreeMap<CostStatus, Money>,
}

impl TotalsOut {
    fn of(totals: &Totals) -> Self {
        let costs: &Costs = &totals.costs;
        Self {
            attempts: totals.attempts,
            failed: totals.failed,
            unanswered: totals.unanswered,
            chars: totals.chars.0,
            audio_ms: totals.audio.0,
            audio_made_ms: totals.audio_made.0,
            cost: Money(costs.total()),
            by_status: CostStatus::ALL
                .iter()
                .map(|&status| (status, Money(costs.of(status))))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct FileOut<'a> {
    task: &'a str,
    source: String,
    state: JobState,
    chunks: u64,
    chunks_completed: u64,
    chunks_failed: u64,
    chunks_reused: u64,
    billed: Quantity,
    cost: Money,
    confirmed: Money,
    wasted: Money,
    in_doubt: Money,
    audio_ms: Option<u64>,
    outputs: Vec<String>,
}

impl<'a> FileOut<'a> {
    fn of(row: &'a FileRow) -> Result<Self, Error> {
        Ok(Self {
            task: &row.task,
            source: path_text(&row.source),
            state: row.state,
            chunks: row.chunks,
            chunks_completed: row.chunks_completed,
            chunks_failed: row.chunks_failed,
            chunks_reused: row.chunks_reused,
            billed: row.quantity,
            cost: Money(row.cost().ok_or(Error::Overflow)?),
            confirmed: Money(row.confirmed),
            wasted: Money(row.wasted),
            in_doubt: Money(row.in_doubt),
            audio_ms: row.audio.map(|audio| audio.0),
            outputs: row.outputs.iter().map(|path| path_text(path)).collect(),
        })
    }
}

struct Money(NanoUsd);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Both {
            usd: NanoUsd,
            nano: i64,
        }
        Both {
            usd: self.0,
            nano: self.0.0,
        }
        .serialize(serializer)
    }
}
