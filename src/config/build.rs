//! What all builders of `Settings` share: the documents, the layers of values, and the
//! list of what is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::config::bounds::Bounds;
use crate::config::document::{Document, Loc, PROJECT};
use crate::config::env::Env;
use crate::config::problem::{MAX_PROBLEMS, Problem};
use crate::config::reader::Field;
use crate::config::text::FromText;

/// Keys that the environment can set, and the variables that do.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("project.out", "VOICESPOOL_OUT"),
    ("project.state", "VOICESPOOL_STATE"),
    ("budget.max_cost", "VOICESPOOL_MAX_COST"),
    ("budget.max_cost_per_day", "VOICESPOOL_MAX_COST_PER_DAY"),
    ("budget.runaway_factor", "VOICESPOOL_RUNAWAY_FACTOR"),
    ("budget.confirm_above", "VOICESPOOL_CONFIRM_ABOVE"),
    ("budget.on_in_doubt", "VOICESPOOL_ON_IN_DOUBT"),
    ("run.workers", "VOICESPOOL_WORKERS"),
    ("run.drain", "VOICESPOOL_DRAIN"),
    ("run.max_duration", "VOICESPOOL_MAX_DURATION"),
    ("run.deadline", "VOICESPOOL_DEADLINE"),
    ("retry.max_failures", "VOICESPOOL_MAX_FAILURES"),
    ("retry.give_up_after", "VOICESPOOL_GIVE_UP_AFTER"),
    ("base_url", "VOICESPOOL_BASE_URL"),
    ("trust.hosts", "VOICESPOOL_TRUST_HOSTS"),
    ("file", "VOICESPOOL_FILE"),
];

/// The variable that sets `key`.
pub(super) fn variable_of(key: &str) -> Option<&'static str> {
    ENVIRONMENT
        .iter()
        .find(|(name, _)| *name == key)
        .map(|&(_, variable)| variable)
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag,
    /// The variable.
    Env(&'static str),
    /// `jobs.toml:12:1`.
    File(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(place) => f.write_str(place),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The state of one loading.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) env: Env,
    /// The project's and the user's file, and what flags stand for.
    pub(super) docs: [Document; 3],
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) origins: BTreeMap<String, Origin>,
    /// Of the project's file.
    pub(super) bounds: Bounds,
}

impl Build {
    /// Records an error at `loc`; `label` says what to write.
    pub(super) fn error(&mut self, loc: Loc, message: impl Into<String>, label: impl Into<String>) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let problem = self.docs[loc.doc]
            .problem(loc.start, loc.end, message)
            .label(label);
        self.problems.push(problem);
    }

    /// As [`Self::error`] for a value that may be a secret: it is not shown.
    pub(super) fn error_hiding(
        &mut self,
        loc: Loc,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let span = loc.start..loc.end;
        let problem = self.docs[loc.doc]
            .problem_hiding(span.clone(), span, message)
            .label(label);
        self.problems.push(problem);
    }

    /// Records something that does not stop work.
    pub(super) fn warn(&mut self, loc: Loc, message: impl Into<String>, label: impl Into<String>) {
        if self.warnings.len() >= MAX_PROBLEMS {
            return;
        }
        let place = self.docs[loc.doc].place(loc.start, loc.end);
        let problem = Problem::warning(message)
            .at(place, (loc.doc, loc.start))
            .label(label);
        self.warnings.push(problem);
    }

    /// `jobs.toml:12:3` for `loc`.
    pub(super) fn origin_of(&self, loc: Loc) -> String {
        self.docs[loc.doc].origin(loc.start)
    }

    /// The value of `key`: flag over environment over project over user; `None` if
    /// nobody gives one.
    pub(super) fn pick<T: FromText + Clone>(
        &mut self,
        key: &'static str,
        flag: Option<T>,
        project: &Field<T>,
        user: &Field<T>,
    ) -> Option<T> {
        if let Some(value) = flag {
            self.origins.insert(key.to_owned(), Origin::Flag);
            return Some(value);
        }
        if let Some(variable) = variable_of(key)
            && let Some(value) = self.variable(variable)
        {
            self.origins.insert(key.to_owned(), Origin::Env(variable));
            return Some(value);
        }
        // Where the file gives it, the reader has recorded the origin already.
        project.given().or(user.given()).map(|at| at.value.clone())
    }

    /// As [`Self::pick`] of a setting that protects the user's money, with its default: a project
    /// that nobody vouches for tightens it and never loosens it.
    pub(super) fn pick_tight<T: FromText + Clone>(
        &mut self,
        key: &'static str,
        flag: Option<T>,
        (project, user): (&Field<T>, &Field<T>),
        default: Option<T>,
        is_looser: fn(&T, &T) -> bool,
    ) -> Option<T> {
        let below = user.value().cloned().or(default.clone());
        let refused = match (project.given(), &below) {
            (Some(at), Some(below)) if self.bounds.is_stranger() => {
                is_looser(&at.value, below).then_some(at.loc)
            }
            _ => None,
        };
        let Some(loc) = refused else {
            return self.pick(key, flag, project, user).or(default);
        };
        let file = user.given().map(|at| Origin::File(self.origin_of(at.loc)));
        self.origins.insert(key.to_owned(), Origin::Default);
        let value = self.pick(key, flag, &Field::Absent, user).or(default);
        if self.origins.get(key) == Some(&Origin::Default) {
            self.warn(
                loc,
                format!(
                    "`{key}` of a project file may tighten what holds without it, never loosen it"
                ),
                "not used; state it in your user configuration, or by flag or variable",
            );
            if let Some(file) = file {
                self.origins.insert(key.to_owned(), file);
            }
        }
        value
    }

    /// Reports `path`, written at `loc`, if it lies where a project file may not reach.
    pub(super) fn refuse_outside(&mut self, loc: Loc, what: &str, path: &Path) -> bool {
        if loc.doc != PROJECT || !self.bounds.exclude(path) {
            return false;
        }
        self.error(
            loc,
            format!("{what} lies outside the project's folder"),
            "a project file stays in its own folder; if you trust this one, list its folder in your user configuration under [trust] projects (docs/trust.md)",
        );
        true
    }

    /// The value of an environment variable; a bad one is a problem.
    pub(super) fn variable<T: FromText>(&mut self, variable: &str) -> Option<T> {
        let raw = self.env.get(variable)?;
        let read = raw.to_str().map(T::from_text);
        let problem = match read {
            Some(Ok(value)) => return Some(value),
            Some(Err(wrong)) => {
                Problem::error(format!("{variable}: {}", wrong.message)).note(wrong.help)
            }
            None => Problem::error(format!("{variable}: the value is not UTF-8")),
        };
        self.problems
            .push(problem.outside(format!("environment variable {variable}")));
        None
    }
}
