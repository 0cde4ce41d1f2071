//! What most commands start from: the settings, the queue, the engines.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::args::Global;
use crate::cli::estimate::Pace;
use crate::cli::exit::{Exit, Failure};
use crate::cli::term;
use crate::config::{
    self, EngineKind, Env, Limits, Overrides, Profile, ProjectFile, Settings, Sources, TypedTask,
};
use crate::domain::{GateId, Price, SpecId};
use crate::engine::Engine;
use crate::engine::limit::{Adaptive, Ceilings, Gate, Learned};
use crate::engine::local::LocalEngine;
use crate::engine::rest::{Auth, Deadline, Kind, RestEngine, RestOptions};
use crate::pipeline::enqueue;
use crate::pipeline::objects::Objects;
use crate::pipeline::task::{Learnt, Task, Work};
use crate::store::{self, Holder, Options, RunLock, Store};
use crate::worker::{Clock, Lane, Mark, Request};

/// Requests a second to start with on this machine: no limit in practice.
const LOOPBACK_START: f64 = 2_000.0;

/// One command's world.
#[derive(Debug)]
pub(crate) struct Context {
    pub settings: Settings,
    pub clock: Clock,
    pub json: bool,
    pub quiet: bool,
    /// The queue is the one of `tts` and `stt`, which belongs to no project.
    pub one_shots: bool,
}

impl Context {
    /// Loads the settings; every problem found is in the failure.
    pub(crate) fn load(global: &Global, overrides: Overrides) -> Result<Self, Failure> {
        Self::load_from(global, overrides, ProjectFile::Nearest, None)
    }

    /// As [`Self::load`], for commands that also work where there is no project.
    pub(crate) fn load_or_defaults(global: &Global) -> Result<Self, Failure> {
        Self::load_from(
            global,
            Overrides::default(),
            ProjectFile::NearestOrNone,
            None,
        )
    }

    /// The settings of one task that was typed, with the queue of all such tasks.
    pub(crate) fn load_typed(
        global: &Global,
        overrides: Overrides,
        task: &TypedTask,
    ) -> Result<Self, Failure> {
        let global = Global {
            one_shots: true,
            ..global.clone()
        };
        Self::load_from(&global, overrides, ProjectFile::NamedOrNone, Some(task))
    }

    fn load_from(
        global: &Global,
        mut overrides: Overrides,
        mut otherwise: ProjectFile,
        typed: Option<&TypedTask>,
    ) -> Result<Self, Failure> {
        let cwd = std::env::current_dir().map_err(|error| {
            Failure::from_error(Exit::Disk, &error).detail("the working folder cannot be read")
        })?;
        let home = if global.one_shots {
            let home = one_shots_home()?;
            otherwise = ProjectFile::NamedOrNone;
            overrides.out = Some(home.join("work/out"));
            overrides.state = Some(home.join(".voicespool"));
            Some(home)
        } else {
            None
        };
        let file = global.file.clone().map_or(otherwise, ProjectFile::At);
        let sources = Sources {
            cwd,
            file,
            env: Env::process(),
            overrides,
        };
        let mut settings = match typed {
            Some(task) => config::load_typed(&sources, task)?,
            None => config::load(&sources)?,
        };
        if let Some(home) = home {
            // The tasks and the folder of a project's file are not meant here.
            settings.tasks.retain(|_| typed.is_some());
            settings.places.root = home;
            "one-shots".clone_into(&mut settings.project);
        }
        if !global.quiet {
            for warning in &settings.warnings {
                term::say(&term::clean(&warning.to_string()));
            }
        }
        if !global.quiet {
            warn_of_unknown_variables();
        }
        Ok(Self {
            settings,
            clock: Clock::system(),
            json: global.json,
            quiet: global.quiet,
            one_shots: global.one_shots,
        })
    }

    pub(crate) fn queue(&self) -> PathBuf {
        self.settings.places.state.join("queue.db")
    }

    pub(crate) fn objects(&self) -> Objects {
        Objects::new(&self.settings.places.state)
    }

    /// Takes the run lock of the queue.
    pub(crate) fn lock(&self) -> Result<RunLock, store::Error> {
        RunLock::acquire(&self.settings.places.state, &self.holder())
    }

    /// Takes the run lock of the queue when it is free; says whom it waits for. Ctrl-C ends
    /// the process, which holds nothing yet.
    pub(crate) async fn lock_in_turn(&self) -> anyhow::Result<RunLock> {
        let first = match self.lock() {
            Err(store::Error::Locked { holder }) => holder,
            other => return Ok(other?),
        };
        if !self.quiet {
            let whom = first.map_or("another one".to_owned(), |holder| holder.to_string());
            term::say(&term::clean(&format!("waiting for {whom}")));
        }
        let (folder, holder) = (self.settings.places.state.clone(), self.holder());
        let lock = tokio::task::spawn_blocking(move || RunLock::wait(&folder, &holder)).await?;
        Ok(lock?)
    }

    fn holder(&self) -> Holder {
        Holder {
            pid: std::process::id(),
            host: host(),
            command: command_line(),
            since: self.clock.now(),
        }
    }

    /// Opens the queue to work on it; makes it if there is none.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(&Options::new(self.queue())).await?)
    }

    /// Opens the queue to look at it. `None` when there is none yet.
    pub(crate) async fn look(&self) -> Result<Option<Store>, Failure> {
        match Store::open_read_only(&Options::new(self.queue())).await {
            Ok(store) => Ok(Some(store)),
            Err(store::Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Self::look`], but brings an older queue up to date first: for commands that
    /// change it anyway.
    pub(crate) async fn look_current(&self) -> Result<Option<Store>, Failure> {
        match Store::open_read_only(&Options::new(self.queue())).await {
            Err(store::Error::Older { .. }) => {
                let lock = self.lock()?;
                self.open().await?.close().await?;
                drop(lock);
                self.look().await
            }
            Err(store::Error::Missing { .. }) => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// Makes sure that there is a queue, of the format this program writes.
    pub(crate) async fn must_exist(&self) -> Result<(), Failure> {
        match self.look_current().await? {
            Some(store) => Ok(store.close().await?),
            None => Err(self.no_queue()),
        }
    }

    /// Opens the queue that must exist to change it beside a run, if there is one.
    pub(crate) async fn open_beside(&self) -> Result<Store, Failure> {
        self.must_exist().await?;
        self.open().await
    }

    fn no_queue(&self) -> Failure {
        if self.one_shots {
            return Failure::new(Exit::Usage, "no one-shot was ever done")
                .detail(format!(
                    "there is no queue at {} yet",
                    self.queue().display()
                ))
                .hint("voicespool tts \"Hello.\" -o hello.wav");
        }
        Failure::new(
            Exit::Usage,
            format!("there is no queue at {} yet", self.queue().display()),
        )
        .hint("voicespool run    plans, asks and makes it")
    }

    /// As [`Self::look`], for commands that make no sense without a queue.
    pub(crate) async fn look_or_say(&self) -> Result<Store, Failure> {
        self.look().await?.ok_or_else(|| self.no_queue())
    }

    /// The tasks of the configuration, or those named.
    pub(crate) fn tasks(&self, names: &[String]) -> Result<Vec<Arc<Task>>, Failure> {
        for name in names {
            if !self.settings.tasks.iter().any(|task| task.name == *name) {
                let known: Vec<_> = self
                    .settings
                    .tasks
                    .iter()
                    .map(|task| task.name.as_str())
                    .collect();
                return Err(
                    Failure::new(Exit::Usage, format!("there is no task `{name}`"))
                        .detail(format!("tasks: {}", known.join(", "))),
                );
            }
        }
        let tasks = self
            .settings
            .tasks
            .iter()
            .filter(|task| names.is_empty() || names.contains(&task.name));
        Ok(tasks.cloned().map(Arc::new).collect())
    }

    /// The price of `model` at `endpoint`, as configured now.
    pub(crate) fn price(&self, endpoint: &str, model: &str) -> Option<Price> {
        let profile = self
            .settings
            .profiles
            .values()
            .find(|profile| profile.endpoint() == endpoint)?;
        self.settings
            .model(profile, model)
            .price
            .map(|listed| listed.price)
    }

    /// The limits of `model` at `endpoint`, as configured now.
    pub(crate) fn limits(&self, endpoint: &str, model: &str) -> Limits {
        self.settings
            .profiles
            .values()
            .find(|profile| profile.endpoint() == endpoint)
            .map(|profile| self.settings.model(profile, model).limits)
            .unwrap_or_default()
    }

    /// What refusals taught of `model` at `endpoint`, where `[models]` does not overrule it.
    pub(crate) fn learned(&self, endpoint: &str, model: &str) -> Vec<Learnt> {
        self.settings
            .profiles
            .values()
            .find(|profile| profile.endpoint() == endpoint)
            .map(|profile| self.settings.model(profile, model).learned)
            .unwrap_or_default()
    }

    fn profile(&self, task: &Task) -> Result<&Profile, Failure> {
        self.settings.profiles.get(&task.profile).ok_or_else(|| {
            Failure::new(
                Exit::Bug,
                format!(
                    "task `{}` has the unknown profile `{}`",
                    task.name, task.profile
                ),
            )
        })
    }

    /// What limits a task, for estimates.
    pub(crate) fn pace(&self, task: &Task) -> Pace {
        let limits = self
            .profile(task)
            .map(|profile| self.settings.model(profile, task.model()).limits)
            .unwrap_or_default();
        let workers = self.settings.run.workers.get();
        Pace {
            concurrency: limits
                .concurrency
                .map_or(workers, |most| most.get().min(workers)),
            requests_per_minute: limits.requests_per_minute.map(Into::into),
            chars_per_minute: limits.chars_per_minute.map(Into::into),
            audio_seconds_per_minute: limits.audio_seconds_per_minute.map(Into::into),
            local: self
                .profile(task)
                .is_ok_and(|profile| profile.kind == EngineKind::Local),
        }
    }

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
            .map(|(per_second, at)| Learned {
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
                learned,
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
        let key = profile.key().await.map_err(|error| {
            Failure::from_error(Exit::Account, &error)
                .detail(format!(
                    "profile `{}` takes its key from {}",
                    profile.name,
                    profile.key_source()
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

/// A misspelt variable is a setting that does not hold; of a cap, that is money.
fn warn_of_unknown_variables() {
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("VOICESPOOL_")) else {
            continue;
        };
        let known = config::ENVIRONMENT.iter().any(|(_, known)| *known == name);
        if !known && name != "VOICESPOOL_LOG" && !name.contains("KEY") {
            let names: Vec<_> = config::ENVIRONMENT
                .iter()
                .map(|(_, known)| *known)
                .collect();
            term::say(&format!(
                "warning: {} means nothing; known are {}",
                term::clean(name),
                names.join(", ")
            ));
        }
    }
}

/// Lanes and requests of a run.
#[derive(Debug, Default)]
pub(crate) struct Wiring {
    pub lanes: HashMap<GateId, Lane>,
    pub requests: HashMap<SpecId, Request>,
    /// The most urgent first.
    pub specs: HashMap<GateId, Vec<SpecId>>,
    pub marks: HashMap<SpecId, Mark>,
}

/// The built-in voice; unpacks its data to the user's cache folder when first used.
pub(crate) fn local_engine() -> LocalEngine {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("voicespool");
    LocalEngine::new(cache)
}

/// Name of this machine.
pub(crate) fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// What was typed, without the ends of what is long: a text to speak can be an argument. No
/// flag takes a secret, so there is none in it.
pub(crate) fn command_line() -> String {
    let short = |text: &str, most: usize| -> String {
        let mut kept: String = text.chars().take(most).collect();
        if kept.len() < text.len() {
            kept.push('…');
        }
        kept
    };
    let words: Vec<_> = std::env::args_os()
        .map(|word| short(&word.to_string_lossy(), 80))
        .collect();
    short(&words.join(" "), 1_000)
}

/// Where the queue of `tts` and `stt` is: below the user's state folder.
fn one_shots_home() -> Result<PathBuf, Failure> {
    let absolute = |path: &PathBuf| path.is_absolute();
    std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(absolute)
        .or_else(|| Some(std::env::home_dir()?.join(".local/state")))
        .filter(absolute)
        .map(|state| state.join("voicespool/one-shots"))
        .ok_or_else(|| {
            Failure::new(Exit::Usage, "there is no place for the bill of one-shots")
                .detail("neither XDG_STATE_HOME nor HOME is set; nothing was sent")
                .hint("set HOME, or XDG_STATE_HOME to an absolute path")
        })
}
