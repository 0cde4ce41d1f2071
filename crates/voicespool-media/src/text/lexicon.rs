//! How words are said that a voice says wrong: what stands in the text, and what is sent in its place.
//!
//! A lexicon is applied to a document before it is cut. What was written is remembered, so that subtitles and
//! chapter titles show it.

use std::collections::HashMap;
use std::ops::Range;

use crate::text::cleanup::{Record, Rule};
use crate::text::document::Document;
use crate::text::respelt::Respelt;

/// One word or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it stands in the text, on one line; never empty.
    pub written: String,
    /// What is sent instead.
    pub said: String,
    /// Only in texts of this language: its primary subtag, in lower case.
    pub language: Option<String>,
    /// Capitals matter.
    pub is_exact: bool,
    /// Also within a word.
    pub is_part: bool,
}

/// Entries, ready to be looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexicon {
    /// By the first letter in lower case; longer ones first, and of equal ones the later first.
    entries: HashMap<char, Vec<Entry>>,
}

impl Lexicon {
    /// Of two entries for the same word, the later one holds.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut sorted: HashMap<char, Vec<Entry>> = HashMap::new();
        for entry in entries {
            if let Some(first) = entry.written.chars().next() {
                sorted.entry(lower(first)).or_default().insert(0, entry);
            }
        }
        for entries in sorted.values_mut() {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.written.chars().count()));
        }
        Self { entries: sorted }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts what is said into `document`, whose text is in `language`.
    pub fn apply(&self, document: &mut Document, language: Option<&str>) {
        if self.is_empty() {
            return;
        }
        let language = language.and_then(|tag| tag.split(['-', '_']).next());
        let language = language.map(str::to_ascii_lowercase);
        let mut record = Record::default();
        let mut text = String::with_capacity(document.text.len());
        let mut copied = 0;
        for block in &mut document.blocks {
            let source = block.range.clone();
            text.push_str(&document.text[copied..source.start]);
            let start = text.len();
            self.say(
                &document.text[source.clone()],
                language.as_deref(),
                &mut text,
                |range, written, said| {
                    record.note(Rule::Lexicon, written, said);
                    document.respelt.push(Respelt {
                        range,
                        written: written.to_owned(),
                    });
                },
            );
            copied = source.end;
            block.range = start..text.len();
        }
        text.push_str(&document.text[copied..]);
        document.text = text;
        document.changes.extend(record.into_changes());
    }

    /// Appends `source` as it is said to `out`, and tells of each place.
    fn say(
        &self,
        source: &str,
        language: Option<&str>,
        out: &mut String,
        mut told: impl FnMut(Range<usize>, &str, &str),
    ) {
        let mut before: Option<char> = None;
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            let found = self.entries.get(&lower(first)).and_then(|entries| {
                entries.iter().find_map(|entry| {
                    let is_for = |own: &String| language.is_none_or(|language| language == own);
                    if !entry.language.as_ref().is_none_or(is_for) {
                        return None;
                    }
                    let length = matches(rest, entry)?;
                    let last = rest[..length].chars().next_back()?;
                    let next = rest[length..].chars().next();
                    let is_whole = !joins(before, Some(first)) && !joins(Some(last), next);
                    (entry.is_part || is_whole).then_some((entry, length))
                })
            });
            if let Some((entry, length)) = found {
                let (written, after) = rest.split_at(length);
                let start = out.len();
                out.push_str(&entry.said);
                told(start..out.len(), written, &entry.said);
                before = written.chars().next_back();
                rest = after;
            } else {
                out.push(first);
                before = Some(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
}

/// Bytes of `text` that the entry's word takes at its beginning.
fn matches(text: &str, entry: &Entry) -> Option<usize> {
    if entry.is_exact {
        return text
            .starts_with(&entry.written)
            .then_some(entry.written.len());
    }
    let mut length = 0;
    let mut chars = text.chars();
    for wanted in entry.written.chars() {
        let found = chars.next()?;
        if found != wanted && lower(found) != lower(wanted) {
            return None;
        }
        length += found.len_utf8();
    }
    Some(length)
}

fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

/// Whether two letters belong to one word. Scripts that write no spaces have no such words.
fn joins(a: Option<char>, b: Option<char>) -> bool {
    let is_spaced = |c: char| {
        c.is_alphanumeric()
            && !matches!(u32::from(c),
                0x0e00..=0x0eff | 0x1000..=0x109f | 0x1100..=0x11ff | 0x1780..=0x17ff | 0x2e80..=0x9fff
                | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
    };
    a.is_some_and(is_spaced) && b.is_some_and(is_spaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Markup, Reading, read};

    fn entry(written: &str, said: &str) -> Entry {
        Entry {
            written: written.to_owned(),
            said: said.to_owned(),
            language: None,
            is_exact: written.chars().any(char::is_uppercase),
            is_part: false,
        }
    }

    fn document(text: &str) -> Document {
        read(text.as_bytes(), Markup::Markdown, &Reading::default()).unwrap()
    }

    #[test]
    fn whole_words_are_said_otherwise_and_shown_as_written() {
        let lexicon = Lexicon::new([
            entry("Hermione", "Her-my-oh-nee"),
            entry("Hermione Granger", "Her-my-oh-nee Grain-jer"),
            entry("gif", "jif"),
        ]);
        let mut book =
            document("# Hermione\n\nHermione's GIF, gifts and Hermione Granger.\n\nhermione.");
        let before = book.clone();

        lexicon.apply(&mut book, Some("en"));

        assert_eq!(
            book.text,
            "Her-my-oh-nee\n\nHer-my-oh-nee's jif, gifts and Her-my-oh-nee Grain-jer.\n\nhermione."
        );
        assert_eq!(book.written(0..book.text.len()), before.text);
        assert_eq!(book.blocks.len(), before.blocks.len());
        for (now, then) in book.blocks.iter().zip(&before.blocks) {
            assert_eq!(
                book.written(now.range.clone()),
                before.text[then.range.clone()]
            );
        }
        assert_eq!(book.chapters()[0].title.as_deref(), Some("Hermione"));
        let change = book
            .changes
            .iter()
            .find(|change| change.rule == Rule::Lexicon);
        assert_eq!(change.unwrap().count, 4);
    }

    #[test]
    fn a_word_that_is_not_said_is_still_shown() {
        let lexicon = Lexicon::new([entry("Dr.", "")]);
        let mut book = document("Dr. Who left.\n\nDr. No stayed.");

        lexicon.apply(&mut book, None);

        let blocks = book.blocks.iter().map(|block| block.range.clone());
        let shown: Vec<_> = blocks.map(|range| book.written(range)).collect();
        assert_eq!(shown, ["Dr. Who left.", "Dr. No stayed."]);
    }

    #[test]
    fn language_case_and_parts_of_words_count() {
        let lexicon = Lexicon::new([
            Entry {
                language: Some("de".to_owned()),
                ..entry("Bus", "Buss")
            },
            Entry {
                is_part: true,
                ..entry("straße", "strasse")
            },
            entry("长城", "chang cheng"),
            entry("read", "red"),
            entry("read", "reed"),
        ]);
        let mut german = document("Der Bus in der Hauptstraße.");
        let mut english = document("The Bus. I read 万里长城的 signs.");

        lexicon.apply(&mut german, Some("de-AT"));
        lexicon.apply(&mut english, Some("en"));

        assert_eq!(german.text, "Der Buss in der Hauptstrasse.");
        assert_eq!(english.text, "The Bus. I reed 万里chang cheng的 signs.");
    }
}
