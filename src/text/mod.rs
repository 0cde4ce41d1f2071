//! From a document to speakable chunks.

use serde::{Deserialize, Serialize};

/// How text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRules {
    /// The hard limit in characters.
    pub max_chars: u32,
    /// The hard limit in UTF-8 bytes.
    pub max_bytes: u32,
    /// What chunks aim for: long ones make models skip and slur.
    pub target_chars: u32,
    /// Shorter sentences join a neighbour: tiny prompts glitch.
    pub min_chars: u32,
}
