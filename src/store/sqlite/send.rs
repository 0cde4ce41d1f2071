//! Writing down that a request is about to leave, and setting its money aside.

use std::collections::{HashMap, HashSet};

use sqlx::sqlite::SqliteConnection;

use crate::domain::NanoUsd;
use crate::store::sqlite::decode::{Columns, amount, json};
use crate::store::sqlite::writer::Call;
use crate::store::sqlite::{Db, sql};
use crate::store::{Error, Intent, Purse};

/// Room in a purse while a batch is decided.
struct Room {
    cap: Option<NanoUsd>,
    spent: NanoUsd,
    reserved: NanoUsd,
}

impl Room {
    /// Why `needed` more does not fit.
    fn refuses(&self, needed: NanoUsd, which: Purse) -> Option<Error> {
        let cap = self.cap?;
        let total = self
            .spent
            .saturating_add(self.reserved)
            .saturating_add(needed);
        (total > cap).then_some(Error::Budget {
            cap,
            spent: self.spent,
            reserved: self.reserved,
            needed,
            which,
        })
    }
}

impl Db {
    pub(in crate::store) async fn mark_sent(&self, intent: Intent) -> Result<(), Error> {
        if intent.reserve < NanoUsd::ZERO {
            return Err(Error::misuse("a negative reserve"));
        }
        amount(intent.quantity)?;
        self.writer()?.send(intent).await
    }
}

/// Decides the intents in the order they came: first the fence, then the caps.
pub(super) async fn apply(
    conn: &mut SqliteConnection,
    calls: &mut [Call<Intent, ()>],
) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let rows = calls
        .iter()
        .map(|call| row_of(&call.ask))
        .collect::<Result<Vec<_>, _>>()?;
    let (held, mut purses) = look(conn, &json(&rows)?).await?;
    let mut sending = HashSet::new();
    let mut accepted = Vec::with_capacity(calls.len());
    for (idx, (call, row)) in calls.iter_mut().zip(rows).enumerate() {
        let intent = &call.ask;
        // A second intent for one claim comes too late, like any other.
        let answer = if held.contains(&idx) && !sending.contains(&intent.job) {
            reserve(&mut purses, intent)
        } else {
            Err(Error::LeaseLost {
                job: intent.job,
                attempt: intent.attempt,
            })
        };
        if answer.is_ok() {
            sending.insert(intent.job);
            accepted.push(row);
        }
        call.answer = Some(answer);
    }
    if !accepted.is_empty() {
        sqlx::query(sql::SEND)
            .bind(json(&accepted)?)
            .execute(conn)
            .await?;
    }
    Ok(())
}

type SendRow = (i64, i64, i64, i64, i64, i64, &'static str);

fn row_of(intent: &Intent) -> Result<SendRow, Error> {
    Ok((
        intent.job.0,
        intent.attempt.0,
        intent.run.0,
        intent.at.0,
        intent.reserve.0,
        amount(intent.quantity)?,
        intent.delivery.as_str(),
    ))
}

/// Which rows are of claims still held, and what the purses concerned contain.
async fn look(
    conn: &mut SqliteConnection,
    rows: &str,
) -> Result<(HashSet<usize>, HashMap<i64, Room>), Error> {
    let mut held = HashSet::new();
    let mut purses = HashMap::new();
    for row in sqlx::query(sql::MAY_SEND)
        .bind(rows)
        .fetch_all(conn)
        .await?
    {
        let mut columns = Columns::of(&row);
        // One row lists the held claims, so that a batch of any size is a handful of rows.
        let Some(purse) = columns.raw::<Option<i64>>()? else {
            held = serde_json::from_str(columns.raw()?)
                .map_err(|error| Error::bad_row(error.to_string()))?;
            continue;
        };
        let cap: Option<i64> = columns.raw()?;
        let room = Room {
            cap: cap.map(NanoUsd),
            spent: columns.money()?,
            reserved: columns.money()?,
        };
        purses.insert(purse, room);
    }
    Ok((held, purses))
}

/// Sets the money aside in the queue's purse and the run's, or in neither.
fn reserve(purses: &mut HashMap<i64, Room>, intent: &Intent) -> Result<(), Error> {
    let concerned = [(0, Purse::Queue), (intent.run.0, Purse::Run(intent.run))];
    for (id, which) in concerned {
        let room = purses
            .get(&id)
            .ok_or_else(|| Error::misuse(format!("there is no run {}", intent.run)))?;
        if let Some(refusal) = room.refuses(intent.reserve, which) {
            return Err(refusal);
        }
    }
    for (id, _) in concerned {
        if let Some(room) = purses.get_mut(&id) {
            room.reserved = room.reserved.saturating_add(intent.reserve);
        }
    }
    Ok(())
}
