//! What refusals taught: one small file beside the queue, replaced whole.
//!
//! It is a memory, not a truth: without it the same refusals teach the same again, so a file
//! that cannot be read is none, and said to be so, and the next lesson replaces it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::domain::{Lesson, UtcMillis};
use crate::store::Error;

/// Name of the file in the state folder.
pub const FILE_NAME: &str = "learned.json";

/// More than any number of models needs; what is longer was not written here.
const MOST_BYTES: u64 = 1 << 20;

/// The version of the file's form.
const VERSION: u32 = 1;

/// Lessons are learned by several jobs at once.
static WRITING: Mutex<()> = Mutex::new(());

/// One lesson, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    pub endpoint: String,
    pub model: String,
    #[serde(flatten)]
    pub lesson: Lesson,
    pub at: UtcMillis,
    /// The provider's own words.
    pub words: String,
}

/// All that was learned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lessons {
    pub learned: Vec<Learned>,
    /// There is a file, and it cannot be read.
    pub is_broken: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    version: u32,
    learned: Vec<Learned>,
}

impl Lessons {
    /// What is known of `model` at `endpoint`.
    pub fn of<'a>(
        &'a self,
        endpoint: &'a str,
        model: &'a str,
    ) -> impl Iterator<Item = &'a Learned> {
        self.learned
            .iter()
            .filter(move |learned| learned.endpoint == endpoint && learned.model == model)
    }
}

/// What stands in `state_dir`. Nothing, where there is no file or none that can be read.
pub fn recall(state_dir: &Path) -> Lessons {
    let broken = Lessons {
        is_broken: true,
        ..Lessons::default()
    };
    let file = match File::open(state_dir.join(FILE_NAME)) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Lessons::default();
        }
        Err(_) => return broken,
        Ok(file) => file,
    };
    let mut text = Vec::new();
    if file.take(MOST_BYTES).read_to_end(&mut text).is_err() {
        return broken;
    }
    match serde_json::from_slice::<Wire>(&text) {
        Ok(wire) if wire.version == VERSION => Lessons {
            learned: wire.learned,
            is_broken: false,
        },
        _ => broken,
    }
}

/// Adds `learned` in place of what was known of the same limit. `false`: it was known.
///
/// # Errors
/// [`Error::Io`]. What was known stays known.
pub fn learn(state_dir: &Path, learned: Learned) -> Result<bool, Error> {
    let _guard = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = recall(state_dir).learned;
    let is_same = |one: &Learned| {
        one.endpoint == learned.endpoint
            && one.model == learned.model
            && one.lesson.is_about_the_same(&learned.lesson)
    };
    if all
        .iter()
        .any(|one| is_same(one) && one.lesson == learned.lesson)
    {
        return Ok(false);
    }
    all.retain(|one| !is_same(one));
    all.push(learned);
    let wire = Wire {
        version: VERSION,
        learned: all,
    };
    let text =
        serde_json::to_vec_pretty(&wire).map_err(|error| Error::misuse(error.to_string()))?;
    // A name of its own: whatever lies there under a known one is not written through.
    let mut file = NamedTempFile::new_in(state_dir)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(state_dir.join(FILE_NAME))
        .map_err(|error| error.error)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(model: &str, lesson: Lesson) -> Learned {
        Learned {
            endpoint: "openai:h/v1".to_owned(),
            model: model.to_owned(),
            lesson,
            at: UtcMillis(1_790_000_000_000),
            words: "at most".to_owned(),
        }
    }

    #[test]
    fn the_last_word_on_a_limit_counts_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        for lesson in [
            learned("a", Lesson::MaxChars(200)),
            learned("b", Lesson::MaxChars(300)),
            learned("a", Lesson::MaxUpload(1_000)),
            learned("a", Lesson::MaxChars(400)),
        ] {
            assert!(learn(dir, lesson).unwrap());
        }
        assert!(!learn(dir, learned("a", Lesson::MaxChars(400))).unwrap());

        let known = recall(dir);

        let of = |model| -> Vec<Lesson> {
            known
                .of("openai:h/v1", model)
                .map(|one| one.lesson.clone())
                .collect()
        };
        assert_eq!(of("a"), [Lesson::MaxUpload(1_000), Lesson::MaxChars(400)]);
        assert_eq!(of("b"), [Lesson::MaxChars(300)]);
        assert_eq!(known.of("openai:other", "a").count(), 0);
        assert_eq!(
            std::fs::read_dir(dir).unwrap().count(),
            1,
            "nothing is left over"
        );
    }

    #[test]
    fn a_broken_file_is_none_and_the_next_lesson_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        assert_eq!(recall(dir), Lessons::default());
        for text in [
            &b"\xff\x00"[..],
            b"",
            b"{\"version\":1,\"learned\":[{\"endpoint\":",
            b"{\"version\":2,\"learned\":[]}",
            b"[]",
            &vec![b'['; 3 << 20],
        ] {
            File::create(dir.join(FILE_NAME))
                .unwrap()
                .write_all(text)
                .unwrap();
            let known = recall(dir);
            assert!(known.is_broken && known.learned.is_empty());
        }

        learn(dir, learned("a", Lesson::MaxChars(200))).unwrap();

        assert_eq!(recall(dir).learned.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_replaced_and_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("precious");
        File::create(&target).unwrap().write_all(b"mine").unwrap();
        let state = folder.path().join("state");
        std::fs::create_dir(&state).unwrap();
        std::os::unix::fs::symlink(&target, state.join(FILE_NAME)).unwrap();

        learn(&state, learned("a", Lesson::MaxChars(200))).unwrap();

        assert_eq!(std::fs::read(&target).unwrap(), b"mine");
        assert_eq!(recall(&state).learned.len(), 1);
    }
}
