//! Loading: find the files, read them, lay the layers over each other, report all that
//! is wrong in one go.
//!
//! Flags over `VOICESPOOL_*` over `jobs.toml` over the user's file over defaults. Opens
//! no socket and looks up no key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::bounds::{Bounds, plain};
use crate::config::build::{Build, Origin};
use crate::config::document::{Document, PROJECT, TYPED, USER};
use crate::config::folders::user_folder;
use crate::config::model::ModelRules;
use crate::config::problem::{ConfigError, Problem};
use crate::config::profiles::build_profiles;
use crate::config::reader::{At, Reader};
use crate::config::running;
use crate::config::scope::Known;
use crate::config::settings::Settings;
use crate::config::sources::{Sources, find_file, shown};
use crate::config::tables::{FileTable, ProjectTable, TaskTable};
use crate::config::task::build_tasks;
use crate::config::trust::{self, Trust};
use crate::config::typed::TypedTask;
use crate::pipeline::task::Places;
use crate::store::learned;

/// The version of the format this program reads.
const VERSION: u32 = 1;

/// Keys whose origin is remembered: more are in no file a person wrote.
const MAX_ORIGINS: usize = 10_000;

/// Reads everything and checks it. The error holds every problem found.
pub fn load(sources: &Sources) -> Result<Settings, ConfigError> {
    layers(sources, None)
}

/// As [`load`], with one task, which was typed, instead of those of the file.
pub fn load_typed(sources: &Sources, task: &TypedTask) -> Result<Settings, ConfigError> {
    let mut settings = layers(sources, Some(task)).map_err(|error| task.told(&error))?;
    for warning in &mut settings.warnings {
        *warning = task.in_flags(warning.clone());
    }
    Ok(settings)
}

fn layers(sources: &Sources, typed: Option<&TypedTask>) -> Result<Settings, ConfigError> {
    let file = find_file(sources)?;
    let root = match file.as_deref().map(Path::parent) {
        Some(Some(folder)) => sources.cwd.join(folder),
        _ => sources.cwd.clone(),
    };
    let (build, [project, user, tasks]) = read_files(sources, file.as_deref(), typed)?;
    let tasks = typed.map(|_| tasks);
    Assembly {
        build,
        project,
        user,
        tasks,
        root,
        sources,
    }
    .settings(file)
}

fn read_files(
    sources: &Sources,
    file: Option<&Path>,
    typed: Option<&TypedTask>,
) -> Result<(Build, [FileTable; 3]), ConfigError> {
    let user_file = user_folder(&sources.env)
        .map(|folder| folder.join("config.toml"))
        .filter(|path| path.is_file());
    let mut problems = Vec::new();
    let mut read = |path: Option<&Path>, id| {
        let doc = path.map(|path| Document::read(path, &shown(path, &sources.cwd), id));
        match doc {
            Some(Ok(doc)) => return doc,
            Some(Err(problem)) => problems.push(*problem),
            None => {}
        }
        Document::new("", String::new(), id)
    };
    let typed = typed.map_or_else(
        || Document::new("", String::new(), TYPED),
        TypedTask::document,
    );
    let docs = [read(file, PROJECT), read(user_file.as_deref(), USER), typed];
    if !problems.is_empty() {
        return Err(ConfigError::new(problems));
    }
    let mut build = Build {
        env: sources.env.clone(),
        docs,
        problems,
        warnings: Vec::new(),
        origins: BTreeMap::new(),
        bounds: Bounds::None,
    };
    let user = read_tables(&mut build, USER);
    let project = read_tables(&mut build, PROJECT);
    let typed = read_tables(&mut build, TYPED);
    let (Some(project), Some(user), Some(typed)) = (project, user, typed) else {
        return Err(ConfigError::new(build.problems));
    };
    if file.is_some() {
        check_version(&mut build, &project)?;
    }
    refuse_misplaced(&mut build, &project, &user);
    Ok((build, [project, user, typed]))
}

/// The tables of one document; `None` after syntax errors, which leave nothing to check.
fn read_tables(build: &mut Build, id: usize) -> Option<FileTable> {
    let doc = &build.docs[id];
    let parsed = match doc.parse() {
        Ok(parsed) => parsed,
        Err(problems) => {
            build.problems.extend(problems);
            return None;
        }
    };
    let mut reader = Reader::new(doc, id);
    let table = FileTable::from_table(&parsed, &mut reader);
    let given = reader.given.into_iter().take(MAX_ORIGINS);
    let origins: Vec<(String, Origin)> = given
        .map(|(key, loc)| match id {
            TYPED => (key, Origin::Flag),
            _ => (key, Origin::File(doc.origin(loc.start))),
        })
        .collect();
    build.problems.extend(reader.problems);
    build.origins.extend(origins);
    Some(table)
}

/// A newer format is its only problem: what else looks wrong may be right there.
fn check_version(build: &mut Build, project: &FileTable) -> Result<(), ConfigError> {
    match project.version.given() {
        Some(at) if at.value > VERSION => {
            let message = format!(
                "this file has version {}, this program reads version {VERSION}",
                at.value
            );
            let problem = build.docs[PROJECT]
                .problem(at.loc.start, at.loc.end, message)
                .label("update voicespool");
            return Err(problem.into());
        }
        Some(at) if at.value == 0 => build.error(at.loc, "there is no version 0", "write 1"),
        None if project.version.is_absent() => {
            let problem = build.docs[PROJECT]
                .problem(0, 0, "the file has no `version`")
                .label("begin it with version = 1");
            build.problems.push(problem);
        }
        _ => {}
    }
    Ok(())
}

/// Sections that have a meaning in one of the two files only.
fn refuse_misplaced(build: &mut Build, project: &FileTable, user: &FileTable) {
    if let Some(at) = project.trust.given() {
        build.error(
            at.key,
            "a project file may not say what to trust",
            "move [trust] to your user configuration",
        );
    }
    if let Some(at) = user.project.given() {
        build.error(
            at.key,
            "[project] belongs into a project's jobs.toml",
            "move it there",
        );
    }
    if let Some(at) = user.task.given() {
        build.error(
            at.key,
            "tasks belong into a project's jobs.toml",
            "move them there",
        );
    }
}

/// The last step: tables to settings.
struct Assembly<'a> {
    build: Build,
    project: FileTable,
    user: FileTable,
    /// What was typed; its task takes the place of the project's.
    tasks: Option<FileTable>,
    /// Folder of the project's file, or the working folder.
    root: PathBuf,
    sources: &'a Sources,
}

impl Assembly<'_> {
    fn settings(mut self, file: Option<PathBuf>) -> Result<Settings, ConfigError> {
        let trust = self.trust(file.is_some());
        let (project_name, places) = self.places();
        let files = running::Files {
            project: &self.project,
            user: &self.user,
            flags: &self.sources.overrides,
        };
        let budget = running::budget(&mut self.build, files);
        let run = running::run(&mut self.build, files);
        let retry = running::retry(&mut self.build, files);
        let models = self.models();
        let flag = self.sources.overrides.base_url.as_deref();
        let profiles = build_profiles(
            &mut self.build,
            &self.project,
            &self.user,
            (&self.root, &trust),
            flag,
        );
        let tables = self
            .tasks
            .as_ref()
            .unwrap_or(&self.project)
            .task
            .value()
            .map(|named| named.0.as_slice())
            .unwrap_or_default();
        let known = Known {
            models: &models,
            lessons: &learned::recall(&places.state),
            state: &places.state,
            root: &places.root,
        };
        let tasks = build_tasks(&mut self.build, tables, &profiles, known, &budget);
        let lessons = known.lessons.clone();
        if !self.build.problems.is_empty() {
            return Err(ConfigError::new(self.build.problems));
        }
        Ok(Settings {
            project: project_name,
            file,
            places,
            budget,
            run,
            retry,
            profiles: profiles
                .into_iter()
                .filter_map(|(name, profile)| Some((name, profile?)))
                .collect(),
            tasks,
            disabled: disabled(tables),
            warnings: self.build.warnings,
            lessons,
            models,
            origins: self.build.origins,
        })
    }

    /// What the user trusts; a project that is not among it is kept within bounds from here on.
    fn trust(&mut self, is_project: bool) -> Trust {
        let allowed = &self.sources.overrides.allow_hosts;
        let trust = trust::read(&mut self.build, &self.user, &self.root, allowed);
        if is_project && !trust.project {
            self.build.bounds = Bounds::of(&self.root);
        }
        trust
    }

    fn places(&mut self) -> (String, Places) {
        let (none, overrides) = (ProjectTable::default(), &self.sources.overrides);
        let table = self.project.project.value().unwrap_or(&none);
        let mut folder = |key, flag: Option<&PathBuf>, field, default: &str| {
            // A path from a flag or the environment is relative to where it was typed.
            let typed = flag.map(|path| path.to_string_lossy().into_owned());
            let text =
                self.build
                    .pick::<String>(key, typed, field, &crate::config::reader::Field::Absent);
            let is_typed = matches!(
                self.build.origins.get(key),
                Some(Origin::Flag | Origin::Env(_))
            );
            let base = if is_typed {
                &self.sources.cwd
            } else {
                &self.root
            };
            match (flag, text) {
                (Some(path), _) => base.join(path),
                (None, text) => base.join(text.unwrap_or_else(|| default.to_owned())),
            }
        };
        let out = folder("project.out", overrides.out.as_ref(), &table.out, "out");
        let state = folder(
            "project.state",
            overrides.state.as_ref(),
            &table.state,
            ".voicespool",
        );
        let table = table.clone();
        self.check_places(&table, &out, &state);
        self.check_bounds(&table, &out, &state);
        let folder_name = self.root.file_name().map(|name| name.to_string_lossy());
        let name = match (table.name.value(), folder_name) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) => name.into_owned(),
            (None, None) => "voicespool".to_owned(),
        };
        let root = self.root.clone();
        (name, Places { root, out, state })
    }

    /// Both lie where the project's file may write.
    fn check_bounds(&mut self, table: &ProjectTable, out: &Path, state: &Path) {
        for (key, field, path) in [
            ("project.out", &table.out, out),
            ("project.state", &table.state, state),
        ] {
            let is_file = matches!(self.build.origins.get(key), Some(Origin::File(_)));
            if let (true, Some(at)) = (is_file, field.given()) {
                let what = format!("`{key}`");
                self.build.refuse_outside(at.loc, &what, path);
            } else if self.build.bounds.is_stranger()
                && path.starts_with(&self.root)
                && self.build.bounds.exclude(path)
            {
                // A default whose place a link in the folder has taken.
                let problem = Problem::error(format!("`{key}` leads outside the project's folder"));
                let problem = problem.outside(path.display().to_string());
                self.build.problems.push(problem.note(
                    "name another place by flag or variable, or list the folder under [trust] projects of your user configuration",
                ));
            }
        }
    }

    fn check_places(&mut self, table: &ProjectTable, out: &Path, state: &Path) {
        if !plain(out).starts_with(plain(state)) {
            return;
        }
        let message = "the finished files would lie in the folder of the queue";
        let problem = match table.out.given().or(table.state.given()) {
            Some(at) => self.build.docs[at.loc.doc].problem(at.loc.start, at.loc.end, message),
            None => Problem::error(message),
        };
        let problem = problem.label("choose another folder for one of them");
        self.build.problems.push(problem);
    }

    /// The project's rules for a model over the user's, key by key.
    fn models(&mut self) -> BTreeMap<String, ModelRules> {
        let mut models: BTreeMap<String, ModelRules> = BTreeMap::new();
        for file in [&self.user, &self.project] {
            for (name, at) in file
                .models
                .value()
                .map(|named| named.0.as_slice())
                .unwrap_or_default()
            {
                let below = models.remove(name).unwrap_or_default();
                let mut rules = ModelRules::build(&mut self.build, name, at);
                if at.key.doc == PROJECT && self.build.bounds.is_stranger() {
                    rules.distrust_price(&mut self.build, &below);
                }
                let rules = rules.over(below);
                models.insert(name.clone(), rules);
            }
        }
        models
    }
}

/// The tasks that are switched off.
fn disabled(tables: &[(String, At<TaskTable>)]) -> Vec<String> {
    let off = tables
        .iter()
        .filter(|(_, at)| at.value.enabled.value() == Some(&false));
    off.map(|(name, _)| name.clone()).collect()
}
