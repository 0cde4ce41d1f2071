//! `status`: where the queue stands, what it cost, and why it is not faster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::commands::pause;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::money::{Funds, money_json, money_lines};
use crate::cli::summary::{self, utc};
use crate::cli::term;
use crate::config::Overrides;
use crate::domain::units::grouped;
use crate::domain::{GateId, JobKind, JobState};
use crate::store::{Count, GateRow, RunLock, RunRow};

pub(crate) async fn run(global: &Global) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let Some(store) = context.look().await? else {
        if context.json {
            term::outln(&json!({"type": "status", "queue": null}).to_string())?;
        } else {
            term::outln("no queue yet: nothing was ever run here")?;
            term::say(if context.one_shots {
                "hint: voicespool tts \"Hello.\" -o hello.wav"
            } else {
                "hint: voicespool plan"
            });
        }
        return Ok(Exit::Ok);
    };
    let counts = store.counts().await?;
    let funds = Funds::of(&context, Some(&store)).await?;
    let pauses = store.pauses().await?;
    let gates = store.gates().await?;
    let last = summary::all_runs(&store).await?.pop();
    let running = RunLock::holder(&context.settings.places.state)?;
    store.close().await?;
    if context.json {
        let status = json!({
            "type": "status", "running": running.as_ref().map(ToString::to_string), "money": money_json(&funds.queue),
            "today": funds.today_json(), "pauses": pauses.iter().map(pause::pause_json).collect::<Vec<_>>(),
            "jobs": counts.iter().map(|count| json!({
                "task": count.task, "kind": count.kind, "state": count.state, "jobs": count.jobs, "quantity": count.quantity,
            })).collect::<Vec<_>>(),
            "gates": gates.iter().map(gate_json).collect::<Vec<_>>(),
            "last_run": last.as_ref().map(run_json),
        });
        term::outln(&status.to_string())?;
        return Ok(Exit::Ok);
    }
    term::outln(&text(&counts, &funds, last.as_ref()))?;
    for paused in &pauses {
        term::outln(&pause::line(paused))?;
    }
    match &running {
        Some(holder) => term::outln(&format!("running  {holder}"))?,
        None => term::outln(&format!(
            "running  no{}",
            next_step(&counts, context.one_shots)
        ))?,
    }
    for line in why_not_faster(&counts, &gates, running.is_some()) {
        term::outln(&line)?;
    }
    Ok(Exit::Ok)
}

fn text(counts: &[Count], funds: &Funds, last: Option<&RunRow>) -> String {
    let mut tasks: BTreeMap<(&str, JobKind), BTreeMap<JobState, u64>> = BTreeMap::new();
    for count in counts {
        *tasks
            .entry((&count.task, count.kind))
            .or_default()
            .entry(count.state)
            .or_default() += count.jobs;
    }
    let mut lines = Vec::new();
    for ((task, kind), states) in &tasks {
        let words: Vec<_> = states
            .iter()
            .map(|(state, jobs)| format!("{} {state}", grouped(*jobs)))
            .collect();
        lines.push(format!(
            "{:<20} {kind:<11} {}",
            term::clean(task),
            words.join(", ")
        ));
    }
    lines.push(String::new());
    lines.extend(money_lines(&funds.queue));
    lines.extend(funds.today_line());
    if let Some(run) = last {
        let end = match (run.finished_at, run.exit_code) {
            (Some(at), Some(code)) => format!("ended {} with exit code {code}", utc(at)),
            _ => "has not ended, or was killed".to_owned(),
        };
        lines.push(format!(
            "last run {} started {}, {end}",
            run.id,
            utc(run.started_at)
        ));
    }
    lines.join("\n")
}

fn next_step(counts: &[Count], one_shots: bool) -> &'static str {
    let any = |wanted: fn(JobState) -> bool| {
        counts
            .iter()
            .any(|count| count.jobs > 0 && wanted(count.state))
    };
    if any(|state| {
        matches!(
            state,
            JobState::Available | JobState::Scheduled | JobState::Leased | JobState::Sent
        )
    }) {
        if one_shots {
            "; the same command, typed again, goes on"
        } else {
            "; `voicespool run` goes on"
        }
    } else if any(|state| matches!(state, JobState::Failed | JobState::Held)) {
        "; `voicespool ls --state failed` (or held) shows what needs you"
    } else {
        ""
    }
}

/// In words, from what the queue knows: a person wants a reason, not a gauge.
fn why_not_faster(counts: &[Count], gates: &[GateRow], running: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in gates {
        let here = |state| {
            counts
                .iter()
                .filter(|count| count.gate == gate.id && count.state == state)
                .map(|count| count.jobs)
                .sum::<u64>()
        };
        let (ready, later, sent) = (
            here(JobState::Available),
            here(JobState::Scheduled),
            here(JobState::Sent),
        );
        let name = format!(
            "{} at {}",
            term::clean(&gate.model),
            term::clean(&gate.endpoint)
        );
        if ready + later + sent == 0 || gate.id == GateId::LOCAL {
            continue;
        }
        if let Some((since, why)) = &gate.paused {
            lines.push(format!(
                "why not faster?  {name} is paused since {}: {}",
                utc(*since),
                term::clean(why)
            ));
        } else if !running {
            lines.push(format!(
                "why not faster?  nothing runs; {} wait for {name}",
                grouped(ready + later)
            ));
        } else if later > ready {
            lines.push(format!(
                "why not faster?  {} wait for their next try at {name}",
                grouped(later)
            ));
        } else if let Some((rate, _)) = gate.rate {
            lines.push(format!("why not faster?  {name} was seen to take {rate:.1} requests a second; {} in flight", grouped(sent)));
        } else {
            lines.push(format!(
                "why not faster?  {} in flight at {name}; more with -j or [run] workers",
                grouped(sent)
            ));
        }
    }
    lines
}

fn gate_json(gate: &GateRow) -> Value {
    json!({
        "endpoint": gate.endpoint, "model": gate.model, "learned_rate": gate.rate.map(|(rate, _)| rate),
        "paused": gate.paused.as_ref().map(|(_, why)| why),
    })
}

pub(crate) fn run_json(run: &RunRow) -> Value {
    json!({
        "run": run.id, "pid": run.pid, "host": run.host, "version": run.version, "command": run.command,
        "started_at": utc(run.started_at), "finished_at": run.finished_at.map(utc), "exit_code": run.exit_code,
        "money": money_json(&run.money),
    })
}
