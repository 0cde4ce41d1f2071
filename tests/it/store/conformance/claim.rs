//! Claiming: who gets which job, when, and only once.

use std::collections::HashSet;

use voicespool::domain::{JobId, JobKind, JobState};
use voicespool::store::{NewChildren, NewParent, Verdict};

use crate::store::conformance::is_sound;
use crate::store::desk::{Desk, LEASE, at, children, fresh, key, new_run, open, settle, spec};

#[tokio::test]
async fn claims_come_by_priority_then_age_and_only_from_the_specs_asked_for() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let other_gate = desk.store.gate("api.example/v1", "orpheus").await.unwrap();
    let other_spec = spec(JobKind::Speak, other_gate, r#"{"voice":"tara"}"#);
    let other_spec = desk.store.spec(other_spec).await.unwrap();
    for (parent, priority, spec, keys) in [
        (100, 5, desk.speak, [1, 2]),
        (101, -1, desk.speak, [3, 4]),
        (102, 0, other_spec, [5, 6]),
        (103, 0, desk.speak, [2, 7]),
    ] {
        let parent = NewParent {
            source: desk.source,
            spec: desk.assemble,
            key: key(parent),
            params: None,
            priority,
            at: at(1),
        };
        let parent = desk.store.add_parent(parent).await.unwrap().id;
        let keys = keys.map(key);
        let children = NewChildren {
            parent,
            source: desk.source,
            at: at(1),
            children: children(spec, &keys),
        };
        desk.store.add_children(children).await.unwrap();
    }

    let first = desk.claim(3).await;
    let both = [(vec![desk.speak], 10), (vec![other_spec], 1)];
    let rest = desk
        .store
        .claim(&both, desk.run, at(10), LEASE)
        .await
        .unwrap();
    let none = desk.claim(10).await;
    let local = desk.claim_local(0).await;

    let keys =
        |claims: &[voicespool::store::Claim]| claims.iter().map(|c| c.key).collect::<Vec<_>>();
    assert_eq!(
        keys(&first),
        [key(3), key(4), key(2)],
        "2 inherits the more urgent priority"
    );
    assert_eq!(keys(&rest), [key(5), key(7), key(1)]);
    assert!(none.is_empty() && local.is_empty());
    let claim = &first[0];
    assert_eq!(claim.spec.params, r#"{"voice":"af_bella"}"#);
    assert_eq!(
        (claim.kind, claim.attempt.0, claim.span.clone()),
        (JobKind::Speak, 1, Some(0..10))
    );
    assert_eq!(claim.source.path, b"a.txt");
    assert_eq!(
        (claim.source.content, claim.source.text),
        (key(1), Some(key(2)))
    );
}

#[tokio::test]
async fn chunks_are_claimed_in_reading_order_whatever_their_keys() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.file(desk.source, 100, &[9, 3, 7, 9, 1]).await;
    desk.file(desk.source, 101, &[8, 3, 2]).await;

    let claims = desk.claim(10).await;

    let keys: Vec<_> = claims.iter().map(|claim| claim.key).collect();
    assert_eq!(keys, [9, 3, 7, 1, 8, 2].map(key));
}

#[tokio::test]
async fn a_scheduled_job_is_claimed_when_it_is_due_and_not_before() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    assert_eq!(desk.store.next_due().await.unwrap(), None);
    let claim = desk.claim_one().await;
    let later = Verdict::Reschedule {
        not_before: at(5_000),
        counts_failure: false,
    };
    desk.store
        .settle(settle(&claim, later, None))
        .await
        .unwrap();

    assert_eq!(desk.store.next_due().await.unwrap(), Some(at(5_000)));
    let gates = [(vec![desk.speak], 1)];
    let early = desk
        .store
        .claim(&gates, desk.run, at(4_999), LEASE)
        .await
        .unwrap();
    assert!(early.is_empty());
    let due = desk
        .store
        .claim(&gates, desk.run, at(5_000), LEASE)
        .await
        .unwrap();
    assert_eq!(due[0].job, claim.job);
    assert_eq!(desk.store.next_due().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_queue_never_claim_the_same_job() {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let keys: Vec<_> = (0..400).map(key).collect();
    let parent = desk.parent(desk.source, key(1_000)).await.id;
    desk.children(parent, desk.source, &keys).await;
    let second = open(&folder).await;

    let claimers = [
        desk.store.clone(),
        second.clone(),
        desk.store.clone(),
        second.clone(),
    ];
    let (speak, run) = (desk.speak, desk.run);
    let claiming = claimers.map(|store| {
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            loop {
                let claims = store
                    .claim(&[(vec![speak], 7)], run, at(10), LEASE)
                    .await
                    .unwrap();
                if claims.is_empty() {
                    return jobs;
                }
                jobs.extend(claims.into_iter().map(|claim| claim.job));
            }
        })
    });
    let mut jobs = Vec::new();
    for claimer in claiming {
        jobs.extend(claimer.await.unwrap());
    }

    assert_eq!(jobs.len(), 400);
    assert_eq!(jobs.iter().collect::<HashSet<_>>().len(), 400);
    second.close().await.unwrap();
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_claim_that_nobody_waits_for_is_given_back() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let job = desk.one_job().await;
    {
        let gates = [(vec![desk.speak], 1)];
        let mut claim = Box::pin(desk.store.claim(&gates, desk.run, at(10), LEASE));
        // Far enough that the writer has it, not far enough for an answer.
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(claim.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
    }

    // Any later write comes after the giving back.
    desk.store.start_run(new_run()).await.unwrap();
    desk.store.start_run(new_run()).await.unwrap();

    let row = desk.store.job(job).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt.0), (JobState::Available, 1));
}

#[tokio::test]
async fn one_bad_call_does_not_harm_those_that_share_its_transaction() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.file(desk.source, 100, &[1, 2]).await;
    let claims = desk.claim(2).await;
    let mut bad = desk.intent(&claims[1], 40);
    bad.run = voicespool::domain::RunId(999);

    let (good, no_run, no_parent, sealed, settled) = tokio::join!(
        desk.store.mark_sent(desk.intent(&claims[0], 40)),
        desk.store.mark_sent(bad),
        desk.try_parent(voicespool::domain::SourceId(999), key(200)),
        desk.store.seal(JobId(999), at(1)),
        desk.store
            .settle(settle(&claims[1], Verdict::Release, None)),
    );

    assert!(good.is_ok(), "{good:?}");
    assert!(no_run.is_err() && no_parent.is_err() && sealed.is_err());
    assert!(settled.is_ok(), "{settled:?}");
    assert_eq!(desk.state(claims[0].job).await, JobState::Sent);
    is_sound(&desk.store).await;
}
