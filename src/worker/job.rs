//! One request from claim to settlement, in this order: (a) pass the gate, (b) commit the
//! intent, (c) send, (d) stream the answer to a part file, (e) validate, (f) sync and name
//! it, (g) settle in one commit. The user's files are made from the answers in `finish`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::audio::enclose;
use crate::domain::{FaultClass, JobKind, NanoUsd, Quantity, UtcMillis};
use crate::engine::limit::Pass;
use crate::engine::{Answer, EngineError, Recording, SpeechRequest, TranscriptionRequest};
use crate::pipeline::objects::Part;
use crate::store::{self, Claim, Fault, Intent};
use crate::worker::answer::{accept, raw_audio};
use crate::worker::clock::Clock;
use crate::worker::event::Event;
use crate::worker::finish;
use crate::worker::input::{Input, Unreadable, input};
use crate::worker::run::{FREE, Lane, Request, Run, Stop};
use crate::worker::settle::{End, Gone, complete, doubt, fail, release, reuse, unusable};

/// The right to have one request on the wire.
struct Leave<'a> {
    pass: Pass,
    wire: SemaphorePermit<'a>,
    at: UtcMillis,
    reserve: NanoUsd,
}

/// Works on one claimed job. Whatever happens, the job is settled, released or in doubt
/// when this returns.
pub(crate) async fn work(run: &Arc<Run>, claim: Claim) -> Result<End, store::Error> {
    match claim.kind {
        JobKind::Speak | JobKind::Transcribe => request(run, claim).await,
        JobKind::Assemble | JobKind::Compose => {
            let made = unless_aborted(run, finish::work(run, claim)).await;
            made.unwrap_or(Ok(End::Left))
        }
    }
}

/// Waits for work on this machine, but not after the second signal: `None`. What is left
/// in the middle is in the queue as it stands, and the next run carries on from there.
async fn unless_aborted<T>(run: &Run, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = run.shutdown.abort.cancelled() => None,
    }
}

async fn request(run: &Arc<Run>, mut claim: Claim) -> Result<End, store::Error> {
    let (Some(lane), Some(asked)) = (
        run.lanes.get(&claim.spec.gate),
        run.requests.get(&claim.spec.id),
    ) else {
        return release(run, &claim).await;
    };
    // The answer may be there already: a crash between its rename and the commit, or a
    // queue that was rebuilt over an old object folder.
    if run.objects.contains(claim.key) {
        let reused = unless_aborted(run, reuse(run, &claim, asked)).await;
        return reused.unwrap_or(Ok(End::Left));
    }
    let input = match unless_aborted(run, input(run, &claim)).await {
        None => return release(run, &claim).await,
        Some(Ok(input)) => input,
        Some(Err(Unreadable {
            detail,
            stops: true,
        })) => {
            release(run, &claim).await?;
            return Ok(End::Local(detail));
        }
        Some(Err(Unreadable {
            detail,
            stops: false,
        })) => {
            return fail(
                run,
                &claim,
                Fault {
                    class: FaultClass::Local,
                    detail,
                },
                None,
            )
            .await;
        }
    };
    if let Input::Address(address) = &input {
        // What its manifest says now; a job never changes what it was queued with.
        claim.quantity = Quantity::Audio(address.length);
    }
    let may_cost_less = matches!(input, Input::Address(_));
    loop {
        let settled = run.bounds.settled();
        tokio::pin!(settled);
        settled.as_mut().enable();
        let mut bound = may_cost_less.then(|| run.bounds.begin());
        let full = match depart(run, lane, asked, &claim).await? {
            Departure::Leave(leave) => {
                if let Some(bound) = &mut bound {
                    bound.sent();
                }
                let end = send(run, lane, asked, claim, &input, leave).await;
                // Settled: what it did not cost is free again.
                drop(bound);
                return end;
            }
            Departure::Stopped => return release(run, &claim).await,
            Departure::Full(full) => full,
        };
        drop(bound);
        if !run.bounds.any() {
            release(run, &claim).await?;
            return Ok(full);
        }
        tokio::select! {
            () = settled => {}
            () = run.shutdown.stop.cancelled() => return release(run, &claim).await,
        }
    }
}

/// How the way to the wire ends.
enum Departure<'a> {
    /// The intent is durable.
    Leave(Leave<'a>),
    /// The run or a pause stops it.
    Stopped,
    /// It would go over a cap.
    Full(End),
}

/// Steps (a) and (b): through the gate, and into the books.
async fn depart<'a>(
    run: &'a Arc<Run>,
    lane: &Lane,
    asked: &Request,
    claim: &Claim,
) -> Result<Departure<'a>, store::Error> {
    let leave = async {
        // The gate first: who waits at a closed one must not keep others from the wire.
        let pass = lane.gate.pass(claim.quantity).await;
        let wire = run
            .wire
            .acquire()
            .await
            .expect("the semaphore is never closed");
        (pass, wire)
    };
    let (pass, wire) = tokio::select! {
        biased;
        () = run.shutdown.stop.cancelled() => return Ok(Departure::Stopped),
        () = run.pauses.reached(run.mark(claim.spec.id)) => return Ok(Departure::Stopped),
        leave = leave => leave,
    };
    let reserve = asked
        .price()
        .and_then(|price| price.cost(claim.quantity))
        .unwrap_or(FREE);
    let at = run.clock.now();
    let intent = Intent {
        job: claim.job,
        attempt: claim.attempt,
        run: run.id,
        at,
        day: Clock::day(at),
        reserve,
        quantity: claim.quantity,
        delivery: asked.delivery(),
    };
    match run.store.mark_sent(intent).await {
        Ok(()) => {}
        Err(error @ store::Error::Budget { which, .. }) => {
            return Ok(Departure::Full(End::Budget(error.to_string(), which)));
        }
        Err(error) => return Err(error),
    }
    run.tell(Event::Sent {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        reserved: reserve,
    });
    Ok(Departure::Leave(Leave {
        pass,
        wire,
        at,
        reserve,
    }))
}

async fn send(
    run: &Arc<Run>,
    lane: &Lane,
    asked: &Request,
    claim: Claim,
    input: &Input,
    leave: Leave<'_>,
) -> Result<End, store::Error> {
    let mut gone = Gone {
        at: leave.at,
        reserve: leave.reserve,
        latency: Duration::ZERO,
    };
    let part = run
        .objects
        .start(claim.key, claim.attempt)
        .and_then(|mut part| {
            if let Some(raw) = raw_audio(asked) {
                enclose::make_room(&mut part.file, raw)?;
            }
            Ok(part)
        });
    let mut part = match part {
        Ok(part) => part,
        Err(error) => {
            // Nothing left this machine: the reservation is given back.
            let error = EngineError::new(
                FaultClass::Local,
                format!("cannot write an answer: {error}"),
            );
            return unusable(run, lane, asked, &claim, gone, error).await;
        }
    };
    let started = Instant::now();
    let answered = {
        let answer = ask(lane, asked, input, &mut part);
        tokio::select! {
            answer = answer => answer,
            () = run.shutdown.abort.cancelled() => {
                drop(leave);
                return doubt(run, &claim, gone.reserve).await;
            }
        }
    };
    gone.latency = started.elapsed();
    let Leave { pass, wire, .. } = leave;
    let result = match answered {
        Ok(answer) => {
            lane.answered(run.clock.now());
            pass.answered(&answer);
            let accepted = unless_aborted(run, accept((asked, input), part, answer, wire)).await;
            let Some(accepted) = accepted else {
                return Ok(End::Left);
            };
            accepted
        }
        Err(error) => {
            if matches!(error.class, FaultClass::Refused | FaultClass::BadAnswer) {
                lane.answered(run.clock.now());
            }
            if error.class == FaultClass::Account {
                // Before the place on the wire is free: the next would be refused as well.
                run.halt(Stop::Account {
                    detail: error.detail.clone(),
                });
            }
            pass.failed(&error);
            Err(error)
        }
    };
    match result {
        Ok((answer, usable)) => complete(run, asked, &claim, gone, answer, usable).await,
        Err(error) => unusable(run, lane, asked, &claim, gone, error).await,
    }
}

/// Lets the engine make the one request.
async fn ask(
    lane: &Lane,
    asked: &Request,
    input: &Input,
    part: &mut Part,
) -> Result<Answer, EngineError> {
    match (asked, input) {
        (
            Request::Speak {
                params, delivery, ..
            },
            Input::Text(text),
        ) => {
            let request = SpeechRequest {
                params,
                input: text,
                delivery: *delivery,
            };
            lane.engine.speak(request, &mut part.file).await
        }
        (Request::Transcribe { params, .. }, Input::Audio { path, duration }) => {
            let request = TranscriptionRequest {
                params,
                recording: Recording::File(path),
                duration: *duration,
            };
            lane.engine.transcribe(request, &mut part.file).await
        }
        (
            Request::Transcribe {
                params, longest, ..
            },
            Input::Address(address),
        ) => {
            let request = TranscriptionRequest {
                params,
                recording: Recording::Url(&address.url),
                // A manifest's word must not cut an answer short that is paid for.
                duration: (*longest).max(address.length),
            };
            lane.engine.transcribe(request, &mut part.file).await
        }
        _ => Err(EngineError::new(
            FaultClass::Local,
            "the job's kind and its parameters disagree",
        )),
    }
}
