//! Which styles of paragraphs are headings.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};

/// What a style makes of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// 1 is the outermost.
    Heading(u8),
    /// An entry of the table of contents.
    Contents,
}

/// Styles by their identifier, which differs from language to language.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

/// A style as it stands there.
#[derive(Default)]
struct Entry {
    id: String,
    style: Option<Style>,
    based_on: Option<String>,
}

/// Styles that stand on styles that stand on styles …: no document goes so deep.
const DEPTH: usize = 10;

impl Styles {
    pub(super) fn read(page: &str) -> Self {
        let mut reader = quick_xml::Reader::from_str(page);
        let mut entries: Vec<Entry> = Vec::new();
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Eof => break,
                Event::Start(tag) | Event::Empty(tag) => {
                    let last = entries.last_mut();
                    match (tag.local_name().as_ref(), last) {
                        ("style", _) => entries.push(Entry {
                            id: attribute(&tag, "styleId").unwrap_or_default(),
                            ..Entry::default()
                        }),
                        ("name", Some(entry)) => {
                            entry.style = attribute(&tag, "val").and_then(|name| by_name(&name));
                        }
                        ("basedOn", Some(entry)) => entry.based_on = attribute(&tag, "val"),
                        ("outlineLvl", Some(entry)) => {
                            entry.style = entry.style.or(outline(&tag).map(Style::Heading));
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        let by_id: HashMap<&str, &Entry> = entries
            .iter()
            .map(|entry| (entry.id.as_str(), entry))
            .collect();
        let style = |entry: &Entry| {
            let mut at = Some(entry);
            for _ in 0..DEPTH {
                let entry = at?;
                if entry.style.is_some() {
                    return entry.style;
                }
                at = by_id.get(entry.based_on.as_deref()?).copied();
            }
            None
        };
        let known = entries
            .iter()
            .filter_map(|entry| Some((entry.id.clone(), style(entry)?)));
        Self(known.collect())
    }

    /// Of a paragraph with the style `id`. A document without a table of styles has the usual identifiers.
    pub(super) fn of(&self, id: &str) -> Option<Style> {
        let known = self.0.get(id).copied();
        known.or_else(|| if self.0.is_empty() { by_name(id) } else { None })
    }
}

/// The names of styles are the same in every language.
fn by_name(name: &str) -> Option<Style> {
    let name = name.to_ascii_lowercase().replace(' ', "");
    if name == "title" {
        return Some(Style::Heading(1));
    }
    if name == "tocheading" {
        return Some(Style::Contents);
    }
    let level = |rest: &str| rest.parse().ok().filter(|level| (1..=9).contains(level));
    if let Some(level) = name.strip_prefix("heading").and_then(level) {
        return Some(Style::Heading(level));
    }
    let is_contents = name.strip_prefix("toc").and_then(level).is_some();
    is_contents.then_some(Style::Contents)
}

/// The level that an outline gives, counted from 1; body text is level 10.
pub(super) fn outline(tag: &BytesStart<'_>) -> Option<u8> {
    let level: u8 = attribute(tag, "val")?.parse().ok()?;
    (level < 9).then_some(level + 1)
}

/// The attribute called `name` in whatever namespace.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut found = tag.attributes().flatten();
    let found = found.find(|own| own.key.local_name().as_ref() == name)?;
    Some(html_escape::decode_html_entities(&*found.value).into_owned())
}
