//! A lane: one endpoint and model, with its engine behind its gate.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::UtcMillis;
use crate::engine::Engine;
use crate::engine::limit::Gate;

/// One endpoint and model, with its engine behind its gate.
#[derive(Debug)]
pub struct Lane {
    pub engine: Arc<dyn Engine>,
    pub gate: Gate,
    /// Words for messages: `hexgrad/Kokoro-82M at api.together.ai`.
    pub name: String,
    /// When it last answered anything; 0 for never.
    last_success: AtomicI64,
}

impl Lane {
    pub fn new(engine: Arc<dyn Engine>, gate: Gate, name: String) -> Self {
        Self {
            engine,
            gate,
            name,
            last_success: AtomicI64::new(0),
        }
    }

    pub(super) fn answered(&self, at: UtcMillis) {
        self.last_success.fetch_max(at.0, Ordering::Relaxed);
    }

    /// When it last answered, if that was after `at`.
    pub(super) fn last_answer_after(&self, at: UtcMillis) -> Option<UtcMillis> {
        let last = self.last_success.load(Ordering::Relaxed);
        (last > at.0).then_some(UtcMillis(last))
    }
}
