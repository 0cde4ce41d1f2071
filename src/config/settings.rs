//! Settings: everything a command needs to know, checked and complete, with the origin
//! of each value.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil;

use crate::config::build::Origin;
use crate::config::model::{Model, ModelRules};
use crate::config::problem::Problem;
use crate::config::profile::Profile;
use crate::config::text::OnInDoubt;
use crate::domain::{ListedPrice, NanoUsd, catalogue};
use crate::pipeline::task::{Places, Task};
use crate::store::learned::Lessons;

/// What [`load()`](crate::config::load()) makes of flags, environment and files. Holds no
/// key, only where keys are found.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name in reports.
    pub project: String,
    /// The project's file; `None` when there is none and none was wanted.
    pub file: Option<PathBuf>,
    pub places: Places,
    pub budget: Budget,
    pub run: Run,
    pub retry: Retry,
    /// By name; `local`, `together` and `openai` always exist.
    pub profiles: BTreeMap<String, Profile>,
    /// The enabled tasks, in the order of the file.
    pub tasks: Vec<Task>,
    /// Names of the tasks with `enabled = false`.
    pub disabled: Vec<String>,
    /// Worth a line on stderr each.
    pub warnings: Vec<Problem>,
    /// Limits that providers named in refusals.
    pub lessons: Lessons,
    pub(super) models: BTreeMap<String, ModelRules>,
    pub(super) origins: BTreeMap<String, Origin>,
}

/// `[budget]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Most that all runs of this queue may cost together; `None`: no cap.
    pub max_cost: Option<NanoUsd>,
    /// Most that may be sent on one day, local time, over all runs of this queue; `None`: no cap.
    pub max_cost_per_day: Option<NanoUsd>,
    /// Paid requests for one usable answer, and the cost of an answer by its estimate, above
    /// which a run stops; `None`: never.
    pub runaway_factor: Option<NonZeroU32>,
    /// A run that costs more asks first.
    pub confirm_above: NanoUsd,
    pub on_in_doubt: OnInDoubt,
}

/// `[run]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Requests in flight at once.
    pub workers: NonZeroU32,
    /// How long the first Ctrl-C waits for requests in flight.
    pub drain: Duration,
    pub max_duration: Option<Duration>,
    /// Local time of day; its next occurrence is meant.
    pub deadline: Option<civil::Time>,
}

/// `[retry]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Failures of one job before it is given up.
    pub max_failures: NonZeroU32,
    /// Time after which a job is given up although the provider is down.
    pub give_up_after: Duration,
    /// Wait after the first failure.
    pub base_delay: Duration,
    /// Longest wait between two tries.
    pub max_delay: Duration,
}

impl Settings {
    /// Where the value of `key` (`run.workers`, `task.books.voice`) came from: `flag`,
    /// `env VOICESPOOL_WORKERS`, `jobs.toml:12:1` or `default`.
    pub fn origin(&self, key: &str) -> String {
        self.origins
            .get(key)
            .unwrap_or(&Origin::Default)
            .to_string()
    }

    /// Every key that somebody set, with where.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.origins
            .iter()
            .map(|(key, origin)| (key.as_str(), origin))
    }

    /// What is known of the model `id` at `profile`.
    pub fn model(&self, profile: &Profile, id: &str) -> Model {
        Model::of(Some(profile), id, self.models.get(id), &self.lessons)
    }

    /// The built-in price list with the changes and additions of the configuration, by model.
    pub fn prices(&self) -> Vec<ListedPrice> {
        let mut prices: BTreeMap<String, ListedPrice> = catalogue::prices()
            .into_iter()
            .map(|price| (price.model.clone(), price))
            .collect();
        let own = self.models.values().filter_map(|rules| rules.price.clone());
        prices.extend(own.map(|price| (price.model.clone(), price)));
        prices.into_values().collect()
    }
}
