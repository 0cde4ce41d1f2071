//! Files that are made without all of their parts, because their task says so.

use crate::domain::units::counted;
use crate::domain::{ContentKey, JobId, JobState, OnMissing};
use crate::pipeline::plan::{FilePlan, FileState};
use crate::pipeline::task::{Task, Work};
use crate::store::{self, Store};

/// Parts read at once.
const PAGE: u32 = 5_000;

/// Whether files of `task` may have gaps.
pub fn may_be(task: &Task) -> bool {
    match &task.work {
        Work::Speech(work) => work.on_missing == OnMissing::Silence,
        Work::Transcription(_) => false,
    }
}

/// How many parts of the file made by `parent` failed. What a person cancelled is not missed.
pub async fn of(store: &Store, parent: JobId) -> Result<u64, store::Error> {
    let (mut failed, mut after) = (0, None);
    loop {
        let page = store.parts(parent, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(failed);
        };
        after = Some(last.ordinal);
        let gaps = page.iter().filter(|part| part.state == JobState::Failed);
        failed += u64::try_from(gaps.count()).unwrap_or(u64::MAX);
    }
}

/// Notes that `file`, which is done, was made without all of its parts.
pub(super) async fn note(
    store: &Store,
    task: &Task,
    parent: ContentKey,
    file: &mut FilePlan,
) -> Result<(), store::Error> {
    if file.state != FileState::Done || !may_be(task) {
        return Ok(());
    }
    if let Some(found) = store.parent_by_key(parent).await? {
        file.gaps = of(store, found.id).await?;
    }
    if file.gaps > 0 {
        file.add_note(format!(
            "made with {}; `voicespool retry FILE` tries them again, `voicespool cancel --state failed --all` takes it as it is",
            counted(file.gaps, "gap")
        ));
    }
    Ok(())
}
