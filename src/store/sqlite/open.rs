//! Opening: whose file it is, which version wrote it, and whether it is safe to use.
//!
//! A file that is not a queue, is damaged, or comes from a newer version is refused
//! before anything is written to it. An older one is copied, then migrated in one
//! transaction, which other processes opening at the same moment wait for.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqlStr};

use crate::store::error::refuse_link;
use crate::store::sqlite::Db;
use crate::store::sqlite::seen::Seen;
use crate::store::sqlite::writer::{self, Writer};
use crate::store::{Error, Options, private};

/// "VSPL": marks the file as a queue of this program.
const APPLICATION_ID: i64 = 0x5653_504C;

/// The first release without the WAL-reset bug, which corrupts a database that two
/// connections checkpoint at once (<https://www.sqlite.org/wal.html>, read 2026-11).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Kilobytes of pages the write connection keeps: the inner pages of a queue of a million
/// jobs. Four times as much made nothing faster, because an enqueue goes in order of keys.
const WRITER_CACHE: &str = "-8192";

/// Pages of write-ahead log (32 MB) before it is folded into the file. More than SQLite's
/// 1000, because a large enqueue touches the same index pages again and again.
const CHECKPOINT_PAGES: &str = "8000";

/// A queue of at most so many bytes (ten thousand jobs) is read through before it is
/// written to, which takes less than a tenth of a second: damage found in the middle of a
/// run has been written over in part. Larger ones are refused when the damage is met.
const CHECKED_WHOLE: u64 = 8 << 20;

/// Bytes of a database that was only just begun.
const FIRST_PAGE: u64 = 4096;

/// Between two looks at a database that another process is just creating.
const CREATION_PAUSE: Duration = Duration::from_millis(20);

/// The migrations, oldest first. The last one's version is the format this program writes.
fn migrations() -> Vec<Migration> {
    let sql = [
        include_str!("../../../migrations/0001_queue.sql"),
        include_str!("../../../migrations/0002_money.sql"),
        include_str!("../../../migrations/0003_delivery.sql"),
    ];
    (1..)
        .zip(sql)
        .map(|(version, sql)| migration(version, sql))
        .collect()
}

fn migration(version: i64, sql: &'static str) -> Migration {
    let sql = SqlStr::from_static(sql);
    Migration::new(version, "queue".into(), MigrationType::Simple, sql, false)
}

/// Opens the queue for work, creating or migrating it.
pub(in crate::store) async fn open(options: &Options) -> Result<Db, Error> {
    open_with(options, migrations()).await
}

async fn open_with(options: &Options, migrations: Vec<Migration>) -> Result<Db, Error> {
    let path = absolute(&options.path)?;
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        refuse_link(Path::new(&file))?;
    }
    create_file(&path)?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    let found = inspect(&path, options, known).await?;
    if 0 < found && found < known {
        back_up(&path, found, options).await?;
    }
    let connect = base(&path, options)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", "67108864")
        .pragma("temp_store", "MEMORY")
        // On macOS an fsync alone does not reach the disk; elsewhere these do nothing.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON");
    let mut conn = connect_patiently(&connect, options.busy_timeout).await?;
    verify(&mut conn).await?;
    if found < known {
        migrate(&mut conn, migrations).await?;
        sync_folder(&path)?;
    }
    let seen = Seen::default();
    Ok(Db {
        writer: Some(Writer::start(conn, connect, seen.clone())),
        readers: readers(base(&path, options).read_only(true), options),
        seen,
        path: Arc::new(path),
    })
}

/// Opens an existing queue without the right, or the wish, to change it.
pub(in crate::store) async fn open_read_only(options: &Options) -> Result<Db, Error> {
    let path = absolute(&options.path)?;
    match fs::metadata(&path) {
        Ok(file) if file.len() == 0 => return Err(Error::Missing { path }),
        Ok(file) => check_length(file.len())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing { path });
        }
        Err(error) => return Err(error.into()),
    }
    let known = migrations().last().map_or(0, |last| last.version);
    let mut connect = base(&path, options).read_only(true);
    let found = match version_of(&connect, &path, known).await {
        // Without the right to make the log's index beside the file, SQLite reads it only
        // on the promise that nobody changes it. An empty log makes that promise true.
        Err(Error::Io { .. } | Error::ReadOnly { .. }) if !has_log(&path)? => {
            connect = connect.immutable(true);
            version_of(&connect, &path, known).await?
        }
        other => other?,
    };
    if found < known {
        return Err(Error::Older { found, known });
    }
    Ok(Db {
        writer: None,
        readers: readers(connect, options),
        seen: Seen::default(),
        path: Arc::new(path),
    })
}

/// Connects for writing. Switching a new file to its log needs it alone for a moment, and
/// SQLite does not wait for that by itself when another process does the same.
async fn connect_patiently(
    connect: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqliteConnection, Error> {
    let mut left = patience;
    loop {
        match writer::connect(connect).await {
            Err(Error::Busy { .. }) if left > CREATION_PAUSE => {
                left -= CREATION_PAUSE;
                tokio::time::sleep(CREATION_PAUSE).await;
            }
            other => return other,
        }
    }
}

/// The path from the root: SQLite takes a relative one that starts with `file:` for a URI.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    if path.to_str().is_none() {
        return Err(Error::Unsafe {
            detail: format!(
                "SQLite cannot open `{}`, which is not UTF-8",
                path.display()
            ),
        });
    }
    Ok(std::path::absolute(path)?)
}

/// Makes the folder and an empty file, for the owner's eyes only. What exists keeps what is in it.
fn create_file(path: &Path) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        private::make_folder(folder)?;
        private::close_to_others(folder)?;
    }
    match private::file().write(true).create_new(true).open(path) {
        Ok(_) => sync_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes the name of the file durable, not only its content.
fn sync_folder(path: &Path) -> Result<(), Error> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Whether there is a write-ahead log with anything in it.
fn has_log(path: &Path) -> Result<bool, Error> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match fs::metadata(log) {
        Ok(log) => Ok(log.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn base(path: &Path, options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(options.busy_timeout)
        .disable_statement_logging()
}

fn readers(connect: SqliteConnectOptions, options: &Options) -> sqlx::SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .test_before_acquire(false)
        .connect_lazy_with(connect)
}

/// The format of the file, 0 if it is new. Reads only.
async fn inspect(path: &Path, options: &Options, known: i64) -> Result<i64, Error> {
    let length = fs::metadata(path)?.len();
    if length == 0 {
        // SQLite would throw the log away as belonging to nothing.
        return if has_log(path)? {
            Err(Error::Corrupt { source: None })
        } else {
            Ok(0)
        };
    }
    check_length(length)?;
    let read_only = base(path, options).read_only(true);
    let mut version = version_of(&read_only, path, known).await;
    if length <= FIRST_PAGE && matches!(version, Err(Error::ReadOnly { .. })) {
        // Whoever made the file died before it had its log, and left a journal that only a writer
        // may roll back. A queue of ours has no other journal and is never so small.
        is_blank(&base(path, options)).await?;
        if fs::metadata(path)?.len() == 0 {
            return Ok(0);
        }
        version = version_of(&read_only, path, known).await;
    }
    match version {
        // A file left between creation and migration.
        Err(Error::Foreign { .. }) if is_blank(&read_only).await? => Ok(0),
        Ok(found) if found > 0 && length <= CHECKED_WHOLE => {
            let mut conn = read_only.connect().await?;
            let found_wrong: String = pragma(&mut conn, "PRAGMA integrity_check(1)").await?;
            conn.close().await?;
            if found_wrong == "ok" {
                Ok(found)
            } else {
                Err(Error::Corrupt { source: None })
            }
        }
        other => other,
    }
}

/// SQLite takes a file of less than the smallest page for an empty database, and would
/// write a new one over whatever it was.
fn check_length(length: u64) -> Result<(), Error> {
    match length {
        0..512 => Err(Error::Corrupt { source: None }),
        _ => Ok(()),
    }
}

async fn is_blank(connect: &SqliteConnectOptions) -> Result<bool, Error> {
    let mut conn = connect.connect().await?;
    let things: i64 = pragma(&mut conn, "SELECT count(*) FROM sqlite_schema").await?;
    let application: i64 = pragma(&mut conn, "PRAGMA application_id").await?;
    conn.close().await?;
    Ok(things == 0 && application == 0)
}

async fn version_of(connect: &SqliteConnectOptions, path: &Path, known: i64) -> Result<i64, Error> {
    let mut conn = connect.connect().await?;
    let application: i64 = pragma(&mut conn, "PRAGMA application_id").await?;
    let found: i64 = pragma(&mut conn, "PRAGMA user_version").await?;
    conn.close().await?;
    if application != APPLICATION_ID {
        return Err(Error::Foreign {
            path: path.to_owned(),
        });
    }
    if found > known {
        return Err(Error::Newer { found, known });
    }
    Ok(found)
}

async fn pragma<T>(conn: &mut SqliteConnection, sql: &'static str) -> Result<T, Error>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    Ok(sqlx::query_scalar(sql).fetch_one(conn).await?)
}

/// Reads back what durability rests on: a pragma that was not understood is no error.
async fn verify(conn: &mut SqliteConnection) -> Result<(), Error> {
    let version: String = pragma(conn, "SELECT sqlite_version()").await?;
    if parse_version(&version) < OLDEST_SQLITE {
        return Err(Error::Unsafe {
            detail: format!("SQLite {version} is older than 3.51.3"),
        });
    }
    let journal: String = pragma(conn, "PRAGMA journal_mode").await?;
    let synchronous: i64 = pragma(conn, "PRAGMA synchronous").await?;
    let foreign_keys: i64 = pragma(conn, "PRAGMA foreign_keys").await?;
    if journal != "wal" || synchronous != 2 || foreign_keys != 1 {
        return Err(Error::Unsafe {
            detail: format!(
                "journal mode is {journal}, synchronous {synchronous}, foreign keys {foreign_keys}"
            ),
        });
    }
    Ok(())
}

/// `3.51.3` as numbers; what is no number counts as 0.
fn parse_version(text: &str) -> [u32; 3] {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

/// Applies what is missing in one transaction. Whoever comes second finds nothing to do.
async fn migrate(conn: &mut SqliteConnection, migrations: Vec<Migration>) -> Result<(), Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    Migrator::with_migrations(migrations)
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(|error| match error {
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                Error::from(source)
            }
            other => Error::from(sqlx::Error::from(other)),
        })?;
    tx.commit().await?;
    Ok(())
}

/// Copies the queue to `NAME.v1.backup` beside it, replacing an earlier copy of that version.
async fn back_up(path: &Path, found: i64, options: &Options) -> Result<(), Error> {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".v{found}.{suffix}"));
        PathBuf::from(name)
    };
    let (part, backup) = (with("backup.part"), with("backup"));
    match fs::remove_file(&part) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut conn = base(path, options).connect().await?;
    sqlx::query("VACUUM INTO ?1")
        .bind(part.to_str())
        .execute(&mut conn)
        .await?;
    conn.close().await?;
    File::open(&part)?.sync_all()?;
    fs::rename(&part, &backup)?;
    sync_folder(path)
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A migrated database in memory.
    pub(in crate::store::sqlite) async fn migrated() -> SqliteConnection {
        let mut conn = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        migrate(&mut conn, migrations()).await.unwrap();
        conn
    }
}

#[cfg(test)]
mod tests;
