//! One run as its parts share it: what it works with, whom it tells, and why it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;

use crate::domain::{Attempt, GateId, JobId, RunId, SpecId};
use crate::pipeline::homes::Homes;
use crate::pipeline::objects::Objects;
use crate::pipeline::outputs::Outputs;
use crate::pipeline::task::Places;
use crate::store::{Claim, Store};
use crate::worker::alike::Alike;
use crate::worker::bounds::Bounds;
use crate::worker::clock::Clock;
use crate::worker::event::{Event, Told};
use crate::worker::guard::Guard;
use crate::worker::lane::Lane;
use crate::worker::pause::{Mark, Pauses};
use crate::worker::request::Request;
use crate::worker::rules::RunRules;
use crate::worker::shutdown::Shutdown;

/// Everything a run works with.
#[derive(Debug)]
pub struct Run {
    pub id: RunId,
    pub store: Arc<Store>,
    pub objects: Objects,
    pub places: Places,
    pub homes: Homes,
    pub outputs: Outputs,
    pub lanes: HashMap<GateId, Lane>,
    pub requests: HashMap<SpecId, Request>,
    /// The same specs by where they go, the most urgent first. Jobs of other tasks stay in
    /// the queue.
    pub specs: HashMap<GateId, Vec<SpecId>>,
    pub rules: RunRules,
    pub clock: Clock,
    pub events: UnboundedSender<Told>,
    pub shutdown: Shutdown,
    /// A permit for each request on the wire, over all lanes.
    pub wire: Semaphore,
    /// What is claimed now: what the heartbeat keeps alive.
    pub held: Mutex<HashMap<JobId, Attempt>>,
    /// The names under which the jobs of a spec can be paused.
    pub marks: HashMap<SpecId, Mark>,
    pub pauses: Pauses,
    pub guard: Guard,
    pub alike: Alike,
    pub bounds: Bounds,
}

impl Run {
    pub(crate) fn tell(&self, event: Event) {
        match &event {
            // Twice a second, and shown elsewhere.
            Event::Pulse(_) => tracing::trace!(?event),
            Event::Warning(words) => tracing::warn!("{words}"),
            _ => tracing::debug!(?event),
        }
        // The reporter may be gone at the very end; a run never fails for want of an audience.
        let at = self.clock.now();
        let _ = self.events.send(Told { at, event });
    }

    pub(crate) fn mark(&self, spec: SpecId) -> Option<&Mark> {
        self.marks.get(&spec)
    }

    /// Notes that the lease of `claim` is this run's, to be kept alive.
    pub(super) fn hold(&self, claim: &Claim) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(claim.job, claim.attempt);
    }

    /// The lease of `job` is over.
    pub(super) fn let_go(&self, job: JobId) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&job);
    }

    pub(super) fn leases(&self) -> Vec<(JobId, Attempt)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(job, attempt)| (*job, *attempt)).collect()
    }
}
