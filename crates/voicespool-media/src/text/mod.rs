//! From a document to speakable chunks.
//!
//! [`read`] turns the bytes of a plain text or Markdown file into a [`Document`]: the text as it
//! will be spoken, and the blocks (headings, paragraphs, scene breaks) it consists of. [`chunks`]
//! cuts it into pieces a provider accepts; they tile the text, so no byte is lost or sent twice,
//! and [`spoken`] is exactly what one piece sends and is billed for.
//!
//! Nothing here opens a file, knows a provider, or rewrites words: what is said is what the author
//! wrote, without markup and invisible characters.

mod archive;
mod bind;
mod block;
mod chapters;
mod chunk;
mod clean;
mod cleanup;
mod cut;
mod decode;
mod document;
mod docx;
mod epub;
mod error;
mod front_matter;
mod heading;
mod html;
mod latin;
mod lexicon;
mod markdown;
mod pack;
mod pdf;
mod plain;
mod reading;
mod recut;
mod respelt;
mod rules;
mod semantics;
mod sentence;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::Path;

use cleanup::Record;

pub use bind::{Bound, bind};
pub use block::{Block, BlockKind};
pub use chapters::{Chapter, ChosenChapters};
pub use chunk::{Chunk, Chunks, chunks, spoken};
pub use cleanup::{Change, Sample};
pub use document::{Document, LeftOut, Mark};
pub use error::Error;
pub use latin::{Foreign, foreign, in_latin, unsaid};
pub use lexicon::{Entry, Lexicon};
pub use reading::{Aloud, CleanUp, Matter, Reading, Rule, Unspoken};
pub use recut::recut;
pub use respelt::{Respelt, written};
pub use rules::{ChunkRules, Paragraphs};

/// How a text file is marked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Paragraphs between blank lines, headings by convention.
    Plain,
    /// `CommonMark` with tables, footnotes and YAML front matter.
    Markdown,
    /// HTML or XHTML, whole or a piece.
    Html,
    /// A book: pages of HTML in a zip archive.
    Epub,
    /// A word processor's document: `WordprocessingML` in a zip archive.
    Docx,
    /// Pages; `pdftotext` takes their words out.
    Pdf,
}

impl Markup {
    /// By extension, in any case: `txt` and `text`, `md` and `markdown`, `html`,
    /// `htm` and `xhtml`, `epub`, `docx`, `pdf`; `None` for all others.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" | "text" => Some(Self::Plain),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "epub" => Some(Self::Epub),
            "docx" => Some(Self::Docx),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// Most bytes of Markdown: books have one or two mebibytes, and a file of nothing but brackets
/// takes 65 times its size to parse (measured with pulldown-cmark 0.13.6).
const MARKDOWN_LIMIT: usize = 16 * 1024 * 1024;

/// Reads a whole text file as `reading` says. Plain text takes three times its size in memory; the caller bounds it.
///
/// A file with nothing in it is a document without blocks: see [`Document::is_speakable`].
///
/// # Errors
/// [`Error::Binary`] if the bytes are no text, [`Error::TooLarge`] for Markdown above 16 MiB.
pub fn read(bytes: &[u8], markup: Markup, reading: &Reading) -> Result<Document, Error> {
    if markup == Markup::Markdown && bytes.len() > MARKDOWN_LIMIT {
        return Err(Error::TooLarge {
            limit: MARKDOWN_LIMIT,
        });
    }
    match markup {
        Markup::Epub => return epub::read(bytes, reading),
        Markup::Docx => return docx::read(bytes, reading),
        Markup::Pdf => return pdf::read(bytes, reading),
        Markup::Plain | Markup::Markdown | Markup::Html => {}
    }
    let decoded = decode::decode(bytes)?;
    let mut record = Record::new(reading);
    let text = cleanup::gutenberg::body(&decoded.text, &mut record);
    let mut document = match markup {
        Markup::Markdown => markdown::parse(text, record),
        Markup::Html => html::parse(text, record),
        Markup::Plain | Markup::Epub | Markup::Docx | Markup::Pdf => plain::parse(text, record),
    };
    document.encoding = decoded.encoding;
    document.had_replacements = decoded.had_replacements;
    document.guessed_bytes = decoded.guessed_bytes;
    Ok(document)
}
