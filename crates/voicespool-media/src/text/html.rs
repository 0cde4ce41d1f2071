//! HTML and XHTML to blocks: what a reader would say, not what a browser needs.
//!
//! Read token by token, so that no depth of nesting takes memory. Scripts, styles and comments are
//! left out and listed. A tag that no browser knows is no tag but words between angle brackets.

use std::borrow::Cow;

use crate::text::cleanup::Record;
use crate::text::document::{BlockKind, Builder, Document};
use crate::text::reading::Aloud;
use crate::text::semantics::silent_type;
use crate::text::table::Table;
use crate::text::tokens::{Token, tokens};

/// Elements that begin and end a block.
#[rustfmt::skip]
const BLOCKS: &[&str] = &[
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main",
    "menu", "nav", "ol", "optgroup", "option", "p", "pre", "section", "select", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
];

/// Elements inside a line, and those without words.
#[rustfmt::skip]
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "area", "audio", "b", "base", "bdi", "bdo", "big", "br", "button",
    "canvas", "cite", "code", "col", "colgroup", "data", "datalist", "del", "dfn", "em", "embed",
    "font", "i", "img", "input", "ins", "kbd", "label", "link", "map", "mark", "meta", "meter",
    "nobr", "output", "param", "picture", "progress", "q", "rb", "rbc", "rtc", "ruby", "s", "samp",
    "small", "source", "span", "strike", "strong", "sub", "sup", "time", "track", "tt", "u", "var",
    "video", "wbr",
];

/// Elements whose content is not for readers, and what it is.
const SILENT: &[(&str, &str)] = &[
    ("script", "a script"),
    ("style", "a style sheet"),
    ("title", "the title of the page"),
    ("template", "a template"),
    ("iframe", "an embedded page"),
    ("object", "an embedded object"),
    ("svg", "a drawing"),
    ("math", "a formula"),
    ("rp", "brackets of a reading aid"),
    ("rt", "a reading aid"),
    ("noscript", "words for browsers without scripts"),
    ("textarea", "a form"),
    ("head", "the head of the page"),
];

/// Namespaces that tags of office programs and books carry.
const PREFIXES: &[&str] = &["o:", "v:", "w:", "m:", "svg:", "epub:", "xml:", "st1:"];

/// Longest words between angle brackets, in bytes.
const LONGEST_WORDS: usize = 200;

pub(super) fn parse(source: &str, record: Record) -> Document {
    let mut builder = Builder::new(source.len(), record);
    speak(source, &mut builder);
    builder.into_document()
}

/// Who wants to know where named places are.
pub(super) trait Anchors {
    /// The place called `name` is in the block with this number, or before it.
    fn anchor(&mut self, name: &str, block: usize);
}

/// Nobody.
struct NoAnchors;

impl Anchors for NoAnchors {
    fn anchor(&mut self, _: &str, _: usize) {}
}

/// Adds what `source`, a page or a piece of one, says; it begins and ends between blocks.
pub(super) fn speak(source: &str, builder: &mut Builder) {
    speak_page(source, builder, &mut NoAnchors);
}

/// As [`speak`], and tells `anchors` of each named place.
pub(super) fn speak_page(source: &str, builder: &mut Builder, anchors: &mut dyn Anchors) {
    let source = without_unknown_tags(source);
    let mut reader = Reader {
        builder,
        anchors,
        silent: None,
        lists: Vec::new(),
        number: None,
        quotes: 0,
        raised: None,
        table: None,
    };
    reader.finish();
    let unread = tokens(&source, |token| reader.token(token)).err();
    reader.end_silence();
    reader.finish();
    reader.end_table();
    if let Some(at) = unread {
        let rest = &source[source.floor_char_boundary(at)..];
        builder.leave_out("what follows a tag with more than 1,000 attributes", rest);
    }
}

/// Raised and lowered text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raised {
    Up,
    Down,
}

impl Raised {
    /// `<sup>` and `<sub>`.
    pub(super) fn of(element: &str) -> Option<Self> {
        match element {
            "sup" => Some(Self::Up),
            "sub" => Some(Self::Down),
            _ => None,
        }
    }

    /// Digits as Unicode's raised or lowered ones, so that "m<sup>2</sup>" is no "m2".
    pub(super) fn digits(self, text: &str) -> Cow<'_, str> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Cow::Borrowed(text);
        }
        let digits = match self {
            Self::Up => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'],
            Self::Down => ['₀', '₁', '₂', '₃', '₄', '₅', '₆', '₇', '₈', '₉'],
        };
        text.bytes()
            .map(|byte| digits[usize::from(byte - b'0')])
            .collect()
    }
}

/// What is not spoken until its element ends.
struct Silence {
    element: String,
    what: &'static str,
    depth: usize,
    words: String,
}

struct Reader<'a> {
    builder: &'a mut Builder,
    anchors: &'a mut dyn Anchors,
    silent: Option<Silence>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    number: Option<u64>,
    quotes: usize,
    raised: Option<Raised>,
    table: Option<OpenTable>,
}

/// The outermost table that is open.
#[derive(Default)]
struct OpenTable {
    table: Table,
    /// Tables inside it.
    inner: usize,
    /// Named places in it: where they will be is known when it ends.
    anchors: Vec<(String, usize)>,
}

impl Reader<'_> {
    fn token(&mut self, token: Token) {
        match token {
            Token::Start(tag) => {
                let kind = tag.value("epub:type").or_else(|| tag.value("role"));
                self.start(&tag.name, kind, tag.is_closed);
                for name in [tag.value("id"), tag.value("name")].into_iter().flatten() {
                    self.anchor(name);
                }
                if let ("td" | "th", Some(open), None) = (&*tag.name, &mut self.table, &self.silent)
                    && open.inner == 0
                {
                    let spans = |name| tag.value(name).is_some_and(|span| span.trim() != "1");
                    if spans("colspan") || spans("rowspan") {
                        open.table.spans();
                    }
                }
                if let ("img", Some(alt), None) = (&*tag.name, tag.value("alt"), &self.silent) {
                    self.picture(alt);
                }
            }
            Token::End(name) => self.end(&name),
            Token::Words(text) => self.say(&text),
            // What stands between `<?` and `?>` is for programs, and no comment of a person.
            Token::Comment(text) if text.starts_with('?') => {}
            Token::Comment(text) => self.builder.leave_out("a comment", &text),
        }
    }

    /// An element begins, of a `kind` if it says one; `is_closed` if it has no content.
    fn start(&mut self, name: &str, kind: Option<&str>, is_closed: bool) {
        if let Some(silent) = &mut self.silent {
            silent.depth += usize::from(silent.element == name && !is_closed);
            return;
        }
        let by_name = SILENT.iter().find(|(element, _)| *element == name);
        let reading = self.builder.reading();
        let by_kind = || kind.and_then(|kind| silent_type(kind, reading));
        if let Some(what) = by_name.map(|(_, what)| *what).or_else(by_kind) {
            if BLOCKS.contains(&name) {
                self.finish();
            }
            if !is_closed {
                self.silent = Some(Silence {
                    element: name.to_owned(),
                    what,
                    depth: 1,
                    words: String::new(),
                });
            }
            return;
        }
        match name {
            "br" => self.builder.end_line(""),
            "hr" => {
                self.finish();
                self.builder.scene_break();
            }
            "ol" | "ul" | "menu" => {
                self.finish();
                self.lists.push((name == "ol").then_some(1));
            }
            "li" => {
                self.finish();
                if let Some(Some(next)) = self.lists.last_mut() {
                    self.number = Some(*next);
                    *next = next.saturating_add(1);
                }
            }
            "blockquote" => {
                self.finish();
                self.quotes = self.quotes.saturating_add(1);
            }
            "table" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" => {
                self.finish();
                self.start_of_table(name);
            }
            _ if BLOCKS.contains(&name) => self.finish(),
            _ => self.raised = Raised::of(name).or(self.raised),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(silent) = &mut self.silent {
            silent.depth -= usize::from(silent.element == name);
            if silent.depth == 0 {
                self.end_silence();
            }
            return;
        }
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes()[1] - b'0';
                self.builder.finish(BlockKind::Heading { level });
            }
            "ol" | "ul" | "menu" => {
                self.finish();
                self.lists.pop();
            }
            "blockquote" => {
                self.finish();
                self.quotes = self.quotes.saturating_sub(1);
            }
            "table" => {
                self.finish();
                match &mut self.table {
                    Some(open) if open.inner > 0 => open.inner -= 1,
                    _ => self.end_table(),
                }
            }
            _ if BLOCKS.contains(&name) => self.finish(),
            _ if Raised::of(name).is_some() => self.raised = None,
            _ => {}
        }
    }

    fn anchor(&mut self, name: &str) {
        let block = self.builder.next_block();
        match &mut self.table {
            Some(open) => open.anchors.push((name.to_owned(), block)),
            None => self.anchors.anchor(name, block),
        }
    }

    fn picture(&mut self, alt: &str) {
        match self.builder.reading().images {
            Aloud::Read => self.say(alt),
            Aloud::Skip => self.builder.leave_out("the description of a picture", alt),
        }
    }

    /// A table or a part of one begins, between blocks.
    fn start_of_table(&mut self, name: &str) {
        let block = self.builder.next_block();
        let Some(open) = &mut self.table else {
            self.table = (name == "table").then(OpenTable::default);
            return;
        };
        if name == "table" {
            open.inner = open.inner.saturating_add(1);
            open.table.nested();
        }
        if open.inner > 0 {
            return;
        }
        match name {
            "thead" | "tbody" | "tfoot" => open.table.heads(name == "thead"),
            "tr" => open.table.row(),
            _ => open.table.cell(block, name == "th"),
        }
    }

    fn end_table(&mut self) {
        let Some(open) = self.table.take() else {
            return;
        };
        let first = open.anchors.first().map(|(_, block)| *block);
        let is_rows = self.builder.end_table(&open.table);
        for (name, block) in open.anchors {
            // Rows have other numbers than cells: the place is where the table begins.
            let block = if is_rows {
                first.unwrap_or(block)
            } else {
                block
            };
            self.anchors.anchor(&name, block);
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(silent) = &mut self.silent {
            // Enough for an excerpt and a count of what it is.
            silent.words.push_str(text);
            return;
        }
        if let Some(number) = self.number
            && !text.trim().is_empty()
        {
            self.number = None;
            self.builder.push(&format!("{number}. "));
        }
        match self.raised {
            Some(raised) => self.builder.push(&raised.digits(text)),
            None => self.builder.push(text),
        }
    }

    fn end_silence(&mut self) {
        if let Some(silent) = self.silent.take() {
            self.builder.leave_out(silent.what, &silent.words);
        }
    }

    /// Ends the open block, whatever it is part of.
    fn finish(&mut self) {
        self.builder
            .finish(match (self.lists.is_empty(), self.quotes) {
                (false, _) => BlockKind::ListItem,
                (true, 0) => BlockKind::Paragraph,
                (true, _) => BlockKind::Quote,
            });
    }
}

/// Whether `name` is an element of HTML, or of a namespace that comes with it.
pub(super) fn is_element(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    BLOCKS.contains(&name)
        || INLINE.contains(&name)
        || SILENT.iter().any(|(element, _)| *element == name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The words of `tag`, from its `<` to its `>`, if no browser would take it for a tag.
pub(super) fn words_of_unknown(tag: &str) -> Option<&str> {
    let inside = tag.strip_prefix('<')?.strip_suffix('>')?;
    let name = inside.strip_prefix('/').unwrap_or(inside);
    if !name.starts_with(char::is_alphabetic) {
        return None;
    }
    let is_end = |c: char| c.is_whitespace() || c == '/' || c == '>';
    let element = name.split(is_end).next().unwrap_or_default();
    (!is_element(element)).then_some(name)
}

/// `source` with the angle brackets around words taken away where they make no known tag.
fn without_unknown_tags(source: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = source[at..].find('<') {
        let from = at + found;
        at = from + 1;
        let window = source.floor_char_boundary((from + LONGEST_WORDS).min(source.len()));
        let Some(length) = source[at..window].find(['<', '>']) else {
            continue;
        };
        let to = at + length + 1;
        if source.as_bytes()[to - 1] == b'>'
            && let Some(words) = words_of_unknown(&source[from..to])
        {
            out.push_str(source[copied..from].trim_end_matches('<'));
            out.push_str(words);
            copied = to;
            at = to;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(source);
    }
    out.push_str(&source[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use BlockKind::{Heading, ListItem, Paragraph, Quote, SceneBreak};

    fn check(source: &str, expected: &[(BlockKind, &str)]) -> Document {
        let document = parse(source, Record::default());
        let blocks = document.blocks.iter();
        let found: Vec<(BlockKind, &str)> = blocks
            .map(|block| (block.kind, &document.text[block.range.clone()]))
            .collect();
        assert_eq!(found, expected, "{source:?}");
        document
    }

    #[test]
    fn a_page_is_what_its_reader_sees() {
        let document = check(
            "<!DOCTYPE html><html><head><title>Rain</title><style>p { top: 1px }</style></head>\
             <body><h1>Rain</h1><p>It <em>fell</em>\non &amp; on.<br/>All day.</p><hr>\
             <blockquote>She said.</blockquote><ol><li>Go</li><li>Stay</li></ol>\
             <script>let a = 1;</script><!-- nobody --><div>The <b>end</b></div></body></html>",
            &[
                (Heading { level: 1 }, "Rain"),
                (Paragraph, "It fell on & on. All day."),
                (SceneBreak, ""),
                (Quote, "She said."),
                (ListItem, "1. Go"),
                (ListItem, "2. Stay"),
                (Paragraph, "The end"),
            ],
        );
        let left_out: Vec<_> = document.left_out.iter().map(|left| left.what).collect();
        assert_eq!(left_out, ["the head of the page", "a script", "a comment"]);
    }

    #[test]
    fn words_between_angle_brackets_are_words() {
        check(
            "<p>It said <Quest done: Find the cat> and <<Stop>>, <i>then</i> 1 < 2.</p>",
            &[(
                Paragraph,
                "It said Quest done: Find the cat and Stop>, then 1 < 2.",
            )],
        );
    }

    #[test]
    fn raised_numbers_are_powers_or_marks_of_notes() {
        check(
            "<p>It opened.<sup>3</sup> Of 5 m<sup>2</sup>, H<sub>2</sub>O on the 4<sup>th</sup>.</p>",
            &[(Paragraph, "It opened. Of 5 m², H₂O on the 4th.")],
        );
    }

    #[test]
    fn depth_takes_no_memory_and_nothing_ends_too_early() {
        let deep = format!(
            "{}word{}",
            "<div>".repeat(300_000),
            "</div>".repeat(300_000)
        );
        check(&deep, &[(Paragraph, "word")]);
        check("<p>open <b>and", &[(Paragraph, "open and")]);
    }
}
