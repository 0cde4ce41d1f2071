//! A command that is typed again: what failed or was cancelled is taken up again.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::domain::{JobId, JobKind, JobState};
use crate::pipeline::task::Task;
use crate::store::{Filter, Store};

/// Parts of a file read at once.
const PAGE: u32 = 5_000;

/// Whoever types a command again that failed, or that was cancelled, wants it done. What is
/// held is not touched: that is for a person to say.
pub(super) async fn take_up_again(
    context: &Context,
    store: &Store,
    tasks: &[Arc<Task>],
    paths: &[PathBuf],
) -> anyhow::Result<()> {
    let given_up = vec![JobState::Failed, JobState::Cancelled];
    for task in tasks {
        let parents = Filter {
            states: given_up.clone(),
            task: Some(task.name.clone()),
            kinds: vec![JobKind::Assemble, JobKind::Compose],
            ..Filter::default()
        };
        let mut after = None;
        loop {
            let page = store.jobs(&parents, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for parent in page {
                let is_wanted = paths
                    .iter()
                    .any(|path| context.settings.places.stored(path) == parent.source_path);
                if is_wanted {
                    retry(context, store, parent.id, &given_up).await?;
                }
            }
        }
    }
    Ok(())
}

/// Takes up the lost parts of `parent`, or `parent` itself when it has none.
async fn retry(
    context: &Context,
    store: &Store,
    parent: JobId,
    given_up: &[JobState],
) -> anyhow::Result<()> {
    let (mut given, mut after) = (Vec::new(), None);
    loop {
        let page = store.parts(parent, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.ordinal);
        let parts = page.iter().filter(|part| given_up.contains(&part.state));
        given.extend(parts.map(|part| part.child));
    }
    if given.is_empty() {
        given.push(parent);
    }
    let filter = Filter {
        states: given_up.to_vec(),
        ids: given,
        ..Filter::default()
    };
    store.retry(&filter, context.clock.now()).await?;
    Ok(())
}
