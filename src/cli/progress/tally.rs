//! What happened so far: a fold over the events of a run.

use std::path::PathBuf;

use crate::domain::{AudioMillis, CostStatus, NanoUsd};
use crate::worker::{Charge, Event, Pulse};

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub requests: u64,
    pub reused: u64,
    pub files: u64,
    /// Of them, those with something a person should look at.
    pub flagged: u64,
    pub retried: u64,
    pub failed: u64,
    pub in_doubt: u64,
    /// Everything that was or may have been billed.
    pub spent: NanoUsd,
    /// Of it, for unusable answers.
    pub wasted: NanoUsd,
    /// Of it, for requests without an answer.
    pub doubted: NanoUsd,
    pub reserved: NanoUsd,
    pub audio: AudioMillis,
    /// Files that were written, relative to the output folder.
    pub outputs: Vec<PathBuf>,
    pub warnings: u64,
    /// What a person paused.
    pub paused: Vec<String>,
    /// How the gates stood last.
    pub pulse: Option<Pulse>,
}

impl Tally {
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Sent { reserved, .. } => self.reserved = self.reserved.saturating_add(*reserved),
            Event::Completed {
                kind,
                outputs,
                charge,
                audio,
                reused,
                flags,
                ..
            } => {
                self.flagged += u64::from(flags.is_some());
                if kind.sends() {
                    self.requests += 1;
                    self.reused += u64::from(*reused);
                } else {
                    self.files += 1;
                    self.outputs.extend_from_slice(outputs);
                    self.audio.0 += audio.map_or(0, |audio| audio.0);
                }
                self.charge(*charge);
            }
            Event::Retry { charge, .. } => {
                self.retried += 1;
                self.charge(Some(*charge));
            }
            Event::Failed { charge, .. } => {
                self.failed += 1;
                self.charge(*charge);
            }
            Event::InDoubt { cost, .. } => self.charge(Some(Charge {
                reserved: *cost,
                cost: *cost,
                status: CostStatus::InDoubt,
            })),
            Event::Stopping { .. } | Event::RefusedAlike { .. } => {}
            Event::Paused { what } => self.paused.clone_from(what),
            Event::Pulse(pulse) => self.pulse = Some(pulse.clone()),
            Event::Warning(_) => self.warnings += 1,
            Event::Note(_) => {}
        }
    }

    /// What was set aside becomes what was paid.
    fn charge(&mut self, charge: Option<Charge>) {
        let Some(charge) = charge else { return };
        self.reserved = NanoUsd(self.reserved.0.saturating_sub(charge.reserved.0).max(0));
        if charge.status.counts() {
            self.spent = self.spent.saturating_add(charge.cost);
        }
        match charge.status {
            CostStatus::Wasted => self.wasted = self.wasted.saturating_add(charge.cost),
            CostStatus::InDoubt => {
                self.in_doubt += 1;
                self.doubted = self.doubted.saturating_add(charge.cost);
            }
            CostStatus::Reserved | CostStatus::Confirmed | CostStatus::NotBilled => {}
        }
    }
}

/// What the run is expected to come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub requests: u64,
    pub cap: Option<NanoUsd>,
}
