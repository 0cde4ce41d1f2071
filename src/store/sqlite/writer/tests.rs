use super::*;
use crate::domain::UtcMillis;
use crate::store::sqlite::{Db, open};
use crate::store::{NewEvent, Options};

/// A queue that may not grow beyond `pages`.
async fn on_a_small_disk(folder: &tempfile::TempDir, pages: &'static str) -> Db {
    let options = Options::new(folder.path().join("queue.db"));
    let mut db = open(&options).await.unwrap();
    db.writer.take().unwrap().close().await.unwrap();
    let connect = SqliteConnectOptions::new()
        .filename(db.path())
        .pragma("max_page_count", pages);
    let conn = super::connect(&connect).await.unwrap();
    db.writer = Some(Writer::start(conn, connect, db.seen.clone()));
    db
}

fn event(bytes: usize) -> NewEvent {
    NewEvent {
        run: None,
        at: UtcMillis(1),
        kind: "test".to_owned(),
        detail: "x".repeat(bytes),
    }
}

#[tokio::test]
async fn a_full_disk_fails_everybody_in_the_batch_and_nobody_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = on_a_small_disk(&folder, "80").await;
    db.add_event(event(10)).await.unwrap();

    let (large, small) = tokio::join!(db.add_event(event(1_000_000)), db.add_event(event(10)));

    for answer in [large, small] {
        assert!(matches!(answer, Err(Error::Full { .. })), "{answer:?}");
    }
    db.add_event(event(10)).await.unwrap();
    assert_eq!(db.events(None, 10).await.unwrap().len(), 2);
    assert_eq!(db.integrity_check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&Options::new(folder.path().join("queue.db")))
        .await
        .unwrap();
    let writer = db.writer().unwrap();

    // Ends the transaction behind the writer's back, so that its commit fails.
    let saboteur = writer.change(|conn| {
        Box::pin(async move {
            sqlx::query(sql::COMMIT).execute(conn).await?;
            Ok(())
        })
    });
    assert!(saboteur.await.is_err());

    db.add_event(event(10)).await.unwrap();
}

#[tokio::test]
async fn what_a_refused_change_wrote_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&Options::new(folder.path().join("queue.db")))
        .await
        .unwrap();
    let writer = db.writer().unwrap();

    let refused = writer.change(|conn| {
        Box::pin(async move {
            sqlx::query(sql::ADD_EVENT)
                .bind(None::<i64>)
                .bind(1)
                .bind("half")
                .bind("done")
                .execute(conn)
                .await?;
            Err::<(), _>(Error::misuse("second thoughts"))
        })
    });
    let (refused, kept) = tokio::join!(refused, db.add_event(event(10)));

    assert!(matches!(refused, Err(Error::Misuse { .. })), "{refused:?}");
    kept.unwrap();
    let events = db.events(None, 10).await.unwrap();
    assert_eq!((events.len(), events[0].kind.as_str()), (1, "test"));
}

#[tokio::test]
async fn a_writer_dropped_by_everybody_still_does_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("queue.db"));
    let db = open(&options).await.unwrap();
    let calls: Vec<_> = (0..2 * BATCH)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.add_event(event(10)).await })
        })
        .collect();
    drop(db);
    for call in calls {
        call.await.unwrap().unwrap();
    }

    let again = open(&options).await.unwrap();
    let events = again.events(None, 10_000).await.unwrap();
    assert_eq!(events.len(), 2 * BATCH);
}
