//! The open database: the way to the writer, the readers, and what was read before.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::sqlite::SqlitePool;

use crate::store::Error;
use crate::store::sqlite::seen::Seen;
use crate::store::sqlite::writer::Writer;

/// An open database.
#[derive(Debug, Clone)]
pub(in crate::store) struct Db {
    /// `None`: opened to read only.
    pub(super) writer: Option<Writer>,
    pub(super) readers: SqlitePool,
    pub(super) seen: Seen,
    pub(super) path: Arc<PathBuf>,
}

impl Db {
    /// The writer, unless the queue was opened to read only.
    pub(super) fn writer(&self) -> Result<&Writer, Error> {
        self.writer.as_ref().ok_or(Error::ReadOnly { source: None })
    }

    pub(in crate::store) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Ends the readers, then the writer after everything it has taken: the last connection
    /// folds the write-ahead log into the database file.
    pub(in crate::store) async fn close(&self) -> Result<(), Error> {
        self.readers.close().await;
        match &self.writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        }
    }
}
