//! A request that brought nothing usable: what it cost, whether the job is tried again, and when.

use crate::domain::{CostStatus, FaultClass};
use crate::engine::EngineError;
use crate::store::{self, Attempted, Fault, Verdict};
use crate::worker::cost::{FREE, note_paid};
use crate::worker::event::{Charge, Event};
use crate::worker::lessons::{lesson_of, remember};
use crate::worker::settle::{fail, settle};
use crate::worker::stop::Stop;
use crate::worker::turn::{Sent, Turn};
use crate::worker::verdict::{Next, Try, decide};
use crate::worker::wait::wait;

pub(super) async fn unusable(
    turn: Turn<'_>,
    sent: Sent,
    error: EngineError,
) -> Result<(), store::Error> {
    let run = turn.run;
    let tried = tried(turn, sent, &error).await?;
    let (next, status) = decide(&tried, &run.rules.retry);
    let cost = if status == CostStatus::NotBilled {
        FREE
    } else {
        sent.reserved
    };
    let charge = sent.charge(cost, status);
    let attempted = Attempted {
        cost,
        status,
        http_status: error.http_status,
        request_id: error.request_id.clone(),
        latency: Some(sent.latency),
        first_byte: error.first_byte,
        bytes: None,
        quantity: None,
    };
    let fault = Fault {
        class: error.class,
        detail: match lesson_of(run, turn.asked, turn.claim, &error) {
            Some(lesson) => remember(run, turn.claim, lesson, error.detail).await,
            None => error.detail,
        },
    };
    if tried.is_paid_for_nothing() {
        note_paid(run, turn.asked, cost, false);
    }
    match next {
        Next::GiveUp => fail(run, turn.claim, fault, Some((attempted, charge))).await,
        Next::Again { counts } => again(turn, &tried, counts, fault, (attempted, charge)).await,
        Next::Stop => stop(turn, fault, attempted).await,
    }
}

/// What is known of the try.
async fn tried(turn: Turn<'_>, sent: Sent, error: &EngineError) -> Result<Try, store::Error> {
    let Turn {
        run, lane, claim, ..
    } = turn;
    let now = run.clock.now();
    let first_fault = claim.first_fault_at.unwrap_or(now);
    Ok(Try {
        class: error.class,
        may_be_billed: error.may_be_billed,
        failures: claim.failures,
        failing_for: now.since(first_fault),
        others_answered: lane.last_answer_after(first_fault).map(|at| now.since(at)),
        answered_meanwhile: lane.last_answer_after(sent.at).is_some(),
        same_before: same_before(turn, error).await?,
        attempts: claim.attempt,
        retry_after: error.retry_after,
    })
}

/// Answers right before this one that were bad in the very same way, as far as one.
async fn same_before(turn: Turn<'_>, error: &EngineError) -> Result<u32, store::Error> {
    let Turn { run, claim, .. } = turn;
    if error.class != FaultClass::BadAnswer || claim.failures == 0 {
        return Ok(0);
    }
    let attempts = run.store.attempts(claim.job).await?;
    let before = attempts.iter().rfind(|row| row.attempt < claim.attempt);
    let is_same = before.is_some_and(|row| {
        row.class == Some(FaultClass::BadAnswer) && row.detail.as_deref() == Some(&error.detail)
    });
    Ok(u32::from(is_same))
}

/// Tried again after a wait.
async fn again(
    turn: Turn<'_>,
    tried: &Try,
    counts_failure: bool,
    fault: Fault,
    (attempted, charge): (Attempted, Charge),
) -> Result<(), store::Error> {
    let Turn { run, claim, .. } = turn;
    let wait = wait(tried, run.rules.delay, run.clock.jitter());
    let verdict = Verdict::Reschedule {
        not_before: run.clock.now().after(wait),
        counts_failure,
    };
    settle(run, claim, verdict, Some(fault.clone()), Some(attempted)).await?;
    run.tell(Event::Retry {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        class: fault.class,
        detail: fault.detail,
        wait,
        charge,
    });
    Ok(())
}

/// Tried again once a person has put right the account or this machine: the run ends.
async fn stop(turn: Turn<'_>, fault: Fault, attempted: Attempted) -> Result<(), store::Error> {
    let Turn { run, claim, .. } = turn;
    let now = run.clock.now();
    let verdict = Verdict::Reschedule {
        not_before: now,
        counts_failure: false,
    };
    settle(run, claim, verdict, Some(fault.clone()), Some(attempted)).await?;
    let Fault { class, detail } = fault;
    run.shutdown.stop_for(if class == FaultClass::Account {
        run.store.pause_gate(claim.spec.gate, &detail, now).await?;
        Stop::Account { detail }
    } else {
        Stop::Local { detail }
    });
    Ok(())
}
