//! Gates and specs: what jobs share; and pauses, which stop some of them.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;

use crate::domain::{GateId, PauseScope, SpecId, UtcMillis};
use crate::store::sqlite::{Db, sql};
use crate::store::{Error, NewPause, NewSpec};

impl Db {
    pub(in crate::store) async fn gate(
        &self,
        endpoint: &str,
        model: &str,
    ) -> Result<GateId, Error> {
        let names = Arc::new((endpoint.to_owned(), model.to_owned()));
        self.writer()?
            .change(move |conn| {
                let names = Arc::clone(&names);
                Box::pin(async move {
                    for statement in [sql::ADD_GATE, sql::FIND_GATE] {
                        let found: Option<i64> = sqlx::query_scalar(statement)
                            .bind(&names.0)
                            .bind(&names.1)
                            .fetch_optional(&mut *conn)
                            .await?;
                        if let Some(id) = found {
                            return Ok(GateId(id));
                        }
                    }
                    Err(Error::bad_row("a gate was added and is not there"))
                })
            })
            .await
    }

    pub(in crate::store) async fn spec(&self, spec: NewSpec) -> Result<SpecId, Error> {
        if !spec.kind.sends() && spec.gate != GateId::LOCAL {
            return Err(Error::misuse(format!("{} jobs pass no gate", spec.kind)));
        }
        let spec = Arc::new(spec);
        self.writer()?
            .change(move |conn| {
                let spec = Arc::clone(&spec);
                Box::pin(async move {
                    for statement in [sql::ADD_SPEC, sql::FIND_SPEC] {
                        let found: Option<i64> = sqlx::query_scalar(statement)
                            .bind(&spec.task)
                            .bind(spec.kind.as_str())
                            .bind(spec.gate.0)
                            .bind(&spec.params)
                            .fetch_optional(&mut *conn)
                            .await?;
                        if let Some(id) = found {
                            return Ok(SpecId(id));
                        }
                    }
                    Err(Error::bad_row("a spec was added and is not there"))
                })
            })
            .await
    }

    pub(in crate::store) async fn save_rate(
        &self,
        gate: GateId,
        rate: f64,
        at: UtcMillis,
    ) -> Result<(), Error> {
        if !rate.is_finite() || rate <= 0.0 {
            return Err(Error::misuse(format!("{rate} is no rate")));
        }
        self.writer()?
            .change(move |conn| {
                Box::pin(async move {
                    let saved = sqlx::query(sql::SAVE_RATE)
                        .bind(gate.0)
                        .bind(rate)
                        .bind(at.0)
                        .execute(conn)
                        .await?;
                    one_gate(gate, saved.rows_affected())
                })
            })
            .await
    }

    /// `Some` pauses, `None` takes the pause away.
    pub(in crate::store) async fn set_pause(
        &self,
        gate: GateId,
        pause: Option<(UtcMillis, String)>,
    ) -> Result<(), Error> {
        let pause = Arc::new(pause);
        self.writer()?
            .change(move |conn| {
                let pause = Arc::clone(&pause);
                Box::pin(pause_gate(conn, gate, pause))
            })
            .await
    }
}

impl Db {
    pub(in crate::store) async fn pause(&self, pause: NewPause) -> Result<(), Error> {
        if (pause.scope == PauseScope::Queue) != pause.name.is_empty() {
            return Err(Error::misuse(format!(
                "a pause of the {} `{}`",
                pause.scope, pause.name
            )));
        }
        let pause = Arc::new(pause);
        self.writer()?
            .change(move |conn| {
                let pause = Arc::clone(&pause);
                Box::pin(async move {
                    sqlx::query(sql::ADD_PAUSE)
                        .bind(pause.scope.as_str())
                        .bind(&pause.name)
                        .bind(pause.at.0)
                        .bind(&pause.who)
                        .bind(&pause.reason)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    pub(in crate::store) async fn unpause(
        &self,
        scope: PauseScope,
        name: &str,
    ) -> Result<bool, Error> {
        let name = Arc::<str>::from(name);
        self.writer()?
            .change(move |conn| {
                let name = Arc::clone(&name);
                Box::pin(async move {
                    let ended = sqlx::query(sql::END_PAUSE)
                        .bind(scope.as_str())
                        .bind(&*name)
                        .execute(conn)
                        .await?;
                    Ok(ended.rows_affected() > 0)
                })
            })
            .await
    }
}

async fn pause_gate(
    conn: &mut SqliteConnection,
    gate: GateId,
    pause: Arc<Option<(UtcMillis, String)>>,
) -> Result<(), Error> {
    let paused = sqlx::query(sql::PAUSE_GATE)
        .bind(gate.0)
        .bind(pause.as_ref().as_ref().map(|(at, _)| at.0))
        .bind(pause.as_ref().as_ref().map(|(_, reason)| reason.as_str()))
        .execute(conn)
        .await?;
    one_gate(gate, paused.rows_affected())
}

fn one_gate(gate: GateId, rows: u64) -> Result<(), Error> {
    match rows {
        0 => Err(Error::misuse(format!("there is no gate {gate}"))),
        _ => Ok(()),
    }
}
