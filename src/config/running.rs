//! How a run is to go: what it may cost, how much it does at once, and how it tries again.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::build::Build;
use crate::config::settings::{Budget, Retry, Run};
use crate::config::sources::Overrides;
use crate::config::tables::{BudgetTable, FileTable, RetryTable, RunTable};
use crate::config::text::OnInDoubt;
use crate::config::values::Count;
use crate::domain::NanoUsd;

/// Paid requests for each usable answer that may still be bad luck.
const RUNAWAY_FACTOR: u32 = 5;

/// What a run may cost unasked on a terminal.
const CONFIRM_ABOVE: NanoUsd = NanoUsd(1_000_000_000);

const WORKERS: NonZeroU32 = NonZeroU32::new(8).expect("8 is not zero");

const MAX_FAILURES: NonZeroU32 = NonZeroU32::new(4).expect("4 is not zero");

/// The layers that have a say, but for the environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) project: &'a FileTable,
    pub(super) user: &'a FileTable,
    pub(super) flags: &'a Overrides,
}

pub(super) fn budget(build: &mut Build, files: Files<'_>) -> Budget {
    let (none, flags) = (BudgetTable::default(), files.flags);
    let project = files.project.budget.value().unwrap_or(&none);
    let user = files.user.budget.value().unwrap_or(&none);
    Budget {
        max_cost: build.pick_tight(
            "budget.max_cost",
            flags.max_cost,
            (&project.max_cost, &user.max_cost),
            None,
            |a, b| a > b,
        ),
        max_cost_per_day: build.pick_tight(
            "budget.max_cost_per_day",
            flags.max_cost_per_day,
            (&project.max_cost_per_day, &user.max_cost_per_day),
            None,
            |a, b| a > b,
        ),
        runaway_factor: build
            .pick_tight(
                "budget.runaway_factor",
                flags.runaway_factor,
                (&project.runaway_factor, &user.runaway_factor),
                Some(RUNAWAY_FACTOR),
                // 0 is never.
                |a, b| a.wrapping_sub(1) > b.wrapping_sub(1),
            )
            .and_then(NonZeroU32::new),
        confirm_above: build
            .pick_tight(
                "budget.confirm_above",
                flags.confirm_above,
                (&project.confirm_above, &user.confirm_above),
                Some(CONFIRM_ABOVE),
                |a, b| a > b,
            )
            .unwrap_or(CONFIRM_ABOVE),
        on_in_doubt: build
            .pick_tight(
                "budget.on_in_doubt",
                flags.on_in_doubt,
                (&project.on_in_doubt, &user.on_in_doubt),
                Some(OnInDoubt::Resend),
                |a, b| (*a, *b) == (OnInDoubt::Resend, OnInDoubt::Hold),
            )
            .unwrap_or(OnInDoubt::Resend),
    }
}

pub(super) fn run(build: &mut Build, files: Files<'_>) -> Run {
    let (none, flags) = (RunTable::default(), files.flags);
    let project = files.project.run.value().unwrap_or(&none);
    let user = files.user.run.value().unwrap_or(&none);
    let workers = build.pick(
        "run.workers",
        flags.workers.map(Count),
        &project.workers,
        &user.workers,
    );
    Run {
        workers: workers.map_or(WORKERS, |count| count.0),
        drain: build
            .pick("run.drain", flags.drain, &project.drain, &user.drain)
            .unwrap_or(Duration::from_mins(1)),
        max_duration: build.pick(
            "run.max_duration",
            flags.max_duration,
            &project.max_duration,
            &user.max_duration,
        ),
        deadline: build.pick(
            "run.deadline",
            flags.deadline,
            &project.deadline,
            &user.deadline,
        ),
    }
}

pub(super) fn retry(build: &mut Build, files: Files<'_>) -> Retry {
    let (none, flags) = (RetryTable::default(), files.flags);
    let project = files.project.retry.value().unwrap_or(&none);
    let user = files.user.retry.value().unwrap_or(&none);
    let failures = build.pick(
        "retry.max_failures",
        flags.max_failures.map(Count),
        &project.max_failures,
        &user.max_failures,
    );
    let retry = Retry {
        max_failures: failures.map_or(MAX_FAILURES, |count| count.0),
        give_up_after: build
            .pick(
                "retry.give_up_after",
                flags.give_up_after,
                &project.give_up_after,
                &user.give_up_after,
            )
            .unwrap_or(Duration::from_hours(24)),
        base_delay: build
            .pick(
                "retry.base_delay",
                None,
                &project.base_delay,
                &user.base_delay,
            )
            .unwrap_or(Duration::from_secs(1)),
        max_delay: build
            .pick("retry.max_delay", None, &project.max_delay, &user.max_delay)
            .unwrap_or(Duration::from_mins(5)),
    };
    if retry.base_delay.is_zero() || retry.base_delay > retry.max_delay {
        let given = project
            .base_delay
            .given()
            .or(project.max_delay.given())
            .or(user.base_delay.given())
            .or(user.max_delay.given());
        if let Some(at) = given {
            build.error(
                at.loc,
                "`base_delay` must be above zero and not above `max_delay`",
                "write it like base_delay = \"1s\", max_delay = \"5m\"",
            );
        }
    }
    retry
}
