//! User-facing files: their names and how they come to be. The only place that writes
//! below the output folder.
//!
//! A name is a template filled with sanitised fields, so no title or file name can lead
//! out of the folder; a file appears under its name whole and synced, or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::ContentKey;
use crate::pipeline::objects::sync_dir;

/// Longest path component in bytes; file systems stop at 255, and a temporary name
/// and an extension must fit too.
const MAX_COMPONENT_BYTES: usize = 200;

/// Names Windows reserves, with any extension: archives travel.
const RESERVED: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// What a template may name, with what each field holds.
pub const FIELDS: &[(&str, &str)] = &[
    ("task", "name of the task"),
    ("stem", "input file name without its extension"),
    ("name", "input file name with its extension"),
    (
        "rel_dir",
        "folder of the input below the fixed part of its pattern",
    ),
    ("ext", "extension of the output"),
    ("voice", "voice asked for (speech)"),
    ("model", "model asked for"),
    ("language", "language asked for, `auto` if none"),
    ("title", "title of the book; else `stem`"),
    ("author", "author of the book"),
    ("series", "series of the book"),
    ("part", "its place in the series"),
    ("n", "number of the chapter; `{n:03}` with three digits"),
    ("chapter", "name of the chapter"),
];

/// Those of them that are empty where nothing is known.
const OF_BOOKS: &[&str] = &["author", "series", "part"];

/// Why a template is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("unknown field `{{{0}}}`")]
    UnknownField(String),
    #[error("`{{` without `}}`")]
    Unclosed,
    #[error("an output path must be relative to the output folder")]
    Absolute,
    #[error("an output path may not contain `..`")]
    Parent,
    #[error("an output path must contain `{{ext}}`")]
    NoExtension,
    #[error("an output path may not be empty")]
    Empty,
}

/// An output path with fields, relative to the output folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

/// The values of one input file.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    pub task: &'a str,
    /// The input's file name.
    pub file_name: &'a OsStr,
    /// The same without its extension.
    pub stem: &'a OsStr,
    /// The input's folder, relative to the fixed part of its pattern.
    pub rel_dir: &'a Path,
    pub voice: &'a str,
    pub model: &'a str,
    pub language: &'a str,
    /// Of the book: nothing where it is not known.
    pub title: Option<&'a str>,
    pub author: Option<&'a str>,
    pub series: Option<&'a str>,
    pub part: Option<&'a str>,
    /// Number and name of the chapter, of the file of one.
    pub chapter: Option<(usize, &'a str)>,
}

/// Whether a template may have `{name}`.
pub fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|(field, _)| *field == name) || digits(name).is_some()
}

/// The digits that `n:03` asks for: from one to nine, with a zero in front.
fn digits(field: &str) -> Option<usize> {
    let digits = field.strip_prefix("n:0")?;
    let [digit @ b'1'..=b'9'] = digits.as_bytes() else {
        return None;
    };
    Some(usize::from(digit - b'0'))
}

impl Fields<'_> {
    /// What `{name}` stands for; `ext` for what is none of the others. Of a book, nothing where it is not known.
    fn value(&self, name: &str, ext: &str) -> String {
        let known = |text: Option<&str>| text.map(str::to_owned).unwrap_or_default();
        match name {
            "task" => self.task.to_owned(),
            "stem" => text_of(self.stem),
            "name" => text_of(self.file_name),
            "rel_dir" => text_of(self.rel_dir.as_os_str()),
            "voice" => self.voice.to_owned(),
            "model" => self.model.to_owned(),
            "language" => self.language.to_owned(),
            "title" => self.title.map_or_else(|| text_of(self.stem), str::to_owned),
            "author" => known(self.author),
            "series" => known(self.series),
            "part" => known(self.part),
            "chapter" => known(self.chapter.map(|(_, name)| name)),
            "n" => self.number(2),
            _ => digits(name).map_or_else(|| ext.to_owned(), |digits| self.number(digits)),
        }
    }

    fn number(&self, digits: usize) -> String {
        let number = self.chapter.map(|(number, _)| number);
        number.map_or_else(String::new, |number| format!("{number:0digits$}"))
    }
}

impl Template {
    /// Checks `text`: known fields, relative, no `..`, with an extension.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.starts_with(['/', '\\']) || text.chars().nth(1) == Some(':') {
            return Err(TemplateError::Absolute);
        }
        if text.split(['/', '\\']).any(|part| part == "..") {
            return Err(TemplateError::Parent);
        }
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or(TemplateError::Unclosed)? + open;
            let field = &rest[open + 1..close];
            if !is_field(field) {
                return Err(TemplateError::UnknownField(field.to_owned()));
            }
            rest = &rest[close + 1..];
        }
        if !text.contains("{ext}") {
            return Err(TemplateError::NoExtension);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether each chapter gets a name of its own.
    pub fn tells_chapters(&self) -> bool {
        self.0.contains("{n}") || self.0.contains("{n:0") || self.0.contains("{chapter}")
    }

    /// The path for one input and one extension: relative, every component sanitised.
    pub fn fill(&self, fields: &Fields<'_>, ext: &str) -> PathBuf {
        let mut path = PathBuf::new();
        for part in self.0.split('/') {
            if part == "{rel_dir}" {
                for component in fields.rel_dir.components() {
                    if let Component::Normal(name) = component {
                        path.push(component_name(name));
                    }
                }
                continue;
            }
            let (mut filled, is_named) = fill_part(part, fields, ext);
            if !is_named {
                // A folder that is named after nothing is none; a file is then named as the input is.
                if !part.contains("{ext}") {
                    continue;
                }
                filled.insert_str(0, &component_name(fields.stem));
            }
            if !part.is_empty() && part != "." {
                path.push(sanitised(&filled, part.ends_with(".{ext}").then_some(ext)));
            }
        }
        path
    }
}

/// One component with its fields, and whether it names anything, for all that is not known of a book.
fn fill_part(part: &str, fields: &Fields<'_>, ext: &str) -> (String, bool) {
    let mut filled = String::new();
    let (mut rest, mut is_named, mut is_of_book) = (part, false, false);
    while let Some(open) = rest.find('{') {
        let close = rest[open..]
            .find('}')
            .map_or(rest.len() - 1, |at| at + open);
        filled.push_str(&rest[..open]);
        let name = &rest[open + 1..close];
        let value = fields.value(name, ext);
        if value.is_empty() && OF_BOOKS.contains(&name) {
            is_of_book = true;
        } else {
            // Each alone, so that no value can lend its dots or emptiness to the whole.
            filled.push_str(&sanitised(&value, None));
            is_named |= name != "ext";
        }
        rest = &rest[close + 1..];
    }
    filled.push_str(rest);
    (filled, is_named || !is_of_book)
}

/// Lossless enough for a name: what is not UTF-8 gets a hash behind it, so that two such
/// names stay two.
fn text_of(name: &OsStr) -> String {
    name.to_str().map_or_else(
        || {
            format!(
                "{}-{}",
                name.to_string_lossy(),
                short_hash(name.as_encoded_bytes())
            )
        },
        str::to_owned,
    )
}

fn component_name(name: &OsStr) -> String {
    sanitised(&text_of(name), None)
}

fn hash(bytes: &[u8]) -> String {
    ContentKey(Sha256::digest(bytes).into()).to_string()
}

fn short_hash(bytes: &[u8]) -> String {
    hash(bytes)[..8].to_owned()
}

/// One path component that is a plain name on every file system: NFC, no separators,
/// controls, bidirectional overrides or reserved words, at most 200 bytes with `ext` kept.
pub fn sanitised(text: &str, ext: Option<&str>) -> String {
    let clean: String = text
        .nfc()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => '_',
            c => c,
        })
        .collect();
    // Windows drops trailing dots and spaces, a leading dot hides the file, a leading dash looks like a flag.
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let mut clean = clean
        .strip_prefix('-')
        .map_or_else(|| clean.to_owned(), |rest| format!("_{rest}"));
    let first = clean
        .split('.')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if clean.is_empty() || RESERVED.contains(&first.as_str()) {
        clean.insert(0, '_');
    }
    if clean.len() <= MAX_COMPONENT_BYTES {
        return clean;
    }
    let ext = ext.map(|ext| format!(".{ext}")).unwrap_or_default();
    let hash = short_hash(text.as_bytes());
    let room = MAX_COMPONENT_BYTES.saturating_sub(ext.len() + hash.len() + 1);
    let whole = clean.strip_suffix(&ext).unwrap_or(&clean);
    let end = whole
        .grapheme_indices(true)
        .map(|(at, grapheme)| at + grapheme.len())
        .take_while(|&end| end <= room)
        .last()
        // One character under a pile of accents: without any of it, the name began with a dash.
        .unwrap_or_else(|| whole.floor_char_boundary(room));
    let short = &whole[..end];
    format!("{short}-{hash}{ext}")
}

/// The form under which two names are the same file on a file system that folds case or
/// composes accents.
///
/// By way of the capital, because NTFS and APFS compare those: of ς and σ, or ſ and s, the small
/// letters differ. Letters without a capital of their own (ß, ﬁ) stay, and so does the ı of
/// Turkish, which is no i.
pub fn collision_key(path: &Path) -> String {
    let folded = |c: char| {
        let mut capitals = c.to_uppercase();
        let capital = capitals.next().filter(|_| capitals.len() == 0 && c != 'ı');
        capital.unwrap_or(c).to_lowercase()
    };
    path.to_string_lossy()
        .nfc()
        .flat_map(folded)
        .nfc()
        .collect()
}

/// Why a file could not be put below the output folder.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("{path} leads out of the output folder through a symbolic link")]
    Symlink { path: PathBuf },
    #[error("{path} is in the way: it is no folder")]
    NotAFolder { path: PathBuf },
    #[error(
        "{path} is not what voicespool wrote there; move it away, or set `overwrite = true` (it is kept as NAME.bak)"
    )]
    NotOurs { path: PathBuf },
    #[error("cannot write {path}")]
    Io { path: PathBuf, source: io::Error },
}

/// A file on its way to `root/relative`: gone when dropped, unless it was kept.
#[derive(Debug)]
pub struct NewFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl NewFile {
    /// Makes the folders below `root` and an empty temporary file beside the target.
    /// `relative` comes from a [`Template`]; anything but plain names in it is refused,
    /// and so is a folder that is a symbolic link.
    pub fn create(root: &Path, relative: &Path) -> Result<Self, OutputError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OutputError::Io { path, source }
        };
        fs::create_dir_all(root).map_err(io(root))?;
        let target = root.join(relative);
        let mut folder = root.to_owned();
        for component in relative.parent().unwrap_or(Path::new("")).components() {
            let Component::Normal(name) = component else {
                return Err(OutputError::Symlink { path: target });
            };
            folder.push(name);
            match fs::symlink_metadata(&folder) {
                Ok(found) if found.is_dir() => {}
                Ok(found) if found.is_symlink() => {
                    return Err(OutputError::Symlink { path: folder });
                }
                Ok(_) => return Err(OutputError::NotAFolder { path: folder }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match fs::create_dir(&folder) {
                        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                            return Err(io(&folder)(error));
                        }
                        _ => sync_dir(folder.parent().unwrap_or(root)).map_err(io(&folder))?,
                    }
                }
                Err(error) => return Err(io(&folder)(error)),
            }
        }
        // Always the same name for a target: what a killed run left is replaced by the next try,
        // and the run lock keeps two from writing one file.
        let name = target.file_name().unwrap_or_default().as_encoded_bytes();
        let path = folder.join(format!(".voicespool-{}.part", &hash(name)[..16]));
        let temporary = new_file(&path).map_err(io(&target))?;
        Ok(Self { temporary, target })
    }

    /// Where to write.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Where the bytes are until they are kept: for validation.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Syncs the bytes, gives them their name (replacing what had it, never through a
    /// link) and syncs the folder.
    pub fn keep(self) -> Result<PathBuf, OutputError> {
        let Self { temporary, target } = self;
        let io = |source| OutputError::Io {
            path: target.clone(),
            source,
        };
        set_readable(temporary.as_file()).map_err(io)?;
        temporary.as_file().sync_all().map_err(io)?;
        temporary
            .persist(&target)
            .map_err(|error| io(error.error))?;
        sync_dir(target.parent().unwrap_or(Path::new("."))).map_err(io)?;
        Ok(target)
    }
}

/// An empty file in place of whatever was left there; a link is replaced, not followed. Errors
/// stay those of the operating system, which `tempfile` would wrap.
fn new_file(path: &Path) -> io::Result<NamedTempFile> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut open = OpenOptions::new();
    open.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let file = open.open(path)?;
    Ok(NamedTempFile::from_parts(
        file,
        TempPath::try_from_path(path)?,
    ))
}

/// Temporary files are private; results have the permissions a new file of the user has.
#[cfg(unix)]
fn set_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_readable(_file: &File) -> io::Result<()> {
    Ok(())
}
