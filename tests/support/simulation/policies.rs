//! How jobs are sent: through the gate, by additive increase alone, so many at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use voicespool::domain::Quantity;
use voicespool::engine::limit::Gate;

use super::START;
use super::provider::{Dice, Dynamic};

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) took: Duration,
    pub(crate) throttles: u32,
    /// Jobs over their retry limit.
    pub(crate) given_up: u32,
}

/// Works off `jobs` through the gate, a throttled one going to the back of the queue.
pub(crate) async fn with_gate(provider: Dynamic, gate: Gate, jobs: u32) -> Outcome {
    let start = Instant::now();
    let provider = Arc::new(Mutex::new(provider));
    let left = Arc::new(AtomicU32::new(jobs));
    let mut workers = JoinSet::new();
    for _ in 0..gate.snapshot().ceilings.concurrency.get() {
        let (provider, gate, left) = (Arc::clone(&provider), gate.clone(), Arc::clone(&left));
        workers.spawn(async move {
            let take = |n: u32| n.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                let pass = gate.pass(Quantity::Nothing).await;
                let (latency, accepted) = provider.lock().unwrap().arrive();
                sleep(latency).await;
                if accepted {
                    pass.succeeded();
                } else {
                    left.fetch_add(1, Ordering::Relaxed);
                    pass.throttled(Some(Duration::from_secs(1)));
                }
            }
        });
    }
    workers.join_all().await;
    Outcome {
        took: start.elapsed(),
        throttles: u32::try_from(gate.snapshot().throttled).unwrap(),
        given_up: 0,
    }
}

/// What SDKs do: so many at once, two retries 0.5 to 8 s apart, the header unread.
pub(crate) async fn with_fixed_concurrency(
    provider: Dynamic,
    concurrency: u32,
    jobs: u32,
) -> Outcome {
    let start = Instant::now();
    let provider = Arc::new(Mutex::new(provider));
    let counts = Arc::new([AtomicU32::new(jobs), AtomicU32::new(0), AtomicU32::new(0)]);
    let mut workers = JoinSet::new();
    for worker in 0..concurrency {
        let (provider, counts) = (Arc::clone(&provider), Arc::clone(&counts));
        workers.spawn(async move {
            let [left, throttles, given_up] = &*counts;
            let mut dice = Dice(u64::from(worker));
            let take = |n: u32| n.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                let mut delay = 0.5;
                for retry in 0..3 {
                    let (latency, accepted) = provider.lock().unwrap().arrive();
                    sleep(latency).await;
                    if accepted {
                        break;
                    }
                    throttles.fetch_add(1, Ordering::Relaxed);
                    if retry == 2 {
                        given_up.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    sleep(Duration::from_secs_f64(delay * (0.75 + 0.25 * dice.roll()))).await;
                    delay *= 2.0;
                }
            }
        });
    }
    workers.join_all().await;
    Outcome {
        took: start.elapsed(),
        throttles: counts[1].load(Ordering::Relaxed),
        given_up: counts[2].load(Ordering::Relaxed),
    }
}

/// The textbook: the pace grows by a twentieth of a request a second with every success,
/// is cut to 85 % by a throttle, at most once a second, and nothing ever closes. A throttled
/// job goes to the back of the queue.
pub(crate) async fn with_aimd(provider: Dynamic, concurrency: u32, jobs: u32) -> Outcome {
    struct Pace {
        per_second: f64,
        next: Instant,
        last_cut: Option<Instant>,
    }
    let start = Instant::now();
    let pace = Arc::new(Mutex::new(Pace {
        per_second: START,
        next: start,
        last_cut: None,
    }));
    let provider = Arc::new(Mutex::new(provider));
    let counts = Arc::new([AtomicU32::new(jobs), AtomicU32::new(0)]);
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (pace, provider, counts) = (
            Arc::clone(&pace),
            Arc::clone(&provider),
            Arc::clone(&counts),
        );
        workers.spawn(async move {
            let [left, throttles] = &*counts;
            let take = |n: u32| n.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                let turn = {
                    let mut pace = pace.lock().unwrap();
                    let turn = pace.next.max(Instant::now());
                    pace.next = turn + Duration::from_secs_f64(1.0 / pace.per_second);
                    turn
                };
                sleep_until(turn).await;
                let (latency, accepted) = provider.lock().unwrap().arrive();
                sleep(latency).await;
                let mut pace = pace.lock().unwrap();
                if accepted {
                    pace.per_second += 0.05;
                    continue;
                }
                throttles.fetch_add(1, Ordering::Relaxed);
                left.fetch_add(1, Ordering::Relaxed);
                let now = Instant::now();
                if pace
                    .last_cut
                    .is_none_or(|cut| now - cut >= Duration::from_secs(1))
                {
                    pace.per_second *= 0.85;
                    pace.last_cut = Some(now);
                }
            }
        });
    }
    workers.join_all().await;
    Outcome {
        took: start.elapsed(),
        throttles: counts[1].load(Ordering::Relaxed),
        given_up: 0,
    }
}
