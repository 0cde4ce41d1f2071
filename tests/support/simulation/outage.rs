//! A provider that is ill for hours and then well again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use voicespool::domain::{FaultClass, Quantity};
use voicespool::engine::EngineError;
use voicespool::engine::limit::Gate;

use super::adaptive_gate;

/// Requests a second the recovering provider takes.
const LIMIT: f64 = 20.0;

/// A provider that fails every request for a while and then takes 20 a second.
#[derive(Debug)]
pub(crate) struct Outage {
    /// When it was well again.
    pub(crate) until: Instant,
    pub(crate) failed: Vec<Instant>,
    accepted: Vec<Instant>,
}

/// 64 workers through one gate: a minute of health, `hours` of `failure`, three minutes of
/// health.
pub(crate) async fn outage(failure: FaultClass, hours: u64, seed: u64) -> (Outage, Gate) {
    let gate = adaptive_gate(seed, 64, None);
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
pub(crate) fn speed(outage: &Outage, at: Instant, from: u64, to: u64) -> f64 {
    let window = at + Duration::from_secs(from)..at + Duration::from_secs(to);
    let count = outage
        .accepted
        .iter()
        .filter(|at| window.contains(at))
        .count();
    f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(to - from).unwrap())
}
