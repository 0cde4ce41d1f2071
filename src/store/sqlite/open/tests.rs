use std::io::Write;

use super::*;
use crate::domain::UtcMillis;
use crate::store::{NewRun, Store};

fn options(folder: &tempfile::TempDir) -> Options {
    Options::new(folder.path().join("queue.db"))
}

fn run() -> NewRun {
    NewRun {
        pid: 1,
        host: "attic".to_owned(),
        version: "0.1.0".to_owned(),
        command: "run".to_owned(),
        at: UtcMillis(1),
    }
}

fn with_a_second_migration(sql: &'static str) -> Vec<Migration> {
    let mut all = migrations();
    all.push(migration(2, sql));
    all
}

const SECOND: &str = "ALTER TABLE run ADD COLUMN note TEXT; PRAGMA user_version = 2;";

#[tokio::test]
async fn an_older_queue_is_copied_and_then_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let old = open(&options(&folder)).await.unwrap();
    old.start_run(run()).await.unwrap();
    old.close().await.unwrap();

    let new = open_with(&options(&folder), with_a_second_migration(SECOND))
        .await
        .unwrap();

    assert_eq!(new.runs(None, 10).await.unwrap().len(), 1);
    new.close().await.unwrap();
    let mut conn = base(new.path(), &options(&folder)).connect().await.unwrap();
    let version: i64 = pragma(&mut conn, "PRAGMA user_version").await.unwrap();
    assert_eq!(version, 2);
    let copy = Options::new(folder.path().join("queue.db.v1.backup"));
    let copy = open_read_only(&copy).await.unwrap();
    assert_eq!(copy.runs(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_old_queue_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    open(&options(&folder))
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let bad = "ALTER TABLE run ADD COLUMN note TEXT; SELECT no_such_function();";

    let failed = open_with(&options(&folder), with_a_second_migration(bad)).await;

    assert!(failed.is_err());
    let again = open(&options(&folder)).await.unwrap();
    again.start_run(run()).await.unwrap();
    let note = sqlx::query("SELECT note FROM run")
        .fetch_all(&again.readers)
        .await;
    assert!(note.is_err(), "the column must not be there");
}

#[tokio::test]
async fn a_newer_queue_is_refused_and_an_older_one_is_not_read_without_migration() {
    let folder = tempfile::tempdir().unwrap();
    let new = open_with(&options(&folder), with_a_second_migration(SECOND))
        .await
        .unwrap();
    new.close().await.unwrap();

    for refused in [
        open(&options(&folder)).await,
        open_read_only(&options(&folder)).await,
    ] {
        let newer = matches!(refused, Err(Error::Newer { found: 2, known: 1 }));
        assert!(newer, "{refused:?}");
    }
    let mut conn = base(&folder.path().join("queue.db"), &options(&folder))
        .connect()
        .await
        .unwrap();
    sqlx::query("PRAGMA user_version = 0")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let older = open_read_only(&options(&folder)).await;
    assert!(
        matches!(older, Err(Error::Older { found: 0, known: 1 })),
        "{older:?}"
    );
}

#[tokio::test]
async fn both_kinds_of_connection_have_the_pragmas_that_durability_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&options(&folder)).await.unwrap();

    let read: Result<String, _> = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&db.readers)
        .await;
    let written = sqlx::query("INSERT INTO event (at, kind, detail) VALUES (1, 'x', 'y')")
        .execute(&db.readers)
        .await;

    assert_eq!(read.unwrap(), "wal");
    let refused = written.map_err(Error::from);
    assert!(
        matches!(refused, Err(Error::ReadOnly { .. })),
        "{refused:?}"
    );
    let mut off = base(db.path(), &options(&folder))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .connect()
        .await
        .unwrap();
    let verified = verify(&mut off).await;
    assert!(
        matches!(verified, Err(Error::Unsafe { .. })),
        "{verified:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_open_a_new_queue_at_once_all_get_it() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let options = options(&folder);
                tokio::spawn(async move {
                    let store = Store::open(&options).await?;
                    store.start_run(run()).await
                })
            })
            .collect();
        let mut runs = Vec::new();
        for opened in opening {
            runs.push(opened.await.unwrap().unwrap().0);
        }
        runs.sort_unstable();
        assert_eq!(runs, [1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn a_log_without_its_database_is_damage_and_not_a_new_queue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    File::create(&path).unwrap();
    let mut log = File::create(folder.path().join("queue.db-wal")).unwrap();
    log.write_all(&[7; 4096]).unwrap();

    let opened = open(&options(&folder)).await;

    assert!(
        matches!(opened, Err(Error::Corrupt { source: None })),
        "{opened:?}"
    );
    assert_eq!(
        fs::metadata(folder.path().join("queue.db-wal"))
            .unwrap()
            .len(),
        4096
    );
}

#[test]
fn versions_are_compared_as_numbers() {
    assert!(parse_version("3.51.3") >= OLDEST_SQLITE);
    assert!(parse_version("3.100.0") > OLDEST_SQLITE);
    assert!(parse_version("3.51.2") < OLDEST_SQLITE);
    assert!(parse_version("3.9") < OLDEST_SQLITE);
    assert!(parse_version("rubbish") < OLDEST_SQLITE);
}

/// SQLite's journal of a change that began on an empty file: rolled back, the file is empty again.
/// Layout: <https://www.sqlite.org/fileformat.html#the_rollback_journal>, read 2026-11.
fn journal_of_a_creation() -> Vec<u8> {
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    for number in [0_u32, 7, 0, 512, 4096] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    journal
}

#[tokio::test]
async fn a_crash_while_the_file_was_made_does_not_lock_anybody_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let mut conn = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    sqlx::query("PRAGMA user_version = 0")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), FIRST_PAGE);
    let mut journal = File::create(folder.path().join("queue.db-journal")).unwrap();
    journal.write_all(&journal_of_a_creation()).unwrap();
    drop(journal);

    let db = open(&Options::new(&path)).await.unwrap();

    assert_eq!(db.integrity_check().await.unwrap(), Vec::<String>::new());
}
