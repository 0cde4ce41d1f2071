//! EPUB 2 and 3 to a document: the pages in reading order, with the chapters of the book's own table.
//!
//! `rbook` reads container, package and tables; the pages are HTML like any other. What belongs to a
//! printed book and not to the story (cover, imprint, index …) is left out and listed.

mod about;
mod chapters;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::Cursor;

use rbook::Epub;
use rbook::ebook::toc::TocEntryKind;
use rbook::epub::toc::EpubTocEntry;

use crate::text::cleanup::Record;
use crate::text::document::{Builder, Document, LeftOut};
use crate::text::reading::{Aloud, Matter, Reading};
use crate::text::{Error, archive, decode, html};

use chapters::Table;

const MISSING: &str = "a page that the book names and does not have";

pub(super) fn read(bytes: &[u8], reading: &Reading) -> Result<Document, Error> {
    archive::check(bytes)?;
    let book = Epub::read(Cursor::new(bytes.to_vec())).map_err(|_| Error::BrokenBook {
        what: "its list of pages cannot be read",
    })?;
    let silent = silent_pages(&book, reading);
    let mut table = Table::of(&book);
    let mut builder = Builder::new(bytes.len(), Record::new(reading));
    for item in book.spine() {
        let Some(entry) = item.manifest_entry() else {
            builder.leave_out(MISSING, item.idref());
            continue;
        };
        let href = entry.href();
        let path = href.path().as_str();
        let Ok(page) = entry.read_bytes() else {
            builder.leave_out(MISSING, path);
            continue;
        };
        let page = decode::decode(&page)?;
        let left_out = match silent.get(path) {
            Some(what) => Some(*what),
            None if !item.is_linear() => Some("a page outside the reading order"),
            None => None,
        };
        match left_out {
            Some(what) => {
                let words = html::parse(&page.text, Record::new(reading)).text;
                builder.leave_out(what, &words);
                table.drop_page(path);
            }
            None => {
                let (block, listed) = (builder.next_block(), builder.left_out().len());
                table.begin_page(path, block);
                html::speak_page(&page.text, &mut builder, &mut table);
                let is_mute = builder.next_block() == block;
                if is_mute && builder.left_out()[listed..].iter().any(is_words) {
                    table.drop_page(path);
                }
            }
        }
    }
    let mut document = table.into_chapters(builder.into_document());
    document.about = about::about(&book);
    document.pictures = about::pictures(&book);
    if document.text.is_empty() {
        return Err(Error::BrokenBook {
            what: "none of its pages has words",
        });
    }
    Ok(document)
}

/// Whether a piece was words of the page, and no picture's or program's.
fn is_words(piece: &LeftOut) -> bool {
    !matches!(
        piece.what,
        "the head of the page" | "the description of a picture" | "a comment"
    )
}

/// The pages that nobody reads aloud, and what each is: by the landmarks of EPUB 3 and the guide of
/// EPUB 2.
fn silent_pages<'a>(book: &'a Epub, reading: &Reading) -> HashMap<&'a str, &'static str> {
    let landmarks = book.toc().landmarks();
    let entries = landmarks.iter().flat_map(EpubTocEntry::flatten);
    let mut silent = HashMap::new();
    for entry in entries {
        if let (Some(href), Some(what)) = (entry.href(), silent_kind(entry.kind(), reading)) {
            silent.insert(href.path().as_str(), what);
        }
    }
    silent
}

fn silent_kind(kind: TocEntryKind<'_>, reading: &Reading) -> Option<&'static str> {
    let is_note = matches!(kind, TocEntryKind::Endnotes | TocEntryKind::Footnotes);
    let is_read = match kind {
        TocEntryKind::Toc => false,
        _ if is_note => reading.notes == Aloud::Read,
        _ => reading.matter == Matter::All,
    };
    if is_read {
        return None;
    }
    Some(match kind {
        TocEntryKind::Cover => "the cover",
        TocEntryKind::TitlePage => "the title page",
        TocEntryKind::Toc => "the table of contents",
        TocEntryKind::CopyrightPage | TocEntryKind::Imprint => "the imprint",
        TocEntryKind::Colophon => "the colophon",
        TocEntryKind::Index => "the index",
        TocEntryKind::Endnotes | TocEntryKind::Footnotes => "the notes",
        TocEntryKind::ListOfIllustrations
        | TocEntryKind::ListOfTables
        | TocEntryKind::ListOfAudio
        | TocEntryKind::ListOfVideos => "a list of pictures or tables",
        _ => return None,
    })
}
