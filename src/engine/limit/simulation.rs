//! The gate against imitations of a provider, in virtual time.
//!
//! The dynamic provider follows what Together says of its limits (docs.together.ai,
//! 2026): the limit moves with the traffic that was accepted, steady traffic raises it,
//! bursts are turned away, a 429 says in whole seconds when to come back.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::domain::{FaultClass, Quantity};
use crate::engine::EngineError;
use crate::engine::limit::{Adaptive, Ceilings, Gate};

/// Splitmix64, as numbers from 0 to 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// A token bucket of one second whose rate follows twice the accepted traffic of the
/// last 15 s, between a floor and a ceiling, by at most a tenth a second.
struct Dynamic {
    dice: Dice,
    rate: f64,
    floor: f64,
    ceiling: f64,
    tokens: f64,
    at: Instant,
    accepted: VecDeque<Instant>,
}

impl Dynamic {
    fn new(seed: u64, floor: f64, ceiling: f64) -> Self {
        Self {
            dice: Dice(seed),
            rate: floor,
            floor,
            ceiling,
            tokens: floor,
            at: Instant::now(),
            accepted: VecDeque::new(),
        }
    }

    /// Latency and whether it is accepted.
    fn arrive(&mut self) -> (Duration, bool) {
        let now = Instant::now();
        let since = (now - self.at).as_secs_f64();
        self.at = now;
        while self
            .accepted
            .front()
            .is_some_and(|at| now - *at > Duration::from_secs(15))
        {
            self.accepted.pop_front();
        }
        let traffic = f64::from(u32::try_from(self.accepted.len()).unwrap()) / 15.0;
        let wanted = (2.0 * traffic).clamp(self.floor, self.ceiling);
        let step = self.rate * 0.1 * since;
        self.rate += (wanted - self.rate).clamp(-step, step);
        self.tokens = (self.tokens + since * self.rate).min(self.rate);
        if self.tokens < 1.0 {
            return (Duration::from_millis(40), false);
        }
        self.tokens -= 1.0;
        self.accepted.push_back(now);
        let latency = 0.6 + 1.8 * self.dice.roll();
        (Duration::from_secs_f64(latency), true)
    }
}

#[derive(Debug)]
struct Outcome {
    took: Duration,
    throttles: u32,
    given_up: u32,
}

/// Works off `jobs` through the gate, a throttled one going to the back of the queue.
async fn with_gate(provider: Dynamic, gate: Gate, jobs: u32) -> Outcome {
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
async fn with_fixed_concurrency(provider: Dynamic, concurrency: u32, jobs: u32) -> Outcome {
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

fn adaptive_gate(seed: u64, concurrency: u32) -> Gate {
    let adaptive = Adaptive {
        enabled: true,
        start_per_second: 4.0,
        learned: None,
    };
    let concurrency = NonZeroU32::new(concurrency).unwrap();
    Gate::with_seed(Ceilings::only_concurrency(concurrency), adaptive, seed)
}

#[tokio::test(start_paused = true)]
async fn a_moving_limit_is_followed_with_a_handful_of_throttles() {
    let fixed = with_fixed_concurrency(Dynamic::new(7, 5.0, 20.0), 128, 3000).await;
    println!("fixed concurrency 128: {fixed:?}");
    for seed in 0..8 {
        let provider = Dynamic::new(seed, 5.0, 20.0);
        let gate = adaptive_gate(seed, 128);

        let outcome = with_gate(provider, gate.clone(), 3000).await;

        println!(
            "gate, seed {seed}: {outcome:?}, learned {:?}",
            gate.learned_rate()
        );
        assert!(outcome.took <= Duration::from_secs(190), "{outcome:?}");
        assert!(outcome.throttles <= 10, "{outcome:?}");
        assert!(outcome.throttles * 100 < fixed.throttles, "{fixed:?}");
        assert!(fixed.given_up > 300);
    }
}

/// Requests a second the recovering provider takes.
const LIMIT: f64 = 20.0;

/// A provider that fails every request for a while and then takes 20 a second.
#[derive(Debug)]
struct Outage {
    until: Instant,
    failed: Vec<Instant>,
    accepted: Vec<Instant>,
}

async fn outage(failure: FaultClass, hours: u64) -> (Outage, Gate) {
    let gate = adaptive_gate(3, 64);
    let start = Instant::now();
    let calm = Duration::from_mins(1);
    let until = start + calm + Duration::from_secs(hours * 3600);
    let outage = Arc::new(Mutex::new(Outage {
        until,
        failed: Vec::new(),
        accepted: Vec::new(),
    }));
    let mut workers = JoinSet::new();
    for _ in 0..64 {
        let (outage, gate) = (Arc::clone(&outage), gate.clone());
        workers.spawn(async move {
            while Instant::now() < until + Duration::from_mins(3) {
                let pass = gate.pass(Quantity::Nothing).await;
                let now = Instant::now();
                let ill = now >= start + calm && now < until;
                if ill {
                    outage.lock().unwrap().failed.push(now);
                    sleep(Duration::from_millis(200)).await;
                    pass.failed(&EngineError::new(failure, "ill"));
                    continue;
                }
                let recent = {
                    let mut outage = outage.lock().unwrap();
                    let second = Duration::from_secs(1);
                    let recent = outage
                        .accepted
                        .iter()
                        .rev()
                        .take_while(|at| now - **at < second);
                    let recent = f64::from(u32::try_from(recent.count()).unwrap());
                    if recent < LIMIT {
                        outage.accepted.push(now);
                    }
                    recent
                };
                sleep(Duration::from_millis(800)).await;
                if recent < LIMIT {
                    pass.succeeded();
                } else {
                    pass.throttled(Some(Duration::from_secs(1)));
                }
            }
        });
    }
    workers.join_all().await;
    let outage = Arc::try_unwrap(outage).unwrap().into_inner().unwrap();
    (outage, gate)
}

/// Requests a second accepted between `from` and `to` seconds after `at`.
fn speed(outage: &Outage, at: Instant, from: u64, to: u64) -> f64 {
    let window = at + Duration::from_secs(from)..at + Duration::from_secs(to);
    let count = outage
        .accepted
        .iter()
        .filter(|at| window.contains(at))
        .count();
    f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(to - from).unwrap())
}

async fn six_hours_of(failure: FaultClass) {
    let (outage, gate) = outage(failure, 6).await;
    let ill = outage.until - Duration::from_hours(6);
    let before = speed(&outage, ill - Duration::from_secs(30), 0, 30);
    let after = speed(&outage, outage.until, 60, 160);
    println!(
        "{failure}: {} requests in 6 h, {before:.1}/s before, {:.1}/s in the first minute, {after:.1}/s after it, learned {:?}",
        outage.failed.len(),
        speed(&outage, outage.until, 0, 60),
        gate.learned_rate()
    );

    // Everything sent before the trouble was known; then one probe per interval.
    let settled = ill + Duration::from_mins(2);
    let probes: Vec<_> = outage.failed.iter().filter(|at| **at > settled).collect();
    let apart = probes
        .windows(2)
        .map(|pair| *pair[1] - *pair[0])
        .min()
        .unwrap();
    assert!(apart >= Duration::from_secs(15), "{apart:?}");
    assert!(
        outage.failed.len() < 6 * 3600 / 15 + 64,
        "{}",
        outage.failed.len()
    );
    // The last probe finds the recovery within half a minute.
    assert!(outage.failed.last().unwrap().elapsed() < Duration::from_secs(180 + 35 + 5));
    assert!(after >= before * 0.9, "{before} before, {after} after");
}

#[tokio::test(start_paused = true)]
async fn full_speed_is_back_a_minute_after_six_hours_of_503() {
    six_hours_of(FaultClass::Overloaded).await;
}

#[tokio::test(start_paused = true)]
async fn full_speed_is_back_a_minute_after_six_hours_of_429() {
    six_hours_of(FaultClass::Throttled).await;
}
