//! `show`: one job, its attempts and what came of it.

use serde_json::json;

use crate::cli::args::Global;
use crate::cli::commands::ls::job_json;
use crate::cli::context::Context;
use crate::cli::estimate::quantity;
use crate::cli::exit::{Exit, Failure};
use crate::cli::term::{self, utc};
use crate::config::Overrides;
use crate::domain::{JobId, JobKind};
use crate::store::{AttemptRow, JobRow, PartRow};

pub(crate) async fn run(global: &Global, job: i64) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.require_read_only().await?;
    let Some(row) = store.job(JobId(job)).await? else {
        return Err(Failure::new(Exit::Usage, format!("there is no job {job}"))
            .hint("voicespool ls")
            .into());
    };
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
    store.close().await?;
    if context.json {
        let mut value = job_json(&row);
        value["attempts"] = attempts.iter().map(attempt_json).collect();
        value["parts"] = parts
            .iter()
            .map(|part| json!({"ordinal": part.ordinal, "job": part.child, "state": part.state}))
            .collect();
        value["text"] = text.into();
        value["object"] = context.objects().path(row.key).to_string_lossy().into();
        term::outln(&value.to_string())?;
        return Ok(Exit::Ok);
    }
    print(&context, &row, &attempts, &parts, text.as_deref())?;
    Ok(Exit::Ok)
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
        row.state,
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
        term::outln(&format!("waits for job {} ({})", part.child, part.state))?;
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

fn attempt_json(attempt: &AttemptRow) -> serde_json::Value {
    json!({
        "attempt": attempt.attempt, "run": attempt.run, "sent_at": utc(attempt.sent_at), "finished_at": attempt.finished_at.map(utc),
        "cost": attempt.cost, "cost_nano": attempt.cost.0, "cost_status": attempt.cost_status, "quantity": attempt.quantity,
        "class": attempt.class, "detail": attempt.detail, "http_status": attempt.http_status, "request_id": attempt.request_id,
        "latency_s": attempt.latency.map(|time| time.as_secs_f64()), "first_byte_s": attempt.first_byte.map(|time| time.as_secs_f64()),
        "bytes": attempt.bytes, "delivery": attempt.delivery,
    })
}
