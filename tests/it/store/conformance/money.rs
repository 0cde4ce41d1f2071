//! Money: caps that hold under concurrency, and sums that equal the rows they sum.

use proptest::prelude::*;
use voicespool::domain::{CharCount, CostStatus, Day, FaultClass, NanoUsd, Quantity};
use voicespool::store::{
    Adopt, Attempted, Caps, DoubtPolicy, Error, Evidence, Filter, Intent, Purse, Settle, Store,
    Verdict,
};

use crate::store::conformance::is_sound;
use crate::store::desk::{
    Desk, TODAY, at, bill, completed, confirmed, fault, fresh, key, new_run, object, open, settle,
};

async fn queue_of(desk: &Desk, n: u64) {
    let keys: Vec<_> = (0..n).map(|seed| key(50_000 + seed)).collect();
    let parent = desk.parent(desk.source, key(49_999)).await.id;
    desk.children(parent, desk.source, &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_workers_at_once_never_pass_the_cap() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 64).await;
    let cap = NanoUsd(1_000);
    let caps = Caps {
        queue: Some(cap),
        ..Caps::default()
    };
    desk.store.set_caps(caps).await.unwrap();
    let claims = desk.claim(64).await;
    assert_eq!(claims.len(), 64);

    let sending = claims
        .iter()
        .map(|claim| {
            let (store, intent) = (desk.store.clone(), desk.intent(claim, 30));
            tokio::spawn(async move { store.mark_sent(intent).await })
        })
        .collect::<Vec<_>>();
    let mut sent = 0;
    for answer in sending {
        match answer.await.unwrap() {
            Ok(()) => sent += 1,
            Err(Error::Budget {
                cap, needed, which, ..
            }) => {
                assert_eq!(
                    (cap, needed, which),
                    (NanoUsd(1_000), NanoUsd(30), Purse::Queue)
                );
            }
            Err(other) => panic!("{other}"),
        }
    }

    assert_eq!(sent, 33, "33 times 30 fit into 1,000, 34 times do not");
    let money = desk.store.money().await.unwrap();
    assert_eq!((money.cap, money.reserved.cost), (Some(cap), NanoUsd(990)));
}

#[tokio::test]
async fn a_refused_job_stays_leased_and_room_comes_back_with_the_bill() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 2).await;
    let caps = Caps {
        run: Some((desk.run, Some(NanoUsd(100)))),
        ..Caps::default()
    };
    desk.store.set_caps(caps).await.unwrap();
    let claims = desk.claim(2).await;
    desk.send(&claims[0], 90).await;

    let refused = desk.store.mark_sent(desk.intent(&claims[1], 20)).await;
    let Err(Error::Budget {
        spent,
        reserved,
        which,
        ..
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (spent, reserved, which),
        (NanoUsd(0), NanoUsd(90), Purse::Run(desk.run))
    );
    assert!(desk.store.attempts(claims[1].job).await.unwrap().is_empty());

    let cheaper = completed(&claims[0], Some(confirmed(80)));
    desk.store.settle(cheaper).await.unwrap();
    desk.send(&claims[1], 20).await;
}

#[tokio::test]
async fn what_was_refused_costs_nothing_whatever_the_bill_says() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 1).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 90).await;

    let end = settle(
        &claim,
        Verdict::Release,
        Some(bill(CostStatus::NotBilled, 90)),
    );
    desk.store.settle(end).await.unwrap();

    let attempt = &desk.store.attempts(claim.job).await.unwrap()[0];
    assert_eq!(attempt.cost, NanoUsd::ZERO);
    let money = desk.store.money().await.unwrap();
    assert_eq!(
        (money.not_billed.attempts, money.spent()),
        (1, NanoUsd::ZERO)
    );
}

#[tokio::test]
async fn a_doubt_is_resolved_once_and_moves_its_money() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 1).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 90).await;
    let (job, attempt) = (claim.job, claim.attempt);
    desk.store
        .doubt(job, attempt, at(40), DoubtPolicy::Resend, Evidence::None)
        .await
        .unwrap();
    assert_eq!(desk.store.money().await.unwrap().in_doubt.cost, NanoUsd(90));

    let resolve = |cost| {
        desk.store
            .resolve(job, attempt, CostStatus::Confirmed, NanoUsd(cost))
    };
    resolve(85).await.unwrap();
    let again = resolve(90).await;

    assert!(matches!(again, Err(Error::Misuse { .. })), "{again:?}");
    let money = desk.store.money().await.unwrap();
    assert_eq!(
        (money.in_doubt.attempts, money.confirmed.cost),
        (0, NanoUsd(85))
    );
}

#[tokio::test]
async fn a_bill_may_know_the_quantity_better_than_the_intent_did() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 2).await;
    let claims = desk.claim(2).await;
    for (claim, quantity) in claims
        .iter()
        .zip([None, Some(Quantity::Chars(CharCount(7)))])
    {
        desk.send(claim, 50).await;
        let bill = Attempted {
            quantity,
            ..confirmed(30)
        };
        desk.store
            .settle(completed(claim, Some(bill)))
            .await
            .unwrap();
    }

    for (claim, chars) in claims.iter().zip([10, 7]) {
        let rows = desk.store.attempts(claim.job).await.unwrap();
        assert_eq!(rows[0].quantity, Quantity::Chars(CharCount(chars)));
    }
}

#[tokio::test]
async fn a_day_has_a_cap_of_its_own_and_the_next_day_has_it_again() {
    let (folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 4).await;
    let caps = Caps {
        day: Some(NanoUsd(100)),
        ..Caps::default()
    };
    desk.store.set_caps(caps).await.unwrap();
    let claims = desk.claim(4).await;
    let on = |day: Day, claim, cost| Intent {
        day,
        ..desk.intent(claim, cost)
    };
    let tomorrow = Day(TODAY.0 + 1);
    desk.send(&claims[0], 60).await;
    desk.store
        .doubt(
            claims[0].job,
            claims[0].attempt,
            at(40),
            DoubtPolicy::Hold,
            Evidence::None,
        )
        .await
        .unwrap();

    // What is in doubt is spent, also when the queue is opened again.
    let again = open(&folder).await;
    let refused = again.mark_sent(on(TODAY, &claims[1], 50)).await;
    let Err(Error::Budget { which, spent, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((which, spent), (Purse::Day(TODAY), NanoUsd(60)));
    again.mark_sent(on(TODAY, &claims[1], 40)).await.unwrap();
    again
        .mark_sent(on(tomorrow, &claims[2], 100))
        .await
        .unwrap();
    // A bill that comes on another day than its request stands where the request does.
    let late = Settle {
        at: at(90_000_000),
        ..completed(&claims[1], Some(confirmed(30)))
    };
    again.settle(late).await.unwrap();

    let (today, next) = (
        again.money_of_day(TODAY).await.unwrap(),
        again.money_of_day(tomorrow).await.unwrap(),
    );
    assert_eq!(
        (today.spent(), today.in_doubt.cost, today.confirmed.cost),
        (NanoUsd(90), NanoUsd(60), NanoUsd(30))
    );
    assert_eq!(
        (next.spent(), next.reserved.cost),
        (NanoUsd(0), NanoUsd(100))
    );
    assert_eq!((today.cap, next.cap), (caps.day, caps.day));
    let never = again.money_of_day(Day(20_301_231)).await.unwrap();
    assert_eq!((never.cap, never.spent()), (caps.day, NanoUsd::ZERO));
    is_sound(&again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_workers_at_once_never_pass_the_cap_of_the_day() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 64).await;
    let caps = Caps {
        day: Some(NanoUsd(1_000)),
        ..Caps::default()
    };
    desk.store.set_caps(caps).await.unwrap();
    let claims = desk.claim(64).await;

    let sending = claims.iter().map(|claim| {
        let (store, intent) = (desk.store.clone(), desk.intent(claim, 30));
        tokio::spawn(async move { store.mark_sent(intent).await })
    });
    let sending: Vec<_> = sending.collect();
    let mut sent = 0;
    for answer in sending {
        sent += u32::from(answer.await.unwrap().is_ok());
    }

    assert_eq!(sent, 33);
    let today = desk.store.money_of_day(TODAY).await.unwrap();
    assert_eq!(today.reserved.cost, NanoUsd(990));
}

#[tokio::test]
async fn a_cap_below_what_is_spent_and_a_cap_of_nothing_let_nothing_through_that_costs() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 3).await;
    let claims = desk.claim(3).await;
    desk.send(&claims[0], 90).await;
    let lowered = |cap| Caps {
        queue: Some(NanoUsd(cap)),
        ..Caps::default()
    };

    for cap in [50, 90, 0] {
        desk.store.set_caps(lowered(cap)).await.unwrap();
        let refused = desk.store.mark_sent(desk.intent(&claims[1], 1)).await;
        assert!(
            matches!(refused, Err(Error::Budget { .. })),
            "{cap}: {refused:?}"
        );
    }

    let earlier = completed(&claims[0], Some(confirmed(90)));
    desk.store.settle(earlier).await.unwrap();
    desk.store.set_caps(lowered(90)).await.unwrap();
    desk.send(&claims[1], 0).await;
}

#[tokio::test]
async fn retrying_says_what_may_have_been_paid_already() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    queue_of(&desk, 2).await;
    let claim = desk.claim_one().await;
    desk.send(&claim, 70).await;
    desk.store
        .doubt(
            claim.job,
            claim.attempt,
            at(40),
            DoubtPolicy::Hold,
            Evidence::None,
        )
        .await
        .unwrap();

    let preview = desk.store.retry_preview(&Filter::default()).await.unwrap();

    assert_eq!(
        (
            preview.jobs,
            preview.in_doubt.attempts,
            preview.in_doubt.cost
        ),
        (1, 1, NanoUsd(70))
    );
}

/// One step of a random life of a queue.
#[derive(Debug, Clone, Copy)]
enum Step {
    Claim(u32),
    Send { which: usize, cost: i64 },
    Settle { which: usize, cost: i64, how: u8 },
    Crash { adopt: bool, hold: bool },
    NewRun,
    Retry,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..6_u32).prop_map(Step::Claim),
        6 => (0..6_usize, 0..500_i64).prop_map(|(which, cost)| Step::Send { which, cost }),
        6 => (0..6_usize, 0..700_i64, 0..6_u8)
            .prop_map(|(which, cost, how)| Step::Settle { which, cost, how }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(adopt, hold)| Step::Crash { adopt, hold }),
        1 => Just(Step::NewRun),
        1 => Just(Step::Retry),
    ]
}

/// The number of nano-dollars a queue may spend in the random lives.
const CAP: i64 = 3_000;

async fn live(desk: &mut Desk, steps: &[Step]) {
    let caps = Caps {
        queue: Some(NanoUsd(CAP)),
        ..Caps::default()
    };
    desk.store.set_caps(caps).await.unwrap();
    let mut held: Vec<(voicespool::store::Claim, bool)> = Vec::new();
    for (step, now) in steps.iter().zip(100..) {
        match *step {
            Step::Claim(n) => {
                held.extend(desk.claim(n).await.into_iter().map(|claim| (claim, false)));
            }
            Step::Send { which, cost } => {
                if let Some((claim, sent)) = held.get_mut(which) {
                    let answer = desk.store.mark_sent(desk.intent(claim, cost)).await;
                    let refused =
                        matches!(answer, Err(Error::Budget { .. } | Error::LeaseLost { .. }));
                    assert!(answer.is_ok() || refused, "{answer:?}");
                    *sent |= answer.is_ok();
                }
            }
            Step::Settle { which, cost, how } if which < held.len() => {
                let (claim, sent) = held.swap_remove(which);
                desk.store
                    .settle(end(&claim, sent, cost, how, now))
                    .await
                    .unwrap();
            }
            Step::Settle { .. } => {}
            Step::Crash { adopt, hold } => {
                held.clear();
                crash(&desk.store, adopt, hold, now).await;
            }
            Step::NewRun => {
                desk.run = desk.store.start_run(new_run()).await.unwrap();
            }
            Step::Retry => {
                desk.store.retry(&Filter::default(), at(now)).await.unwrap();
            }
        }
        let money = desk.store.money().await.unwrap();
        assert!(money.reserved.cost.0 >= 0 && money.spent().0 >= 0);
    }
}

fn end(claim: &voicespool::store::Claim, sent: bool, cost: i64, how: u8, now: i64) -> Settle {
    let again = Verdict::Reschedule {
        not_before: at(5),
        counts_failure: how == 2,
    };
    let (verdict, status) = match how {
        0 | 1 => return completed(claim, sent.then(|| confirmed(cost))),
        2 => (again, CostStatus::Wasted),
        3 => (again, CostStatus::InDoubt),
        4 => (Verdict::Fail, CostStatus::NotBilled),
        _ => (Verdict::Release, CostStatus::NotBilled),
    };
    Settle {
        at: at(now),
        fault: Some(fault(FaultClass::BadAnswer)),
        ..settle(claim, verdict, sent.then(|| bill(status, cost)))
    }
}

async fn crash(store: &Store, adopt: bool, hold: bool, now: i64) {
    let recovered = store.recover().await.unwrap();
    for found in recovered.in_flight {
        if adopt {
            let found = Adopt {
                job: found.job,
                attempt: found.attempt,
                at: at(now),
                object: object(),
                audio: None,
                // The answer knows better than the reservation.
                billed: hold.then_some((Quantity::Chars(CharCount(7)), NanoUsd(3))),
            };
            store.adopt(found).await.unwrap();
        } else {
            let policy = if hold {
                DoubtPolicy::Hold
            } else {
                DoubtPolicy::Resend
            };
            store
                .doubt(found.job, found.attempt, at(now), policy, Evidence::None)
                .await
                .unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_sums_are_those_of_the_rows(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = fresh().await;
            let mut desk = Desk::at(store).await;
            queue_of(&desk, 12).await;

            live(&mut desk, &steps).await;

            let ledger = desk.store.ledger(None, None, 10_000).await.unwrap();
            let total = |status: CostStatus| -> i64 {
                ledger.iter().filter(|line| line.row.cost_status == status).map(|line| line.row.cost.0).sum()
            };
            let money = desk.store.money().await.unwrap();
            let runs = desk.store.runs(None, 1000).await.unwrap();
            for (status, queue, run) in [
                (CostStatus::Reserved, money.reserved, runs.iter().map(|run| run.money.reserved.cost.0).sum::<i64>()),
                (CostStatus::Confirmed, money.confirmed, runs.iter().map(|run| run.money.confirmed.cost.0).sum()),
                (CostStatus::Wasted, money.wasted, runs.iter().map(|run| run.money.wasted.cost.0).sum()),
                (CostStatus::InDoubt, money.in_doubt, runs.iter().map(|run| run.money.in_doubt.cost.0).sum()),
            ] {
                assert_eq!(queue.cost.0, total(status), "{status}");
                assert_eq!(run, total(status), "{status} over the runs");
            }
            assert_eq!(desk.store.integrity_check().await.unwrap(), Vec::<String>::new());
            desk.store.close().await.unwrap();
        });
    }
}
