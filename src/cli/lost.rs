//! Kept answers that are not what was bought any more: missing, or with other bytes.

use crate::cli::context::Context;
use crate::cli::ledger::PAGE;
use crate::domain::{JobId, JobKind, JobState};
use crate::store::{Filter, Store};

/// The jobs whose answers are lost, among those of the files that `filter` means and that are to
/// be made again.
pub(crate) async fn of_files(
    context: &Context,
    store: &Store,
    filter: &Filter,
) -> anyhow::Result<Vec<JobId>> {
    let files = Filter {
        states: vec![JobState::Failed],
        kinds: vec![JobKind::Assemble, JobKind::Compose],
        ..filter.clone()
    };
    let mut jobs = Vec::new();
    if !filter.states.contains(&JobState::Failed) {
        return Ok(jobs);
    }
    let mut after = None;
    loop {
        let page = store.jobs(&files, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(jobs);
        };
        after = Some(last.id);
        for file in page {
            of_file(context, store, file.id, &mut jobs).await?;
        }
    }
}

async fn of_file(
    context: &Context,
    store: &Store,
    file: JobId,
    jobs: &mut Vec<JobId>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = store.parts(file, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.ordinal);
        let objects = context.objects();
        let completed = page
            .into_iter()
            .filter(|part| part.state == JobState::Completed);
        let kept: Vec<_> = completed
            .filter_map(|part| Some((part.child, part.key, part.sha256?)))
            .collect();
        let found = tokio::task::spawn_blocking(move || objects.lost(kept)).await??;
        jobs.extend(found);
    }
}
