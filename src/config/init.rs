//! `voicespool init`: a commented `jobs.toml` to begin with.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::NamedTempFile;

use crate::config::sources::FILE_NAME;
use crate::config::text::{Words, Wrong, word};

/// What the project is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Books to audio, with the built-in voice until another is chosen.
    Audiobook,
    /// The same as Audible takes it.
    Acx,
    /// The same as `LibriVox` takes it.
    LibriVox,
    /// Recordings to subtitles and text.
    Podcast,
}

impl Words for Preset {
    const WHAT: &'static str = "preset";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("audiobook", Self::Audiobook),
        ("acx", Self::Acx),
        ("librivox", Self::LibriVox),
        ("podcast", Self::Podcast),
    ];
}

impl FromStr for Preset {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        word(text)
    }
}

impl Preset {
    /// The file, as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Audiobook => include_str!("presets/audiobook.toml"),
            Self::Acx => include_str!("presets/acx.toml"),
            Self::LibriVox => include_str!("presets/librivox.toml"),
            Self::Podcast => include_str!("presets/podcast.toml"),
        }
    }
}

/// What [`init`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    pub path: PathBuf,
    /// What to type next, in this order.
    pub next: [String; 3],
}

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("{path} exists already; `--force` overwrites it")]
    Exists { path: PathBuf },
    #[error("cannot write {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Whether an existing file may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Overwrite,
}

/// Writes `dir/jobs.toml`: whole and synced, or not at all. `dir` is made if it is not
/// there.
pub fn init(dir: &Path, preset: Preset, existing: Existing) -> Result<Initialised, InitError> {
    let path = dir.join(FILE_NAME);
    let failed = |source| InitError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let mut file = new_file(dir).map_err(failed)?;
    file.write_all(preset.text().as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    match existing {
        Existing::Overwrite => file
            .persist(&path)
            .map(drop)
            .map_err(|error| failed(error.error))?,
        // Without a look first: nobody can come between the look and the write.
        Existing::Keep => match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(InitError::Exists { path });
            }
            Err(error) => return Err(failed(error.error)),
        },
    }
    let named = if dir == Path::new(".") || dir == Path::new("") {
        String::new()
    } else {
        format!(" -f {}", quoted(&path))
    };
    let next = ["plan", "run", "status"].map(|command| format!("voicespool {command}{named}"));
    Ok(Initialised { path, next })
}

/// Readable by others as the umask says, unlike other temporary files.
fn new_file(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".jobs.toml.");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(dir)
}

/// As a POSIX shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text
        .chars()
        .all(|c| c.is_alphanumeric() || "/._-+@:".contains(c));
    if is_plain {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_overwritten_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("my book's");

        let first = init(&project, Preset::Audiobook, Existing::Keep).unwrap();
        let again = init(&project, Preset::Podcast, Existing::Keep);

        assert!(matches!(again, Err(InitError::Exists { .. })), "{again:?}");
        assert_eq!(
            std::fs::read_to_string(&first.path).unwrap(),
            Preset::Audiobook.text()
        );
        assert_eq!(
            first.next[0],
            format!(
                "voicespool plan -f '{}/my book'\\''s/jobs.toml'",
                dir.path().display()
            )
        );

        init(&project, Preset::Podcast, Existing::Overwrite).unwrap();
        assert_eq!(
            std::fs::read_to_string(&first.path).unwrap(),
            Preset::Podcast.text()
        );
        assert_eq!(
            std::fs::read_dir(&project).unwrap().count(),
            1,
            "no temporary file stays"
        );
    }

    #[test]
    fn what_cannot_be_written_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::File::create(dir.path().join("file")).unwrap();

        let error = init(
            &dir.path().join("file/below"),
            Preset::Audiobook,
            Existing::Keep,
        )
        .unwrap_err();

        assert!(
            error.to_string().contains("file/below/jobs.toml"),
            "{error}"
        );
    }
}
