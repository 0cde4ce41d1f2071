//! One file per command: what it reads, what it prints, what it answers.

pub(super) mod check;
pub(super) mod doctor;
pub(super) mod feed;
pub(super) mod forget;
pub(super) mod init;
mod listing;
pub(super) mod ls;
#[cfg(feature = "mock")]
pub(super) mod mock;
pub(super) mod models;
pub(super) mod pause;
pub(super) mod plan;
pub(super) mod preview;
pub(super) mod prices;
pub(super) mod report;
pub(super) mod run;
mod script;
pub(super) mod select;
pub(super) mod show;
pub(super) mod status;
pub(super) mod stt;
pub(super) mod tts;
pub(super) mod verify;
pub(super) mod voices;

use clap::CommandFactory;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::term;

/// Prints a completion script.
pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "voicespool", &mut script);
    term::out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
