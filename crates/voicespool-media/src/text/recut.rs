//! Cutting one chunk again that turned out to be too long for its provider. The others stay
//! as they are, and with them what was bought of them.

use std::ops::Range;

use crate::domain::Book;
use crate::text::chunk::{Chunk, chunks};
use crate::text::document::{Block, BlockKind, Document};
use crate::text::rules::{ChunkRules, Paragraphs};

/// The parts of `chunk`, each within `max_chars`; the last ends for the chunk's own reason.
/// They tile its range. `language` as for [`chunks`].
pub fn recut(
    document: &Document,
    chunk: &Chunk,
    max_chars: u32,
    language: Option<&str>,
) -> Vec<Chunk> {
    let Range { start, end } = chunk.range;
    let within = |at: usize| at.clamp(start, end) - start;
    let blocks = document.blocks.iter().filter_map(|block| {
        let range = within(block.range.start)..within(block.range.end);
        // A heading is spoken like any paragraph: what it parts, it has parted already.
        let kind = BlockKind::Paragraph;
        (!range.is_empty()).then_some(Block { kind, range })
    });
    let part = Document {
        text: document.text[start..end].to_owned(),
        blocks: blocks.collect(),
        encoding: document.encoding,
        had_replacements: false,
        guessed_bytes: 0,
        about: Book::default(),
        pictures: Vec::new(),
        respelt: Vec::new(),
        marks: Vec::new(),
        level: None,
        changes: Vec::new(),
        left_out: Vec::new(),
    };
    let rules = ChunkRules {
        max_chars,
        max_bytes: max_chars.saturating_mul(4),
        target_chars: max_chars,
        min_chars: 0,
        // Parts of what was one request: no paragraph has a pause of its own here.
        paragraphs: Paragraphs::Packed,
    };
    let mut parts: Vec<Chunk> = chunks(&part, &rules, language)
        .map(|part| Chunk {
            range: part.range.start + start..part.range.end + start,
            ..part
        })
        .collect();
    if let Some(last) = parts.last_mut() {
        last.boundary = chunk.boundary;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Markup, Reading, read, spoken};

    const TEXT: &str = "# One\n\nThe first sentence is here. The second one is a little longer, and has a comma; it goes on. Third!\n\nAnother paragraph follows, and it says as much as the first. It ends.\n";

    #[test]
    fn a_chunk_is_cut_into_parts_that_fit_and_tile_it() {
        let document = read(TEXT.as_bytes(), Markup::Markdown, &Reading::default()).unwrap();
        let rules = ChunkRules {
            max_chars: 400,
            max_bytes: 1600,
            target_chars: 400,
            min_chars: 20,
            paragraphs: Paragraphs::Packed,
        };
        for chunk in chunks(&document, &rules, None) {
            for most in [1, 20, 30, 60, 399] {
                let parts = recut(&document, &chunk, most, None);

                let mut at = chunk.range.start;
                for part in &parts {
                    assert_eq!(part.range.start, at);
                    at = part.range.end;
                    let chars = spoken(&document.text, &part.range).chars().count();
                    assert!(chars <= usize::try_from(most).unwrap(), "{part:?}");
                }
                assert_eq!(at, chunk.range.end);
                assert_eq!(parts.last().unwrap().boundary, chunk.boundary);
            }
        }
    }
}
