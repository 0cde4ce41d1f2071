//! How a run is going: a fold over its events, shown as a bar on a terminal, as one line
//! a minute elsewhere, as JSON lines with `--json`.

pub(crate) mod tally;

mod folded;
mod line;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::cli::progress::folded::Folded;
use crate::cli::progress::line::{line, message};
use crate::cli::progress::tally::{Expected, Tally};
use crate::cli::record::event::{GateChange, Progress, with_record};
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::worker::{Clock, Event, Pulse, Told};

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
    mut events: UnboundedReceiver<Told>,
    style: Style,
    expected: Expected,
    clock: Clock,
) -> Tally {
    let mut tally = Tally::default();
    let started = Instant::now();
    let bar = bar(style, expected);
    let mut folded = Folded::default();
    let mut lines = tokio::time::interval_at(started + LINE_EVERY, LINE_EVERY);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = lines.tick() => {
                match style {
                    Style::Lines | Style::Few => term::say(&line(&tally, expected, started.elapsed())),
                    Style::Json => {
                        let at = clock.now();
                        drop(record::print(&Record::Progress(&Progress::of(&tally, expected, at))));
                    }
                    Style::Bar | Style::Quiet => {}
                }
                continue;
            }
        };
        let Some(told) = event else { break };
        if let Event::Pulse(pulse) = &told.event {
            announce_gates(pulse, tally.pulse.as_ref(), style);
        } else {
            announce(&told, style, bar.as_ref(), &mut folded);
        }
        tally.take(&told.event);
        if let Some(bar) = &bar {
            bar.set_position(tally.requests);
            bar.set_message(message(&tally, expected));
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    for line in folded.lines() {
        term::say(&line);
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
            Style::Json => {
                let change = GateChange::of(gate, pulse.at);
                drop(record::print(&Record::Gate(&change)));
            }
            Style::Lines | Style::Few if now == "circuit" || before == Some("circuit") => {
                term::say(&term::clean(&format!("{}: {words}", gate.name)));
            }
            Style::Lines | Style::Few | Style::Bar | Style::Quiet => {}
        }
    }
}

/// Says at once what a person would want to know at once, and the same only once; everything with
/// `--json`.
fn announce(told: &Told, style: Style, bar: Option<&ProgressBar>, folded: &mut Folded) {
    if style == Style::Json {
        // A closed stdout ends the talk, not the run.
        let _ = with_record(told, record::print);
        return;
    }
    let Some(text) = words(&told.event, style) else {
        return;
    };
    if !folded.is_new(&told.event) {
        return;
    }
    let text = term::clean(&text);
    match bar {
        Some(bar) => bar.suspend(|| term::say(&text)),
        None => term::say(&text),
    }
}

/// An event in words, if a person wants to know of it at once.
fn words(event: &Event, style: Style) -> Option<String> {
    let text = match event {
        Event::Failed {
            job, class, detail, ..
        } => format!("job {job} failed ({class}): {detail}"),
        Event::RefusedAlike {
            task,
            detail,
            requests,
            jobs,
        } => format!(
            "task {task}: the first {requests} requests were refused in the same words and none was answered; \
             nothing more of it is sent, and no job failed ({} left): {detail}",
            term::count(*jobs, "job"),
        ),
        Event::InDoubt { job, cost, .. } => format!(
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
        Event::Note(text) => text.clone(),
        Event::Retry {
            class,
            detail,
            wait,
            ..
        } if style == Style::Few => {
            format!("trying again in {} ({class}): {detail}", term::span(*wait))
        }
        Event::Sent { .. } | Event::Completed { .. } | Event::Retry { .. } | Event::Pulse(_) => {
            return None;
        }
    };
    Some(text)
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
