//! What can go wrong with one request, and what became of its money.

use crate::named;

named!(
    /// Why a try gave no usable result. What follows from each is decided in
    /// one place, `worker::verdict`.
    FaultClass {
        /// 429: the provider asks for a slower pace. Counts no failure.
        Throttled = "throttled",
        /// 5xx, connect, reset, DNS: the provider is not well. Counts no failure.
        Overloaded = "overloaded",
        /// No answer in time after the body left: may have been billed.
        TimedOut = "timed_out",
        /// 401, 402, 403: key or credit. Counts no failure, stops the endpoint.
        Account = "account",
        /// 400, 404, 413, 415, 422: this request will never be accepted.
        Refused = "refused",
        /// An answer arrived and was paid for, but is no valid result.
        BadAnswer = "bad_answer",
        /// A file or folder on this machine.
        Local = "local",
        /// A child of this job failed.
        Child = "child",
        /// In flight at too many crashes.
        Poison = "poison",
    }
);

impl FaultClass {
    /// Whether it is about the endpoint and model, not about the job: the gate closes, and
    /// the next request will tell more, whichever it is.
    pub fn opens_the_circuit(self) -> bool {
        match self {
            Self::Throttled | Self::Overloaded | Self::TimedOut | Self::Account => true,
            Self::Refused | Self::BadAnswer | Self::Local | Self::Child | Self::Poison => false,
        }
    }
}

named!(
    /// What became of the money of one attempt. Each dollar is in exactly one of these.
    CostStatus {
        /// Set aside when the request was sent; not known yet.
        Reserved = "reserved",
        /// Paid, and the result is used.
        Confirmed = "confirmed",
        /// Paid, and the answer was unusable.
        Wasted = "wasted",
        /// Sent, no answer: may have been billed.
        InDoubt = "in_doubt",
        /// The provider refused or never saw it.
        NotBilled = "not_billed",
    }
);

impl CostStatus {
    /// Whether the amount counts against budgets: everything that was or may have been billed.
    pub fn counts(self) -> bool {
        !matches!(self, Self::NotBilled)
    }
}
