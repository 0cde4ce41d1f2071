//! How long a job waits for its next try.
//!
//! A fault of the endpoint is waited for at its gate, which closes and probes: the job only
//! makes room, so that another may be the next probe (one job that always fails must not
//! keep the gate closed for all). A job that waited as long as its gate, or longer, would
//! still wait when the provider is well again. A fault of the job alone is waited for here.

use std::time::Duration;

use crate::domain::FaultClass;
use crate::engine::delay::{DelayRules, delay};
use crate::worker::verdict::Try;

/// The longest wait for a fault of the endpoint. Two probes and one of these are a minute.
const MAKES_ROOM_FOR: Duration = Duration::from_secs(20);

/// An endpoint that answered others within this time is well.
const WELL_FOR: Duration = Duration::from_mins(1);

/// The wait before the next try; `jitter` from 0 to 1.
pub(super) fn wait(tried: &Try, rules: DelayRules, jitter: f64) -> Duration {
    let grown = steps(tried.failures, tried.failing_for);
    let is_alone = tried.others_answered.is_some_and(|ago| ago <= WELL_FOR);
    let own = tried.class != FaultClass::Throttled && is_alone;
    if tried.class.opens_the_circuit() && !own {
        let rules = DelayRules {
            cap: rules.cap.min(MAKES_ROOM_FOR),
            ..rules
        };
        return delay(rules, grown, None, jitter);
    }
    delay(rules, grown, tried.retry_after, jitter)
}

/// How far the delay has grown: by failures, or by how long an outage lasts, which counts
/// no failure.
fn steps(failures: u32, failing_for: Duration) -> u32 {
    failures.max(
        failing_for
            .as_secs()
            .checked_ilog2()
            .map_or(0, |log| log + 1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: DelayRules = DelayRules {
        base: Duration::from_secs(1),
        factor: 2.0,
        cap: Duration::from_mins(5),
    };

    fn tried(class: FaultClass) -> Try {
        Try {
            class,
            may_be_billed: false,
            failures: 0,
            failing_for: Duration::from_hours(6),
            others_answered: None,
            answered_meanwhile: false,
            same_before: 0,
            outages: 0,
            outage_for: Duration::ZERO,
            unanswered: 0,
            retry_after: Some(Duration::from_mins(15)),
        }
    }

    #[test]
    fn who_waits_for_an_endpoint_is_back_before_its_second_probe() {
        for class in [
            FaultClass::Throttled,
            FaultClass::Overloaded,
            FaultClass::TimedOut,
        ] {
            assert_eq!(wait(&tried(class), RULES, 1.0), MAKES_ROOM_FOR);
            // It answered others, but long ago.
            let outage = Try {
                others_answered: Some(Duration::from_mins(2)),
                ..tried(class)
            };
            assert_eq!(wait(&outage, RULES, 1.0), MAKES_ROOM_FOR);
        }
    }

    #[test]
    fn who_fails_alone_waits_as_long_as_the_rules_and_the_provider_say() {
        let alone = Try {
            others_answered: Some(Duration::from_secs(3)),
            retry_after: None,
            ..tried(FaultClass::Overloaded)
        };
        assert_eq!(wait(&alone, RULES, 1.0), RULES.cap);
        let asked = Try {
            retry_after: Some(Duration::from_mins(10)),
            ..alone
        };
        assert!(wait(&asked, RULES, 0.0) >= Duration::from_mins(10));
        // A throttle is never about one job.
        let throttled = Try {
            class: FaultClass::Throttled,
            ..asked
        };
        assert!(wait(&throttled, RULES, 1.0) <= MAKES_ROOM_FOR);
    }

    #[test]
    fn bad_answers_wait_by_their_number() {
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4)] {
            let bad = Try {
                failures,
                failing_for: Duration::ZERO,
                retry_after: None,
                ..tried(FaultClass::BadAnswer)
            };
            assert_eq!(wait(&bad, RULES, 1.0), Duration::from_secs(seconds));
        }
    }
}
