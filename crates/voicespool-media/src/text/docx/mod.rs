//! A word processor's document (DOCX) to a document.
//!
//! The body is turned into HTML, which is read like any other page: headings by their styles, lists, tables, raised digits. What
//! is deleted, hidden, a field's code or a table of contents is not spoken; what has words of it is listed. A document
//! whose author made headings by hand (bold, larger) has none that say so: it is read as plain text, where headings are
//! known by convention. Layout: ECMA-376, part 1, `WordprocessingML`.

mod body;
mod styles;
#[cfg(test)]
mod tests;

use quick_xml::events::Event;

use crate::domain::Book;
use crate::text::cleanup::Record;
use crate::text::document::{Builder, Document};
use crate::text::reading::{Aloud, Reading};
use crate::text::{Error, archive, html, plain};

use body::Body;
use styles::Styles;

pub(super) fn read(bytes: &[u8], reading: &Reading) -> Result<Document, Error> {
    archive::check(bytes).map_err(|error| match error {
        Error::BrokenBook { what } => Error::BrokenDocument { what },
        other => other,
    })?;
    let broken = |what| Error::BrokenDocument { what };
    let page = archive::file(bytes, "word/document.xml")
        .ok_or_else(|| broken("it has no word/document.xml"))?;
    let styles = archive::file(bytes, "word/styles.xml")
        .map_or_else(Styles::default, |styles| Styles::read(&styles));
    let body = Body::read(&page, &styles).ok_or_else(|| broken("its text is no XML"))?;
    let record = Record::new(reading);
    let mut document = if body.has_headings {
        let mut builder = Builder::new(bytes.len(), record);
        html::speak(&body.html, &mut builder);
        list(&body, bytes, &mut builder);
        builder.into_document()
    } else {
        let mut document = plain::parse(&body.plain, record);
        let mut builder = Builder::new(0, Record::new(reading));
        list(&body, bytes, &mut builder);
        document.left_out.extend(builder.into_document().left_out);
        document
    };
    document.about =
        archive::file(bytes, "docProps/core.xml").map_or_else(Book::default, |core| about(&core));
    Ok(document)
}

/// Lists what is not spoken.
fn list(body: &Body, bytes: &[u8], builder: &mut Builder) {
    let reads_notes = builder.reading().notes == Aloud::Read;
    for (what, words) in &body.left_out {
        builder.leave_out(what, words);
    }
    for name in archive::names(bytes) {
        let what = match name.as_str() {
            "word/footnotes.xml" | "word/endnotes.xml" if reads_notes => {
                let notes = archive::file(bytes, &name)
                    .and_then(|page| Body::read(&page, &Styles::default()));
                html::speak(&notes.unwrap_or_default().html, builder);
                continue;
            }
            "word/footnotes.xml" | "word/endnotes.xml" => "the notes",
            "word/comments.xml" => "a comment",
            _ if name.starts_with("word/header") || name.starts_with("word/footer") => {
                "a header or footer"
            }
            _ => continue,
        };
        let words = archive::file(bytes, &name).map(|page| words(&page));
        builder.leave_out(what, words.as_deref().unwrap_or_default());
    }
}

/// The words of a part of the document.
fn words(page: &str) -> String {
    Body::read(page, &Styles::default()).map_or_else(String::new, |body| body.plain)
}

/// What the document says of itself: most programs fill in who wrote it, few its title.
fn about(core: &str) -> Book {
    let mut reader = quick_xml::Reader::from_str(core);
    let (mut book, mut text) = (Book::default(), String::new());
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(_) => text.clear(),
            Event::Text(more) => text.push_str(&more),
            Event::GeneralRef(name) => text.push_str(&resolved(&name)),
            Event::End(tag) => {
                let value = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if value.is_empty() {
                    continue;
                }
                match tag.local_name().as_ref() {
                    "title" => book.title = Some(value),
                    "creator" => book.authors = vec![value],
                    "language" => book.language = Some(value),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    book
}

/// What `&name;` stands for.
fn resolved(name: &str) -> String {
    let reference = format!("&{name};");
    html_escape::decode_html_entities(&reference).into_owned()
}
