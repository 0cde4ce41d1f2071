//! Several texts to one: a book whose chapters are files.

use crate::domain::Book;
use crate::text::document::{Block, Document, Mark};
use crate::text::respelt::Respelt;

/// One text of a book, with the name of its chapter if it has no heading.
#[derive(Debug, Clone)]
pub struct Bound {
    pub document: Document,
    pub name: String,
}

/// Puts `parts` one after another. Each begins a chapter: with its heading, or else with a mark of the name that it
/// says of itself, or that it was given. What all say of themselves is said of the whole, but for the titles, which are
/// those of chapters; what was changed and left out is that of all of them.
///
/// `None` if there is none.
pub fn bind(parts: Vec<Bound>) -> Option<Document> {
    let mut parts = parts.into_iter();
    let Bound { document, name } = parts.next()?;
    let (mut whole, own) = begun(document, name);
    add_mark(&mut whole, 0, own);
    for Bound { document, name } in parts {
        let (next, own) = begun(document, name);
        add(&mut whole, next, own);
    }
    Some(whole)
}

/// A part that is to be a chapter: without the title of its own, and what the chapter is called.
fn begun(mut document: Document, name: String) -> (Document, String) {
    let own = document.about.title.take();
    (document, own.unwrap_or(name))
}

fn add(whole: &mut Document, next: Document, name: String) {
    if !whole.text.is_empty() {
        whole.text.push_str("\n\n");
    }
    let (offset, first) = (whole.text.len(), whole.blocks.len());
    whole.text.push_str(&next.text);
    whole
        .blocks
        .extend(next.blocks.into_iter().map(|block| Block {
            range: block.range.start + offset..block.range.end + offset,
            ..block
        }));
    whole
        .respelt
        .extend(next.respelt.into_iter().map(|place| Respelt {
            range: place.range.start + offset..place.range.end + offset,
            ..place
        }));
    whole.marks.extend(next.marks.into_iter().map(|mark| Mark {
        block: mark.block + first,
        ..mark
    }));
    add_mark(whole, first, name);
    for change in next.changes {
        match whole.changes.iter_mut().find(|own| own.rule == change.rule) {
            Some(own) => own.add(change),
            None => whole.changes.push(change),
        }
    }
    whole.left_out.extend(next.left_out);
    whole.pictures.extend(next.pictures);
    whole.had_replacements |= next.had_replacements;
    whole.guessed_bytes = whole.guessed_bytes.saturating_add(next.guessed_bytes);
    let own = std::mem::take(&mut whole.about);
    whole.about = Book {
        title: None,
        ..own.or(&next.about)
    };
}

/// A chapter begins at `block` of `whole`, if there is such a block.
fn add_mark(whole: &mut Document, block: usize, name: String) {
    if block < whole.blocks.len() {
        let at = whole.marks.partition_point(|mark| mark.block < block);
        whole.marks.insert(at, Mark { block, name });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{ChunkRules, Markup, Paragraphs, Reading, chunks, read};

    fn part(text: &str, name: &str) -> Bound {
        let document = read(text.as_bytes(), Markup::Markdown, &Reading::default()).unwrap();
        let name = name.to_owned();
        Bound { document, name }
    }

    fn chapters(book: &Document) -> Vec<(&str, String)> {
        let chapters = book.chapters();
        let ends = chapters.iter().skip(1).map(|chapter| chapter.start);
        let ends = ends.chain([book.text.len()]);
        let named = chapters.iter().zip(ends).map(|(chapter, end)| {
            let title = chapter.title.clone().unwrap_or_default().into_owned();
            (book.text[chapter.start..end].trim_end(), title)
        });
        named.collect()
    }

    #[test]
    fn each_text_is_a_chapter_with_its_heading_or_its_name() {
        let book = bind(vec![
            part("Nobody came.", "Opening"),
            part("# The Harbour\n\nThe boats were in.", "02"),
            part(
                "---\ntitle: The Lamp\n---\n\nIt burned.\n\nAll night.",
                "03",
            ),
        ])
        .unwrap();

        assert_eq!(
            chapters(&book),
            [
                ("Nobody came.", "Opening".to_owned()),
                (
                    "The Harbour\n\nThe boats were in.",
                    "The Harbour".to_owned()
                ),
                ("It burned.\n\nAll night.", "The Lamp".to_owned()),
            ]
        );
        assert_eq!(book.about.title, None);
    }

    #[test]
    fn sections_of_the_files_are_no_chapters_and_the_pause_between_files_is_that_of_chapters() {
        let file = |n| {
            format!("# Part {n}\n\n## One\n\nThe first of them.\n\n## Two\n\nThe second of them.")
        };
        let book = bind(vec![
            part(&file(1), "a"),
            part(&file(2), "b"),
            part("No heading here.", "c"),
        ])
        .unwrap();

        let names: Vec<_> = chapters(&book).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["Part 1", "Part 2", "c"]);
        let rules = ChunkRules {
            max_chars: 2000,
            max_bytes: 8000,
            target_chars: 300,
            min_chars: 12,
            paragraphs: Paragraphs::Apart,
        };
        let ends = chunks(&book, &rules, Some("en"));
        let ends: Vec<_> = ends
            .filter(|chunk| chunk.boundary == crate::domain::Boundary::Chapter)
            .map(|chunk| book.text[chunk.range].trim_end().to_owned())
            .collect();
        assert_eq!(ends, ["The second of them.", "The second of them."]);
    }

    #[test]
    fn nothing_is_lost_or_said_twice() {
        let texts = [
            "One & two.",
            "*Three*, four.",
            "<p>Five.</p>\n\n```\nx\n```\n",
        ];
        let parts: Vec<_> = texts.iter().map(|text| part(text, "n")).collect();
        let alone: Vec<_> = parts
            .iter()
            .map(|part| part.document.text.clone())
            .collect();
        let left_out: usize = parts.iter().map(|part| part.document.left_out.len()).sum();

        let book = bind(parts).unwrap();

        assert_eq!(book.text, alone.join("\n\n"));
        assert_eq!(book.left_out.len(), left_out);
        assert!(bind(Vec::new()).is_none());
    }
}
