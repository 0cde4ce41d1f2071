//! The job: what it does, which state it is in, and which moves are legal.
//! The picture is `docs/job-states.md`.

use crate::named;

named!(
    /// What a job does.
    JobKind {
        /// Speak one chunk of text: one request.
        Speak = "speak",
        /// Transcribe one clip of audio: one request.
        Transcribe = "transcribe",
        /// Join the clips of one source into its audio file and subtitles. Sends nothing.
        Assemble = "assemble",
        /// Write the documents of one transcribed source. Sends nothing.
        Compose = "compose",
    }
);

impl JobKind {
    /// Whether the job makes a request (and so may cost money).
    pub fn sends(self) -> bool {
        matches!(self, Self::Speak | Self::Transcribe)
    }
}

named!(
    /// Where a job stands.
    JobState {
        /// Not before its time.
        Scheduled = "scheduled",
        /// Ready to be claimed.
        Available = "available",
        /// Claimed, nothing sent; may be given back for free.
        Leased = "leased",
        /// The intent is durable; the request may be on the wire.
        Sent = "sent",
        /// For its children.
        Waiting = "waiting",
        /// In doubt or set aside; wants a person.
        Held = "held",
        /// Done, with a validated result.
        Completed = "completed",
        /// Given up, with a reason.
        Failed = "failed",
        /// Not wanted any more.
        Cancelled = "cancelled",
    }
);

impl JobState {
    /// Nothing moves it on but a person.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a job may go from here to `next`. Staying is no move.
    pub fn may_become(self, next: Self) -> bool {
        use JobState::{
            Available, Cancelled, Completed, Failed, Held, Leased, Scheduled, Sent, Waiting,
        };
        match self {
            Scheduled => matches!(next, Available | Held | Cancelled),
            Available => matches!(next, Leased | Held | Cancelled),
            // Local work (assemble, compose) completes or fails without ever being sent.
            Leased => matches!(
                next,
                Available | Sent | Scheduled | Completed | Failed | Cancelled | Waiting
            ),
            Sent => matches!(
                next,
                Completed | Failed | Cancelled | Scheduled | Available | Held
            ),
            Waiting => matches!(next, Available | Failed | Cancelled),
            Held => matches!(next, Available | Completed | Cancelled),
            // A person may ask again: for a failed job, and for a result that went missing.
            Completed | Failed | Cancelled => matches!(next, Available | Waiting),
        }
    }
}

named!(
    /// Where a job stands, as people are told: what nobody answered and what a person set aside are
    /// one state to the queue and two to whoever decides, because taking up the first may pay twice.
    Standing {
        Scheduled = "scheduled",
        Available = "available",
        Leased = "leased",
        Sent = "sent",
        Waiting = "waiting",
        /// Set aside by a person.
        Held = "held",
        /// Sent and possibly billed, never answered; wants a person.
        InDoubt = "in_doubt",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
    }
);

impl Standing {
    /// Of a job in `state`; `in_doubt` counts only where it is held.
    pub fn of(state: JobState, in_doubt: bool) -> Self {
        match state {
            JobState::Scheduled => Self::Scheduled,
            JobState::Available => Self::Available,
            JobState::Leased => Self::Leased,
            JobState::Sent => Self::Sent,
            JobState::Waiting => Self::Waiting,
            JobState::Held if in_doubt => Self::InDoubt,
            JobState::Held => Self::Held,
            JobState::Completed => Self::Completed,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }

    /// The state of the queue that it is, and whether in doubt, where that makes a difference.
    pub fn state(self) -> (JobState, Option<bool>) {
        match self {
            Self::Scheduled => (JobState::Scheduled, None),
            Self::Available => (JobState::Available, None),
            Self::Leased => (JobState::Leased, None),
            Self::Sent => (JobState::Sent, None),
            Self::Waiting => (JobState::Waiting, None),
            Self::Held => (JobState::Held, Some(false)),
            Self::InDoubt => (JobState::Held, Some(true)),
            Self::Completed => (JobState::Completed, None),
            Self::Failed => (JobState::Failed, None),
            Self::Cancelled => (JobState::Cancelled, None),
        }
    }
}

named!(
    /// Why a chunk of text ends where it ends; chooses the pause that follows it.
    Boundary {
        /// Inside a sentence that was too long to send whole.
        Clause = "clause",
        Sentence = "sentence",
        Paragraph = "paragraph",
        /// A scene break or ornament.
        Scene = "scene",
        /// After a heading.
        Heading = "heading",
        /// Before a new chapter.
        Chapter = "chapter",
        /// The end of the text.
        End = "end",
    }
);

named!(
    /// What becomes of a file some of whose parts cannot be had.
    OnMissing {
        /// It is not made.
        Stop = "stop",
        /// It is made with silence in their places, and named for it.
        Silence = "silence",
    }
);

impl OnMissing {
    /// Whether it is what holds where nobody says otherwise.
    pub fn is_stop(&self) -> bool {
        *self == Self::Stop
    }
}

named!(
    /// What a person pauses.
    PauseScope {
        /// Everything.
        Queue = "queue",
        /// One task of the configuration, its finished files too.
        Task = "task",
        /// Whatever is sent to one profile.
        Profile = "profile",
        /// Whatever is sent to one model.
        Model = "model",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!(
            "done"
                .parse::<JobState>()
                .unwrap_err()
                .to_string()
                .contains("completed")
        );
    }

    #[test]
    fn each_standing_is_one_state_and_one_word() {
        for standing in Standing::ALL {
            let (state, in_doubt) = standing.state();
            assert_eq!(Standing::of(state, in_doubt == Some(true)), *standing);
        }
        for state in JobState::ALL {
            assert_eq!(Standing::of(*state, false).as_str(), state.as_str());
        }
    }

    #[test]
    fn only_a_person_moves_a_final_job_and_nothing_jumps_straight_to_sent() {
        for from in JobState::ALL {
            assert!(!from.may_become(*from), "{from} may not become itself");
            if *from != JobState::Leased {
                assert!(
                    !from.may_become(JobState::Sent),
                    "{from} must be leased before it is sent"
                );
            }
        }
    }
}
