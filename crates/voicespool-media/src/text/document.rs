//! The speakable text and the blocks it consists of.

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::domain::Book;
pub(super) use crate::text::block::{Block, BlockKind};
use crate::text::clean;
use crate::text::cleanup::hyphens::Hyphens;
use crate::text::cleanup::{self, Change, Record, Rule};
use crate::text::reading::{Aloud, Reading};
use crate::text::respelt::{self, Respelt};
use crate::text::table::Table;

/// A text ready to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The blocks, two line feeds between them. In NFC, without markup and invisible characters;
    /// white space inside a block is single spaces.
    pub text: String,
    /// In order, none empty but scene breaks; the first and the last are no scene breaks.
    pub blocks: Vec<Block>,
    /// What the file was read as, by its name in the WHATWG Encoding Standard.
    pub encoding: &'static str,
    /// Some bytes meant nothing in this encoding; they are U+FFFD in the text.
    pub had_replacements: bool,
    /// Bytes that are no UTF-8 in a text that is, read as windows-1252.
    pub guessed_bytes: usize,
    /// What the rules of the clean-up changed.
    pub changes: Vec<Change>,
    /// Pieces of the source that are not spoken, and that no rule took away.
    pub left_out: Vec<LeftOut>,
    /// Empty where the format has no place for it.
    pub about: Book,
    /// Its pictures that may be its cover, the most likely first, as the book has them.
    pub pictures: Vec<Vec<u8>>,
    /// Where a lexicon put something else, in order.
    pub respelt: Vec<Respelt>,
    /// Chapters that begin without a heading, in order.
    pub marks: Vec<Mark>,
    /// The level of headings that begins chapters, where it is not to be told from the headings that are there.
    pub level: Option<u8>,
}

/// A chapter that begins where no heading says so: it has a name, and that is not spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Number of its first block, which is there.
    pub block: usize,
    pub name: String,
}

/// A piece of the source that is not spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What it is: "code", "a comment", ….
    pub what: &'static str,
    /// How it begins and ends.
    pub excerpt: String,
    /// Letters and digits in it.
    pub letters: usize,
}

impl Document {
    /// The title of the whole: what the book says, or the heading a document opens with, if no other
    /// is as important.
    pub fn title(&self) -> Option<Cow<'_, str>> {
        if let Some(title) = &self.about.title {
            return Some(Cow::Borrowed(title));
        }
        let first = self.blocks.first()?;
        let BlockKind::Heading { level } = first.kind else {
            return None;
        };
        let is_alone = self.headings().skip(1).all(|(_, other)| other > level);
        is_alone.then(|| self.shown(&first.range))
    }

    /// A part of the text as it was written.
    pub fn written(&self, range: Range<usize>) -> String {
        respelt::written(&self.text, range, &self.respelt)
    }

    /// A block as it was written.
    pub(super) fn shown(&self, range: &Range<usize>) -> Cow<'_, str> {
        if self.respelt.is_empty() {
            Cow::Borrowed(&self.text[range.clone()])
        } else {
            Cow::Owned(self.written(range.clone()))
        }
    }

    /// Whether there is anything a voice could say.
    pub fn is_speakable(&self) -> bool {
        is_speakable(&self.text)
    }

    /// Whether a chapter begins at block `idx` that no heading announces.
    pub(super) fn is_marked(&self, idx: usize) -> bool {
        self.marks
            .binary_search_by_key(&idx, |mark| mark.block)
            .is_ok()
    }

    pub(super) fn headings(&self) -> impl Iterator<Item = (&Block, u8)> {
        self.blocks.iter().filter_map(|block| match block.kind {
            BlockKind::Heading { level } => Some((block, level)),
            _ => None,
        })
    }
}

/// Whether a voice makes a sound of it: it has a letter or a digit of any script.
pub(super) fn is_speakable(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Writes a document block by block.
#[derive(Debug, Default)]
pub(super) struct Builder {
    text: String,
    blocks: Vec<Block>,
    /// Where the open block begins.
    start: usize,
    /// White space not written yet.
    owed: bool,
    /// A line of the source ended inside the open block.
    line_ended: LineEnd,
    left_out: Vec<LeftOut>,
    record: Record,
    /// The source has no markup of its own.
    is_plain: bool,
    hyphens: Option<Hyphens>,
    has_verse: bool,
}

/// How the last line of the source ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    #[default]
    None,
    Plain,
    SoftHyphen,
}

impl Builder {
    /// For a source of so many `bytes`; `record` has what was changed of it before.
    pub(super) fn new(bytes: usize, record: Record) -> Self {
        Self {
            text: String::with_capacity(bytes),
            record,
            ..Self::default()
        }
    }

    /// As [`Builder::new`], for text without markup; `hyphens` knows how its words are written.
    pub(super) fn plain(bytes: usize, record: Record, hyphens: Option<Hyphens>) -> Self {
        Self {
            is_plain: true,
            hyphens,
            ..Self::new(bytes, record)
        }
    }

    /// Adds to the open block; cleaned, see [`clean::append`].
    pub(super) fn push(&mut self, source: &str) {
        if self.line_ended != LineEnd::None && !clean::is_blank(source) {
            self.owed = self.line_ended == LineEnd::Plain && self.is_spaced_before(source);
            if !self.owed {
                self.heal(source);
            }
            self.line_ended = LineEnd::None;
        }
        let is_start = self.is_empty();
        clean::append(&mut self.text, source, &mut self.owed, is_start);
    }

    /// A line of the source ended, the block goes on. `line` is what was pushed of it.
    pub(super) fn end_line(&mut self, line: &str) {
        self.line_ended = if line.trim_end().ends_with('\u{AD}') {
            LineEnd::SoftHyphen
        } else {
            LineEnd::Plain
        };
    }

    /// The number of the block that is open, or that comes next.
    pub(super) fn next_block(&self) -> usize {
        self.blocks.len()
    }

    /// What is not spoken so far.
    pub(super) fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Whether no block was ended yet.
    pub(super) fn is_first_block(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether there was verse before.
    pub(super) fn has_verse(&self) -> bool {
        self.has_verse
    }

    /// Puts a comma at each of `ends`, the ends of lines in the open block, that has no mark.
    pub(super) fn end_verse_lines(&mut self, ends: &[usize]) {
        self.has_verse = true;
        if !self.record.is_on(Rule::VerseLines) {
            return;
        }
        for end in ends.iter().rev() {
            let line = &self.current()[..*end];
            if line.ends_with(char::is_alphanumeric) {
                let word = line.rsplit(' ').next().unwrap_or_default().to_owned();
                self.record
                    .note(Rule::VerseLines, &word, &format!("{word},"));
                self.text.insert(self.start + end, ',');
            }
        }
    }

    /// What the open block holds so far.
    pub(super) fn current(&self) -> &str {
        &self.text[self.start..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.len() == self.start
    }

    /// Ends the open block, if it has anything in it. One of nothing but ornaments is a scene break.
    pub(super) fn finish(&mut self, kind: BlockKind) {
        if !self.is_empty() && !is_ornament(self.current()) {
            self.tidy();
        }
        if !self.is_empty() && !self.current().is_ascii() {
            self.normalise();
        }
        if !self.is_empty() && is_ornament(self.current()) {
            return self.scene_break();
        }
        if !self.is_empty() {
            self.close(kind);
        }
        (self.owed, self.line_ended) = (false, LineEnd::None);
    }

    /// Drops the open block and puts a scene break in its place, unless there is one already.
    pub(super) fn scene_break(&mut self) {
        self.text.truncate(self.start);
        (self.owed, self.line_ended) = (false, LineEnd::None);
        let is_wanted = self
            .blocks
            .last()
            .is_some_and(|last| last.kind != BlockKind::SceneBreak);
        if is_wanted {
            self.close(BlockKind::SceneBreak);
        }
    }

    /// Notes that a mark of the format that leads to a note is not said.
    pub(super) fn pass_over_mark(&mut self, mark: &str) {
        self.record.note(Rule::NoteMarks, mark, "");
    }

    /// What is read aloud.
    pub(super) fn reading(&self) -> &Reading {
        self.record.reading()
    }

    /// Turns the blocks of a table that has ended into one a row, or leaves it out. Whether it did.
    pub(super) fn end_table(&mut self, table: &Table) -> bool {
        let Some(rows) = table.rows(&self.blocks, &self.text) else {
            return false;
        };
        self.start = self.blocks[rows.blocks.start].range.start;
        self.text.truncate(self.start);
        self.blocks.truncate(rows.blocks.start);
        if self.reading().tables == Aloud::Skip {
            self.leave_out("a table", &rows.words());
            return true;
        }
        for head in rows.idle_heads() {
            self.leave_out("the head of an empty column", &head);
        }
        let kind = rows.kind;
        for row in rows.spoken(&mut self.record) {
            self.text.push_str(&row);
            if !self.is_empty() {
                self.close(kind);
            }
        }
        true
    }

    /// Notes that `piece` of the source is not in the text.
    pub(super) fn leave_out(&mut self, what: &'static str, piece: &str) {
        let letters = cleanup::letters(piece);
        if letters > 0 {
            self.left_out.push(LeftOut {
                what,
                excerpt: cleanup::excerpt(piece),
                letters,
            });
        }
    }

    pub(super) fn into_document(mut self) -> Document {
        self.finish(BlockKind::Paragraph);
        let is_break = |block: &mut Block| block.kind == BlockKind::SceneBreak;
        let _ = self.blocks.pop_if(is_break);
        self.text
            .truncate(self.blocks.last().map_or(0, |last| last.range.end));
        Document {
            text: self.text,
            blocks: self.blocks,
            encoding: encoding_rs::UTF_8.name(),
            had_replacements: false,
            guessed_bytes: 0,
            about: Book::default(),
            pictures: Vec::new(),
            respelt: Vec::new(),
            marks: Vec::new(),
            level: None,
            changes: self.record.into_changes(),
            left_out: self.left_out,
        }
    }

    /// Applies the rules of the clean-up to the open block.
    fn tidy(&mut self) {
        let block = &self.text[self.start..];
        if let Some(tidied) = cleanup::block(block, self.is_plain, &mut self.record) {
            self.text.truncate(self.start);
            let mut owed = false;
            clean::append(&mut self.text, &tidied, &mut owed, true);
        }
    }

    /// Takes the typesetter's hyphen out of a word that `source` goes on with.
    fn heal(&mut self, source: &str) {
        let Some(hyphens) = &self.hyphens else {
            return;
        };
        let Some(head) = self.current().strip_suffix('-') else {
            return;
        };
        let first = head
            .rsplit(|c: char| !c.is_alphabetic())
            .next()
            .unwrap_or_default();
        let second = source.trim_start();
        let second = second
            .split(|c: char| !c.is_alphabetic())
            .next()
            .unwrap_or_default();
        if self.record.is_on(Rule::Hyphenation) && hyphens.is_typesetters(first, second) {
            let (before, after) = (format!("{first}-{second}"), format!("{first}{second}"));
            self.record.note(Rule::Hyphenation, &before, &after);
            let _ = self.text.pop();
        }
    }

    fn close(&mut self, kind: BlockKind) {
        let range = self.start..self.text.len();
        self.blocks.push(Block { kind, range });
        self.text.push_str("\n\n");
        self.start = self.text.len();
    }

    fn normalise(&mut self) {
        if is_nfc_quick(self.current().chars()) != IsNormalized::Yes {
            let composed: String = self.current().nfc().collect();
            self.text.truncate(self.start);
            self.text.push_str(&composed);
        }
    }

    /// Whether a line that begins with `source` is a new word after what stands before. Chinese and
    /// Japanese know no spaces, and a compound broken at its hyphen is one word still ("to-morrow");
    /// a hyphen that stands for a word left out is not ("Haupt- und Nebenstraße").
    fn is_spaced_before(&self, source: &str) -> bool {
        let visible = |c: &char| !c.is_whitespace() && !clean::is_invisible(*c);
        let mut before = self.current().chars().rev();
        let (Some(last), Some(next)) = (before.next(), source.chars().find(visible)) else {
            return false;
        };
        if is_unspaced(last) && is_unspaced(next) {
            return false;
        }
        let is_broken_word =
            last == '-' && next.is_lowercase() && before.next().is_some_and(char::is_alphabetic);
        let word = source.split_whitespace().next().unwrap_or_default();
        !is_broken_word
            || [
                "and", "or", "und", "oder", "bzw.", "bis", "et", "ou", "y", "o", "en", "of",
            ]
            .contains(&word)
    }
}

/// Characters of scripts written without spaces, and their punctuation.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{2E80}'..='\u{312F}' | '\u{3190}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

/// A line that only separates: stars and leaves at any length, dashes and dots from three on.
pub(super) fn is_ornament(line: &str) -> bool {
    let mut marks = 0_usize;
    let mut strong = false;
    for c in line.chars() {
        match c {
            '*'
            | '#'
            | '~'
            | '•'
            | '·'
            | '⁂'
            | '※'
            | '§'
            | '★'
            | '☆'
            | '☙'
            | '\u{2720}'..='\u{274B}'
            | '\u{2766}'..='\u{2767}'
            | '\u{25A0}'..='\u{25FF}' => {
                strong = true;
            }
            '-' | '–' | '—' | '_' | '=' | '+' => marks += 1,
            _ if c.is_whitespace() || clean::is_invisible(c) || c == '\u{FE0F}' => {}
            _ => return false,
        }
    }
    strong || marks >= 3
}
