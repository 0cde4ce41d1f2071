//! Collects the catalogue, by what a client must make of each answer.

use std::sync::Arc;

use voicespool_media::domain::FaultClass;

use crate::hostile::answer::{Expected, Hostile, HostileAnswer, HostileKind, Limit, Proper};
use crate::wire::Step;

/// Collects the answers of one kind.
pub(super) struct Builder {
    kind: HostileKind,
    all: Vec<Hostile>,
}

impl Builder {
    pub(super) fn new(kind: HostileKind) -> Self {
        Self {
            kind,
            all: Vec::new(),
        }
    }

    /// All that was added, in this order.
    pub(super) fn build(self) -> Vec<Hostile> {
        self.all
    }

    /// Adds an answer to work that was done and is charged for.
    pub(super) fn add(
        &mut self,
        name: impl Into<String>,
        expected: Expected,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.all.push(Hostile {
            answer: HostileAnswer {
                name: name.into(),
                kind: self.kind,
                format: match self.kind {
                    HostileKind::Speech => "wav",
                    HostileKind::Transcription => "json",
                },
                expected,
                limit: None,
                wait: None,
                billed: true,
            },
            script: Arc::new(script),
        });
        let last = self.all.last_mut().expect("it was just added");
        &mut last.answer
    }

    /// Adds one that a client must take for a paid and useless answer.
    pub(super) fn bad(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.add(name, Expected::Fault(FaultClass::BadAnswer), script)
    }

    /// Adds a way to say the proper answer.
    pub(super) fn harmless(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.add(name, Expected::Harmless, script)
    }

    /// Adds one that breaks the connection before there is an answer.
    pub(super) fn broken(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.add(name, Expected::Fault(FaultClass::Overloaded), script)
    }

    /// Adds one that ends only by the client's `limit`.
    pub(super) fn late(
        &mut self,
        name: impl Into<String>,
        limit: Limit,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        let answer = self.add(name, Expected::Fault(FaultClass::TimedOut), script);
        answer.limit = Some(limit);
        answer
    }

    /// Adds one of `class` that costs nothing.
    pub(super) fn free(
        &mut self,
        name: impl Into<String>,
        class: FaultClass,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) {
        self.add(name, Expected::Fault(class), script).billed = false;
    }
}
