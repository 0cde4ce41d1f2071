//! Lists, a page at a time: each call takes the last row seen and a limit, so that no
//! reader holds a snapshot for long (which would keep the write-ahead log from being
//! folded) and a report of a million rows needs the memory of one page.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row};

use crate::domain::{
    Attempt, AudioMillis, CharCount, JobId, JobKind, NanoUsd, Quantity, RunId, SourceId, SpecId,
    UtcMillis,
};
use crate::store::sqlite::decode::Columns;
use crate::store::sqlite::{Db, people, sql};
use crate::store::{
    AttemptRow, Error, EventRow, FileEntry, Filter, JobRow, LedgerEntry, ObjectRow, OutputRow,
    PartRow, SourceRow, Spec,
};

impl Db {
    pub(in crate::store) async fn jobs(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRow>, Error> {
        let mut statement = QueryBuilder::new("SELECT ");
        statement.push(sql::JOB_COLUMNS);
        statement.push(" FROM job j JOIN source s ON s.id = j.source_id WHERE j.id > ");
        statement.push_bind(after.map_or(0, |job| job.0));
        people::push_filter(&mut statement, filter, &[])?;
        statement.push(" ORDER BY j.id LIMIT ");
        statement.push_bind(limit);
        let mut conn = self.readers.acquire().await?;
        let rows = statement.build().fetch_all(&mut *conn).await?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in &rows {
            let spec = self.seen.spec(&mut conn, SpecId(row.try_get(3)?)).await?;
            jobs.push(job_of(row, spec)?);
        }
        Ok(jobs)
    }

    pub(in crate::store) async fn parts(
        &self,
        parent: JobId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PartRow>, Error> {
        let rows = sqlx::query(sql::PARTS)
            .bind(parent.0)
            .bind(after.map_or(-1, i64::from))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(part_of).collect()
    }

    pub(in crate::store) async fn attempts(&self, job: JobId) -> Result<Vec<AttemptRow>, Error> {
        let rows = sqlx::query(sql::ATTEMPTS)
            .bind(job.0)
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| attempt_of(&mut Columns::of(row)))
            .collect()
    }

    pub(in crate::store) async fn ledger(
        &self,
        run: Option<RunId>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, Error> {
        let rows = sqlx::query(sql::LEDGER)
            .bind(after.unwrap_or(0))
            .bind(run.map(|run| run.0))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(ledger_entry_of).collect()
    }

    pub(in crate::store) async fn sources(
        &self,
        after: Option<SourceId>,
        limit: u32,
    ) -> Result<Vec<SourceRow>, Error> {
        let rows = sqlx::query(sql::SOURCES)
            .bind(after.map_or(0, |source| source.0))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| source_of(&mut Columns::of(row)))
            .collect()
    }

    pub(in crate::store) async fn files(
        &self,
        after: Option<(SourceId, JobId)>,
        limit: u32,
    ) -> Result<Vec<FileEntry>, Error> {
        let (source, parent) = after.map_or((0, 0), |(source, parent)| (source.0, parent.0));
        let rows = sqlx::query(sql::FILES)
            .bind(source)
            .bind(parent)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(file_of).collect()
    }

    pub(in crate::store) async fn objects(
        &self,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<ObjectRow>, Error> {
        let rows = sqlx::query(sql::OBJECTS)
            .bind(after.map_or(0, |job| job.0))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(object_of).collect()
    }

    pub(in crate::store) async fn outputs(
        &self,
        after: Option<(JobId, &[u8])>,
        limit: u32,
    ) -> Result<Vec<OutputRow>, Error> {
        let (job, path) = after.map_or((0, [].as_slice()), |(job, path)| (job.0, path));
        let rows = sqlx::query(sql::OUTPUTS)
            .bind(job)
            .bind(path)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(output_of).collect()
    }

    pub(in crate::store) async fn events(
        &self,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, Error> {
        let rows = sqlx::query(sql::EVENTS)
            .bind(after.unwrap_or(0))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(event_of).collect()
    }
}

fn job_of(row: &SqliteRow, spec: Arc<Spec>) -> Result<JobRow, Error> {
    let mut columns = Columns::of(row);
    let id = JobId(columns.raw()?);
    let kind = columns.word()?;
    let state = columns.word()?;
    columns.skip(1);
    let mut job = JobRow {
        id,
        kind,
        state,
        in_doubt: false,
        spec,
        source: SourceId(columns.raw()?),
        source_path: columns.raw()?,
        key: columns.key()?,
        priority: columns.raw()?,
        attempt: Attempt(columns.raw()?),
        failures: columns.number()?,
        crashes: columns.number()?,
        first_fault_at: columns.maybe_time()?,
        not_before: columns.maybe_time()?,
        lease_until: columns.maybe_time()?,
        span: columns.span()?,
        quantity: columns.quantity(kind)?,
        children: None,
        class: None,
        detail: None,
        audio: None,
        created_at: UtcMillis::default(),
        finished_at: None,
    };
    let sealed: Option<bool> = columns.raw()?;
    let (pending, lost) = (columns.maybe_number()?, columns.maybe_number()?);
    job.children = sealed.and(pending.zip(lost));
    job.class = columns.maybe_word()?;
    job.detail = columns.raw()?;
    job.in_doubt = job.detail.as_deref() != Some(sql::SET_ASIDE);
    job.audio = columns.maybe_audio()?;
    job.created_at = columns.time()?;
    job.finished_at = columns.maybe_time()?;
    Ok(job)
}

fn part_of(row: &SqliteRow) -> Result<PartRow, Error> {
    let mut columns = Columns::of(row);
    let ordinal = columns.number()?;
    let child = JobId(columns.raw()?);
    let key = columns.key()?;
    let sha256 = columns.maybe_key()?;
    let kind: JobKind = columns.word()?;
    Ok(PartRow {
        ordinal,
        child,
        key,
        sha256,
        span: columns.span()?,
        boundary: columns.maybe_word()?,
        state: columns.word()?,
        in_doubt: columns.raw()?,
        quantity: columns.quantity(kind)?,
        audio: columns.maybe_audio()?,
    })
}

/// Reads the kind of the job, which tells the unit, and then the columns of an attempt.
fn attempt_of(columns: &mut Columns<'_>) -> Result<AttemptRow, Error> {
    let kind: JobKind = columns.word()?;
    Ok(AttemptRow {
        attempt: Attempt(columns.raw()?),
        run: RunId(columns.raw()?),
        sent_at: columns.time()?,
        finished_at: columns.maybe_time()?,
        cost: columns.money()?,
        cost_status: columns.word()?,
        quantity: columns.quantity(kind)?,
        class: columns.maybe_word()?,
        http_status: columns.maybe_number()?,
        request_id: columns.raw()?,
        latency: columns.maybe_duration()?,
        first_byte: columns.maybe_duration()?,
        bytes: columns.maybe_number()?,
        detail: columns.raw()?,
        delivery: columns.maybe_word()?,
    })
}

fn ledger_entry_of(row: &SqliteRow) -> Result<LedgerEntry, Error> {
    let mut columns = Columns::of(row);
    Ok(LedgerEntry {
        id: columns.raw()?,
        job: JobId(columns.raw()?),
        kind: columns.word()?,
        task: columns.text()?,
        source_path: columns.raw()?,
        ordinal: columns.maybe_number()?,
        endpoint: columns.text()?,
        model: columns.text()?,
        voice: columns.raw()?,
        job_state: columns.word()?,
        audio: columns.maybe_audio()?,
        key: columns.key()?,
        row: attempt_of(&mut columns)?,
    })
}

pub(super) fn source_of(columns: &mut Columns<'_>) -> Result<SourceRow, Error> {
    Ok(SourceRow {
        id: SourceId(columns.raw()?),
        task: columns.text()?,
        path: columns.raw()?,
        content: columns.key()?,
        text: columns.maybe_key()?,
        bytes: columns.number()?,
        kind: columns.text()?,
        quantity: {
            let unit: &str = columns.raw()?;
            let number = columns.number()?;
            match unit {
                "chars" => Quantity::Chars(CharCount(number)),
                "audio" => Quantity::Audio(AudioMillis(number)),
                _ => Quantity::Nothing,
            }
        },
        created_at: columns.time()?,
        superseded_at: columns.maybe_time()?,
    })
}

fn file_of(row: &SqliteRow) -> Result<FileEntry, Error> {
    let mut columns = Columns::of(row);
    let mut file = FileEntry {
        source: source_of(&mut columns)?,
        parent: JobId(columns.raw()?),
        kind: columns.word()?,
        state: columns.word()?,
        class: columns.maybe_word()?,
        detail: columns.raw()?,
        audio: columns.maybe_audio()?,
        finished_at: columns.maybe_time()?,
        parts: columns.number()?,
        parts_completed: columns.number()?,
        parts_lost: columns.number()?,
        parts_reused: columns.number()?,
        attempts: 0,
        confirmed: NanoUsd::ZERO,
        wasted: NanoUsd::ZERO,
        in_doubt: NanoUsd::ZERO,
    };
    let sums = columns.text()?;
    let (attempts, confirmed, wasted, in_doubt) = serde_json::from_str(&sums)
        .map_err(|error| Error::bad_row(format!("sums of a file: {error}")))?;
    file.attempts = attempts;
    (file.confirmed, file.wasted, file.in_doubt) =
        (NanoUsd(confirmed), NanoUsd(wasted), NanoUsd(in_doubt));
    Ok(file)
}

pub(super) fn object_of(row: &SqliteRow) -> Result<ObjectRow, Error> {
    let mut columns = Columns::of(row);
    Ok(ObjectRow {
        job: JobId(columns.raw()?),
        key: columns.key()?,
        sha256: columns.key()?,
        bytes: columns.number()?,
        format: columns.text()?,
        audio: columns.maybe_audio()?,
        created_at: columns.time()?,
    })
}

fn output_of(row: &SqliteRow) -> Result<OutputRow, Error> {
    let mut columns = Columns::of(row);
    Ok(OutputRow {
        job: JobId(columns.raw()?),
        path: columns.raw()?,
        bytes: columns.number()?,
        sha256: columns.key()?,
        audio: columns.maybe_audio()?,
        format: columns.text()?,
        written_at: columns.time()?,
    })
}

fn event_of(row: &SqliteRow) -> Result<EventRow, Error> {
    let mut columns = Columns::of(row);
    let id = columns.raw()?;
    let run: Option<i64> = columns.raw()?;
    Ok(EventRow {
        id,
        run: run.map(RunId),
        at: columns.time()?,
        kind: columns.text()?,
        detail: columns.text()?,
    })
}
