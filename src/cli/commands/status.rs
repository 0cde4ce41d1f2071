//! `status`: where the queue stands, what it cost, and why it is not faster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::commands::pause;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ledger;
use crate::cli::money::{Funds, money_json, money_lines};
use crate::cli::term::{self, utc};
use crate::config::{Limits, Overrides};
use crate::domain::units::grouped;
use crate::domain::{GateId, JobKind, JobState, UtcMillis};
use crate::pipeline::task::Learnt;
use crate::store::{self, Count, GateRow, RunLock, RunRow, board};
use crate::worker::pulse::{FRESH_FOR, GatePulse};
use crate::worker::{Cause, Clock, Pulse, why};

pub(crate) async fn run(global: &Global) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let Some(store) = context.open_read_only().await? else {
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
    let funds = context.funds(Some(&store)).await?;
    let pauses = store.pauses().await?;
    let gates = store.gates().await?;
    let last = ledger::all_runs(&store).await?.pop();
    let running = RunLock::holder(&context.settings.places.state)?;
    store.close().await?;
    let now = context.clock.now();
    let pulse = pulse(&context, last.as_ref(), running.is_some(), now)?;
    let standings = standings(&counts, &gates, pulse.as_ref(), running.is_some());
    let limits = |row: &GateRow| context.limits(&row.endpoint, &row.model);
    let learned = |row: &GateRow| context.learned(&row.endpoint, &row.model);
    if context.json {
        let status = json!({
            "type": "status", "running": running.as_ref().map(ToString::to_string), "money": money_json(&funds.queue),
            "today": funds.today_json(), "pauses": pauses.iter().map(pause::pause_json).collect::<Vec<_>>(),
            "jobs": counts.iter().map(|count| json!({
                "task": count.task, "kind": count.kind, "state": count.state, "jobs": count.jobs, "quantity": count.quantity,
            })).collect::<Vec<_>>(),
            "gates": standings.iter().map(|one| gate_json(one, &limits(one.row), &learned(one.row), now)).collect::<Vec<_>>(),
            "gates_as_of": pulse.as_ref().filter(|_| running.is_some()).map(|pulse| term::utc(pulse.at)),
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
    if running.is_some() && pulse.is_none() {
        term::outln("gates    the run has not said yet how they stand")?;
    }
    for standing in &standings {
        for line in gate_lines(standing, &limits(standing.row), &learned(standing.row), now) {
            term::outln(&line)?;
        }
    }
    Ok(Exit::Ok)
}

/// What the last run said last, if it is about now: of a live run only a fresh note, and
/// none of a run before the last.
fn pulse(
    context: &Context,
    last: Option<&RunRow>,
    running: bool,
    now: UtcMillis,
) -> Result<Option<Pulse>, store::Error> {
    let pulse: Option<Pulse> = board::look_at(&context.settings.places.state)?;
    Ok(pulse.filter(|pulse| {
        last.is_some_and(|last| last.id == pulse.run)
            && (!running || now.since(pulse.at) <= FRESH_FOR)
    }))
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

/// One gate as it stands: from the run at work if there is one, else from the queue.
struct Standing<'a> {
    row: &'a GateRow,
    cause: Cause,
    live: Option<&'a GatePulse>,
}

/// Gates with work, or with something to say.
fn standings<'a>(
    counts: &[Count],
    gates: &'a [GateRow],
    pulse: Option<&'a Pulse>,
    running: bool,
) -> Vec<Standing<'a>> {
    let mut standings = Vec::new();
    for row in gates {
        let live = pulse
            .filter(|_| running)
            .and_then(|pulse| pulse.gates.iter().find(|gate| gate.gate == row.id));
        let waiting = counts
            .iter()
            .filter(|count| count.gate == row.id && is_open(count.state))
            .map(|count| count.jobs)
            .sum();
        let cause = match live {
            Some(live) => live.cause.clone(),
            None if running && row.paused.is_none() => continue,
            None => {
                let stop = pulse.and_then(|pulse| pulse.stop.clone());
                why::at_rest(waiting, row.paused.clone(), stop)
            }
        };
        // The local gate has no limits: it is worth a line while it joins.
        if row.id != GateId::LOCAL || live.is_some() || waiting > 0 {
            standings.push(Standing { row, cause, live });
        }
    }
    standings
}

fn is_open(state: JobState) -> bool {
    matches!(
        state,
        JobState::Available | JobState::Scheduled | JobState::Leased | JobState::Sent
    )
}

fn name(row: &GateRow) -> String {
    if row.id == GateId::LOCAL {
        return "this machine".to_owned();
    }
    term::clean(&format!("{} at {}", row.model, row.endpoint))
}

/// Two lines a gate: what it may do, and why it does not do more.
fn gate_lines(
    standing: &Standing<'_>,
    limits: &Limits,
    learned: &[Learnt],
    now: UtcMillis,
) -> Vec<String> {
    let mut allowed: Vec<String> = limit_words(limits);
    let words = |learnt: &Learnt| format!("{} ({})", learnt.lesson, learnt.from);
    allowed.extend(learned.iter().map(words));
    if let Some(live) = standing.live
        && let Some(pace) = live.per_second
    {
        allowed.push(format!("pace {pace:.1}/s"));
    } else if let Some((rate, at)) = standing.row.rate {
        let ago = term::span(now.since(at));
        allowed.push(format!("learned {rate:.1}/s {ago} ago"));
    }
    let mut lines = vec![format!("gate     {}", name(standing.row))];
    if !allowed.is_empty() && standing.row.id != GateId::LOCAL {
        lines[0].push_str(&format!(": {}", allowed.join(", ")));
    }
    let words = standing.cause.words(now, |at| Clock::time_of_day(at, now));
    lines.push(format!("         why not faster? {}", term::clean(&words)));
    lines
}

/// The user's ceilings, in words.
pub(crate) fn limit_words(limits: &Limits) -> Vec<String> {
    [
        (limits.requests_per_minute, "requests/min"),
        (limits.chars_per_minute, "characters/min"),
        (limits.audio_seconds_per_minute, "audio seconds/min"),
        (limits.concurrency, "at once"),
    ]
    .into_iter()
    .filter_map(|(limit, unit)| Some(format!("{} {unit}", grouped(u64::from(limit?.get())))))
    .collect()
}

fn gate_json(
    standing: &Standing<'_>,
    limits: &Limits,
    learned: &[Learnt],
    now: UtcMillis,
) -> Value {
    let row = standing.row;
    json!({
        "endpoint": row.endpoint, "model": row.model,
        "cause": standing.cause, "words": standing.cause.words(now, term::utc),
        "limits": {
            "requests_per_minute": limits.requests_per_minute, "chars_per_minute": limits.chars_per_minute,
            "audio_seconds_per_minute": limits.audio_seconds_per_minute, "concurrency": limits.concurrency,
        },
        "rate": standing.live.and_then(|live| live.per_second),
        "in_flight": standing.live.map(|live| live.in_flight),
        "throttled": standing.live.map(|live| live.throttled),
        "overloaded": standing.live.map(|live| live.overloaded),
        "learned_rate": row.rate.map(|(rate, _)| rate), "learned_at": row.rate.map(|(_, at)| term::utc(at)),
        "learned": learned.iter().map(|learnt| &learnt.lesson).collect::<Vec<_>>(),
        "paused": row.paused.as_ref().map(|(_, why)| why),
    })
}

pub(crate) fn run_json(run: &RunRow) -> Value {
    json!({
        "run": run.id, "pid": run.pid, "host": run.host, "version": run.version, "command": run.command,
        "started_at": utc(run.started_at), "finished_at": run.finished_at.map(utc), "exit_code": run.exit_code,
        "money": money_json(&run.money),
    })
}
