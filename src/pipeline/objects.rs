//! The object folder: answers and texts, each under the name of its key.
//!
//! An answer is written to `objects/ab/.KEY.ATTEMPT.part` and gets its name only after
//! it was validated and synced: the rename is the record that the answer arrived, and
//! a crash before the queue learns of it loses nothing (`worker::recovery` adopts it).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::domain::{Attempt, ContentKey};

/// A folder of content-addressed files.
#[derive(Debug, Clone)]
pub struct Objects {
    root: PathBuf,
}

impl Objects {
    /// Objects below `state/objects`; folders are made when first written to.
    pub fn new(state: &Path) -> Self {
        Self {
            root: state.join("objects"),
        }
    }

    /// Where the object `key` is, or will be.
    pub fn path(&self, key: ContentKey) -> PathBuf {
        let name = key.to_string();
        self.root.join(&name[..2]).join(name)
    }

    /// Whether the object is there. The rename that made it came after validation.
    pub fn contains(&self, key: ContentKey) -> bool {
        self.path(key).is_file()
    }

    /// Opens an empty file for one attempt's answer.
    pub fn start(&self, key: ContentKey, attempt: Attempt) -> io::Result<Part> {
        let name = key.to_string();
        let shard = self.root.join(&name[..2]);
        let path = shard.join(format!(".{name}.{attempt}.part"));
        let open = || {
            OpenOptions::new()
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .open(&path)
        };
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_dir_durable(&self.root, &shard)?;
                open()?
            }
            other => other?,
        };
        Ok(Part {
            file,
            final_path: self.path(key),
            path,
            kept: false,
        })
    }

    /// Writes `bytes` under `key` unless they are there already.
    pub fn put(&self, key: ContentKey, bytes: &[u8]) -> io::Result<()> {
        if self
            .path(key)
            .metadata()
            .is_ok_and(|found| found.len() == u64::try_from(bytes.len()).unwrap_or(u64::MAX))
        {
            return Ok(());
        }
        let mut part = self.start(key, Attempt(0))?;
        part.file.write_all(bytes)?;
        part.keep()
    }

    /// Reads a byte range of a text object.
    pub fn read_text(&self, key: ContentKey, range: Range<u64>) -> io::Result<String> {
        let mut file = File::open(self.path(key))?;
        let length = range
            .end
            .checked_sub(range.start)
            .ok_or(io::ErrorKind::InvalidInput)?;
        file.seek(SeekFrom::Start(range.start))?;
        let mut bytes =
            Vec::with_capacity(usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?);
        file.take(length).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).ok() != Some(length) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the text object is shorter than its chunks",
            ));
        }
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Removes the unfinished answers of earlier runs; returns how many there were.
    /// Only while the run lock is held: a live run's answers are unfinished too.
    pub fn sweep(&self) -> io::Result<u64> {
        let mut swept = 0;
        let shards = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        for shard in shards {
            for entry in fs::read_dir(shard?.path())? {
                let entry = entry?;
                if entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "part")
                {
                    fs::remove_file(entry.path())?;
                    swept += 1;
                }
            }
        }
        Ok(swept)
    }
}

/// An answer on its way: gone when dropped, unless it was kept.
#[derive(Debug)]
pub struct Part {
    /// Where the engine writes.
    pub file: File,
    path: PathBuf,
    final_path: PathBuf,
    kept: bool,
}

impl Part {
    /// Where the bytes are until they are kept: for validation.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs the bytes, gives them their name and syncs the folder. Blocks on the disk.
    pub fn keep(mut self) -> io::Result<()> {
        self.file.sync_data()?;
        fs::rename(&self.path, &self.final_path)?;
        self.kept = true;
        sync_dir(self.final_path.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // A leftover is harmless and swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes `dir` below `base` and syncs every folder that got a new entry.
fn make_dir_durable(base: &Path, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    sync_dir(base)?;
    base.parent().map_or(Ok(()), sync_dir)
}

/// Syncs a folder, so that a rename in it survives a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_name_only_after_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        let key = ContentKey([1; 32]);

        let mut part = objects.start(key, Attempt(1)).unwrap();
        part.file.write_all(b"half").unwrap();
        drop(part);
        assert!(!objects.contains(key));

        let mut part = objects.start(key, Attempt(2)).unwrap();
        part.file.write_all(b"whole").unwrap();
        part.keep().unwrap();
        assert_eq!(fs::read(objects.path(key)).unwrap(), b"whole");
    }

    #[test]
    fn leftovers_of_a_crash_are_swept_and_results_stay() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        objects.put(ContentKey([2; 32]), b"text").unwrap();
        std::mem::forget(objects.start(ContentKey([2; 32]), Attempt(7)).unwrap());

        assert_eq!(objects.sweep().unwrap(), 1);

        assert!(objects.contains(ContentKey([2; 32])));
        assert_eq!(objects.read_text(ContentKey([2; 32]), 1..3).unwrap(), "ex");
        assert!(objects.read_text(ContentKey([2; 32]), 1..9).is_err());
    }
}
