//! What must hold whatever the bytes are: the laws of every room that reads what a stranger wrote.
//!
//! A law takes any bytes and panics when it is broken. The fuzz targets feed them, and
//! `tests/it/fuzz.rs` replays the seeds, so that a finding stays fixed where no fuzzer runs.
//! Several fields in one input are parted by a zero byte or stand in front, so that a seed can
//! be written by hand.

mod audio;
mod config;
mod input;
mod provider;
mod subtitle;
mod template;
mod text;

pub use audio::{join, media, mp3, wav};
pub use config::config;
pub use provider::{problem, retry_after, stt_json};
pub use subtitle::cues;
pub use template::template;
pub use text::{chunker, markdown, plain_text};

/// A law, by the name of its target and of its folder of seeds.
pub type Law = (&'static str, fn(&[u8]));

/// Every law.
pub const ALL: &[Law] = &[
    ("chunker", chunker),
    ("config", config),
    ("cues", cues),
    ("join", join),
    ("markdown", markdown),
    ("media", media),
    ("mp3", mp3),
    ("plain_text", plain_text),
    ("problem", problem),
    ("retry_after", retry_after),
    ("stt_json", stt_json),
    ("template", template),
    ("wav", wav),
];
