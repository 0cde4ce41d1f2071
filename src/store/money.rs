//! What was paid and is owed.

use crate::domain::NanoUsd;

/// The money of one cost status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub attempts: u64,
    pub cost: NanoUsd,
}

/// What one purse has paid and owes. Each dollar is in exactly one sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Money {
    pub cap: Option<NanoUsd>,
    pub reserved: Sum,
    pub confirmed: Sum,
    pub wasted: Sum,
    pub in_doubt: Sum,
    /// Attempts that cost nothing.
    pub not_billed: Sum,
}

impl Money {
    /// Everything that was or may have been billed, without what is set aside.
    #[must_use]
    pub fn spent(&self) -> NanoUsd {
        self.confirmed
            .cost
            .saturating_add(self.wasted.cost)
            .saturating_add(self.in_doubt.cost)
    }
}
