//! voicespool: a durable queue for speech work.
//!
//! Text becomes audio, audio becomes transcripts; every request is written down
//! before it is sent, so a crash loses nothing that was finished and hides
//! nothing that was paid for. Rooms import downwards only, in the order
//! `domain` ← `text audio subtitle` ← `store engine` ← `pipeline report` ←
//! `worker` ← `config` ← `cli` (`tests/it/architecture.rs` enforces it).

pub use voicespool_media::{audio, domain, subtitle, text};

pub mod cli;
pub mod config;
pub mod engine;
pub mod pipeline;
pub mod report;
pub mod store;
pub mod worker;
