//! What the queue does with a try that gave no result. Decided here and nowhere else, in
//! one exhaustive match: a new class must not compile until someone chooses.

use std::time::Duration;

use crate::domain::{CostStatus, FaultClass};

/// A job that met one fault in one run and one in the next, days apart, was not tried for
/// days. A job that fails alone is tried so often within hours.
const TRIES_BEFORE_GIVING_UP: u32 = 12;

/// Requests of one job that nobody answered and that may be on the bill, before a person has to
/// say whether there is to be another.
const UNANSWERED_BEFORE_HOLDING: u32 = 3;

/// When to stop trying.
#[derive(Debug, Clone, Copy)]
pub struct RetryRules {
    /// Failures that count, before a job is given up.
    pub max_failures: u32,
    /// How long a job is tried while others succeed.
    pub give_up_after: Duration,
}

/// What is known about the job and its try.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    pub class: FaultClass,
    pub may_be_billed: bool,
    /// Failures counted before this one.
    pub failures: u32,
    /// Time since the first fault of this job; zero for the first.
    pub failing_for: Duration,
    /// Earlier requests of this job that the endpoint failed or did not answer, and the time since
    /// the first of them. Throttles, probes that were refused, pauses and ends of runs are none.
    pub outages: u32,
    pub outage_for: Duration,
    /// Those of them that nobody answered and that may be on the bill.
    pub unanswered: u32,
    /// Time since the endpoint answered another job, if that was after this job's first fault:
    /// then the fault is the job's.
    pub others_answered: Option<Duration>,
    /// The endpoint answered others while this request waited: no outage took its answer.
    pub answered_meanwhile: bool,
    /// Answers right before this one that were bad in the very same way.
    pub same_before: u32,
    /// The wait that the provider asked for.
    pub retry_after: Option<Duration>,
}

impl Try {
    /// The request may be on the bill and brought nothing.
    pub fn is_paid_for_nothing(&self) -> bool {
        match self.class {
            FaultClass::BadAnswer => true,
            FaultClass::Overloaded | FaultClass::TimedOut => self.may_be_billed,
            FaultClass::Throttled
            | FaultClass::Account
            | FaultClass::Refused
            | FaultClass::Local
            | FaultClass::Child
            | FaultClass::Poison => false,
        }
    }
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Again later; `counts` says whether it is a failure.
    Again { counts: bool },
    /// Given up.
    GiveUp,
    /// Set aside: whether it is sent once more is for a person to say.
    Hold,
    /// Again, but the endpoint or this machine must be put right by a person first.
    Stop,
}

/// Decides about one try.
pub fn decide(tried: &Try, rules: &RetryRules) -> (Next, CostStatus) {
    let unknown = if tried.may_be_billed {
        CostStatus::InDoubt
    } else {
        CostStatus::NotBilled
    };
    let outlasted = tried.outage_for >= rules.give_up_after
        && tried.others_answered.is_some()
        && tried.outages >= TRIES_BEFORE_GIVING_UP;
    let is_dear =
        tried.may_be_billed && tried.unanswered.saturating_add(1) >= UNANSWERED_BEFORE_HOLDING;
    match tried.class {
        FaultClass::Throttled => (Next::Again { counts: false }, CostStatus::NotBilled),
        FaultClass::Overloaded | FaultClass::TimedOut => (
            if outlasted {
                Next::GiveUp
            } else if is_dear {
                // A time limit that is too short would else buy the same answer for a day.
                Next::Hold
            } else {
                again(
                    tried,
                    rules,
                    tried.may_be_billed && tried.answered_meanwhile,
                )
            },
            unknown,
        ),
        FaultClass::Account => (Next::Stop, CostStatus::NotBilled),
        FaultClass::Refused => (Next::GiveUp, CostStatus::NotBilled),
        // The same answer again and again is what the provider has: a third one would be the same.
        FaultClass::BadAnswer if tried.same_before > 0 => (Next::GiveUp, CostStatus::Wasted),
        FaultClass::BadAnswer => (again(tried, rules, true), CostStatus::Wasted),
        // The disk failed after the answer was paid for, or before anything was sent.
        FaultClass::Local => (Next::Stop, unknown),
        FaultClass::Child | FaultClass::Poison => (Next::GiveUp, CostStatus::NotBilled),
    }
}

/// Again, unless this failure counts and is the last allowed.
fn again(tried: &Try, rules: &RetryRules, counts: bool) -> Next {
    if counts && tried.failures.saturating_add(1) >= rules.max_failures {
        Next::GiveUp
    } else {
        Next::Again { counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RetryRules = RetryRules {
        max_failures: 4,
        give_up_after: Duration::from_hours(24),
    };

    fn tried(class: FaultClass) -> Try {
        Try {
            class,
            may_be_billed: false,
            failures: 0,
            failing_for: Duration::ZERO,
            others_answered: Some(Duration::ZERO),
            answered_meanwhile: false,
            same_before: 0,
            outages: 40,
            outage_for: Duration::ZERO,
            unanswered: 0,
            retry_after: None,
        }
    }

    #[test]
    fn an_answer_lost_while_others_are_answered_is_a_failure_and_in_an_outage_is_none() {
        let lost = Try {
            may_be_billed: true,
            failures: 3,
            ..tried(FaultClass::TimedOut)
        };
        let alone = Try {
            answered_meanwhile: true,
            ..lost
        };

        assert_eq!(
            decide(&lost, &RULES),
            (Next::Again { counts: false }, CostStatus::InDoubt)
        );
        assert_eq!(decide(&alone, &RULES), (Next::GiveUp, CostStatus::InDoubt));
        let unsent = Try {
            may_be_billed: false,
            ..alone
        };
        assert_eq!(
            decide(&unsent, &RULES),
            (Next::Again { counts: false }, CostStatus::NotBilled)
        );
    }

    #[test]
    fn throttles_do_not_make_a_job_that_fails_alone() {
        // A day of throttles, then one answer of 503.
        let once = Try {
            failing_for: Duration::from_hours(48),
            outages: 0,
            outage_for: Duration::ZERO,
            ..tried(FaultClass::Overloaded)
        };

        assert_eq!(decide(&once, &RULES).0, Next::Again { counts: false });
        let twelve = Try {
            outages: 11,
            outage_for: Duration::from_hours(48),
            ..once
        };
        assert_eq!(decide(&twelve, &RULES).0, Next::Again { counts: false });
        let thirteen = Try {
            outages: 12,
            ..twelve
        };
        assert_eq!(decide(&thirteen, &RULES).0, Next::GiveUp);
    }

    #[test]
    fn the_third_request_that_nobody_answers_is_the_last_without_a_person() {
        let lost = Try {
            may_be_billed: true,
            ..tried(FaultClass::TimedOut)
        };
        for (unanswered, next) in [
            (0, Next::Again { counts: false }),
            (1, Next::Again { counts: false }),
            (2, Next::Hold),
            (9, Next::Hold),
        ] {
            let lost = Try { unanswered, ..lost };
            assert_eq!(decide(&lost, &RULES), (next, CostStatus::InDoubt));
            assert!(lost.is_paid_for_nothing(), "whoever else is answered");
            let free = Try {
                may_be_billed: false,
                ..lost
            };
            assert_eq!(decide(&free, &RULES).0, Next::Again { counts: false });
        }
    }

    #[test]
    fn neither_throttling_nor_an_outage_uses_up_a_job() {
        let outage = Try {
            failing_for: Duration::from_hours(250),
            others_answered: None,
            failures: 99,
            ..tried(FaultClass::Overloaded)
        };

        assert_eq!(decide(&outage, &RULES).0, Next::Again { counts: false });
        assert_eq!(
            decide(
                &Try {
                    failures: 99,
                    ..tried(FaultClass::Throttled)
                },
                &RULES
            )
            .0,
            Next::Again { counts: false }
        );
    }

    #[test]
    fn a_job_that_fails_alone_for_a_day_is_given_up() {
        let alone = Try {
            outage_for: Duration::from_hours(24),
            ..tried(FaultClass::Overloaded)
        };

        assert_eq!(decide(&alone, &RULES).0, Next::GiveUp);
        // Two faults with a week between two runs in the middle.
        let twice = Try {
            outage_for: Duration::from_hours(168),
            outages: 2,
            ..alone
        };
        assert_eq!(decide(&twice, &RULES).0, Next::Again { counts: false });
    }

    #[test]
    fn bad_answers_are_paid_for_and_counted() {
        assert_eq!(
            decide(&tried(FaultClass::BadAnswer), &RULES),
            (Next::Again { counts: true }, CostStatus::Wasted)
        );
        assert_eq!(
            decide(
                &Try {
                    failures: 3,
                    ..tried(FaultClass::BadAnswer)
                },
                &RULES
            )
            .0,
            Next::GiveUp
        );
    }

    #[test]
    fn a_wrong_key_fails_no_job_and_a_lost_answer_is_never_free() {
        assert_eq!(
            decide(&tried(FaultClass::Account), &RULES),
            (Next::Stop, CostStatus::NotBilled)
        );
        let lost = Try {
            may_be_billed: true,
            ..tried(FaultClass::TimedOut)
        };
        assert_eq!(decide(&lost, &RULES).1, CostStatus::InDoubt);
    }
}
