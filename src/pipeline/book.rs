//! What is known of a book, for its tags: what the task says, what the book says of itself, and its picture.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::audio::cover::LARGEST_COVER;
use crate::audio::{Cover, NoCover};
use crate::domain::{Book, FileFormat};
use crate::pipeline::task::SpeechWork;
use crate::text::Document;

/// What players sort audiobooks by when nobody says more.
const GENRE: &str = "Audiobook";

/// The book that `document` is. A text that says nothing of itself, in a task that says nothing of it, is none.
pub(super) fn of(document: &Document, work: &SpeechWork) -> Book {
    let own = &document.about;
    let said = Book {
        language: None,
        ..(*work.book).clone()
    };
    if said.is_empty() && own.is_empty() && work.format != FileFormat::M4b {
        return Book::default();
    }
    let known = Book {
        title: document.title().map(std::borrow::Cow::into_owned),
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
    } = (*work.book).clone().or(&known);
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

/// The picture of the book at `path`, and what was passed over: that of the task, of the book, or one that lies beside it.
pub(super) fn cover(
    document: &Document,
    path: &Path,
    work: &SpeechWork,
) -> (Option<Cover>, Option<String>) {
    if work.format == FileFormat::Wav {
        return (None, None);
    }
    let files = work.cover.iter().cloned();
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

/// `cover.jpg` and the like in the folder of the text.
fn beside(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    ["cover.jpg", "cover.jpeg", "cover.png"]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}
