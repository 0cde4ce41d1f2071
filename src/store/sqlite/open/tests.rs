use std::io::Write;

use super::*;
use crate::domain::{Attempt, CostStatus, Day, JobId, NanoUsd, UtcMillis};
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

/// The format this program writes.
fn known() -> i64 {
    migrations().last().unwrap().version
}

/// The migrations with one more, whose version is not known yet.
fn with_one_more(sql: &'static str) -> Vec<Migration> {
    let mut all = migrations();
    all.push(migration(known() + 1, sql));
    all
}

/// Sets the version of a queue that [`with_one_more`] migrated.
async fn set_version(path: &Path, version: i64, options: &Options) {
    let mut conn = base(path, options).connect().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "PRAGMA user_version = {version}"
    )))
    .execute(&mut conn)
    .await
    .unwrap();
    conn.close().await.unwrap();
}

const MORE: &str = "ALTER TABLE run ADD COLUMN note TEXT; PRAGMA user_version = 99;";

/// A queue as the first version wrote it, with requests on two days and in every state of
/// the bill.
async fn first_version(options: &Options) {
    let first = migrations().into_iter().take(1).collect();
    let old = open_with(options, first).await.unwrap();
    let rows = "
        INSERT INTO run (pid, host, version, command, started_at) VALUES (1, 'attic', '0.1.0', 'run', 1);
        INSERT INTO gate (endpoint, model) VALUES ('e', 'm');
        INSERT INTO spec (task, kind, gate_id, params) VALUES ('t', 'speak', 1, '{}');
        INSERT INTO source (task, path, content, bytes, kind, unit, quantity, created_at)
            VALUES ('t', x'61', zeroblob(32), 1, 'txt', 'chars', 1, 1);
        INSERT INTO job (kind, state, spec_id, gate_id, source_id, key, span_start, span_end, attempt,
            lease_until, owner, created_at, finished_at)
            VALUES ('speak', 'completed', 1, 1, 1, zeroblob(32), 0, 1, 4, NULL, NULL, 1, 9),
                   ('speak', 'sent', 1, 1, 1, randomblob(32), 0, 1, 1, 9, 1, 1, NULL);
        INSERT INTO attempt (job_id, attempt, run_id, sent_at, finished_at, cost, cost_status, quantity)
            VALUES (1, 1, 1, 1763800000000, 1763800000001, 5, 'wasted', 1),
                   (1, 2, 1, 1763800000000, 1763800000001, 7, 'in_doubt', 1),
                   (1, 3, 1, 1763900000000, 1763900000001, 0, 'not_billed', 1),
                   (1, 4, 1, 1763900000000, 1763900000001, 11, 'confirmed', 1),
                   (2, 1, 1, 1763900000000, NULL, 13, 'reserved', 1);
        UPDATE purse SET cap = 1000 WHERE id = 0;";
    let mut conn = base(&old.path, options).connect().await.unwrap();
    sqlx::raw_sql(rows).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    old.close().await.unwrap();
}

#[tokio::test]
async fn a_queue_of_the_first_version_keeps_its_bill_and_learns_its_days() {
    let folder = tempfile::tempdir().unwrap();
    first_version(&options(&folder)).await;
    let refused = open_read_only(&options(&folder)).await;
    let is_older = matches!(refused, Err(Error::Older { found: 1, .. }));
    assert!(is_older, "{refused:?}");

    let new = open(&options(&folder)).await.unwrap();

    let money = new.money().await.unwrap();
    assert_eq!(
        (money.cap, money.spent()),
        (Some(NanoUsd(1000)), NanoUsd(23))
    );
    assert_eq!(new.integrity_check().await.unwrap(), Vec::<String>::new());
    let days: Vec<(i64, i64)> =
        sqlx::query_as("SELECT day, sum(nanos) FROM day_bill GROUP BY day ORDER BY day")
            .fetch_all(&new.readers)
            .await
            .unwrap();
    // 2025-11-22 08:26 and 2025-11-23 12:13 in UTC: the same two days in most zones.
    let sums: Vec<_> = days.iter().map(|(_, nanos)| *nanos).collect();
    assert_eq!(sums, [12, 24], "{days:?}");
    assert!(
        days[0].0 >= 20_251_121 && days[1].0 <= 20_251_124,
        "{days:?}"
    );
    let of_day = new.money_of_day(Day(days[0].0)).await.unwrap();
    assert_eq!(
        (of_day.in_doubt.cost, of_day.wasted.cost, of_day.cap),
        (NanoUsd(7), NanoUsd(5), None)
    );
    // The doubt of an old request is still resolved, and its day follows.
    new.resolve(JobId(1), Attempt(2), CostStatus::Confirmed, NanoUsd(6))
        .await
        .unwrap();
    assert_eq!(new.integrity_check().await.unwrap(), Vec::<String>::new());
    new.close().await.unwrap();

    let copy = folder.path().join("queue.db.v1.backup");
    let mut conn = base(&copy, &options(&folder)).connect().await.unwrap();
    let version: i64 = pragma(&mut conn, "PRAGMA user_version").await.unwrap();
    let attempts: i64 = pragma(&mut conn, "SELECT count(*) FROM attempt")
        .await
        .unwrap();
    assert_eq!((version, attempts), (1, 5));
}

#[tokio::test]
async fn an_older_queue_is_copied_and_then_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let old = open(&options(&folder)).await.unwrap();
    old.start_run(run()).await.unwrap();
    old.close().await.unwrap();

    let new = open_with(&options(&folder), with_one_more(MORE))
        .await
        .unwrap();

    assert_eq!(new.runs(None, 10).await.unwrap().len(), 1);
    new.close().await.unwrap();
    let mut conn = base(new.path(), &options(&folder)).connect().await.unwrap();
    let version: i64 = pragma(&mut conn, "PRAGMA user_version").await.unwrap();
    assert_eq!(version, 99);
    let copy = format!("queue.db.v{}.backup", known());
    let copy = Options::new(folder.path().join(copy));
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

    let failed = open_with(&options(&folder), with_one_more(bad)).await;

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
    let new = open_with(&options(&folder), with_one_more(MORE))
        .await
        .unwrap();
    new.close().await.unwrap();

    for refused in [
        open(&options(&folder)).await,
        open_read_only(&options(&folder)).await,
    ] {
        let newer = matches!(refused, Err(Error::Newer { found: 99, known: n }) if n == known());
        assert!(newer, "{refused:?}");
    }
    set_version(&folder.path().join("queue.db"), 0, &options(&folder)).await;
    let older = open_read_only(&options(&folder)).await;
    assert!(
        matches!(older, Err(Error::Older { found: 0, known: n }) if n == known()),
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

#[tokio::test]
async fn a_damaged_page_is_found_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&options(&folder)).await.unwrap();
    db.start_run(run()).await.unwrap();
    db.close().await.unwrap();
    let path = folder.path().join("queue.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5 * 4096..6 * 4096].fill(0x5a);
    File::create(&path).unwrap().write_all(&bytes).unwrap();

    let opened = open(&options(&folder)).await;

    assert!(matches!(opened, Err(Error::Corrupt { .. })), "{opened:?}");
    assert!(fs::read(&path).unwrap() == bytes, "it was written to");
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
