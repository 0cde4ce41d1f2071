//! Packing blocks into chunks.
//!
//! Chunks tile the text: joined, their ranges are every byte of it, in order. Headings and scene
//! breaks are barriers: no chunk reaches across one, and an edit changes no chunk beyond one. How
//! the paragraphs between two barriers are packed is `pack`'s business.
//!
//! Between barriers there are seams, paragraph ends that no chunk reaches across either. They are
//! found by the text around them, wherever it stands, so that an edit moves only the chunks up to
//! the next seam that is out of its reach; the others need not be bought again.

use std::ops::Range;

use crate::domain::Boundary;
use crate::text::cut::Limits;
use crate::text::document::{Block, BlockKind, Document, is_speakable};
use crate::text::pack::{Packer, Sizes};
use crate::text::rules::{ChunkRules, Paragraphs};
use crate::text::sentence;

/// A target beyond this is taken for this: it bounds what one chunk needs in memory, and no
/// provider takes more.
const LARGEST_TARGET: u32 = 100_000;

/// A `min_chars` up to this, the usual one, is about sentences; a paragraph of [`SHORT_PARAGRAPH`]
/// characters is spoken well alone. Who asks for more means paragraphs too.
const SHORT_SENTENCE: usize = 20;
const SHORT_PARAGRAPH: usize = 12;

/// Least distance of two seams, in targets. In a novel at a target of 1,800 characters, 2 costs 6 %
/// more chunks than no seams; in one long scene, an edit then changes 1.4 chunks instead of 7.8 on
/// average, and 7 instead of 143 at worst.
const SEAM_TARGETS: usize = 2;

/// What one request speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes of [`Document::text`], with the white space up to the next chunk; [`spoken`] is
    /// what of them is sent.
    pub range: Range<usize>,
    /// Why it ends where it ends: chooses the pause after it.
    pub boundary: Boundary,
    /// It has a letter or a digit. Otherwise there is nothing to send: voices answer with silence.
    pub speakable: bool,
}

/// Exactly what is sent for `range` of `text`; its characters are what is billed.
///
/// # Panics
/// If `range` does not lie on characters of `text`.
pub fn spoken<'a>(text: &'a str, range: &Range<usize>) -> &'a str {
    text[range.clone()].trim()
}

/// Cuts `document` into chunks, in order. `language` is a tag such as `de` or `pt-BR`, English if
/// not known; it decides which full stops belong to abbreviations.
///
/// Lazy: a chunk costs memory in proportion to the target, whatever the size of the text. The same
/// text, rules and language give the same chunks. The empty text has none.
pub fn chunks<'a>(
    document: &'a Document,
    rules: &ChunkRules,
    language: Option<&str>,
) -> Chunks<'a> {
    let size = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    let hard = Limits {
        chars: size(rules.max_chars.max(1)),
        bytes: size(rules.max_bytes.max(4)),
    };
    let target = Limits {
        chars: size(rules.target_chars.clamp(1, LARGEST_TARGET)).min(hard.chars),
        bytes: hard.bytes,
    };
    let least = size(rules.min_chars).min(target.chars);
    let (speech, marks, sentence) = match rules.paragraphs {
        Paragraphs::Packed => (hard, sentence::QUOTES, hard),
        Paragraphs::Apart => {
            let chars = (target.chars.saturating_mul(3) / 2).min(hard.chars);
            (
                target,
                sentence::QUOTES_AND_PARENTHESES,
                Limits { chars, ..hard },
            )
        }
    };
    let sizes = Sizes {
        hard,
        target,
        least,
        speech,
        marks,
        sentence,
    };
    Chunks {
        document,
        packer: Packer::new(&document.text, sizes, language),
        paragraphs: rules.paragraphs,
        short: if least <= SHORT_SENTENCE {
            least.min(SHORT_PARAGRAPH)
        } else {
            least
        },
        chapter_level: document.chapter_level(),
        reach: target.chars.saturating_mul(SEAM_TARGETS),
        next_block: 0,
        at: 0,
        section: None,
    }
}

/// The chunks of a document; see [`chunks`].
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    document: &'a Document,
    packer: Packer<'a>,
    chapter_level: u8,
    paragraphs: Paragraphs,
    /// Characters below which a paragraph joins a neighbour.
    short: usize,
    /// Characters between a seam and the next one, at least.
    reach: usize,
    /// The first block not in the packer.
    next_block: usize,
    /// Where the next chunk begins.
    at: usize,
    /// How the section in the packer ends, once its last block is there.
    section: Option<Boundary>,
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        while self.section.is_none() && !self.packer.has_enough() && self.push_block() {}
        let (mut boundary, next) = self.packer.take(self.section.is_some())?;
        let end = next.unwrap_or_else(|| {
            boundary = self.section.take().unwrap_or(boundary);
            let following = self.document.blocks.get(self.next_block);
            following.map_or(self.document.text.len(), |block| block.range.start)
        });
        let range = std::mem::replace(&mut self.at, end)..end;
        Some(Chunk {
            speakable: is_speakable(&self.document.text[range.clone()]),
            range,
            boundary,
        })
    }
}

impl Chunks<'_> {
    /// Hands the next block to the packer and notes whether a barrier follows it; false after the
    /// last one.
    fn push_block(&mut self) -> bool {
        let mut blocks = self
            .document
            .blocks
            .iter()
            .enumerate()
            .skip(self.next_block);
        let is_said = |(_, block): &(usize, &Block)| block.kind != BlockKind::SceneBreak;
        let Some((idx, block)) = blocks.find(is_said) else {
            return false;
        };
        let next = blocks.find(is_said);
        self.next_block = next.map_or(self.document.blocks.len(), |(idx, _)| idx);
        let had_break = self.next_block > idx + 1;
        let barrier = match next {
            Some((next, _)) if self.document.is_marked(next) => Some(Boundary::Chapter),
            _ => self.barrier(block.kind, had_break, next.map(|(_, next)| next.kind)),
        };
        let ends_here = match self.paragraphs {
            Paragraphs::Apart => self.stands_alone(idx),
            Paragraphs::Packed => self.is_seam(idx),
        };
        self.section = barrier.or_else(|| ends_here.then_some(Boundary::Paragraph));
        self.packer.push(block.range.clone());
        true
    }

    /// What ends the section after a block of `kind`, if anything does.
    fn barrier(
        &self,
        kind: BlockKind,
        had_break: bool,
        next: Option<BlockKind>,
    ) -> Option<Boundary> {
        match (kind, next) {
            (_, None) => Some(Boundary::End),
            (_, Some(BlockKind::Heading { level })) if level <= self.chapter_level => {
                Some(Boundary::Chapter)
            }
            (BlockKind::Heading { .. }, _) => Some(Boundary::Heading),
            _ if had_break => Some(Boundary::Scene),
            (_, Some(BlockKind::Heading { .. })) => Some(Boundary::Paragraph),
            _ => None,
        }
    }

    /// Whether the chunk of paragraph `idx` ends with it: it is long enough, and so is what follows
    /// up to the next barrier.
    fn stands_alone(&self, idx: usize) -> bool {
        let blocks = &self.document.blocks;
        if self.length(&blocks[idx]) < self.short {
            return false;
        }
        let following = blocks[idx + 1..]
            .iter()
            .take_while(|block| !is_barrier(block));
        let mut chars = 0_usize;
        for block in following {
            chars = chars.saturating_add(self.length(block));
            if chars >= self.short {
                return true;
            }
        }
        false
    }

    /// Whether no chunk reaches across the end of block `idx`: of all paragraph ends within reach
    /// it draws the smallest lot, and no barrier is within reach.
    ///
    /// Two seams are never within reach of each other. Looking further takes as long as all lots
    /// are larger, a few blocks on average.
    fn is_seam(&self, idx: usize) -> bool {
        let blocks = &self.document.blocks;
        let own = self.lot(&blocks[idx]);
        let loses = |block: &Block| is_barrier(block) || self.lot(block) <= own;
        let mut distance = self.length(&blocks[idx]);
        for before in blocks[..idx].iter().rev() {
            if distance >= self.reach {
                break;
            }
            if loses(before) {
                return false;
            }
            distance = distance.saturating_add(self.length(before));
        }
        if distance < self.reach {
            return false;
        }
        distance = 0;
        for after in &blocks[idx + 1..] {
            if is_barrier(after) {
                return false;
            }
            distance = distance.saturating_add(self.length(after));
            if distance >= self.reach {
                return true;
            }
            if self.lot(after) <= own {
                return false;
            }
        }
        false
    }

    /// Characters of a block; of a long one, only that it is out of reach.
    fn length(&self, block: &Block) -> usize {
        if block.range.len() / 4 >= self.reach {
            self.reach
        } else {
            self.document.text[block.range.clone()].chars().count()
        }
    }

    /// A number drawn by the end of a block: FNV-1a of its last bytes, mixed so that all of them
    /// count (the finaliser of `MurmurHash3`).
    fn lot(&self, block: &Block) -> u64 {
        let bytes = &self.document.text.as_bytes()[block.range.clone()];
        let tail = &bytes[bytes.len().saturating_sub(64)..];
        let hash = tail.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        mixed ^ (mixed >> 33)
    }
}

fn is_barrier(block: &Block) -> bool {
    matches!(
        block.kind,
        BlockKind::Heading { .. } | BlockKind::SceneBreak
    )
}
