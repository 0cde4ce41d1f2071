//! What a person asks for: retry, cancel, filters.

use voicespool::domain::{
    CharCount, CostStatus, FaultClass, JobKind, JobState, PauseScope, Quantity, Standing,
};
use voicespool::store::{Error, Filter, NewPause};

use crate::store::conformance::{count, is_sound};
use crate::store::desk::{Desk, at, bill, completed, confirmed, failed, fresh, key, open, these};

#[tokio::test]
async fn retrying_a_failed_chunk_makes_its_books_wait_for_it_again() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let first = desk.file(desk.source, 100, &[1, 2, 1]).await;
    let second = desk.file(desk.source, 101, &[1]).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 40).await;
    desk.store
        .settle(failed(&claim, Some(bill(CostStatus::Wasted, 40))))
        .await
        .unwrap();
    desk.work_off_one().await;
    assert_eq!(desk.state(first).await, JobState::Failed);
    assert_eq!(desk.state(second).await, JobState::Failed);

    let preview = desk
        .store
        .retry_preview(&these(&[claim.job]))
        .await
        .unwrap();
    assert_eq!(
        desk.state(claim.job).await,
        JobState::Failed,
        "only a preview"
    );
    let reopened = desk
        .store
        .retry(&these(&[claim.job]), at(90))
        .await
        .unwrap();

    assert_eq!(reopened, preview);
    assert_eq!(reopened.jobs, 1);
    assert_eq!(
        reopened.by_spec,
        [(desk.speak, 1, Quantity::Chars(CharCount(10)))]
    );
    let row = desk.store.job(first).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.children, row.class),
        (JobState::Waiting, Some((2, 0)), None)
    );
    desk.work_off_one().await;
    assert_eq!(desk.state(first).await, JobState::Available);
    assert_eq!(desk.state(second).await, JobState::Available);
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn retrying_a_file_takes_up_its_lost_chunks() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1, 2]).await;
    assert_eq!(
        desk.store.cancel(&these(&[parent]), at(40)).await.unwrap(),
        3
    );
    assert_eq!(count(&desk.store, JobState::Cancelled).await, 3);

    let reopened = desk.store.retry(&these(&[parent]), at(50)).await.unwrap();

    assert_eq!(reopened.jobs, 3);
    assert_eq!(
        reopened.by_spec,
        [(desk.speak, 2, Quantity::Chars(CharCount(20)))]
    );
    let row = desk.store.job(parent).await.unwrap().unwrap();
    assert_eq!((row.state, row.children), (JobState::Waiting, Some((2, 0))));
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_failed_parent_is_retried_without_touching_its_finished_chunks() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1]).await;
    desk.work_off_one().await;
    let claim = desk.claim_local(1).await.remove(0);
    desk.store.settle(failed(&claim, None)).await.unwrap();

    let reopened = desk.store.retry(&Filter::default(), at(50)).await.unwrap();

    assert_eq!((reopened.jobs, reopened.by_spec.len()), (1, 0));
    assert_eq!(desk.state(parent).await, JobState::Available);
    assert_eq!(count(&desk.store, JobState::Completed).await, 1);
}

#[tokio::test]
async fn cancelling_a_book_spares_what_another_wants_and_what_is_on_the_wire() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let first = desk.file(desk.source, 100, &[1, 2, 3]).await;
    desk.file(desk.source, 101, &[2]).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 40).await;

    let cancelled = desk.store.cancel(&these(&[first]), at(40)).await.unwrap();

    assert_eq!(cancelled, 2);
    let states = desk.store.known(&[key(1), key(2), key(3)]).await.unwrap();
    assert_eq!(states[&key(1)], Standing::Sent);
    assert_eq!(states[&key(2)], Standing::Available);
    assert_eq!(states[&key(3)], Standing::Cancelled);
    desk.store
        .settle(completed(&claim, Some(confirmed(40))))
        .await
        .unwrap();
    assert_eq!(desk.state(first).await, JobState::Cancelled);
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_filter_takes_only_what_meets_all_of_it() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1, 2, 3]).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 40).await;
    desk.store
        .settle(failed(&claim, Some(bill(CostStatus::NotBilled, 0))))
        .await
        .unwrap();
    let ids = |filter: Filter| {
        let store = desk.store.clone();
        async move {
            let rows = store.jobs(&filter, None, 100).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        }
    };

    let by_class = Filter {
        class: Some(FaultClass::Refused),
        states: vec![JobState::Failed],
        ..Filter::default()
    };
    let speakers = Filter {
        kinds: vec![JobKind::Speak],
        states: vec![JobState::Available, JobState::Failed],
        task: Some("books".to_owned()),
        source: Some(desk.source),
        ..Filter::default()
    };
    let strangers = Filter {
        task: Some("books' OR 1=1 --".to_owned()),
        ..Filter::default()
    };

    assert_eq!(ids(by_class).await, [claim.job]);
    assert_eq!(ids(speakers).await.len(), 3);
    assert_eq!(ids(strangers).await, []);
    assert_eq!(ids(Filter::default()).await.len(), 4);
    let second_page = desk
        .store
        .jobs(&Filter::default(), Some(parent), 2)
        .await
        .unwrap();
    assert_eq!(second_page.len(), 2);
}

#[tokio::test]
async fn what_a_person_puts_aside_is_not_claimed_until_it_is_taken_up_again() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let first = desk.file(desk.source, 100, &[1, 2, 3]).await;
    desk.file(desk.source, 101, &[3]).await;
    let claim = desk.claim_one().await;

    let preview = desk.store.hold_preview(&these(&[first])).await.unwrap();
    assert_eq!(
        count(&desk.store, JobState::Held).await,
        0,
        "only a preview"
    );
    let held = desk.store.hold(&these(&[first])).await.unwrap();

    // Not the one at work, and not the one another file waits for.
    assert_eq!((preview, held), (1, 1));
    let left: Vec<_> = desk.claim(9).await.iter().map(|claim| claim.key).collect();
    assert_eq!(left, [key(3)]);
    desk.send(&claim, 40).await;
    desk.store
        .settle(completed(&claim, Some(confirmed(40))))
        .await
        .unwrap();
    let aside = Filter {
        states: vec![JobState::Held],
        ..Filter::default()
    };
    let row = desk.store.jobs(&aside, None, 9).await.unwrap().remove(0);
    assert_eq!(row.detail.as_deref(), Some("set aside by a person"));
    assert_eq!(desk.state(first).await, JobState::Waiting);

    desk.store.retry(&aside, at(60)).await.unwrap();
    assert_eq!(desk.claim_one().await.key, key(2));
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_pause_outlives_the_process_and_keeps_the_time_it_began() {
    let (folder, store) = fresh().await;
    let pause = |scope, name: &str, time| NewPause {
        scope,
        name: name.to_owned(),
        who: "anna@attic".to_owned(),
        reason: Some("listening first".to_owned()),
        at: at(time),
    };
    store
        .pause(pause(PauseScope::Task, "books", 5))
        .await
        .unwrap();
    store.pause(pause(PauseScope::Queue, "", 7)).await.unwrap();
    store
        .pause(pause(PauseScope::Task, "books", 9))
        .await
        .unwrap();
    let nameless = store.pause(pause(PauseScope::Model, "", 9)).await;
    assert!(
        matches!(nameless, Err(Error::Misuse { .. })),
        "{nameless:?}"
    );
    store.close().await.unwrap();

    let store = open(&folder).await;
    let known = store.pauses().await.unwrap();

    let times: Vec<_> = known
        .iter()
        .map(|row| (row.scope, row.name.as_str(), row.since))
        .collect();
    assert_eq!(
        times,
        [
            (PauseScope::Queue, "", at(7)),
            (PauseScope::Task, "books", at(5))
        ]
    );
    assert!(store.unpause(PauseScope::Queue, "").await.unwrap());
    assert!(!store.unpause(PauseScope::Queue, "").await.unwrap());
    assert_eq!(store.pauses().await.unwrap().len(), 1);
}
