//! Programs of others that do what nothing here does.

use std::path::PathBuf;

/// The program `name` in the first folder of the PATH that has it. Folders that depend on where one stands do not count.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
}
