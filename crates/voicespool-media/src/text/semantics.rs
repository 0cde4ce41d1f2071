//! What an element is for, where a page says so (EPUB's structural semantics, ARIA's document roles).

use crate::text::reading::{Aloud, Matter, Reading};

/// What an element of a book is, by `epub:type` or `role`, if it is not read aloud.
pub(super) fn silent_type(words: &str, reading: &Reading) -> Option<&'static str> {
    let (no_notes, body) = (reading.notes == Aloud::Skip, reading.matter == Matter::Body);
    words.split_ascii_whitespace().find_map(|word| {
        Some(match word.strip_prefix("doc-").unwrap_or(word) {
            "pagebreak" => "a page number",
            "noteref" => "a note mark",
            "footnote" | "endnote" | "rearnote" | "footnotes" | "endnotes" | "rearnotes"
                if no_notes =>
            {
                "a note"
            }
            "backlink" => "a link back",
            "toc" | "landmarks" | "page-list" => "the table of contents",
            "cover" if body => "the cover",
            "titlepage" if body => "the title page",
            "imprint" | "copyright-page" if body => "the imprint",
            "colophon" if body => "the colophon",
            "index" if body => "the index",
            "loi" | "lot" if body => "a list of pictures or tables",
            _ => return None,
        })
    })
}
