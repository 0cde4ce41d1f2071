//! What the machine says: its name, who types and what, the user's folders, free space.

use std::path::{Path, PathBuf};

use crate::cli::exit::{Exit, Failure};

/// Name of this machine.
pub(crate) fn name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Which start of the machine this is, if the system says so.
pub(crate) fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
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

/// Who types: user and machine.
pub(crate) fn user() -> String {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", name())
}

/// The user's cache folder of this program.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("voicespool")
}

/// Where the queue of `tts` and `stt` is: below the user's state folder.
pub(crate) fn one_shots_home() -> Result<PathBuf, Failure> {
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

/// Bytes a user may still write where `folder` is; `None` if the system does not say.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}
