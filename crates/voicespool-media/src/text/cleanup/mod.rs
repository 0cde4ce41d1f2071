//! Clean-up: what stands in files and is no part of what a reader would say.
//!
//! Each rule has a name, can be switched off, counts what it did and keeps three samples, so that a
//! plan can show it. Numbers, names and words are never rewritten.

mod dashes;
mod emphasis;
mod entities;
pub(super) mod gutenberg;
pub(super) mod hyphens;
mod letters;
mod notes;
pub(super) mod pages;
mod ruby;

use serde::Serialize;

use crate::text::reading::Reading;
pub(super) use crate::text::reading::Rule;

/// Samples kept of each rule.
const SAMPLES: usize = 3;
/// Longest sample in characters.
const SAMPLE_CHARS: usize = 60;

/// What one rule did to a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub rule: Rule,
    /// Places it changed.
    pub count: usize,
    /// The first of them: what stood there, and what is said instead (nothing: it is left out).
    pub samples: Vec<Sample>,
    /// Letters and digits it took away.
    pub letters_taken: usize,
    /// Letters and digits it put in their place.
    pub letters_given: usize,
}

impl Change {
    /// Adds what the same rule changed elsewhere.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.letters_taken += other.letters_taken;
        self.letters_given += other.letters_given;
        let room = SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.into_iter().take(room));
    }
}

/// One place, shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    pub before: String,
    pub after: String,
}

/// Collects what the rules do.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    reading: Reading,
    changes: Vec<Change>,
}

impl Record {
    pub(super) fn new(reading: &Reading) -> Self {
        Self {
            reading: reading.clone(),
            changes: Vec::new(),
        }
    }

    pub(super) fn is_on(&self, rule: Rule) -> bool {
        self.reading.clean.is_on(rule)
    }

    /// What is read aloud.
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Notes that `rule` put `after` in the place of `before`.
    pub(super) fn note(&mut self, rule: Rule, before: &str, after: &str) {
        let idx = self.changes.iter().position(|change| change.rule == rule);
        let idx = idx.unwrap_or_else(|| {
            self.changes.push(Change {
                rule,
                count: 0,
                samples: Vec::new(),
                letters_taken: 0,
                letters_given: 0,
            });
            self.changes.len() - 1
        });
        let change = &mut self.changes[idx];
        change.count = change.count.saturating_add(1);
        change.letters_taken = change.letters_taken.saturating_add(letters(before));
        change.letters_given = change.letters_given.saturating_add(letters(after));
        if change.samples.len() < SAMPLES {
            change.samples.push(Sample {
                before: excerpt(before),
                after: excerpt(after),
            });
        }
    }

    /// By rule, in the order of the documentation.
    pub(super) fn into_changes(mut self) -> Vec<Change> {
        self.changes.sort_by_key(|change| change.rule);
        self.changes
    }
}

/// What a listener could miss: letters and digits of any script.
pub(super) fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// `text` on one line, shortened in its middle.
pub(super) fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let length = line.chars().count();
    if length <= SAMPLE_CHARS {
        return line;
    }
    let half = SAMPLE_CHARS / 2 - 1;
    let head: String = line.chars().take(half).collect();
    let tail: String = line.chars().skip(length - half).collect();
    format!("{head} … {tail}")
}

/// Applies the rules that look at one block, where they are on. `is_plain` says that the block has
/// no markup of its own. `None`: nothing changed.
pub(super) fn block(text: &str, is_plain: bool, record: &mut Record) -> Option<String> {
    let mut changed: Option<String> = None;
    let mut pass = |rule: Rule, apply: fn(&str, &mut Edit<'_>)| {
        if !record.is_on(rule) {
            return;
        }
        let mut edit = Edit {
            rule,
            record,
            out: String::new(),
            copied: 0,
        };
        let source = changed.as_deref().unwrap_or(text);
        apply(source, &mut edit);
        if let Some(new) = edit.finish(source) {
            changed = Some(new);
        }
    };
    if is_plain {
        pass(Rule::Entities, entities::apply);
        pass(Rule::Ruby, ruby::apply);
    }
    pass(Rule::Ligatures, letters::apply);
    pass(Rule::Gutenberg, gutenberg::notes);
    pass(Rule::NoteMarks, notes::apply);
    if is_plain {
        pass(Rule::EmphasisMarks, emphasis::apply);
    }
    pass(Rule::Dashes, dashes::apply);
    changed
}

/// A text being rewritten from its beginning to its end.
pub(super) struct Edit<'a> {
    rule: Rule,
    record: &'a mut Record,
    out: String,
    /// Bytes of the source that are in `out`, or replaced.
    copied: usize,
}

impl Edit<'_> {
    /// Puts `after` in the place of `source[from..to]`; places come in order.
    fn replace(&mut self, source: &str, from: usize, to: usize, after: &str) {
        self.record.note(self.rule, &source[from..to], after);
        self.swap(source, from, to, after);
    }

    /// As [`Edit::replace`], without a note of its own: the second half of one change.
    fn swap(&mut self, source: &str, from: usize, to: usize, after: &str) {
        self.out.push_str(&source[self.copied..from]);
        self.out.push_str(after);
        self.copied = to;
    }

    fn finish(mut self, source: &str) -> Option<String> {
        if self.copied == 0 && self.out.is_empty() {
            return None;
        }
        self.out.push_str(&source[self.copied..]);
        Some(self.out)
    }
}

/// What one rule makes of a text, for its tests.
#[cfg(test)]
fn applied(apply: fn(&str, &mut Edit<'_>), rule: Rule, text: &str) -> String {
    let mut record = Record::default();
    let mut edit = Edit {
        rule,
        record: &mut record,
        out: String::new(),
        copied: 0,
    };
    apply(text, &mut edit);
    edit.finish(text).unwrap_or_else(|| text.to_owned())
}
