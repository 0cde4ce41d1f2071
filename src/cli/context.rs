//! What most commands start from: the settings, the clock, the flags every command knows.

use std::sync::Arc;

use crate::cli::args::Global;
use crate::cli::exit::{Exit, Failure};
use crate::cli::host;
use crate::cli::money::Funds;
use crate::cli::term;
use crate::config::{
    self, EngineKind, Env, Limits, Overrides, Profile, ProjectFile, Settings, Sources, TypedTask,
};
use crate::domain::Price;
use crate::pipeline::objects::Objects;
use crate::pipeline::pace::Pace;
use crate::pipeline::task::{Learnt, Task};
use crate::store::{self, Store};
use crate::worker::Clock;

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
            let home = host::one_shots_home()?;
            otherwise = ProjectFile::NamedOrNone;
            overrides.out = Some(home.join("work/out"));
            overrides.state = Some(home.join(".voicespool"));
            Some(home)
        } else {
            None
        };
        overrides.allow_hosts.clone_from(&global.allow_host);
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

    pub(crate) fn objects(&self) -> Objects {
        Objects::new(&self.settings.places.state)
    }

    /// What the queue has cost and may cost as `store` stands now.
    pub(crate) async fn funds(&self, store: Option<&Store>) -> Result<Funds, store::Error> {
        Funds::of(&self.settings.budget, store, self.clock).await
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

    pub(crate) fn profile(&self, task: &Task) -> Result<&Profile, Failure> {
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
