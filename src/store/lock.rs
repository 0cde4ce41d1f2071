//! The run lock: one process works on a queue at a time, the others only read.
//!
//! An operating system lock on a file that names its holder. The kernel frees it
//! with the process, however that ends, so a crash never needs an `unlock` command
//! and a living run is never mistaken for a dead one. The file itself stays: to
//! remove it would let two processes lock two files of one name.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::store::error::{Error, refuse_link};
use crate::store::holder::Holder;
use crate::store::private;

/// Name of the lock file in the state folder.
const FILE_NAME: &str = "run.lock";

/// A newly locked file is nameless for the microseconds until the holder wrote itself
/// down; so often, ten milliseconds apart, a refused process looks again.
const LOOKS: u32 = 10;

/// The right to work on a queue, until dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl RunLock {
    /// Takes the lock of the queue in `state_dir`, which exists, and writes `holder`
    /// into it. Does not wait for the lock.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process has it; [`Error::Io`].
    pub fn acquire(state_dir: &Path, holder: &Holder) -> Result<Self, Error> {
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
        let mut lock = Self { file };
        lock.write_down(holder)?;
        Ok(lock)
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
        let mut lock = Self { file };
        lock.write_down(holder)?;
        Ok(lock)
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
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(name_of_holder(&path)),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn write_down(&mut self, holder: &Holder) -> Result<(), Error> {
        let text =
            serde_json::to_string(holder).map_err(|error| Error::misuse(error.to_string()))?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        Ok(())
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
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
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(4096).read_to_string(&mut text));
        if read.is_ok()
            && let Ok(holder) = serde_json::from_str(&text)
        {
            return Some(holder);
        }
    }
    None
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
        }
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
