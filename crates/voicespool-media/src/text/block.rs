//! The pieces that a document consists of.

use std::ops::Range;

/// One block of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub kind: BlockKind,
    /// Bytes of the text of the document, without the line feeds around it.
    pub range: Range<usize>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    Heading {
        /// 1 is the outermost, 6 the innermost.
        level: u8,
    },
    Paragraph,
    ListItem,
    Quote,
    /// A rule or an ornament between scenes. It is nothing to say: its range is empty.
    SceneBreak,
}
