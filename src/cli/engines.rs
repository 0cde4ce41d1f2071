//! The engines behind their gates, made from the settings; the only place that looks keys up to
//! send with them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::cli::consent;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::host;
use crate::config::{self, EngineKind, Limits, Profile};
use crate::domain::{GateId, SpecId};
use crate::engine::Engine;
use crate::engine::limit::{Adaptive, Ceilings, Gate, SavedRate};
use crate::engine::local::LocalEngine;
use crate::engine::rest::{Auth, Deadline, Kind, RestEngine, RestOptions};
use crate::pipeline::enqueue;
use crate::pipeline::task::{Task, Work};
use crate::store::Store;
use crate::worker::{Lane, Mark, Request};

/// Requests a second to start with on this machine: no limit in practice.
const LOOPBACK_START: f64 = 2_000.0;

/// Lanes and requests of a run.
#[derive(Debug, Default)]
pub(crate) struct Wiring {
    pub lanes: HashMap<GateId, Lane>,
    pub requests: HashMap<SpecId, Request>,
    /// The most urgent first.
    pub specs: HashMap<GateId, Vec<SpecId>>,
    pub marks: HashMap<SpecId, Mark>,
}

impl Context {
    /// Engines behind their gates for `tasks`, and what their jobs ask for. Looks keys up.
    pub(crate) async fn lanes(
        &self,
        store: &Store,
        tasks: &[Arc<Task>],
    ) -> Result<Wiring, Failure> {
        let mut engines: HashMap<String, Arc<dyn Engine>> = HashMap::new();
        let mut wiring = Wiring::default();
        let mut tasks = tasks.to_vec();
        tasks.sort_by_key(|task| task.priority);
        for task in &tasks {
            let profile = self.profile(task)?;
            let engine = match engines.get(&profile.name) {
                Some(engine) => engine.clone(),
                None => engines
                    .entry(profile.name.clone())
                    .or_insert(self.engine(profile).await?)
                    .clone(),
            };
            let specs = enqueue::specs(store, task).await?;
            let request = match &task.work {
                Work::Speech(work) => Request::Speak {
                    params: work.params.clone(),
                    price: task.price,
                    check: work.check,
                    delivery: work.delivery,
                },
                Work::Transcription(work) => Request::Transcribe {
                    endpoint: task.endpoint.clone(),
                    params: work.params.clone(),
                    price: task.price,
                    longest: work.longest(),
                    largest: work.largest(),
                },
            };
            wiring.requests.insert(specs.request, request);
            wiring.requests.insert(specs.local, Request::Nothing);
            let sent_to = (profile.name.clone(), task.model().to_owned());
            for (spec, sent_to) in [(specs.request, Some(sent_to)), (specs.local, None)] {
                let task = task.name.clone();
                wiring.marks.insert(spec, Mark { task, sent_to });
            }
            wiring
                .specs
                .entry(specs.gate)
                .or_default()
                .push(specs.request);
            wiring
                .specs
                .entry(GateId::LOCAL)
                .or_default()
                .push(specs.local);
            if let Entry::Vacant(vacant) = wiring.lanes.entry(specs.gate) {
                let gate = self.gate(store, specs.gate, task, profile).await?;
                let name = format!("{} at {}", task.model(), task.endpoint);
                vacant.insert(Lane::new(engine, gate, name));
            }
        }
        Ok(wiring)
    }

    async fn gate(
        &self,
        store: &Store,
        id: GateId,
        task: &Task,
        profile: &Profile,
    ) -> Result<Gate, Failure> {
        let Limits {
            requests_per_minute,
            chars_per_minute,
            audio_seconds_per_minute,
            concurrency,
        } = self.settings.model(profile, task.model()).limits;
        let local = profile.kind == EngineKind::Local;
        let most = self.settings.run.workers;
        let ceilings = Ceilings {
            requests_per_minute,
            chars_per_minute,
            audio_seconds_per_minute,
            concurrency: concurrency.map_or(most, |own| own.min(most)),
        };
        let known = store.gates().await?.into_iter().find(|gate| gate.id == id);
        let now = self.clock.now();
        let learned = known
            .and_then(|gate| gate.rate)
            .map(|(per_second, at)| SavedRate {
                per_second,
                age: now.since(at),
            });
        // A server on this machine needs no cautious start; it is still believed when it says 429.
        let start_per_second = if profile.is_loopback() {
            LOOPBACK_START
        } else {
            Adaptive::default().start_per_second
        };
        Ok(Gate::new(
            ceilings,
            Adaptive {
                enabled: !local,
                start_per_second,
                saved: learned,
            },
        ))
    }

    /// The engine of a profile, with its key.
    pub(crate) async fn engine(&self, profile: &Profile) -> Result<Arc<dyn Engine>, Failure> {
        match profile.dialect {
            None => Ok(Arc::new(local_engine())),
            Some(dialect) => Ok(Arc::new(self.rest_engine(profile, dialect).await?)),
        }
    }

    /// The client of a provider, with its key.
    pub(crate) async fn rest_engine(
        &self,
        profile: &Profile,
        kind: Kind,
    ) -> Result<RestEngine, Failure> {
        if let Some(host) = profile.unknown_host() {
            return Err(consent::unknown_host(&profile.name, host));
        }
        let key = profile.credential().await.map_err(|error| {
            Failure::from_error(Exit::Account, &error)
                .detail(format!(
                    "profile `{}` takes its key from {}",
                    profile.name,
                    profile.credential_source()
                ))
                .detail("nothing was sent")
                .hint("voicespool doctor")
        })?;
        let auth = match (key, profile.auth) {
            (Some(key), config::Auth::Bearer) => Auth::Bearer(key.secret().clone()),
            (Some(key), config::Auth::Raw) => Auth::Raw(key.secret().clone()),
            (None, _) | (_, config::Auth::None) => Auth::None,
        };
        let base_url = profile
            .base_url
            .as_ref()
            .map(|url| url.as_str().to_owned())
            .unwrap_or_default();
        let options = RestOptions {
            paths: profile.paths.clone(),
            key_in_clear: profile.key_in_clear(),
            connect_timeout: profile.timeouts.connect,
            idle_timeout: profile.timeouts.idle,
            total: match profile.timeouts.total {
                config::TotalTimeout::Auto => Deadline::Auto,
                config::TotalTimeout::After(limit) => Deadline::Fixed(limit),
            },
            ..RestOptions::new(kind, base_url, auth)
        };
        RestEngine::new(options).map_err(|error| Failure::from_error(Exit::Usage, &error))
    }
}

/// The built-in voice; unpacks its data to the user's cache folder when first used.
pub(crate) fn local_engine() -> LocalEngine {
    LocalEngine::new(host::cache())
}
