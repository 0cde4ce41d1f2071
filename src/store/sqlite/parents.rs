//! What the state of a job means for the files that wait for it.

use sqlx::sqlite::SqliteConnection;

use crate::domain::UtcMillis;
use crate::store::Error;
use crate::store::sqlite::decode::json;
use crate::store::sqlite::sql;

/// Counts the parts of waiting parents afresh, and moves those that wait for nothing more.
pub(super) async fn recount(
    conn: &mut SqliteConnection,
    parents: &[i64],
    at: UtcMillis,
) -> Result<(), Error> {
    if !parents.is_empty() {
        sqlx::query(sql::RECOUNT)
            .bind(json(parents)?)
            .bind(at.0)
            .execute(conn)
            .await?;
    }
    Ok(())
}
