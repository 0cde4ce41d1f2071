//! The store: a conformance suite that any database behind it must pass, and what is
//! particular to a file on a disk.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod conformance;
mod desk;
mod files;
mod model;
mod process;
