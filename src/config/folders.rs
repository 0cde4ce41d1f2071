//! Paths that a configuration file names, and the folder of the user's own configuration.

use std::path::{Path, PathBuf};

use crate::config::env::Env;

/// `~/x` is below the home folder, anything else relative to the file that says it.
pub(super) fn expand(path: &str, project: Option<&Path>, env: &Env) -> PathBuf {
    match (path.strip_prefix("~/"), env.get("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => match project {
            Some(root) => root.join(path),
            None => user_folder(env).unwrap_or_default().join(path),
        },
    }
}

/// `$XDG_CONFIG_HOME/voicespool`, or below `~/.config`.
pub(super) fn user_folder(env: &Env) -> Option<PathBuf> {
    let absolute = |name: &str| {
        env.get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("voicespool"))
}
