//! Settling: the fenced end of a try.
//!
//! One `UPDATE` moves every job of the batch that its caller still holds, and says which
//! those were. What hangs on them (outcomes of attempts, objects, outputs, the parents' counts) goes with the
//! next round trip, so a batch of any size costs the same number of thread hops.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use crate::domain::{Attempt, CostStatus, JobId, JobState};
use crate::store::sqlite::call::Call;
use crate::store::sqlite::decode::{self, Columns, hex, int, json, millis};
use crate::store::sqlite::script::{Arg, Script};
use crate::store::sqlite::{Db, sql};
use crate::store::{Attempted, Error, Fault, NewObject, NewOutput, Settle, Verdict};

impl Db {
    pub(in crate::store) async fn settle(&self, settle: Settle) -> Result<(), Error> {
        check(&settle)?;
        self.writer()?.settle(settle).await
    }
}

/// The rules of [`Settle`] that need no look at the queue.
fn check(settle: &Settle) -> Result<(), Error> {
    if matches!(settle.verdict, Verdict::Fail) && settle.fault.is_none() {
        return Err(Error::misuse("a job fails without a reason"));
    }
    if let Some(attempted) = &settle.attempted
        && (attempted.status == CostStatus::Reserved || attempted.cost.0 < 0)
    {
        return Err(Error::misuse("an outcome that settles nothing"));
    }
    // Whatever does not fit the database is refused here, where nobody else is concerned.
    row_of(settle)?;
    Aftermath::default().add(settle)
}

/// One row of `sql::SETTLE`.
#[derive(Serialize)]
struct JobRow<'a> {
    job: i64,
    attempt: i64,
    state: &'static str,
    finished_at: Option<i64>,
    not_before: Option<i64>,
    failures: i64,
    fault_at: Option<i64>,
    class: Option<&'static str>,
    detail: Option<&'a str>,
    audio_ms: Option<i64>,
    was_sent: u8,
}

/// One row of `sql::SETTLE_ATTEMPTS`.
#[derive(Serialize)]
struct AttemptedRow<'a> {
    job: i64,
    attempt: i64,
    finished_at: i64,
    cost: i64,
    cost_status: &'static str,
    class: Option<&'static str>,
    detail: Option<&'a str>,
    http_status: Option<u16>,
    request_id: Option<&'a str>,
    latency_ms: Option<i64>,
    first_byte_ms: Option<i64>,
    bytes: Option<i64>,
    quantity: Option<i64>,
}

/// One row of `sql::ADD_OUTPUTS`.
#[derive(Serialize)]
struct OutputRow<'a>(i64, String, i64, String, Option<i64>, &'a str, i64);

/// Rows for one statement.
trait Rows {
    /// `None`: there is nothing to do.
    fn to_json(&self) -> Result<Option<String>, Error>;
}

impl<T: Serialize> Rows for Vec<T> {
    fn to_json(&self) -> Result<Option<String>, Error> {
        (!self.is_empty()).then(|| json(self)).transpose()
    }
}

/// What follows from settled jobs, statement by statement.
#[derive(Default)]
pub(super) struct Aftermath<'a> {
    attempted: Vec<AttemptedRow<'a>>,
    objects: Vec<(i64, String, i64, &'a str, i64)>,
    outputs: Vec<OutputRow<'a>>,
    finals: Vec<(i64, u8, i64)>,
}

impl<'a> Aftermath<'a> {
    fn add(&mut self, settle: &'a Settle) -> Result<(), Error> {
        let (job, at) = (settle.job.0, settle.at.0);
        if let Some(attempted) = &settle.attempted {
            let row = attempted_row(settle, attempted)?;
            self.attempted.push(row);
        }
        match &settle.verdict {
            Verdict::Complete {
                object, outputs, ..
            } => {
                if let Some(object) = object {
                    self.add_object(settle.job, object, at)?;
                }
                for output in outputs {
                    self.add_output(job, output, at)?;
                }
                self.add_final(settle.job, JobState::Completed, at);
            }
            Verdict::Fail => self.add_final(settle.job, JobState::Failed, at),
            Verdict::Reschedule { .. } | Verdict::Release | Verdict::Hold => {}
        }
        Ok(())
    }

    pub(super) fn add_object(
        &mut self,
        job: JobId,
        object: &'a NewObject,
        at: i64,
    ) -> Result<(), Error> {
        let row = (
            job.0,
            hex(&object.sha256.0),
            int(object.bytes)?,
            object.format.as_str(),
            at,
        );
        self.objects.push(row);
        Ok(())
    }

    fn add_output(&mut self, job: i64, output: &'a NewOutput, at: i64) -> Result<(), Error> {
        let row = OutputRow(
            job,
            hex(&output.path),
            int(output.bytes)?,
            hex(&output.sha256.0),
            output.audio.map(|audio| int(audio.0)).transpose()?,
            output.format.as_str(),
            at,
        );
        self.outputs.push(row);
        Ok(())
    }

    /// A job that is over: its parents wait for one less.
    pub(super) fn add_final(&mut self, job: JobId, state: JobState, at: i64) {
        let lost = u8::from(state != JobState::Completed);
        self.finals.push((job.0, lost, at));
    }

    /// Adds what is to be written to `script`.
    pub(super) fn write(&self, script: &mut Script<'_>) -> Result<(), Error> {
        let lists: [(&str, &dyn Rows); 4] = [
            (sql::SETTLE_ATTEMPTS, &self.attempted),
            (sql::ADD_OBJECTS, &self.objects),
            (sql::ADD_OUTPUTS, &self.outputs),
            (sql::TELL_PARENTS, &self.finals),
        ];
        for (sql, rows) in lists {
            if let Some(rows) = rows.to_json()? {
                script.add(sql, [Arg::Text(rows)]);
            }
        }
        Ok(())
    }
}

fn attempted_row<'a>(
    settle: &'a Settle,
    attempted: &'a Attempted,
) -> Result<AttemptedRow<'a>, Error> {
    let cost = match attempted.status {
        CostStatus::NotBilled => 0,
        _ => attempted.cost.0,
    };
    Ok(AttemptedRow {
        job: settle.job.0,
        attempt: settle.attempt.0,
        finished_at: settle.at.0,
        cost,
        cost_status: attempted.status.as_str(),
        class: class_of(settle.fault.as_ref()),
        detail: settle.fault.as_ref().map(|fault| fault.detail.as_str()),
        http_status: attempted.http_status,
        request_id: attempted.request_id.as_deref(),
        latency_ms: attempted.latency.map(millis),
        first_byte_ms: attempted.first_byte.map(millis),
        bytes: attempted.bytes.map(int).transpose()?,
        quantity: attempted.quantity.map(decode::amount).transpose()?,
    })
}

fn class_of(fault: Option<&Fault>) -> Option<&'static str> {
    fault.map(|fault| fault.class.as_str())
}

fn state_after(verdict: &Verdict) -> JobState {
    match verdict {
        Verdict::Complete { .. } => JobState::Completed,
        Verdict::Reschedule { .. } => JobState::Scheduled,
        Verdict::Fail => JobState::Failed,
        Verdict::Release => JobState::Available,
        Verdict::Hold => JobState::Held,
    }
}

fn row_of(settle: &Settle) -> Result<JobRow<'_>, Error> {
    let state = state_after(&settle.verdict);
    let (mut not_before, mut failed, mut fault_at, mut audio) = (None, 0, None, None);
    match &settle.verdict {
        Verdict::Complete { audio: length, .. } => {
            audio = length.map(|length| int(length.0)).transpose()?;
        }
        Verdict::Reschedule {
            not_before: time,
            counts_failure,
        } => {
            not_before = Some(time.0);
            failed = i64::from(*counts_failure);
            fault_at = settle.fault.as_ref().map(|_| settle.at.0);
        }
        Verdict::Fail => failed = 1,
        Verdict::Release | Verdict::Hold => {}
    }
    Ok(JobRow {
        job: settle.job.0,
        attempt: settle.attempt.0,
        state: state.as_str(),
        finished_at: state.is_final().then_some(settle.at.0),
        not_before,
        failures: failed,
        fault_at,
        class: class_of(settle.fault.as_ref()),
        detail: match &settle.verdict {
            Verdict::Complete { flags, .. } => flags.as_deref(),
            _ => settle.fault.as_ref().map(|fault| fault.detail.as_str()),
        },
        audio_ms: audio,
        was_sent: u8::from(settle.attempted.is_some()),
    })
}

/// Settles what is still held; the others are told what became of their job.
pub(super) async fn apply(
    script: &mut Script<'_>,
    calls: &mut [Call<Settle, ()>],
) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let mut settled = settle_jobs(script, calls).await?;
    let mut aftermath = Aftermath::default();
    let mut late = Vec::new();
    for (idx, call) in calls.iter().enumerate() {
        // Of two calls about one try the first counts, and the second comes too late.
        if settled.remove(&call.ask.job) {
            aftermath.add(&call.ask)?;
        } else {
            late.push(idx);
        }
    }
    aftermath.write(script)?;
    for call in calls.iter_mut() {
        call.answer = Some(Ok(()));
    }
    for idx in late {
        let refusal = why_not(script.conn().await?, &calls[idx].ask).await?;
        calls[idx].answer = Some(Err(refusal));
    }
    Ok(())
}

/// Returns the jobs that moved.
async fn settle_jobs(
    script: &mut Script<'_>,
    calls: &[Call<Settle, ()>],
) -> Result<HashSet<JobId>, Error> {
    let mut seen = HashSet::with_capacity(calls.len());
    let rows = calls
        .iter()
        .filter(|call| seen.insert(call.ask.job))
        .map(|call| row_of(&call.ask))
        .collect::<Result<Vec<_>, _>>()?;
    script.add(sql::SETTLE, [Arg::Text(json(&rows)?)]);
    let moved = script.fetch().await?;
    moved
        .iter()
        .map(|row| Columns::of(row).raw().map(JobId))
        .collect()
}

async fn why_not(conn: &mut SqliteConnection, settle: &Settle) -> Result<Error, Error> {
    let (job, to) = (settle.job, state_after(&settle.verdict));
    let lost = Error::LeaseLost {
        job,
        attempt: settle.attempt,
    };
    let row: Option<(String, i64)> = sqlx::query_as(sql::FATE_OF_JOB)
        .bind(job.0)
        .fetch_optional(conn)
        .await?;
    let Some((state, attempt)) = row else {
        return Ok(Error::NoSuchJob { job });
    };
    let from: JobState = decode::parse(&state)?;
    if Attempt(attempt) != settle.attempt {
        return Ok(lost);
    }
    Ok(match (from, settle.attempted.is_some()) {
        (JobState::Leased, true) => Error::misuse(format!("an outcome for job {job}, never sent")),
        (JobState::Sent, false) => {
            Error::misuse(format!("no outcome for job {job}, which was sent"))
        }
        (JobState::Leased, false) => Error::IllegalMove { job, from, to },
        _ => lost,
    })
}
