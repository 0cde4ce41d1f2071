//! One request from claim to settlement, in this order: (a) pass the gate, (b) commit the
//! intent, (c) send, (d) stream the answer to a part file, (e) validate, (f) sync and name
//! it, (g) settle in one commit. The user's files are made from the answers in `finish`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::audio::enclose;
use crate::domain::{FaultClass, JobKind, Quantity};
use crate::engine::limit::Pass;
use crate::engine::{Answer, EngineError, Recording, SpeechRequest, TranscriptionRequest};
use crate::pipeline::objects::Part;
use crate::store::{self, Claim, Intent};
use crate::worker::answer::{accept, raw_audio};
use crate::worker::clock::Clock;
use crate::worker::cost::FREE;
use crate::worker::event::Event;
use crate::worker::finish;
use crate::worker::input::{Audio, Input, input};
use crate::worker::lane::Lane;
use crate::worker::request::Request;
use crate::worker::run::Run;
use crate::worker::settle::{doubt, release, troubled};
use crate::worker::smaller;
use crate::worker::stop::Stop;
use crate::worker::turn::{Sent, Turn};
use crate::worker::unusable::unusable;
use crate::worker::usable::{complete, is_damaged, reuse};

/// The right to have one request on the wire.
struct Leave<'a> {
    pass: Pass,
    wire: SemaphorePermit<'a>,
    sent: Sent,
}

/// Works on one claimed job. Whatever happens, the job is settled, released or in doubt
/// when this returns, or the process is about to end.
pub(super) async fn work(run: &Arc<Run>, claim: Claim) -> Result<(), store::Error> {
    match claim.kind {
        JobKind::Speak | JobKind::Transcribe => request(run, claim).await,
        JobKind::Assemble | JobKind::Compose => {
            let made = unless_aborted(run, finish::work(run, &claim)).await;
            made.unwrap_or(Ok(()))
        }
    }
}

/// How long an answer that has arrived may take to be safe on the disk after the second signal.
const DISK_TIME: Duration = Duration::from_secs(3);

/// As [`unless_aborted`], with some time after the second signal.
async fn unless_aborted_for<T>(
    run: &Run,
    time: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = async {
            run.shutdown.abort.cancelled().await;
            tokio::time::sleep(time).await;
        } => None,
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

async fn request(run: &Arc<Run>, mut claim: Claim) -> Result<(), store::Error> {
    let (Some(lane), Some(asked)) = (
        run.lanes.get(&claim.spec.gate),
        run.requests.get(&claim.spec.id),
    ) else {
        return release(run, &claim).await;
    };
    // The answer may be there already: a crash between its rename and the commit, or a
    // queue that was rebuilt over an old object folder.
    if run.objects.contains(claim.key) {
        match is_damaged(run, &claim).await? {
            Ok(true) => {}
            Ok(false) => {
                let reused = unless_aborted(run, reuse(run, &claim, asked)).await;
                return reused.unwrap_or(Ok(()));
            }
            Err(trouble) => return troubled(run, &claim, trouble).await,
        }
    }
    let input = match unless_aborted(run, input(run, &claim, asked)).await {
        None => return release(run, &claim).await,
        Some(Ok(input)) => input,
        Some(Err(trouble)) => return troubled(run, &claim, trouble).await,
    };
    if let Input::Address(address) = &input {
        // What its manifest says now; a job never changes what it was queued with.
        claim.quantity = Quantity::Audio(address.length);
    }
    let turn = Turn {
        run,
        lane,
        asked,
        claim: &claim,
    };
    let ended = pass_and_send(turn, &input).await;
    if matches!(input, Input::Audio(_)) && run.objects.contains(claim.key) {
        // It is swept away at the next start, if not now.
        if let Err(error) = smaller::forget(&run.places.state, claim.key) {
            tracing::warn!(%error, "a file that was made to be uploaded stays");
        }
    }
    ended
}

/// Waits until the request may leave, and sends it. Where a cap is in the way, requests in flight
/// that may cost less than was set aside for them are waited for first.
async fn pass_and_send(turn: Turn<'_>, input: &Input) -> Result<(), store::Error> {
    let Turn { run, claim, .. } = turn;
    let may_cost_less = matches!(input, Input::Address(_));
    loop {
        let settled = run.bounds.settled();
        tokio::pin!(settled);
        settled.as_mut().enable();
        let mut bound = may_cost_less.then(|| run.bounds.begin());
        let full = match depart(turn).await? {
            Departure::Leave(leave) => {
                if let Some(bound) = &mut bound {
                    bound.sent();
                }
                let end = send(turn, input, leave).await;
                // Settled: what it did not cost is free again.
                drop(bound);
                return end;
            }
            Departure::Stopped => return release(run, claim).await,
            Departure::Full(full) => full,
        };
        drop(bound);
        if !run.bounds.any() {
            release(run, claim).await?;
            run.shutdown.stop_for(full);
            return Ok(());
        }
        tokio::select! {
            () = settled => {}
            () = run.shutdown.stop.cancelled() => return release(run, claim).await,
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
    Full(Stop),
}

/// Through the gate and onto the wire; `None` if the run or a pause stops it.
async fn permits(turn: Turn<'_>) -> Option<(Pass, SemaphorePermit<'_>)> {
    let Turn {
        run, lane, claim, ..
    } = turn;
    let permits = async {
        // The gate first: who waits at a closed one must not keep others from the wire.
        let pass = lane.gate.pass(claim.quantity).await;
        let wire = run
            .wire
            .acquire()
            .await
            .expect("the semaphore is never closed");
        (pass, wire)
    };
    tokio::select! {
        biased;
        () = run.shutdown.stop.cancelled() => None,
        () = run.pauses.reached(run.mark(claim.spec.id)) => None,
        permits = permits => Some(permits),
    }
}

/// After an outage: asks for nothing first, so that who is not there yet is not paid to say so.
/// `None`: nobody answers, or not well.
async fn knock(turn: Turn<'_>, pass: Pass) -> Option<Pass> {
    let knock = turn.lane.engine.knock();
    let Some(knock) = knock.filter(|_| pass.is_after_an_outage()) else {
        return Some(pass);
    };
    let answered = tokio::select! {
        answered = knock => answered,
        () = turn.run.shutdown.stop.cancelled() => return None,
    };
    let Err(error) = answered else {
        return Some(pass);
    };
    match error.class {
        FaultClass::Throttled | FaultClass::Overloaded | FaultClass::TimedOut => {
            pass.failed(&error);
            None
        }
        // Whatever else it says, it is there: a key need not be good for lists.
        _ => Some(pass),
    }
}

/// Steps (a) and (b): through the gate, and into the books.
async fn depart(turn: Turn<'_>) -> Result<Departure<'_>, store::Error> {
    let Turn {
        run, asked, claim, ..
    } = turn;
    let Some((pass, wire)) = permits(turn).await else {
        return Ok(Departure::Stopped);
    };
    if run.alike.is_stopped(claim.spec.id) {
        return Ok(Departure::Stopped);
    }
    let Some(pass) = knock(turn, pass).await else {
        return Ok(Departure::Stopped);
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
            return Ok(Departure::Full(Stop::Budget {
                what: error.to_string(),
                which,
            }));
        }
        Err(error) => return Err(error),
    }
    run.tell(Event::Sent {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        reserved: reserve,
    });
    let sent = Sent {
        at,
        reserved: reserve,
        latency: Duration::ZERO,
    };
    Ok(Departure::Leave(Leave { pass, wire, sent }))
}

/// Steps (c) to (g): the request is on the bill from here on.
async fn send(turn: Turn<'_>, input: &Input, leave: Leave<'_>) -> Result<(), store::Error> {
    let Turn {
        run,
        lane,
        asked,
        claim,
    } = turn;
    let mut sent = leave.sent;
    let mut part = match new_part(turn) {
        Ok(part) => part,
        Err(words) => {
            // Nothing left this machine: the reservation is given back.
            let error = EngineError::new(FaultClass::Local, words);
            return unusable(turn, sent, error).await;
        }
    };
    let started = Instant::now();
    let answered = {
        let answer = ask(lane, asked, input, &mut part);
        tokio::select! {
            answer = answer => answer,
            () = run.shutdown.abort.cancelled() => {
                drop(leave);
                return doubt(run, claim, sent).await;
            }
        }
    };
    sent.latency = started.elapsed();
    let Leave { pass, wire, .. } = leave;
    let answer = match answered {
        Ok(answer) => {
            lane.answered(run.clock.now());
            pass.answered(&answer);
            answer
        }
        Err(error) => {
            note_failure(turn, pass, &error);
            let settled = unusable(turn, sent, error).await;
            drop(wire);
            return settled;
        }
    };
    let accepted = accept((asked, input), part, answer, wire);
    match unless_aborted_for(run, DISK_TIME, accepted).await {
        // Its row must not look like a crash to the next start.
        None => doubt(run, claim, sent).await,
        Some(accepted) => match (run.homes.gone(), accepted) {
            (Some(gone), _) => {
                let error = EngineError {
                    may_be_billed: true,
                    ..EngineError::new(FaultClass::Local, gone)
                };
                unusable(turn, sent, error).await
            }
            (None, Ok((answer, usable))) => complete(turn, sent, answer, usable).await,
            (None, Err(error)) => unusable(turn, sent, error).await,
        },
    }
}

/// The file that the answer goes to. Where it would be another folder than the run began with,
/// nothing is sent: what would be paid for could be lost there.
fn new_part(turn: Turn<'_>) -> Result<Part, String> {
    let homes = &turn.run.homes;
    if let Some(gone) = homes.gone() {
        return Err(gone);
    }
    let make = || {
        let objects = &turn.run.objects;
        let mut part = objects.start(turn.claim.key, turn.claim.attempt)?;
        if let Some(raw) = raw_audio(turn.asked) {
            enclose::make_room(&mut part.file, raw)?;
        }
        Ok::<_, std::io::Error>(part)
    };
    make().map_err(|error| {
        let gone = homes.gone();
        gone.unwrap_or_else(|| format!("cannot write an answer: {error}"))
    })
}

/// Tells the gate and the lane of a request that failed.
fn note_failure(turn: Turn<'_>, pass: Pass, error: &EngineError) {
    if matches!(error.class, FaultClass::Refused | FaultClass::BadAnswer) {
        turn.lane.answered(turn.run.clock.now());
    }
    if error.class == FaultClass::Account {
        // Before the place on the wire is free: the next would be refused as well.
        turn.run.shutdown.stop_for(Stop::Account {
            detail: error.detail.clone(),
        });
    }
    pass.failed(error);
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
        (Request::Transcribe { params, .. }, Input::Audio(Audio { path, duration, .. })) => {
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
