//! Markdown to blocks: what a reader would say, not what a typesetter needs.
//!
//! Links and emphasis are their words. Fenced code, descriptions of pictures and front matter are
//! left out and listed; HTML is read as such. Footnotes are spoken where they stand.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::text::cleanup::Record;
use crate::text::document::{BlockKind, Builder, Document};
use crate::text::front_matter;
use crate::text::heading;
use crate::text::html::{self, Raised};
use crate::text::reading::Aloud;
use crate::text::table::Table;

pub(super) fn parse(source: &str, record: Record) -> Document {
    let body = without_front_matter(source);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM;
    let mut reader = Reader {
        builder: Builder::new(body.len(), record),
        lists: Vec::new(),
        number: None,
        quotes: 0,
        aside: None,
        raised: None,
        table: None,
        strong: 0,
        is_all_strong: true,
    };
    let matter = &source[..source.len() - body.len()];
    reader.builder.leave_out("front matter", matter);
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        reader.event(&event, &body[range]);
    }
    let mut document = reader.builder.into_document();
    document.about = front_matter::about(matter);
    document
}

struct Reader {
    builder: Builder,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The number of the item that has just begun.
    number: Option<u64>,
    /// Open block quotes.
    quotes: usize,
    /// What is collected instead of being said at once.
    aside: Option<Aside>,
    /// Inside `<sup>` or `<sub>`.
    raised: Option<Raised>,
    table: Option<Table>,
    /// Open strong emphasis.
    strong: usize,
    /// Everything in the open paragraph is strong.
    is_all_strong: bool,
}

/// A block that is judged when it is whole.
#[derive(Debug)]
enum Aside {
    Fenced(String),
    Indented(String),
    Html(String),
    Picture(String),
}

impl Reader {
    fn event(&mut self, event: &Event<'_>, source: &str) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(TagEnd::Heading(level)) => self.end_heading(*level, source),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) | Event::Code(text) | Event::Html(text) => self.say(text),
            Event::InlineHtml(tag) => self.inline_html(tag),
            Event::SoftBreak | Event::HardBreak => {
                let ends_soft = self.builder.current().ends_with('\u{AD}');
                self.builder.end_line(if ends_soft { "\u{AD}" } else { "" });
            }
            Event::Rule => {
                self.finish();
                self.builder.scene_break();
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.builder.leave_out("a formula", text);
            }
            Event::FootnoteReference(_) => self.builder.pass_over_mark(source),
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::List(first) => {
                self.finish();
                self.lists.push(*first);
            }
            Tag::Item => {
                self.finish();
                if let Some(Some(next)) = self.lists.last_mut() {
                    self.number = Some(*next);
                    *next = next.saturating_add(1);
                }
            }
            Tag::BlockQuote(_) => {
                self.finish();
                self.quotes = self.quotes.saturating_add(1);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => self.set_aside(Aside::Fenced),
            Tag::CodeBlock(CodeBlockKind::Indented) => self.set_aside(Aside::Indented),
            Tag::HtmlBlock => self.set_aside(Aside::Html),
            Tag::Image { .. } => self.aside = Some(Aside::Picture(String::new())),
            Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell => {
                self.finish();
                self.start_of_table(tag);
            }
            Tag::Strong => self.strong = self.strong.saturating_add(1),
            tag if is_inline(tag.to_end()) => {}
            _ => self.finish(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => {
                self.finish();
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.finish();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::Image => self.judge_aside(),
            TagEnd::Table => {
                self.finish();
                if let Some(table) = self.table.take() {
                    self.builder.end_table(&table);
                }
            }
            TagEnd::Paragraph => self.end_paragraph(),
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            tag if is_inline(tag) => {}
            _ => self.finish(),
        }
    }

    /// A table or a part of one begins, between blocks. Its first row is always one of heads.
    fn start_of_table(&mut self, tag: &Tag<'_>) {
        let block = self.builder.next_block();
        let table = self.table.get_or_insert_default();
        match tag {
            Tag::TableHead => {
                table.row();
                table.heads(true);
            }
            Tag::TableRow => {
                table.row();
                table.heads(false);
            }
            Tag::TableCell => table.cell(block, false),
            _ => {}
        }
    }

    /// A sentence with a line of dashes below is no heading: the line parts scenes.
    fn end_heading(&mut self, level: HeadingLevel, source: &str) {
        let is_marked = source.trim_start().starts_with('#');
        let ends = ['.', '!', '?', '…', ',', ';', '"', '”', '。', '！', '？'];
        let is_sentence = self.builder.current().trim_end().ends_with(ends);
        if is_marked || !is_sentence {
            let level = depth(level);
            self.builder.finish(BlockKind::Heading { level });
        } else {
            self.finish();
            self.builder.scene_break();
        }
    }

    /// Converters write headings as paragraphs of nothing but strong words.
    fn end_paragraph(&mut self) {
        let text = self.builder.current();
        let may_be = self.is_all_strong && self.lists.is_empty() && self.quotes == 0;
        let level = may_be
            .then(|| {
                heading::level(text).or_else(|| heading::is_title(text).then_some(heading::MINOR))
            })
            .flatten();
        match level {
            Some(level) if !self.builder.is_empty() => {
                self.builder.finish(BlockKind::Heading { level });
                self.is_all_strong = true;
            }
            _ => self.finish(),
        }
    }

    fn set_aside(&mut self, kind: fn(String) -> Aside) {
        self.finish();
        self.aside = Some(kind(String::new()));
    }

    fn judge_aside(&mut self) {
        match self.aside.take() {
            Some(Aside::Fenced(text)) => self.builder.leave_out("code", &text),
            Some(Aside::Indented(text)) if !is_prose(&text) => {
                self.builder.leave_out("code", &text);
            }
            Some(Aside::Indented(text)) => {
                self.say(&text);
                self.finish();
            }
            Some(Aside::Html(text)) => html::speak(&text, &mut self.builder),
            Some(Aside::Picture(text)) => match self.builder.reading().images {
                Aloud::Read => self.say(&text),
                Aloud::Skip => {
                    self.builder
                        .leave_out("the description of a picture", &text);
                }
            },
            None => {}
        }
    }

    fn inline_html(&mut self, tag: &str) {
        let name = tag.trim_start_matches(['<', '/']);
        let is_end = |c: char| !c.is_ascii_alphanumeric();
        let name = name
            .split(is_end)
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if tag.starts_with("<!--") {
            let comment = tag.trim_matches(['<', '>', '!', '-']);
            self.builder.leave_out("a comment", comment);
        } else if let Some(words) = html::words_of_unknown(tag) {
            self.say(words);
        } else if name == "br" {
            self.say(" ");
        } else if let Some(raised) = Raised::of(&name) {
            self.raised = (!tag.starts_with("</")).then_some(raised);
        }
    }

    fn say(&mut self, text: &str) {
        match &mut self.aside {
            Some(
                Aside::Fenced(aside)
                | Aside::Indented(aside)
                | Aside::Html(aside)
                | Aside::Picture(aside),
            ) => return aside.push_str(text),
            None => {}
        }
        if let Some(number) = self.number.take() {
            self.builder.push(&format!("{number}. "));
        }
        if self.strong == 0 && !text.trim().is_empty() {
            self.is_all_strong = false;
        }
        match self.raised {
            Some(raised) => self.builder.push(&raised.digits(text)),
            None => self.builder.push(text),
        }
    }

    /// Ends the open block, whatever it is part of.
    fn finish(&mut self) {
        let kind = match (self.lists.is_empty(), self.quotes) {
            (false, _) => BlockKind::ListItem,
            (true, 0) => BlockKind::Paragraph,
            (true, _) => BlockKind::Quote,
        };
        self.builder.finish(kind);
        self.is_all_strong = true;
    }
}

/// Whether an indented block is a paragraph as novels are typed, and no code: words of letters,
/// and hardly a sign that prose does not know.
fn is_prose(text: &str) -> bool {
    let visible = text.chars().filter(|c| !c.is_whitespace()).count();
    let known = |c: &char| c.is_alphabetic() || "'’‘\"“”„«».,!?…—–-:".contains(*c);
    let prose = text.chars().filter(known).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters * 10 >= visible * 7
        && prose * 20 >= visible * 19
        && !text
            .lines()
            .any(|line| line.trim_end().ends_with([';', '{', '}']))
}

fn is_inline(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
    )
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Skips YAML between `---` lines at the very start. The parser's own option would also take the
/// prose between two rules in the middle of a book for metadata, and drop it.
fn without_front_matter(source: &str) -> &str {
    let is_fence = |line: &str, marks: &[&str]| marks.contains(&line.trim_end());
    let mut lines = source.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| is_fence(line, &["---"])) else {
        return source;
    };
    let mut length = first.len();
    for line in lines {
        length += line.len();
        if is_fence(line, &["---", "..."]) {
            return &source[length..];
        }
        let is_nested = line.starts_with([' ', '\t', '#', '-']) || line.trim().is_empty();
        let key = line.split_once(':').map_or("", |(key, _)| key);
        if !is_nested && (key.is_empty() || key.contains([' ', '.', ','])) {
            return source;
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;
    use BlockKind::{Heading, ListItem, Paragraph, Quote, SceneBreak};

    fn check(source: &str, expected: &[(BlockKind, &str)]) {
        let document = parse(source, Record::default());
        let found: Vec<(BlockKind, &str)> = document
            .blocks
            .iter()
            .map(|block| (block.kind, &document.text[block.range.clone()]))
            .collect();
        assert_eq!(found, expected, "{source:?}");
    }

    #[test]
    fn markup_is_not_spoken_but_its_words_are() {
        check(
            "# The *Ledger* {#ledger}\n\nA **bold** [link](https://example.org/x \"title\"), `code`,\n\
             a picture: ![of a lamp](lamp.png),<br>a note[^1] &amp; ~~struck~~ <b>html</b>.\n\n\
             [^1]: The note.\n",
            &[
                (Heading { level: 1 }, "The Ledger"),
                (
                    Paragraph,
                    "A bold link, code, a picture: , a note & struck html.",
                ),
                (Paragraph, "The note."),
            ],
        );
    }

    #[test]
    fn code_is_left_out_and_listed_and_words_in_tags_are_words() {
        let document = parse(
            "Before.\n\n```rust\nfn main() {}\n```\n\n    let a = 1;\n\n<div>\nsaid\n</div>\n\n\
             <details>\n<summary>More</summary>\nHe <Level up> knew.\n</details>\n\n\
             \tA tab begins it, as people type.\n\nAfter.",
            Record::default(),
        );
        assert_eq!(
            document.text,
            "Before.\n\nsaid\n\nMore\n\nHe Level up knew.\n\nA tab begins it, as people type.\n\nAfter."
        );
        let left_out: Vec<_> = document
            .left_out
            .iter()
            .map(|left| (left.what, &*left.excerpt))
            .collect();
        assert_eq!(left_out, [("code", "fn main() {}"), ("code", "let a = 1;")]);
    }

    #[test]
    fn strong_paragraphs_are_headings_and_sentences_over_dashes_are_none() {
        check(
            "**Chapter 1**\n\nHe **woke**.\n\n**The Road**\n\n**Stop!**\n\nIt was late.\n---\nIt rained.\n\nTitle\n---\n",
            &[
                (Heading { level: 2 }, "Chapter 1"),
                (Paragraph, "He woke."),
                (Heading { level: 3 }, "The Road"),
                (Paragraph, "Stop!"),
                (Paragraph, "It was late."),
                (SceneBreak, ""),
                (Paragraph, "It rained."),
                (Heading { level: 2 }, "Title"),
            ],
        );
    }

    #[test]
    fn lists_quotes_tables_and_rules_are_blocks() {
        check(
            "1. Go\n2. Stay\n   - here\n\n   a while\n\n> Said\n> she.\n\n- [x] done\n\n* * *\n\n\
             | A | B |\n|---|---|\n| 1 | |\n\nEnd\n\n---\n",
            &[
                (ListItem, "1. Go"),
                (ListItem, "2. Stay"),
                (ListItem, "here"),
                (ListItem, "a while"),
                (Quote, "Said she."),
                (ListItem, "done"),
                (SceneBreak, ""),
                (Paragraph, "A: 1."),
                (Paragraph, "End"),
            ],
        );
    }

    #[test]
    fn front_matter_is_skipped_only_where_it_is_front_matter() {
        check(
            "---\ntitle: A\ntags:\n  - b\n---\nText.",
            &[(Paragraph, "Text.")],
        );
        check(
            "---\nShe said: no.\n\n---\n\nText.",
            &[
                (Paragraph, "She said: no."),
                (SceneBreak, ""),
                (Paragraph, "Text."),
            ],
        );
        check(
            "One.\n\n---\nkey: She woke.\n\n---\n\nTwo.",
            &[
                (Paragraph, "One."),
                (SceneBreak, ""),
                (Paragraph, "key: She woke."),
                (SceneBreak, ""),
                (Paragraph, "Two."),
            ],
        );
    }

    #[test]
    fn what_an_entity_hides_is_cleaned_too() {
        check(
            "a&#8203;b&shy;c e&#769; # # #",
            &[(Paragraph, "abc é # # #")],
        );
        check(
            "# # #\n\nx\n\n\\* \\* \\*\n\ny",
            &[(Paragraph, "x"), (SceneBreak, ""), (Paragraph, "y")],
        );
    }
}
