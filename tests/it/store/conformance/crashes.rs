//! Crashes: nothing lost, nothing hidden, poison put aside.

use voicespool::domain::{
    AudioMillis, CharCount, FaultClass, JobState, NanoUsd, Quantity, Standing,
};
use voicespool::store::{Adopt, DoubtPolicy, Error, Evidence, Filter};

use crate::store::conformance::is_sound;
use crate::store::desk::{Desk, LEASE, at, completed, confirmed, fresh, key, object, open};

#[tokio::test]
async fn after_a_crash_nothing_finished_is_lost_and_each_request_in_flight_is_named() {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1, 2, 3, 4]).await;
    let done = desk.work_off_one().await;
    let [found, lost, unsent] = desk.claim(3).await.try_into().unwrap();
    desk.send(&found, 50).await;
    desk.send(&lost, 60).await;
    // No close, no drop: the process is gone as far as the file can tell.
    std::mem::forget(desk.store.clone());

    let store = open(&folder).await;
    let recovered = store.recover().await.unwrap();

    assert_eq!(recovered.released, 1);
    let flights: Vec<_> = recovered
        .in_flight
        .iter()
        .map(|f| (f.job, f.key, f.reserved))
        .collect();
    assert_eq!(
        flights,
        [
            (found.job, key(2), NanoUsd(50)),
            (lost.job, key(3), NanoUsd(60))
        ]
    );
    let adopted = Adopt {
        job: found.job,
        attempt: found.attempt,
        at: at(100),
        object: object(),
        audio: Some(AudioMillis(800)),
        billed: Some((Quantity::Chars(CharCount(7)), NanoUsd(45))),
    };
    store.adopt(adopted).await.unwrap();
    let state = store
        .doubt(
            lost.job,
            lost.attempt,
            at(100),
            DoubtPolicy::Resend,
            Evidence::None,
        )
        .await
        .unwrap();
    assert_eq!(state, JobState::Available);
    let money = store.money().await.unwrap();
    assert_eq!(
        (money.confirmed.cost, money.in_doubt.cost),
        (NanoUsd(85), NanoUsd(60))
    );
    assert_eq!(money.reserved.attempts, 0);
    let rows = store.attempts(found.job).await.unwrap();
    assert_eq!(rows[0].quantity, Quantity::Chars(CharCount(7)));
    assert_eq!(
        store.object(key(2)).await.unwrap().unwrap().audio,
        Some(AudioMillis(800))
    );
    let states = store.known(&[done.key, unsent.key]).await.unwrap();
    assert_eq!(states[&done.key], Standing::Completed);
    assert_eq!(states[&unsent.key], Standing::Available);
    let row = store.job(parent).await.unwrap().unwrap();
    assert_eq!(row.children, Some((2, 0)));
    is_sound(&store).await;
    let nothing = store.recover().await.unwrap();
    assert!(nothing.released == 0 && nothing.in_flight.is_empty());
}

#[tokio::test]
async fn a_job_whose_answer_was_arriving_at_four_crashes_is_held_and_one_that_waited_is_not() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1]).await;
    let mut states = Vec::new();
    for evidence in [
        Evidence::None,
        Evidence::AnswerBegun,
        Evidence::None,
        Evidence::AnswerBegun,
        Evidence::AnswerBegun,
        Evidence::None,
        Evidence::AnswerBegun,
    ] {
        let claim = desk.claim_one().await;
        desk.send(&claim, 10).await;
        let recovered = desk.store.recover().await.unwrap();
        let flight = &recovered.in_flight[0];
        let (job, attempt) = (flight.job, flight.attempt);
        let doubted = desk
            .store
            .doubt(job, attempt, at(50), DoubtPolicy::Resend, evidence);
        states.push(doubted.await.unwrap());
    }

    let (last, before) = states.split_last().unwrap();
    assert!(before.iter().all(|state| *state == JobState::Available));
    assert_eq!(*last, JobState::Held);
    let poison = Filter {
        class: Some(FaultClass::Poison),
        ..Filter::default()
    };
    assert_eq!(desk.store.jobs(&poison, None, 10).await.unwrap().len(), 1);
    assert_eq!(desk.state(parent).await, JobState::Waiting);
    assert_eq!(desk.store.money().await.unwrap().in_doubt.cost, NanoUsd(70));
    is_sound(&desk.store).await;
}

#[tokio::test]
async fn a_worker_taken_for_dead_that_answers_in_time_still_settles() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 40).await;

    let rescued = desk.store.rescue_expired(LEASE).await.unwrap();
    assert_eq!(rescued.in_flight.len(), 1);
    desk.store
        .settle(completed(&claim, Some(confirmed(40))))
        .await
        .unwrap();

    let late = desk
        .store
        .doubt(
            claim.job,
            claim.attempt,
            at(90),
            DoubtPolicy::Resend,
            Evidence::None,
        )
        .await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })), "{late:?}");
    assert_eq!(desk.state(claim.job).await, JobState::Completed);
}
