//! What a live run does besides its jobs: keeps its claims its own, and its pauses those of
//! the queue.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::domain::units::counted;
use crate::store;
use crate::worker::event::Event;
use crate::worker::pause;
use crate::worker::run::Run;

/// How long a claim holds without a heartbeat.
pub(super) const LEASE: Duration = Duration::from_mins(1);

/// How often claims are extended.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Keeps the claims of a live run alive until it is aborted.
pub(super) async fn keep_leases(run: Arc<Run>) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    // After a sleep of the machine one beat is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = run.clock.now();
        if let Err(error) = run.store.extend(&run.leases(), now.after(LEASE)).await {
            run.tell(Event::Warning(format!("cannot extend leases: {error}")));
        }
        // Behind the run lock only a hung task of this process can lose its lease.
        match run.store.rescue_expired(now).await {
            Ok(found) if found.released > 0 => {
                run.tell(Event::Warning(format!(
                    "took back {} that had run out",
                    counted(found.released, "lease")
                )));
            }
            Ok(_) => {}
            Err(error) => run.tell(Event::Warning(format!(
                "cannot look for lost leases: {error}"
            ))),
        }
    }
}

/// Keeps the run's pauses those of the queue until it is aborted.
pub(super) async fn watch_pauses(run: Arc<Run>) {
    let tell = |changed: Result<(), store::Error>| {
        run.tell(match changed {
            Ok(()) => Event::Paused {
                what: run.pauses.words(),
            },
            Err(error) => Event::Warning(format!("cannot look for pauses: {error}")),
        });
    };
    if !run.pauses.words().is_empty() {
        tell(Ok(()));
    }
    pause::watch(&run.pauses, &run.store, tell).await;
}
