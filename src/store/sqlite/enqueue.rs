//! New work. Every step may be repeated after a crash and comes to the same.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;

use crate::domain::{Boundary, ContentKey, JobId, JobState, Quantity, SourceId, UtcMillis};
use crate::store::sqlite::decode::{self, Columns, amount, fits, hex, int, json};
use crate::store::sqlite::seen::Seen;
use crate::store::sqlite::{Db, parents, people, sql};
use crate::store::{Added, Error, NewChildren, NewParent, NewSource, Parent, ParentRow};

impl Db {
    pub(in crate::store) async fn add_source(&self, source: NewSource) -> Result<SourceId, Error> {
        let source = Arc::new(source);
        self.writer()?
            .change(move |conn| {
                let source = Arc::clone(&source);
                Box::pin(async move { add_source(conn, &source).await })
            })
            .await
    }

    pub(in crate::store) async fn add_parent(&self, parent: NewParent) -> Result<Parent, Error> {
        let parent = Arc::new(parent);
        let seen = self.seen.clone();
        self.writer()?
            .change(move |conn| {
                let (parent, seen) = (Arc::clone(&parent), seen.clone());
                Box::pin(async move { add_parent(conn, &seen, &parent).await })
            })
            .await
    }

    pub(in crate::store) async fn add_children(&self, batch: NewChildren) -> Result<Added, Error> {
        if batch.children.len() > NewChildren::MAX {
            return Err(Error::misuse(format!(
                "{} children at once, {} are allowed",
                batch.children.len(),
                NewChildren::MAX
            )));
        }
        let batch = Arc::new(batch);
        let seen = self.seen.clone();
        self.writer()?
            .change(move |conn| {
                let (batch, seen) = (Arc::clone(&batch), seen.clone());
                Box::pin(async move { add_children(conn, &seen, &batch).await })
            })
            .await
    }

    pub(in crate::store) async fn seal(
        &self,
        parent: JobId,
        at: UtcMillis,
    ) -> Result<JobState, Error> {
        self.writer()?
            .change(move |conn| Box::pin(seal(conn, parent, at)))
            .await
    }

    pub(in crate::store) async fn supersede(
        &self,
        task: &str,
        path: &[u8],
        keep: JobId,
        at: UtcMillis,
    ) -> Result<u64, Error> {
        let file = Arc::new((task.to_owned(), path.to_owned()));
        self.writer()?
            .change(move |conn| {
                let file = Arc::clone(&file);
                Box::pin(async move { supersede(conn, &file.0, &file.1, keep, at).await })
            })
            .await
    }

    pub(in crate::store) async fn forget(
        &self,
        task: &str,
        path: &[u8],
        at: UtcMillis,
    ) -> Result<u64, Error> {
        let file = Arc::new((task.to_owned(), path.to_owned()));
        self.writer()?
            .change(move |conn| {
                let file = Arc::clone(&file);
                Box::pin(async move { forget(conn, &file.0, &file.1, at).await })
            })
            .await
    }
}

async fn add_source(conn: &mut SqliteConnection, source: &NewSource) -> Result<SourceId, Error> {
    let unit = match source.quantity {
        Quantity::Chars(_) => "chars",
        Quantity::Audio(_) => "audio",
        Quantity::Nothing => "nothing",
    };
    let id = sqlx::query_scalar(sql::ADD_SOURCE)
        .bind(&source.task)
        .bind(&source.path)
        .bind(source.content.0.as_slice())
        .bind(source.text.as_ref().map(|text| text.0.as_slice()))
        .bind(int(source.bytes)?)
        .bind(&source.kind)
        .bind(unit)
        .bind(amount(source.quantity)?)
        .bind(source.at.0)
        .fetch_one(conn)
        .await?;
    Ok(SourceId(id))
}

async fn add_parent(
    conn: &mut SqliteConnection,
    seen: &Seen,
    parent: &NewParent,
) -> Result<Parent, Error> {
    let spec = seen.spec(conn, parent.spec).await?;
    if spec.kind.sends() {
        return Err(Error::misuse(format!(
            "a {} job has no children",
            spec.kind
        )));
    }
    let added = sqlx::query(sql::ADD_PARENT)
        .bind(parent.source.0)
        .bind(parent.spec.0)
        .bind(parent.key.0.as_slice())
        .bind(&parent.params)
        .bind(parent.priority)
        .bind(parent.at.0)
        .execute(&mut *conn)
        .await?;
    let (row, superseded) = find_parent(conn, parent.key)
        .await?
        .ok_or_else(|| Error::misuse("the key of a parent is that of other work"))?;
    let mut found = Parent {
        id: row.id,
        state: row.state,
        sealed: row.sealed,
        is_new: added.rows_affected() > 0,
    };
    // Its file went back to what it was: the work is wanted again, and the output has to be
    // written again where another version wrote over it.
    let again = match row.state {
        JobState::Cancelled => superseded,
        JobState::Completed => row.overwritten,
        _ => false,
    };
    if again {
        sqlx::query(sql::REOPEN_PARENT)
            .bind(row.id.0)
            .execute(conn)
            .await?;
        found.state = JobState::Waiting;
        found.sealed = false;
    }
    Ok(found)
}

/// The parent with this key, and whether it was cancelled as superseded.
pub(super) async fn find_parent(
    conn: &mut SqliteConnection,
    key: ContentKey,
) -> Result<Option<(ParentRow, bool)>, Error> {
    let row = sqlx::query(sql::FIND_PARENT)
        .bind(key.0.as_slice())
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        let id = JobId(columns.raw()?);
        let source = SourceId(columns.raw()?);
        let state = columns.word()?;
        let sealed = columns.raw()?;
        let superseded = columns.raw()?;
        let overwritten = columns.raw()?;
        let parent = ParentRow {
            id,
            source,
            state,
            sealed,
            overwritten,
        };
        Ok((parent, superseded))
    })
    .transpose()
}

async fn add_children(
    conn: &mut SqliteConnection,
    seen: &Seen,
    batch: &NewChildren,
) -> Result<Added, Error> {
    let parent: Option<(bool, i64)> = sqlx::query_as(sql::PARENT_OF_CHILDREN)
        .bind(batch.parent.0)
        .fetch_optional(&mut *conn)
        .await?;
    let priority = match parent {
        None => return Err(Error::NoSuchJob { job: batch.parent }),
        Some((true, _)) => {
            return Err(Error::Sealed {
                parent: batch.parent,
            });
        }
        Some((false, priority)) => priority,
    };
    let rows = rows_of(conn, seen, batch).await?;
    let new = sqlx::query(sql::ADD_CHILDREN)
        .bind(&rows)
        .bind(batch.source.0)
        .bind(priority)
        .bind(batch.at.0)
        .execute(&mut *conn)
        .await?
        .rows_affected();
    // The usual book shares nothing, and a million keys need not be looked up once more.
    let revived = if new == u64::try_from(batch.children.len()).unwrap_or(u64::MAX) {
        0
    } else {
        touch_shared(conn, &rows, priority, batch.at).await?
    };
    sqlx::query(sql::ADD_PARTS)
        .bind(&rows)
        .bind(batch.parent.0)
        .execute(conn)
        .await?;
    Ok(Added { new, revived })
}

/// The JSON rows of `sql::ADD_CHILDREN`, in order of their keys: keys are as good as random,
/// and in a large queue the pages of their index do not fit into memory. In order, each page
/// is fetched and written once a batch.
async fn rows_of(
    conn: &mut SqliteConnection,
    seen: &Seen,
    batch: &NewChildren,
) -> Result<String, Error> {
    let mut rows = Vec::with_capacity(batch.children.len());
    for (place, child) in batch.children.iter().enumerate() {
        let spec = seen.spec(conn, child.spec).await?;
        if !spec.kind.sends() || !fits(spec.kind, child.quantity) {
            return Err(Error::misuse(format!(
                "a child of kind {} with the quantity {:?}",
                spec.kind, child.quantity
            )));
        }
        let span = child.span.as_ref();
        rows.push((
            child.ordinal,
            child.spec.0,
            hex(&child.key.0),
            span.map(|span| int(span.start)).transpose()?,
            span.map(|span| int(span.end)).transpose()?,
            child.boundary.map(Boundary::as_str),
            amount(child.quantity)?,
            place,
        ));
    }
    rows.sort_unstable_by(|one, other| one.2.cmp(&other.2));
    json(&rows)
}

/// Existing children that are wanted sooner now, or wanted again. Returns how many were revived.
async fn touch_shared(
    conn: &mut SqliteConnection,
    rows: &str,
    priority: i64,
    at: UtcMillis,
) -> Result<u64, Error> {
    let shared: Vec<(i64, String)> = sqlx::query_as(sql::CHILDREN_TO_TOUCH)
        .bind(rows)
        .bind(priority)
        .fetch_all(&mut *conn)
        .await?;
    if shared.is_empty() {
        return Ok(0);
    }
    let ids: Vec<i64> = shared.iter().map(|(id, _)| *id).collect();
    sqlx::query(sql::RAISE_PRIORITY)
        .bind(json(&ids)?)
        .bind(priority)
        .execute(&mut *conn)
        .await?;
    let cancelled = JobState::Cancelled.as_str();
    let cancelled: Vec<i64> = shared
        .iter()
        .filter(|(_, state)| state == cancelled)
        .map(|(id, _)| *id)
        .collect();
    people::revive(conn, &cancelled, at).await
}

pub(super) async fn seal(
    conn: &mut SqliteConnection,
    parent: JobId,
    at: UtcMillis,
) -> Result<JobState, Error> {
    let sealed = sqlx::query(sql::SEAL)
        .bind(parent.0)
        .execute(&mut *conn)
        .await?;
    if sealed.rows_affected() > 0 {
        parents::recount(conn, &[parent.0], at).await?;
    }
    let state: Option<String> = sqlx::query_scalar(sql::PARENT_STATE)
        .bind(parent.0)
        .fetch_optional(conn)
        .await?;
    decode::parse(&state.ok_or(Error::NoSuchJob { job: parent })?)
}

async fn forget(
    conn: &mut SqliteConnection,
    task: &str,
    path: &[u8],
    at: UtcMillis,
) -> Result<u64, Error> {
    sqlx::query(sql::SUPERSEDE_SOURCES)
        .bind(task)
        .bind(path)
        .bind(None::<i64>)
        .bind(at.0)
        .execute(&mut *conn)
        .await?;
    people::clear_picked(conn).await?;
    for statement in [sql::FORGET_CANCELLED, sql::PICK_FORGOTTEN] {
        sqlx::query(statement)
            .bind(task)
            .bind(path)
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query(sql::REOPEN_FAILED).execute(&mut *conn).await?;
    people::cancel_picked(conn, at, Some(sql::SUPERSEDED)).await
}

async fn supersede(
    conn: &mut SqliteConnection,
    task: &str,
    path: &[u8],
    keep: JobId,
    at: UtcMillis,
) -> Result<u64, Error> {
    sqlx::query(sql::SUPERSEDE_SOURCES)
        .bind(task)
        .bind(path)
        .bind(keep.0)
        .bind(at.0)
        .execute(&mut *conn)
        .await?;
    people::clear_picked(conn).await?;
    let picked = sqlx::query(sql::PICK_SUPERSEDED)
        .bind(task)
        .bind(path)
        .bind(keep.0)
        .execute(&mut *conn)
        .await?;
    match picked.rows_affected() {
        0 => Ok(0),
        _ => people::cancel_picked(conn, at, Some(sql::SUPERSEDED)).await,
    }
}
