//! Every state of a job against everything that can happen to it.

use voicespool::domain::{CostStatus, FaultClass, JobId, JobState};
use voicespool::store::{
    Adopt, Claim, DoubtPolicy, Error, Evidence, Fault, Filter, Settle, Store, Verdict,
};

use crate::store::desk::{
    Desk, LEASE, at, bill, completed, confirmed, failed, fault, fresh, lease_lost, object, settle,
    these,
};

/// What happens to a speak job. The events of a worker carry the job's current attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Claim,
    Send,
    Complete,
    CompleteUnsent,
    Reschedule,
    Fail,
    FailUnsent,
    Release,
    ReleaseUnsent,
    Hold,
    HoldUnsent,
    Adopt,
    Resend,
    DoubtHold,
    Rescue,
    Cancel,
    PersonHolds,
    Retry,
    RetryCompleted,
}

use Event::{
    Adopt as AdoptIt, Cancel, Claim as ClaimIt, Complete, CompleteUnsent, DoubtHold, Fail,
    FailUnsent, Hold, HoldUnsent, PersonHolds, Release, ReleaseUnsent, Reschedule, Rescue, Resend,
    Retry, RetryCompleted, Send,
};

const EVENTS: [Event; 19] = [
    ClaimIt,
    Send,
    Complete,
    CompleteUnsent,
    Reschedule,
    Fail,
    FailUnsent,
    Release,
    ReleaseUnsent,
    Hold,
    HoldUnsent,
    AdoptIt,
    Resend,
    DoubtHold,
    Rescue,
    Cancel,
    PersonHolds,
    Retry,
    RetryCompleted,
];

/// The whole state machine of a job that sends: what is not listed leaves the job where it is.
const MOVES: [(JobState, Event, JobState); 30] = [
    (JobState::Scheduled, ClaimIt, JobState::Leased),
    (JobState::Scheduled, Cancel, JobState::Cancelled),
    (JobState::Scheduled, PersonHolds, JobState::Held),
    (JobState::Available, ClaimIt, JobState::Leased),
    (JobState::Available, Cancel, JobState::Cancelled),
    (JobState::Available, PersonHolds, JobState::Held),
    (JobState::Leased, Send, JobState::Sent),
    (JobState::Leased, CompleteUnsent, JobState::Completed),
    (JobState::Leased, FailUnsent, JobState::Failed),
    (JobState::Leased, ReleaseUnsent, JobState::Available),
    (JobState::Leased, Rescue, JobState::Available),
    (JobState::Leased, Cancel, JobState::Cancelled),
    (JobState::Sent, Complete, JobState::Completed),
    (JobState::Sent, Reschedule, JobState::Scheduled),
    (JobState::Sent, Fail, JobState::Failed),
    (JobState::Sent, Release, JobState::Available),
    (JobState::Sent, Hold, JobState::Held),
    (JobState::Sent, AdoptIt, JobState::Completed),
    (JobState::Sent, Resend, JobState::Available),
    (JobState::Sent, DoubtHold, JobState::Held),
    (JobState::Held, AdoptIt, JobState::Completed),
    (JobState::Held, Cancel, JobState::Cancelled),
    (JobState::Held, Retry, JobState::Available),
    (JobState::Held, RetryCompleted, JobState::Held),
    (JobState::Completed, RetryCompleted, JobState::Available),
    (JobState::Failed, Retry, JobState::Available),
    (JobState::Cancelled, Retry, JobState::Available),
    (JobState::Completed, Retry, JobState::Completed),
    (JobState::Failed, RetryCompleted, JobState::Failed),
    (JobState::Sent, Cancel, JobState::Sent),
];

/// A job in `state`, with the claim that brought it there.
async fn job_in(desk: &Desk, state: JobState) -> Claim {
    let job = desk.one_job().await;
    let claim = desk.claim_one().await;
    assert_eq!(claim.job, job, "one job at a time");
    let store = &desk.store;
    if state == JobState::Leased {
        return claim;
    }
    if state == JobState::Available {
        store
            .settle(settle(&claim, Verdict::Release, None))
            .await
            .unwrap();
        return claim;
    }
    if state == JobState::Cancelled {
        store.cancel(&these(&[job]), at(30)).await.unwrap();
        return claim;
    }
    desk.send(&claim, 40).await;
    let verdict = match state {
        JobState::Sent => return claim,
        JobState::Scheduled => Verdict::Reschedule {
            not_before: at(5),
            counts_failure: true,
        },
        JobState::Held => Verdict::Hold,
        JobState::Completed => {
            store
                .settle(completed(&claim, Some(confirmed(40))))
                .await
                .unwrap();
            return claim;
        }
        JobState::Failed => Verdict::Fail,
        other => unreachable!("{other}"),
    };
    let end = with_fault(settle(&claim, verdict, Some(bill(CostStatus::InDoubt, 40))));
    store.settle(end).await.unwrap();
    claim
}

fn with_fault(settle: Settle) -> Settle {
    Settle {
        fault: Some(fault(FaultClass::TimedOut)),
        ..settle
    }
}

async fn happen(desk: &Desk, event: Event, claim: &Claim) -> Result<(), Error> {
    let store = &desk.store;
    let only = these(&[claim.job]);
    let ends = |verdict, billed: bool| {
        let bill = billed.then(|| bill(CostStatus::Wasted, 40));
        with_fault(settle(claim, verdict, bill))
    };
    let later = Verdict::Reschedule {
        not_before: at(50),
        counts_failure: false,
    };
    match event {
        ClaimIt => store
            .claim(&[(vec![desk.speak], 100)], desk.run, at(40), LEASE)
            .await
            .map(drop),
        Send => store.mark_sent(desk.intent(claim, 40)).await,
        Complete => store.settle(completed(claim, Some(confirmed(40)))).await,
        CompleteUnsent => store.settle(completed(claim, None)).await,
        Reschedule => store.settle(ends(later, true)).await,
        Fail => store.settle(ends(Verdict::Fail, true)).await,
        FailUnsent => store.settle(ends(Verdict::Fail, false)).await,
        Release => store.settle(ends(Verdict::Release, true)).await,
        ReleaseUnsent => store.settle(ends(Verdict::Release, false)).await,
        Hold => store.settle(ends(Verdict::Hold, true)).await,
        HoldUnsent => store.settle(ends(Verdict::Hold, false)).await,
        AdoptIt => {
            let found = Adopt {
                job: claim.job,
                attempt: claim.attempt,
                at: at(60),
                object: object(),
                audio: None,
                billed: None,
            };
            store.adopt(found).await
        }
        Resend => doubt(store, claim, DoubtPolicy::Resend).await,
        DoubtHold => doubt(store, claim, DoubtPolicy::Hold).await,
        Rescue => store.rescue_expired(LEASE).await.map(drop),
        Cancel => store.cancel(&only, at(60)).await.map(drop),
        PersonHolds => store.hold(&only).await.map(drop),
        Retry => store.retry(&only, at(60)).await.map(drop),
        RetryCompleted => {
            let completed = Filter {
                states: vec![JobState::Completed],
                ..only
            };
            store.retry(&completed, at(60)).await.map(drop)
        }
    }
}

async fn doubt(store: &Store, claim: &Claim, policy: DoubtPolicy) -> Result<(), Error> {
    let doubted = store.doubt(claim.job, claim.attempt, at(60), policy, Evidence::None);
    doubted.await.map(drop)
}

/// Events that speak of one try, and so must be refused when it is over.
fn is_fenced(event: Event) -> bool {
    !matches!(
        event,
        ClaimIt | Rescue | Cancel | PersonHolds | Retry | RetryCompleted
    )
}

#[tokio::test]
async fn every_event_moves_a_job_as_listed_or_not_at_all() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    for state in JobState::ALL {
        if *state == JobState::Waiting {
            continue;
        }
        for event in EVENTS {
            let claim = job_in(&desk, *state).await;

            let answer = happen(&desk, event, &claim).await;

            let listed = MOVES
                .iter()
                .find(|(from, by, _)| (from, *by) == (state, event));
            let wanted = listed.map_or(*state, |(_, _, to)| *to);
            let found = desk.state(claim.job).await;
            assert_eq!(found, wanted, "{state} after {event:?}: {answer:?}");
            let refused = is_fenced(event) && wanted == *state;
            assert_eq!(answer.is_err(), refused, "{state}, {event:?}: {answer:?}");
            if wanted != *state {
                assert!(
                    state.may_become(wanted) || *state == JobState::Scheduled && event == ClaimIt,
                    "{state} may not become {wanted}"
                );
            }
            put_away(&desk, claim.job).await;
        }
    }
    assert_eq!(
        desk.store.integrity_check().await.unwrap(),
        Vec::<String>::new()
    );
}

/// Takes a job out of the way of the next one.
async fn put_away(desk: &Desk, job: JobId) {
    let row = desk.store.job(job).await.unwrap().unwrap();
    if row.state == JobState::Sent {
        desk.store
            .doubt(job, row.attempt, at(70), DoubtPolicy::Hold, Evidence::None)
            .await
            .unwrap();
    }
    desk.store.cancel(&these(&[job]), at(70)).await.unwrap();
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_can_neither_send_nor_settle_nor_extend() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    let slow = desk.claim_one().await;
    desk.store.rescue_expired(LEASE).await.unwrap();
    let fresh = desk.claim_one().await;
    assert_eq!(slow.job, fresh.job);
    assert!(slow.attempt < fresh.attempt);

    for answer in [
        desk.store.mark_sent(desk.intent(&slow, 1)).await,
        desk.store.settle(completed(&slow, None)).await,
        desk.store
            .settle(completed(&slow, Some(confirmed(1))))
            .await,
        desk.store
            .settle(settle(&slow, Verdict::Release, None))
            .await,
    ] {
        assert!(lease_lost(&answer, slow.job, slow.attempt), "{answer:?}");
    }
    let leases = [(slow.job, slow.attempt), (fresh.job, fresh.attempt)];
    let lost = desk.store.extend(&leases, at(2_000_000)).await.unwrap();
    assert_eq!(lost, [(slow.job, slow.attempt)]);
    desk.send(&fresh, 40).await;
    let done = desk
        .store
        .settle(completed(&fresh, Some(confirmed(40))))
        .await;
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test]
async fn of_two_intents_for_one_try_one_is_sent() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    let claim = desk.claim_one().await;

    let (first, second) = tokio::join!(
        desk.store.mark_sent(desk.intent(&claim, 40)),
        desk.store.mark_sent(desk.intent(&claim, 40)),
    );

    assert!(first.is_ok(), "{first:?}");
    assert!(lease_lost(&second, claim.job, claim.attempt), "{second:?}");
    assert_eq!(desk.store.money().await.unwrap().reserved.cost.0, 40);
}

#[tokio::test]
async fn of_two_settlements_of_one_try_the_first_counts_whole() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    for completed_first in [true, false] {
        let job = desk.one_job().await;
        let claim = desk.claim_one().await;
        desk.send(&claim, 40).await;
        let good = completed(&claim, Some(confirmed(40)));
        let bad = failed(&claim, Some(bill(CostStatus::Wasted, 30)));
        let (one, other) = if completed_first {
            (good, bad)
        } else {
            (bad, good)
        };

        let (first, second) = tokio::join!(desk.store.settle(one), desk.store.settle(other));

        assert!(first.is_ok(), "{first:?}");
        assert!(lease_lost(&second, job, claim.attempt), "{second:?}");
        let attempt = &desk.store.attempts(job).await.unwrap()[0];
        let found = (desk.state(job).await, attempt.cost_status);
        let wanted = if completed_first {
            (JobState::Completed, CostStatus::Confirmed)
        } else {
            (JobState::Failed, CostStatus::Wasted)
        };
        assert_eq!(found, wanted);
    }
}

#[tokio::test]
async fn a_job_that_was_not_sent_cannot_be_in_doubt() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let job = desk.one_job().await;
    let claim = desk.claim_one().await;

    let answer = desk.store.settle(settle(&claim, Verdict::Hold, None)).await;

    let (from, to) = (JobState::Leased, JobState::Held);
    let illegal = matches!(answer, Err(Error::IllegalMove { job: j, from: f, to: t }) if (j, f, t) == (job, from, to));
    assert!(illegal, "{answer:?}");
}

#[tokio::test]
async fn a_sent_job_is_never_settled_without_a_bill_nor_an_unsent_one_with_one() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    let claim = desk.claim_one().await;

    let billed = desk
        .store
        .settle(completed(&claim, Some(confirmed(40))))
        .await;
    desk.send(&claim, 40).await;
    let unbilled = desk.store.settle(completed(&claim, None)).await;
    let causeless = settle(&claim, Verdict::Fail, Some(confirmed(40)));
    let causeless = desk.store.settle(causeless).await;

    for answer in [billed, unbilled, causeless] {
        assert!(matches!(answer, Err(Error::Misuse { .. })), "{answer:?}");
    }
    assert_eq!(desk.state(claim.job).await, JobState::Sent);
}

#[tokio::test]
async fn an_extended_lease_is_not_rescued() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    desk.one_job().await;
    let claim = desk.claim_one().await;
    let lease = [(claim.job, claim.attempt)];

    let lost = desk.store.extend(&lease, at(LEASE.0 + 10)).await.unwrap();
    let rescued = desk.store.rescue_expired(LEASE).await.unwrap();

    assert!(lost.is_empty());
    assert_eq!(rescued.released, 0);
    assert_eq!(desk.state(claim.job).await, JobState::Leased);
}

#[tokio::test]
async fn failures_and_the_first_fault_are_counted_until_a_person_retries() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let job = desk.one_job().await;
    for (time, counts_failure) in [(100, true), (200, false), (300, true)] {
        let claim = desk.claim_one().await;
        desk.send(&claim, 40).await;
        let verdict = Verdict::Reschedule {
            not_before: at(1),
            counts_failure,
        };
        let end = Settle {
            at: at(time),
            fault: Some(Fault {
                class: FaultClass::Overloaded,
                detail: "no answer".to_owned(),
            }),
            ..settle(&claim, verdict, Some(bill(CostStatus::NotBilled, 40)))
        };
        desk.store.settle(end).await.unwrap();
    }

    let claim = desk.claim_one().await;
    assert_eq!((claim.failures, claim.first_fault_at), (2, Some(at(100))));
    desk.send(&claim, 40).await;
    let end = with_fault(settle(
        &claim,
        Verdict::Fail,
        Some(bill(CostStatus::Wasted, 40)),
    ));
    desk.store.settle(end).await.unwrap();
    let row = desk.store.job(job).await.unwrap().unwrap();
    assert_eq!((row.failures, row.class), (3, Some(FaultClass::TimedOut)));
    desk.store.retry(&Filter::default(), at(400)).await.unwrap();
    let row = desk.store.job(job).await.unwrap().unwrap();
    assert_eq!(
        (row.failures, row.first_fault_at, row.class),
        (0, None, None)
    );
    assert_eq!(row.attempt, claim.attempt);
}
