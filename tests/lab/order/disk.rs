//! What the disk would hold after a power cut: the queue as it can be read from what was synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};
use tokio::runtime::Runtime;

use crate::order::trace::{Call, Step};

/// The queue at one sync of its log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// When the first byte since the sync before was written: from here on the system may have
    /// brought what follows to the disk by itself.
    pub(crate) exposed: usize,
    /// When all of it was safe.
    pub(crate) safe: usize,
    /// Attempts by job.
    pub(crate) attempts: BTreeMap<i64, usize>,
    /// Keys of the completed jobs that sent.
    pub(crate) completed: BTreeSet<String>,
    /// Paths of finished files, below `out`.
    pub(crate) outputs: BTreeSet<String>,
}

/// The queue at every sync of its log. `queue` is the database as it was before.
pub(crate) fn snapshots(steps: &[Step], queue: &[u8]) -> Vec<Snapshot> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut log = Vec::new();
    let mut exposed = None;
    let mut snapshots = Vec::new();
    for step in steps {
        match &step.call {
            Call::Write {
                path,
                offset,
                bytes,
            } if path.ends_with("queue.db-wal") => {
                exposed.get_or_insert(step.began);
                let end = offset + bytes.len();
                log.resize(log.len().max(end), 0);
                log[*offset..end].copy_from_slice(bytes);
            }
            // The log is folded into the database: the run is over.
            Call::Write { path, .. } if path.ends_with("queue.db") => break,
            Call::Sync { path } if path.ends_with("queue.db-wal") => {
                if let Some(exposed) = exposed.take() {
                    snapshots.push(Snapshot {
                        exposed,
                        safe: step.ended,
                        ..read(&runtime, queue, &log)
                    });
                }
            }
            _ => {}
        }
    }
    snapshots
}

/// Opens the queue as after a power cut, which makes SQLite read the log.
fn read(runtime: &Runtime, queue: &[u8], log: &[u8]) -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    fs::write(&path, queue).unwrap();
    fs::write(folder.path().join("queue.db-wal"), log).unwrap();
    runtime.block_on(async {
        let mut db = SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        let attempts = sqlx::query("SELECT job_id, count(*) FROM attempt GROUP BY job_id")
            .fetch_all(&mut db)
            .await
            .unwrap();
        let completed: Vec<String> = sqlx::query_scalar(
            "SELECT lower(hex(key)) FROM job WHERE state = 'completed' AND sealed IS NULL",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        let outputs: Vec<Vec<u8>> = sqlx::query_scalar("SELECT path FROM output")
            .fetch_all(&mut db)
            .await
            .unwrap();
        Snapshot {
            attempts: attempts
                .iter()
                .map(|row| (row.get(0), usize::try_from(row.get::<i64, _>(1)).unwrap()))
                .collect(),
            completed: completed.into_iter().collect(),
            outputs: outputs
                .into_iter()
                .map(|path| String::from_utf8(path).unwrap())
                .collect(),
            ..Snapshot::default()
        }
    })
}

/// Folds the log of a queue into it, as closing it does.
pub(crate) fn fold(queue: &Path) {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let options = SqliteConnectOptions::new().filename(queue);
            let mut db = options.connect().await.unwrap();
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut db)
                .await
                .unwrap();
            db.close().await.unwrap();
        });
}
