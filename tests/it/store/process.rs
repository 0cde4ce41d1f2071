//! Two processes at one queue. The other process is this test binary, asked to run one
//! test alone; without the request that test does nothing.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use voicespool::domain::UtcMillis;
use voicespool::store::{Error, Holder, RunLock};

use super::desk::{Desk, fresh, key, open};

/// Tells the other process which folder to work in.
const FOLDER: &str = "VOICESPOOL_TEST_FOLDER";

/// What the other process prints when it is as far as it was asked to be.
const READY: &str = "the other process is ready";

fn other_process(test: &str, folder: &TempDir) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.contains(READY));
    assert!(ready, "the other process ended early");
    child
}

fn holder(pid: u32) -> Holder {
    Holder {
        pid,
        host: "attic".to_owned(),
        command: "run --yes".to_owned(),
        boot: None,
        since: UtcMillis(5),
    }
}

/// Says that it is ready and waits to be killed.
fn wait_for_the_end() {
    let mut out = std::io::stdout();
    writeln!(out, "{READY}").unwrap();
    out.flush().unwrap();
    let _ = std::io::stdin().lines().count();
}

#[test]
fn other_holds_the_lock() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let _lock = RunLock::acquire(Path::new(&folder), &holder(std::process::id())).unwrap();
    wait_for_the_end();
}

#[test]
fn a_lock_names_the_process_that_holds_it_and_dies_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = other_process("store::process::other_holds_the_lock", &folder);

    let refused = RunLock::acquire(folder.path(), &holder(1));
    let pid = other.id();
    other.kill().unwrap();
    other.wait().unwrap();
    let taken = RunLock::acquire(folder.path(), &holder(1));

    let Err(Error::Locked {
        holder: Some(named),
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(named, holder(pid));
    assert!(taken.is_ok(), "{taken:?}");
}

#[tokio::test]
async fn other_works_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let path = Path::new(&folder).join("state").join("queue.db");
    let store = voicespool::store::Store::open(&voicespool::store::Options::new(path))
        .await
        .unwrap();
    let desk = Desk::at(store).await;
    let keys: Vec<_> = (0..40).map(key).collect();
    let parent = desk.parent(desk.source, key(1_000)).await.id;
    desk.children(parent, desk.source, &keys).await;
    for _ in 0..10 {
        desk.work_off_one().await;
    }
    for claim in desk.claim(5).await {
        desk.send(&claim, 30).await;
    }
    desk.claim(3).await;
    tokio::task::spawn_blocking(wait_for_the_end).await.unwrap();
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_was_told_is_done() {
    let (folder, store) = fresh().await;
    store.close().await.unwrap();
    let mut other = other_process("store::process::other_works_until_it_is_killed", &folder);
    other.kill().unwrap();
    other.wait().unwrap();

    let store = open(&folder).await;
    let recovered = store.recover().await.unwrap();

    assert_eq!((recovered.released, recovered.in_flight.len()), (3, 5));
    let money = store.money().await.unwrap();
    assert_eq!((money.confirmed.attempts, money.reserved.attempts), (10, 5));
    assert_eq!((money.confirmed.cost.0, money.reserved.cost.0), (400, 150));
    assert_eq!(store.integrity_check().await.unwrap(), Vec::<String>::new());
}
