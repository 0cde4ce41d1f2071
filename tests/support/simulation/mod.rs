//! The gate and other policies against imitations of a provider, in virtual time: run it on
//! a runtime whose time is paused. Everything random follows from a seed.

mod outage;
pub(crate) mod policies;
mod provider;

pub(crate) use outage::{outage, speed};
pub(crate) use policies::{with_aimd, with_fixed_concurrency, with_gate};
pub(crate) use provider::Dynamic;

use std::num::NonZeroU32;

use voicespool::engine::limit::{Adaptive, Ceilings, Gate, SavedRate};

/// Requests a second that the gate and plain AIMD begin with.
pub(crate) const START: f64 = 4.0;

/// A gate that learns, with nothing but `concurrency` as the user's ceiling.
pub(crate) fn adaptive_gate(seed: u64, concurrency: u32, learned: Option<SavedRate>) -> Gate {
    let adaptive = Adaptive {
        enabled: true,
        start_per_second: START,
        saved: learned,
    };
    let concurrency = NonZeroU32::new(concurrency).unwrap();
    Gate::with_seed(Ceilings::only_concurrency(concurrency), adaptive, seed)
}
