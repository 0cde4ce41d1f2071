//! How the work of a run ended, and the exit code that follows.

use tokio_util::sync::CancellationToken;

use crate::cli::exit::Exit;
use crate::cli::progress::tally::Tally;
use crate::domain::{AudioMillis, NanoUsd, RunId};
use crate::pipeline::homes::Homes;
use crate::worker::Stop;
use crate::worker::shutdown::Signal;

/// How the work of a run ended.
#[derive(Debug)]
pub(crate) struct End {
    pub id: RunId,
    pub stop: Stop,
    pub signal: Option<Signal>,
    pub tally: Tally,
    /// Files of the plan that were done before.
    pub done_before: u64,
    /// Files of the plan that were left out.
    pub troubled: u64,
    /// Files whose jobs failed and that are still wanted so.
    pub failed: u64,
    /// Files that were made without all of their parts.
    pub gaps: u64,
    /// Transcripts that the sound speaks against, of tasks that take that for a failure.
    pub refuted: u64,
    /// Where it worked. A folder that is gone must not be made again where it was.
    pub homes: Homes,
    /// A person wants it to be over.
    pub hurry: CancellationToken,
}

impl End {
    /// Requests whose answers are kept.
    pub(crate) fn answered(&self) -> u64 {
        self.tally.requests
    }

    /// What unusable answers cost.
    pub(crate) fn wasted(&self) -> NanoUsd {
        self.tally.wasted
    }

    /// Length of the files that were spoken.
    pub(crate) fn audio(&self) -> AudioMillis {
        self.tally.audio
    }

    /// The exit code, when `partial` says whether something is left that a person has to
    /// look at.
    pub(crate) fn exit(&self, partial: bool) -> Exit {
        match &self.stop {
            Stop::Local { .. } => Exit::Disk,
            Stop::Account { .. } => Exit::Account,
            Stop::Budget { .. } | Stop::Runaway { .. } => Exit::Budget,
            Stop::Refused { .. } => Exit::Partial,
            Stop::TimeLimit => Exit::Time,
            Stop::Unreachable { .. } => Exit::Unreachable,
            Stop::Interrupted => match self.signal {
                Some(Signal::Terminate) => Exit::Terminated,
                _ => Exit::Interrupted,
            },
            Stop::Empty if partial => Exit::Partial,
            Stop::Empty => Exit::Ok,
        }
    }
}
