//! Where the chapters of a book's own table begin in its text.

use std::collections::HashMap;

use rbook::Epub;
use rbook::epub::toc::EpubTocEntry;

use crate::text::document::{Block, BlockKind, Document};
use crate::text::html::Anchors;

/// Deepest level of a heading.
const DEEPEST: usize = 6;

/// One line of the table.
#[derive(Debug, Clone)]
struct Entry {
    page: String,
    /// The place in the page; `None` for its beginning.
    fragment: Option<String>,
    label: String,
    /// 1 is the outermost.
    level: usize,
    /// The first block at or after the place, once it was passed.
    block: Option<usize>,
}

/// The table of contents, and where its lines lead.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Of the page that is read: the lines that lead to each named place.
    wanted: HashMap<String, Vec<usize>>,
}

impl Table {
    pub(super) fn of(book: &Epub) -> Self {
        let contents = book.toc().contents();
        let entries = contents.iter().flat_map(EpubTocEntry::flatten);
        let entries = entries.filter_map(|entry| {
            let href = entry.href()?;
            let label = entry
                .label()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            (!label.is_empty()).then(|| Entry {
                page: href.path().as_str().to_owned(),
                fragment: href
                    .fragment()
                    .filter(|fragment| !fragment.is_empty())
                    .map(str::to_owned),
                label,
                level: entry.depth().max(1),
                block: None,
            })
        });
        Self {
            entries: entries.collect(),
            wanted: HashMap::new(),
        }
    }

    /// The page at `path` begins, and its first block will be the one numbered `block`.
    pub(super) fn begin_page(&mut self, path: &str, block: usize) {
        self.wanted.clear();
        for (idx, entry) in self.entries.iter_mut().enumerate() {
            if entry.page != path {
                continue;
            }
            // Until the named place is found: a table may name one that is not there.
            entry.block.get_or_insert(block);
            if let Some(fragment) = &entry.fragment {
                self.wanted.entry(fragment.clone()).or_default().push(idx);
            }
        }
    }

    /// The page at `path` is not read.
    pub(super) fn drop_page(&mut self, path: &str) {
        self.entries.retain(|entry| entry.page != path);
    }

    /// `document` with a heading at each place of the table, and none as high elsewhere. A heading
    /// that stands there already is taken; where there is none, the line of the table is put.
    pub(super) fn into_chapters(mut self, document: Document) -> Document {
        self.entries.retain(|entry| entry.block.is_some());
        self.entries
            .sort_by_key(|entry| entry.block.unwrap_or_default());
        if self.entries.is_empty() {
            return document;
        }
        let deepest = self
            .entries
            .iter()
            .map(|entry| entry.level)
            .max()
            .unwrap_or(1);
        let mut out = Rebuilt::new(&document);
        let mut due = self.entries.into_iter().peekable();
        let mut waiting: Vec<Entry> = Vec::new();
        for (idx, block) in document.blocks.iter().enumerate() {
            while let Some(entry) = due.next_if(|entry| entry.block.is_some_and(|at| at <= idx)) {
                waiting.push(entry);
            }
            if block.kind == BlockKind::SceneBreak {
                out.take(block, block.kind);
                continue;
            }
            let text = &document.text[block.range.clone()];
            let is_heading = matches!(block.kind, BlockKind::Heading { .. });
            let own = waiting
                .iter()
                .position(|entry| is_titled(&entry.label, text, is_heading));
            let own = own.or_else(|| {
                // Whatever the heading at the place says, it is the one that the last line means.
                (is_heading && !waiting.is_empty()).then(|| waiting.len() - 1)
            });
            match own {
                Some(own) => {
                    for entry in waiting.drain(..own) {
                        out.put(&entry.label, entry.level);
                    }
                    let entry = waiting.remove(0);
                    out.take(block, heading(entry.level));
                }
                None => {
                    for entry in waiting.drain(..) {
                        out.put(&entry.label, entry.level);
                    }
                    out.take(block, lowered(block.kind, deepest));
                }
            }
        }
        out.into_document()
    }
}

impl Anchors for Table {
    fn anchor(&mut self, name: &str, block: usize) {
        for idx in self.wanted.remove(name).unwrap_or_default() {
            self.entries[idx].block = Some(block);
        }
    }
}

/// A heading that the table does not have stands below all that it has.
fn lowered(kind: BlockKind, deepest: usize) -> BlockKind {
    match kind {
        BlockKind::Heading { level } => heading(deepest.saturating_add(usize::from(level))),
        other => other,
    }
}

fn heading(level: usize) -> BlockKind {
    let level = u8::try_from(level.clamp(1, DEEPEST)).unwrap_or(1);
    BlockKind::Heading { level }
}

/// Whether `text` is the title that the table calls `label`; a heading may say part of it.
fn is_titled(label: &str, text: &str, is_heading: bool) -> bool {
    let bare = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let (label, text) = (bare(label), bare(text));
    if is_heading {
        !text.is_empty() && (label.contains(&text) || text.contains(&label))
    } else {
        label == text
    }
}

/// A document with other headings.
struct Rebuilt<'a> {
    from: &'a Document,
    text: String,
    blocks: Vec<Block>,
}

impl<'a> Rebuilt<'a> {
    fn new(from: &'a Document) -> Self {
        Self {
            from,
            text: String::with_capacity(from.text.len()),
            blocks: Vec::with_capacity(from.blocks.len()),
        }
    }

    fn take(&mut self, block: &Block, kind: BlockKind) {
        self.add(&self.from.text[block.range.clone()], kind);
    }

    fn put(&mut self, label: &str, level: usize) {
        self.add(label, heading(level));
    }

    fn add(&mut self, text: &str, kind: BlockKind) {
        let start = self.text.len();
        self.text.push_str(text);
        self.blocks.push(Block {
            kind,
            range: start..self.text.len(),
        });
        self.text.push_str("\n\n");
    }

    fn into_document(mut self) -> Document {
        let end = self.blocks.last().map_or(0, |last| last.range.end);
        self.text.truncate(end);
        Document {
            text: self.text,
            blocks: self.blocks,
            ..self.from.clone()
        }
    }
}
