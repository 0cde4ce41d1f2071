//! The built binary, as a user meets it.

mod config;
mod crash;
mod lists;
mod money;
mod speech;
mod stop;
mod transcripts;
