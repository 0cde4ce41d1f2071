//! The measures text is cut by.

use serde::{Deserialize, Serialize};

/// How text is cut. The limits hold for every chunk with something to say, the wishes where they can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRules {
    /// The hard limit in characters (Unicode scalar values); 0 counts as 1.
    pub max_chars: u32,
    /// The hard limit in UTF-8 bytes; less than 4, the longest character, counts as 4.
    pub max_bytes: u32,
    /// What chunks aim for: long ones make models skip and slur. Only a single sentence, or a rest
    /// shorter than `min_chars`, takes a chunk past it.
    pub target_chars: u32,
    /// Shorter sentences join a neighbour: tiny prompts glitch. A wish: headings stand alone, and
    /// the limits come first.
    pub min_chars: u32,
}
