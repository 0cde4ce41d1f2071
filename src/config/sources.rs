//! Where values come from, and which file is the project's.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil;

use crate::config::build::variable_of;
use crate::config::env::Env;
use crate::config::problem::Problem;
use crate::config::text::OnInDoubt;
use crate::domain::NanoUsd;

/// Name of a project's file.
pub const FILE_NAME: &str = "jobs.toml";

/// Where values come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The working folder.
    pub cwd: PathBuf,
    pub file: ProjectFile,
    pub env: Env,
    pub overrides: Overrides,
}

/// Which `jobs.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectFile {
    /// `-f FILE`.
    At(PathBuf),
    /// `VOICESPOOL_FILE`, else the nearest from the working folder upwards.
    Nearest,
    /// As `Nearest`, but there need not be one: for commands that work without a project.
    NearestOrNone,
    /// `-f FILE` or `VOICESPOOL_FILE`, else none: for commands that belong to no folder.
    NamedOrNone,
}

/// Values given by flags. `None`: not given.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Relative to the working folder.
    pub out: Option<PathBuf>,
    /// Relative to the working folder.
    pub state: Option<PathBuf>,
    pub max_cost: Option<NanoUsd>,
    pub max_cost_per_day: Option<NanoUsd>,
    pub runaway_factor: Option<u32>,
    pub confirm_above: Option<NanoUsd>,
    pub on_in_doubt: Option<OnInDoubt>,
    pub workers: Option<NonZeroU32>,
    pub drain: Option<Duration>,
    pub max_duration: Option<Duration>,
    pub deadline: Option<civil::Time>,
    pub max_failures: Option<NonZeroU32>,
    pub give_up_after: Option<Duration>,
    /// Hosts that a person agreed to by name.
    pub allow_hosts: Vec<String>,
    /// For every profile that has an address.
    pub base_url: Option<String>,
}

/// The project's file, as a path that can be opened from the process's working folder.
pub(super) fn find_file(sources: &Sources) -> Result<Option<PathBuf>, Box<Problem>> {
    let named = match &sources.file {
        ProjectFile::At(path) => Some(path.clone()),
        _ => variable_of("file")
            .and_then(|variable| sources.env.get(variable))
            .map(PathBuf::from),
    };
    if let Some(path) = named {
        return Ok(Some(sources.cwd.join(path)));
    }
    if sources.file == ProjectFile::NamedOrNone {
        return Ok(None);
    }
    let found = sources
        .cwd
        .ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.is_file());
    match (found, &sources.file) {
        (Some(path), _) => {
            refuse_strangers(&path, &sources.cwd)?;
            Ok(Some(path))
        }
        (None, ProjectFile::NearestOrNone) => Ok(None),
        (None, _) => Err(Box::new(
            Problem::error(format!("no {FILE_NAME} here or in a folder above"))
                .note("create one with `voicespool init`, or name one with `-f FILE`"),
        )),
    }
}

/// A file that another user left in a folder above (`/tmp`, a share) is not taken unasked.
#[cfg(unix)]
fn refuse_strangers(path: &Path, cwd: &Path) -> Result<(), Box<Problem>> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    // What cannot be looked at is reported by whoever reads it.
    let is_foreign = path
        .metadata()
        .is_ok_and(|meta| meta.uid() != own && meta.uid() != 0);
    if path.parent() == Some(cwd) || !is_foreign {
        return Ok(());
    }
    Err(Box::new(
        Problem::error(format!("the nearest {FILE_NAME} belongs to another user"))
            .outside(path.display().to_string())
            .note("if you mean that one, name it with `-f`"),
    ))
}

#[cfg(not(unix))]
fn refuse_strangers(_path: &Path, _cwd: &Path) -> Result<(), Box<Problem>> {
    Ok(())
}

/// `path` as it is shown: relative to the working folder where that is shorter.
pub(super) fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}
