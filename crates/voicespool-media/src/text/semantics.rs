//! What an element is for, where a page says so (EPUB's structural semantics, ARIA's document roles).

/// What an element of a book is, by `epub:type` or `role`, if it is not read aloud.
pub(super) fn silent_type(words: &str) -> Option<&'static str> {
    words.split_ascii_whitespace().find_map(|word| {
        Some(match word.strip_prefix("doc-").unwrap_or(word) {
            "pagebreak" => "a page number",
            "noteref" => "a note mark",
            "footnote" | "endnote" | "rearnote" | "footnotes" | "endnotes" | "rearnotes" => {
                "a note"
            }
            "backlink" => "a link back",
            "toc" | "landmarks" | "page-list" => "the table of contents",
            "cover" => "the cover",
            "titlepage" => "the title page",
            "imprint" | "copyright-page" => "the imprint",
            "colophon" => "the colophon",
            "index" => "the index",
            "loi" | "lot" => "a list of pictures or tables",
            _ => return None,
        })
    })
}
