//! `book.toml`: what a person says of the book in a folder.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::Book;

/// Its name, beside the texts.
pub(super) const NAME: &str = "book.toml";
/// A book says less of itself.
const LARGEST: u64 = 1 << 20;

/// What the file says: the settings of a task that tell of a book, under the same names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    title: Option<Text>,
    author: Option<Names>,
    narrator: Option<Text>,
    series: Option<Text>,
    part: Option<Text>,
    year: Option<Text>,
    language: Option<Text>,
    genre: Option<Text>,
    description: Option<Text>,
    cover: Option<PathBuf>,
}

/// A text, or a number that is meant as one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Words(String),
    Whole(i64),
    Number(f64),
}

impl Text {
    fn into_text(self) -> String {
        match self {
            Self::Words(text) => text.trim().to_owned(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

/// What is said of the book whose texts lie in `folder`, and its picture; nothing if there is no such file.
///
/// # Errors
/// In words, if the file cannot be read or understood.
pub(super) fn read(folder: &Path) -> Result<(Book, Option<PathBuf>), String> {
    let path = folder.join(NAME);
    let Ok(found) = path.metadata() else {
        return Ok((Book::default(), None));
    };
    if !found.is_file() || found.len() > LARGEST {
        return Err(format!("{NAME} beside it is no small file"));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{NAME} beside it cannot be read: {error}"))?;
    let said: Said = toml::from_str(&text)
        .map_err(|error| format!("{NAME} beside it: {}", error.message().trim_end()))?;
    let text = |text: Option<Text>| text.map(Text::into_text);
    let book = Book {
        title: text(said.title),
        authors: match said.author {
            None => Vec::new(),
            Some(Names::One(name)) => vec![name],
            Some(Names::Several(names)) => names,
        },
        narrator: text(said.narrator),
        series: text(said.series),
        part: text(said.part),
        year: text(said.year),
        language: text(said.language),
        genre: text(said.genre),
        description: text(said.description),
    };
    let cover = said.cover.map(|cover| within(folder, &cover)).transpose()?;
    Ok((book, cover))
}

/// A book names pictures that lie with it, and no others.
fn within(folder: &Path, cover: &Path) -> Result<PathBuf, String> {
    use std::path::Component;
    let is_inside = cover
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if is_inside {
        Ok(folder.join(cover))
    } else {
        Err(format!(
            "{NAME} beside it: the cover lies outside its folder"
        ))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "fixtures")]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Book, Option<PathBuf>), String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), text).unwrap();
        let read = read(folder.path())?;
        let cover = read
            .1
            .map(|cover| cover.strip_prefix(folder.path()).unwrap().to_owned());
        Ok((read.0, cover))
    }

    #[test]
    fn a_book_is_described_as_in_a_task() {
        let (book, cover) = of(
            "title = \"Two Lamps\"\nauthor = [\"Ann\", \"Bo\"]\nseries = \"Lines\"\npart = 2.5\nyear = 1926\ncover = \"art/front.png\"\n",
        )
        .unwrap();

        assert_eq!(book.author().as_deref(), Some("Ann, Bo"));
        assert_eq!(
            (book.part.as_deref(), book.year.as_deref()),
            (Some("2.5"), Some("1926"))
        );
        assert_eq!(cover, Some("art/front.png".into()));
        assert_eq!(of("author = \"Ann\"").unwrap().0.authors, ["Ann"]);
    }

    #[test]
    fn what_it_cannot_say_is_named() {
        for (text, why) in [
            ("titel = \"x\"", "unknown field `titel`"),
            ("title = ", "book.toml beside it"),
            ("cover = \"../secret.png\"", "outside its folder"),
            ("cover = \"/etc/x.png\"", "outside its folder"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(read(nothing.path()), Ok((Book::default(), None)));
    }
}
