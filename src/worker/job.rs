//! One request from claim to settlement, in this order: (a) pass the gate, (b) commit the
//! intent, (c) send, (d) stream the answer to a part file, (e) validate, (f) sync and name
//! it, (g) settle in one commit. The user's files are made from the answers in `finish`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::audio::{self, enclose};
use crate::domain::{
    AudioFormat, AudioMillis, CharCount, CostStatus, FaultClass, JobKind, Lesson, NanoUsd, Price,
    Quantity, RawAudio, UtcMillis,
};
use crate::engine::lesson::{Refused, lesson};
use crate::engine::limit::Pass;
use crate::engine::transcription::parse_transcript;
use crate::engine::{Answer, EngineError, Recording, SpeechRequest, TranscriptionRequest};
use crate::pipeline::addresses::{Address, Addresses};
use crate::pipeline::objects::Part;
use crate::pipeline::{key, remote};
use crate::store::learned::{self, Learned};
use crate::store::{
    self, Bill, Claim, DoubtPolicy, Fault, Intent, NewObject, Purse, Settle, Verdict,
};
use crate::worker::clock::Clock;
use crate::worker::event::{Charge, Event};
use crate::worker::finish;
use crate::worker::machine;
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

/// The right to have one request on the wire.
struct Leave<'a> {
    pass: Pass,
    wire: SemaphorePermit<'a>,
    at: UtcMillis,
    reserve: NanoUsd,
}

/// A request that has left: when, and what was set aside for it.
#[derive(Clone, Copy)]
struct Gone {
    at: UtcMillis,
    reserve: NanoUsd,
    latency: Duration,
}

/// What a usable answer came to.
struct Usable {
    object: NewObject,
    audio: Option<AudioMillis>,
    /// The audio the provider says it transcribed.
    heard: Option<AudioMillis>,
}

/// What is sent, read when the job is claimed: an input that changed since is not sent.
enum Input {
    Text(String),
    Audio {
        path: PathBuf,
        duration: AudioMillis,
    },
    /// The provider fetches it.
    Address(Address),
}

/// Why what is to be sent cannot be read.
struct Unreadable {
    detail: String,
    /// This machine is at fault: every other job would meet the same.
    stops: bool,
}

impl Unreadable {
    fn new(what: &str, error: &std::io::Error) -> Self {
        Self {
            detail: format!("{what}: {error}"),
            stops: machine::is_at_fault(error),
        }
    }

    fn of_this_job(detail: &str) -> Self {
        Self {
            detail: detail.to_owned(),
            stops: false,
        }
    }
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
            let accepted = unless_aborted(run, accept(asked, &claim, part, answer, wire)).await;
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

/// Steps (e) and (f): is it what was asked for, and is it safe on disk?
async fn accept(
    asked: &Request,
    claim: &Claim,
    part: Part,
    mut answer: Answer,
    wire: SemaphorePermit<'_>,
) -> Result<(Answer, Usable), EngineError> {
    // Safe on the disk it costs nothing to lose the process, so the wire is free again; until
    // then it counts as in flight, so a crash costs at most `workers` requests.
    let (raw, words) = (raw_audio(asked), std::mem::take(&mut answer.words));
    let arrived = tokio::task::spawn_blocking(move || {
        let mut part = part;
        if let Some(raw) = raw {
            enclose::enclose(&mut part.file, raw, &words)?;
        }
        part.arrive()
    })
    .await
    .expect("syncing an answer does not panic")
    .map_err(|error| local_fault(&error))?;
    drop(wire);
    let rules = match asked {
        Request::Speak { params, check, .. } => Some((params.format, *check)),
        Request::Transcribe { .. } | Request::Nothing => None,
    };
    let chars = match claim.quantity {
        Quantity::Chars(chars) => chars,
        Quantity::Audio(_) | Quantity::Nothing => CharCount(0),
    };
    let (status, request_id) = (answer.http_status, answer.request_id.clone());
    let first_byte = Some(answer.first_byte);
    let checked = tokio::task::spawn_blocking(move || {
        let bad = |detail: String| EngineError {
            http_status: status,
            request_id,
            may_be_billed: true,
            first_byte,
            ..EngineError::new(FaultClass::BadAnswer, detail)
        };
        let (format, audio, heard) = match rules {
            Some((format, check)) => {
                let facts = audio::check_speech(arrived.path(), format, chars, &check).map_err(
                    |error| {
                        if machine::is_at_fault(&error) {
                            local_fault(&error)
                        } else {
                            bad(error.to_string())
                        }
                    },
                )?;
                (format.as_str(), Some(facts.duration), None)
            }
            None => {
                let json = std::fs::read(arrived.path()).map_err(|error| local_fault(&error))?;
                let transcript = parse_transcript(&json).map_err(|error| bad(error.to_string()))?;
                ("json", None, transcript.duration)
            }
        };
        let sha256 = key::of_file(arrived.path()).map_err(|error| local_fault(&error))?;
        let bytes = arrived
            .path()
            .metadata()
            .map_err(|error| local_fault(&error))?
            .len();
        arrived.keep().map_err(|error| local_fault(&error))?;
        Ok(Usable {
            object: NewObject {
                sha256,
                bytes,
                format: format.to_owned(),
            },
            audio,
            heard,
        })
    })
    .await
    .expect("checking an answer does not panic");
    checked.map(|usable| (answer, usable))
}

/// What travels without a header and gets one here, before anybody takes it for an answer.
fn raw_audio(asked: &Request) -> Option<RawAudio> {
    match asked {
        Request::Speak {
            params, delivery, ..
        } => {
            (params.wire_format(*delivery) == AudioFormat::Raw).then(|| params.raw_audio(*delivery))
        }
        Request::Transcribe { .. } | Request::Nothing => None,
    }
}

/// The answer was paid for but this disk could not keep it.
fn local_fault(error: &(dyn std::error::Error + 'static)) -> EngineError {
    EngineError {
        may_be_billed: true,
        ..EngineError::new(FaultClass::Local, format!("cannot keep an answer: {error}"))
    }
}

/// Reads what is to be sent. `Err` says why the input is not what was planned.
async fn input(run: &Arc<Run>, claim: &Claim) -> Result<Input, Unreadable> {
    if let (Some(text), Some(span)) = (claim.source.text, &claim.span) {
        return run
            .objects
            .read_text(text, span.clone())
            .map(Input::Text)
            .map_err(|error| Unreadable::new("cannot read the text to speak", &error));
    }
    let Quantity::Audio(duration) = claim.quantity else {
        return Err(Unreadable::of_this_job(
            "the job has neither a text nor a length",
        ));
    };
    if claim.source.kind == remote::KIND {
        return match Addresses::new(&run.places.state).get(claim.key) {
            Ok(Some(address)) => Ok(Input::Address(address)),
            Ok(None) => Err(Unreadable::of_this_job(
                "its URL is not kept any more; name it in a manifest of its task, then retry",
            )),
            Err(error) => Err(Unreadable::new("cannot read its URL", &error)),
        };
    }
    let path = run.places.input(&claim.source.path);
    let (expected, checked) = (claim.source.content, path.clone());
    let found = tokio::task::spawn_blocking(move || key::of_file(&checked))
        .await
        .expect("hashing does not panic");
    match found {
        Ok(found) if found == expected => Ok(Input::Audio { path, duration }),
        Ok(_) => Err(Unreadable::of_this_job(
            "the file changed since it was planned; the next run plans it anew",
        )),
        Err(error) => Err(Unreadable::new("cannot read the file", &error)),
    }
}

async fn release(run: &Arc<Run>, claim: &Claim) -> Result<End, store::Error> {
    settle(run, claim, Verdict::Release, None, None).await?;
    Ok(End::Settled)
}

async fn reuse(run: &Arc<Run>, claim: &Claim, asked: &Request) -> Result<End, store::Error> {
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
        charge: None,
        audio,
        latency: None,
        reused: true,
    });
    Ok(End::Settled)
}

async fn complete(
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
fn measured(
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
fn bill_of_fetched(
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
fn forget_address(run: &Run, claim: &Claim) {
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
fn note_paid(run: &Run, asked: &Request, cost: NanoUsd, usable: bool) -> Option<String> {
    let is_free = cost == FREE && asked.price().is_some();
    if is_free || asked.price() == Some(Price::Free) {
        return None;
    }
    let why = run.guard.paid(cost, usable)?;
    run.halt(Stop::Runaway { why: why.clone() });
    Some(why)
}

async fn unusable(
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

/// The limit that a refusal names, if it clearly names one.
fn lesson_of(run: &Run, asked: &Request, claim: &Claim, error: &EngineError) -> Option<Lesson> {
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
async fn remember(run: &Arc<Run>, claim: &Claim, lesson: Lesson, words: String) -> String {
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
        class: fault.class,
        detail: fault.detail,
        charge,
    });
    Ok(End::Settled)
}

async fn doubt(run: &Arc<Run>, claim: &Claim, reserve: NanoUsd) -> Result<End, store::Error> {
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
