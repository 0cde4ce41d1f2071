//! The built binary, as a user meets it.

mod config;
mod crash;
mod money;
mod pace;
mod speech;
mod stop;
mod transcripts;
