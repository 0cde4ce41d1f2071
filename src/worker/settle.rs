//! How a job's turn ends in the queue, and what it cost: (g) given back, completed from an
//! old answer or a new one, to be tried again, failed, or in doubt. One commit each.

use std::sync::Arc;
use std::time::Duration;

use crate::audio::{self};
use crate::domain::{
    AudioMillis, CostStatus, FaultClass, Lesson, NanoUsd, Price, Quantity, UtcMillis,
};
use crate::engine::lesson::{Refused, lesson};
use crate::engine::{Answer, EngineError};
use crate::pipeline::addresses::Addresses;
use crate::pipeline::{key, remote};
use crate::store::learned::{self, Learned};
use crate::store::{self, Bill, Claim, DoubtPolicy, Fault, NewObject, Purse, Settle, Verdict};
use crate::worker::answer::Usable;
use crate::worker::event::{Charge, Event};
use crate::worker::input::Unreadable;
use crate::worker::run::{FREE, Lane, Request, Run, Stop};
use crate::worker::verdict::{Next, Try, decide};
use crate::worker::wait::{Tried, wait};

/// How a job's turn ended, as far as the run must know.
#[derive(Debug)]
pub(crate) enum End {
    Settled,
    /// The next request would go over a cap.
    Budget(String, Purse),
    /// Money is paid for nothing usable.
    Runaway(String),
    /// The provider refuses the account.
    Account(String),
    /// This machine cannot go on.
    Local(String),
    /// Given up on in the middle: the next run finds the job as it stands.
    Left,
}

/// A request that has left: when, and what was set aside for it.
#[derive(Clone, Copy)]
pub(super) struct Gone {
    pub(super) at: UtcMillis,
    pub(super) reserve: NanoUsd,
    pub(super) latency: Duration,
}

pub(super) async fn release(run: &Arc<Run>, claim: &Claim) -> Result<End, store::Error> {
    settle(run, claim, Verdict::Release, None, None).await?;
    Ok(End::Settled)
}

pub(super) async fn reuse(
    run: &Arc<Run>,
    claim: &Claim,
    asked: &Request,
) -> Result<End, store::Error> {
    let (objects, wanted) = (run.objects.clone(), claim.key);
    let format = match asked {
        Request::Speak { params, .. } => params.format.as_str(),
        Request::Transcribe { .. } | Request::Nothing => "json",
    };
    let measured = tokio::task::spawn_blocking(move || {
        objects.confirm(wanted)?;
        let path = objects.path(wanted);
        let object = NewObject {
            sha256: key::of_file(&path)?,
            bytes: path.metadata()?.len(),
            format: format.to_owned(),
        };
        let audio = audio::probe(&path).ok().map(|facts| facts.duration);
        Ok::<_, std::io::Error>((object, audio))
    });
    let (object, audio) = match measured.await.expect("probing does not panic") {
        Ok(measured) => measured,
        Err(error) => {
            let Unreadable { detail, stops } = Unreadable::new("cannot read a kept answer", &error);
            if stops {
                release(run, claim).await?;
                return Ok(End::Local(detail));
            }
            let fault = Fault {
                class: FaultClass::Local,
                detail,
            };
            return fail(run, claim, fault, None).await;
        }
    };
    settle(
        run,
        claim,
        Verdict::Complete {
            object: Some(object),
            outputs: Vec::new(),
            audio,
        },
        None,
        None,
    )
    .await?;
    forget_address(run, claim);
    run.tell(Event::Completed {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        outputs: Vec::new(),
        charge: None,
        audio,
        latency: None,
        reused: true,
    });
    Ok(End::Settled)
}

pub(super) async fn complete(
    run: &Arc<Run>,
    asked: &Request,
    claim: &Claim,
    gone: Gone,
    answer: Answer,
    usable: Usable,
) -> Result<End, store::Error> {
    // What was fetched is billed as long as it is, and only the answer knows that.
    let heard = usable.heard.filter(|_| claim.source.kind == remote::KIND);
    let fetched = heard.and_then(|heard| bill_of_fetched(asked.price(), claim.quantity, heard));
    let charge = Charge {
        reserved: gone.reserve,
        cost: fetched.map_or_else(
            || measured(asked.price(), claim.quantity, gone.reserve, usable.heard),
            |(_, cost)| cost,
        ),
        status: CostStatus::Confirmed,
    };
    let bill = Bill {
        cost: charge.cost,
        status: charge.status,
        http_status: answer.http_status,
        request_id: answer.request_id,
        latency: Some(gone.latency),
        first_byte: Some(answer.first_byte),
        bytes: Some(usable.object.bytes),
        quantity: fetched.map(|(quantity, _)| quantity),
    };
    let audio = usable.audio;
    let verdict = Verdict::Complete {
        object: Some(usable.object),
        outputs: Vec::new(),
        audio,
    };
    settle(run, claim, verdict, None, Some(bill)).await?;
    forget_address(run, claim);
    run.tell(Event::Completed {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        outputs: Vec::new(),
        charge: Some(charge),
        audio,
        latency: Some(gone.latency),
        reused: false,
    });
    let runaway = run
        .guard
        .compare(charge.cost, charge.reserved)
        .or_else(|| note_paid(run, asked, charge.cost, true));
    Ok(runaway.map_or(End::Settled, End::Runaway))
}

/// What a usable answer cost: the estimate, or more when the provider says that the audio
/// is longer than its header (a second of difference is rounding).
pub(super) fn measured(
    price: Option<Price>,
    sent: Quantity,
    estimate: NanoUsd,
    heard: Option<AudioMillis>,
) -> NanoUsd {
    let (Some(heard), Quantity::Audio(probed)) = (heard, sent) else {
        return estimate;
    };
    if heard.0 <= probed.0.saturating_add(1000) {
        return estimate;
    }
    price
        .and_then(|price| price.cost(Quantity::Audio(heard)))
        .map_or(estimate, |cost| cost.max(estimate))
}

/// What a recording that the provider fetched came to: what it says it heard, whatever its
/// manifest said. `None` where that is no news (a second of difference is rounding), says
/// nothing, or cannot be priced; then the estimate stands.
pub(super) fn bill_of_fetched(
    price: Option<Price>,
    sent: Quantity,
    heard: AudioMillis,
) -> Option<(Quantity, NanoUsd)> {
    let Quantity::Audio(planned) = sent else {
        return None;
    };
    if heard.0 == 0 || heard.0.abs_diff(planned.0) <= 1000 {
        return None;
    }
    let heard = Quantity::Audio(heard);
    let cost = match price {
        Some(price) => price.cost(heard)?,
        None => FREE,
    };
    Some((heard, cost))
}

/// The URL of a request that is over is not kept: it may be signed.
pub(super) fn forget_address(run: &Run, claim: &Claim) {
    if claim.source.kind != remote::KIND {
        return;
    }
    if let Err(error) = Addresses::new(&run.places.state).forget(claim.key) {
        run.tell(Event::Warning(format!(
            "a URL in `urls` of the state folder could not be removed: {error}"
        )));
    }
}

/// Tells the guard of a request that was paid for; why the run must stop, if it must. Then
/// nothing leaves any more, although the job is not settled yet.
pub(super) fn note_paid(run: &Run, asked: &Request, cost: NanoUsd, usable: bool) -> Option<String> {
    let is_free = cost == FREE && asked.price().is_some();
    if is_free || asked.price() == Some(Price::Free) {
        return None;
    }
    let why = run.guard.paid(cost, usable)?;
    run.halt(Stop::Runaway { why: why.clone() });
    Some(why)
}

pub(super) async fn unusable(
    run: &Arc<Run>,
    lane: &Lane,
    asked: &Request,
    claim: &Claim,
    gone: Gone,
    error: EngineError,
) -> Result<End, store::Error> {
    let now = run.clock.now();
    let first_fault = claim.first_fault_at.unwrap_or(now);
    let tried = Try {
        class: error.class,
        may_be_billed: error.may_be_billed,
        failures: claim.failures,
        failing_for: now.since(first_fault),
        provider_is_well: lane.answered_since(first_fault),
        answered_meanwhile: lane.answered_since(gone.at),
        same_before: same_before(run, claim, &error).await?,
        attempts: claim.attempt,
    };
    let (next, status) = decide(&tried, &run.rules.retry);
    let cost = if status == CostStatus::NotBilled {
        FREE
    } else {
        gone.reserve
    };
    let charge = Charge {
        reserved: gone.reserve,
        cost,
        status,
    };
    let lesson = lesson_of(run, asked, claim, &error);
    let bill = Bill {
        cost,
        status,
        http_status: error.http_status,
        request_id: error.request_id,
        latency: Some(gone.latency),
        first_byte: error.first_byte,
        bytes: None,
        quantity: None,
    };
    let detail = match lesson {
        Some(lesson) => remember(run, claim, lesson, error.detail).await,
        None => error.detail,
    };
    let fault = Fault {
        class: error.class,
        detail,
    };
    let again = |not_before, counts_failure| {
        settle(
            run,
            claim,
            Verdict::Reschedule {
                not_before,
                counts_failure,
            },
            Some(fault.clone()),
            Some(bill.clone()),
        )
    };
    let paid = tried.is_paid_for_nothing();
    let runaway = paid.then(|| note_paid(run, asked, cost, false)).flatten();
    let end = runaway.map_or(End::Settled, End::Runaway);
    match next {
        Next::GiveUp => {
            fail(run, claim, fault, Some((bill, charge))).await?;
            Ok(end)
        }
        Next::Again { counts } => {
            let tried = Tried {
                class: error.class,
                failures: claim.failures,
                failing_for: tried.failing_for,
                others_answered: lane.last_answer_after(first_fault).map(|at| now.since(at)),
                retry_after: error.retry_after,
            };
            let wait = wait(&tried, run.rules.delay, run.clock.jitter());
            again(now.after(wait), counts).await?;
            run.tell(Event::Retry {
                job: claim.job,
                kind: claim.kind,
                source: claim.source.clone(),
                class: fault.class,
                detail: fault.detail,
                wait,
                charge,
            });
            Ok(end)
        }
        Next::Stop => {
            again(now, false).await?;
            let Fault { class, detail } = fault;
            if class == FaultClass::Account {
                run.store.pause_gate(claim.spec.gate, &detail, now).await?;
            }
            Ok(if class == FaultClass::Account {
                End::Account(detail)
            } else {
                End::Local(detail)
            })
        }
    }
}

/// Answers right before this one that were bad in the very same way, as far as one.
async fn same_before(run: &Run, claim: &Claim, error: &EngineError) -> Result<u32, store::Error> {
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

/// The limit that a refusal names, if it clearly names one.
pub(super) fn lesson_of(
    run: &Run,
    asked: &Request,
    claim: &Claim,
    error: &EngineError,
) -> Option<Lesson> {
    if error.class != FaultClass::Refused {
        return None;
    }
    let refused = match (asked, claim.quantity) {
        (
            Request::Speak {
                params, delivery, ..
            },
            Quantity::Chars(chars),
        ) => Refused::Speech {
            chars: chars.0,
            format: params.wire_format(*delivery).as_str(),
        },
        (Request::Transcribe { .. }, Quantity::Audio(audio)) => Refused::Transcription {
            bytes: run
                .places
                .input(&claim.source.path)
                .metadata()
                .map_or(0, |file| file.len()),
            audio,
        },
        _ => return None,
    };
    lesson(error.http_status, &error.detail, refused)
}

/// Notes the limit that a refusal named, for the next plan; the refusal's words with what
/// follows from it.
pub(super) async fn remember(
    run: &Arc<Run>,
    claim: &Claim,
    lesson: Lesson,
    words: String,
) -> String {
    let next = match lesson {
        Lesson::MaxChars(_) => "run again: what is too long is cut smaller",
        Lesson::MaxUpload(_) | Lesson::MaxAudio(_) => {
            "such files are refused from now on before they are uploaded"
        }
        Lesson::NoFormat(_) => "it is not asked for it again",
    };
    let told = format!("{words} (noted: {lesson}; {next})");
    let noted = async {
        let gates = run.store.gates().await?;
        let Some(gate) = gates.into_iter().find(|gate| gate.id == claim.spec.gate) else {
            return Ok(false);
        };
        let learned = Learned {
            endpoint: gate.endpoint,
            model: gate.model,
            lesson,
            at: run.clock.now(),
            words,
        };
        let state = run.places.state.clone();
        tokio::task::spawn_blocking(move || learned::learn(&state, learned))
            .await
            .expect("writing a note does not panic")
    };
    let outcome: Result<bool, store::Error> = noted.await;
    match outcome {
        Ok(_) => told,
        Err(error) => {
            let warning = format!("what a refusal taught cannot be noted: {error}");
            run.tell(Event::Warning(warning));
            told
        }
    }
}

pub(super) async fn fail(
    run: &Arc<Run>,
    claim: &Claim,
    fault: Fault,
    paid: Option<(Bill, Charge)>,
) -> Result<End, store::Error> {
    let (bill, charge) = paid.unzip();
    settle(run, claim, Verdict::Fail, Some(fault.clone()), bill).await?;
    forget_address(run, claim);
    run.tell(Event::Failed {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        class: fault.class,
        detail: fault.detail,
        charge,
    });
    Ok(End::Settled)
}

pub(super) async fn doubt(
    run: &Arc<Run>,
    claim: &Claim,
    reserve: NanoUsd,
) -> Result<End, store::Error> {
    // Not a crash: given up on as often as a person likes, the job is no poison.
    let verdict = match run.rules.on_in_doubt {
        DoubtPolicy::Resend => Verdict::Release,
        DoubtPolicy::Hold => Verdict::Hold,
    };
    let fault = Fault {
        class: FaultClass::TimedOut,
        detail: "given up on in flight when the run was ended".to_owned(),
    };
    let bill = Bill {
        cost: reserve,
        status: CostStatus::InDoubt,
        http_status: None,
        request_id: None,
        latency: None,
        first_byte: None,
        bytes: None,
        quantity: None,
    };
    settle(run, claim, verdict, Some(fault), Some(bill)).await?;
    run.tell(Event::InDoubt {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        cost: reserve,
    });
    Ok(End::Settled)
}

pub(super) async fn settle(
    run: &Arc<Run>,
    claim: &Claim,
    verdict: Verdict,
    fault: Option<Fault>,
    bill: Option<Bill>,
) -> Result<(), store::Error> {
    let at = run.clock.now();
    run.store
        .settle(Settle {
            job: claim.job,
            attempt: claim.attempt,
            at,
            verdict,
            fault,
            bill,
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CharCount;

    #[test]
    fn a_fetched_recording_costs_what_the_provider_heard_be_it_less_or_more() {
        let price = Some(Price::PerAudioMinute(NanoUsd(6_000_000)));
        let planned = Quantity::Audio(AudioMillis(14_400_000));
        let bill = |millis| bill_of_fetched(price, planned, AudioMillis(millis));

        let hour = Quantity::Audio(AudioMillis(3_600_000));
        assert_eq!(bill(3_600_000), Some((hour, NanoUsd(360_000_000))));
        let longer = Quantity::Audio(AudioMillis(28_800_000));
        assert_eq!(bill(28_800_000), Some((longer, NanoUsd(2_880_000_000))));
        assert_eq!(bill(14_399_500), None, "rounding");
        assert_eq!(bill(0), None, "nothing said");
        assert_eq!(
            bill_of_fetched(None, planned, AudioMillis(60_000))
                .unwrap()
                .1,
            FREE
        );
    }

    #[test]
    fn a_recording_longer_than_its_header_costs_what_the_provider_heard() {
        let price = Some(Price::PerAudioMinute(NanoUsd(6_000_000)));
        let sent = Quantity::Audio(AudioMillis(60_000));
        let cost = |heard| measured(price, sent, NanoUsd(6_000_000), heard);

        assert_eq!(cost(Some(AudioMillis(600_000))), NanoUsd(60_000_000));
        assert_eq!(cost(Some(AudioMillis(60_900))), NanoUsd(6_000_000));
        assert_eq!(cost(Some(AudioMillis(10))), NanoUsd(6_000_000));
        assert_eq!(cost(None), NanoUsd(6_000_000));
        let text = Quantity::Chars(CharCount(5));
        let spoken = measured(price, text, NanoUsd(7), Some(AudioMillis(600_000)));
        assert_eq!(spoken, NanoUsd(7));
    }
}
