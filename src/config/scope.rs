//! What the builders of one task share: its table, its profile, its model.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::build::Build;
use crate::config::model::{Model, ModelRules};
use crate::config::profile::Profile;
use crate::config::reader::{At, Field};
use crate::config::tables::TaskTable;
use crate::config::text::EngineKind;
use crate::store::learned::Lessons;

/// What is known of models.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// `[models]`
    pub(super) models: &'a BTreeMap<String, ModelRules>,
    /// What refusals taught.
    pub(super) lessons: &'a Lessons,
    /// The folder of the queue, with what was bought.
    pub(super) state: &'a Path,
    /// The folder of the project's file.
    pub(super) root: &'a Path,
}

/// What the builders of one task share.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) name: &'a str,
    pub(super) at: &'a At<TaskTable>,
    /// `None` when the profile is missing or wrong, which was reported.
    pub(super) profile: Option<&'a Profile>,
    pub(super) model_id: &'a str,
    pub(super) model: &'a Model,
    /// The folder of the queue.
    pub(super) state: &'a Path,
    /// The folder of the project's file.
    pub(super) root: &'a Path,
}

impl Context<'_> {
    /// Whether the task goes to the voice built into this program.
    pub(super) fn is_local(&self) -> bool {
        let profile = self.profile;
        profile.is_some_and(|profile| profile.kind == EngineKind::Local)
    }
}

/// The value of a field that must be there.
pub(super) fn required<T: Clone>(
    build: &mut Build,
    task: &str,
    at: &At<TaskTable>,
    key: &str,
    field: &Field<T>,
    label: &str,
) -> Option<T> {
    if field.is_absent() {
        build.error(at.loc, format!("[task.{task}] has no `{key}`"), label);
    }
    field.value().cloned()
}
