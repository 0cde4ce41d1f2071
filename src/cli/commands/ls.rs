//! `ls`: jobs, filtered.

use comfy_table::{Table, presets};

use crate::cli::args::{Global, LIMIT, LsArgs};
use crate::cli::context::Context;
use crate::cli::estimate::quantity;
use crate::cli::exit::Exit;
use crate::cli::record::job::Job;
use crate::cli::record::{self, Record};
use crate::cli::term::{self, utc};
use crate::cli::which;
use crate::config::Overrides;
use crate::domain::{JobId, Standing};
use crate::store::{Filter, JobRow};

pub(crate) async fn run(global: &Global, args: &LsArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.require_read_only().await?;
    let named = which::jobs(&context, &store, &args.names).await?;
    let (states, in_doubt) = args.state.map(Standing::state).unzip();
    let filter = Filter {
        states: states.into_iter().collect(),
        in_doubt: in_doubt.flatten(),
        task: args.task.clone(),
        kinds: args.kind.into_iter().collect(),
        flagged: args.flagged,
        ids: which::with_parts(&store, named).await?,
        ..Filter::default()
    };
    let jobs = store
        .jobs(&filter, Some(JobId(args.after)), args.limit)
        .await?;
    store.close().await?;
    if context.json {
        for job in &jobs {
            record::print(&Record::Job(&Job::of(job, None)))?;
        }
        return Ok(Exit::Ok);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "job", "state", "kind", "task", "quantity", "failures", "source", "why",
    ]);
    for job in &jobs {
        table.add_row([
            job.id.to_string(),
            job.standing().to_string(),
            job.kind.to_string(),
            term::clean(&job.spec.task),
            quantity(job.quantity),
            job.failures.to_string(),
            term::path(&job.source_path),
            term::clean(&why(job)),
        ]);
    }
    term::outln(&table.to_string())?;
    if jobs.len() == usize::try_from(args.limit).unwrap_or(usize::MAX)
        && let Some(last) = jobs.last()
    {
        term::say(&term::clean(&format!(
            "there may be more: voicespool ls{} --after {}",
            again(args),
            last.id
        )));
    }
    Ok(Exit::Ok)
}

/// What was typed to choose these jobs, to be typed again.
fn again(args: &LsArgs) -> String {
    let mut typed = vec![String::new()];
    typed.extend_from_slice(&args.names);
    let state = args.state.map(|state| format!("--state {state}"));
    let task = args.task.as_ref().map(|task| format!("--task {task}"));
    let kind = args.kind.map(|kind| format!("--kind {kind}"));
    let limit = (args.limit != LIMIT).then(|| format!("--limit {}", args.limit));
    let flagged = args.flagged.then(|| "--flagged".to_owned());
    typed.extend([state, task, kind, flagged, limit].into_iter().flatten());
    typed.join(" ")
}

fn why(job: &JobRow) -> String {
    match (&job.class, &job.detail, job.not_before) {
        (Some(class), Some(detail), _) => format!("{class}: {detail}"),
        (Some(class), None, _) => class.to_string(),
        (None, _, Some(at)) => format!("not before {}", utc(at)),
        (None, detail, None) => detail.clone().unwrap_or_default(),
    }
}
