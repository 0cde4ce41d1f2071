//! New work: what repeats, what is shared, what replaces what.

use voicespool::domain::{
    AudioMillis, CharCount, CostStatus, FaultClass, JobId, JobKind, JobState, Quantity, Standing,
};
use voicespool::store::{Error, Filter, NewChild, NewChildren};

use crate::store::conformance::{count, is_sound};
use crate::store::desk::{Desk, at, bill, children, completed, failed, fresh, key, source, these};

#[tokio::test]
async fn enqueueing_again_after_a_crash_anywhere_comes_to_the_same() {
    for steps_before_the_crash in 0..4 {
        let (_folder, store) = fresh().await;
        let desk = Desk::at(store).await;
        let keys = [key(1), key(2), key(1), key(3)];
        for round in 0..2 {
            let steps = if round == 0 {
                steps_before_the_crash
            } else {
                4
            };
            if steps > 0 {
                assert_eq!(
                    desk.store.add_source(source("a.txt", 1)).await.unwrap(),
                    desk.source
                );
            }
            if steps > 1 {
                desk.parent(desk.source, key(100)).await;
            }
            if steps > 2 {
                let parent = desk.parent(desk.source, key(100)).await;
                assert!(!parent.sealed);
                desk.children(parent.id, desk.source, &keys[..2]).await;
            }
            if steps > 3 {
                let parent = desk.parent(desk.source, key(100)).await.id;
                desk.children(parent, desk.source, &keys).await;
                assert_eq!(
                    desk.store.seal(parent, at(2)).await.unwrap(),
                    JobState::Waiting
                );
                assert_eq!(
                    desk.store.seal(parent, at(3)).await.unwrap(),
                    JobState::Waiting
                );
            }
        }

        let counts = desk.store.counts().await.unwrap();
        let rows: Vec<_> = counts
            .iter()
            .map(|c| (c.kind, c.state, c.jobs, c.quantity))
            .collect();
        assert_eq!(
            rows,
            [
                (
                    JobKind::Speak,
                    JobState::Available,
                    3,
                    Quantity::Chars(CharCount(30))
                ),
                (JobKind::Assemble, JobState::Waiting, 1, Quantity::Nothing),
            ]
        );
        is_sound(&desk.store).await;
    }
}

#[tokio::test]
async fn equal_chunks_of_two_books_are_one_job_and_both_books_get_it() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let other = desk.store.add_source(source("b.txt", 10)).await.unwrap();
    let first = desk.file(desk.source, 100, &[1, 2]).await;
    let second = desk.file(other, 101, &[2, 2]).await;

    assert_eq!(count(&desk.store, JobState::Available).await, 2);
    desk.work_off_one().await;
    assert_eq!(desk.state(second).await, JobState::Waiting);
    desk.work_off_one().await;

    assert_eq!(desk.state(first).await, JobState::Available);
    assert_eq!(desk.state(second).await, JobState::Available);
    let parts = desk.store.parts(second, None, 10).await.unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].child, parts[1].child);
    assert_eq!(parts[1].span, Some(10..20));
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_parent_is_ready_at_once_when_everything_was_bought_before() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.file(desk.source, 100, &[1]).await;
    desk.work_off_one().await;

    let again = desk.file(desk.source, 101, &[1, 1]).await;
    let empty = desk.file(desk.source, 102, &[]).await;

    assert_eq!(desk.state(again).await, JobState::Available);
    assert_eq!(desk.state(empty).await, JobState::Available);
}

#[tokio::test]
async fn a_parent_of_failed_children_fails_when_the_last_child_is_over() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1, 2]).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 40).await;

    desk.store
        .settle(failed(&claim, Some(bill(CostStatus::NotBilled, 0))))
        .await
        .unwrap();
    assert_eq!(desk.state(parent).await, JobState::Waiting);
    desk.work_off_one().await;

    let row = desk.store.job(parent).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.class),
        (JobState::Failed, Some(FaultClass::Child))
    );
    assert_eq!(row.finished_at, Some(at(30)));
    let late = desk.file(desk.source, 101, &[1]).await;
    assert_eq!(
        desk.state(late).await,
        JobState::Failed,
        "known to be lost at the seal"
    );
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_sealed_parent_takes_no_more_children() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1]).await;
    let more = |parent| NewChildren {
        parent,
        source: desk.source,
        at: at(1),
        children: children(desk.speak, &[key(9)]),
    };

    let sealed = desk.store.add_children(more(parent)).await;
    let nobody = desk.store.add_children(more(JobId(999))).await;

    assert!(
        matches!(sealed, Err(Error::Sealed { parent: p }) if p == parent),
        "{sealed:?}"
    );
    assert!(matches!(nobody, Err(Error::NoSuchJob { .. })), "{nobody:?}");
    assert_eq!(count(&desk.store, JobState::Available).await, 1);
}

#[tokio::test]
async fn children_that_make_no_sense_are_refused_as_a_whole() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.parent(desk.source, key(100)).await.id;
    let good = children(desk.speak, &[key(1)]).remove(0);
    let seconds = NewChild {
        ordinal: 1,
        key: key(2),
        quantity: Quantity::Audio(AudioMillis(10)),
        ..good.clone()
    };
    let backwards = NewChild {
        ordinal: 1,
        key: key(2),
        #[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
        span: Some(20..10),
        ..good.clone()
    };
    let no_span = NewChild {
        ordinal: 1,
        key: key(2),
        span: None,
        ..good.clone()
    };
    let of_parents = NewChild {
        ordinal: 1,
        key: key(2),
        spec: desk.assemble,
        ..good.clone()
    };
    for bad in [seconds, backwards, no_span, of_parents] {
        let children = NewChildren {
            parent,
            source: desk.source,
            at: at(1),
            children: vec![good.clone(), bad.clone()],
        };

        let answer = desk.store.add_children(children).await;

        assert!(answer.is_err(), "{bad:?}");
        assert_eq!(count(&desk.store, JobState::Available).await, 0, "{bad:?}");
    }
    let too_many = NewChildren {
        parent,
        source: desk.source,
        at: at(1),
        children: vec![good; NewChildren::MAX + 1],
    };
    let answer = desk.store.add_children(too_many).await;
    assert!(matches!(answer, Err(Error::Misuse { .. })));
}

#[tokio::test]
async fn a_new_version_of_a_file_cancels_what_only_the_old_one_wanted() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let old = desk.file(desk.source, 100, &[1, 2, 3]).await;
    let newer = desk.store.add_source(source("a.txt", 10)).await.unwrap();
    let on_the_wire = desk.claim_one().await;
    desk.send(&on_the_wire, 40).await;

    let neighbour = desk.store.add_source(source("b.txt", 20)).await.unwrap();

    let new = desk.file(newer, 101, &[2, 4]).await;
    let cancelled = desk
        .store
        .supersede("books", b"a.txt", new, at(50))
        .await
        .unwrap();

    assert_eq!(cancelled, 2, "the old parent and chunk 3");
    assert_eq!(desk.state(old).await, JobState::Cancelled);
    let states = desk
        .store
        .known(&[key(1), key(2), key(3), key(4), key(5)])
        .await
        .unwrap();
    assert_eq!(states.get(&key(1)), Some(&Standing::Sent), "paid for");
    assert_eq!(
        states.get(&key(2)),
        Some(&Standing::Available),
        "wanted by both"
    );
    assert_eq!(states.get(&key(3)), Some(&Standing::Cancelled));
    assert_eq!(states.get(&key(5)), None);
    let current = desk
        .store
        .latest_source("books", b"a.txt")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(current.id, newer);
    let superseded = async |id| desk.store.source(id).await.unwrap().unwrap().superseded_at;
    assert_eq!(superseded(desk.source).await, Some(at(50)));
    assert_eq!(superseded(neighbour).await, None);
    let nothing = desk.store.retry_preview(&Filter::default()).await.unwrap();
    assert_eq!(nothing.jobs, 0, "superseded work is nobody's wish");
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_file_that_is_wanted_no_more_is_superseded_and_not_cancelled_by_a_person() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1]).await;
    let nobody = JobId(0);

    let cancelled = desk
        .store
        .supersede("books", b"a.txt", nobody, at(50))
        .await
        .unwrap();

    assert_eq!(cancelled, 2);
    assert_eq!(desk.state(parent).await, JobState::Cancelled);
    let source = desk.store.source(desk.source).await.unwrap().unwrap();
    assert_eq!(source.superseded_at, Some(at(50)));
}

#[tokio::test]
async fn a_file_that_goes_back_to_its_old_version_is_worked_on_again() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let old = desk.file(desk.source, 100, &[1, 2]).await;
    let newer = desk.store.add_source(source("a.txt", 10)).await.unwrap();
    let new = desk.file(newer, 101, &[3]).await;
    desk.store
        .supersede("books", b"a.txt", new, at(50))
        .await
        .unwrap();
    assert_eq!(desk.state(old).await, JobState::Cancelled);

    assert_eq!(
        desk.store.add_source(source("a.txt", 1)).await.unwrap(),
        desk.source
    );
    let again = desk.parent(desk.source, key(100)).await;
    assert_eq!(
        (again.id, again.state, again.sealed),
        (old, JobState::Waiting, false)
    );
    desk.file(desk.source, 100, &[1, 2]).await;
    desk.store
        .supersede("books", b"a.txt", old, at(60))
        .await
        .unwrap();

    let states = desk.store.known(&[key(1), key(2), key(3)]).await.unwrap();
    assert_eq!(states[&key(1)], Standing::Available);
    assert_eq!(states[&key(3)], Standing::Cancelled);
    assert_eq!(desk.state(new).await, JobState::Cancelled);
    let current = desk
        .store
        .latest_source("books", b"a.txt")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(current.id, desk.source);
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn an_output_that_another_version_wrote_over_is_made_again_without_buying_anything() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let first = desk.file(desk.source, 100, &[1]).await;
    desk.work_off_one().await;
    let claim = desk.claim_local(1).await.remove(0);
    desk.store.settle(completed(&claim, None)).await.unwrap();
    let untouched = desk.parent(desk.source, key(100)).await;
    assert_eq!(
        (untouched.state, untouched.sealed),
        (JobState::Completed, true)
    );
    let second = desk.file(desk.source, 101, &[2]).await;
    desk.work_off_one().await;
    let claim = desk.claim_local(1).await.remove(0);
    assert_eq!(claim.job, second);
    desk.store.settle(completed(&claim, None)).await.unwrap();
    assert!(
        desk.store
            .parent_by_key(key(100))
            .await
            .unwrap()
            .unwrap()
            .overwritten
    );

    let again = desk.parent(desk.source, key(100)).await;

    assert_eq!(
        (again.id, again.state, again.sealed),
        (first, JobState::Waiting, false)
    );
    desk.children(first, desk.source, &[key(1)]).await;
    assert_eq!(
        desk.store.seal(first, at(2)).await.unwrap(),
        JobState::Available
    );
    let claim = desk.claim_local(1).await.remove(0);
    let mut later = completed(&claim, None);
    later.at = at(99);
    desk.store.settle(later).await.unwrap();
    let overwritten = async |parent| {
        let row = desk.store.parent_by_key(key(parent)).await.unwrap();
        row.unwrap().overwritten
    };
    assert!(!overwritten(100).await && overwritten(101).await);
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_cancelled_chunk_that_a_new_book_wants_is_taken_up_again_for_all() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let first = desk.file(desk.source, 100, &[1, 2]).await;
    let child = desk.store.parts(first, None, 1).await.unwrap()[0].child;
    assert_eq!(desk.store.cancel(&these(&[child]), at(5)).await.unwrap(), 1);
    let row = desk.store.job(first).await.unwrap().unwrap();
    assert_eq!((row.state, row.children), (JobState::Waiting, Some((1, 1))));

    desk.file(desk.source, 101, &[1]).await;

    let row = desk.store.job(first).await.unwrap().unwrap();
    assert_eq!(row.children, Some((2, 0)));
    assert_eq!(desk.state(child).await, JobState::Available);
    is_sound(&desk.store).await;
}
