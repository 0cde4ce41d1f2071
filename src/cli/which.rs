//! Jobs as people name them: by number, or by the path of an input file. In every command alike, and
//! a file stands for its parts.

use std::path::Path;

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::ledger::PAGE;
use crate::domain::{JobId, JobKind};
use crate::store::{Filter, JobRow, Store};

/// What `names` mean: of a path the jobs that make its files, the last version first.
///
/// # Errors
/// When one means nothing.
pub(crate) async fn jobs(
    context: &Context,
    store: &Store,
    names: &[String],
) -> anyhow::Result<Vec<JobId>> {
    let mut ids = Vec::new();
    for name in names {
        let number: Option<i64> = name.parse().ok();
        if let Some(number) = number
            && store.job(JobId(number)).await?.is_some()
        {
            ids.push(JobId(number));
            continue;
        }
        let found = of_path(store, &stored(context, name)?).await?;
        if found.is_empty() {
            let what = match number {
                Some(number) => format!("there is no job {number}"),
                None => format!("the queue knows no file `{name}`"),
            };
            return Err(Failure::new(Exit::Usage, what).hint("voicespool ls").into());
        }
        ids.extend(found.iter().map(|job| job.id));
    }
    Ok(ids)
}

/// `files` with the parts of those that have any.
pub(crate) async fn with_parts(store: &Store, files: Vec<JobId>) -> anyhow::Result<Vec<JobId>> {
    let mut ids = files.clone();
    for file in files {
        let mut after = None;
        loop {
            let page = store.parts(file, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.ordinal);
            ids.extend(page.iter().map(|part| part.child));
        }
    }
    Ok(ids)
}

/// The jobs that make the files of the input the queue knows as `path`, the last version first.
pub(crate) async fn of_path(store: &Store, path: &[u8]) -> anyhow::Result<Vec<JobRow>> {
    let filter = Filter {
        path: Some(path.to_vec()),
        kinds: vec![JobKind::Assemble, JobKind::Compose],
        ..Filter::default()
    };
    let mut jobs = store.jobs(&filter, None, PAGE).await?;
    jobs.reverse();
    Ok(jobs)
}

/// A path as it is typed, as the queue knows it: from the working folder, or as `ls` shows it.
///
/// # Errors
/// When it is no path at all.
pub(crate) fn stored(context: &Context, name: &str) -> Result<Vec<u8>, Failure> {
    let places = &context.settings.places;
    let typed = std::path::absolute(Path::new(name)).map_err(|error| {
        Failure::from_error(Exit::Usage, &error)
            .detail(format!("`{name}` names no job and no file"))
    })?;
    // A working folder has no links in its name, and a project's may.
    let real = typed.canonicalize();
    let typed = real.as_deref().unwrap_or(&typed);
    Ok(match typed.strip_prefix(&places.root) {
        Ok(relative) => relative.as_os_str().as_encoded_bytes().to_vec(),
        Err(_) if Path::new(name).is_relative() => name.as_bytes().to_vec(),
        Err(_) => places.stored(typed),
    })
}
