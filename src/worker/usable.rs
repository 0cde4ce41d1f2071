//! A job that has its answer: bought just now, or kept from before.

use std::sync::Arc;

use crate::audio;
use crate::domain::CostStatus;
use crate::engine::Answer;
use crate::pipeline::{key, remote};
use crate::store::{self, Attempted, Claim, NewObject, Verdict};
use crate::worker::answer::Usable;
use crate::worker::cost::{cost_of_fetched, measured, note_paid};
use crate::worker::event::Event;
use crate::worker::request::Request;
use crate::worker::run::Run;
use crate::worker::settle::{self, Completed, troubled};
use crate::worker::stop::Stop;
use crate::worker::trouble::Trouble;
use crate::worker::turn::{Sent, Turn};

/// Whether the answer that lies there is not the one that was kept. It makes way then, and the job
/// buys another, as whoever queued it has agreed to. `Err` inside: nobody can say, or it cannot make
/// way, and then it is neither believed nor bought again.
pub(super) async fn is_damaged(
    run: &Arc<Run>,
    claim: &Claim,
) -> Result<Result<bool, Trouble>, store::Error> {
    let Some(kept) = run.store.object(claim.key).await? else {
        return Ok(Ok(false));
    };
    let objects = run.objects.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let is_whole = objects.is_whole(kept.key, kept.sha256)?;
        if !is_whole {
            objects.set_aside(kept.key)?;
        }
        Ok::<_, std::io::Error>(!is_whole)
    });
    let looked = looked.await.expect("hashing does not panic");
    let looked = looked.map_err(|error| Trouble::with("cannot look at a kept answer", &error));
    if matches!(looked, Ok(true)) {
        run.tell(Event::Warning(format!(
            "the kept answer of job {} is damaged; it is bought again",
            claim.job
        )));
    }
    Ok(looked)
}

/// Settles a job whose answer is in the object folder already.
pub(super) async fn reuse(
    run: &Arc<Run>,
    claim: &Claim,
    asked: &Request,
) -> Result<(), store::Error> {
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
            let trouble = Trouble::with("cannot read a kept answer", &error);
            return troubled(run, claim, trouble).await;
        }
    };
    let verdict = Verdict::Complete {
        flags: None,
        object: Some(object),
        outputs: Vec::new(),
        audio,
    };
    let told = Completed {
        files: Vec::new(),
        charge: None,
        latency: None,
        reused: true,
        flags: None,
    };
    settle::complete(run, claim, verdict, None, told).await
}

/// Settles a job whose answer has just been bought.
pub(super) async fn complete(
    turn: Turn<'_>,
    sent: Sent,
    answer: Answer,
    usable: Usable,
) -> Result<(), store::Error> {
    let Turn {
        run, asked, claim, ..
    } = turn;
    // What was fetched is billed as long as it is, and only the answer knows that.
    let heard = usable.heard.filter(|_| claim.source.kind == remote::KIND);
    let fetched = heard.and_then(|heard| cost_of_fetched(asked.price(), claim.quantity, heard));
    let cost = fetched.map_or_else(
        || measured(asked.price(), claim.quantity, sent.reserved, usable.heard),
        |(_, cost)| cost,
    );
    let charge = sent.charge(cost, CostStatus::Confirmed);
    let attempted = Attempted {
        cost,
        status: charge.status,
        http_status: answer.http_status,
        request_id: answer.request_id,
        latency: Some(sent.latency),
        first_byte: Some(answer.first_byte),
        bytes: Some(usable.object.bytes),
        quantity: fetched.map(|(quantity, _)| quantity),
    };
    let verdict = Verdict::Complete {
        flags: None,
        object: Some(usable.object),
        outputs: Vec::new(),
        audio: usable.audio,
    };
    let told = Completed {
        files: Vec::new(),
        charge: Some(charge),
        latency: Some(sent.latency),
        reused: false,
        flags: None,
    };
    run.alike.answered(claim.spec.id);
    settle::complete(run, claim, verdict, Some(attempted), told).await?;
    if let Some(why) = run.guard.compare(charge.cost, charge.reserved) {
        run.shutdown.stop_for(Stop::Runaway { why });
    } else {
        note_paid(run, asked, charge.cost, true);
    }
    Ok(())
}
