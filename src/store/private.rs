//! State is for its owner's eyes: texts, answers and addresses lie there. Files have the mode 0600
//! and folders 0700, whatever the umask says.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Options that make a new file private.
pub fn file() -> OpenOptions {
    let mut open = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open
}

/// Makes a private folder, and those above it that are missing.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// What is ours in a state folder; whatever else lies there is somebody's own.
const OURS: &[&str] = &[
    "queue.db",
    "run.lock",
    "board.json",
    "learned.json",
    "outputs.log",
];
const FOLDERS: &[&str] = &["objects", "urls"];

/// The usual name of a state folder: one of this name is ours, another may be a person's.
const USUAL: &str = ".voicespool";

/// What of ours in the state folder others may look into. Links are not followed.
pub fn open_to_others(state_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if state_dir.file_name().is_some_and(|name| name == USUAL) {
        look(state_dir, &mut found)?;
    }
    for name in OURS {
        look(&state_dir.join(name), &mut found)?;
    }
    for suffix in ["-wal", "-shm"] {
        look(&state_dir.join(format!("queue.db{suffix}")), &mut found)?;
    }
    for folder in FOLDERS.iter().map(|name| state_dir.join(name)) {
        look(&folder, &mut found)?;
        if folder.is_symlink() || !folder.is_dir() {
            continue;
        }
        for below in fs::read_dir(&folder)? {
            let below = below?;
            if below.file_type()?.is_dir() {
                look(&below.path(), &mut found)?;
            }
        }
    }
    Ok(found)
}

fn look(path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(facts) if !facts.is_symlink() && is_open(&facts) => found.push(path.to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    Ok(())
}

#[cfg(unix)]
fn is_open(facts: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

/// Closes what is open to others. What cannot be closed (a file system without modes, a file of
/// somebody else) stays as it is: `doctor` says so.
pub fn close_to_others(state_dir: &Path) -> io::Result<()> {
    for path in open_to_others(state_dir)? {
        let mut permissions = path.symlink_metadata()?.permissions();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            permissions.set_mode(permissions.mode() & !0o077);
        }
        if let Err(error) = fs::set_permissions(&path, permissions) {
            tracing::warn!("{} stays open to others: {error}", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::File::create(path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    #[test]
    fn what_others_may_see_is_found_and_closed_and_links_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join(USUAL);
        fs::create_dir_all(state.join("objects/ab")).unwrap();
        for (path, mode) in [("", 0o755), ("objects", 0o755), ("objects/ab", 0o750)] {
            fs::set_permissions(state.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        write(&state.join("board.json"), "{}");
        let mine = folder.path().join("mine");
        write(&mine, "mine");
        fs::set_permissions(&mine, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&mine, state.join("run.lock")).unwrap();
        write(&state.join("book.txt"), "somebody's own");
        fs::set_permissions(state.join("board.json"), fs::Permissions::from_mode(0o644)).unwrap();

        assert_eq!(open_to_others(&state).unwrap().len(), 4);
        close_to_others(&state).unwrap();

        assert_eq!(open_to_others(&state).unwrap(), Vec::<PathBuf>::new());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state), 0o700);
        assert_eq!(mode(&state.join("objects/ab")), 0o700);
        assert_eq!(mode(&state.join("board.json")), 0o600);
        assert_eq!(mode(&mine), 0o644);
    }
}
