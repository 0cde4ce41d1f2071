//! Why a file gives no text to speak.

/// What is wrong with a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not text in any encoding.
    #[error("not a text file: it looks like {looks_like}")]
    Binary {
        /// With its article: `a PDF document`.
        looks_like: &'static str,
    },
    /// More Markdown than is parsed at once.
    #[error("more than {} MiB of Markdown: split the file, or name it .txt", limit / (1024 * 1024))]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// An EPUB that cannot be read.
    #[error("not a whole EPUB: {what}")]
    BrokenBook {
        /// A sentence's end: `it is no whole zip archive`.
        what: &'static str,
    },
    /// A word processor's document that cannot be read.
    #[error("not a whole DOCX: {what}")]
    BrokenDocument {
        /// As above.
        what: &'static str,
    },
    /// A PDF that gives no words.
    #[error("a PDF without words: {what}")]
    BrokenPdf {
        /// A sentence: `pdftotext could not read it`.
        what: &'static str,
    },
    /// The program that takes the words out of a PDF is not there.
    #[error("a PDF is read by `pdftotext`, and that is not on the PATH")]
    NeedsPdftotext,
    /// An EPUB with copy protection.
    #[error("a book with copy protection (DRM): its text is encrypted")]
    LockedBook,
}
