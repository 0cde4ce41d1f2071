//! What one command of `tts` or `stt` is to do.

use std::path::PathBuf;

use crate::cli::consent::Spend;
use crate::cli::one_shot::input::{Input, Reading};
use crate::cli::one_shot::target::Targets;
use crate::config::TypedTask;
use crate::domain::AudioMillis;

/// What one command is to do.
#[derive(Debug)]
pub(crate) struct Order {
    /// `tts` or `stt`.
    pub verb: &'static str,
    pub task: TypedTask,
    pub reading: Reading,
    pub inputs: Vec<Input>,
    /// Of each input, in the same order.
    pub targets: Vec<Targets>,
    /// The folder of `-O`.
    pub folder: Option<PathBuf>,
    pub spend: Spend,
    /// Only about so much of the beginning.
    pub excerpt: Option<AudioMillis>,
}
