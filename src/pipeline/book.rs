//! What is known of a book, for its tags: what the task says, what the book says of itself, and its picture.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::audio::cover::LARGEST_COVER;
use crate::audio::{Cover, NoCover};
use crate::domain::{Book, FileFormat};
use crate::pipeline::book_file;
use crate::pipeline::discover::Found;
use crate::pipeline::task::SpeechWork;
use crate::text::Document;

/// What players sort audiobooks by when nobody says more.
const GENRE: &str = "Audiobook";

/// Names of a picture beside the texts of a book.
pub(super) const COVERS: &[&str] = &["cover.jpg", "cover.jpeg", "cover.png"];

/// What people say of a book, before the book itself is asked.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The task, and then `book.toml`.
    pub(super) said: Book,
    /// The picture that `book.toml` names.
    cover: Option<PathBuf>,
    /// The name of the folder whose texts it is.
    pub(super) folder: Option<String>,
}

/// What the task says of the book in `found`, and what is said beside its files.
///
/// # Errors
/// In words, if `book.toml` cannot be understood.
pub(super) fn known(found: &Found, work: &SpeechWork) -> Result<Known, String> {
    let said = (*work.book).clone();
    let Some(first) = found.parts.first() else {
        return Ok(Known {
            said,
            ..Known::default()
        });
    };
    let folder = first.parent().unwrap_or(Path::new(""));
    let (book, cover) = book_file::read(folder)?;
    let is_folder = found.parts.len() > 1;
    let name = is_folder.then(|| found.path.file_name()).flatten();
    Ok(Known {
        said: said.or(&book),
        cover,
        folder: name.map(|name| name.to_string_lossy().into_owned()),
    })
}

/// What the chapter in the file at `path` is called, if it does not say so: `03_the_lamp.txt` is "the lamp".
pub(super) fn chapter_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let spaced = stem.replace('_', " ");
    let words = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_number = |c: char| c.is_ascii_digit() || " .-–—)".contains(c);
    let named = words.trim_start_matches(is_number);
    let has_number = words.starts_with(|c: char| c.is_ascii_digit());
    if has_number && !named.is_empty() {
        named.to_owned()
    } else {
        words
    }
}

/// The book that `document` is. A text that says nothing of itself, in a task that says nothing of it, is none.
pub(super) fn of(document: &Document, known: &Known, work: &SpeechWork) -> Book {
    let own = &document.about;
    let said = Book {
        language: None,
        ..known.said.clone()
    };
    if said.is_empty()
        && own.is_empty()
        && !matches!(work.format, FileFormat::M4b | FileFormat::Opus)
    {
        return Book::default();
    }
    let title = document.title().map(std::borrow::Cow::into_owned);
    let by_itself = Book {
        title: title.or_else(|| known.folder.clone()),
        genre: Some(GENRE.to_owned()),
        ..own.clone()
    };
    // The text is in the language that the task says; an empty word is left out.
    let Book {
        title,
        authors,
        narrator,
        series,
        part,
        year,
        language,
        genre,
        description,
    } = known.said.clone().or(&by_itself);
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    Book {
        title: some(title),
        authors,
        narrator: some(narrator),
        series: some(series),
        part: some(part),
        year: some(year),
        language: some(language),
        genre: some(genre),
        description: some(description),
    }
}

/// The picture of the book in `found`, and what was passed over: that of the task, of `book.toml`, of the book, or one that lies beside it.
pub(super) fn cover(
    document: &Document,
    found: &Found,
    known: &Known,
    work: &SpeechWork,
) -> (Option<Cover>, Option<String>) {
    if work.format == FileFormat::Wav {
        return (None, None);
    }
    let path = found.parts.first().unwrap_or(&found.path);
    let files = work.cover.iter().chain(&known.cover).cloned();
    let own = document.pictures.iter().cloned().map(Ok);
    let pictures = files
        .map(|file| read(&file))
        .chain(own)
        .chain(beside(path).into_iter().map(|file| read(&file)));
    let mut passed_over = None;
    for picture in pictures {
        let tried = picture.map(Cover::new);
        let why = match tried {
            Ok(Ok(cover)) => return (Some(cover), passed_over),
            Ok(Err(why @ (NoCover::Kind(_) | NoCover::Large(_) | NoCover::Empty))) => {
                why.to_string()
            }
            Err(error) => format!("the cover cannot be read: {error}"),
        };
        passed_over = passed_over.or(Some(why));
    }
    (None, passed_over)
}

/// As much of a picture as tells whether it is too large; no device, and no pipe that nobody writes to.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let most = u64::try_from(LARGEST_COVER).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A picture of [`COVERS`] in the folder of the text.
fn beside(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    COVERS
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}
