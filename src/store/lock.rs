//! The run lock: one process works on a queue at a time, the others only read.
//!
//! An operating system lock on a file that names its holder. The kernel frees it
//! with the process, however that ends, so a crash never needs an `unlock` command
//! and a living run is never mistaken for a dead one. The file itself stays: to
//! remove it would let two processes lock two files of one name.
//!
//! On some shared drives a lock always succeeds. There the holder also writes itself down again and
//! again, and who is written down and beats is believed to be there.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use crate::store::drive;
use crate::store::error::{Error, refuse_link};
use crate::store::holder::Holder;
use crate::store::private;

/// Name of the lock file in the state folder.
const FILE_NAME: &str = "run.lock";

/// A newly locked file is nameless for the microseconds until the holder wrote itself
/// down; so often, ten milliseconds apart, a refused process looks again.
const LOOKS: u32 = 10;

/// How often a holder on a shared drive writes itself down.
const BEAT: Duration = Duration::from_secs(20);

/// After so long without a beat the holder is believed to be gone.
const SILENCE: Duration = Duration::from_secs(90);

/// The right to work on a queue, until dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    beat: Option<Beat>,
}

/// The thread that writes the holder down again and again.
#[derive(Debug)]
struct Beat {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl RunLock {
    /// Takes the lock of the queue in `state_dir`, which exists, and writes `holder`
    /// into it. Does not wait for the lock.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process has it; [`Error::Io`].
    pub fn acquire(state_dir: &Path, holder: &Holder) -> Result<Self, Error> {
        Self::acquire_on(state_dir, holder, drive::shared(state_dir).is_some())
    }

    fn acquire_on(state_dir: &Path, holder: &Holder, is_shared: bool) -> Result<Self, Error> {
        let path = state_dir.join(FILE_NAME);
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked {
                    holder: name_of_holder(&path),
                });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if is_shared && let Some(other) = who_beats(state_dir, holder)? {
            return Err(Error::Locked {
                holder: Some(other),
            });
        }
        Self::held(file, holder, is_shared)
    }

    /// As [`Self::acquire`], but waits for the lock, and blocks its thread meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn wait(state_dir: &Path, holder: &Holder) -> Result<Self, Error> {
        let file = open(&state_dir.join(FILE_NAME))?;
        loop {
            match file.lock() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        }
        let is_shared = drive::shared(state_dir).is_some();
        while is_shared && who_beats(state_dir, holder)?.is_some() {
            thread::sleep(Duration::from_secs(1));
        }
        Self::held(file, holder, is_shared)
    }

    fn held(mut file: File, holder: &Holder, is_shared: bool) -> Result<Self, Error> {
        let text = text_of(holder)?;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        let beat = if is_shared {
            Some(beat(file.try_clone()?, text))
        } else {
            None
        };
        Ok(Self { file, beat })
    }

    /// Who has the queue in `state_dir` now; `None` when nobody has. Takes nothing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn holder(state_dir: &Path) -> Result<Option<Holder>, Error> {
        let path = state_dir.join(FILE_NAME);
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        match file.try_lock_shared() {
            Ok(()) if drive::shared(state_dir).is_some() => {
                // Nobody is like a process that is not there.
                let nobody = Holder::default();
                drop(file);
                who_beats(state_dir, &nobody)
            }
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(name_of_holder(&path)),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// `holder` as it stands in the lock file.
fn text_of(holder: &Holder) -> Result<String, Error> {
    serde_json::to_string(holder).map_err(|error| Error::misuse(error.to_string()))
}

/// Writes `text` over itself until it is told to stop: never is there nothing to read.
fn beat(mut file: File, text: String) -> Beat {
    let (stop, stopped) = mpsc::channel();
    let thread = thread::spawn(move || {
        while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            // A beat that is missed is made up for by the next; three in a row are not.
            let _ = file.rewind().and_then(|()| file.write_all(text.as_bytes()));
        }
    });
    Beat { stop, thread }
}

/// Who is written down in the lock file, beat not long ago, and is not known to be gone.
fn who_beats(state_dir: &Path, here: &Holder) -> Result<Option<Holder>, Error> {
    let path = state_dir.join(FILE_NAME);
    let Some(found) = read_holder(&path) else {
        return Ok(None);
    };
    let silent_for = now_on(state_dir)?
        .duration_since(path.metadata()?.modified()?)
        .unwrap_or_default();
    let is_there = silent_for < SILENCE && !found.is_gone_from(here);
    Ok(is_there.then_some(found))
}

/// The time by the clock of the drive, which stamps the beats: it need not be this machine's.
fn now_on(state_dir: &Path) -> Result<SystemTime, Error> {
    let stamp = tempfile::NamedTempFile::new_in(state_dir)?;
    Ok(stamp.as_file().metadata()?.modified()?)
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if let Some(Beat { stop, thread }) = self.beat.take() {
            drop(stop);
            let _ = thread.join();
        }
        // Only so that nobody is named who is gone. The lock itself ends with the file handle.
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> Result<File, Error> {
    // What is locked is written to, and a link could lead to anything.
    refuse_link(path)?;
    let file = private::file()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    Ok(file)
}

fn name_of_holder(path: &Path) -> Option<Holder> {
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        if let Some(holder) = read_holder(path) {
            return Some(holder);
        }
    }
    None
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtcMillis;

    fn holder(pid: u32) -> Holder {
        Holder {
            pid,
            host: "attic".to_owned(),
            command: "run --yes".to_owned(),
            since: UtcMillis(7),
            boot: Some("first".to_owned()),
        }
    }

    fn on_a_shared_drive(folder: &Path, holder: &Holder) -> Result<RunLock, Error> {
        RunLock::acquire_on(folder, holder, true)
    }

    /// As if its lock had been no lock: the file names a holder, and nothing is locked.
    fn left_by(folder: &Path, holder: &Holder) {
        let text = serde_json::to_string(holder).unwrap();
        let mut file = File::create(folder.join(FILE_NAME)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn where_locks_lie_a_holder_that_beats_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = Holder {
            host: "cellar".to_owned(),
            ..holder(1)
        };
        left_by(folder.path(), &elsewhere);

        let refused = on_a_shared_drive(folder.path(), &holder(2));

        let named =
            matches!(&refused, Err(Error::Locked { holder: Some(named) }) if *named == elsewhere);
        assert!(named, "{refused:?}");
        // Where locks are locks, a name that is left says nothing.
        RunLock::acquire(folder.path(), &holder(2)).unwrap();
    }

    #[test]
    fn where_locks_lie_a_holder_that_fell_silent_or_is_gone_makes_way() {
        let folder = tempfile::tempdir().unwrap();
        let here = holder(std::process::id());
        let rebooted = Holder {
            boot: Some("before".to_owned()),
            ..holder(1)
        };
        left_by(folder.path(), &rebooted);
        drop(on_a_shared_drive(folder.path(), &here).unwrap());
        // No process has the largest number there is.
        left_by(folder.path(), &holder(u32::MAX));
        drop(on_a_shared_drive(folder.path(), &here).unwrap());

        left_by(
            folder.path(),
            &Holder {
                host: "cellar".to_owned(),
                ..holder(1)
            },
        );
        let path = folder.path().join(FILE_NAME);
        let file = File::options().write(true).open(path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let long_ago = written - SILENCE - Duration::from_secs(1);
        file.set_modified(long_ago).unwrap();
        let lock = on_a_shared_drive(folder.path(), &here).unwrap();
        assert_eq!(read_holder(&folder.path().join(FILE_NAME)), Some(here));
        drop(lock);
        assert_eq!(read_holder(&folder.path().join(FILE_NAME)), None);
    }

    #[test]
    fn the_second_run_is_refused_and_told_who_holds_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::acquire(folder.path(), &holder(1)).unwrap();

        let second = RunLock::acquire(folder.path(), &holder(2));

        let Err(Error::Locked { holder: named }) = second else {
            panic!("{second:?}");
        };
        assert_eq!(named, Some(holder(1)));
        drop(first);
        RunLock::acquire(folder.path(), &holder(2)).unwrap();
    }

    #[test]
    fn who_waits_gets_the_lock_when_it_is_free_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::acquire(folder.path(), &holder(1)).unwrap();
        let path = folder.path().to_owned();
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiting = thread::spawn(move || {
            let lock = RunLock::wait(&path, &holder(2)).unwrap();
            sender.send(()).unwrap();
            lock
        });

        let early = receiver.recv_timeout(Duration::from_millis(50));
        drop(first);

        assert!(early.is_err(), "both have it");
        let second = waiting.join().unwrap();
        assert_eq!(RunLock::holder(folder.path()).unwrap(), Some(holder(2)));
        drop(second);
    }

    #[test]
    fn the_name_of_an_earlier_holder_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunLock::acquire(folder.path(), &holder(1)).unwrap());

        let left = std::fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();

        assert_eq!(left, "");
    }

    #[test]
    fn a_killed_holder_with_a_long_name_is_not_mixed_up_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut killed = File::create(folder.path().join(FILE_NAME)).unwrap();
        let name = serde_json::to_string(&Holder {
            command: "run ".repeat(100),
            ..holder(1)
        });
        killed.write_all(name.unwrap().as_bytes()).unwrap();
        let _second = RunLock::acquire(folder.path(), &holder(2)).unwrap();

        let third = RunLock::acquire(folder.path(), &holder(3));

        let named =
            matches!(&third, Err(Error::Locked { holder: Some(named) }) if *named == holder(2));
        assert!(named, "{third:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_lock_is_refused_and_its_target_stays() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        File::create(&victim).unwrap().write_all(b"mine").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join(FILE_NAME)).unwrap();

        let refused = RunLock::acquire(folder.path(), &holder(1));

        assert!(matches!(refused, Err(Error::Unsafe { .. })), "{refused:?}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
    }

    #[test]
    fn a_lock_file_full_of_rubbish_locks_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join(FILE_NAME)).unwrap();
        (&file).write_all(&[0xff; 10_000]).unwrap();
        file.lock().unwrap();

        let refused = RunLock::acquire(folder.path(), &holder(2));

        assert!(matches!(refused, Err(Error::Locked { holder: None })));
    }
}
