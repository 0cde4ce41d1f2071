//! The database as a file: other people's, broken, missing, not to be written.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::TempDir;
use voicespool::store::{Error, Options, Store};

use super::desk::{Desk, fresh, key, new_run, open, options};

/// A queue with enough in it to have many pages, closed.
async fn closed_queue() -> (TempDir, Options) {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let keys: Vec<_> = (0..2_000).map(key).collect();
    let parent = desk.parent(desk.source, key(100_000)).await.id;
    desk.children(parent, desk.source, &keys).await;
    desk.store.close().await.unwrap();
    let options = options(&folder);
    (folder, options)
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_closed_queue_is_one_file_for_its_owner_alone() {
    let (folder, options) = closed_queue().await;

    let state = folder.path().join("state");
    let names: Vec<_> = fs::read_dir(&state)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();

    assert_eq!(names, ["queue.db"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state), mode(&options.path)), (0o700, 0o600));
    }
}

#[tokio::test]
async fn what_is_no_queue_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = folder.path().join("other.db");
    {
        use sqlx::ConnectOptions;
        let mut other = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&sqlite)
            .create_if_missing(true)
            .connect()
            .await
            .unwrap();
        sqlx::query("CREATE TABLE bookmark (url TEXT)")
            .execute(&mut other)
            .await
            .unwrap();
        sqlx::Connection::close(other).await.unwrap();
    }
    let text = folder.path().join("notes.txt");
    File::create(&text)
        .unwrap()
        .write_all(&b"Dear diary. ".repeat(1000))
        .unwrap();
    let short = folder.path().join("short");
    File::create(&short).unwrap().write_all(b"x").unwrap();

    for path in [&sqlite, &text, &short] {
        let before = bytes_of(path);

        let opened = Store::open(&Options::new(path)).await;
        let read = Store::open_read_only(&Options::new(path)).await;

        for refused in [opened, read] {
            let known = matches!(refused, Err(Error::Foreign { .. } | Error::Corrupt { .. }));
            assert!(known, "{}: {refused:?}", path.display());
        }
        assert_eq!(bytes_of(path), before, "{}", path.display());
    }
    assert!(matches!(
        Store::open(&Options::new(&sqlite)).await,
        Err(Error::Foreign { .. })
    ));
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_missing_to_a_reader_and_new_to_a_worker() {
    let folder = tempfile::tempdir().unwrap();

    let read = Store::open_read_only(&options(&folder)).await;
    assert!(matches!(read, Err(Error::Missing { .. })), "{read:?}");
    assert!(
        !folder.path().join("state").exists(),
        "a reader makes nothing"
    );

    let store = open(&folder).await;
    assert!(store.counts().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cut_off_queue_is_damaged_and_stays_as_it_is() {
    let (_folder, options) = closed_queue().await;
    let whole = fs::metadata(&options.path).unwrap().len();
    for length in [whole / 2, 4096, 5000, 100] {
        let file = File::options().write(true).open(&options.path).unwrap();
        file.set_len(length).unwrap();

        let opened = Store::open(&options).await;

        assert!(
            matches!(opened, Err(Error::Corrupt { .. })),
            "{length}: {opened:?}"
        );
        assert_eq!(fs::metadata(&options.path).unwrap().len(), length);
    }
}

#[tokio::test]
async fn overwritten_pages_are_found_by_the_check_or_refused_at_once() {
    let (_folder, options) = closed_queue().await;
    let whole = fs::metadata(&options.path).unwrap().len();
    let mut file = File::options().write(true).open(&options.path).unwrap();
    for page in (10..whole / 4096).step_by(7) {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0x5a; 4096]).unwrap();
    }

    let found = match Store::open(&options).await {
        Ok(store) => store.integrity_check().await.map(|findings| findings.len()),
        Err(error) => Err(error),
    };

    let noticed = matches!(found, Err(Error::Corrupt { .. }) | Ok(1..));
    assert!(noticed, "{found:?}");
}

#[tokio::test]
async fn a_reader_sees_what_a_run_commits_and_can_change_nothing() {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let reader = Store::open_read_only(&options(&folder)).await.unwrap();
    desk.one_job().await;

    let counts = reader.counts().await.unwrap();
    let refused = reader.start_run(new_run()).await;

    assert_eq!(counts.len(), 2);
    assert!(
        matches!(refused, Err(Error::ReadOnly { .. })),
        "{refused:?}"
    );
    assert_eq!(
        reader
            .retry_preview(&voicespool::store::Filter::default())
            .await
            .unwrap()
            .jobs,
        0
    );
    reader.close().await.unwrap();
    desk.one_job().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_queue_in_a_folder_without_write_permission_can_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, options) = closed_queue().await;
    let state = folder.path().join("state");
    let allow = |mode| fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o500);
    if File::create(state.join("probe")).is_ok() {
        println!("skipped: this user may write anywhere");
        return;
    }

    let reader = Store::open_read_only(&options).await;
    let writer = Store::open(&options).await;

    allow(0o700);
    let jobs: u64 = reader
        .unwrap()
        .counts()
        .await
        .unwrap()
        .iter()
        .map(|count| count.jobs)
        .sum();
    assert_eq!(jobs, 2_001);
    let refused = matches!(writer, Err(Error::ReadOnly { .. } | Error::Io { .. }));
    assert!(refused, "{writer:?}");
}
