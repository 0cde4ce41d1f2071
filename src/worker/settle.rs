//! How a job's turn ends in the queue: given back, completed, failed or in doubt. One commit
//! each, then a word to whoever listens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{AudioMillis, CostStatus, FaultClass};
use crate::pipeline::addresses::Addresses;
use crate::pipeline::remote;
use crate::store::{self, Attempted, Claim, DoubtPolicy, Fault, Settle, Verdict};
use crate::worker::event::{Charge, Event};
use crate::worker::run::Run;
use crate::worker::stop::Stop;
use crate::worker::trouble::Trouble;
use crate::worker::turn::{Sent, attempted};

/// Back to the queue, without blame.
pub(super) async fn release(run: &Arc<Run>, claim: &Claim) -> Result<(), store::Error> {
    settle(run, claim, Verdict::Release, None, None).await
}

/// Something on this machine kept the job from being done: failed, or given back and the run
/// stopped, if every other job would meet the same.
pub(super) async fn troubled(
    run: &Arc<Run>,
    claim: &Claim,
    trouble: Trouble,
) -> Result<(), store::Error> {
    // A file that is missing says nothing against its job where its whole folder is gone.
    let gone = run.homes.gone().map(Trouble::of_this_machine);
    let Trouble { detail, stops } = gone.unwrap_or(trouble);
    if stops {
        release(run, claim).await?;
        run.shutdown.stop_for(Stop::Local { detail });
        return Ok(());
    }
    let fault = Fault {
        class: FaultClass::Local,
        detail,
    };
    fail(run, claim, fault, None).await
}

/// What a completed job came to, as it is told.
pub(super) struct Completed {
    /// Files that were written.
    pub(super) files: Vec<PathBuf>,
    /// `None`: nothing was sent.
    pub(super) charge: Option<Charge>,
    pub(super) latency: Option<Duration>,
    pub(super) reused: bool,
    pub(super) flags: Option<String>,
}

/// Done: `verdict` is a [`Verdict::Complete`].
pub(super) async fn complete(
    run: &Arc<Run>,
    claim: &Claim,
    verdict: Verdict,
    attempted: Option<Attempted>,
    told: Completed,
) -> Result<(), store::Error> {
    let audio: Option<AudioMillis> = match &verdict {
        Verdict::Complete { audio, .. } => *audio,
        _ => None,
    };
    settle(run, claim, verdict, None, attempted).await?;
    forget_address(run, claim);
    run.tell(Event::Completed {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        outputs: told.files,
        charge: told.charge,
        audio,
        latency: told.latency,
        reused: told.reused,
        flags: told.flags,
    });
    Ok(())
}

/// Given up, with what the last attempt came to, if one was sent.
pub(super) async fn fail(
    run: &Arc<Run>,
    claim: &Claim,
    fault: Fault,
    sent: Option<(Attempted, Charge)>,
) -> Result<(), store::Error> {
    let (attempted, charge) = sent.unzip();
    settle(run, claim, Verdict::Fail, Some(fault.clone()), attempted).await?;
    forget_address(run, claim);
    run.tell(Event::Failed {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        class: fault.class,
        detail: fault.detail,
        charge,
    });
    Ok(())
}

/// Given up on in flight, because the run ends: it may be on the bill.
pub(super) async fn doubt(run: &Arc<Run>, claim: &Claim, sent: Sent) -> Result<(), store::Error> {
    // Not a crash: given up on as often as a person likes, the job is no poison.
    let verdict = match run.rules.on_in_doubt {
        DoubtPolicy::Resend => Verdict::Release,
        DoubtPolicy::Hold => Verdict::Hold,
    };
    let fault = Fault {
        class: FaultClass::TimedOut,
        detail: "given up on in flight when the run was ended".to_owned(),
    };
    let charge = sent.charge(sent.reserved, CostStatus::InDoubt);
    settle(run, claim, verdict, Some(fault), Some(attempted(charge))).await?;
    run.tell(Event::InDoubt {
        job: claim.job,
        kind: claim.kind,
        source: claim.source.clone(),
        cost: charge.cost,
    });
    Ok(())
}

/// The one commit.
pub(super) async fn settle(
    run: &Arc<Run>,
    claim: &Claim,
    verdict: Verdict,
    fault: Option<Fault>,
    attempted: Option<Attempted>,
) -> Result<(), store::Error> {
    let at = run.clock.now();
    run.store
        .settle(Settle {
            job: claim.job,
            attempt: claim.attempt,
            at,
            verdict,
            fault,
            attempted,
        })
        .await
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
