//! The built binary, as a user meets it.

mod config;
mod crash;
mod deliveries;
mod money;
mod speech;
mod stop;
mod transcripts;
