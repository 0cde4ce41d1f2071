//! The measures text is cut by.

use serde::{Deserialize, Serialize};

use crate::named;

/// How text is cut. The limits hold for every chunk with something to say, the wishes where they can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRules {
    /// The hard limit in characters (Unicode scalar values); 0 counts as 1.
    pub max_chars: u32,
    /// The hard limit in UTF-8 bytes; less than 4, the longest character, counts as 4.
    pub max_bytes: u32,
    /// What chunks aim for: long ones make models skip and slur. Only a single sentence up to half
    /// as long again, or a rest shorter than `min_chars`, takes a chunk past it.
    pub target_chars: u32,
    /// Shorter sentences join a neighbour: tiny prompts glitch. A wish: headings stand alone, and
    /// the limits come first.
    pub min_chars: u32,
    /// Whether a chunk may hold several paragraphs.
    pub paragraphs: Paragraphs,
}

named!(
    /// Whether paragraphs share a chunk.
    Paragraphs {
        /// Each begins a chunk, so that the pause after it is ours to give; but one too short to be
        /// spoken well alone joins a neighbour. A sentence half as long again as the target is cut.
        Apart = "apart",
        /// As many as the target holds share a chunk, and what is in quotation marks stays whole up
        /// to the hard limit: how voicespool cut until 0.1.0.
        Packed = "packed",
    }
);
