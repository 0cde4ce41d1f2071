//! The steps from input files to jobs, and from answers to finished files. Nothing here
//! sends a request or reads a clock.

pub mod addresses;
pub mod assemble;
pub(crate) mod binding;
mod book;
mod book_file;
pub mod compose;
pub mod cuts;
mod differs;
pub mod discover;
pub mod doubts;
pub mod enqueue;
pub mod extensions;
pub mod feed;
pub mod gaps;
pub mod homes;
pub mod key;
mod level;
pub mod manifest;
pub mod objects;
pub mod output;
pub mod outputs;
pub(crate) mod pace;
pub mod plan;
pub mod planner;
pub mod recipe;
pub mod recording;
pub mod remote;
pub mod requests;
pub mod script;
mod sound;
pub mod source;
pub mod task;
mod wanted;
pub mod written;

use std::path::PathBuf;

use crate::domain::{AudioMillis, ContentKey};

/// A user-facing file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Relative to the output folder.
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: ContentKey,
    /// `wav`, `srt`, …
    pub format: String,
    pub audio: Option<AudioMillis>,
}

/// That something made way for an output, and where it is now.
fn kept_note(kept: &std::path::Path) -> String {
    format!("what stood there is kept as {}", kept.display())
}
