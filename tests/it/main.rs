//! Integration tests: the rooms together, and the built binary as a user meets it.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails, and its files need not survive a power cut"
)]

mod architecture;
mod cli;
mod fuzz;
mod law;
mod mock;
mod outage;
mod rate;
mod scripted;
mod secrets;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod worker;
