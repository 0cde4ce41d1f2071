//! How a run is going: a fold over its events, shown as a bar on a terminal, as one line
//! a minute elsewhere, as JSON lines with `--json`.

pub(crate) mod tally;

mod line;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::cli::progress::line::{line, message};
use crate::cli::progress::tally::{Expected, Tally};
use crate::cli::term;
use crate::domain::{AudioMillis, NanoUsd};
use crate::worker::{Charge, Clock, Event, Pulse};

/// How often a line is written where no bar can be.
const LINE_EVERY: Duration = Duration::from_mins(1);

/// How to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bar,
    Lines,
    /// Few requests, and somebody waits for them: as `Lines`, and every retry is told.
    Few,
    Json,
    Quiet,
}

/// Shows events until the run drops its sender; returns what happened.
pub(crate) async fn follow(
    mut events: UnboundedReceiver<Event>,
    style: Style,
    expected: Expected,
) -> Tally {
    let mut tally = Tally::default();
    let started = Instant::now();
    let bar = bar(style, expected);
    let mut lines = tokio::time::interval_at(started + LINE_EVERY, LINE_EVERY);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = lines.tick() => {
                match style {
                    Style::Lines | Style::Few => term::say(&line(&tally, expected, started.elapsed())),
                    Style::Json => drop(term::outln(&progress_json(&tally, expected).to_string())),
                    Style::Bar | Style::Quiet => {}
                }
                continue;
            }
        };
        let Some(event) = event else { break };
        if let Event::Pulse(pulse) = &event {
            announce_gates(pulse, tally.pulse.as_ref(), style);
        } else {
            announce(&event, style, bar.as_ref());
        }
        tally.take(&event);
        if let Some(bar) = &bar {
            bar.set_position(tally.requests);
            bar.set_message(message(&tally, expected));
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    tally
}

/// Tells programs of every change of a cause, and people of a circuit that opens or closes.
fn announce_gates(pulse: &Pulse, last: Option<&Pulse>, style: Style) {
    for gate in &pulse.gates {
        let before = last
            .and_then(|last| last.gates.iter().find(|before| before.gate == gate.gate))
            .map(|before| before.cause.code());
        let now = gate.cause.code();
        if before == Some(now) {
            continue;
        }
        let words = gate
            .cause
            .words(pulse.at, |at| Clock::time_of_day(at, pulse.at));
        match style {
            Style::Json => drop(term::outln(
                &json!({
                    "type": "gate", "gate": gate.gate, "name": gate.name, "cause": gate.cause, "words": words,
                    "rate": gate.per_second, "in_flight": gate.in_flight,
                })
                .to_string(),
            )),
            Style::Lines | Style::Few if now == "circuit" || before == Some("circuit") => {
                term::say(&term::clean(&format!("{}: {words}", gate.name)));
            }
            Style::Lines | Style::Few | Style::Bar | Style::Quiet => {}
        }
    }
}

/// Says at once what a person would want to know at once; everything with `--json`.
fn announce(event: &Event, style: Style, bar: Option<&ProgressBar>) {
    if style == Style::Json {
        // A closed stdout ends the talk, not the run.
        let _ = term::outln(&event_json(event).to_string());
        return;
    }
    let text = match event {
        Event::Failed {
            job, class, detail, ..
        } => format!("job {job} failed ({class}): {detail}"),
        Event::InDoubt { job, cost } => format!(
            "job {job} is in doubt: sent, no answer (at most {})",
            cost.display()
        ),
        Event::Stopping { why, in_flight } if *in_flight > 0 => {
            format!(
                "stopping: {why}; at most {} may finish (again to give up on them)",
                term::count((*in_flight).try_into().unwrap_or(u64::MAX), "request")
            )
        }
        Event::Stopping { why, .. } => format!("stopping: {why}"),
        Event::Paused { what } if what.is_empty() => "nothing is paused any more".to_owned(),
        Event::Paused { what } => format!(
            "paused: {}; requests in flight finish, `voicespool unpause` goes on",
            what.join(", ")
        ),
        Event::Warning(text) => format!("warning: {text}"),
        Event::Retry {
            class,
            detail,
            wait,
            ..
        } if style == Style::Few => {
            format!("trying again in {} ({class}): {detail}", term::span(*wait))
        }
        Event::Sent { .. } | Event::Completed { .. } | Event::Retry { .. } | Event::Pulse(_) => {
            return;
        }
    };
    let text = term::clean(&text);
    match bar {
        Some(bar) => bar.suspend(|| term::say(&text)),
        None => term::say(&text),
    }
}

fn progress_json(tally: &Tally, expected: Expected) -> serde_json::Value {
    json!({
        "type": "progress", "requests": tally.requests, "of": expected.requests, "files": tally.files,
        "retried": tally.retried, "failed": tally.failed, "in_doubt": tally.in_doubt,
        "spent": tally.spent, "reserved": tally.reserved, "wasted": tally.wasted,
        "in_doubt_cost": tally.doubted, "paused": tally.paused,
        "gates": tally.pulse.as_ref().map(|pulse| &pulse.gates),
    })
}

fn event_json(event: &Event) -> serde_json::Value {
    match event {
        Event::Sent { job, reserved } => {
            json!({"type": "job_sent", "job": job, "reserved": reserved})
        }
        Event::Completed {
            job,
            kind,
            charge,
            audio,
            latency,
            reused,
        } => json!({
            "type": "job_completed", "job": job, "kind": kind, "cost": cost_of(*charge), "audio_s": audio.map(AudioMillis::seconds),
            "latency_s": latency.map(|latency| latency.as_secs_f64()), "reused": reused,
        }),
        Event::Retry {
            job,
            class,
            detail,
            wait,
            charge,
        } => json!({
            "type": "job_retry", "job": job, "class": class, "detail": detail, "wait_s": wait.as_secs_f64(),
            "cost": charge.cost, "cost_status": charge.status,
        }),
        Event::Failed {
            job,
            kind,
            class,
            detail,
            charge,
        } => json!({
            "type": "job_failed", "job": job, "kind": kind, "class": class, "detail": detail, "cost": cost_of(*charge),
            "cost_status": charge.map(|charge| charge.status),
        }),
        Event::InDoubt { job, cost } => json!({"type": "job_in_doubt", "job": job, "cost": cost}),
        Event::Stopping { why, in_flight } => {
            json!({"type": "stopping", "why": why, "in_flight": in_flight})
        }
        Event::Paused { what } => json!({"type": "paused", "what": what}),
        Event::Pulse(pulse) => json!({"type": "gates", "gates": pulse.gates}),
        Event::Warning(text) => json!({"type": "warning", "text": text}),
    }
}

/// Nothing sent is nothing paid.
fn cost_of(charge: Option<Charge>) -> NanoUsd {
    charge.map_or(NanoUsd::ZERO, |charge| charge.cost)
}

fn bar(style: Style, expected: Expected) -> Option<ProgressBar> {
    if style != Style::Bar {
        return None;
    }
    let bar = ProgressBar::with_draw_target(
        Some(expected.requests),
        ProgressDrawTarget::stderr_with_hz(8),
    );
    let template = "{bar:24} {human_pos}/{human_len} {percent}%  {per_sec}  ETA {eta}  {msg}";
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.enable_steady_tick(Duration::from_secs(1));
    Some(bar)
}
