//! The command line of `preview`, as clap sees it.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use crate::domain::NanoUsd;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  voicespool preview                                     half a minute of the first file
  voicespool preview books/emma.epub --chapter 3 --voices pico-en-us,pico-en-gb
  voicespool preview audiobook --seconds 10 --max-cost 0.05

The files go to preview/TASK in the output folder. What they buy, `run` does not buy again.
Outside a project, of a file and with the built-in voice: beside where you are.")]
pub(crate) struct PreviewArgs {
    /// A text, or a task, of which the first text is taken [default: the first task that speaks]
    #[arg(value_name = "FILE|TASK")]
    pub name: Option<PathBuf>,
    /// About so many seconds
    #[arg(long, value_name = "N", default_value = "30")]
    pub seconds: NonZeroU32,
    /// From the beginning of this chapter, by its number in `plan --text FILE`
    #[arg(long, value_name = "N")]
    pub chapter: Option<NonZeroU32>,
    /// In each of these voices, with commas between [default: the task's own]
    #[arg(long, value_name = "VOICES", value_delimiter = ',')]
    pub voices: Vec<String>,
    /// Do not ask before spending
    #[arg(short, long)]
    pub yes: bool,
    /// Send nothing that could cost more than this in all, e.g. 0.50 (USD)
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<NanoUsd>,
}
