//! The board: what the process at work says of itself to whoever looks in from outside.
//!
//! One small file beside the queue, replaced whole, so that a status costs the database no
//! write and no job waits for it. It is no truth: nothing is decided from it, it is not
//! synced, and who reads it asks the run lock first whether its writer still lives.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::Error;
use crate::store::private;

/// Name of the file in the state folder.
const FILE_NAME: &str = "board.json";

/// More than any note needs; what is longer was not written here.
const MOST_BYTES: u64 = 1 << 20;

/// Puts `note` up in place of the last one.
///
/// # Errors
/// [`Error::Io`]. What was up stays up.
pub fn put_up(state_dir: &Path, note: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_vec(note).map_err(|error| Error::misuse(error.to_string()))?;
    let beside = state_dir.join(format!("{FILE_NAME}.new"));
    // Whatever stands there, a link that leads elsewhere too, is not written through.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = private::file().write(true).create_new(true).open(&beside)?;
    file.write_all(&text)?;
    std::fs::rename(&beside, state_dir.join(FILE_NAME))?;
    Ok(())
}

/// What was put up last. `None` when nothing was, or what is there cannot be read as a note:
/// from another version, or no note at all.
///
/// # Errors
/// [`Error::Io`].
pub fn look_at<T: DeserializeOwned>(state_dir: &Path) -> Result<Option<T>, Error> {
    let file = match File::open(state_dir.join(FILE_NAME)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut text = Vec::new();
    BufReader::new(file)
        .take(MOST_BYTES)
        .read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_put_up_and_only_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look_at::<Vec<u32>>(folder.path()).unwrap(), None);

        put_up(folder.path(), &[1, 2, 3]).unwrap();
        put_up(folder.path(), &[4]).unwrap();

        assert_eq!(look_at(folder.path()).unwrap(), Some(vec![4]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_replaced_and_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        File::create(&victim).unwrap().write_all(b"mine").unwrap();
        let planted = folder.path().join("board.json.new");
        std::os::unix::fs::symlink(&victim, planted).unwrap();

        put_up(folder.path(), &[4]).unwrap();

        assert_eq!(std::fs::read_to_string(victim).unwrap(), "mine");
        assert_eq!(look_at(folder.path()).unwrap(), Some(vec![4]));
    }

    #[test]
    fn rubbish_and_other_notes_are_no_note() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            &b"\xff\x00"[..],
            b"",
            b"{\"cut",
            b"\"another shape\"",
            &vec![b'['; 3 << 20],
        ] {
            let mut file = File::create(folder.path().join(FILE_NAME)).unwrap();
            file.write_all(text).unwrap();

            assert_eq!(look_at::<Vec<u32>>(folder.path()).unwrap(), None);
        }
    }
}
