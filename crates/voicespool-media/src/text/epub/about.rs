//! What an EPUB says of itself, and its picture.

use rbook::Epub;

use crate::domain::Book;
use crate::text::cleanup::Record;
use crate::text::html;
use crate::text::reading::Reading;

/// Kinds of pictures that every player shows.
const SHOWN: [&str; 2] = ["image/jpeg", "image/png"];

pub(super) fn about(book: &Epub) -> Book {
    let metadata = book.metadata();
    let is_author = |role: &str| matches!(role, "aut" | "");
    let creators = |wanted: fn(&str) -> bool| {
        let creators = metadata.creators();
        creators
            .filter(move |creator| wanted(creator.main_role().map_or("", |role| role.code())))
            .map(|creator| tidy(creator.value()))
    };
    let (series, part) = series(book);
    Book {
        title: metadata.title().map(|title| tidy(title.value())),
        authors: creators(is_author).collect(),
        narrator: creators(|role| role == "nrt").next(),
        series,
        part,
        year: year(book),
        language: metadata
            .language()
            .map(|language| language.value().trim().to_owned())
            .filter(|language| !language.is_empty() && language != "und"),
        genre: None,
        description: metadata
            .description()
            .map(|description| plain(description.value()))
            .filter(|description| !description.is_empty()),
    }
}

fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A description is often a page of HTML.
fn plain(text: &str) -> String {
    if text.contains(['<', '&']) {
        tidy(&html::parse(text, Record::new(&Reading::default())).text)
    } else {
        tidy(text)
    }
}

/// The series and the place in it: as EPUB 3 has it, else as calibre writes it.
fn series(book: &Epub) -> (Option<String>, Option<String>) {
    let metadata = book.metadata();
    for collection in metadata.by_property("belongs-to-collection") {
        let of = |property| {
            let mut entries = collection.refinements().by_property(property);
            entries.next().map(|entry| tidy(entry.value()))
        };
        // A set is a book in several volumes, a series goes on; both are what a listener sorts by.
        if of("collection-type").is_none_or(|kind| matches!(&*kind, "series" | "set")) {
            return (Some(tidy(collection.value())), of("group-position"));
        }
    }
    let calibre = |property| {
        let mut entries = metadata.by_property(property);
        entries.next().map(|entry| tidy(entry.value()))
    };
    (
        calibre("calibre:series"),
        // calibre writes 2 as 2.0.
        calibre("calibre:series_index").map(|part| part.trim_end_matches(".0").to_owned()),
    )
}

/// The four digits that a date of publication begins with.
fn year(book: &Epub) -> Option<String> {
    let entry = book.metadata().published_entry()?;
    let year = entry.value().trim().get(..4)?.to_owned();
    year.bytes()
        .all(|digit| digit.is_ascii_digit())
        .then_some(year)
}

/// The picture that the book names as its cover; if no player shows that kind, the first of its pictures that one does.
pub(super) fn pictures(book: &Epub) -> Vec<Vec<u8>> {
    let manifest = book.manifest();
    let Some(cover) = manifest.cover_image() else {
        return Vec::new();
    };
    let is_shown = SHOWN.contains(&cover.media_type());
    let mut others = manifest
        .images()
        .filter(|image| SHOWN.contains(&image.media_type()));
    let other = if is_shown { None } else { others.next() };
    let pictures = std::iter::once(cover).chain(other);
    pictures
        .filter_map(|picture| picture.read_bytes().ok())
        .collect()
}
