//! The folders a run works in, and whether they are still those it began with: a project that was
//! moved, an object folder that was removed, a medium that is gone are nobody's fault but this
//! machine's, and nothing is to be written into an empty mount point.

use std::fs::{self, Metadata};
use std::io;
use std::path::PathBuf;

use crate::pipeline::task::Places;
use crate::store::private;

/// Folders that must stay what they were.
#[derive(Debug, Clone)]
pub struct Homes(Vec<Home>);

#[derive(Debug, Clone)]
struct Home {
    what: &'static str,
    path: PathBuf,
    identity: (u64, u64),
}

impl Homes {
    /// Notes the folders of a project, made where they are not there yet.
    ///
    /// # Errors
    /// When one cannot be made or looked at.
    pub fn of(places: &Places) -> io::Result<Self> {
        let objects = places.state.join("objects");
        private::make_folder(&objects)?;
        fs::create_dir_all(&places.out)?;
        let homes = [
            ("the project", places.root.clone()),
            ("the state folder", places.state.clone()),
            ("the object folder", objects),
            ("the output folder", places.out.clone()),
        ];
        let note = |(what, path): (&'static str, PathBuf)| {
            let identity = identity(&fs::metadata(&path)?);
            Ok(Home {
                what,
                path,
                identity,
            })
        };
        homes
            .into_iter()
            .map(note)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// What is not there any more, or is another folder now, in words.
    pub fn gone(&self) -> Option<String> {
        self.0.iter().find_map(Home::gone)
    }
}

impl Home {
    fn gone(&self) -> Option<String> {
        let words = |how: &str| format!("{} {how}: {}", self.what, self.path.display());
        match fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => None,
            Ok(_) => Some(words(
                "is another folder than when the run began (replaced, or its medium is gone)",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(words(
                "is not where it was when the run began (moved, removed, or its medium is gone)",
            )),
            Err(error) => Some(words(&format!("cannot be looked at any more ({error})"))),
        }
    }
}

/// What tells one folder from another that has its name.
#[cfg(unix)]
fn identity(folder: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (folder.dev(), folder.ino())
}

/// What tells one folder from another that has its name: here nothing does.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn places(root: &Path) -> Places {
        Places {
            root: root.to_owned(),
            out: root.join("out"),
            state: root.join(".voicespool"),
        }
    }

    #[test]
    fn a_folder_that_moved_or_was_replaced_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir(&root).unwrap();
        let homes = Homes::of(&places(&root)).unwrap();
        assert_eq!(homes.gone(), None);

        let objects = root.join(".voicespool/objects");
        fs::rename(&objects, dir.path().join("aside")).unwrap();
        fs::create_dir(&objects).unwrap();
        let words = homes.gone().unwrap();
        assert!(words.starts_with("the object folder is another"), "{words}");
        fs::remove_dir(&objects).unwrap();
        fs::rename(dir.path().join("aside"), &objects).unwrap();
        assert_eq!(homes.gone(), None);

        fs::rename(&root, dir.path().join("moved")).unwrap();
        let words = homes.gone().unwrap();
        assert!(words.starts_with("the project is not where"), "{words}");
    }
}
