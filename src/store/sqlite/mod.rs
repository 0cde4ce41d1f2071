//! The queue on SQLite: the only SQL of the program.
//!
//! One connection writes (`writer`), a small pool reads. A PostgreSQL module would stand
//! beside this one, behind the same [`Store`](crate::store::Store) and the same
//! conformance suite.

mod call;
mod check;
mod claim;
mod db;
mod decode;
mod enqueue;
mod gates;
mod lists;
mod open;
mod parents;
mod people;
mod read;
mod rescue;
mod runs;
mod script;
mod seen;
mod send;
mod settle;
mod sql;
mod writer;

pub(super) use db::Db;
pub(super) use open::{open, open_read_only};
