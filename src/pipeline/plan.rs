//! What a plan says: for each input file how it stands, what a run would send for it, and what
//! that costs.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{AudioMillis, CharCount, NanoUsd, Quantity};
use crate::pipeline::discover::{Found, Skipped};
use crate::pipeline::source::Refusal;
use crate::pipeline::task::Task;

/// How one file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Never seen.
    New,
    /// In the queue, not finished.
    Queued,
    /// The file or its settings changed since it was last done.
    Changed,
    /// Finished, and the outputs are there.
    Done,
    /// Finished, but an output is gone: made again from what was paid for.
    MissingOutput,
    /// Given up; `retry` asks again.
    Failed,
    /// In doubt; `retry` asks again.
    Held,
    /// Taken out by a person; `retry` brings it back.
    Cancelled,
    /// Cannot be worked on.
    Refused(Refusal),
}

impl FileState {
    /// The word for tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Queued => "queued",
            Self::Changed => "changed",
            Self::Done => "done",
            Self::MissingOutput => "missing output",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Refused(_) => "refused",
        }
    }

    /// Whether a run has something to do for it.
    pub fn is_work(&self) -> bool {
        matches!(
            self,
            Self::New | Self::Queued | Self::Changed | Self::MissingOutput
        )
    }
}

/// Why what is to be sent of a recording is not known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtMost {
    /// It counts as the longest that one request takes.
    UnknownLength,
    /// A run cuts it before it sends it.
    Uncut,
}

/// One file of a task.
#[derive(Debug, Clone)]
pub struct FilePlan {
    pub found: Found,
    pub state: FileState,
    /// Requests the file needs in all.
    pub requests: u64,
    /// Requests still to be sent and not already counted with another file.
    pub to_send: u64,
    /// What the file comes to in all.
    pub total: Quantity,
    /// What is still to be sent.
    pub new: Quantity,
    /// Price of `new`; `None` when the model has no price.
    pub cost: Option<NanoUsd>,
    /// Why `new` and `cost` are the most it can be, if they are.
    pub at_most: Option<AtMost>,
    /// Relative to the output folder.
    pub outputs: Vec<PathBuf>,
    /// Those of them that make what stands there yield: it is kept beside.
    pub yields: Vec<PathBuf>,
    pub note: Option<String>,
    /// Parts that failed of a file that was made without them.
    pub gaps: u64,
    /// It is done, the sound speaks against it, and its task takes that for a failure.
    pub is_refuted: bool,
    /// It goes on as an older version of the program began it.
    pub as_before: bool,
}

impl FilePlan {
    /// A file that nothing is known of but that it cannot be worked on.
    pub(super) fn refused(found: Found, refusal: Refusal) -> Self {
        Self {
            found,
            state: FileState::Refused(refusal),
            requests: 0,
            to_send: 0,
            total: Quantity::Nothing,
            new: Quantity::Nothing,
            cost: Some(NanoUsd::ZERO),
            at_most: None,
            outputs: Vec::new(),
            yields: Vec::new(),
            note: None,
            gaps: 0,
            is_refuted: false,
            as_before: false,
        }
    }

    pub(super) fn add_note(&mut self, more: String) {
        self.note = Some(match self.note.take() {
            Some(note) => format!("{note}; {more}"),
            None => more,
        });
    }

    /// What of somebody else's makes way.
    pub(super) fn note_yields(&mut self) {
        for output in self.yields.clone() {
            let output = output.display();
            self.add_note(format!("{output} is not ours: it is kept as {output}.bak"));
        }
    }

    /// Minutes of audio to send.
    pub(super) fn new_minutes(&self) -> f64 {
        match self.new {
            Quantity::Audio(audio) => audio.seconds() / 60.0,
            Quantity::Chars(_) | Quantity::Nothing => 0.0,
        }
    }
}

/// One task.
#[derive(Debug, Clone)]
pub struct TaskPlan {
    pub task: Arc<Task>,
    pub files: Vec<FilePlan>,
    pub skipped: Vec<Skipped>,
    /// What looks like a mistake in the patterns.
    pub warnings: Vec<String>,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Plan {
    pub tasks: Vec<TaskPlan>,
}

/// Sums over a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub files: u64,
    pub work_files: u64,
    pub done_files: u64,
    pub refused_files: u64,
    pub requests: u64,
    pub to_send: u64,
    pub chars: CharCount,
    pub audio: AudioMillis,
    pub new_chars: CharCount,
    pub new_audio: AudioMillis,
    /// Sum of the known costs.
    pub cost: NanoUsd,
    /// Files with work whose model has no price.
    pub unpriced_files: u64,
    /// Recordings to send whose length is not known, or that are still to be cut: they count with the most it can be.
    pub at_most_files: u64,
    /// Those of them that are still to be cut.
    pub uncut_files: u64,
}

impl Plan {
    /// Sums over all tasks.
    pub fn totals(&self) -> Totals {
        Totals::of(self.tasks.iter().flat_map(|task| &task.files))
    }
}

impl Totals {
    /// Sums over `files`.
    pub fn of<'a>(files: impl Iterator<Item = &'a FilePlan>) -> Self {
        files.fold(Self::default(), |mut sum, file| {
            sum.files += 1;
            sum.work_files += u64::from(file.state.is_work());
            sum.done_files += u64::from(file.state == FileState::Done);
            sum.refused_files += u64::from(matches!(file.state, FileState::Refused(_)));
            sum.requests += file.requests;
            sum.to_send += file.to_send;
            sum.at_most_files += u64::from(file.at_most.is_some());
            sum.uncut_files += u64::from(file.at_most == Some(AtMost::Uncut));
            add(&mut sum.chars, &mut sum.audio, file.total);
            add(&mut sum.new_chars, &mut sum.new_audio, file.new);
            match file.cost {
                Some(cost) => sum.cost = sum.cost.saturating_add(cost),
                None => sum.unpriced_files += 1,
            }
            sum
        })
    }
}

fn add(chars: &mut CharCount, audio: &mut AudioMillis, quantity: Quantity) {
    match quantity {
        Quantity::Chars(more) => chars.0 += more.0,
        Quantity::Audio(more) => audio.0 += more.0,
        Quantity::Nothing => {}
    }
}

/// All of `quantities`, which are of one kind.
pub(super) fn sum(mut quantities: impl Iterator<Item = Quantity>) -> Quantity {
    let Some(first) = quantities.next() else {
        return Quantity::Nothing;
    };
    quantities.fold(first, |sum, next| match (sum, next) {
        (Quantity::Chars(a), Quantity::Chars(b)) => {
            Quantity::Chars(CharCount(a.0.saturating_add(b.0)))
        }
        (Quantity::Audio(a), Quantity::Audio(b)) => {
            Quantity::Audio(AudioMillis(a.0.saturating_add(b.0)))
        }
        (sum, _) => sum,
    })
}
