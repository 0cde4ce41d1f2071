//! The six voices built into the program, and their files on disk.
//!
//! SVOX Pico opens its lingware by path only, so the embedded bytes are unpacked to a
//! cache folder when a voice is first used in a process. A file there is trusted only
//! when every byte is ours: what is truncated, foreign or missing is written again
//! beside and renamed into place, so processes may do this at the same time. Where the
//! cache folder is, the caller decides.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A voice that needs no key, no network and no installed program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalVoice {
    /// What `voice` in a request says: `pico-de`.
    pub name: &'static str,
    /// BCP 47 tag with region: `de-DE`.
    pub language: &'static str,
}

/// One built-in voice with its lingware and its words.
pub(super) struct BuiltIn {
    pub(super) voice: LocalVoice,
    /// What is said for `<`, which Pico would read as the start of a command.
    pub(super) less_than: &'static str,
    /// Text analysis.
    ta: Lingware,
    /// Signal generation.
    sg: Lingware,
}

struct Lingware {
    file_name: &'static str,
    bytes: &'static [u8],
}

macro_rules! lingware {
    ($file:literal) => {
        Lingware {
            file_name: $file,
            bytes: include_bytes!(concat!("voices/", $file)),
        }
    };
}

macro_rules! built_in {
    ($name:literal, $language:literal, $less_than:literal, $ta:literal, $sg:literal) => {
        BuiltIn {
            voice: LocalVoice {
                name: $name,
                language: $language,
            },
            less_than: $less_than,
            ta: lingware!($ta),
            sg: lingware!($sg),
        }
    };
}

// The words for `<` are those Pico itself says for a lone `<`, by length and by ear.
static BUILT_IN: [BuiltIn; 6] = [
    built_in!(
        "pico-en-us",
        "en-US",
        "less than",
        "en-US_ta.bin",
        "en-US_lh0_sg.bin"
    ),
    built_in!(
        "pico-en-gb",
        "en-GB",
        "less than",
        "en-GB_ta.bin",
        "en-GB_kh0_sg.bin"
    ),
    built_in!(
        "pico-de",
        "de-DE",
        "kleiner als",
        "de-DE_ta.bin",
        "de-DE_gl0_sg.bin"
    ),
    built_in!(
        "pico-es",
        "es-ES",
        "menor que",
        "es-ES_ta.bin",
        "es-ES_zl0_sg.bin"
    ),
    built_in!(
        "pico-fr",
        "fr-FR",
        "inférieur à",
        "fr-FR_ta.bin",
        "fr-FR_nk0_sg.bin"
    ),
    built_in!(
        "pico-it",
        "it-IT",
        "minore di",
        "it-IT_ta.bin",
        "it-IT_cm0_sg.bin"
    ),
];

static VOICES: [LocalVoice; 6] = [
    BUILT_IN[0].voice,
    BUILT_IN[1].voice,
    BUILT_IN[2].voice,
    BUILT_IN[3].voice,
    BUILT_IN[4].voice,
    BUILT_IN[5].voice,
];

/// The built-in voices, in the order to show them; the first is the default.
pub fn voices() -> &'static [LocalVoice] {
    &VOICES
}

/// The voice called `wanted`: by name (`pico-en-gb`) or by language tag (`en-GB`,
/// `en_gb`, `de`; plain `en` is American). Upper and lower case are the same.
pub fn find(wanted: &str) -> Option<LocalVoice> {
    index_of(wanted).map(|index| VOICES[index])
}

/// Where in [`voices`] the voice called `wanted` stands.
pub(super) fn index_of(wanted: &str) -> Option<usize> {
    let wanted = wanted.trim().replace('_', "-");
    let language_of = |tag: &'static str| tag.split('-').next().unwrap_or(tag);
    VOICES
        .iter()
        .position(|voice| {
            wanted.eq_ignore_ascii_case(voice.name) || wanted.eq_ignore_ascii_case(voice.language)
        })
        .or_else(|| {
            VOICES
                .iter()
                .position(|voice| wanted.eq_ignore_ascii_case(language_of(voice.language)))
        })
}

/// The built-in voice at `index` of [`voices`].
pub(super) fn built_in(index: usize) -> &'static BuiltIn {
    &BUILT_IN[index]
}

/// A voice's files, ready to be opened by Pico.
#[derive(Debug, Clone)]
pub(super) struct Unpacked {
    pub(super) ta: CString,
    pub(super) sg: CString,
}

/// Why a voice's files could not be put in place.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    #[error("cannot write the voice file `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Pico copies the path into 512 bytes without looking (picoos.h, `picoos_MaxFileNameLen`).
    #[error("the cache folder's path is longer than {max} bytes: `{}`", path.display())]
    PathTooLong { path: PathBuf, max: usize },
    #[error("the cache folder's path contains a NUL byte")]
    PathHasNul,
}

/// Longest path handed to Pico; its own buffer is 512 with the closing NUL.
const MAX_PATH_BYTES: usize = 500;

impl BuiltIn {
    /// Puts both files into `folder` (created when missing) unless they are there, byte for byte.
    pub(super) fn unpack(&self, folder: &Path) -> Result<Unpacked, UnpackError> {
        Ok(Unpacked {
            ta: self.ta.unpack(folder)?,
            sg: self.sg.unpack(folder)?,
        })
    }
}

impl Lingware {
    fn unpack(&self, folder: &Path) -> Result<CString, UnpackError> {
        let path = folder.join(self.file_name);
        let name = path.as_os_str().as_encoded_bytes();
        if name.len() > MAX_PATH_BYTES {
            return Err(UnpackError::PathTooLong {
                path,
                max: MAX_PATH_BYTES,
            });
        }
        let name = CString::new(name).map_err(|_| UnpackError::PathHasNul)?;
        if !holds(&path, self.bytes) {
            self.write(folder, &path)
                .map_err(|source| UnpackError::Write { path, source })?;
        }
        Ok(name)
    }

    fn write(&self, folder: &Path, path: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        // No sync: every process compares the bytes, so what a power cut leaves is found.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(self.bytes)?;
        file.persist(path)?;
        Ok(())
    }
}

/// Whether the file at `path` is exactly `bytes`. A file that cannot be read is not.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let same = || -> io::Result<bool> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if u64::try_from(bytes.len()).ok() != Some(size) {
            return Ok(false);
        }
        let mut found = Vec::with_capacity(bytes.len());
        file.take(size).read_to_end(&mut found)?;
        Ok(found == bytes)
    };
    same().unwrap_or(false)
}
