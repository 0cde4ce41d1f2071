//! A request that brought nothing usable: what it cost, whether the job is tried again, and when.

use std::time::Duration;

use crate::domain::{CostStatus, FaultClass, JobState, UtcMillis};
use crate::engine::EngineError;
use crate::store::{self, AttemptRow, Attempted, Fault, Verdict};
use crate::worker::alike::{ALIKE, Refusal};
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
        Next::GiveUp if is_early_refusal(turn, error.class) => {
            refused(turn, fault, (attempted, charge)).await
        }
        Next::GiveUp => fail(run, turn.claim, fault, Some((attempted, charge))).await,
        Next::Again { counts } => again(turn, &tried, counts, fault, (attempted, charge)).await,
        Next::Hold => hold(turn, fault, attempted, sent).await,
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
    let before = Before::of(&attempts_before(turn, error).await?, error);
    Ok(Try {
        class: error.class,
        may_be_billed: error.may_be_billed,
        failures: claim.failures,
        failing_for: now.since(first_fault),
        outages: before.outages,
        outage_for: before
            .first_outage
            .map_or(Duration::ZERO, |at| now.since(at)),
        unanswered: before.unanswered,
        others_answered: lane.last_answer_after(first_fault).map(|at| now.since(at)),
        answered_meanwhile: lane.last_answer_after(sent.at).is_some(),
        same_before: before.same,
        retry_after: error.retry_after,
    })
}

/// The earlier attempts of the job that say something about this one: those since its first fault,
/// or since a person asked for it again.
async fn attempts_before(
    turn: Turn<'_>,
    error: &EngineError,
) -> Result<Vec<AttemptRow>, store::Error> {
    let Turn { run, claim, .. } = turn;
    let matters = matches!(
        error.class,
        FaultClass::BadAnswer | FaultClass::Overloaded | FaultClass::TimedOut
    );
    let Some(first_fault) = claim.first_fault_at.filter(|_| matters) else {
        return Ok(Vec::new());
    };
    let mut attempts = run.store.attempts(claim.job).await?;
    attempts.retain(|row| {
        row.attempt < claim.attempt && row.finished_at.is_some_and(|at| at >= first_fault)
    });
    Ok(attempts)
}

/// What those attempts come to.
struct Before {
    outages: u32,
    first_outage: Option<UtcMillis>,
    unanswered: u32,
    /// Answers right before this one that were bad in the very same way, as far as one.
    same: u32,
}

impl Before {
    fn of(attempts: &[AttemptRow], error: &EngineError) -> Self {
        // What a person or a crash ended was not waited for to its end, and has no latency.
        let outages: Vec<_> = attempts
            .iter()
            .filter(|row| {
                row.latency.is_some()
                    && matches!(
                        row.class,
                        Some(FaultClass::Overloaded | FaultClass::TimedOut)
                    )
            })
            .collect();
        let unanswered = outages
            .iter()
            .filter(|row| row.cost_status == CostStatus::InDoubt);
        let is_same = error.class == FaultClass::BadAnswer
            && attempts.last().is_some_and(|row| {
                row.class == Some(FaultClass::BadAnswer)
                    && row.detail.as_deref() == Some(&error.detail)
            });
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            outages: number(outages.len()),
            first_outage: outages.first().and_then(|row| row.finished_at),
            unanswered: number(unanswered.count()),
            same: u32::from(is_same),
        }
    }
}

/// Set aside until a person says whether it is sent once more.
async fn hold(
    turn: Turn<'_>,
    fault: Fault,
    attempted: Attempted,
    sent: Sent,
) -> Result<(), store::Error> {
    let Turn { run, claim, .. } = turn;
    let detail = format!(
        "{}; three requests of it were not answered and may be on the bill: `voicespool retry {}` sends another",
        fault.detail, claim.job
    );
    let fault = Fault { detail, ..fault };
    settle(run, claim, Verdict::Hold, Some(fault), Some(attempted)).await?;
    run.tell(Event::InDoubt {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        cost: sent.reserved,
    });
    Ok(())
}

/// Tried again after a wait.
async fn again(
    turn: Turn<'_>,
    tried: &Try,
    counts_failure: bool,
    fault: Fault,
    (attempted, charge): (Attempted, Charge),
) -> Result<(), store::Error> {
    let run = turn.run;
    let wait = wait(tried, run.rules.delay, run.clock.jitter());
    put_back(turn, wait, counts_failure, fault, (attempted, charge)).await
}

async fn put_back(
    turn: Turn<'_>,
    wait: Duration,
    counts_failure: bool,
    fault: Fault,
    (attempted, charge): (Attempted, Charge),
) -> Result<(), store::Error> {
    let Turn { run, claim, .. } = turn;
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

/// Whether a run sends it, now or later. What is held waits for a person.
fn is_to_be_sent(state: JobState) -> bool {
    !state.is_final() && state != JobState::Held
}

fn is_early_refusal(turn: Turn<'_>, class: FaultClass) -> bool {
    class == FaultClass::Refused && turn.run.alike.is_open(turn.claim.spec.id)
}

/// Refused before anything of its spec was answered: given up only if the refusal is its own.
async fn refused(
    turn: Turn<'_>,
    fault: Fault,
    (attempted, charge): (Attempted, Charge),
) -> Result<(), store::Error> {
    let Turn { run, claim, .. } = turn;
    let spec = claim.spec.id;
    let counts = run.store.counts().await?;
    let left = counts
        .iter()
        .filter(|count| count.spec == spec && is_to_be_sent(count.state));
    let jobs = left.map(|count| count.jobs).sum();
    let refusal = run.alike.refused(spec, claim.job, &fault.detail, jobs);
    let wait = match refusal {
        Refusal::Own => return fail(run, claim, fault, Some((attempted, charge))).await,
        // After the others.
        Refusal::Early { times } => run.rules.delay.base.saturating_mul(times),
        Refusal::Everybodys { .. } => Duration::ZERO,
    };
    let detail = fault.detail.clone();
    put_back(turn, wait, false, fault, (attempted, charge)).await?;
    if refusal == (Refusal::Everybodys { is_first: true }) {
        run.tell(Event::RefusedAlike {
            task: claim.spec.task.clone(),
            detail,
            requests: ALIKE,
            jobs,
        });
    }
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
