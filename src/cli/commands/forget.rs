//! `forget`: the queue speaks no more of a file. What was paid for stays.

use std::collections::BTreeSet;

use crate::cli::args::{ForgetArgs, Global};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::queue::Selection;
use crate::cli::record::{self, Record};
use crate::cli::{recovery, term, which};
use crate::config::Overrides;
use crate::store::{Reopened, refused};

pub(crate) async fn run(global: &Global, args: &ForgetArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    context.require_queue().await?;
    let _lock = context.lock()?;
    let store = context.open().await?;
    // What was on the wire at a crash is put back first: it would be sent again by the next run.
    recovery::put_right(&context, &store).await?;
    let state = &context.settings.places.state;
    let mut refused = refused::recall(state)?;
    let mut jobs = 0;
    let mut still_there = Vec::new();
    for name in &args.files {
        let path = which::stored(&context, name)?;
        let shown = String::from_utf8_lossy(&path).into_owned();
        let known = which::of_path(&store, &path).await?;
        let before = refused.len();
        refused.retain(|file| file.source != shown);
        if known.is_empty() && refused.len() == before {
            return Err(
                Failure::new(Exit::Usage, format!("the queue knows no file `{name}`"))
                    .hint("voicespool ls")
                    .into(),
            );
        }
        let tasks: BTreeSet<&str> = known.iter().map(|job| &*job.spec.task).collect();
        for task in tasks {
            jobs += store.forget(task, &path, context.clock.now()).await?;
        }
        if context.settings.places.input(&path).exists() {
            still_there.push(shown);
        }
    }
    refused::note(state, refused)?;
    store.close().await?;
    if context.json {
        let moved = Reopened {
            jobs,
            ..Reopened::default()
        };
        record::print(&Record::Forget(&Selection::of(&moved, None, true)))?;
        return Ok(Exit::Ok);
    }
    term::outln(&format!(
        "forget: {}, {} left the queue; what was paid for stays on the bill and is used again",
        term::count(u64::try_from(args.files.len()).unwrap_or(u64::MAX), "file"),
        term::count(jobs, "job")
    ))?;
    for file in &still_there {
        term::say(&term::clean(&format!(
            "note: {file} is still there; where `input` matches it the next run takes it up again"
        )));
    }
    Ok(Exit::Ok)
}
