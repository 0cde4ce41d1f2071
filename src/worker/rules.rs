//! How a run behaves, as the configuration and the flags have it.

use std::time::Duration;

use crate::domain::UtcMillis;
use crate::engine::delay::{DelayRules, MAX_RETRY_AFTER};
use crate::store::DoubtPolicy;
use crate::worker::verdict::RetryRules;

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct RunRules {
    /// Requests in flight over all lanes.
    pub workers: usize,
    /// How long requests in flight may take after the first signal.
    pub drain: Duration,
    pub retry: RetryRules,
    pub delay: DelayRules,
    pub on_in_doubt: DoubtPolicy,
    /// Stop claiming at this time.
    pub until: Option<UtcMillis>,
}

impl RunRules {
    /// Longer than any retry is ever put off: the provider's wish and a tenth, or the own
    /// longest delay, and a minute.
    pub(super) fn longest_wait(&self) -> Duration {
        let wish = MAX_RETRY_AFTER.saturating_add(MAX_RETRY_AFTER / 10);
        wish.max(self.delay.cap)
            .saturating_add(Duration::from_mins(1))
    }
}
