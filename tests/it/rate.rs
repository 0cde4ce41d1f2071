//! Rate control in virtual time: what it costs to find a limit, and to outlive an outage.
//! `cargo lab gate` prints the same figures as a table.

use std::time::Duration;

use voicespool::domain::FaultClass;
use voicespool::engine::limit::SavedRate;

use crate::support::simulation::{
    Dynamic, adaptive_gate, outage, speed, with_aimd, with_fixed_concurrency, with_gate,
};

const JOBS: u32 = 3000;

#[tokio::test(start_paused = true)]
async fn a_moving_limit_is_followed_with_a_handful_of_throttles() {
    let fixed = with_fixed_concurrency(Dynamic::new(7, 5.0, 20.0), 128, JOBS).await;
    assert!(fixed.throttles > 2000 && fixed.given_up > 300, "{fixed:?}");
    for seed in 0..8 {
        let aimd = with_aimd(Dynamic::new(seed, 5.0, 20.0), 128, JOBS).await;

        let gate = adaptive_gate(seed, 128, None);
        let ours = with_gate(Dynamic::new(seed, 5.0, 20.0), gate, JOBS).await;

        assert!(ours.took <= Duration::from_secs(190), "{ours:?}");
        assert!(ours.throttles <= 10, "{ours:?}");
        assert!(ours.throttles * 100 < fixed.throttles, "{fixed:?}");
        assert!(ours.throttles * 4 < aimd.throttles, "{aimd:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_knows_the_limit_and_meets_fewer_throttles() {
    for seed in 0..8 {
        let gate = adaptive_gate(seed, 128, None);
        let first = with_gate(Dynamic::new(seed, 10.0, 10.0), gate.clone(), 400).await;
        let learned = gate.learned_rate().expect("it was throttled");
        assert!((7.0..14.0).contains(&learned), "{learned}");

        let known = SavedRate {
            per_second: learned,
            age: Duration::from_mins(5),
        };
        let gate = adaptive_gate(seed, 128, Some(known));
        let second = with_gate(Dynamic::new(seed, 10.0, 10.0), gate, 400).await;

        assert!(second.throttles <= first.throttles, "{first:?} {second:?}");
        assert!(second.took < first.took, "{first:?} {second:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_is_faster_while_the_limit_is_still_up_and_recovers_if_it_is_not() {
    for seed in 0..4 {
        let gate = adaptive_gate(seed, 128, None);
        let first = with_gate(Dynamic::new(seed, 5.0, 20.0), gate.clone(), JOBS).await;
        let known = gate.learned_rate().map(|per_second| SavedRate {
            per_second,
            age: Duration::from_mins(5),
        });

        let warm = adaptive_gate(seed, 128, known);
        let warm = with_gate(Dynamic::warm(seed, 5.0, 20.0), warm, JOBS).await;
        let forgotten = adaptive_gate(seed, 128, known);
        let forgotten = with_gate(Dynamic::new(seed, 5.0, 20.0), forgotten, JOBS).await;

        assert!(warm.took.mul_f64(1.1) < first.took, "{first:?} {warm:?}");
        assert!(forgotten.took < first.took.mul_f64(1.1), "{forgotten:?}");
        assert!(forgotten.throttles <= 25, "{forgotten:?}");
    }
}

async fn six_hours_of(failure: FaultClass) {
    let (outage, _) = outage(failure, 6, 3).await;
    let ill = outage.until - Duration::from_hours(6);
    let before = speed(&outage, ill - Duration::from_secs(30), 0, 30);
    let after = speed(&outage, outage.until, 60, 160);

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

#[tokio::test(start_paused = true)]
async fn full_speed_is_back_a_minute_after_six_hours_without_an_answer() {
    six_hours_of(FaultClass::TimedOut).await;
}
