//! Jobs, their attempts and their parts in records.

use serde::Serialize;

use crate::cli::term::utc;
use crate::domain::{
    Attempt as AttemptNumber, AudioMillis, ContentKey, CostStatus, Delivery, FaultClass, JobId,
    JobKind, NanoUsd, Quantity, RunId, Standing,
};
use crate::store::{AttemptRow, JobRow, PartRow};

/// One job: a line of `ls`, and with `details` of `show`.
#[derive(Debug, Serialize)]
pub(crate) struct Job {
    pub job: JobId,
    pub state: Standing,
    pub kind: JobKind,
    pub task: String,
    pub source: String,
    pub key: ContentKey,
    pub quantity: Quantity,
    pub attempt: AttemptNumber,
    pub failures: u32,
    pub crashes: u32,
    pub not_before: Option<String>,
    pub class: Option<FaultClass>,
    pub detail: Option<String>,
    pub audio_s: Option<f64>,
    pub created_at: String,
    pub finished_at: Option<String>,
    #[serde(flatten)]
    pub details: Option<Details>,
}

impl Job {
    pub(crate) fn of(row: &JobRow, details: Option<Details>) -> Self {
        Self {
            job: row.id,
            state: row.standing(),
            kind: row.kind,
            task: row.spec.task.clone(),
            source: String::from_utf8_lossy(&row.source_path).into_owned(),
            key: row.key,
            quantity: row.quantity,
            attempt: row.attempt,
            failures: row.failures,
            crashes: row.crashes,
            not_before: row.not_before.map(utc),
            class: row.class,
            detail: row.detail.clone(),
            audio_s: row.audio.map(AudioMillis::seconds),
            created_at: utc(row.created_at),
            finished_at: row.finished_at.map(utc),
            details,
        }
    }
}

/// What `show` knows besides.
#[derive(Debug, Serialize)]
pub(crate) struct Details {
    pub attempts: Vec<Attempt>,
    pub parts: Vec<Part>,
    pub text: Option<String>,
    /// Where the answer is kept, or would be.
    pub object: String,
}

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct Attempt {
    pub attempt: AttemptNumber,
    pub run: RunId,
    pub sent_at: String,
    pub finished_at: Option<String>,
    pub cost: NanoUsd,
    pub cost_nano: i64,
    pub cost_status: CostStatus,
    pub quantity: Quantity,
    pub class: Option<FaultClass>,
    pub detail: Option<String>,
    pub http_status: Option<u16>,
    pub request_id: Option<String>,
    pub latency_s: Option<f64>,
    pub first_byte_s: Option<f64>,
    pub bytes: Option<u64>,
    pub delivery: Option<Delivery>,
}

impl Attempt {
    pub(crate) fn of(row: &AttemptRow) -> Self {
        Self {
            attempt: row.attempt,
            run: row.run,
            sent_at: utc(row.sent_at),
            finished_at: row.finished_at.map(utc),
            cost: row.cost,
            cost_nano: row.cost.0,
            cost_status: row.cost_status,
            quantity: row.quantity,
            class: row.class,
            detail: row.detail.clone(),
            http_status: row.http_status,
            request_id: row.request_id.clone(),
            latency_s: row.latency.map(|time| time.as_secs_f64()),
            first_byte_s: row.first_byte.map(|time| time.as_secs_f64()),
            bytes: row.bytes,
            delivery: row.delivery,
        }
    }
}

/// One job that a file needs.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub ordinal: u32,
    pub job: JobId,
    pub state: Standing,
}

impl Part {
    pub(crate) fn of(row: &PartRow) -> Self {
        Self {
            ordinal: row.ordinal,
            job: row.child,
            state: row.standing(),
        }
    }
}
