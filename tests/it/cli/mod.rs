//! The built binary, as a user meets it.

mod accounts;
mod config;
mod crash;
mod hands;
mod money;
mod speech;
mod stop;
mod transcripts;
