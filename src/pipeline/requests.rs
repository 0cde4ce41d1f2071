//! Which requests a text becomes.

use std::collections::HashSet;
use std::ops::Range;

use crate::domain::{Boundary, CharCount, ContentKey};
use crate::pipeline::key;
use crate::pipeline::objects::Objects;
use crate::pipeline::task::SpeechWork;
use crate::text::{self, Chunk, ChunkRules, Document, Paragraphs};

/// One request of a text source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChunk {
    pub key: ContentKey,
    /// Byte range of exactly what is sent, in the speakable text.
    pub range: Range<u64>,
    /// Why it ends there.
    pub boundary: Boundary,
    pub chars: CharCount,
}

/// Whether a text is cut as the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    No,
    /// As an earlier version cut it, because parts of that were bought.
    AsBought,
}

/// The requests for `document`, and whether an earlier cut was kept.
pub(super) fn requests(
    document: &Document,
    endpoint: &str,
    work: &SpeechWork,
) -> (Vec<PlannedChunk>, Kept) {
    let source = Source {
        document,
        endpoint,
        work,
    };
    match work
        .packed_before
        .as_ref()
        .and_then(|bought| source.as_bought(bought))
    {
        Some(packed) => (packed, Kept::AsBought),
        None => (source.planned(&work.chunk), Kept::No),
    }
}

/// The bytes of a document as a number of the queue.
pub(super) fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Such a number as a byte of the document.
pub(super) fn byte(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// A text, where it is sent and how.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    document: &'a Document,
    endpoint: &'a str,
    work: &'a SpeechWork,
}

impl Source<'_> {
    /// The requests of the older cut, if some of them lie in `bought` and none of those that only
    /// the newer one has: what was paid is worth more than where a pause stands.
    fn as_bought(self, bought: &Objects) -> Option<Vec<PlannedChunk>> {
        if self.work.chunk.paragraphs == Paragraphs::Packed || !bought.exist() {
            return None;
        }
        let packed = self.planned(&ChunkRules {
            paragraphs: Paragraphs::Packed,
            ..self.work.chunk
        });
        let apart = self.planned(&self.work.chunk);
        let keys = |chunks: &[PlannedChunk]| -> HashSet<ContentKey> {
            chunks.iter().map(|chunk| chunk.key).collect()
        };
        let (older, newer) = (keys(&packed), keys(&apart));
        let is_bought = |key: &&ContentKey| bought.contains(**key);
        let has_older = older.difference(&newer).any(|key| is_bought(&key));
        let has_newer = || newer.difference(&older).any(|key| is_bought(&key));
        (has_older && !has_newer()).then_some(packed)
    }

    fn planned(self, rules: &ChunkRules) -> Vec<PlannedChunk> {
        let Self { document, work, .. } = self;
        let own = document.about.language.as_deref();
        let language = work.params.language.as_deref().or(own);
        let mut planned: Vec<PlannedChunk> = Vec::new();
        for chunk in text::chunks(document, rules, language) {
            let own = self.plan_chunk(&chunk);
            let recut = work.recut.as_ref().filter(|recut| {
                chunk.speakable
                    && own.chars.0 > u64::from(recut.max_chars)
                    && !recut.bought.contains(own.key)
            });
            let parts = match recut {
                Some(recut) => text::recut(document, &chunk, recut.max_chars, language),
                None => vec![chunk],
            };
            for part in parts {
                if part.speakable {
                    planned.push(self.plan_chunk(&part));
                } else if let Some(last) = planned.last_mut() {
                    // Ornaments are not sent; the pause they stand for belongs to what was said
                    // before.
                    last.boundary = last.boundary.max(part.boundary);
                }
            }
        }
        planned
    }

    fn plan_chunk(self, chunk: &Chunk) -> PlannedChunk {
        let text = &self.document.text;
        let input = text::spoken(text, &chunk.range);
        let start = input.as_ptr().addr() - text.as_ptr().addr();
        PlannedChunk {
            key: key::speak(self.endpoint, &self.work.params, input),
            range: offset(start)..offset(start + input.len()),
            boundary: chunk.boundary,
            chars: CharCount::of(input),
        }
    }
}
