//! From the patterns of a task to its input files, in natural order.
//!
//! Regular files only: no links found on the way, no devices, no hidden files unless a
//! pattern names them. A pattern that finds nothing is an error, because the usual
//! cause is a typing mistake and the usual wish is not "do nothing".

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::pipeline::remote::Remote;
use crate::pipeline::task::{InputPattern, Places};

/// One input file.
#[derive(Debug, Clone)]
pub struct Found {
    /// Absolute, or relative to the working folder if the configuration was; of a recording
    /// at a URL, what people see of it.
    pub path: PathBuf,
    /// Folder of the file below the fixed part of its pattern.
    pub rel_dir: PathBuf,
    /// 0 for a recording at a URL, which nobody here has seen.
    pub bytes: u64,
    /// The recording is not here: the provider fetches it.
    pub remote: Option<Arc<Remote>>,
    /// The texts of a book that is more than a file, in order; then `path` is their folder. One that is alone in its
    /// folder, where that makes a book. Else none.
    pub parts: Vec<PathBuf>,
}

impl Found {
    /// The file at `path`, wherever that is.
    pub(crate) fn alone(path: PathBuf) -> Self {
        Self {
            path,
            rel_dir: PathBuf::new(),
            bytes: 0,
            remote: None,
            parts: Vec::new(),
        }
    }
}

/// Something a pattern met and did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub path: PathBuf,
    pub why: &'static str,
}

/// What the patterns of a task come to.
#[derive(Debug, Default)]
pub struct Discovery {
    pub files: Vec<Found>,
    pub skipped: Vec<Skipped>,
    /// Exclusions that take nothing away: usually a typing mistake.
    pub warnings: Vec<String>,
}

/// Why inputs cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    #[error("{origin}: `{pattern}` is no valid pattern")]
    Pattern {
        origin: String,
        pattern: String,
        source: globset::Error,
    },
    #[error("{origin}: `{pattern}` matches no file{hint}")]
    Nothing {
        origin: String,
        pattern: String,
        hint: String,
    },
    #[error("{origin}: `!{pattern}` takes away every file")]
    EverythingExcluded { origin: String, pattern: String },
    #[error("cannot read {path}")]
    Io { path: PathBuf, source: io::Error },
}

impl DiscoverError {
    /// Where in the configuration the pattern stands, if it is about one.
    pub fn origin(&self) -> Option<&str> {
        match self {
            Self::Pattern { origin, .. }
            | Self::Nothing { origin, .. }
            | Self::EverythingExcluded { origin, .. } => Some(origin),
            Self::Io { .. } => None,
        }
    }
}

struct Matcher<'a> {
    pattern: &'a InputPattern,
    /// The folder (or file) above the first wildcard.
    base: PathBuf,
    /// `None`: everything of the task's kind below `base`.
    glob: Option<GlobMatcher>,
}

/// Lists the files of `patterns` whose extension is one of `extensions` (compared without
/// case). Explicitly named files are taken whatever their extension.
pub fn discover(
    patterns: &[InputPattern],
    extensions: &[&str],
    places: &Places,
) -> Result<Discovery, DiscoverError> {
    let (mut taken, mut skipped, mut warnings) =
        (HashMap::<PathBuf, Found>::new(), Vec::new(), Vec::new());
    let mut unmatched = Vec::new();
    for pattern in patterns.iter().filter(|pattern| !pattern.exclude) {
        let matcher = matcher(pattern, &places.root)?;
        let before = taken.len();
        let mut seen = 0usize;
        let looked = walk(&matcher, extensions, places)?;
        skipped.extend(looked.skipped);
        unmatched.extend(looked.unmatched);
        for found in looked.files {
            seen += 1;
            taken.entry(found.path.clone()).or_insert(found);
        }
        if seen == 0 && taken.len() == before {
            return Err(DiscoverError::Nothing {
                origin: pattern.origin.clone(),
                pattern: pattern.pattern.clone(),
                hint: hint(&matcher, extensions),
            });
        }
    }
    for pattern in patterns.iter().filter(|pattern| pattern.exclude) {
        let matcher = matcher(pattern, &places.root)?;
        let before = taken.len();
        taken.retain(|path, _| !excludes(&matcher, path));
        unmatched.retain(|file: &Skipped| !excludes(&matcher, &file.path));
        if taken.len() == before {
            warnings.push(format!(
                "{}: `!{}` takes no file away",
                pattern.origin, pattern.pattern
            ));
        }
        if before > 0 && taken.is_empty() {
            return Err(DiscoverError::EverythingExcluded {
                origin: pattern.origin.clone(),
                pattern: pattern.pattern.clone(),
            });
        }
    }
    // What one pattern passes over another may take.
    unmatched.retain(|file| !taken.contains_key(&file.path));
    unmatched.sort_by(|a, b| natural(&a.path, &b.path));
    unmatched.dedup_by(|a, b| a.path == b.path);
    skipped.extend(unmatched);
    let mut files: Vec<Found> = taken.into_values().collect();
    files.sort_by(|a, b| natural(&a.path, &b.path));
    Ok(Discovery {
        files,
        skipped,
        warnings,
    })
}

/// Chapter 2 before chapter 10; equal but for case or leading zeros: by bytes.
pub(crate) fn natural(a: &Path, b: &Path) -> std::cmp::Ordering {
    natord::compare_ignore_case(&a.to_string_lossy(), &b.to_string_lossy()).then_with(|| a.cmp(b))
}

fn matcher<'a>(pattern: &'a InputPattern, root: &Path) -> Result<Matcher<'a>, DiscoverError> {
    let text = pattern.pattern.trim_end_matches('/');
    let full = if Path::new(text).is_absolute() {
        PathBuf::from(text)
    } else {
        root.join(text)
    };
    // A file whose name has glob characters in it is still that file.
    if !is_glob(text) || full.symlink_metadata().is_ok() {
        return Ok(Matcher {
            pattern,
            base: full,
            glob: None,
        });
    }
    let fixed: PathBuf = full
        .components()
        .take_while(|component| !is_glob(&component.as_os_str().to_string_lossy()))
        .collect();
    let wild = full
        .strip_prefix(&fixed)
        .unwrap_or(Path::new(""))
        .to_string_lossy()
        .into_owned();
    let glob = GlobBuilder::new(&wild)
        .literal_separator(true)
        .backslash_escape(true)
        // Cameras and Windows write `REC001.MP3`.
        .case_insensitive(true)
        .build()
        .map_err(|source| DiscoverError::Pattern {
            origin: pattern.origin.clone(),
            pattern: pattern.pattern.clone(),
            source,
        })?;
    Ok(Matcher {
        pattern,
        base: fixed,
        glob: Some(glob.compile_matcher()),
    })
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// What lies where a pattern looks.
#[derive(Default)]
struct Looked {
    files: Vec<Found>,
    skipped: Vec<Skipped>,
    /// What the pattern does not take; another may.
    unmatched: Vec<Skipped>,
}

impl Looked {
    fn add(&mut self, entry: walkdir::DirEntry, matcher: &Matcher<'_>, extensions: &[&str]) {
        let below = entry
            .path()
            .strip_prefix(&matcher.base)
            .unwrap_or(entry.path());
        let wanted = match &matcher.glob {
            Some(glob) => glob.is_match(below),
            None => has_extension(entry.path(), extensions),
        };
        let (why, list) = if wanted {
            (why_not(&entry, extensions), &mut self.skipped)
        } else {
            let why = why_unmatched(&entry, matcher, extensions);
            (why, &mut self.unmatched)
        };
        if let Some(why) = why {
            list.push(Skipped {
                path: entry.into_path(),
                why,
            });
        } else if wanted {
            let bytes = entry.metadata().map_or(0, |found| found.len());
            let rel_dir = below.parent().unwrap_or(Path::new("")).to_owned();
            self.files.push(Found {
                path: entry.into_path(),
                rel_dir,
                bytes,
                remote: None,
                parts: Vec::new(),
            });
        }
    }
}

fn walk(
    matcher: &Matcher<'_>,
    extensions: &[&str],
    places: &Places,
) -> Result<Looked, DiscoverError> {
    let mut looked = Looked::default();
    // A file that was named outright may be a link: the user asked for it.
    if matcher.glob.is_none() && matcher.base.is_file() {
        looked.files.push(named_outright(&matcher.base)?);
        return Ok(looked);
    }
    if !matcher.base.is_dir() {
        return Ok(looked);
    }
    let own = [places.out.as_path(), places.state.as_path()];
    let names_hidden = names_hidden(&matcher.pattern.pattern);
    let tree = WalkDir::new(&matcher.base)
        .follow_links(false)
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0
                || (names_hidden || !is_hidden(entry.file_name())) && !own.contains(&entry.path())
        });
    for entry in tree {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => looked.add(entry, matcher, extensions),
            Err(error) => looked.skipped.push(unreadable(error, &matcher.base)?),
        }
    }
    Ok(looked)
}

fn named_outright(path: &Path) -> Result<Found, DiscoverError> {
    let facts = path.metadata().map_err(|source| DiscoverError::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(Found {
        bytes: facts.len(),
        ..Found::alone(path.to_owned())
    })
}

/// Whether `pattern` names a hidden folder or file, and so wants those.
fn names_hidden(pattern: &str) -> bool {
    let mut parts = pattern.split('/');
    parts.any(|part| part.starts_with('.') && part != "." && part != "..")
}

/// A place below `base` that cannot be read: passed over if it is not for us to read.
fn unreadable(error: walkdir::Error, base: &Path) -> Result<Skipped, DiscoverError> {
    let path = error.path().unwrap_or(base).to_owned();
    let source = error
        .into_io_error()
        .unwrap_or_else(|| io::Error::other("a folder contains itself"));
    if source.kind() == io::ErrorKind::PermissionDenied {
        return Ok(Skipped {
            path,
            why: "no permission to read it",
        });
    }
    Err(DiscoverError::Io { path, source })
}

/// Why a file that lies where a pattern looks is passed over, if anybody could have meant it: of a
/// folder everything, of a pattern with wildcards what the task could read.
fn why_unmatched(
    entry: &walkdir::DirEntry,
    matcher: &Matcher<'_>,
    extensions: &[&str],
) -> Option<&'static str> {
    if !entry.file_type().is_file() {
        return None;
    }
    match &matcher.glob {
        None => Some("not a kind of file this task reads"),
        Some(_) => has_extension(entry.path(), extensions).then_some("no pattern matches it"),
    }
}

/// Why what a pattern matches is no input.
fn why_not(entry: &walkdir::DirEntry, extensions: &[&str]) -> Option<&'static str> {
    if entry.file_type().is_symlink() {
        Some("a symbolic link (name it outright to take it)")
    } else if !entry.file_type().is_file() {
        Some("no regular file")
    } else if !has_extension(entry.path(), extensions) {
        Some("not a kind of file this task reads")
    } else {
        None
    }
}

fn excludes(matcher: &Matcher<'_>, path: &Path) -> bool {
    match (&matcher.glob, path.strip_prefix(&matcher.base)) {
        (Some(glob), Ok(below)) => glob.is_match(below),
        (None, Ok(_)) => true,
        (_, Err(_)) => false,
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Whether the name of `path` ends with one of `extensions`, in any case.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| {
        extensions
            .iter()
            .any(|known| found.eq_ignore_ascii_case(known))
    })
}

/// A name beside the missing one that differs by a letter or two.
pub(super) fn nearest_sibling(missing: &Path) -> Option<String> {
    let wanted = missing.file_name()?.to_str()?;
    let beside = std::fs::read_dir(missing.parent()?).ok()?;
    let names = beside.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let near = names.map(|name| (distance(&name, wanted), name)).min()?;
    (near.0 <= 2 && near.0 < wanted.chars().count()).then_some(near.1)
}

/// Letters to insert, delete or replace (Levenshtein).
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// What to look at when a pattern finds nothing.
fn hint(matcher: &Matcher<'_>, extensions: &[&str]) -> String {
    if !matcher.base.exists() {
        let missing: PathBuf = matcher
            .base
            .components()
            .filter(|part| !matches!(part, Component::CurDir))
            .collect();
        let meant = nearest_sibling(&missing).map(|name| format!("; did you mean `{name}`?"));
        return format!(
            ": {} does not exist{}",
            missing.display(),
            meant.unwrap_or_default()
        );
    }
    format!(": no {} file there", extensions.join(", "))
}

#[cfg(test)]
mod tests;
