//! Rate control: one [`Gate`] per endpoint and model, which each engine call passes.
//!
//! It keeps the user's ceilings, learns the pace the provider accepts, and stops sending
//! while the provider asks for a pause, fails, or refuses the account. It makes no
//! request, retries nothing and stores nothing: the learned rate is handed out to be kept.

mod ceiling;
mod circuit;
mod curve;
mod gate;
mod jitter;
mod pace;
mod pass;
mod saved_rate;
mod snapshot;
mod state;

#[cfg(test)]
mod tests;

pub use ceiling::Ceilings;
pub use circuit::Reason;
pub use gate::Gate;
pub use pass::Pass;
pub use saved_rate::{Adaptive, SavedRate};
pub use snapshot::{GateState, HeldBackBy, OpenCircuit};
