//! After a crash, and after a lease ran out: what nobody works on any more.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::domain::{
    Attempt, CostStatus, JobId, JobState, NanoUsd, RunId, SourceId, SpecId, UtcMillis,
};
use crate::store::sqlite::decode::{self, Columns, int, json};
use crate::store::sqlite::script::Script;
use crate::store::sqlite::seen::Seen;
use crate::store::sqlite::settle::Aftermath;
use crate::store::sqlite::{Db, sql};
use crate::store::{Adopt, DoubtPolicy, Error, Evidence, InFlight, Recovered};

/// A job in flight at so many crashes, each with evidence against it, and at the last two of them
/// alone ([`crate::store::SUSPECT_AFTER`]), is the likely cause of them.
const POISON_AFTER: i64 = 4;

impl Db {
    /// Takes back every lease that ends by `until`.
    pub(in crate::store) async fn rescue(&self, until: UtcMillis) -> Result<Recovered, Error> {
        let seen = self.seen.clone();
        self.writer()?
            .change(move |conn| {
                let seen = seen.clone();
                Box::pin(async move { rescue(conn, &seen, until).await })
            })
            .await
    }

    pub(in crate::store) async fn adopt(&self, found: Adopt) -> Result<(), Error> {
        let found = Arc::new(found);
        self.writer()?
            .change(move |conn| {
                let found = Arc::clone(&found);
                Box::pin(async move { adopt(conn, &found).await })
            })
            .await
    }

    pub(in crate::store) async fn doubt(
        &self,
        job: JobId,
        attempt: Attempt,
        at: UtcMillis,
        policy: DoubtPolicy,
        evidence: Evidence,
    ) -> Result<JobState, Error> {
        self.writer()?
            .change(move |conn| Box::pin(doubt(conn, job, attempt, at, (policy, evidence))))
            .await
    }

    pub(in crate::store) async fn extend(
        &self,
        leases: &[(JobId, Attempt)],
        lease_until: UtcMillis,
    ) -> Result<Vec<(JobId, Attempt)>, Error> {
        let leases: Arc<[(JobId, Attempt)]> = leases.into();
        self.writer()?
            .change(move |conn| {
                let leases = Arc::clone(&leases);
                Box::pin(async move { extend(conn, &leases, lease_until).await })
            })
            .await
    }

    pub(in crate::store) async fn resolve(
        &self,
        job: JobId,
        attempt: Attempt,
        status: CostStatus,
        cost: NanoUsd,
    ) -> Result<(), Error> {
        self.writer()?
            .change(move |conn| Box::pin(resolve(conn, job, attempt, status, cost)))
            .await
    }
}

async fn rescue(
    conn: &mut SqliteConnection,
    seen: &Seen,
    until: UtcMillis,
) -> Result<Recovered, Error> {
    let released = sqlx::query(sql::RELEASE_EXPIRED)
        .bind(until.0)
        .execute(&mut *conn)
        .await?
        .rows_affected();
    let rows = sqlx::query(sql::EXPIRED_IN_FLIGHT)
        .bind(until.0)
        .fetch_all(&mut *conn)
        .await?;
    let mut in_flight = Vec::with_capacity(rows.len());
    for row in &rows {
        in_flight.push(in_flight_of(conn, seen, row).await?);
    }
    in_flight.sort_by_key(|flight| flight.job);
    Ok(Recovered {
        released,
        in_flight,
    })
}

async fn in_flight_of(
    conn: &mut SqliteConnection,
    seen: &Seen,
    row: &SqliteRow,
) -> Result<InFlight, Error> {
    let spec = seen.spec(conn, SpecId(row.try_get(4)?)).await?;
    let mut columns = Columns::of(row);
    let job = JobId(columns.raw()?);
    let attempt = Attempt(columns.raw()?);
    let kind = columns.word()?;
    let key = columns.key()?;
    columns.skip(1);
    Ok(InFlight {
        job,
        attempt,
        kind,
        key,
        spec,
        source: SourceId(columns.raw()?),
        quantity: columns.quantity(kind)?,
        run: RunId(columns.raw()?),
        sent_at: columns.time()?,
        reserved: columns.money()?,
        crashes: columns.number()?,
    })
}

async fn adopt(conn: &mut SqliteConnection, found: &Adopt) -> Result<(), Error> {
    let moved: Option<i64> = sqlx::query_scalar(sql::ADOPT_JOB)
        .bind(found.job.0)
        .bind(found.attempt.0)
        .bind(found.at.0)
        .bind(found.audio.map(|audio| int(audio.0)).transpose()?)
        .fetch_optional(&mut *conn)
        .await?;
    if moved.is_none() {
        return Err(Error::LeaseLost {
            job: found.job,
            attempt: found.attempt,
        });
    }
    sqlx::query(sql::ADOPT_ATTEMPT)
        .bind(found.job.0)
        .bind(found.attempt.0)
        .bind(found.at.0)
        .bind(int(found.object.bytes)?)
        .bind(
            found
                .billed
                .map(|(quantity, _)| decode::amount(quantity))
                .transpose()?,
        )
        .bind(found.billed.map(|(_, cost)| cost.0))
        .execute(&mut *conn)
        .await?;
    let mut aftermath = Aftermath::default();
    aftermath.add_object(found.job, &found.object, found.at.0)?;
    aftermath.add_final(found.job, JobState::Completed, found.at.0);
    write(&aftermath, conn).await
}

async fn write(aftermath: &Aftermath<'_>, conn: &mut SqliteConnection) -> Result<(), Error> {
    let mut script = Script::new(conn);
    aftermath.write(&mut script)?;
    script.fetch().await?;
    Ok(())
}

async fn doubt(
    conn: &mut SqliteConnection,
    job: JobId,
    attempt: Attempt,
    at: UtcMillis,
    (policy, evidence): (DoubtPolicy, Evidence),
) -> Result<JobState, Error> {
    let next = match policy {
        DoubtPolicy::Resend => JobState::Available,
        DoubtPolicy::Hold => JobState::Held,
    };
    let state: Option<String> = sqlx::query_scalar(sql::DOUBT_JOB)
        .bind(job.0)
        .bind(attempt.0)
        .bind(next.as_str())
        .bind(i64::from(evidence == Evidence::AnswerBegun))
        .bind(POISON_AFTER)
        .fetch_optional(&mut *conn)
        .await?;
    let state = decode::parse(&state.ok_or(Error::LeaseLost { job, attempt })?)?;
    sqlx::query(sql::DOUBT_ATTEMPT)
        .bind(job.0)
        .bind(attempt.0)
        .bind(at.0)
        .execute(&mut *conn)
        .await?;
    Ok(state)
}

/// Returns the leases that are not the caller's any more.
async fn extend(
    conn: &mut SqliteConnection,
    leases: &[(JobId, Attempt)],
    lease_until: UtcMillis,
) -> Result<Vec<(JobId, Attempt)>, Error> {
    let held: Vec<(i64, i64)> = sqlx::query_as(sql::EXTEND)
        .bind(json(leases)?)
        .bind(lease_until.0)
        .fetch_all(conn)
        .await?;
    let held: HashSet<(i64, i64)> = held.into_iter().collect();
    let lost = leases
        .iter()
        .filter(|(job, attempt)| !held.contains(&(job.0, attempt.0)));
    Ok(lost.copied().collect())
}

async fn resolve(
    conn: &mut SqliteConnection,
    job: JobId,
    attempt: Attempt,
    status: CostStatus,
    cost: NanoUsd,
) -> Result<(), Error> {
    if matches!(status, CostStatus::Reserved | CostStatus::InDoubt) || cost < NanoUsd::ZERO {
        return Err(Error::misuse(format!("{status} resolves nothing")));
    }
    let cost = match status {
        CostStatus::NotBilled => NanoUsd::ZERO,
        _ => cost,
    };
    let resolved = sqlx::query(sql::RESOLVE)
        .bind(job.0)
        .bind(attempt.0)
        .bind(status.as_str())
        .bind(cost.0)
        .execute(conn)
        .await?;
    match resolved.rows_affected() {
        0 => Err(Error::misuse(format!(
            "attempt {attempt} of job {job} is not in doubt"
        ))),
        _ => Ok(()),
    }
}
