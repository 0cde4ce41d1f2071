//! Working through the queue: claim, pass the gate, send, settle, until nothing is left
//! or something says stop.
//!
//! Workers keep no truth of their own: whatever they know is in the queue before it
//! matters, so a run may end at any instruction and the next one carries on. What the
//! user sees is a fold over [`event::Event`]s.

mod alike;
mod answer;
mod bounds;
pub mod clock;
mod cost;
mod dispatch;
pub mod event;
mod finish;
pub mod guard;
mod heartbeat;
mod input;
mod job;
mod lane;
mod lessons;
mod machine;
mod notes;
pub mod pause;
pub mod pulse;
pub mod recovery;
mod request;
mod rules;
mod run;
mod settle;
pub mod shutdown;
mod smaller;
mod stop;
mod trouble;
mod turn;
mod unusable;
mod usable;
pub mod verdict;
mod wait;
pub mod why;

pub use alike::Alike;
pub use bounds::Bounds;
pub use clock::Clock;
pub use dispatch::{RunError, work};
pub use event::{Charge, Event, Told};
pub use guard::Guard;
pub use lane::Lane;
pub use pause::{Mark, Pauses};
pub use pulse::Pulse;
pub use request::Request;
pub use rules::RunRules;
pub use run::Run;
pub use shutdown::Shutdown;
pub use stop::Stop;
pub use why::Cause;
