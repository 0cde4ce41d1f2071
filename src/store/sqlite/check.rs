//! Whether the database holds what it claims: SQLite's own checks, and the sums and counts
//! kept by triggers against the rows they are made of.

use sqlx::Row;

use crate::store::Error;
use crate::store::sqlite::{Db, sql};

impl Db {
    /// What is wrong, one line each; empty when all is well. Reads everything.
    pub(in crate::store) async fn integrity_check(&self) -> Result<Vec<String>, Error> {
        let mut findings: Vec<String> = sqlx::query_scalar(sql::INTEGRITY)
            .fetch_all(&self.readers)
            .await?;
        findings.retain(|line| line != "ok");
        for row in sqlx::query(sql::FOREIGN_KEYS)
            .fetch_all(&self.readers)
            .await?
        {
            let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
            findings.push(format!("a row of {table} points to no row of {parent}"));
        }
        for statement in [
            sql::WRONG_BILLS,
            sql::WRONG_DAYS,
            sql::WRONG_TALLIES,
            sql::WRONG_PARENTS,
            sql::WRONG_ATTEMPTS,
        ] {
            let wrong: Vec<String> = sqlx::query_scalar(statement)
                .fetch_all(&self.readers)
                .await?;
            findings.extend(wrong);
        }
        Ok(findings)
    }
}
