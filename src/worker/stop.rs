//! Why a run ends: the one list, with its words and with what follows from each.

use crate::store::Purse;
use crate::worker::why::Cause;

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Nothing is left that this run may do.
    Empty,
    /// The next request would go over the cap of `which`.
    Budget { what: String, which: Purse },
    /// Money is paid for nothing usable.
    Runaway { why: String },
    /// The provider refuses the key or the account, in its words.
    Account { detail: String },
    /// A signal.
    Interrupted,
    /// The time is up.
    TimeLimit,
    /// The provider was down longer than `give_up_after`.
    Unreachable { lane: String },
    /// All that is left is of tasks whose requests are refused alike from the first on, which was
    /// told before: the first of them, and the provider's words.
    Refused { task: String, detail: String },
    /// A file or folder of this machine.
    Local { detail: String },
}

impl Stop {
    /// Whether files whose answers are all there are still joined: nobody is waiting for the
    /// program to end, and this machine is well.
    pub(super) fn leaves_time_to_join(&self) -> bool {
        match self {
            Self::Budget { .. }
            | Self::Runaway { .. }
            | Self::Account { .. }
            | Self::Unreachable { .. }
            | Self::Refused { .. } => true,
            Self::Empty | Self::Interrupted | Self::TimeLimit | Self::Local { .. } => false,
        }
    }

    /// Why, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Empty => "nothing is left to do".into(),
            Self::Budget { what, .. } => format!("the budget is reached: {what}"),
            Self::Runaway { why } => format!("money is paid for too little: {why}"),
            Self::Account { detail } => {
                format!("the provider refuses the key or the account: {detail}")
            }
            Self::Interrupted => "interrupted".into(),
            Self::TimeLimit => "the time limit is reached".into(),
            Self::Unreachable { lane } => format!("{lane} stayed unreachable"),
            Self::Refused { task, .. } => format!("every request of task {task} is refused"),
            Self::Local { detail } => detail.clone(),
        }
    }

    /// What it means for jobs that are left; `None` when it says nothing about them.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Empty => None,
            Self::Budget { what, .. } => Some(Cause::Budget { what: what.clone() }),
            Self::Account { detail } => Some(Cause::Account {
                words: detail.clone(),
            }),
            Self::Interrupted
            | Self::TimeLimit
            | Self::Runaway { .. }
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::Local { .. } => Some(Cause::Stopped {
                words: self.words(),
            }),
        }
    }
}
