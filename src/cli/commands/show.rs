//! `show`: one job, its attempts and what came of it.

use crate::cli::args::Global;
use crate::cli::context::Context;
use crate::cli::estimate::quantity;
use crate::cli::exit::Exit;
use crate::cli::record::job::{Attempt, Details, Job, Part};
use crate::cli::record::{self, Record};
use crate::cli::term::{self, utc};
use crate::cli::which;
use crate::config::Overrides;
use crate::domain::{JobId, JobKind};
use crate::store::{AttemptRow, JobRow, PartRow, Store};

pub(crate) async fn run(global: &Global, name: &str) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.require_read_only().await?;
    let named = which::jobs(&context, &store, &[name.to_owned()]).await?;
    for row in wanted(&store, &named).await? {
        show(&context, &store, &row).await?;
    }
    store.close().await?;
    Ok(Exit::Ok)
}

/// Of each task the last of the jobs `named`: the others made earlier versions of the file.
async fn wanted(store: &Store, named: &[JobId]) -> anyhow::Result<Vec<JobRow>> {
    let mut wanted: Vec<JobRow> = Vec::new();
    for id in named {
        let Some(row) = store.job(*id).await? else {
            continue;
        };
        if !wanted.iter().any(|known| known.spec.task == row.spec.task) {
            wanted.push(row);
        }
    }
    Ok(wanted)
}

async fn show(context: &Context, store: &Store, row: &JobRow) -> anyhow::Result<()> {
    let attempts = store.attempts(row.id).await?;
    let parts = store.parts(row.id, None, 10_000).await?;
    let text = match (
        row.kind,
        store
            .source(row.source)
            .await?
            .and_then(|source| source.text),
        &row.span,
    ) {
        (JobKind::Speak, Some(key), Some(span)) => {
            context.objects().read_text(key, span.clone()).ok()
        }
        _ => None,
    };
    if context.json {
        let details = Details {
            attempts: attempts.iter().map(Attempt::of).collect(),
            parts: parts.iter().map(Part::of).collect(),
            text,
            object: context.objects().path(row.key).to_string_lossy().into(),
        };
        record::print(&Record::Job(&Job::of(row, Some(details))))?;
        return Ok(());
    }
    print(context, row, &attempts, &parts, text.as_deref())
}

fn print(
    context: &Context,
    row: &JobRow,
    attempts: &[AttemptRow],
    parts: &[PartRow],
    text: Option<&str>,
) -> anyhow::Result<()> {
    term::outln(&format!(
        "job {}  {} {}  task {}",
        row.id,
        row.kind,
        row.standing(),
        term::clean(&row.spec.task)
    ))?;
    term::outln(&format!("source   {}", term::path(&row.source_path)))?;
    term::outln(&format!("quantity {}", quantity(row.quantity)))?;
    if let Some(class) = row.class {
        term::outln(&format!(
            "why      {class}: {}",
            term::clean(row.detail.as_deref().unwrap_or("no detail"))
        ))?;
    }
    if let Some(at) = row.not_before {
        term::outln(&format!("next try {}", utc(at)))?;
    }
    let object = context.objects().path(row.key);
    if row.kind.sends() && object.exists() {
        term::outln(&format!("answer   {}", object.display()))?;
    }
    for attempt in attempts {
        term::outln(&attempt_line(attempt))?;
    }
    for part in parts.iter().filter(|part| !part.state.is_final()).take(20) {
        term::outln(&format!(
            "waits for job {} ({})",
            part.child,
            part.standing()
        ))?;
    }
    if let Some(text) = text {
        term::outln(&format!("text     {}", term::clean(text)))?;
    }
    Ok(())
}

fn attempt_line(attempt: &AttemptRow) -> String {
    let mut line = format!(
        "attempt {} in run {}  {}  {} {}",
        attempt.attempt,
        attempt.run,
        utc(attempt.sent_at),
        attempt.cost.display(),
        attempt.cost_status
    );
    if let Some(status) = attempt.http_status {
        line.push_str(&format!("  status {status}"));
    }
    if let Some(delivery) = attempt.delivery {
        line.push_str(&format!("  {delivery}"));
    }
    if let Some(latency) = attempt.latency {
        line.push_str(&format!("  {}", term::span(latency)));
    }
    if let Some(first) = attempt.first_byte {
        line.push_str(&format!(" (first byte {})", term::span(first)));
    }
    if let Some(id) = &attempt.request_id {
        line.push_str(&format!("  request {}", term::clean(id)));
    }
    if let Some(class) = attempt.class {
        line.push_str(&format!(
            "  {class}: {}",
            term::clean(attempt.detail.as_deref().unwrap_or(""))
        ));
    }
    line
}
