//! A provider whose limit moves.
//!
//! It follows what Together says of its limits (docs.together.ai, 2026): the limit moves
//! with the traffic that was accepted, steady traffic raises it, bursts are turned away, a
//! 429 says in whole seconds when to come back.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Splitmix64, as numbers from 0 to 1.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// A token bucket of one second whose rate follows twice the accepted traffic of the
/// last 15 s, between a floor and a ceiling, by at most a tenth a second.
pub(crate) struct Dynamic {
    dice: Dice,
    rate: f64,
    floor: f64,
    ceiling: f64,
    tokens: f64,
    at: Instant,
    accepted: VecDeque<Instant>,
}

impl Dynamic {
    /// Between `floor` and `ceiling` requests a second; equal ones are a fixed limit.
    pub(crate) fn new(seed: u64, floor: f64, ceiling: f64) -> Self {
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

    /// As after hours of steady traffic: the limit is at its ceiling.
    pub(crate) fn warm(seed: u64, floor: f64, ceiling: f64) -> Self {
        Self {
            rate: ceiling,
            ..Self::new(seed, floor, ceiling)
        }
    }

    /// Latency and whether it is accepted.
    pub(super) fn arrive(&mut self) -> (Duration, bool) {
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
