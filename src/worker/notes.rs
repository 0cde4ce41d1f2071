//! The notes of a live run, every other second: its pulse on the store's board for other
//! processes, and as an event for its own progress line. Learned rates are saved on the way, so
//! that a killed run has not learned in vain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::domain::{GateId, JobState, UtcMillis};
use crate::store::{self, board};
use crate::worker::event::Event;
use crate::worker::pulse::{GatePulse, Pulse};
use crate::worker::run::Run;
use crate::worker::stop::Stop;
use crate::worker::why::{self, Cause, Facts};

/// How often the board is renewed.
const EVERY: Duration = Duration::from_secs(2);

/// How often learned rates are saved, if they changed.
const SAVE_EVERY: u32 = 15;

/// A rate that changed by less is not worth a commit.
const WORTH_SAVING: f64 = 0.05;

/// Renews the board until `done`. Ends between two notes, so that the last word stays.
pub(super) async fn keep(run: Arc<Run>, done: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    // A machine that slept has one note to write, not one for every two seconds of the night.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut saved = HashMap::new();
    let mut has_warned = false;
    for beat in 0_u32.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = done.cancelled() => return,
        }
        let stop = run.shutdown.why().and_then(Stop::cause);
        let result = async {
            renew(&run, stop).await?;
            if beat % SAVE_EVERY == SAVE_EVERY - 1 {
                save_rates(&run, &mut saved).await?;
            }
            Ok::<_, store::Error>(())
        };
        if let Err(error) = result.await
            && !has_warned
        {
            has_warned = true;
            run.tell(Event::Warning(format!(
                "`status` cannot see how this run is going: {error}"
            )));
        }
    }
}

/// The last word of a run: why it ended, and what it learned.
pub(super) async fn end(run: &Run, stop: &Stop) -> Result<(), store::Error> {
    save_rates(run, &mut HashMap::new()).await?;
    renew(run, stop.cause()).await
}

async fn renew(run: &Run, stop: Option<Cause>) -> Result<(), store::Error> {
    let pulse = take(run, stop).await?;
    let (state, note) = (run.places.state.clone(), pulse.clone());
    tokio::task::spawn_blocking(move || board::put_up(&state, &note))
        .await
        .expect("writing a note does not panic")?;
    run.tell(Event::Pulse(pulse));
    Ok(())
}

async fn take(run: &Run, stop: Option<Cause>) -> Result<Pulse, store::Error> {
    let mut facts: HashMap<GateId, Facts> = HashMap::new();
    for count in run.store.counts().await? {
        if !run.requests.contains_key(&count.spec) {
            continue;
        }
        let facts = facts.entry(count.gate).or_default();
        match count.state {
            JobState::Available => facts.ready += count.jobs,
            JobState::Scheduled => facts.scheduled += count.jobs,
            JobState::Leased | JobState::Sent => facts.claimed += count.jobs,
            _ => {}
        }
    }
    let paused = run.store.gates().await?;
    let due = run.store.next_due().await?;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let now = run.clock.now();
    let mut gates = Vec::new();
    for (id, lane) in &run.lanes {
        let facts = Facts {
            due,
            workers: number(run.rules.workers),
            free_workers: number(run.wire.available_permits()),
            paused: paused
                .iter()
                .find(|gate| gate.id == *id)
                .and_then(|gate| gate.paused.clone())
                .or_else(|| paused_by_person(run, *id)),
            stopping: stop.clone(),
            ..facts.remove(id).unwrap_or_default()
        };
        let state = lane.gate.snapshot();
        gates.push(GatePulse {
            gate: *id,
            name: lane.name.clone(),
            cause: why::of(&state, &facts, now),
            per_second: state.rate,
            in_flight: u64::from(state.in_flight),
            succeeded: state.succeeded,
            throttled: state.throttled,
            overloaded: state.overloaded,
        });
    }
    if let Some(local) = facts.get(&GateId::LOCAL)
        && local.ready + local.claimed > 0
    {
        gates.push(joining(local));
    }
    gates.sort_by_key(|gate| gate.gate);
    Ok(Pulse {
        run: run.id,
        at: now,
        gates,
        stop,
    })
}

/// The pause of a gate all of whose work a person paused.
fn paused_by_person(run: &Run, gate: GateId) -> Option<(UtcMillis, String)> {
    let specs = run.specs.get(&gate)?;
    let mut causes = specs.iter().map(|spec| run.pauses.cause(run.mark(*spec)));
    let first = causes.next()??;
    causes.all(|cause| cause.is_some()).then_some(first)
}

fn joining(local: &Facts) -> GatePulse {
    GatePulse {
        gate: GateId::LOCAL,
        name: "this machine".to_owned(),
        cause: Cause::Joining {
            files: local.ready + local.claimed,
        },
        per_second: None,
        in_flight: local.claimed,
        succeeded: 0,
        throttled: 0,
        overloaded: 0,
    }
}

async fn save_rates(run: &Run, saved: &mut HashMap<GateId, f64>) -> Result<(), store::Error> {
    for (gate, lane) in &run.lanes {
        let Some(rate) = lane.gate.learned_rate() else {
            continue;
        };
        let is_known = saved
            .get(gate)
            .is_some_and(|known| (rate / known - 1.0).abs() < WORTH_SAVING);
        if !is_known {
            run.store.save_rate(*gate, rate, run.clock.now()).await?;
            saved.insert(*gate, rate);
        }
    }
    Ok(())
}
