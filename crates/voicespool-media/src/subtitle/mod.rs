//! From timed words to cues, and from cues to documents.
//!
//! Promise: whatever a provider says (times that run backwards, overlap or leave the
//! audio, text with `-->` or control characters), the cues are in order, do not overlap,
//! last at least a millisecond, stay inside the audio, and hold every word once and in
//! order. Where times had to be repaired, the repairs are counted, not hidden.
//!
//! Nothing here reads or writes files, and nothing here needs a request: changing the
//! rules of layout only composes again.

pub mod document;
pub mod lrc;
pub mod md;
pub mod srt;
pub mod tsv;
pub mod txt;
pub mod vtt;

mod align;
mod breaks;
mod clean;
mod clock;
mod crowd;
mod cue;
mod group;
pub mod heard;
mod language;
mod lines;
mod pieces;
mod place;
mod repair;
mod rules;
pub mod seam;
mod spoken;
mod stops;
mod timed;
mod units;

#[cfg(test)]
mod laws;
mod whole;

pub use clock::ParseError;
pub use cue::{Cue, cues, cues_apart};
pub use document::DocumentMeta;
pub use repair::Repairs;
pub use rules::CueRules;
pub use spoken::{Spoken, guessed, spoken_transcript};
pub use whole::{Doubts, whole};
