//! The durable queue: what is to be done, what was sent, what it cost, what came of it.
//!
//! [`Store`] is the one surface, in the terms of the domain; SQL lives below
//! `store/sqlite/` and nowhere else, so that a second database can stand behind
//! the same surface and the same conformance suite.
//!
//! What the store promises: a call that returned is on the disk; a job is held by
//! one worker at a time, and a late one is told [`Error::LeaseLost`]; what was spent
//! and set aside never passes a cap; a bill is never rewritten. What it does not do:
//! read a clock (every time is an argument), decide about retries, touch any file
//! but its own database, the run lock, and the notes beside them (`board`, `learned`).

pub mod board;
pub mod drive;
mod error;
mod holder;
pub mod learned;
mod lock;
mod money;
mod people;
pub mod private;
mod queue;
pub mod refused;
mod rows;
mod sqlite;
mod work;

pub use error::{Error, Purse};
pub use holder::Holder;
pub use lock::RunLock;
pub use money::{Money, Sum};
pub use queue::{Options, Store};
pub use rows::{
    AttemptRow, Bought, Count, EventRow, FileEntry, GateRow, JobRow, LedgerEntry, ObjectRow,
    OutputRow, ParentRow, PartRow, PauseRow, RunRow, SourceRow,
};
pub use work::{
    Added, Adopt, Attempted, Caps, Claim, DoubtPolicy, Evidence, Fault, Filter, InFlight, Intent,
    NewChild, NewChildren, NewEvent, NewObject, NewOutput, NewParent, NewPause, NewRun, NewSource,
    NewSpec, Parent, Recovered, Reopened, SUSPECT_AFTER, Settle, Source, Spec, Verdict,
};
