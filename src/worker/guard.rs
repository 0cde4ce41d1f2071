//! The runaway guard: a run that pays and gets nothing usable for it stops by itself.
//!
//! Two rules, both over requests that were paid for (or may have been):
//!
//! 1. The last paid requests, [`JUDGED_FROM`] to [`WINDOW`] of them, are `factor` or more
//!    beyond `factor` for each usable answer. This is how money really burns: answers that
//!    are unusable and asked for again.
//! 2. One answer cost more than `factor` times its estimate: its audio is longer than its
//!    header said, and the next ones will be too.
//!
//! What does not count: work that costs nothing, throttling and refusals. A request that nobody
//! answered counts if it may be on the bill, whoever else is answered.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use crate::domain::NanoUsd;

/// Paid requests the guard remembers with the usual factor of 5; 20 times a larger factor.
pub const WINDOW: usize = 100;

/// Paid requests before it judges: fewer may be bad luck.
pub const JUDGED_FROM: usize = 20;

/// The largest factor: beyond it the guard would come too late to be one.
const MOST: usize = 100;

/// Watches one run.
#[derive(Debug)]
pub struct Guard {
    factor: Option<usize>,
    /// The last paid requests: what each cost, and whether its answer was usable.
    recent: Mutex<VecDeque<(NanoUsd, bool)>>,
}

impl Guard {
    /// A guard that allows `factor` paid requests for each usable answer (above 100 as
    /// 100); `None`: any number.
    pub fn new(factor: Option<NonZeroU32>) -> Self {
        let number = |factor: NonZeroU32| usize::try_from(factor.get()).unwrap_or(MOST).min(MOST);
        Self {
            factor: factor.map(number),
            recent: Mutex::default(),
        }
    }

    /// Notes a request that was paid for, or may have been. `Some` says in words why the
    /// run must not go on.
    pub(crate) fn paid(&self, cost: NanoUsd, usable: bool) -> Option<String> {
        let factor = self.factor?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back((cost, usable));
        if recent.len() > WINDOW.max(20 * factor) {
            recent.pop_front();
        }
        let n_usable = recent.iter().filter(|(_, usable)| *usable).count();
        if recent.len() < JUDGED_FROM || recent.len() < factor * (n_usable + 1) {
            return None;
        }
        let spent = recent
            .iter()
            .fold(NanoUsd::ZERO, |sum, (cost, _)| sum.saturating_add(*cost));
        Some(format!(
            "the last {} paid requests cost {} and brought {n_usable} usable answers; \
             the limit is {factor} paid requests for each",
            recent.len(),
            spent.display()
        ))
    }

    /// Compares what one answer cost with its estimate. `Some` says why the run must not go on.
    pub(crate) fn compare(&self, cost: NanoUsd, estimate: NanoUsd) -> Option<String> {
        let factor = self.factor?;
        let limit = i64::try_from(factor).ok()?.saturating_mul(estimate.0);
        (estimate > NanoUsd::ZERO && cost.0 > limit).then(|| {
            format!(
                "one answer cost {} and was estimated at {}; the limit is {factor} times the estimate",
                cost.display(),
                estimate.display()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: NanoUsd = NanoUsd(1_000_000);

    fn guard() -> Guard {
        Guard::new(NonZeroU32::new(5))
    }

    /// The request at which the guard stops a run whose answers are usable as told.
    fn stops_at(guard: &Guard, mut usable: impl FnMut(usize) -> bool) -> Option<usize> {
        (1..=1_000).find(|n| guard.paid(COST, usable(*n)).is_some())
    }

    #[test]
    fn nothing_but_bad_answers_stops_at_the_twentieth() {
        assert_eq!(stops_at(&guard(), |_| false), Some(JUDGED_FROM));
        let why = guard();
        let words = (0..JUDGED_FROM)
            .find_map(|_| why.paid(COST, false))
            .unwrap();
        assert!(
            words.contains("20 paid requests cost $0.020000 and brought 0 usable"),
            "{words}"
        );
    }

    #[test]
    fn one_usable_answer_in_five_goes_on_and_one_in_six_does_not() {
        assert_eq!(stops_at(&guard(), |n| n % 5 == 0), None);
        assert!(stops_at(&guard(), |n| n % 6 == 0).is_some());
    }

    #[test]
    fn ten_thousand_good_answers_buy_no_more_than_a_window_of_bad_ones() {
        let guard = guard();
        for _ in 0..10_000 {
            assert_eq!(guard.paid(COST, true), None);
        }

        let stopped = stops_at(&guard, |_| false).unwrap();

        assert_eq!(stopped, WINDOW * 4 / 5 + 1);
    }

    #[test]
    fn a_generous_factor_comes_later_and_still_comes() {
        let generous = Guard::new(NonZeroU32::new(1_000));

        assert_eq!(stops_at(&generous, |_| false), Some(MOST));
    }

    #[test]
    fn a_guard_without_a_factor_never_stops() {
        assert_eq!(stops_at(&Guard::new(None), |_| false), None);
        assert_eq!(Guard::new(None).compare(NanoUsd(i64::MAX), COST), None);
    }

    #[test]
    fn an_answer_of_five_times_its_estimate_passes_and_a_dearer_one_does_not() {
        assert_eq!(guard().compare(NanoUsd(5_000_000), COST), None);
        assert!(guard().compare(NanoUsd(5_000_001), COST).is_some());
        assert_eq!(guard().compare(COST, NanoUsd::ZERO), None);
    }
}
