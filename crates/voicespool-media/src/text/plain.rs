//! Plain text to blocks, by the conventions of people who type it.
//!
//! Paragraphs end at blank lines; lines broken at a column are joined again. Files with one long
//! line a paragraph are recognised by their line lengths.

use crate::text::cleanup::hyphens::Hyphens;
use crate::text::cleanup::{Record, Rule, pages};
use crate::text::document::{Block, BlockKind, Builder, Document, is_ornament};
use crate::text::{clean, heading};

/// Lines of more bytes than this are not broken at a column: 100 Cyrillic letters, 66 ideographs.
const LONG_LINE: usize = 200;

pub(super) fn parse(source: &str, mut record: Record) -> Document {
    let source_lines: Vec<&str> = lines(source).collect();
    let mut dropped = pages::find(&source_lines, &mut record);
    let hyphens = record
        .is_on(Rule::Hyphenation)
        .then(|| Hyphens::of(source_lines.iter().copied()))
        .flatten();
    let mut reader = Reader {
        builder: Builder::plain(source.len(), record, hyphens),
        lines: 0,
        first_line: 0,
        kind: BlockKind::Paragraph,
    };
    let each_line = is_line_a_paragraph(source);
    for (idx, line) in source_lines.into_iter().enumerate() {
        if dropped.contains(idx) {
            continue;
        }
        reader.line(line);
        if each_line {
            reader.flush();
        }
    }
    reader.flush();
    let mut document = reader.builder.into_document();
    promote_title(&mut document);
    document
}

struct Reader {
    builder: Builder,
    /// Lines in the open block.
    lines: usize,
    /// Length of its first line.
    first_line: usize,
    kind: BlockKind,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if clean::is_blank(line) {
            return self.flush();
        }
        if is_ornament(line) {
            if self.is_underlined_by(line.trim()) {
                let level = heading::level(self.builder.current()).unwrap_or(2);
                return self.end_block(BlockKind::Heading { level });
            }
            self.flush();
            return self.builder.scene_break();
        }
        let (kind, content, starts) = self.classify(line);
        if starts {
            self.flush();
        }
        if self.lines == 0 {
            self.kind = kind;
        }
        self.builder.push(content);
        self.builder.end_line(content);
        if self.lines == 0 {
            self.first_line = self.builder.current().len();
        }
        self.lines = self.lines.saturating_add(1);
    }

    /// What `line` is, its text without a marker, and whether it begins a block.
    fn classify<'a>(&self, line: &'a str) -> (BlockKind, &'a str, bool) {
        let content = line.trim();
        if content.starts_with('>') {
            let quoted = content.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
            return (BlockKind::Quote, quoted, self.kind != BlockKind::Quote);
        }
        // Elsewhere a line broken at a column may begin with a dash or a number by chance.
        let may_begin_item = self.lines == 0
            || self.kind == BlockKind::ListItem
            || self.builder.current().ends_with(':');
        if may_begin_item && let Some(item) = list_item(content) {
            return (BlockKind::ListItem, item, true);
        }
        let starts = self.kind == BlockKind::Quote || self.is_indented_start(line);
        (BlockKind::Paragraph, content, starts)
    }

    /// A paragraph marked by its indented first line: the sentence before it has ended.
    fn is_indented_start(&self, line: &str) -> bool {
        let is_indented = line.starts_with(['\t', '\u{3000}']) || line.starts_with("  ");
        let ends = ['.', '!', '?', '…', '"', '”', '’', '»', '“', '」', '。', ':'];
        is_indented && self.builder.current().ends_with(ends)
    }

    /// Whether the open block is a title and `line` the rule drawn below it.
    fn is_underlined_by(&self, line: &str) -> bool {
        let first = line.chars().next();
        let is_rule = matches!(first, Some('=' | '-' | '~' | '_')) && line.len() >= 3;
        is_rule
            && line.chars().all(|c| Some(c) == first)
            && self.lines == 1
            && self.kind == BlockKind::Paragraph
            && heading::is_title(self.builder.current())
    }

    fn flush(&mut self) {
        let current = self.builder.current();
        let (first, second) = current.split_at(self.first_line.min(current.len()));
        let level = match (self.kind, self.lines) {
            (BlockKind::Paragraph, 1) => heading::level(current),
            (BlockKind::Paragraph, 2)
                if heading::wants_title(first) && heading::is_title(second.trim()) =>
            {
                heading::level(first)
            }
            _ => None,
        };
        self.end_block(level.map_or(self.kind, |level| BlockKind::Heading { level }));
    }

    fn end_block(&mut self, kind: BlockKind) {
        self.builder.finish(kind);
        (self.lines, self.first_line, self.kind) = (0, 0, BlockKind::Paragraph);
    }
}

/// The text of a list item: without its bullet, with its number.
fn list_item(line: &str) -> Option<&str> {
    let (marker, rest) = line.split_once([' ', '\t'])?;
    if matches!(marker, "-" | "*" | "+" | "•" | "◦" | "▪" | "‣") {
        return Some(rest.trim_start());
    }
    let number = marker.strip_suffix(['.', ')'])?;
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(line)
}

/// Whether most of the text stands in lines too long to be broken at a column.
fn is_line_a_paragraph(source: &str) -> bool {
    let long: usize = lines(source)
        .map(str::len)
        .filter(|length| *length > LONG_LINE)
        .sum();
    long > source.len() / 2
}

/// A line of capitals that opens a document is its title if chapters follow or no other heading.
fn promote_title(document: &mut Document) {
    let level = |block: &Block| match block.kind {
        BlockKind::Heading { level } => Some(level),
        _ => None,
    };
    let mut others = document.blocks.iter().skip(1).filter_map(level).peekable();
    let is_title = others.peek().is_none() || others.any(|level| level < heading::MINOR);
    if let Some(first) = document.blocks.first_mut()
        && level(first) == Some(heading::MINOR)
        && is_title
    {
        first.kind = BlockKind::Heading { level: 1 };
    }
}

/// The lines of a text from any system; a form feed and Unicode's separators end lines too.
fn lines(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (at, length) = line_end(rest).unwrap_or((rest.len(), 0));
        let line = &rest[..at];
        rest = &rest[at + length..];
        Some(line)
    })
}

/// Where the first line of `text` ends, and how many bytes its end takes.
fn line_end(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        // Line feed to carriage return, or the first byte of a separator's UTF-8.
        let may_end = |byte: &u8| matches!(byte, b'\n'..=b'\r' | 0xC2 | 0xE2);
        let at = from + bytes[from..].iter().position(may_end)?;
        match &bytes[at..] {
            [b'\r', b'\n', ..] | [0xC2, 0x85, ..] => return Some((at, 2)),
            [0xE2, 0x80, 0xA8 | 0xA9, ..] => return Some((at, 3)),
            [0xC2 | 0xE2, ..] => from = at + 1,
            _ => return Some((at, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(BlockKind, &str)]) {
        let document = parse(source, Record::default());
        let found: Vec<(BlockKind, &str)> = document
            .blocks
            .iter()
            .map(|block| (block.kind, &document.text[block.range.clone()]))
            .collect();
        assert_eq!(found, expected, "{source:?}");
    }

    use BlockKind::{Heading, ListItem, Paragraph, Quote, SceneBreak};

    #[test]
    fn broken_lines_are_joined_and_blank_lines_separate() {
        check(
            "One line,\r\nbroken  here.\r\n \u{200B}\r\nTwo, to-\rmorrow.\n\n\n",
            &[
                (Paragraph, "One line, broken here."),
                (Paragraph, "Two, to-morrow."),
            ],
        );
        check("日本\n語。", &[(Paragraph, "日本語。")]);
        check(
            "Haupt-\nund Neben\u{AD}\nstraße",
            &[(Paragraph, "Haupt- und Nebenstraße")],
        );
    }

    #[test]
    fn a_file_with_one_long_line_a_paragraph_keeps_its_paragraphs() {
        let long = "Word after word after word. ".repeat(12);
        let document = parse(
            &format!("{long}\n\"Yes,\" she said.\n{long}\n"),
            Record::default(),
        );
        assert_eq!(document.blocks.len(), 3);
    }

    #[test]
    fn indented_first_lines_begin_paragraphs() {
        check(
            "  The night was cold.\n  \"Who is there?\"\nasked the keeper,\n  and waited.",
            &[
                (Paragraph, "The night was cold."),
                (Paragraph, "\"Who is there?\" asked the keeper, and waited."),
            ],
        );
    }

    #[test]
    fn ornaments_are_scene_breaks() {
        for ornament in [
            "* * *",
            "***",
            "---",
            "# # #",
            "⁂",
            "• • •",
            "~",
            "______",
            "❦",
            "— — —",
        ] {
            check(
                &format!("***\n\nOne.\n\n{ornament}\n\n***\n\nTwo.\n\n***\n"),
                &[(Paragraph, "One."), (SceneBreak, ""), (Paragraph, "Two.")],
            );
        }
        check(
            "One.\n***\nTwo.",
            &[(Paragraph, "One."), (SceneBreak, ""), (Paragraph, "Two.")],
        );
        check(
            "—\n\n. . .\n\n?",
            &[(Paragraph, "—"), (Paragraph, ". . ."), (Paragraph, "?")],
        );
    }

    #[test]
    fn titles_are_underlined_or_stand_on_two_lines() {
        check(
            "The Cellar\n==========\nIt was dark.\n\nCHAPTER IV\nThe Attic\n\nIt was light.\n---\nEnd.",
            &[
                (Heading { level: 2 }, "The Cellar"),
                (Paragraph, "It was dark."),
                (Heading { level: 2 }, "CHAPTER IV The Attic"),
                (Paragraph, "It was light."),
                (SceneBreak, ""),
                (Paragraph, "End."),
            ],
        );
    }

    #[test]
    fn lists_lose_bullets_and_keep_numbers() {
        check(
            "We need:\n- rope\n  and tar\n* oil\n\n1. Go\n2. Come back in\n\nthe year\n1984. Or - no\n- never.",
            &[
                (Paragraph, "We need:"),
                (ListItem, "rope and tar"),
                (ListItem, "oil"),
                (ListItem, "1. Go"),
                (ListItem, "2. Come back in"),
                (Paragraph, "the year 1984. Or - no - never."),
            ],
        );
    }

    #[test]
    fn quoted_lines_are_quotes_without_their_marks() {
        check(
            "She wrote:\n> Come home\n>> soon.\nHe did.",
            &[
                (Paragraph, "She wrote:"),
                (Quote, "Come home soon."),
                (Paragraph, "He did."),
            ],
        );
    }

    #[test]
    fn lines_of_capitals_before_chapters_are_the_title() {
        let document = parse(
            "THE LEDGER\n\nCHAPTER I\n\nA.\n\nCHAPTER II\n\nB.",
            Record::default(),
        );
        assert_eq!(document.title(), Some("THE LEDGER"));
        assert_eq!(
            parse("A LETTER\n\nDear.", Record::default()).title(),
            Some("A LETTER")
        );
        let titles: Vec<_> = document
            .chapters()
            .iter()
            .map(|chapter| chapter.title)
            .collect();
        assert_eq!(
            titles,
            [Some("THE LEDGER"), Some("CHAPTER I"), Some("CHAPTER II")]
        );
    }
}
