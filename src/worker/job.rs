//! One request from claim to settlement, in this order: (a) pass the gate, (b) commit the
//! intent, (c) send, (d) stream the answer to a part file, (e) validate, (f) sync and name
//! it, (g) settle in one commit. The user's files are made from the answers in `finish`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::audio;
use crate::domain::{AudioMillis, CharCount, CostStatus, FaultClass, JobKind, NanoUsd, Quantity};
use crate::engine::delay::delay;
use crate::engine::limit::Pass;
use crate::engine::transcription::parse_transcript;
use crate::engine::{Answer, EngineError, SpeechRequest, TranscriptionRequest};
use crate::pipeline::key;
use crate::pipeline::objects::Part;
use crate::store::{self, Bill, Claim, Fault, Intent, NewObject, Settle, Verdict};
use crate::worker::event::Event;
use crate::worker::finish;
use crate::worker::machine;
use crate::worker::run::{FREE, Lane, Request, Run};
use crate::worker::verdict::{Next, Try, decide};

/// How a job's turn ended, as far as the run must know.
#[derive(Debug)]
pub(crate) enum End {
    Settled,
    /// The next request would go over a cap.
    Budget(String),
    /// The provider refuses the account.
    Account(String),
    /// This machine cannot go on.
    Local(String),
}

/// The right to have one request on the wire.
struct Leave<'a> {
    pass: Pass,
    wire: SemaphorePermit<'a>,
}

/// What a usable answer came to.
struct Usable {
    object: NewObject,
    audio: Option<AudioMillis>,
}

/// What is sent, read when the job is claimed: an input that changed since is not sent.
enum Input {
    Text(String),
    Audio {
        path: PathBuf,
        duration: AudioMillis,
    },
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
        JobKind::Assemble | JobKind::Compose => finish::work(run, claim).await,
    }
}

async fn request(run: &Arc<Run>, claim: Claim) -> Result<End, store::Error> {
    let (Some(lane), Some(asked)) = (
        run.lanes.get(&claim.spec.gate),
        run.requests.get(&claim.spec.id),
    ) else {
        return release(run, &claim).await;
    };
    // The answer may be there already: a crash between its rename and the commit, or a
    // queue that was rebuilt over an old object folder.
    if run.objects.contains(claim.key) {
        return reuse(run, &claim, asked).await;
    }
    let input = match input(run, &claim).await {
        Ok(input) => input,
        Err(Unreadable {
            detail,
            stops: true,
        }) => {
            release(run, &claim).await?;
            return Ok(End::Local(detail));
        }
        Err(Unreadable {
            detail,
            stops: false,
        }) => {
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
    let stop = &run.shutdown.stop;
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
        () = stop.cancelled() => return release(run, &claim).await,
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
        reserve,
        quantity: claim.quantity,
    };
    match run.store.mark_sent(intent).await {
        Ok(()) => {}
        Err(error @ store::Error::Budget { .. }) => {
            drop(pass);
            release(run, &claim).await?;
            return Ok(End::Budget(error.to_string()));
        }
        Err(error) => return Err(error),
    }
    run.tell(Event::Sent {
        job: claim.job,
        reserved: reserve,
    });
    let leave = Leave { pass, wire };
    send(run, lane, asked, claim, &input, leave, reserve).await
}

async fn send(
    run: &Arc<Run>,
    lane: &Lane,
    asked: &Request,
    claim: Claim,
    input: &Input,
    leave: Leave<'_>,
    reserve: NanoUsd,
) -> Result<End, store::Error> {
    let mut part = match run.objects.start(claim.key, claim.attempt) {
        Ok(part) => part,
        Err(error) => {
            // Nothing left this machine: the reservation is given back.
            let error = EngineError::new(
                FaultClass::Local,
                format!("cannot write an answer: {error}"),
            );
            return unusable(run, lane, &claim, reserve, Duration::ZERO, error).await;
        }
    };
    let started = Instant::now();
    let answered = {
        let answer = async {
            match (asked, input) {
                (Request::Speak { params, .. }, Input::Text(text)) => {
                    lane.engine
                        .speak(
                            SpeechRequest {
                                params,
                                input: text,
                            },
                            &mut part.file,
                        )
                        .await
                }
                (Request::Transcribe { params, .. }, Input::Audio { path, duration }) => {
                    let request = TranscriptionRequest {
                        params,
                        path,
                        duration: *duration,
                    };
                    lane.engine.transcribe(request, &mut part.file).await
                }
                _ => Err(EngineError::new(
                    FaultClass::Local,
                    "the job's kind and its parameters disagree",
                )),
            }
        };
        tokio::select! {
            answer = answer => answer,
            () = run.shutdown.abort.cancelled() => {
                drop(leave);
                return doubt(run, &claim, reserve).await;
            }
        }
    };
    let latency = started.elapsed();
    let Leave { pass, wire } = leave;
    let result = match answered {
        Ok(answer) => {
            lane.answered(run.clock.now());
            pass.succeeded();
            accept(asked, &claim, part, answer, wire).await
        }
        Err(error) => {
            if matches!(error.class, FaultClass::Refused | FaultClass::BadAnswer) {
                lane.answered(run.clock.now());
            }
            pass.failed(&error);
            Err(error)
        }
    };
    match result {
        Ok((answer, usable)) => complete(run, &claim, reserve, latency, answer, usable).await,
        Err(error) => unusable(run, lane, &claim, reserve, latency, error).await,
    }
}

/// Steps (e) and (f): is it what was asked for, and is it safe on disk?
async fn accept(
    asked: &Request,
    claim: &Claim,
    part: Part,
    answer: Answer,
    wire: SemaphorePermit<'_>,
) -> Result<(Answer, Usable), EngineError> {
    // Safe on the disk it costs nothing to lose the process, so the wire is free again; until
    // then it counts as in flight, so a crash costs at most `workers` requests.
    let arrived = tokio::task::spawn_blocking(move || part.arrive())
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
    let bytes = answer.bytes;
    let checked = tokio::task::spawn_blocking(move || {
        let bad = |detail: String| EngineError {
            http_status: status,
            request_id,
            may_be_billed: true,
            ..EngineError::new(FaultClass::BadAnswer, detail)
        };
        let (format, audio) = match rules {
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
                (format.as_str(), Some(facts.duration))
            }
            None => {
                let json = std::fs::read(arrived.path()).map_err(|error| local_fault(&error))?;
                parse_transcript(&json).map_err(|error| bad(error.to_string()))?;
                ("json", None)
            }
        };
        let sha256 = key::of_file(arrived.path()).map_err(|error| local_fault(&error))?;
        arrived.keep().map_err(|error| local_fault(&error))?;
        Ok(Usable {
            object: NewObject {
                sha256,
                bytes,
                format: format.to_owned(),
            },
            audio,
        })
    })
    .await
    .expect("checking an answer does not panic");
    checked.map(|usable| (answer, usable))
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
    run.tell(Event::Completed {
        job: claim.job,
        kind: claim.kind,
        cost: FREE,
        audio,
        latency: None,
        reused: true,
    });
    Ok(End::Settled)
}

async fn complete(
    run: &Arc<Run>,
    claim: &Claim,
    cost: NanoUsd,
    latency: Duration,
    answer: Answer,
    usable: Usable,
) -> Result<End, store::Error> {
    let bill = Bill {
        cost,
        status: CostStatus::Confirmed,
        http_status: answer.http_status,
        request_id: answer.request_id,
        latency: Some(latency),
        first_byte: Some(answer.first_byte),
        bytes: Some(usable.object.bytes),
    };
    let audio = usable.audio;
    let verdict = Verdict::Complete {
        object: Some(usable.object),
        outputs: Vec::new(),
        audio,
    };
    settle(run, claim, verdict, None, Some(bill)).await?;
    run.tell(Event::Completed {
        job: claim.job,
        kind: claim.kind,
        cost,
        audio,
        latency: Some(latency),
        reused: false,
    });
    Ok(End::Settled)
}

async fn unusable(
    run: &Arc<Run>,
    lane: &Lane,
    claim: &Claim,
    reserve: NanoUsd,
    latency: Duration,
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
    };
    let (next, status) = decide(&tried, &run.rules.retry);
    let cost = if status == CostStatus::NotBilled {
        FREE
    } else {
        reserve
    };
    let bill = Bill {
        cost,
        status,
        http_status: error.http_status,
        request_id: error.request_id,
        latency: Some(latency),
        first_byte: None,
        bytes: None,
    };
    let fault = Fault {
        class: error.class,
        detail: error.detail,
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
    match next {
        Next::GiveUp => fail(run, claim, fault, Some(bill)).await,
        Next::Again { counts } => {
            let count = tries(claim.failures, tried.failing_for);
            let wait = delay(
                run.rules.delay,
                count,
                error.retry_after,
                run.clock.jitter(),
            );
            again(now.after(wait), counts).await?;
            run.tell(Event::Retry {
                job: claim.job,
                class: fault.class,
                detail: fault.detail,
                wait,
                cost,
            });
            Ok(End::Settled)
        }
        Next::Stop => {
            again(now, false).await?;
            let Fault { class, detail } = fault;
            Ok(if class == FaultClass::Account {
                End::Account(detail)
            } else {
                End::Local(detail)
            })
        }
    }
}

/// How far the delay has grown: by failures, or by how long an outage lasts, which counts
/// no failure.
fn tries(failures: u32, failing_for: Duration) -> u32 {
    failures.max(
        failing_for
            .as_secs()
            .checked_ilog2()
            .map_or(0, |log| log + 1),
    )
}

pub(super) async fn fail(
    run: &Arc<Run>,
    claim: &Claim,
    fault: Fault,
    bill: Option<Bill>,
) -> Result<End, store::Error> {
    let cost = bill
        .as_ref()
        .filter(|bill| bill.status.counts())
        .map_or(FREE, |bill| bill.cost);
    settle(run, claim, Verdict::Fail, Some(fault.clone()), bill).await?;
    run.tell(Event::Failed {
        job: claim.job,
        kind: claim.kind,
        class: fault.class,
        detail: fault.detail,
        cost,
    });
    Ok(End::Settled)
}

async fn doubt(run: &Arc<Run>, claim: &Claim, reserve: NanoUsd) -> Result<End, store::Error> {
    run.store
        .doubt(
            claim.job,
            claim.attempt,
            run.clock.now(),
            run.rules.on_in_doubt,
        )
        .await?;
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
