//! What is read aloud of a text, what is cleaned up in it, and what is passed over.

use serde::{Deserialize, Serialize};

use crate::named;

named!(
    /// What a rule is about: the names in `clean = { … }` of a task.
    Rule {
        /// `[12]`, `[note 3]`, a raised number or dagger behind a word.
        NoteMarks = "note-marks",
        /// `_very_`, `*that*`, `=lamp=` in plain text.
        EmphasisMarks = "emphasis-marks",
        /// Two hyphens for a dash.
        Dashes = "dashes",
        /// Words that a typesetter broke at the end of a line.
        Hyphenation = "hyphenation",
        /// Ligatures, full-width and mathematical letters.
        Ligatures = "ligatures",
        /// Header, licence and notes of Project Gutenberg.
        Gutenberg = "gutenberg",
        /// Bare numbers that rise through a text.
        PageNumbers = "page-numbers",
        /// The line that stands on top of every page.
        RunningHeads = "running-heads",
        /// A comma at the ends of verses, which a voice would run over.
        VerseLines = "verse-lines",
        /// `&amp;`, `&#8217;` in plain text.
        Entities = "entities",
        /// Readings and typesetters' notes of Japanese plain text: `漢字《かんじ》`, `［＃改ページ］`.
        Ruby = "ruby",
        /// The head of its column before each cell of a table.
        TableHeads = "table-heads",
        /// Words that a lexicon says otherwise.
        Lexicon = "lexicon",
    }
);

/// Which rules are on. All are, unless they are switched off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanUp {
    off: Vec<Rule>,
}

impl CleanUp {
    /// Switches `rule` on or off.
    pub fn set(&mut self, rule: Rule, on: bool) {
        self.off.retain(|other| *other != rule);
        if !on {
            self.off.push(rule);
        }
    }

    pub fn is_on(&self, rule: Rule) -> bool {
        !self.off.contains(&rule)
    }
}

named!(
    /// Whether a kind of thing is read aloud.
    Aloud {
        Read = "read",
        /// Left out, and listed.
        Skip = "skip",
    }
);

named!(
    /// How much of a printed book is read.
    Matter {
        /// The story: no cover, title page, imprint, colophon, index.
        Body = "body",
        /// These too. Tables of contents and page numbers are never read.
        All = "all",
    }
);

named!(
    /// What becomes of a text with signs that a voice does not say.
    Unspoken {
        /// It is spoken without them, and they are counted.
        Warn = "warn",
        /// It is refused.
        Error = "error",
    }
);

/// What a reader of the text would like to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What is cleaned up.
    pub clean: CleanUp,
    /// Tables with two columns or more: row by row, each cell behind the head of its column.
    pub tables: Aloud,
    /// The descriptions of pictures, where they stand.
    pub images: Aloud,
    /// Footnotes and endnotes that a format marks as such, where they stand.
    pub notes: Aloud,
    pub matter: Matter,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            clean: CleanUp::default(),
            tables: Aloud::Read,
            images: Aloud::Skip,
            notes: Aloud::Skip,
            matter: Matter::Body,
        }
    }
}
