//! How long to wait before a try. Pure: no clock, no randomness, no sleeping.
//!
//! The growth of the wait is the crate `backoff`'s [`ExponentialBackoff`]; this is the
//! only file that may use it. Three of its habits are kept out: it draws its own random
//! number (jitter is injected here), it applies jitter after the cap (60 s became 88.7 s),
//! and it gives up 15 minutes after it was made.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// The longest wish of a provider that is obeyed; a longer one is cut to this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(15);

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayRules {
    /// The longest wait after the first try.
    pub base: Duration,
    /// Each further try multiplies the wait by this; at least 1.
    pub factor: f64,
    /// No wait is longer, whatever the jitter (a provider's own wish may be).
    pub cap: Duration,
}

impl Default for DelayRules {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(2),
            factor: 2.0,
            cap: Duration::from_mins(1),
        }
    }
}

/// A doubling wait reaches any cap long before.
const MAX_STEPS: u32 = 64;
/// What is added to the provider's wish, at most: a tenth of it, at least this. All the
/// requests it turned away would else come back in the same millisecond.
const MIN_SPREAD: Duration = Duration::from_secs(1);

/// The wait after `tries` tries have ended without success.
///
/// Full jitter: evenly spread from nothing to the grown wait by `jitter` (0 to 1). A
/// `retry_after` of the provider is obeyed: at least that long (up to 15 min), plus up to
/// a tenth.
pub fn delay(
    rules: DelayRules,
    tries: u32,
    retry_after: Option<Duration>,
    jitter: f64,
) -> Duration {
    let jitter = if jitter.is_finite() {
        jitter.clamp(0.0, 1.0)
    } else {
        1.0
    };
    let own = grown(rules, tries).mul_f64(jitter);
    match retry_after {
        None => own,
        Some(wish) => {
            let wish = wish.min(MAX_RETRY_AFTER);
            let spread = (wish / 10).max(MIN_SPREAD);
            own.max(wish + spread.mul_f64(jitter))
        }
    }
}

/// `base * factor^(tries - 1)`, at most the cap; nothing before the first try.
fn grown(rules: DelayRules, tries: u32) -> Duration {
    let mut policy = ExponentialBackoff {
        current_interval: rules.base.min(rules.cap),
        initial_interval: rules.base.min(rules.cap),
        randomization_factor: 0.0,
        multiplier: rules.factor.max(1.0),
        max_interval: rules.cap,
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    (0..tries.min(MAX_STEPS))
        .map_while(|_| policy.next_backoff())
        .last()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: DelayRules = DelayRules {
        base: Duration::from_secs(1),
        factor: 2.0,
        cap: Duration::from_mins(1),
    };

    fn seconds(tries: u32, retry_after: Option<u64>, jitter: f64) -> f64 {
        delay(RULES, tries, retry_after.map(Duration::from_secs), jitter).as_secs_f64()
    }

    #[test]
    fn the_wait_doubles_and_is_spread_over_its_whole_length() {
        for (tries, longest) in [(0, 0.0), (1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0)] {
            assert!(seconds(tries, None, 0.0) < 1e-9);
            assert!((seconds(tries, None, 0.5) - longest / 2.0).abs() < 1e-6);
            assert!((seconds(tries, None, 1.0) - longest).abs() < 1e-6);
        }
    }

    #[test]
    fn no_jitter_goes_over_the_cap() {
        for tries in [7, 64, 1000, u32::MAX] {
            for jitter in [0.999, 1.0, 7.0, f64::INFINITY, f64::NAN] {
                assert!(seconds(tries, None, jitter) <= 60.0);
            }
        }
    }

    #[test]
    fn the_providers_wish_is_a_floor_with_a_little_on_top() {
        for (wish, most) in [(0, 1.0), (5, 6.0), (300, 330.0), (10_000_000, 990.0)] {
            let floor = f64::from(u32::try_from(wish.min(900)).unwrap());

            assert!((seconds(1, Some(wish), 0.0) - floor).abs() < 1e-6);
            assert!((seconds(1, Some(wish), 1.0) - most).abs() < 1e-6);
        }
        // A short wish does not undo what was learned from many tries.
        assert!((seconds(20, Some(1), 1.0) - 60.0).abs() < 1e-6);
    }

    #[test]
    fn strange_rules_give_a_wait_and_no_panic() {
        for (base, factor, cap) in [
            (Duration::MAX, 2.0, Duration::from_secs(9)),
            (Duration::ZERO, 2.0, Duration::from_secs(9)),
            (Duration::from_secs(1), f64::NAN, Duration::from_secs(9)),
            (
                Duration::from_secs(1),
                f64::INFINITY,
                Duration::from_secs(9),
            ),
            (Duration::from_secs(1), -3.0, Duration::ZERO),
        ] {
            let rules = DelayRules { base, factor, cap };
            for tries in [0, 1, 9, u32::MAX] {
                assert!(delay(rules, tries, None, 1.0) <= cap);
            }
        }
    }
}
