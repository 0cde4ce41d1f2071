//! Claiming: how an `available` job becomes exactly one live lease.
//!
//! Due jobs are made available first, then each spec's jobs are taken in order of
//! priority and age by a single `UPDATE … RETURNING` along a partial index that holds
//! available jobs only: the cost does not grow with the queue.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::domain::{Attempt, JobId, RunId, SourceId, SpecId, UtcMillis};
use crate::store::sqlite::call::{Call, ClaimAsk};
use crate::store::sqlite::decode::Columns;
use crate::store::sqlite::script::{Arg, Script};
use crate::store::sqlite::seen::Seen;
use crate::store::sqlite::{Db, sql};
use crate::store::{Claim, Error};

impl Db {
    pub(in crate::store) async fn claim(
        &self,
        wanted: &[(Vec<SpecId>, u32)],
        owner: RunId,
        now: UtcMillis,
        lease_until: UtcMillis,
    ) -> Result<Vec<Claim>, Error> {
        let wanted: Vec<_> = wanted.iter().filter(|(_, n)| *n > 0).cloned().collect();
        let writer = self.writer()?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        writer
            .claim(ClaimAsk {
                wanted,
                owner,
                now,
                lease_until,
            })
            .await
    }

    pub(in crate::store) async fn next_due(&self) -> Result<Option<UtcMillis>, Error> {
        let due: Option<i64> = sqlx::query_scalar(sql::NEXT_DUE)
            .fetch_one(&self.readers)
            .await?;
        Ok(due.map(UtcMillis))
    }
}

/// Serves claims in the order they came.
pub(super) async fn apply(
    script: &mut Script<'_>,
    seen: &Seen,
    calls: &mut [Call<ClaimAsk, Vec<Claim>>],
) -> Result<(), Error> {
    for call in calls {
        let mut claims = Vec::new();
        for (specs_in_order, most) in &call.ask.wanted {
            let mut left = *most;
            for spec in specs_in_order {
                if left == 0 {
                    break;
                }
                let args = [
                    call.ask.now.0,
                    spec.0,
                    i64::from(left),
                    call.ask.owner.0,
                    call.ask.lease_until.0,
                ];
                script.add(sql::CLAIM, args.map(Arg::Int));
                let rows = script.fetch().await?;
                left = left.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
                for row in &rows {
                    claims.push(claim_of(script.conn().await?, seen, row).await?);
                }
            }
        }
        // The order of RETURNING is the database's own.
        claims.sort_by_key(|claim| (claim.priority, claim.job));
        call.answer = Some(Ok(claims));
    }
    Ok(())
}

async fn claim_of(
    conn: &mut SqliteConnection,
    seen: &Seen,
    row: &SqliteRow,
) -> Result<Claim, Error> {
    let spec = seen.spec(conn, SpecId(row.try_get(4)?)).await?;
    let source = seen.source(conn, SourceId(row.try_get(5)?)).await?;
    let mut columns = Columns::of(row);
    let job = JobId(columns.raw()?);
    let attempt = Attempt(columns.raw()?);
    let kind = columns.word()?;
    let key = columns.key()?;
    columns.skip(2);
    Ok(Claim {
        job,
        attempt,
        kind,
        key,
        spec,
        source,
        priority: columns.raw()?,
        span: columns.span()?,
        quantity: columns.quantity(kind)?,
        failures: columns.number()?,
        crashes: columns.number()?,
        first_fault_at: columns.maybe_time()?,
        params: columns.raw()?,
    })
}
