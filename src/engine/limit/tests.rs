use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::poll;
use tokio::time::{Instant, timeout};

use crate::domain::{AudioMillis, CharCount, FaultClass, Quantity};
use crate::engine::limit::{Adaptive, Ceilings, Gate, HeldBackBy, Reason, SavedRate};
use crate::engine::{Answer, EngineError, StatedLimit};

/// Longer than anything here takes: a wait that never ends fails instead of hanging.
const HOUR: Duration = Duration::from_hours(1);

fn nz(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn chars(count: u64) -> Quantity {
    Quantity::Chars(CharCount(count))
}

fn gate(concurrency: u32) -> Gate {
    Gate::only_concurrency(nz(concurrency))
}

fn paced(per_second: f64, concurrency: u32) -> Gate {
    let adaptive = Adaptive {
        enabled: true,
        start_per_second: per_second,
        saved: None,
    };
    Gate::with_seed(Ceilings::only_concurrency(nz(concurrency)), adaptive, 1)
}

async fn now(gate: &Gate) -> super::Pass {
    timeout(Duration::ZERO, gate.pass(Quantity::Nothing))
        .await
        .expect("the gate is open")
}

async fn is_held(gate: &Gate) -> bool {
    timeout(Duration::ZERO, gate.pass(Quantity::Nothing))
        .await
        .is_err()
}

#[tokio::test(start_paused = true)]
async fn no_more_than_concurrency_are_inside_and_a_place_comes_back() {
    let gate = gate(2);
    let first = now(&gate).await;
    let _second = now(&gate).await;
    assert!(is_held(&gate).await);
    assert_eq!(gate.snapshot().held_back_by, Some(HeldBackBy::Concurrency));

    first.succeeded();

    assert_eq!(gate.snapshot().in_flight, 1);
    let _third = now(&gate).await;
    assert_eq!(gate.snapshot().in_flight, 2);
}

#[tokio::test(start_paused = true)]
async fn a_heavy_request_is_not_overtaken_by_light_ones() {
    let ceilings = Ceilings {
        chars_per_minute: Some(nz(60_000)),
        ..Ceilings::only_concurrency(nz(100))
    };
    let gate = Gate::new(ceilings, Adaptive::OFF);
    now(&gate).await.succeeded();
    gate.pass(chars(1000)).await.succeeded();
    let light: Vec<_> = (0..8)
        .map(|_| {
            let gate = gate.clone();
            tokio::task::spawn(async move {
                loop {
                    gate.pass(chars(50)).await.succeeded();
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let start = Instant::now();

    let heavy = timeout(HOUR, gate.pass(chars(900))).await;
    heavy.expect("the heavy one gets its turn").succeeded();

    // Before it: eight light ones; itself: 900 ms.
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
    light.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn the_users_ceilings_hold_exactly() {
    let gate_of = |ceilings| Gate::new(ceilings, Adaptive::OFF);
    let wide = Ceilings::only_concurrency(nz(64));
    for (ceilings, quantity, units, seconds) in [
        (
            Ceilings {
                requests_per_minute: Some(nz(300)),
                ..wide
            },
            chars(2000),
            51,
            10.0,
        ),
        (
            Ceilings {
                chars_per_minute: Some(nz(60_000)),
                ..wide
            },
            chars(2000),
            30,
            59.0,
        ),
        (
            Ceilings {
                audio_seconds_per_minute: Some(nz(3600)),
                ..wide
            },
            Quantity::Audio(AudioMillis(59_001)),
            10,
            9.0,
        ),
    ] {
        let gate = gate_of(ceilings);
        let start = Instant::now();
        for _ in 0..units {
            gate.pass(quantity).await.succeeded();
        }
        let took = start.elapsed().as_secs_f64();

        assert!((took - seconds).abs() < 1.1, "{ceilings:?}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_gives_everything_back() {
    let ceilings = Ceilings {
        requests_per_minute: Some(nz(60)),
        chars_per_minute: Some(nz(60)),
        ..Ceilings::only_concurrency(nz(1))
    };
    let gate = Gate::new(ceilings, Adaptive::OFF);
    let start = Instant::now();
    // Takes the request and 30 characters within 30 s, then leaves.
    let gone = timeout(Duration::from_millis(30_500), gate.pass(chars(60))).await;
    assert!(gone.is_err());
    assert_eq!(gate.snapshot().waiting, 0);
    assert_eq!(gate.snapshot().in_flight, 0);

    gate.pass(chars(30)).await.succeeded();

    assert!(
        start.elapsed() < Duration::from_secs(31),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_throttle_closes_for_the_time_the_provider_says_and_cuts_the_pace() {
    let gate = paced(10.0, 8);
    let pass = now(&gate).await;
    let start = Instant::now();

    pass.throttled(Some(Duration::from_secs(7)));

    assert_eq!(gate.claim_limit(), 0);
    let state = gate.snapshot();
    let closed = state.open_circuit.clone().unwrap();
    let opens = closed.next_try_in.unwrap();
    assert!((7.0..8.1).contains(&opens.as_secs_f64()), "{opens:?}");
    assert_eq!(closed.reason, Reason::Throttled);
    assert!(closed.from_retry_after);
    assert_eq!(state.last_throttle, Some(Duration::ZERO));
    assert!((state.rate.unwrap() - 8.5).abs() < 1e-9);
    assert!(is_held(&gate).await);
    gate.pass(Quantity::Nothing).await.succeeded();
    assert!(start.elapsed() >= Duration::from_secs(7));
    assert_eq!(gate.snapshot().open_circuit, None);
}

#[tokio::test(start_paused = true)]
async fn overload_never_cuts_the_pace_and_lets_one_probe_through() {
    let gate = paced(10.0, 8);
    for _ in 0..5 {
        gate.pass(Quantity::Nothing).await.overloaded(None);
    }
    assert!((gate.snapshot().rate.unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(
        gate.snapshot().open_circuit.unwrap().reason,
        Reason::Overloaded
    );
    gate.ready().await;
    assert_eq!(gate.claim_limit(), 1);

    let probe = now(&gate).await;

    assert_eq!(gate.claim_limit(), 0);
    assert!(
        timeout(Duration::from_secs(100), gate.pass(Quantity::Nothing))
            .await
            .is_err()
    );
    probe.succeeded();
    assert_eq!(gate.snapshot().open_circuit, None);
    now(&gate).await.succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_does_not_lock_the_gate() {
    let gate = paced(10.0, 8);
    for _ in 0..5 {
        gate.pass(Quantity::Nothing).await.overloaded(None);
    }
    gate.ready().await;
    let probe = now(&gate).await;
    drop(probe);

    timeout(HOUR, gate.ready()).await.expect("it opens");
    now(&gate).await.succeeded();

    assert_eq!(gate.snapshot().open_circuit, None);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_probe_does_not_cut_the_pace() {
    let gate = paced(10.0, 8);
    for _ in 0..5 {
        gate.pass(Quantity::Nothing).await.overloaded(None);
    }
    for _ in 0..10 {
        let probe = timeout(HOUR, gate.pass(Quantity::Nothing)).await.unwrap();
        assert!(is_held(&gate).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
        probe.throttled(None);
    }

    assert!((gate.snapshot().rate.unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(
        gate.snapshot().open_circuit.unwrap().reason,
        Reason::Throttled
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_fault_stops_everything_for_the_rest_of_the_run() {
    let gate = gate(4);
    now(&gate).await.account();
    assert!(
        timeout(Duration::from_hours(24), gate.ready())
            .await
            .is_err()
    );
    assert_eq!(gate.claim_limit(), 0);
    let open = gate.snapshot().open_circuit.unwrap();
    assert_eq!((open.reason, open.next_try_in), (Reason::Account, None));
    assert!(is_held(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_closes_while_somebody_waits_for_a_ceiling_holds_them() {
    let ceilings = Ceilings {
        requests_per_minute: Some(nz(60)),
        ..Ceilings::only_concurrency(nz(4))
    };
    let gate = Gate::new(ceilings, Adaptive::OFF);
    let first = now(&gate).await;
    let start = Instant::now();
    let mut second = Box::pin(gate.pass(Quantity::Nothing));
    assert!(poll!(&mut second).is_pending());

    first.throttled(Some(Duration::from_secs(20)));
    second.await.succeeded();

    assert!(start.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn claims_ask_for_about_a_second_of_work() {
    let gate = paced(3.0, 64);
    assert_eq!(gate.claim_limit(), 3);
    let line: Vec<_> = (0..4)
        .map(|_| {
            let gate = gate.clone();
            tokio::task::spawn(async move { gate.pass(Quantity::Nothing).await })
        })
        .collect();
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!(gate.snapshot().in_flight, 1);
    assert_eq!(gate.snapshot().held_back_by, Some(HeldBackBy::Pace));
    assert_eq!(gate.claim_limit(), 4);
    assert_eq!(gate.snapshot().rate, Some(3.0));
    line.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn each_class_of_fault_has_its_consequence() {
    for class in FaultClass::ALL {
        let gate = paced(1000.0, 8);
        let mut error = EngineError::new(*class, "x");
        error.retry_after = Some(Duration::from_secs(5));
        for _ in 0..5 {
            let Ok(pass) = timeout(Duration::from_secs(1), gate.pass(Quantity::Nothing)).await
            else {
                break;
            };
            pass.failed(&error);
        }
        let closed = gate.snapshot().open_circuit.map(|closed| closed.reason);
        let expected = match class {
            FaultClass::Throttled => Some(Reason::Throttled),
            FaultClass::Overloaded | FaultClass::TimedOut => Some(Reason::Overloaded),
            FaultClass::Account => Some(Reason::Account),
            FaultClass::Refused
            | FaultClass::BadAnswer
            | FaultClass::Local
            | FaultClass::Child
            | FaultClass::Poison => None,
        };
        assert_eq!(closed, expected, "{class}");
        assert_eq!(gate.snapshot().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_learned_is_where_the_next_run_starts() {
    let gate = paced(2.0, 64);
    for _ in 0..40 {
        gate.pass(Quantity::Nothing).await.succeeded();
    }
    // Never refused: no lesson.
    assert_eq!(gate.learned_rate(), None);
    gate.pass(Quantity::Nothing).await.throttled(None);
    let learned = gate.learned_rate().unwrap();
    assert!(learned > 4.0, "{learned}");

    let adaptive = Adaptive {
        saved: Some(SavedRate {
            per_second: learned,
            age: Duration::ZERO,
        }),
        ..Adaptive::default()
    };
    let next = Gate::new(Ceilings::only_concurrency(nz(64)), adaptive);

    assert_eq!(next.snapshot().rate, Some(learned));
    assert_eq!(next.learned_rate(), None);
    // Confirmed, it is as good as new.
    next.pass(Quantity::Nothing).await.succeeded();
    assert_eq!(next.learned_rate(), Some(learned));
}

#[tokio::test(start_paused = true)]
async fn a_limit_stated_with_an_answer_bounds_what_follows() {
    let gate = paced(50.0, 64);
    let stated = StatedLimit {
        per_second: Some(2.0),
        used_up_for: None,
    };
    let answer = Answer {
        stated,
        ..Answer::default()
    };
    now(&gate).await.answered(&answer);
    let start = Instant::now();

    for _ in 0..10 {
        gate.pass(Quantity::Nothing).await.answered(&answer);
    }

    let took = start.elapsed().as_secs_f64();
    assert!((4.4..5.1).contains(&took), "{took}");
    assert_eq!(gate.snapshot().held_back_by, Some(HeldBackBy::StatedLimit));
    // A refusal states it as well.
    let slower = EngineError {
        stated: StatedLimit {
            per_second: Some(0.5),
            used_up_for: None,
        },
        ..EngineError::new(FaultClass::Refused, "no")
    };
    gate.pass(Quantity::Nothing).await.failed(&slower);
    assert_eq!(gate.snapshot().rate, Some(0.5));
}

/// 60 minutes of audio a minute, and 3,000 characters a minute.
fn small_ceilings() -> Gate {
    let ceilings = Ceilings {
        chars_per_minute: Some(nz(3000)),
        audio_seconds_per_minute: Some(nz(3600)),
        ..Ceilings::only_concurrency(nz(64))
    };
    Gate::new(ceilings, Adaptive::OFF)
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_ceiling_of_a_minute_is_served_in_its_turn() {
    for (heavy, light, minutes) in [
        (chars(4000), chars(100), 4000.0 / 3000.0),
        (
            Quantity::Audio(AudioMillis(2 * 3_600_000)),
            Quantity::Audio(AudioMillis(30_000)),
            2.0,
        ),
    ] {
        let gate = small_ceilings();
        // Something light is always in line, before it and after it.
        let line: Vec<_> = (0..8)
            .map(|_| {
                let gate = gate.clone();
                tokio::task::spawn(async move {
                    loop {
                        gate.pass(light).await.succeeded();
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(30)).await;
        let start = Instant::now();

        let pass = timeout(HOUR, gate.pass(heavy)).await.expect("its turn");

        let took = start.elapsed().as_secs_f64() / 60.0;
        // Itself, and the eight light ones that stood before it.
        assert!(
            (minutes..minutes + 0.4).contains(&took),
            "{heavy:?}: {took} min"
        );
        pass.succeeded();
        line.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test(start_paused = true)]
async fn light_requests_behind_a_heavy_one_go_on_after_it_in_their_order() {
    let gate = small_ceilings();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut line = Vec::new();
    for (name, size) in [(0, 4000), (1, 10), (2, 10), (3, 2000), (4, 10)] {
        let (gate, order) = (gate.clone(), Arc::clone(&order));
        line.push(tokio::task::spawn(async move {
            gate.pass(chars(size)).await.succeeded();
            order.lock().unwrap().push(name);
        }));
        tokio::task::yield_now().await;
    }
    for task in line {
        timeout(HOUR, task).await.expect("served").unwrap();
    }

    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn all_three_ceilings_hold_together_over_ten_minutes() {
    let ceilings = Ceilings {
        requests_per_minute: Some(nz(30)),
        chars_per_minute: Some(nz(3000)),
        ..Ceilings::only_concurrency(nz(64))
    };
    let gate = Gate::new(ceilings, Adaptive::OFF);
    let start = Instant::now();
    let (mut requests, mut characters) = (0_u32, 0_u32);
    // Small ones are bound by their number, large ones by their length.
    for number in 0..150 {
        let size = if number % 2 == 0 { 10 } else { 390 };
        gate.pass(chars(size)).await.succeeded();
        requests += 1;
        characters += u32::try_from(size).unwrap();
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        assert!(f64::from(requests) <= 30.0 * minutes + 2.0);
        assert!(
            f64::from(characters) <= 3000.0 * minutes + 51.0 + 1e-6,
            "{characters} in {minutes}"
        );
    }
    // 150 requests and 30,000 characters: ten minutes by length, five by number. A small one
    // waits two seconds for its number, and of text only one second is saved up meanwhile.
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    assert!((9.8..11.1).contains(&minutes), "{minutes}");
}
