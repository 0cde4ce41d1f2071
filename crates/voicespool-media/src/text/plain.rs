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

/// Most characters of a line of verse.
const VERSE_LINE: usize = 54;

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
        line_ends: Vec::new(),
        may_be_verse: true,
    };
    let each_line = is_line_a_paragraph(source) || has_no_wrapped_lines(&source_lines);
    let kept: Vec<&str> = source_lines
        .into_iter()
        .enumerate()
        .filter(|(idx, _)| !dropped.contains(*idx))
        .map(|(_, line)| line)
        .collect();
    for (idx, line) in kept.iter().enumerate() {
        reader.line(line, kept.get(idx + 1).copied().unwrap_or_default());
        if each_line {
            reader.flush();
        }
    }
    reader.flush();
    let mut document = reader.builder.into_document();
    promote_title(&mut document);
    promote_numbered(&mut document);
    document
}

struct Reader {
    builder: Builder,
    /// Lines in the open block.
    lines: usize,
    /// Length of its first line.
    first_line: usize,
    kind: BlockKind,
    /// Where the lines of the open block end, but for the last.
    line_ends: Vec<usize>,
    /// Every line of the open block is short and begins like verse.
    may_be_verse: bool,
}

impl Reader {
    /// Takes one line; `next` is the one after it.
    fn line(&mut self, line: &str, next: &str) {
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
        if let Some((level, title)) = marked_heading(line) {
            self.flush();
            self.builder.push(title);
            return self.end_block(BlockKind::Heading { level });
        }
        if self.ends_heading(line, next) {
            self.flush();
        }
        let (kind, content, starts) = self.classify(line);
        if starts {
            self.flush();
        }
        if self.lines == 0 {
            self.kind = kind;
        }
        self.note_verse(content);
        self.builder.push(content);
        self.builder.end_line(content);
        if self.lines == 0 {
            self.first_line = self.builder.current().len();
        }
        self.lines = self.lines.saturating_add(1);
    }

    /// Whether the open block is a whole heading before `line`, or `line` one behind a sentence.
    fn ends_heading(&self, line: &str, next: &str) -> bool {
        let (line, open) = (line.trim(), self.builder.current());
        if self.lines == 0 || self.kind != BlockKind::Paragraph {
            return false;
        }
        let first = &open[..self.first_line.min(open.len())];
        match self.lines {
            1 if heading::marked_level(open).is_some() => {
                let continues = next.trim_start().starts_with(char::is_lowercase);
                let has_title = heading::wants_title(open) && heading::is_title(line) && !continues;
                !has_title
            }
            2 if heading::wants_title(first) && heading::marked_level(first).is_some() => {
                heading::is_title(open[first.len()..].trim())
            }
            _ => heading::marked_level(line).is_some() && ends_sentence(open),
        }
    }

    /// Notes where the line before `line` ended, and whether `line` may be verse.
    fn note_verse(&mut self, line: &str) {
        let is_short = line.chars().nth(VERSE_LINE).is_none();
        let opens = |c: char| "\"'“‘«„(—–- ".contains(c);
        let starts = line
            .trim_start_matches(opens)
            .starts_with(char::is_uppercase);
        self.may_be_verse &= is_short && starts;
        if self.lines > 0 {
            self.line_ends.push(self.builder.current().len());
        }
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
        let is_dialogue =
            content.starts_with(['–', '—', '―']) && ends_sentence(self.builder.current());
        let starts = self.kind == BlockKind::Quote
            || is_dialogue
            || self.is_field(content)
            || self.is_indented_start(line);
        (BlockKind::Paragraph, content, starts)
    }

    /// A paragraph marked by its indented first line: the sentence before it has ended.
    fn is_indented_start(&self, line: &str) -> bool {
        // Nobody breaks a line of Chinese or Japanese and indents what follows.
        line.starts_with('\u{3000}')
            || (line.starts_with('\t') || line.starts_with("  "))
                && ends_sentence(self.builder.current())
    }

    /// "Title: …" and its kin at the very beginning.
    fn is_field(&self, line: &str) -> bool {
        let name = line.split_once(": ").map_or("", |(name, _)| name);
        self.builder.is_first_block()
            && ["Title", "Author", "Narrator", "Series", "Language", "Year"].contains(&name)
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
        self.mark_verse();
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

    /// Lines of verse are heard as lines: a comma stands where one ends without a mark.
    fn mark_verse(&mut self) {
        let enough = if self.builder.has_verse() { 1 } else { 2 };
        let is_verse = self.kind == BlockKind::Paragraph
            && self.may_be_verse
            && self.line_ends.len() >= enough
            && heading::level(self.first()).is_none();
        if is_verse {
            self.builder.end_verse_lines(&self.line_ends);
        }
    }

    /// The first line of the open block.
    fn first(&self) -> &str {
        let current = self.builder.current();
        &current[..self.first_line.min(current.len())]
    }

    fn end_block(&mut self, kind: BlockKind) {
        self.builder.finish(kind);
        self.line_ends.clear();
        self.may_be_verse = true;
        (self.lines, self.first_line, self.kind) = (0, 0, BlockKind::Paragraph);
    }
}

/// Whether a sentence, or what stands for one, has ended.
fn ends_sentence(text: &str) -> bool {
    let ends = [
        '.', '!', '?', '…', '"', '”', '’', '»', '“', '」', '』', '。', '！', '？', '؟', ':', '：',
        '—',
    ];
    text.ends_with(ends)
}

/// "# Title" with its level, as converters to plain text leave it.
fn marked_heading(line: &str) -> Option<(u8, &str)> {
    let title = line.trim_start_matches('#');
    let level = u8::try_from(line.len() - title.len())
        .ok()
        .filter(|level| (1..=6).contains(level))?;
    let has_words = title.starts_with(' ') && title.chars().any(char::is_alphanumeric);
    (has_words && title.chars().nth(120).is_none()).then(|| (level, title.trim()))
}

/// The text of a list item: without its bullet, with its number.
fn list_item(line: &str) -> Option<&str> {
    let (marker, rest) = line.split_once([' ', '\t'])?;
    if matches!(marker, "-" | "*" | "+" | "•" | "◦" | "▪" | "‣") {
        return Some(rest.trim_start());
    }
    let number = marker.strip_suffix(['.', ')'])?;
    let is_closed = marker.ends_with(')');
    let number = number
        .strip_prefix('(')
        .filter(|_| is_closed)
        .unwrap_or(number);
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let is_letter =
        is_closed && number.len() == 1 && number.bytes().all(|b| b.is_ascii_lowercase());
    (is_number || is_letter).then_some(line)
}

/// Whether most of the text stands in lines too long to be broken at a column.
fn is_line_a_paragraph(source: &str) -> bool {
    let long: usize = lines(source)
        .map(str::len)
        .filter(|length| *length > LONG_LINE)
        .sum();
    long > source.len() / 2
}

/// Whether each line is a paragraph by itself, as in most novels from the web: nearly all of them end
/// as sentences do, and hardly a blank line separates them.
fn has_no_wrapped_lines(lines: &[&str]) -> bool {
    let mut written = 0_usize;
    let mut ended = 0_usize;
    for line in lines.iter().map(|line| line.trim_end()) {
        if !clean::is_blank(line) {
            written += 1;
            ended += usize::from(ends_sentence(line) || heading::marked_level(line).is_some());
        }
    }
    let blank = lines.len() - written;
    written >= 4 && ended * 10 >= written * 9 && blank * 5 <= written
}

/// Numbers with titles that rise one by one, each before text of its own, are chapters.
fn promote_numbered(document: &mut Document) {
    let text = &document.text;
    let mut series: Vec<usize> = Vec::new();
    let mut last = 0;
    for (idx, block) in document.blocks.iter().enumerate() {
        let number = heading::numbered_title(&text[block.range.clone()]);
        let Some(number) = number.filter(|_| block.kind == BlockKind::ListItem) else {
            continue;
        };
        let next = document.blocks.get(idx + 1).map(|next| next.kind);
        if next != Some(BlockKind::Paragraph) || !(series.is_empty() || number == last + 1) {
            return;
        }
        last = number;
        series.push(idx);
    }
    if series.len() >= 2 {
        for idx in series {
            document.blocks[idx].kind = BlockKind::Heading { level: 2 };
        }
    }
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
    // By its name, U+2029 separates paragraphs: an empty line follows.
    let mut owes_blank = false;
    std::iter::from_fn(move || {
        if std::mem::take(&mut owes_blank) {
            return Some("");
        }
        if rest.is_empty() {
            return None;
        }
        let (at, length) = line_end(rest).unwrap_or((rest.len(), 0));
        let line = &rest[..at];
        owes_blank = rest[at..].starts_with('\u{2029}');
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
        assert_eq!(document.title().as_deref(), Some("THE LEDGER"));
        assert_eq!(
            parse("A LETTER\n\nDear.", Record::default())
                .title()
                .as_deref(),
            Some("A LETTER")
        );
        let chapters = document.chapters();
        let titles: Vec<_> = chapters
            .iter()
            .map(|chapter| chapter.title.as_deref())
            .collect();
        assert_eq!(
            titles,
            [Some("THE LEDGER"), Some("CHAPTER I"), Some("CHAPTER II")]
        );
    }
}
