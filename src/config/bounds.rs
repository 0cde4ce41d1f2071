//! The bounds of a project file: the folder in which everything it names has to lie.
//!
//! A project's folder may be a stranger's work. Unless the user's own configuration trusts it,
//! its file reads and writes in its own folder only, judged by where a path really leads: a
//! link in the folder that points elsewhere is outside.

use std::path::{Component, Path, PathBuf};

/// Where a project file may read and write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Bounds {
    /// The user's own configuration trusts the project, or there is none.
    #[default]
    None,
    /// In this folder, links resolved.
    Folder(PathBuf),
}

impl Bounds {
    /// Of a project that nobody vouches for, whose file is in `root`.
    pub(super) fn of(root: &Path) -> Self {
        Self::Folder(real(root))
    }

    /// Whether the project is a stranger's.
    pub(super) fn is_stranger(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// Whether `path` leads outside.
    pub(super) fn exclude(&self, path: &Path) -> bool {
        match self {
            Self::None => false,
            Self::Folder(root) => !real(path).starts_with(root),
        }
    }
}

/// Where `path` leads: links resolved as far as it is there, the rest by its text.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        (Some(parent), None) => plain(&real(parent).join("..")),
        _ => path.to_owned(),
    }
}

/// `path` without `.` and with `..` taken back, by its text alone.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_leads_elsewhere_is_outside_however_it_is_spelt() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        std::fs::create_dir_all(root.join("books")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("link")).unwrap();
        let bounds = Bounds::of(&root);

        for inside in ["books", "books/../new/deep", ".", "not/there/../yet"] {
            assert!(!bounds.exclude(&root.join(inside)), "{inside}");
        }
        for outside in [
            "..",
            "../project2",
            "link/x",
            "new/../../x",
            "/etc",
            "books/../..",
        ] {
            assert!(bounds.exclude(&root.join(outside)), "{outside}");
        }
        assert!(!Bounds::None.exclude(Path::new("/etc")));
    }
}
