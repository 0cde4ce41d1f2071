//! Transcripts that their recordings speak against.

use crate::domain::{ContentKey, JobId, JobKind, JobState, SoundCheck};
use crate::pipeline::plan::{FilePlan, FileState};
use crate::pipeline::task::{Task, Work};
use crate::store::{self, Store};

/// Whether a doubtful transcript of `task` counts as a failure.
pub fn is_strict(task: &Task) -> bool {
    matches!(&task.work, Work::Transcription(work) if work.check == SoundCheck::Strict)
}

/// What speaks against the documents that `parent` made, in words.
pub async fn of(store: &Store, parent: JobId) -> Result<Option<String>, store::Error> {
    let job = store.job(parent).await?;
    let made = job.filter(|job| (job.kind, job.state) == (JobKind::Compose, JobState::Completed));
    Ok(made.and_then(|job| job.detail))
}

/// Notes what speaks against `file`, which is done.
pub(super) async fn note(
    store: &Store,
    task: &Task,
    parent: ContentKey,
    file: &mut FilePlan,
) -> Result<(), store::Error> {
    if file.state != FileState::Done || !matches!(task.work, Work::Transcription(_)) {
        return Ok(());
    }
    let Some(found) = store.parent_by_key(parent).await? else {
        return Ok(());
    };
    if let Some(flags) = of(store, found.id).await? {
        file.add_note(format!("flagged: {flags}"));
        file.is_refuted = is_strict(task);
    }
    Ok(())
}
