//! `status`: where the queue stands, what it cost, and why it is not faster.

use std::collections::BTreeMap;

use crate::cli::args::Global;
use crate::cli::commands::pause;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ledger;
use crate::cli::money::{Funds, money_lines};
use crate::cli::record::money::{Money, Today};
use crate::cli::record::{self, Record, queue};
use crate::cli::term::{self, utc};
use crate::config::{Limits, Overrides};
use crate::domain::units::grouped;
use crate::domain::{GateId, JobKind, JobState, Standing, UtcMillis};
use crate::pipeline::task::Learnt;
use crate::store::{
    self, Count, GateRow, Holder, PauseRow, RunLock, RunRow, Store, board, refused,
};
use crate::worker::pulse::{FRESH_FOR, GatePulse};
use crate::worker::{Cause, Clock, Pulse, why};

pub(crate) async fn run(global: &Global) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let Some(store) = context.open_read_only().await? else {
        return no_queue(&context).await;
    };
    let seen = Seen::read(&context, &store).await;
    store.close().await?;
    let seen = seen?;
    let now = context.clock.now();
    if context.json {
        record::print(&Record::Status(&record_of(&context, &seen, now)))?;
        return Ok(Exit::Ok);
    }
    term::outln(&text(&seen.counts, &seen.funds, seen.last.as_ref()))?;
    if seen.refused > 0 {
        term::outln(&format!(
            "refused  {} (`voicespool plan` says why)",
            term::count(seen.refused, "file")
        ))?;
    }
    for paused in &seen.pauses {
        term::outln(&pause::line(paused))?;
    }
    match &seen.running {
        Some(holder) => term::outln(&format!("running  {holder}"))?,
        None => term::outln(&format!(
            "running  no{}",
            next_step(&seen.counts, context.one_shots)
        ))?,
    }
    if seen.running.is_some() && seen.pulse.is_none() {
        term::outln("gates    the run has not said yet how they stand")?;
    }
    for gate in &gates_now(&seen) {
        for line in gate_lines(&context, gate, now) {
            term::outln(&line)?;
        }
    }
    Ok(Exit::Ok)
}

async fn no_queue(context: &Context) -> anyhow::Result<Exit> {
    if context.json {
        let funds = context.funds(None).await?;
        record::print(&Record::Status(&queue::Status {
            queue: None,
            running: None,
            money: Money::of(&funds.queue),
            today: Today::of(&funds),
            pauses: Vec::new(),
            refused: 0,
            jobs: Vec::new(),
            gates: Vec::new(),
            gates_as_of: None,
            last_run: None,
        }))?;
        return Ok(Exit::Ok);
    }
    term::outln("no queue yet: nothing was ever run here")?;
    term::say(if context.one_shots {
        "hint: voicespool tts \"Hello.\" -o hello.wav"
    } else {
        "hint: voicespool plan"
    });
    Ok(Exit::Ok)
}

/// Everything `status` shows, read at one moment.
struct Seen {
    counts: Vec<Count>,
    funds: Funds,
    pauses: Vec<PauseRow>,
    /// Files that the last plan of a run could not take.
    refused: u64,
    gates: Vec<GateRow>,
    last: Option<RunRow>,
    running: Option<Holder>,
    pulse: Option<Pulse>,
}

impl Seen {
    async fn read(context: &Context, store: &Store) -> anyhow::Result<Self> {
        let last = ledger::all_runs(store).await?.pop();
        let running = RunLock::holder(&context.settings.places.state)?;
        let now = context.clock.now();
        Ok(Self {
            counts: store.counts().await?,
            funds: context.funds(Some(store)).await?,
            pauses: store.pauses().await?,
            refused: u64::try_from(refused::recall(&context.settings.places.state)?.len())
                .unwrap_or(u64::MAX),
            gates: store.gates().await?,
            pulse: pulse(context, last.as_ref(), running.is_some(), now)?,
            last,
            running,
        })
    }
}

fn record_of(context: &Context, seen: &Seen, now: UtcMillis) -> queue::Status {
    let gates = gates_now(seen);
    let live = seen.pulse.as_ref().filter(|_| seen.running.is_some());
    queue::Status {
        queue: Some(context.queue().to_string_lossy().into_owned()),
        running: seen.running.as_ref().map(ToString::to_string),
        money: Money::of(&seen.funds.queue),
        today: Today::of(&seen.funds),
        pauses: seen.pauses.iter().map(queue::Pause::of).collect(),
        refused: seen.refused,
        jobs: seen.counts.iter().map(queue::Count::of).collect(),
        gates: gates
            .iter()
            .map(|gate| gate_record(context, gate, now))
            .collect(),
        gates_as_of: live.map(|pulse| utc(pulse.at)),
        last_run: seen.last.as_ref().map(queue::Run::of),
    }
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
    let mut tasks: BTreeMap<(&str, JobKind), BTreeMap<Standing, u64>> = BTreeMap::new();
    for count in counts {
        *tasks
            .entry((&count.task, count.kind))
            .or_default()
            .entry(count.standing())
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
        "; `voicespool ls --state failed` (or in_doubt, or held) shows what needs you"
    } else {
        ""
    }
}

/// One gate as it stands: from the run at work if there is one, else from the queue.
struct GateNow<'a> {
    row: &'a GateRow,
    cause: Cause,
    live: Option<&'a GatePulse>,
}

/// Gates with work, or with something to say.
fn gates_now(seen: &Seen) -> Vec<GateNow<'_>> {
    let (pulse, running) = (seen.pulse.as_ref(), seen.running.is_some());
    let mut gates = Vec::new();
    for row in &seen.gates {
        let live = pulse
            .filter(|_| running)
            .and_then(|pulse| pulse.gates.iter().find(|gate| gate.gate == row.id));
        let waiting = seen
            .counts
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
            gates.push(GateNow { row, cause, live });
        }
    }
    gates
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
fn gate_lines(context: &Context, gate: &GateNow<'_>, now: UtcMillis) -> Vec<String> {
    let row = gate.row;
    let learned = context.learned(&row.endpoint, &row.model);
    let mut allowed: Vec<String> = limit_words(&context.limits(&row.endpoint, &row.model));
    let words = |learnt: &Learnt| format!("{} ({})", learnt.lesson, learnt.from);
    allowed.extend(learned.iter().map(words));
    if let Some(live) = gate.live
        && let Some(pace) = live.per_second
    {
        allowed.push(format!("pace {pace:.1}/s"));
    } else if let Some((rate, at)) = gate.row.rate {
        let ago = term::span(now.since(at));
        allowed.push(format!("learned {rate:.1}/s {ago} ago"));
    }
    let mut lines = vec![format!("gate     {}", name(gate.row))];
    if !allowed.is_empty() && gate.row.id != GateId::LOCAL {
        lines[0].push_str(&format!(": {}", allowed.join(", ")));
    }
    let words = gate.cause.words(now, |at| Clock::time_of_day(at, now));
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

fn gate_record(context: &Context, gate: &GateNow<'_>, now: UtcMillis) -> queue::Gate {
    let (row, live) = (gate.row, gate.live);
    let learned = context.learned(&row.endpoint, &row.model);
    queue::Gate {
        endpoint: row.endpoint.clone(),
        model: row.model.clone(),
        cause: gate.cause.clone(),
        words: gate.cause.words(now, utc),
        limits: (&context.limits(&row.endpoint, &row.model)).into(),
        rate: live.and_then(|live| live.per_second),
        in_flight: live.map(|live| live.in_flight),
        throttled: live.map(|live| live.throttled),
        overloaded: live.map(|live| live.overloaded),
        learned_rate: row.rate.map(|(rate, _)| rate),
        learned_at: row.rate.map(|(_, at)| utc(at)),
        learned: learned.into_iter().map(|learnt| learnt.lesson).collect(),
        paused: row.paused.as_ref().map(|(_, why)| why.clone()),
    }
}
