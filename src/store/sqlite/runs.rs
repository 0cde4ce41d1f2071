//! Runs, caps and events.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;

use crate::domain::{NanoUsd, RunId, UtcMillis};
use crate::store::sqlite::{Db, sql};
use crate::store::{Caps, Error, NewEvent, NewRun};

impl Db {
    pub(in crate::store) async fn start_run(&self, run: NewRun) -> Result<RunId, Error> {
        let run = Arc::new(run);
        self.writer()?
            .change(move |conn| {
                let run = Arc::clone(&run);
                Box::pin(async move {
                    let id = sqlx::query_scalar(sql::START_RUN)
                        .bind(i64::from(run.pid))
                        .bind(&run.host)
                        .bind(&run.version)
                        .bind(&run.command)
                        .bind(run.at.0)
                        .fetch_one(conn)
                        .await?;
                    Ok(RunId(id))
                })
            })
            .await
    }

    pub(in crate::store) async fn finish_run(
        &self,
        run: RunId,
        at: UtcMillis,
        exit_code: i32,
    ) -> Result<(), Error> {
        self.writer()?
            .change(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query(sql::FINISH_RUN)
                        .bind(run.0)
                        .bind(at.0)
                        .bind(exit_code)
                        .execute(conn)
                        .await?;
                    match done.rows_affected() {
                        0 => Err(Error::misuse(format!("there is no run {run}"))),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    pub(in crate::store) async fn set_caps(&self, caps: Caps) -> Result<(), Error> {
        self.writer()?
            .change(move |conn| {
                Box::pin(async move {
                    set_cap(conn, 0, caps.queue).await?;
                    sqlx::query(sql::SET_DAY_CAP)
                        .bind(caps.day.map(|cap| cap.0))
                        .execute(&mut *conn)
                        .await?;
                    match caps.run {
                        Some((run, cap)) => set_cap(conn, run.0, cap).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    pub(in crate::store) async fn add_event(&self, event: NewEvent) -> Result<(), Error> {
        let event = Arc::new(event);
        self.writer()?
            .change(move |conn| {
                let event = Arc::clone(&event);
                Box::pin(async move {
                    sqlx::query(sql::ADD_EVENT)
                        .bind(event.run.map(|run| run.0))
                        .bind(event.at.0)
                        .bind(&event.kind)
                        .bind(&event.detail)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn set_cap(
    conn: &mut SqliteConnection,
    purse: i64,
    cap: Option<NanoUsd>,
) -> Result<(), Error> {
    let set = sqlx::query(sql::SET_CAP)
        .bind(purse)
        .bind(cap.map(|cap| cap.0))
        .execute(conn)
        .await?;
    match set.rows_affected() {
        0 => Err(Error::misuse(format!("there is no run {purse}"))),
        _ => Ok(()),
    }
}
