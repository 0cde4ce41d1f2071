//! Markdown to blocks: what a reader would say, not what a typesetter needs.
//!
//! Links, emphasis and pictures are their words. Code and HTML are left out and counted, footnote
//! marks and front matter just left out. Footnotes themselves are spoken where they stand.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::text::document::{BlockKind, Builder, Document};

pub(super) fn parse(source: &str) -> Document {
    let source = without_front_matter(source);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM;
    let mut reader = Reader {
        builder: Builder::with_capacity(source.len()),
        lists: Vec::new(),
        number: None,
        quotes: 0,
        silent: false,
    };
    for event in Parser::new_ext(source, options) {
        reader.event(&event);
    }
    reader.builder.into_document()
}

struct Reader {
    builder: Builder,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The number of the item that has just begun.
    number: Option<u64>,
    /// Open block quotes.
    quotes: usize,
    /// Inside code or HTML.
    silent: bool,
}

impl Reader {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) | Event::Code(text) => self.say(text),
            Event::SoftBreak | Event::HardBreak => {
                let ends_soft = self.builder.current().ends_with('\u{AD}');
                self.builder.end_line(if ends_soft { "\u{AD}" } else { "" });
            }
            Event::Rule => {
                self.finish();
                self.builder.scene_break();
            }
            Event::InlineHtml(html) if html.starts_with("<br") => self.say(" "),
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
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
            Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::MetadataBlock(_) => {
                self.finish();
                self.builder.leave_out();
                self.silent = true;
            }
            tag if is_inline(tag.to_end()) => {}
            _ => self.finish(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.builder.finish(BlockKind::Heading {
                level: depth(level),
            }),
            TagEnd::List(_) => {
                self.finish();
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.finish();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => {
                self.silent = false;
            }
            tag if is_inline(tag) => {}
            _ => self.finish(),
        }
    }

    fn say(&mut self, text: &str) {
        if self.silent {
            return;
        }
        if let Some(number) = self.number.take() {
            self.builder.push(&format!("{number}. "));
        }
        self.builder.push(text);
    }

    /// Ends the open block, whatever it is part of.
    fn finish(&mut self) {
        let kind = match (self.lists.is_empty(), self.quotes) {
            (false, _) => BlockKind::ListItem,
            (true, 0) => BlockKind::Paragraph,
            (true, _) => BlockKind::Quote,
        };
        self.builder.finish(kind);
    }
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
            | TagEnd::Image
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
        let document = parse(source);
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
                    "A bold link, code, a picture: of a lamp, a note & struck html.",
                ),
                (Paragraph, "The note."),
            ],
        );
    }

    #[test]
    fn code_and_html_blocks_are_left_out_and_counted() {
        let document =
            parse("Before.\n\n```rust\nfn main() {}\n```\n\n<div>\nskipped\n</div>\n\nAfter.");
        assert_eq!(document.text, "Before.\n\nAfter.");
        assert_eq!(document.left_out, 2);
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
                (Paragraph, "A"),
                (Paragraph, "B"),
                (Paragraph, "1"),
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
