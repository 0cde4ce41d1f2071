//! CSV for machines and spreadsheets: a row an attempt (the bill) or a row a file.
//!
//! Rows are pushed one at a time and memory stays flat. Columns are only ever added at the
//! end. Money is written twice, in dollars with nine decimals and as an integer of
//! nano-dollars; times are RFC 3339 in UTC; what is not known is empty, never zero.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use crate::domain::{
    AudioMillis, Delivery, FileRow, LedgerRow, NanoUsd, Quantity, RefusedRow, UtcMillis,
};
use crate::report::escape::{no_formula, path_text, visible};
use crate::report::{Error, SCHEMA_VERSION};

/// How cells of text are written. Numbers are never touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cells {
    /// With `'` before what a spreadsheet would run as a formula.
    #[default]
    Guarded,
    /// As they are, for programs that compare them.
    Raw,
}

impl Cells {
    /// A cell of text.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        self.guard(visible(text))
    }

    fn maybe(self, text: Option<&str>) -> Cow<'_, str> {
        text.map_or(Cow::Borrowed(""), |text| self.text(text))
    }

    fn path(self, path: &[u8]) -> Cow<'_, str> {
        self.guard(Cow::Owned(path_text(path)))
    }

    fn guard(self, text: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Guarded => no_formula(text),
            Self::Raw => text,
        }
    }
}

/// Columns of [`Attempts`].
pub const ATTEMPT_COLUMNS: [&str; 30] = [
    "schema_version",
    "run_id",
    "job_id",
    "attempt_no",
    "task",
    "source_path",
    "unit_id",
    "endpoint",
    "model",
    "voice",
    "kind",
    "state",
    "outcome",
    "http_status",
    "provider_request_id",
    "started_at_utc",
    "finished_at_utc",
    "latency_s",
    "ttfb_s",
    "billable_unit",
    "billable_qty",
    "cost_usd",
    "cost_nano",
    "cost_status",
    "output_bytes",
    "output_audio_s",
    "chars_per_audio_s",
    "detail",
    "fingerprint",
    "delivery",
];

/// The bill: one row an attempt, so that the sum of `cost_nano` over the rows whose
/// `cost_status` counts equals the total.
#[derive(Debug)]
pub struct Attempts<W: Write> {
    out: ::csv::Writer<W>,
    cells: Cells,
}

impl<W: Write> Attempts<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`Error::Write`] if `out` takes no more.
    pub fn new(out: W, cells: Cells) -> Result<Self, Error> {
        let mut out = ::csv::Writer::from_writer(out);
        out.write_record(ATTEMPT_COLUMNS)?;
        Ok(Self { out, cells })
    }

    /// Writes one attempt.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer takes no more.
    pub fn push(&mut self, row: &LedgerRow) -> Result<(), Error> {
        let cells = self.cells;
        let (unit, quantity) = billed(row.quantity);
        let outcome = match (row.class, row.finished_at) {
            (Some(class), _) => class.as_str(),
            (None, Some(_)) => "ok",
            (None, None) => "",
        };
        let record: [Cow<'_, str>; ATTEMPT_COLUMNS.len()] = [
            SCHEMA_VERSION.to_string().into(),
            row.run.to_string().into(),
            row.job.to_string().into(),
            row.attempt.to_string().into(),
            cells.text(&row.task),
            cells.path(&row.source),
            known(row.ordinal),
            cells.text(&row.endpoint),
            cells.text(&row.model),
            cells.maybe(row.voice.as_deref()),
            row.kind.as_str().into(),
            row.job_state.as_str().into(),
            outcome.into(),
            known(row.http_status),
            cells.maybe(row.request_id.as_deref()),
            time(row.started_at).into(),
            row.finished_at.map(time).unwrap_or_default().into(),
            known(row.latency.map(seconds)),
            known(row.first_byte.map(seconds)),
            unit.into(),
            quantity.into(),
            row.cost.to_string().into(),
            row.cost.0.to_string().into(),
            row.cost_status.as_str().into(),
            known(row.answer_bytes),
            known(row.audio.map(audio_seconds)),
            known(pace(row)),
            cells.maybe(row.detail.as_deref()),
            row.key.to_string().into(),
            row.delivery.map_or("", Delivery::as_str).into(),
        ];
        Ok(self
            .out
            .write_record(record.iter().map(|cell| cell.as_bytes()))?)
    }

    /// Writes what is still in memory. Without it, an error at the end goes unseen.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer takes no more.
    pub fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::Write)
    }
}

/// What a file costs that nothing was sent for.
const NO_COST: NanoUsd = NanoUsd::ZERO;

/// Columns of [`Files`].
pub const FILE_COLUMNS: [&str; 17] = [
    "schema_version",
    "task",
    "source_path",
    "state",
    "chunks",
    "chunks_completed",
    "chunks_failed",
    "chunks_reused",
    "billable_unit",
    "billable_qty",
    "confirmed_usd",
    "wasted_usd",
    "in_doubt_usd",
    "cost_usd",
    "cost_nano",
    "output_audio_s",
    "output_paths",
];

/// The files: one row a source, with its outputs (parted by tabs, which no path contains
/// here) and its share of the bill.
#[derive(Debug)]
pub struct Files<W: Write> {
    out: ::csv::Writer<W>,
    cells: Cells,
}

impl<W: Write> Files<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`Error::Write`] if `out` takes no more.
    pub fn new(out: W, cells: Cells) -> Result<Self, Error> {
        let mut out = ::csv::Writer::from_writer(out);
        out.write_record(FILE_COLUMNS)?;
        Ok(Self { out, cells })
    }

    /// Writes one file that cannot be worked on: it has no parts, and nothing was paid.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer takes no more.
    pub fn push_refused(&mut self, row: &RefusedRow) -> Result<(), Error> {
        let nothing = NO_COST.to_string();
        let mut record = vec![""; FILE_COLUMNS.len()];
        let version = SCHEMA_VERSION.to_string();
        let (task, source) = (
            self.cells.text(&row.task),
            self.cells.path(row.source.as_bytes()),
        );
        record[..8].copy_from_slice(&[&version, &task, &source, "refused", "0", "0", "0", "0"]);
        record[10..14].fill(&nothing);
        record[14] = "0";
        Ok(self.out.write_record(&record)?)
    }

    /// Writes one file.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer takes no more, [`Error::Overflow`] if its costs do
    /// not fit a sum.
    pub fn push(&mut self, row: &FileRow) -> Result<(), Error> {
        let cells = self.cells;
        let (unit, quantity) = billed(row.quantity);
        let cost = row.cost().ok_or(Error::Overflow)?;
        let outputs: Vec<_> = row.outputs.iter().map(|path| path_text(path)).collect();
        let record: [Cow<'_, str>; FILE_COLUMNS.len()] = [
            SCHEMA_VERSION.to_string().into(),
            cells.text(&row.task),
            cells.path(&row.source),
            row.state.as_str().into(),
            row.chunks.to_string().into(),
            row.chunks_completed.to_string().into(),
            row.chunks_failed.to_string().into(),
            row.chunks_reused.to_string().into(),
            unit.into(),
            quantity.into(),
            row.confirmed.to_string().into(),
            row.wasted.to_string().into(),
            row.in_doubt.to_string().into(),
            cost.to_string().into(),
            cost.0.to_string().into(),
            known(row.audio.map(audio_seconds)),
            cells.guard(outputs.join("\t").into()),
        ];
        Ok(self
            .out
            .write_record(record.iter().map(|cell| cell.as_bytes()))?)
    }

    /// Writes what is still in memory. Without it, an error at the end goes unseen.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer takes no more.
    pub fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::Write)
    }
}

fn known<T: ToString>(value: Option<T>) -> Cow<'static, str> {
    value.map_or(Cow::Borrowed(""), |value| value.to_string().into())
}

fn billed(quantity: Quantity) -> (&'static str, String) {
    match quantity {
        Quantity::Chars(chars) => ("char", chars.0.to_string()),
        Quantity::Audio(audio) => ("audio_second", audio_seconds(audio)),
        Quantity::Nothing => ("", String::new()),
    }
}

/// `2026-10-02T22:38:04.000Z`; the bare milliseconds where no calendar reaches.
fn time(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |time| format!("{time:.3}"))
}

fn audio_seconds(time: AudioMillis) -> String {
    format!("{}.{:03}", time.0 / 1000, time.0 % 1000)
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

/// Characters spoken per second of audio: far from the usual, something is wrong.
fn pace(row: &LedgerRow) -> Option<String> {
    let (Quantity::Chars(chars), Some(audio)) = (row.quantity, row.audio) else {
        return None;
    };
    let hundredths = (u128::from(chars.0) * 100_000).checked_div(u128::from(audio.0))?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}
