//! Statements that go to the connection together.
//!
//! A connection lives on a thread of its own, and every trip there and back costs as much
//! as several statements do (two wake-ups, 20 µs of CPU on the machine this was measured
//! on). So what needs no answer waits for the next statement that does.
//!
//! The text is put together anew each time, but the same kinds of calls give the same
//! text, which the connection knows already.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::store::Error;

/// A value for a statement.
pub(super) enum Arg {
    Int(i64),
    Text(String),
}

/// Statements not yet done, and the connection they are for.
pub(super) struct Script<'c> {
    conn: &'c mut SqliteConnection,
    sql: String,
    args: Vec<Arg>,
}

impl<'c> Script<'c> {
    pub(super) fn new(conn: &'c mut SqliteConnection) -> Self {
        Self {
            conn,
            sql: String::new(),
            args: Vec::new(),
        }
    }

    /// Puts a statement behind the others. Its parameters are `?1` to the number of `args`.
    pub(super) fn add(&mut self, sql: &str, args: impl IntoIterator<Item = Arg>) {
        let before = self.args.len();
        self.args.extend(args);
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        // Parameters by name, because the driver counts gaps between numbers as positions.
        let mut parts = sql.split('?');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = part[..digits].parse().unwrap_or_default();
            self.sql.push('$');
            self.sql.push_str(&(before + number).to_string());
            self.sql.push_str(&part[digits..]);
        }
    }

    /// Does everything added so far, and returns the rows of it.
    pub(super) async fn fetch(&mut self) -> Result<Vec<SqliteRow>, Error> {
        if self.sql.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = sqlx::query(AssertSqlSafe(std::mem::take(&mut self.sql)));
        for arg in self.args.drain(..) {
            query = match arg {
                Arg::Int(number) => query.bind(number),
                Arg::Text(text) => query.bind(text),
            };
        }
        Ok(query.fetch_all(&mut *self.conn).await?)
    }

    /// The connection, with everything done that was added so far.
    pub(super) async fn conn(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.fetch().await?;
        Ok(self.conn)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Row};

    use super::*;

    #[tokio::test]
    async fn each_statement_of_a_script_gets_its_own_arguments() {
        let mut conn = SqliteConnection::connect(":memory:").await.unwrap();
        let mut script = Script::new(&mut conn);

        script.add("CREATE TABLE t (a, b, c)", []);
        script.add(
            "INSERT INTO t VALUES (?2, ?1, ?2)",
            [Arg::Int(1), Arg::Text("two".to_owned())],
        );
        for _ in 0..12 {
            // Uses the second only: numbered parameters would shift those that follow.
            script.add("UPDATE t SET a = ?2", [Arg::Int(-1), Arg::Int(7)]);
        }
        script.add("SELECT a, b, c, ?1 FROM t", [Arg::Int(9)]);
        let rows = script.fetch().await.unwrap();

        let [row] = &rows[..] else {
            panic!("{} rows", rows.len())
        };
        let found: (i64, i64, String, i64) = (row.get(0), row.get(1), row.get(2), row.get(3));
        assert_eq!(found, (7, 1, "two".to_owned(), 9));
        assert!(script.fetch().await.unwrap().is_empty());
    }
}
