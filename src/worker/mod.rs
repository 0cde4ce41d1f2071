//! Working through the queue: claim, pass the gate, send, settle, until nothing is left
//! or something says stop.
//!
//! Workers keep no truth of their own: whatever they know is in the queue before it
//! matters, so a run may end at any instruction and the next one carries on. What the
//! user sees is a fold over [`event::Event`]s.

mod answer;
mod bounds;
pub mod clock;
pub mod event;
mod finish;
pub mod guard;
mod input;
mod job;
mod machine;
pub mod pause;
pub mod pulse;
pub mod recovery;
pub mod run;
mod settle;
pub mod shutdown;
pub mod verdict;
mod wait;
pub mod why;

pub use bounds::Bounds;
pub use clock::Clock;
pub use event::{Charge, Event, Told};
pub use guard::Guard;
pub use pause::{Mark, Pauses};
pub use pulse::Pulse;
pub use run::{Lane, Request, Run, RunError, RunRules, Stop};
pub use shutdown::Shutdown;
pub use why::Cause;
