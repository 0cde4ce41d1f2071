//! JSON for scripts: the summary and the files in one object. Amount is an object of the
//! exact decimal string and the integer of nano-dollars, so that no reader needs floats.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{
    CostStatus, Delivery, FaultClass, FileRow, JobKind, JobState, NanoUsd, Quantity, RefusedRow,
    UtcMillis,
};
use crate::report::escape::path_text;
use crate::report::latency::Latency;
use crate::report::summary::{Costs, Summary, Times, Totals};
use crate::report::{Error, SCHEMA_VERSION};

/// The summary and the files of a queue.
///
/// # Errors
/// [`Error::Overflow`] if the costs of a file do not fit a sum.
pub fn report<'a>(
    summary: &'a Summary,
    files: &'a [FileRow],
    refused: &'a [RefusedRow],
) -> Result<Report<'a>, Error> {
    Ok(Report {
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
        refused,
    })
}

/// What `report --json` says.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
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
    refused: &'a [RefusedRow],
}

/// How long one model's answers took over one delivery.
#[derive(Debug, Serialize)]
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

#[derive(Debug, Serialize)]
struct TotalsOut {
    attempts: u64,
    failed: u64,
    unanswered: u64,
    chars: u64,
    audio_ms: u64,
    audio_made_ms: u64,
    cost: CostOut,
    /// As in `cost`; the older place.
    by_status: BTreeMap<CostStatus, Amount>,
}

#[derive(Debug, Serialize)]
struct CostOut {
    /// Everything that was or may have been billed.
    #[serde(flatten)]
    total: Amount,
    by_status: BTreeMap<CostStatus, Amount>,
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
            cost: CostOut {
                total: Amount::of(costs.total()),
                by_status: by_status(costs),
            },
            by_status: by_status(costs),
        }
    }
}

#[derive(Debug, Serialize)]
struct FileOut<'a> {
    task: &'a str,
    source: String,
    state: JobState,
    chunks: u64,
    chunks_completed: u64,
    chunks_failed: u64,
    chunks_reused: u64,
    billed: Quantity,
    cost: Amount,
    confirmed: Amount,
    wasted: Amount,
    in_doubt: Amount,
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
            cost: Amount::of(row.cost().ok_or(Error::Overflow)?),
            confirmed: Amount::of(row.confirmed),
            wasted: Amount::of(row.wasted),
            in_doubt: Amount::of(row.in_doubt),
            audio_ms: row.audio.map(|audio| audio.0),
            outputs: row.outputs.iter().map(|path| path_text(path)).collect(),
        })
    }
}

fn by_status(costs: &Costs) -> BTreeMap<CostStatus, Amount> {
    let all = CostStatus::ALL.iter();
    all.map(|&status| (status, Amount::of(costs.of(status))))
        .collect()
}

/// An amount, twice: exact as text, and in nano-dollars.
#[derive(Debug, Serialize)]
struct Amount {
    usd: NanoUsd,
    nano: i64,
}

impl Amount {
    fn of(usd: NanoUsd) -> Self {
        Self { usd, nano: usd.0 }
    }
}
