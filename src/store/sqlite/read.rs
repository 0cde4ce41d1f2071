//! Lookups for the planner and sums for the status: small, and fast at any size of queue.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;

use crate::domain::{
    ContentKey, CostStatus, Day, GateId, JobId, JobState, NanoUsd, RunId, SourceId, SpecId,
    Standing,
};
use crate::store::sqlite::decode::{Columns, hex, json};
use crate::store::sqlite::{Db, enqueue, lists, sql};
use crate::store::{
    Bought, Count, Error, Filter, GateRow, JobRow, Money, ObjectRow, ParentRow, PauseRow, RunRow,
    SourceRow, Spec, Sum,
};

impl Db {
    pub(in crate::store) async fn known(
        &self,
        keys: &[ContentKey],
    ) -> Result<HashMap<ContentKey, Standing>, Error> {
        let keys: Vec<String> = keys.iter().map(|key| hex(&key.0)).collect();
        let rows = sqlx::query(sql::KEY_STATES)
            .bind(json(&keys)?)
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                let key = columns.key()?;
                let state = columns.word()?;
                Ok((key, Standing::of(state, columns.raw()?)))
            })
            .collect()
    }

    pub(in crate::store) async fn parent_by_key(
        &self,
        key: ContentKey,
    ) -> Result<Option<ParentRow>, Error> {
        let mut conn = self.readers.acquire().await?;
        let found = enqueue::find_parent(&mut conn, key).await?;
        Ok(found.map(|(parent, _)| parent))
    }

    pub(in crate::store) async fn latest_source(
        &self,
        task: &str,
        path: &[u8],
    ) -> Result<Option<SourceRow>, Error> {
        let row = sqlx::query(sql::LATEST_SOURCE)
            .bind(task)
            .bind(path)
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| lists::source_of(&mut Columns::of(&row)))
            .transpose()
    }

    pub(in crate::store) async fn object(
        &self,
        key: ContentKey,
    ) -> Result<Option<ObjectRow>, Error> {
        let row = sqlx::query(sql::OBJECT)
            .bind(key.0.as_slice())
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| lists::object_of(&row)).transpose()
    }

    pub(in crate::store) async fn spec_by_id(&self, id: SpecId) -> Result<Arc<Spec>, Error> {
        if let Some(spec) = self.seen.known_spec(id) {
            return Ok(spec);
        }
        let mut conn = self.readers.acquire().await?;
        self.seen.spec(&mut conn, id).await
    }

    pub(in crate::store) async fn counts(&self) -> Result<Vec<Count>, Error> {
        let rows = sqlx::query(sql::COUNTS).fetch_all(&self.readers).await?;
        let mut counts = rows
            .iter()
            .map(|row| count_of(row, |columns| Ok((columns.word()?, false))))
            .collect::<Result<Vec<_>, Error>>()?;
        let rows = sqlx::query(sql::HELD_COUNTS)
            .fetch_all(&self.readers)
            .await?;
        for row in &rows {
            counts.push(count_of(row, |columns| {
                Ok((JobState::Held, columns.raw()?))
            })?);
        }
        Ok(counts)
    }

    pub(in crate::store) async fn bought(
        &self,
        task: &str,
        path: &[u8],
    ) -> Result<Option<Bought>, Error> {
        let row = sqlx::query(sql::BOUGHT)
            .bind(task)
            .bind(path)
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::of(&row);
        Ok(Some(Bought {
            endpoint: columns.text()?,
            params: columns.text()?,
            content: columns.key()?,
            text: columns.maybe_key()?,
        }))
    }

    pub(in crate::store) async fn money(&self) -> Result<Money, Error> {
        let mut purses = self.purses(0, 0).await?;
        purses
            .remove(&0)
            .ok_or_else(|| Error::bad_row("the queue has no purse"))
    }

    /// The purses with numbers from `first` to `last`.
    async fn purses(&self, first: i64, last: i64) -> Result<HashMap<i64, Money>, Error> {
        let rows = sqlx::query(sql::BILLS)
            .bind(first)
            .bind(last)
            .fetch_all(&self.readers)
            .await?;
        let mut purses: HashMap<i64, Money> = HashMap::new();
        for row in &rows {
            let mut columns = Columns::of(row);
            let money = purses.entry(columns.raw()?).or_default();
            let cap: Option<i64> = columns.raw()?;
            money.cap = cap.map(NanoUsd);
            let status = columns.word()?;
            let sum = Sum {
                attempts: columns.number()?,
                cost: columns.money()?,
            };
            note(money, status, sum);
        }
        Ok(purses)
    }

    pub(in crate::store) async fn money_of_day(&self, day: Day) -> Result<Money, Error> {
        let rows = sqlx::query(sql::DAY_BILLS)
            .bind(day.0)
            .fetch_all(&self.readers)
            .await?;
        let mut money = Money::default();
        for row in &rows {
            let mut columns = Columns::of(row);
            let cap: Option<i64> = columns.raw()?;
            money.cap = cap.map(NanoUsd);
            // A day without requests is one row without sums.
            if let Some(status) = columns.maybe_word()? {
                let sum = Sum {
                    attempts: columns.number()?,
                    cost: columns.money()?,
                };
                note(&mut money, status, sum);
            }
        }
        Ok(money)
    }

    pub(in crate::store) async fn pauses(&self) -> Result<Vec<PauseRow>, Error> {
        let rows = sqlx::query(sql::PAUSES).fetch_all(&self.readers).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(PauseRow {
                    scope: columns.word()?,
                    name: columns.text()?,
                    since: columns.time()?,
                    who: columns.text()?,
                    reason: columns.raw()?,
                })
            })
            .collect()
    }

    pub(in crate::store) async fn runs(
        &self,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunRow>, Error> {
        let rows = sqlx::query(sql::RUNS)
            .bind(after.map_or(0, |run| run.0))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        let mut runs = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut columns = Columns::of(row);
            runs.push(RunRow {
                id: RunId(columns.raw()?),
                pid: columns.number()?,
                host: columns.text()?,
                version: columns.text()?,
                command: columns.text()?,
                started_at: columns.time()?,
                finished_at: columns.maybe_time()?,
                exit_code: columns.maybe_number()?,
                money: Money::default(),
            });
        }
        if let (Some(first), Some(last)) = (runs.first(), runs.last()) {
            let mut purses = self.purses(first.id.0, last.id.0).await?;
            for run in &mut runs {
                run.money = purses.remove(&run.id.0).unwrap_or_default();
            }
        }
        Ok(runs)
    }

    pub(in crate::store) async fn gates(&self) -> Result<Vec<GateRow>, Error> {
        let rows = sqlx::query(sql::GATES).fetch_all(&self.readers).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                let id = GateId(columns.raw()?);
                let endpoint = columns.text()?;
                let model = columns.text()?;
                let rate: Option<f64> = columns.raw()?;
                let rate_at = columns.maybe_time()?;
                let paused_at = columns.maybe_time()?;
                let reason: Option<String> = columns.raw()?;
                Ok(GateRow {
                    id,
                    endpoint,
                    model,
                    rate: rate.zip(rate_at),
                    paused: paused_at.zip(reason),
                })
            })
            .collect()
    }

    pub(in crate::store) async fn source(&self, id: SourceId) -> Result<Option<SourceRow>, Error> {
        let mut found = self
            .sources(Some(SourceId(id.0.saturating_sub(1))), 1)
            .await?;
        found.retain(|source| source.id == id);
        Ok(found.pop())
    }

    pub(in crate::store) async fn job(&self, id: JobId) -> Result<Option<JobRow>, Error> {
        let filter = Filter {
            ids: vec![id],
            ..Filter::default()
        };
        Ok(self.jobs(&filter, None, 1).await?.pop())
    }
}

/// Puts a sum where its status belongs.
fn note(money: &mut Money, status: CostStatus, sum: Sum) {
    match status {
        CostStatus::Reserved => money.reserved = sum,
        CostStatus::Confirmed => money.confirmed = sum,
        CostStatus::Wasted => money.wasted = sum,
        CostStatus::InDoubt => money.in_doubt = sum,
        CostStatus::NotBilled => money.not_billed = sum,
    }
}

/// A row of counts; `standing` reads the state and whether it is in doubt.
fn count_of(
    row: &SqliteRow,
    standing: impl FnOnce(&mut Columns<'_>) -> Result<(JobState, bool), Error>,
) -> Result<Count, Error> {
    let mut columns = Columns::of(row);
    let spec = SpecId(columns.raw()?);
    let task = columns.text()?;
    let kind = columns.word()?;
    let gate = GateId(columns.raw()?);
    let (state, in_doubt) = standing(&mut columns)?;
    Ok(Count {
        spec,
        task,
        kind,
        gate,
        state,
        in_doubt,
        jobs: columns.number()?,
        quantity: columns.quantity(kind)?,
    })
}
