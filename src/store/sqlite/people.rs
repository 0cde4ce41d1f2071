//! What a person asks for: retry, cancel, hold; and what follows from new versions of files.
//!
//! Each notes the jobs concerned in a temporary table, changes them as a set, and counts
//! the parts of the parents concerned afresh.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};

use crate::domain::{Attempt, JobId, JobKind, JobState, Quantity, SpecId, UtcMillis};
use crate::store::sqlite::decode::{Columns, json};
use crate::store::sqlite::{Db, parents, sql};
use crate::store::{Error, Filter, Reopened, Sum};

/// States `retry` takes up when the filter names none.
const RETRYABLE: [JobState; 3] = [JobState::Failed, JobState::Cancelled, JobState::Held];

/// States `retry` may be asked for: a completed job whose result went missing, too.
const REOPENABLE: [JobState; 4] = [
    JobState::Failed,
    JobState::Cancelled,
    JobState::Held,
    JobState::Completed,
];

/// What is on the wire is paid for, and is let finish.
const CANCELLABLE: [JobState; 5] = [
    JobState::Scheduled,
    JobState::Available,
    JobState::Leased,
    JobState::Waiting,
    JobState::Held,
];

/// States `cancel` may be asked for: what failed may be left out, too.
const LEFT_OUT: [JobState; 6] = [
    JobState::Scheduled,
    JobState::Available,
    JobState::Leased,
    JobState::Waiting,
    JobState::Held,
    JobState::Failed,
];

/// A waiting parent stands for its children.
const HOLDABLE: [JobState; 3] = [JobState::Scheduled, JobState::Available, JobState::Waiting];

impl Db {
    pub(in crate::store) async fn retry(
        &self,
        filter: &Filter,
        at: UtcMillis,
    ) -> Result<Reopened, Error> {
        let filter = Arc::new(filter.clone());
        self.writer()?
            .change(move |conn| {
                let filter = Arc::clone(&filter);
                Box::pin(async move {
                    let reopened = pick_for_retry(conn, &filter).await?;
                    reopen_picked(conn, at).await?;
                    Ok(reopened)
                })
            })
            .await
    }

    pub(in crate::store) async fn retry_preview(&self, filter: &Filter) -> Result<Reopened, Error> {
        let filter = Arc::new(filter.clone());
        if let Some(writer) = &self.writer {
            // The note is taken in the writer's temporary table; the queue is only read.
            return writer
                .change(move |conn| {
                    let filter = Arc::clone(&filter);
                    Box::pin(async move { pick_for_retry(conn, &filter).await })
                })
                .await;
        }
        let mut conn = self.readers.acquire().await?;
        sqlx::query(sql::PICKED).execute(&mut *conn).await?;
        pick_for_retry(&mut conn, &filter).await
    }

    pub(in crate::store) async fn cancel(
        &self,
        filter: &Filter,
        at: UtcMillis,
    ) -> Result<u64, Error> {
        let filter = Arc::new(filter.clone());
        self.writer()?
            .change(move |conn| {
                let filter = Arc::clone(&filter);
                Box::pin(async move {
                    pick(conn, &filter, &CANCELLABLE, &LEFT_OUT).await?;
                    sqlx::query(sql::PICK_FAILED_PARENTS)
                        .execute(&mut *conn)
                        .await?;
                    sqlx::query(sql::REOPEN_FAILED).execute(&mut *conn).await?;
                    cancel_picked(conn, at, None).await
                })
            })
            .await
    }

    pub(in crate::store) async fn hold(&self, filter: &Filter) -> Result<u64, Error> {
        let filter = Arc::new(filter.clone());
        self.writer()?
            .change(move |conn| {
                let filter = Arc::clone(&filter);
                Box::pin(async move {
                    pick_to_hold(conn, &filter).await?;
                    let held = sqlx::query(sql::HOLD_PICKED).execute(conn).await?;
                    Ok(held.rows_affected())
                })
            })
            .await
    }

    pub(in crate::store) async fn hold_preview(&self, filter: &Filter) -> Result<u64, Error> {
        let filter = Arc::new(filter.clone());
        self.writer()?
            .change(move |conn| {
                let filter = Arc::clone(&filter);
                Box::pin(async move { pick_to_hold(conn, &filter).await })
            })
            .await
    }

    pub(in crate::store) async fn send_back(
        &self,
        parent: JobId,
        attempt: Attempt,
        missing: &[JobId],
        at: UtcMillis,
    ) -> Result<(), Error> {
        let missing: Arc<[JobId]> = missing.into();
        self.writer()?
            .change(move |conn| {
                let missing = Arc::clone(&missing);
                Box::pin(async move { send_back(conn, parent, attempt, &missing, at).await })
            })
            .await
    }
}

/// Appends the conditions of a filter on `job j` to a statement that has a `WHERE`.
/// An empty list of states means `default` (and nothing, if that is empty too).
pub(super) fn push_filter(
    statement: &mut QueryBuilder<Sqlite>,
    filter: &Filter,
    default: &[JobState],
) -> Result<(), Error> {
    let states = if filter.states.is_empty() {
        default
    } else {
        &filter.states
    };
    if !states.is_empty() {
        // Written out, so that the planner sees when a partial index covers them.
        let words: Vec<_> = states.iter().map(|s| format!("j.state = '{s}'")).collect();
        statement.push(format!(" AND ({})", words.join(" OR ")));
    }
    if !filter.kinds.is_empty() {
        let words: Vec<_> = filter
            .kinds
            .iter()
            .map(|kind| format!("'{kind}'"))
            .collect();
        statement.push(format!(" AND j.kind IN ({})", words.join(", ")));
    }
    if let Some(class) = filter.class {
        statement.push(format!(" AND j.class = '{class}'"));
    }
    if let Some(task) = &filter.task {
        statement.push(" AND j.spec_id IN (SELECT id FROM spec WHERE task = ");
        statement.push_bind(task.clone());
        statement.push(")");
    }
    if !filter.ids.is_empty() {
        statement.push(" AND j.id IN (SELECT value FROM json_each(");
        statement.push_bind(json(&filter.ids)?);
        statement.push("))");
    }
    if let Some(in_doubt) = filter.in_doubt {
        let is = if in_doubt { "IS NOT" } else { "IS" };
        let aside = sql::SET_ASIDE;
        statement.push(format!(
            " AND (j.state <> 'held' OR j.detail {is} '{aside}')"
        ));
    }
    if filter.flagged {
        statement.push(sql::FLAGGED);
    }
    if let Some(path) = &filter.path {
        statement.push(" AND j.source_id IN (SELECT id FROM source WHERE path = ");
        statement.push_bind(path.clone());
        statement.push(")");
    }
    if let Some(source) = filter.source {
        statement.push(" AND j.source_id = ");
        statement.push_bind(source.0);
    }
    Ok(())
}

pub(super) async fn clear_picked(conn: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query(sql::CLEAR_PICKED).execute(conn).await?;
    Ok(())
}

/// Notes the jobs of a filter that stand in one of the states `allowed`.
async fn pick(
    conn: &mut SqliteConnection,
    filter: &Filter,
    default: &[JobState],
    allowed: &[JobState],
) -> Result<(), Error> {
    clear_picked(conn).await?;
    let mut filter = filter.clone();
    if !filter.states.is_empty() {
        filter.states.retain(|state| allowed.contains(state));
        if filter.states.is_empty() {
            return Ok(());
        }
    }
    let mut statement = QueryBuilder::new(
        "INSERT INTO picked SELECT j.id FROM job j WHERE ifnull(j.detail, '') <> '",
    );
    statement.push(sql::SUPERSEDED);
    statement.push("'");
    push_filter(&mut statement, &filter, default)?;
    statement.build().execute(conn).await?;
    Ok(())
}

async fn pick_for_retry(conn: &mut SqliteConnection, filter: &Filter) -> Result<Reopened, Error> {
    pick(conn, filter, &RETRYABLE, &REOPENABLE).await?;
    sqlx::query(sql::PICK_LOST_CHILDREN)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query(sql::PICKED_BY_SPEC)
        .fetch_all(&mut *conn)
        .await?;
    let doubt = sqlx::query(sql::PICKED_IN_DOUBT).fetch_one(conn).await?;
    let mut columns = Columns::of(&doubt);
    let mut reopened = Reopened {
        in_doubt: Sum {
            attempts: columns.number()?,
            cost: columns.money()?,
        },
        ..Reopened::default()
    };
    for row in &rows {
        let (spec, kind, jobs, quantity) = by_spec(row)?;
        reopened.jobs += jobs;
        if kind.sends() {
            reopened.by_spec.push((spec, jobs, quantity));
        }
    }
    Ok(reopened)
}

/// Notes what a hold sets aside; returns how many jobs that is.
async fn pick_to_hold(conn: &mut SqliteConnection, filter: &Filter) -> Result<u64, Error> {
    pick(conn, filter, &HOLDABLE, &HOLDABLE).await?;
    sqlx::query(sql::PICK_CHILDREN_TO_HOLD)
        .execute(&mut *conn)
        .await?;
    let jobs: i64 = sqlx::query_scalar(sql::COUNT_PICKED_CHILDREN)
        .fetch_one(conn)
        .await?;
    u64::try_from(jobs).map_err(|_| Error::bad_row(format!("{jobs} jobs")))
}

fn by_spec(row: &SqliteRow) -> Result<(SpecId, JobKind, u64, Quantity), Error> {
    let mut columns = Columns::of(row);
    let spec = SpecId(columns.raw()?);
    let kind: JobKind = columns.word()?;
    Ok((spec, kind, columns.number()?, columns.quantity(kind)?))
}

/// Makes picked jobs available and the parents concerned wait for them.
async fn reopen_picked(conn: &mut SqliteConnection, at: UtcMillis) -> Result<(), Error> {
    let parents: Vec<i64> = sqlx::query_scalar(sql::PARENTS_TO_REOPEN)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query(sql::REOPEN_PICKED).execute(&mut *conn).await?;
    if parents.is_empty() {
        return Ok(());
    }
    let ids = json(&parents)?;
    for statement in [sql::RELEASE_HELD_PARENTS, sql::REOPEN_PARENTS] {
        sqlx::query(statement)
            .bind(&ids)
            .execute(&mut *conn)
            .await?;
    }
    parents::recount(conn, &parents, at).await
}

/// Makes cancelled children available that a new parent wants. Returns how many.
pub(super) async fn revive(
    conn: &mut SqliteConnection,
    jobs: &[i64],
    at: UtcMillis,
) -> Result<u64, Error> {
    if jobs.is_empty() {
        return Ok(0);
    }
    clear_picked(conn).await?;
    let mut statement = QueryBuilder::new("INSERT INTO picked SELECT value FROM json_each(");
    statement.push_bind(json(jobs)?);
    statement.push(")");
    statement.build().execute(&mut *conn).await?;
    let parents = waiting_parents(conn).await?;
    let revived = sqlx::query(sql::REOPEN_PICKED).execute(&mut *conn).await?;
    parents::recount(conn, &parents, at).await?;
    Ok(revived.rows_affected())
}

async fn waiting_parents(conn: &mut SqliteConnection) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar(sql::PARENTS_OF_PICKED)
        .fetch_all(conn)
        .await?)
}

/// Cancels picked jobs, the parents among them with the children nobody else wants.
/// Returns how many.
pub(super) async fn cancel_picked(
    conn: &mut SqliteConnection,
    at: UtcMillis,
    detail: Option<&str>,
) -> Result<u64, Error> {
    let parents = sqlx::query(sql::CANCEL_PARENTS)
        .bind(at.0)
        .bind(detail)
        .execute(&mut *conn)
        .await?;
    sqlx::query(sql::PICK_ORPHANS).execute(&mut *conn).await?;
    let bereft = waiting_parents(conn).await?;
    let children = sqlx::query(sql::CANCEL_PICKED)
        .bind(at.0)
        .bind(detail)
        .execute(&mut *conn)
        .await?;
    parents::recount(conn, &bereft, at).await?;
    Ok(parents.rows_affected() + children.rows_affected())
}

async fn send_back(
    conn: &mut SqliteConnection,
    parent: JobId,
    attempt: Attempt,
    missing: &[JobId],
    at: UtcMillis,
) -> Result<(), Error> {
    let moved = sqlx::query(sql::SEND_BACK)
        .bind(parent.0)
        .bind(attempt.0)
        .execute(&mut *conn)
        .await?;
    if moved.rows_affected() == 0 {
        return Err(Error::LeaseLost {
            job: parent,
            attempt,
        });
    }
    let filter = Filter {
        states: vec![JobState::Completed],
        ids: missing.to_vec(),
        kinds: vec![JobKind::Speak, JobKind::Transcribe],
        ..Filter::default()
    };
    if !missing.is_empty() {
        pick(conn, &filter, &[], &REOPENABLE).await?;
        reopen_picked(conn, at).await?;
    }
    parents::recount(conn, &[parent.0], at).await
}
