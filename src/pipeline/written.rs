//! Which files below the output folder are ours: those that still have the bytes we put there.
//!
//! A file that a person made or corrected, and one that another project wrote, is never replaced
//! unasked. So every file is noted with its hash before it gets its name; a run that is killed in
//! between leaves a note for bytes that are not there, which does no harm. The notes are lines of
//! `outputs.log` in the state folder; queues from before there was one know their outputs as well.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ContentKey;
use crate::pipeline::key;
use crate::pipeline::objects::sync_dir;
use crate::store::{self, Store, private};

const LOG: &str = "outputs.log";

/// Outputs read from the queue at once.
const PAGE: u32 = 5_000;

/// What stands at the place of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Free,
    /// What we put there, as we put it.
    Ours,
    /// Something else, and a person said that it may be replaced: it is kept beside.
    Yielded,
    Foreign,
}

/// The notes of one project.
#[derive(Debug)]
pub struct Written {
    state: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    hashes: HashMap<Vec<u8>, HashSet<ContentKey>>,
    yielded: HashSet<Vec<u8>>,
}

/// Why the notes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WrittenError {
    #[error("cannot read the notes of what was written")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Written {
    /// The notes in `state`, and what the queue knows.
    pub async fn load(state: &Path, store: Option<&Store>) -> Result<Self, WrittenError> {
        let mut known = Known::default();
        match fs::read_to_string(state.join(LOG)) {
            Ok(log) => log.lines().for_each(|line| known.read(line)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let mut after = None;
        while let Some(store) = store {
            let page = store
                .outputs(
                    after
                        .as_ref()
                        .map(|(job, path): &(_, Vec<u8>)| (*job, path.as_slice())),
                    PAGE,
                )
                .await?;
            let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            after = page.last().map(|row| (row.job, row.path.clone()));
            for row in page {
                known.hashes.entry(row.path).or_default().insert(row.sha256);
            }
            if is_last {
                break;
            }
        }
        Ok(Self {
            state: state.to_owned(),
            known: Mutex::new(known),
        })
    }

    /// What stands at `relative` below `out`. Reads it only if it is a file that may be ours.
    pub fn place(&self, out: &Path, relative: &Path) -> io::Result<Place> {
        let path = out.join(relative);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
            // A folder of the way is no folder: told when the file is made.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Place::Free),
            Err(error) => return Err(error),
        };
        let name = name_of(relative);
        let hashes = self.known().hashes.get(&name).cloned().unwrap_or_default();
        if found.is_file() && !hashes.is_empty() && hashes.contains(&key::of_file(&path)?) {
            return Ok(Place::Ours);
        }
        Ok(if self.known().yielded.contains(&name) {
            Place::Yielded
        } else {
            Place::Foreign
        })
    }

    /// Whether anything was ever written at `relative`.
    pub fn knows(&self, relative: &Path) -> bool {
        self.known().hashes.contains_key(&name_of(relative))
    }

    /// Notes durably that bytes with this hash are about to stand at `relative`.
    pub fn note(&self, relative: &Path, sha256: ContentKey) -> io::Result<()> {
        let name = name_of(relative);
        let is_new = {
            let mut known = self.known();
            let yielded = known.yielded.remove(&name);
            let is_new = known.hashes.entry(name.clone()).or_default().insert(sha256);
            // The permission is used up, durably too.
            is_new || yielded
        };
        if is_new {
            self.append(&format!("{sha256} {}\n", hex(&name)))?;
        }
        Ok(())
    }

    /// Notes durably that what stands at `relative` may be replaced, once, and kept beside.
    pub fn yields(&self, relative: &Path) -> io::Result<()> {
        let name = name_of(relative);
        self.append(&format!("yields {}\n", hex(&name)))?;
        self.known().yielded.insert(name);
        Ok(())
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let path = self.state.join(LOG);
        let is_new = !path.exists();
        let mut log = private::file().create(true).append(true).open(&path)?;
        log.write_all(line.as_bytes())?;
        log.sync_data()?;
        if is_new {
            sync_dir(&self.state)?;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// A line that was cut by a crash says nothing.
    fn read(&mut self, line: &str) {
        let Some((what, name)) = line.split_once(' ') else {
            return;
        };
        let Some(name) = unhex(name) else { return };
        if what == "yields" {
            self.yielded.insert(name);
        } else if let Ok(sha256) = what.parse() {
            self.yielded.remove(&name);
            self.hashes.entry(name).or_default().insert(sha256);
        }
    }
}

fn name_of(relative: &Path) -> Vec<u8> {
    relative.as_os_str().as_encoded_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
