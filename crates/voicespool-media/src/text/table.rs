//! Tables, read row by row: what stands in a cell makes no sense without the head of its column.
//!
//! A page is read token by token, so a table is written as blocks like everything else, and turned
//! into rows when it ends. One that only puts things beside each other (paragraphs, headings or
//! tables in its cells) stays as it was written.

use std::ops::Range;

use crate::text::block::{Block, BlockKind};
use crate::text::cleanup::{Record, Rule};

/// A table that is being read.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
    /// Its cells are not a line of words each, or stand in more than one row.
    is_layout: bool,
    has_spans: bool,
    /// Inside the rows that a format marks as heads.
    in_head: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// The number of the first block that may be its.
    block: usize,
    is_head: bool,
}

impl Table {
    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// A cell begins; its first block would have the number `block`.
    pub(super) fn cell(&mut self, block: usize, is_head: bool) {
        if self.rows.is_empty() {
            self.row();
        }
        let is_head = is_head || self.in_head;
        if let Some(row) = self.rows.last_mut() {
            row.push(Cell { block, is_head });
        }
    }

    /// The rows that follow are heads, or no longer.
    pub(super) fn heads(&mut self, are_heads: bool) {
        self.in_head = are_heads;
    }

    /// The cell covers several columns or rows, so that no column has one head.
    pub(super) fn spans(&mut self) {
        self.has_spans = true;
    }

    /// There is a table inside a cell.
    pub(super) fn nested(&mut self) {
        self.is_layout = true;
    }

    /// What is said of it; `None` if it is none to be read in rows. `blocks` are those of the
    /// document, and the last of them is the last of the table.
    pub(super) fn rows(&self, blocks: &[Block], text: &str) -> Option<Rows> {
        if self.is_layout {
            return None;
        }
        let cells: Vec<Cell> = self.rows.iter().flatten().copied().collect();
        let mut ends = cells.iter().skip(1).map(|cell| cell.block);
        let first = cells.first()?.block;
        let mut rows = Vec::new();
        for row in &self.rows {
            let mut said = Vec::new();
            for cell in row {
                let end = ends.next().unwrap_or(blocks.len());
                said.push((cell.is_head, words(blocks.get(cell.block..end)?, text)?));
            }
            rows.push(said);
        }
        let widest = rows.iter().map(|row| filled(row).count()).max()?;
        let kind = blocks.get(first)?.kind;
        (widest >= 2).then_some(Rows {
            blocks: first..blocks.len(),
            has_heads: !self.has_spans && has_heads(&rows),
            kind: if kind == BlockKind::SceneBreak {
                BlockKind::Paragraph
            } else {
                kind
            },
            cells: rows
                .into_iter()
                .map(|row| row.into_iter().map(|(_, words)| words.to_owned()).collect())
                .collect(),
        })
    }
}

type Words<'a> = (bool, &'a str);

fn filled<'a>(row: &'a [Words<'_>]) -> impl Iterator<Item = &'a Words<'a>> {
    row.iter().filter(|(_, words)| !words.is_empty())
}

/// Whether the first row is nothing but heads, and has a row below.
fn has_heads(rows: &[Vec<Words<'_>>]) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let is_head = |row: &[Words<'_>]| filled(row).all(|(is_head, _)| *is_head);
    is_head(first) && filled(first).count() > 0 && rest.iter().any(|row| !is_head(row))
}

/// The words of a cell, none if it has a dash for nothing; `None` if they are more than one line.
fn words<'a>(blocks: &[Block], text: &'a str) -> Option<&'a str> {
    let mut lines = blocks
        .iter()
        .filter(|block| block.kind != BlockKind::SceneBreak);
    let words = match lines.next() {
        None => "",
        Some(Block {
            kind: BlockKind::Heading { .. },
            ..
        }) => return None,
        Some(block) => Some(&text[block.range.clone()])
            .filter(|words| {
                !words
                    .chars()
                    .all(|c| matches!(c, '-' | '–' | '—' | '.' | '…'))
            })
            .unwrap_or_default(),
    };
    lines.next().is_none().then_some(words)
}

/// A table as rows of words.
#[derive(Debug)]
pub(super) struct Rows {
    /// The blocks it was written as.
    pub(super) blocks: Range<usize>,
    pub(super) kind: BlockKind,
    has_heads: bool,
    cells: Vec<Vec<String>>,
}

impl Rows {
    /// All its words, for a list of what is left out.
    pub(super) fn words(&self) -> String {
        let rows: Vec<String> = self.cells.iter().map(|row| row.join(" ")).collect();
        rows.join(" ")
    }

    /// What is said of each row.
    pub(super) fn spoken(self, record: &mut Record) -> Vec<String> {
        let mut rows = self.cells;
        if !self.has_heads || !record.is_on(Rule::TableHeads) {
            return rows.iter().map(|row| sentence(row)).collect();
        }
        let heads = rows.remove(0);
        // What no cell has said is listed as left out.
        let is_said = |column: usize| rows.iter().any(|row| !cell(row, column).is_empty());
        let said: Vec<&str> = (0..heads.len())
            .filter(|column| is_said(*column))
            .map(|column| cell(&heads, column))
            .collect();
        let mut was = format!("{} / ", said.join(" | "));
        let mut spoken = Vec::new();
        for row in rows {
            let cells: Vec<String> = row
                .iter()
                .enumerate()
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(column, cell)| headed(self::cell(&heads, column), cell))
                .collect();
            let said = sentence(&cells);
            record.note(
                Rule::TableHeads,
                &format!("{was}{}", row.join(" | ")),
                &said,
            );
            was.clear();
            spoken.push(said);
        }
        spoken
    }

    /// Heads of columns in which nothing stands: they are said with no cell.
    pub(super) fn idle_heads(&self) -> Vec<String> {
        let Some((heads, rows)) = self.cells.split_first().filter(|_| self.has_heads) else {
            return Vec::new();
        };
        let is_idle = |column: usize| rows.iter().all(|row| cell(row, column).is_empty());
        let heads = heads
            .iter()
            .enumerate()
            .filter(|(column, _)| is_idle(*column));
        heads.map(|(_, head)| head.clone()).collect()
    }
}

fn cell(row: &[String], column: usize) -> &str {
    row.get(column).map_or("", String::as_str)
}

fn headed(head: &str, cell: &str) -> String {
    let head = head.trim_end_matches([':', '：']);
    if head.is_empty() {
        return cell.to_owned();
    }
    let gap = if head.ends_with(ENDS) { " " } else { ": " };
    format!("{head}{gap}{cell}")
}

const ENDS: [char; 9] = ['.', '!', '?', '…', ':', ';', '。', '！', '？'];

/// The cells of a row as one sentence.
fn sentence(cells: &[String]) -> String {
    let mut said = String::new();
    for cell in cells.iter().filter(|cell| !cell.is_empty()) {
        if !said.is_empty() {
            said.push_str(if said.ends_with(ENDS) { " " } else { "; " });
        }
        said.push_str(cell);
    }
    if !said.is_empty() && !said.ends_with(ENDS) {
        said.push('.');
    }
    said
}

#[cfg(test)]
mod tests {
    use crate::text::{Aloud, Document, Markup, Reading, Rule, read};

    fn spoken(source: &str, markup: Markup) -> Document {
        read(source.as_bytes(), markup, &Reading::default()).unwrap()
    }

    #[test]
    fn each_cell_stands_behind_the_head_of_its_column() {
        let document = spoken(
            "Trains:\n\n| City | Leaves | Note |\n|---|---|---|\n| Bergen | 8:23 | daily |\n| Oslo | 9:05 | — |\n\nAfter.",
            Markup::Markdown,
        );

        assert_eq!(
            document.text,
            "Trains:\n\nCity: Bergen; Leaves: 8:23; Note: daily.\n\nCity: Oslo; Leaves: 9:05.\n\nAfter."
        );
        let change = &document.changes[0];
        assert_eq!((change.rule, change.count), (Rule::TableHeads, 2));
        let sample = &change.samples[0];
        assert_eq!(
            sample.before,
            "City | Leaves | Note / Bergen | 8:23 | daily"
        );
        assert_eq!(sample.after, "City: Bergen; Leaves: 8:23; Note: daily.");
        assert_eq!((change.letters_taken, change.letters_given), (35, 45));
    }

    #[test]
    fn pages_say_what_is_a_head() {
        for (source, text) in [
            (
                "<table><tr><th>A<th>B</tr><tr><td>one<td>Yes.<tr><th>two<td>no</table>",
                "A: one; B: Yes.\n\nA: two; B: no.",
            ),
            (
                "<table><caption>Ages</caption><thead><tr><td>Who</td><td>Age?</td></tr></thead>\
                 <tbody><tr><td>Ann</td><td>12</td></tr></tbody></table>",
                "Ages\n\nWho: Ann; Age? 12.",
            ),
            ("<table><tr><td>a<td>b<tr><td>c<td></table>", "a; b.\n\nc."),
            // No column has one head.
            (
                "<table><tr><th colspan=2>Names<tr><td>a<td>b</table>",
                "Names.\n\na; b.",
            ),
            // Nothing but heads.
            ("<table><tr><th>a<th>b</table>", "a; b."),
            // No table, but a layout.
            (
                "<table><tr><td><p>One.</p><p>Two.</p></td><td>Side</td></tr></table>",
                "One.\n\nTwo.\n\nSide",
            ),
            ("<table><tr><td>One<tr><td>Two</table>", "One\n\nTwo"),
            (
                "<table><tr><td>x<td><table><tr><td>y<td>z</table></table>end",
                "x\n\ny\n\nz\n\nend",
            ),
            // Cut off, and cells of nothing.
            ("<table><tr><td>a<td>b", "a; b."),
            ("<p>x<table><tr><td><td></table>y", "x\n\ny"),
            ("<td>a<td>b", "a\n\nb"),
        ] {
            assert_eq!(spoken(source, Markup::Html).text, text, "{source}");
        }
    }

    #[test]
    fn a_head_over_nothing_is_listed_and_a_table_can_be_left_out() {
        let source = "| A | B |\n|---|---|\n| 1 | |\n| 2 | |\n\nEnd";
        let document = spoken(source, Markup::Markdown);
        assert_eq!(document.text, "A: 1.\n\nA: 2.\n\nEnd");

        let source = "| A | Bee | C |\n|---|---|---|\n| 1 | | 3 |\n\nEnd";
        let document = spoken(source, Markup::Markdown);
        assert_eq!(document.text, "A: 1; C: 3.\n\nEnd");
        assert_eq!(document.left_out[0].what, "the head of an empty column");
        assert_eq!(document.left_out[0].excerpt, "Bee");

        let skip = Reading {
            tables: Aloud::Skip,
            ..Reading::default()
        };
        let document = read(source.as_bytes(), Markup::Markdown, &skip).unwrap();
        assert_eq!(document.text, "End");
        assert_eq!(document.left_out[0].what, "a table");
        assert_eq!(document.left_out[0].excerpt, "A Bee C 1 3");

        let mut bare = Reading::default();
        bare.clean.set(Rule::TableHeads, false);
        let document = read(source.as_bytes(), Markup::Markdown, &bare).unwrap();
        assert_eq!(document.text, "A; Bee; C.\n\n1; 3.\n\nEnd");
        assert!(document.changes.is_empty());
    }

    #[test]
    fn pictures_are_described_and_notes_read_on_request() {
        let page = "<p>It rose <img alt=\"a red sail\"/> slowly.</p>\
                    <aside epub:type=\"footnote\"><p>Or fell.</p></aside>";
        let asked = Reading {
            images: Aloud::Read,
            notes: Aloud::Read,
            ..Reading::default()
        };
        let document = read(page.as_bytes(), Markup::Html, &asked).unwrap();
        assert_eq!(document.text, "It rose a red sail slowly.\n\nOr fell.");
        assert!(document.left_out.is_empty());

        let document = spoken(page, Markup::Html);
        assert_eq!(document.text, "It rose slowly.");
        assert_eq!(document.left_out.len(), 2);

        let document = read(b"See ![a red sail](s.png) here.", Markup::Markdown, &asked).unwrap();
        assert_eq!(document.text, "See a red sail here.");
    }
}
