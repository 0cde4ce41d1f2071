//! The body of the document, as HTML and as plain text.

use quick_xml::events::{BytesStart, Event};

use crate::text::docx::resolved;
use crate::text::docx::styles::{Style, Styles, attribute, outline};

/// Elements whose words are not spoken, and what they are; `None`: no reader sees them, or they stand there twice.
const SILENT: &[(&str, Option<&str>)] = &[
    ("del", Some("deleted words")),
    ("moveFrom", None),
    ("instrText", None),
    ("delInstrText", None),
    ("Fallback", None),
    ("sdtPr", None),
    ("tblPr", None),
    ("sectPr", None),
];

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) html: String,
    /// The paragraphs, blank lines between them.
    pub(super) plain: String,
    pub(super) has_headings: bool,
    pub(super) left_out: Vec<(&'static str, String)>,
}

/// How the words of a run are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Run {
    #[default]
    Plain,
    Hidden,
    Raised,
    Lowered,
}

/// What a cell of a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Cell {
    #[default]
    Plain,
    Head,
}

impl Cell {
    fn tag(self) -> &'static str {
        match self {
            Self::Plain => "<td>",
            Self::Head => "<th>",
        }
    }
}

/// What is open.
#[derive(Default)]
struct Open {
    /// The paragraph: its words as HTML and as they are.
    html: String,
    plain: String,
    style: Option<Style>,
    is_item: bool,
    run: Run,
    /// Inside `<w:t>`.
    is_text: bool,
    /// Open elements whose words are not spoken.
    silent: Vec<(String, Option<&'static str>)>,
    /// Words that are not.
    unsaid: String,
    is_list: bool,
    /// The tag of cells; rows that stand on top of each page have heads.
    cell: Cell,
}

impl Body {
    /// `None` if it is no XML.
    pub(super) fn read(page: &str, styles: &Styles) -> Option<Self> {
        let mut reader = quick_xml::Reader::from_str(page);
        let (mut body, mut open) = (Self::default(), Open::default());
        loop {
            match reader.read_event().ok()? {
                Event::Eof => break,
                Event::Start(tag) => body.start(&tag, styles, &mut open),
                Event::Empty(tag) => {
                    body.start(&tag, styles, &mut open);
                    body.end(tag.local_name().as_ref(), &mut open);
                }
                Event::Text(text) => open.say(&text),
                Event::CData(text) => open.say(&text),
                Event::GeneralRef(name) => open.say(&resolved(&name)),
                Event::End(tag) => body.end(tag.local_name().as_ref(), &mut open),
                _ => {}
            }
        }
        body.end_paragraph(&mut open);
        body.end_list(&mut open);
        Some(body)
    }

    fn start(&mut self, tag: &BytesStart<'_>, styles: &Styles, open: &mut Open) {
        let name = tag.local_name();
        let name = name.as_ref();
        if let Some((element, what)) = SILENT.iter().find(|(element, _)| *element == name) {
            open.silent.push(((*element).to_owned(), *what));
            return;
        }
        let value = || attribute(tag, "val");
        let is_off =
            || value().is_some_and(|value| matches!(value.as_str(), "0" | "false" | "off"));
        match name {
            // A box of text stands inside a paragraph and has paragraphs of its own.
            "p" => self.end_paragraph(open),
            "pStyle" => open.style = value().and_then(|id| styles.of(&id)).or(open.style),
            "outlineLvl" => open.style = open.style.or(outline(tag).map(Style::Heading)),
            "numPr" => open.is_item = true,
            "numId" if value().as_deref() == Some("0") => open.is_item = false,
            "r" => open.run = Run::Plain,
            "vanish" | "webHidden" if !is_off() => open.run = Run::Hidden,
            "vertAlign" if open.run == Run::Plain => {
                open.run = match value().as_deref() {
                    Some("superscript") => Run::Raised,
                    Some("subscript") => Run::Lowered,
                    _ => Run::Plain,
                };
            }
            "t" | "delText" => open.is_text = true,
            "tab" | "ptab" => open.add(" "),
            "noBreakHyphen" => open.add("\u{2011}"),
            "br" | "cr" => {
                open.html.push_str("<br>");
                open.plain.push('\n');
            }
            "tbl" => {
                self.end_paragraph(open);
                self.end_list(open);
                self.html.push_str("<table>");
            }
            "tr" => {
                open.cell = Cell::Plain;
                self.html.push_str("<tr>");
            }
            "tblHeader" if !is_off() => open.cell = Cell::Head,
            "tc" => self.html.push_str(open.cell.tag()),
            // What says so stands first in its cell.
            "gridSpan" | "vMerge" => {
                if let Some(row) = self.html.strip_suffix(open.cell.tag()) {
                    self.html = format!("{row}<td colspan=\"2\">");
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str, open: &mut Open) {
        if open
            .silent
            .last()
            .is_some_and(|(element, _)| element == name)
        {
            let what = open.silent.pop().and_then(|(_, what)| what);
            if open.silent.is_empty() {
                self.leave_out(what, open);
            }
            return;
        }
        match name {
            "p" => self.end_paragraph(open),
            "t" | "delText" => open.is_text = false,
            "r" if open.run == Run::Hidden => {
                self.leave_out(Some("hidden words"), open);
                open.run = Run::Plain;
            }
            "tbl" => {
                self.end_paragraph(open);
                self.end_list(open);
                self.html.push_str("</table>\n");
            }
            "tr" => self.html.push_str("</tr>"),
            "tc" => {
                self.end_list(open);
                self.html.push_str("</td>");
            }
            _ => {}
        }
    }

    fn leave_out(&mut self, what: Option<&'static str>, open: &mut Open) {
        let words = std::mem::take(&mut open.unsaid);
        if let (Some(what), false) = (what, words.trim().is_empty()) {
            self.left_out.push((what, words));
        }
    }

    fn end_paragraph(&mut self, open: &mut Open) {
        let (html, plain) = (
            std::mem::take(&mut open.html),
            std::mem::take(&mut open.plain),
        );
        let (style, is_item) = (open.style.take(), std::mem::take(&mut open.is_item));
        if plain.trim().is_empty() {
            return;
        }
        let level = match style {
            Some(Style::Contents) => {
                self.left_out.push(("the table of contents", plain));
                return;
            }
            Some(Style::Heading(level)) => Some(level.min(6)),
            None => None,
        };
        if is_item && level.is_none() && !open.is_list {
            self.html.push_str("<ul>");
            open.is_list = true;
        } else if !is_item || level.is_some() {
            self.end_list(open);
        }
        self.has_headings |= level.is_some();
        let element = match level {
            Some(level) => format!("h{level}"),
            None if is_item => "li".to_owned(),
            None => "p".to_owned(),
        };
        self.html
            .push_str(&format!("<{element}>{html}</{element}>\n"));
        self.plain.push_str(plain.trim());
        self.plain.push_str("\n\n");
    }

    fn end_list(&mut self, open: &mut Open) {
        if std::mem::take(&mut open.is_list) {
            self.html.push_str("</ul>\n");
        }
    }
}

impl Open {
    fn say(&mut self, text: &str) {
        if !self.is_text {
            return;
        }
        if !self.silent.is_empty() || self.run == Run::Hidden {
            self.unsaid.push_str(text);
            return;
        }
        self.add(text);
    }

    fn add(&mut self, text: &str) {
        if !self.silent.is_empty() {
            return;
        }
        let escaped = html_escape::encode_text(text);
        match self.run {
            Run::Raised => self.html.push_str(&format!("<sup>{escaped}</sup>")),
            Run::Lowered => self.html.push_str(&format!("<sub>{escaped}</sub>")),
            Run::Plain | Run::Hidden => self.html.push_str(&escaped),
        }
        self.plain.push_str(text);
    }
}
