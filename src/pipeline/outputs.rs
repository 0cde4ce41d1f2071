//! Putting finished files below the output folder, and nothing of anybody else's away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::ContentKey;
use crate::pipeline::key;
use crate::pipeline::objects::sync_dir;
use crate::pipeline::output::{NewFile, OutputError};
use crate::pipeline::written::{Place, Written};

/// Most files kept beside one output: `a.wav.bak`, `a.wav.2.bak`, ….
const MOST_KEPT: u32 = 10_000;

/// The output folder, and what in it is ours.
#[derive(Debug, Clone)]
pub struct Outputs {
    root: PathBuf,
    written: Arc<Written>,
}

/// A file that has its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    pub path: PathBuf,
    pub sha256: ContentKey,
    /// Where what stood there is now.
    pub kept: Option<PathBuf>,
}

impl Outputs {
    pub fn new(root: PathBuf, written: Arc<Written>) -> Self {
        Self { root, written }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What stands at `relative`.
    pub fn place(&self, relative: &Path) -> io::Result<Place> {
        self.written.place(&self.root, relative)
    }

    /// Whether anything was ever written at `relative`.
    pub fn knows(&self, relative: &Path) -> bool {
        self.written.knows(relative)
    }

    /// Takes what stands at `relative` for ours.
    pub fn adopt(&self, relative: &Path) -> io::Result<()> {
        self.written
            .note(relative, key::of_file(&self.root.join(relative))?)
    }

    /// An empty file on its way to `relative`.
    pub fn create(&self, relative: &Path) -> Result<NewFile, OutputError> {
        NewFile::create(&self.root, relative)
    }

    /// Gives `file` the name `relative`, if nothing is there, or what we put there.
    ///
    /// # Errors
    /// [`OutputError::NotOurs`] if something else is.
    pub fn put(&self, file: NewFile, relative: &Path) -> Result<Put, OutputError> {
        let target = self.root.join(relative);
        let failed = |source| OutputError::Io {
            path: target.clone(),
            source,
        };
        let sha256 = key::of_file(file.path()).map_err(failed)?;
        let place = self.place(relative).map_err(failed)?;
        if place == Place::Foreign && key::of_file(&target).ok() != Some(sha256) {
            return Err(OutputError::NotOurs { path: target });
        }
        let kept = match place {
            Place::Yielded => Some(set_aside(&target).map_err(failed)?),
            Place::Free | Place::Ours | Place::Foreign => None,
        };
        self.written.note(relative, sha256).map_err(failed)?;
        let path = file.keep()?;
        Ok(Put { path, sha256, kept })
    }

    /// Writes `bytes` to `relative`, whole or not at all.
    pub fn write(&self, relative: &Path, bytes: &[u8]) -> Result<Put, OutputError> {
        let mut file = self.create(relative)?;
        io::Write::write_all(file.file(), bytes).map_err(|source| OutputError::Io {
            path: self.root.join(relative),
            source,
        })?;
        self.put(file, relative)
    }
}

/// Moves `target` to the first free `NAME.bak`; nothing is replaced by it.
fn set_aside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().unwrap_or_default();
    for number in 1..MOST_KEPT {
        let mut kept = name.to_owned();
        kept.push(match number {
            1 => ".bak".to_owned(),
            _ => format!(".{number}.bak"),
        });
        let kept = target.with_file_name(kept);
        // A link fails where the name is taken, also between looking and acting.
        match fs::hard_link(target, &kept) {
            Ok(()) => {
                fs::remove_file(target)?;
                sync_dir(target.parent().unwrap_or(Path::new(".")))?;
                return Ok(kept);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // File systems without links.
            Err(_) if fs::symlink_metadata(&kept).is_err() => {
                fs::rename(target, &kept)?;
                sync_dir(target.parent().unwrap_or(Path::new(".")))?;
                return Ok(kept);
            }
            Err(_) => {}
        }
    }
    Err(io::Error::other("too many files are kept beside it"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["a.wav", "a.srt", "b/a.wav"];

    #[derive(Debug, Clone)]
    enum Step {
        /// A person or another program writes.
        Foreign(usize, u8),
        Put(usize, u8),
        /// A person says that what is there may go.
        Yields(usize),
        /// The next run: notes are read again.
        Again,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..3_usize, 0..4_u8).prop_map(|(name, byte)| Step::Foreign(name, byte)),
            (0..3_usize, 0..4_u8).prop_map(|(name, byte)| Step::Put(name, byte)),
            (0..3_usize).prop_map(Step::Yields),
            Just(Step::Again),
        ]
    }

    fn load(state: &Path, root: &Path) -> Outputs {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let written = runtime.block_on(Written::load(state, None)).unwrap();
        Outputs::new(root.to_owned(), Arc::new(written))
    }

    /// All bytes below `root`.
    fn all(root: &Path) -> Vec<Vec<u8>> {
        let files = walkdir::WalkDir::new(root)
            .into_iter()
            .filter_map(Result::ok);
        let files = files.filter(|entry| entry.file_type().is_file());
        files.map(|entry| fs::read(entry.path()).unwrap()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn no_byte_of_others_is_lost_and_none_moves_unasked(steps in prop::collection::vec(step(), 0..30)) {
            let (state, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let mut outputs = load(state.path(), root.path());
            // What others wrote and is still at its place.
            let mut foreign: HashMap<usize, Vec<u8>> = HashMap::new();
            let mut asked = [false; 3];
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Foreign(name, byte) => {
                        let path = root.path().join(NAMES[name]);
                        fs::create_dir_all(path.parent().unwrap()).unwrap();
                        // None is like another, so that each can be found again.
                        let bytes = format!("theirs {byte} {number}").into_bytes();
                        let mut file = fs::File::create(path).unwrap();
                        io::Write::write_all(&mut file, &bytes).unwrap();
                        foreign.insert(name, bytes);
                    }
                    Step::Put(name, byte) => {
                        let put = outputs.write(Path::new(NAMES[name]), &[byte; 8]);
                        let theirs = foreign.get(&name).cloned();
                        match (&put, theirs) {
                            (Ok(put), Some(bytes)) => {
                                prop_assert!(asked[name], "replaced unasked");
                                let kept = put.kept.as_ref().unwrap();
                                prop_assert_eq!(&fs::read(kept).unwrap(), &bytes);
                                foreign.remove(&name);
                            }
                            (Ok(_), None) => {}
                            (Err(OutputError::NotOurs { .. }), Some(bytes)) => {
                                prop_assert!(!asked[name]);
                                let there = fs::read(root.path().join(NAMES[name])).unwrap();
                                prop_assert_eq!(there, bytes);
                            }
                            (Err(error), _) => prop_assert!(false, "{}", error),
                        }
                        if put.is_ok() {
                            asked[name] = false;
                        }
                    }
                    Step::Yields(name) => {
                        let written = &outputs.written;
                        written.yields(Path::new(NAMES[name])).unwrap();
                        asked[name] = true;
                    }
                    Step::Again => outputs = load(state.path(), root.path()),
                }
            }
            let everything = all(root.path());
            for bytes in foreign.values() {
                prop_assert!(everything.contains(bytes));
            }
        }
    }
}
