//! The object folder: answers and texts, each under the name of its key.
//!
//! An answer is written to `objects/ab/.KEY.ATTEMPT.part`, becomes `.KEY.ATTEMPT.answer`
//! when all of it is on the disk, and gets its name only after it was validated. A crash
//! in between loses nothing: `worker::recovery` checks and adopts what had arrived.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::domain::{Attempt, ContentKey, JobId};
use crate::pipeline::key;
use crate::store::private;

/// Extension of an answer on its way.
const PART: &str = "part";

/// Extension of an answer that is whole and synced, and not checked yet.
const ANSWER: &str = "answer";

/// Extension of an object whose bytes are not those that were kept.
const DAMAGED: &str = "damaged";

/// What is written before an answer arrives, at most: room for a WAV header.
const HEADER_ROOM: u64 = 128;

/// Tells the unfinished files of [`Objects::put`] apart.
static PUT: AtomicI64 = AtomicI64::new(0);

/// A folder of content-addressed files.
#[derive(Debug, Clone)]
pub struct Objects {
    root: PathBuf,
    /// Texts whose bytes were compared with their hash.
    whole_texts: Arc<Mutex<HashMap<ContentKey, Stamp>>>,
}

/// What changes when a file is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: SystemTime,
}

impl Stamp {
    fn of(file: &fs::Metadata) -> io::Result<Self> {
        Ok(Self {
            bytes: file.len(),
            modified: file.modified()?,
        })
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Objects {
    /// Objects below `state/objects`; folders are made when first written to.
    pub fn new(state: &Path) -> Self {
        Self {
            root: state.join("objects"),
            whole_texts: Arc::default(),
        }
    }

    /// Whether anything was ever put here.
    pub fn exist(&self) -> bool {
        self.root.is_dir()
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

    /// Whether the object is there and its bytes are those of `sha256`. Reads all of it.
    pub fn is_whole(&self, key: ContentKey, sha256: ContentKey) -> io::Result<bool> {
        match key::of_file(&self.path(key)) {
            Ok(found) => Ok(found == sha256),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whose answers of `kept` (a job, its key, the hash of its answer) are missing or damaged.
    pub fn lost(
        &self,
        kept: impl IntoIterator<Item = (JobId, ContentKey, ContentKey)>,
    ) -> io::Result<Vec<JobId>> {
        let mut lost = Vec::new();
        for (job, key, sha256) in kept {
            if !self.is_whole(key, sha256)? {
                lost.push(job);
            }
        }
        Ok(lost)
    }

    /// Takes the name from a damaged object, so that it is missing: a new answer gets the name.
    /// The bytes are kept beside, for whoever wants to look at them.
    pub fn set_aside(&self, key: ContentKey) -> io::Result<()> {
        let path = self.path(key);
        fs::rename(&path, path.with_file_name(format!(".{key}.{DAMAGED}")))?;
        sync_dir(path.parent().unwrap_or(&self.root))
    }

    /// Makes the name of an object that was found durable. Whoever gave it may have died before
    /// the folder was synced, and nothing may be settled on a name that a power cut can take back.
    pub fn confirm(&self, key: ContentKey) -> io::Result<()> {
        sync_dir(self.path(key).parent().unwrap_or(&self.root))
    }

    /// An answer that had arrived whole when its process ended, before it was checked.
    pub fn arrived(&self, key: ContentKey, attempt: Attempt) -> Option<Arrived> {
        let final_path = self.path(key);
        let path = final_path.with_file_name(format!(".{key}.{attempt}.{ANSWER}"));
        path.is_file().then_some(Arrived {
            path,
            final_path,
            kept: false,
        })
    }

    /// Whether an answer to the attempt had begun to arrive when its process ended.
    pub fn had_begun(&self, key: ContentKey, attempt: Attempt) -> bool {
        let path = |extension| {
            let name = format!(".{key}.{attempt}.{extension}");
            self.path(key).with_file_name(name)
        };
        let holds_more = |path: PathBuf| path.metadata().is_ok_and(|file| file.len() > HEADER_ROOM);
        holds_more(path(PART)) || path(ANSWER).is_file()
    }

    /// Opens an empty file for one attempt's answer.
    pub fn start(&self, key: ContentKey, attempt: Attempt) -> io::Result<Part> {
        let name = key.to_string();
        let shard = self.root.join(&name[..2]);
        let path = shard.join(format!(".{name}.{attempt}.{PART}"));
        // Names here can be foretold, and a link planted under one must not be written
        // through: folders are real, and the file is a new one.
        refuse_link(&self.root)?;
        refuse_link(&shard)?;
        let open = || {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            private::file()
                .create_new(true)
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

    /// Writes `bytes`, whose hash `key` is, unless they are there already. What is there and is
    /// something else is damaged, and makes way.
    pub fn put(&self, key: ContentKey, bytes: &[u8]) -> io::Result<()> {
        if self.is_whole(key, key)? {
            return Ok(());
        }
        // Two files with one text may be put at the same time.
        let number = PUT.fetch_add(1, Ordering::Relaxed);
        let mut part = self.start(key, Attempt(number))?;
        part.file.write_all(bytes)?;
        part.keep()
    }

    /// Reads a byte range of a text object, whose name is its hash. The whole of it is compared
    /// with that once in a process, and again if the file is another one since.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is damaged.
    pub fn read_text(&self, key: ContentKey, range: Range<u64>) -> io::Result<String> {
        let mut file = File::open(self.path(key))?;
        let stamp = Stamp::of(&file.metadata()?)?;
        let known = lock(&self.whole_texts).get(&key).copied();
        if known != Some(stamp) {
            if key::of_reader(&mut file)? != key {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
            }
            lock(&self.whole_texts).insert(key, stamp);
        }
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

    /// All bytes of the object, whose hash `key` is.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is damaged.
    pub fn read(&self, key: ContentKey) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.path(key))?;
        if key::of_bytes(&bytes) != key {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
        }
        Ok(bytes)
    }

    /// Removes the unfinished answers of earlier runs; returns how many there were.
    /// Only while the run lock is held: a live run's answers are unfinished too.
    pub fn sweep(&self) -> io::Result<u64> {
        let mut swept = 0;
        refuse_link(&self.root)?;
        let shards = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        for shard in shards {
            let shard = shard?;
            // What else lies here is nobody's unfinished answer, least of all behind a link.
            if !shard.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(shard.path())? {
                let entry = entry?;
                let path = entry.path();
                let unfinished = path
                    .extension()
                    .is_some_and(|extension| extension == PART || extension == ANSWER);
                if unfinished {
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
    /// The answer is whole: syncs it and marks it as such. Blocks on the disk.
    pub fn arrive(mut self) -> io::Result<Arrived> {
        self.file.sync_data()?;
        let path = self.path.with_extension(ANSWER);
        fs::rename(&self.path, &path)?;
        self.kept = true;
        sync_dir(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Arrived {
            path,
            final_path: self.final_path.clone(),
            kept: false,
        })
    }

    /// Syncs the bytes, gives them their name and syncs the folder. Blocks on the disk.
    pub fn keep(self) -> io::Result<()> {
        self.arrive()?.keep()
    }
}

/// A whole answer that was not checked yet: gone when dropped, unless it was kept.
#[derive(Debug)]
pub struct Arrived {
    path: PathBuf,
    final_path: PathBuf,
    kept: bool,
}

impl Arrived {
    /// Where the bytes are: for validation.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the bytes their name and syncs the folder. Blocks on the disk.
    pub fn keep(mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.final_path)?;
        self.kept = true;
        sync_dir(self.final_path.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        if !self.kept {
            // A leftover is harmless and swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
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

/// Refuses a folder that is a symbolic link: nothing is written or removed behind one.
pub(super) fn refuse_link(folder: &Path) -> io::Result<()> {
    if folder.is_symlink() {
        let what = format!("`{}` is a symbolic link", folder.display());
        return Err(io::Error::other(what));
    }
    Ok(())
}

/// Makes `dir` below `base` and syncs every folder that got a new entry.
fn make_dir_durable(base: &Path, dir: &Path) -> io::Result<()> {
    private::make_folder(dir)?;
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
        let key = key::of_bytes(b"the same text");

        let mut part = objects.start(key, Attempt(1)).unwrap();
        part.file.write_all(b"half").unwrap();
        drop(part);
        assert!(!objects.contains(key));

        let mut part = objects.start(key, Attempt(2)).unwrap();
        part.file.write_all(b"whole").unwrap();
        part.keep().unwrap();
        assert_eq!(fs::read(objects.path(key)).unwrap(), b"whole");
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_neither_written_through_nor_swept() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let victim = outside.path().join("download.part");
        File::create(&victim).unwrap().write_all(b"mine").unwrap();
        let objects = Objects::new(dir.path());
        let key = key::of_bytes(b"the same text");
        let shard = objects.path(key).parent().unwrap().to_owned();
        fs::create_dir_all(&shard).unwrap();
        File::create(objects.root.join("note.txt")).unwrap();
        let planted = shard.join(format!(".{key}.1.{PART}"));
        std::os::unix::fs::symlink(&victim, planted).unwrap();

        let mut part = objects.start(key, Attempt(1)).unwrap();
        part.file.write_all(b"answer").unwrap();
        part.keep().unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert_eq!(fs::read(objects.path(key)).unwrap(), b"answer");

        fs::remove_dir_all(&shard).unwrap();
        std::os::unix::fs::symlink(outside.path(), &shard).unwrap();
        assert_eq!(objects.sweep().unwrap(), 0);
        assert!(objects.start(key, Attempt(2)).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
    }

    #[test]
    fn one_text_may_be_put_by_many_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        let key = key::of_bytes(b"the same text");

        std::thread::scope(|scope| {
            let puts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| objects.put(key, b"the same text")))
                .collect();
            for put in puts {
                put.join().unwrap().unwrap();
            }
        });

        assert_eq!(fs::read(objects.path(key)).unwrap(), b"the same text");
        assert_eq!(objects.sweep().unwrap(), 0);
    }

    #[test]
    fn leftovers_of_a_crash_are_swept_and_results_stay() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        let name = key::of_bytes(b"text");
        objects.put(name, b"text").unwrap();
        std::mem::forget(objects.start(name, Attempt(7)).unwrap());

        assert_eq!(objects.sweep().unwrap(), 1);

        assert!(objects.contains(name));
        assert_eq!(objects.read_text(name, 1..3).unwrap(), "ex");
        assert!(objects.read_text(name, 1..9).is_err());
    }
}
