//! The scratch folder of the one-shot that holds the lock: streamed inputs as files, and finished
//! files until they are copied to where the user wants them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes `folder` for the user alone: what was said is nobody else's business.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Inputs and results on their way; gone when dropped. Answers and texts are in the queue's
/// own folder: all of this can be made again for nothing.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    pub inputs: PathBuf,
}

impl Scratch {
    /// Empties what a killed process left. Only while the lock is held.
    pub(super) fn make(home: &Path) -> io::Result<Self> {
        let folder = home.join("work");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let inputs = folder.join("in");
        make_private(&inputs)?;
        Ok(Self { folder, inputs })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
