//! Rate control: one [`Gate`] per endpoint and model, the only door before an engine call.
//!
//! It keeps the user's ceilings, learns the pace the provider accepts, and stops sending
//! while the provider asks for a pause, fails, or refuses the account. It makes no
//! request, retries nothing and stores nothing: the learned pace is handed out to be kept.

mod adaptive;
mod ceiling;
mod door;
mod gate;
mod jitter;
mod line;
mod pass;
mod snapshot;

#[cfg(test)]
mod tests;

pub use adaptive::{Adaptive, Learned};
pub use door::Reason;
pub use gate::{Ceilings, Gate};
pub use pass::Pass;
pub use snapshot::{Closed, GateState, HeldBackBy};
