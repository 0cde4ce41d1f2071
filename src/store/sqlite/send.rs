//! Writing down that a request is about to leave, and setting its money aside.

use std::collections::{HashMap, HashSet};

use crate::domain::{Day, NanoUsd};
use crate::store::sqlite::call::Call;
use crate::store::sqlite::decode::{Columns, amount, json};
use crate::store::sqlite::script::{Arg, Script};
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
        if intent.day < Day(1) {
            return Err(Error::misuse("a request on no day"));
        }
        if intent.reserve < NanoUsd::ZERO {
            return Err(Error::misuse("a negative reserve"));
        }
        amount(intent.quantity)?;
        self.writer()?.send(intent).await
    }
}

/// Decides the intents in the order they came: first the fence, then the caps.
pub(super) async fn apply(
    script: &mut Script<'_>,
    calls: &mut [Call<Intent, ()>],
) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let rows = calls
        .iter()
        .map(|call| row_of(&call.ask))
        .collect::<Result<Vec<_>, _>>()?;
    let (held, mut rooms) = look(script, json(&rows)?).await?;
    let mut sending = HashSet::new();
    let mut accepted = Vec::with_capacity(calls.len());
    for (idx, (call, row)) in calls.iter_mut().zip(rows).enumerate() {
        let intent = &call.ask;
        // A second intent for one claim comes too late, like any other.
        let answer = if held.contains(&idx) && !sending.contains(&intent.job) {
            rooms.reserve(intent)
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
        script.add(sql::SEND, [Arg::Text(json(&accepted)?)]);
    }
    Ok(())
}

type SendRow = (i64, i64, i64, i64, i64, i64, i64, &'static str);

/// What the purses hold, by their numbers, and the days.
#[derive(Default)]
struct Rooms {
    purses: HashMap<i64, Room>,
    days: HashMap<Day, Room>,
    day_cap: Option<NanoUsd>,
}

fn row_of(intent: &Intent) -> Result<SendRow, Error> {
    Ok((
        intent.job.0,
        intent.attempt.0,
        intent.run.0,
        intent.at.0,
        intent.reserve.0,
        amount(intent.quantity)?,
        intent.day.0,
        intent.delivery.as_str(),
    ))
}

/// Which rows are of claims still held, and what the purses and days concerned contain.
async fn look(script: &mut Script<'_>, rows: String) -> Result<(HashSet<usize>, Rooms), Error> {
    let mut held = HashSet::new();
    let mut rooms = Rooms::default();
    script.add(sql::MAY_SEND, [Arg::Text(rows)]);
    for row in script.fetch().await? {
        let mut columns = Columns::of(&row);
        // One row lists the held claims, so that a batch of any size is a handful of rows.
        let Some(number) = columns.raw::<Option<i64>>()? else {
            held = serde_json::from_str(columns.raw()?)
                .map_err(|error| Error::bad_row(error.to_string()))?;
            continue;
        };
        let (cap, day_cap): (Option<i64>, Option<i64>) = (columns.raw()?, columns.raw()?);
        let room = Room {
            cap: cap.map(NanoUsd),
            spent: columns.money()?,
            reserved: columns.money()?,
        };
        if number < 0 {
            rooms.days.insert(Day(-number), room);
            continue;
        }
        rooms.day_cap = rooms.day_cap.or(day_cap.map(NanoUsd));
        rooms.purses.insert(number, room);
    }
    for room in rooms.days.values_mut() {
        room.cap = rooms.day_cap;
    }
    Ok((held, rooms))
}

impl Rooms {
    /// Sets the money aside in the queue's purse, the run's and the day's, or in none.
    fn reserve(&mut self, intent: &Intent) -> Result<(), Error> {
        let concerned = [Purse::Queue, Purse::Run(intent.run), Purse::Day(intent.day)];
        for which in concerned {
            let room = self
                .room(which)
                .ok_or_else(|| Error::misuse(format!("there is no run {}", intent.run)))?;
            if let Some(refusal) = room.refuses(intent.reserve, which) {
                return Err(refusal);
            }
        }
        for which in concerned {
            if let Some(room) = self.room(which) {
                room.reserved = room.reserved.saturating_add(intent.reserve);
            }
        }
        Ok(())
    }

    fn room(&mut self, which: Purse) -> Option<&mut Room> {
        match which {
            Purse::Queue => self.purses.get_mut(&0),
            Purse::Run(run) => self.purses.get_mut(&run.0),
            // Nothing was sent yet on a day without a row.
            Purse::Day(day) => Some(self.days.entry(day).or_insert(Room {
                cap: self.day_cap,
                spent: NanoUsd::ZERO,
                reserved: NanoUsd::ZERO,
            })),
        }
    }
}
