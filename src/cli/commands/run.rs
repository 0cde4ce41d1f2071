//! `run`: plan, consent, work, summary.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::cli::args::{Global, RunArgs};
use crate::cli::commands::plan as plan_command;
use crate::cli::consent::{Spend, agreed_to};
use crate::cli::context::{self, Context, Wiring};
use crate::cli::estimate;
use crate::cli::exit::{Exit, Failure};
use crate::cli::money::Funds;
use crate::cli::progress::{self, Expected, Style, Tally};
use crate::cli::summary;
use crate::cli::term;
use crate::config::{OnInDoubt, Overrides};
use crate::domain::{AudioMillis, JobId, JobKind, JobState, NanoUsd, RunId};
use crate::engine::delay::DelayRules;
use crate::pipeline::addresses::Addresses;
use crate::pipeline::enqueue::{enqueue, leave_out};
use crate::pipeline::plan::{FileState, Plan};
use crate::pipeline::task::Task;
use crate::store::{Caps, DoubtPolicy, Filter, NewEvent, NewRun, Store};
use crate::worker::recovery::recover;
use crate::worker::shutdown::Signal;
use crate::worker::verdict::RetryRules;
use crate::worker::{Bounds, Clock, Guard, Pauses, Run, RunRules, Shutdown, Stop};

/// Rows read at a time.
const PAGE: u32 = 1_000;

pub(crate) async fn run(global: &Global, args: RunArgs) -> anyhow::Result<Exit> {
    let overrides = Overrides {
        workers: args.workers,
        max_duration: args.max_duration,
        deadline: args.deadline,
        ..Overrides::default()
    };
    let context = Context::load(global, overrides)?;
    let tasks = context.tasks(&args.tasks)?;
    if args.dry_run {
        let store = context.look().await?;
        let plan = limited(
            plan_command::make(&context, &tasks, store.as_ref()).await?,
            args.limit,
        );
        show_plan(&context, &plan, store.as_ref()).await?;
        return Ok(Exit::Ok);
    }
    let agreed = if term::interactive() && !args.yes && args.max_cost.is_none() {
        match ask_first(&context, &args, &tasks).await? {
            Some(agreed) => Some(agreed),
            None => {
                term::say("nothing was sent");
                return Ok(Exit::Usage);
            }
        }
    } else {
        None
    };
    // Before anything else, so that two runs cannot both believe they are alone.
    std::fs::create_dir_all(&context.settings.places.state).map_err(|error| {
        Failure::from_error(Exit::Disk, &error).detail(format!(
            "folder: {}",
            context.settings.places.state.display()
        ))
    })?;
    let lock = context.lock()?;
    let store = Arc::new(context.open().await?);
    let exit = with_queue(&context, &args, &tasks, &store, agreed).await;
    let closed = store.close().await;
    drop(lock);
    let exit = exit?;
    closed?;
    Ok(exit)
}

/// Plans and asks without the lock: a forgotten question must not keep others out.
/// `None`: no.
async fn ask_first(
    context: &Context,
    args: &RunArgs,
    tasks: &[Arc<Task>],
) -> anyhow::Result<Option<NanoUsd>> {
    let store = context.look_current().await?;
    let plan = limited(
        plan_command::make(context, tasks, store.as_ref()).await?,
        args.limit,
    );
    let yes = !has_work(&plan) || consent(context, args, &plan, store.as_ref()).await?;
    if let Some(store) = store {
        store.close().await?;
    }
    Ok(yes.then(|| plan.totals().cost))
}

fn has_work(plan: &Plan) -> bool {
    plan.tasks
        .iter()
        .any(|task| task.files.iter().any(|file| file.state.is_work()))
}

/// Files a person has to look at.
fn troubled(plan: &Plan) -> u64 {
    let files = plan.tasks.iter().flat_map(|task| &task.files);
    let trouble = files.filter(|file| {
        matches!(
            file.state,
            FileState::Failed | FileState::Held | FileState::Refused(_)
        )
    });
    u64::try_from(trouble.count()).unwrap_or(u64::MAX)
}

async fn with_queue(
    context: &Context,
    args: &RunArgs,
    tasks: &[Arc<Task>],
    store: &Arc<Store>,
    agreed: Option<NanoUsd>,
) -> anyhow::Result<Exit> {
    let recovered = recover(
        store,
        &context.objects(),
        &Addresses::new(&context.settings.places.state),
        doubt_policy(context),
        context.clock.now(),
    )
    .await?;
    summary::say_recovery(context, &recovered);
    let plan = limited(
        plan_command::make(context, tasks, Some(store)).await?,
        args.limit,
    );
    if !has_work(&plan) {
        return nothing_to_do(context, args, &plan, store).await;
    }
    match agreed {
        Some(agreed) if plan.totals().cost > agreed => {
            return Err(
                Failure::new(Exit::Usage, "it would cost more now than when you agreed")
                    .detail("files or the queue changed meanwhile; nothing was sent")
                    .hint("voicespool run")
                    .into(),
            );
        }
        Some(_) => {}
        // Nobody is asked here; it is agreed by flags, or it is an error.
        None => drop(consent(context, args, &plan, Some(store)).await?),
    }
    let style = style(context.json, context.quiet);
    let mut end = engage(context, args.max_cost, tasks, &plan, store, style).await?;
    end.troubled = troubled(&plan);
    finish(context, args, store, &end).await
}

/// How to show the work: bars on a terminal, else a line a minute.
pub(crate) fn style(json: bool, quiet: bool) -> Style {
    match (json, quiet, term::can_redraw()) {
        (true, _, _) => Style::Json,
        (_, true, _) => Style::Quiet,
        (_, _, true) => Style::Bar,
        _ => Style::Lines,
    }
}

/// Queues what was agreed to and works on it until it is done or has to stop. The run is
/// to be ended with [`close_run`].
pub(crate) async fn engage(
    context: &Context,
    max_cost: Option<NanoUsd>,
    tasks: &[Arc<Task>],
    plan: &Plan,
    store: &Arc<Store>,
    style: Style,
) -> anyhow::Result<End> {
    let wiring = context.lanes(store, tasks).await?;
    // A refusal of the last run is no reason not to try the key that is there now.
    for gate in store.gates().await? {
        if gate.paused.is_some() && wiring.lanes.contains_key(&gate.id) {
            store.unpause_gate(gate.id).await?;
        }
    }
    let now = context.clock.now();
    let id = store
        .start_run(NewRun {
            pid: std::process::id(),
            host: context::host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: context::command_line(),
            at: now,
        })
        .await?;
    store
        .set_caps(Caps {
            queue: context.settings.budget.max_cost,
            run: Some((id, max_cost)),
            day: context.settings.budget.max_cost_per_day,
        })
        .await?;
    let enqueued = enqueue(
        plan,
        store,
        &context.objects(),
        &context.settings.places,
        now,
    )
    .await?;
    for changed in &enqueued.changed {
        term::say(&format!("warning: {}", term::clean(changed)));
    }
    let left = leave_out(plan, &enqueued, store, now).await?;
    if left > 0 && !context.one_shots {
        term::say(&format!(
            "{} left the plan, and so the queue",
            term::count(left, "file")
        ));
    }
    let mut end = work(context, max_cost, plan, store, wiring, id, style).await?;
    end.failed = failed(plan, &enqueued.parents, store).await?;
    Ok(end)
}

/// Files that failed, but for those this plan has cut or asked for in another way since: of
/// its own tasks only what it put into the queue counts, of others everything.
async fn failed(plan: &Plan, parents: &[JobId], store: &Store) -> anyhow::Result<u64> {
    let parents: HashSet<JobId> = parents.iter().copied().collect();
    let own: HashSet<&str> = plan.tasks.iter().map(|task| &*task.task.name).collect();
    let filter = Filter {
        states: vec![JobState::Failed],
        kinds: vec![JobKind::Assemble, JobKind::Compose],
        ..Filter::default()
    };
    let (mut failed, mut after) = (0, None);
    loop {
        let page = store.jobs(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let wanted = page
            .iter()
            .filter(|job| parents.contains(&job.id) || !own.contains(job.spec.task.as_str()));
        failed += u64::try_from(wanted.count()).unwrap_or(u64::MAX);
    }
    Ok(failed)
}

/// Keeps the first `limit` files that have work.
fn limited(mut plan: Plan, limit: Option<usize>) -> Plan {
    let Some(mut left) = limit else { return plan };
    for task in &mut plan.tasks {
        task.files.retain(|file| {
            let keep = !file.state.is_work() || left > 0;
            left -= usize::from(file.state.is_work() && left > 0);
            keep
        });
    }
    plan
}

async fn show_plan(context: &Context, plan: &Plan, store: Option<&Store>) -> anyhow::Result<()> {
    let funds = Funds::of(context, store).await?;
    if context.json {
        term::outln(&plan_command::json(context, plan, &funds).to_string())?;
    } else {
        term::outln(&plan_command::text(context, plan, false, &funds))?;
        term::say("nothing was sent");
    }
    Ok(())
}

async fn nothing_to_do(
    context: &Context,
    args: &RunArgs,
    plan: &Plan,
    store: &Store,
) -> anyhow::Result<Exit> {
    let totals = plan.totals();
    if context.json {
        let funds = Funds::of(context, Some(store)).await?;
        term::outln(&plan_command::json(context, plan, &funds).to_string())?;
    } else {
        for note in estimate::notes(plan) {
            term::say(&note);
        }
        term::say(&format!(
            "nothing to do: {} done already",
            term::count(totals.done_files, "file")
        ));
    }
    summary::write_reports(context, args.report.as_deref(), store).await?;
    Ok(if troubled(plan) > 0 {
        Exit::Partial
    } else if args.error_on_no_work {
        Exit::NoWork
    } else {
        Exit::Ok
    })
}

/// Shows what it would cost and makes sure somebody agreed to it.
async fn consent(
    context: &Context,
    args: &RunArgs,
    plan: &Plan,
    store: Option<&Store>,
) -> anyhow::Result<bool> {
    if !context.quiet {
        let funds = Funds::of(context, store).await?;
        term::say(&plan_command::text(context, plan, false, &funds));
    }
    let spend = Spend {
        yes: args.yes,
        max_cost: args.max_cost,
    };
    agreed_to(context, spend, plan, "voicespool run")
}

pub(crate) fn doubt_policy(context: &Context) -> DoubtPolicy {
    match context.settings.budget.on_in_doubt {
        OnInDoubt::Resend => DoubtPolicy::Resend,
        OnInDoubt::Hold => DoubtPolicy::Hold,
    }
}

async fn work(
    context: &Context,
    max_cost: Option<NanoUsd>,
    plan: &Plan,
    store: &Arc<Store>,
    wiring: Wiring,
    id: RunId,
    style: Style,
) -> anyhow::Result<End> {
    let settings = &context.settings;
    let (events, inbox) = mpsc::unbounded_channel();
    let shutdown = Shutdown::default();
    let signal = Arc::new(Mutex::new(None));
    let seen = signal.clone();
    shutdown.listen(move |received, _| {
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(received);
    })?;
    let now = context.clock.now();
    let after = settings.run.max_duration.map(|limit| now.after(limit));
    let at = settings
        .run
        .deadline
        .and_then(|time| Clock::next(now, time));
    let until = after.into_iter().chain(at).min();
    let run = Arc::new(Run {
        id,
        store: store.clone(),
        objects: context.objects(),
        places: settings.places.clone(),
        lanes: wiring.lanes,
        requests: wiring.requests,
        specs: wiring.specs,
        rules: RunRules {
            workers: usize::try_from(settings.run.workers.get()).unwrap_or(usize::MAX),
            drain: settings.run.drain,
            retry: RetryRules {
                max_failures: settings.retry.max_failures.get(),
                give_up_after: settings.retry.give_up_after,
            },
            delay: DelayRules {
                base: settings.retry.base_delay,
                cap: settings.retry.max_delay,
                ..DelayRules::default()
            },
            on_in_doubt: doubt_policy(context),
            until,
        },
        clock: context.clock,
        events,
        shutdown: shutdown.clone(),
        wire: Semaphore::new(
            usize::try_from(settings.run.workers.get()).unwrap_or(Semaphore::MAX_PERMITS),
        ),
        held: Mutex::default(),
        marks: wiring.marks,
        pauses: Pauses::default(),
        guard: Guard::new(settings.budget.runaway_factor),
        bounds: Bounds::default(),
        halted: OnceLock::new(),
    });
    let cap = Funds::of(context, Some(store)).await?.left(max_cost);
    let reporter = tokio::spawn(progress::follow(
        inbox,
        style,
        Expected {
            requests: plan.totals().to_send,
            cap,
        },
    ));
    let stop = run.work().await;
    // The reporter ends when the last sender is gone.
    drop(run);
    let tally = reporter.await?;
    let signal = *signal.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(End {
        id,
        stop: stop?,
        signal,
        tally,
        troubled: 0,
        failed: 0,
        hurry: shutdown.hurry,
    })
}

/// Writes down how a run ended.
pub(crate) async fn close_run(
    context: &Context,
    store: &Store,
    end: &End,
    exit: Exit,
) -> anyhow::Result<()> {
    let now = context.clock.now();
    if !matches!(end.stop, Stop::Empty) {
        store
            .add_event(NewEvent {
                run: Some(end.id),
                at: now,
                kind: exit.word().to_owned(),
                detail: end.stop.words(),
            })
            .await?;
    }
    store
        .finish_run(end.id, now, i32::from(exit.code()))
        .await?;
    Ok(())
}

/// How the work of a run ended.
#[derive(Debug)]
pub(crate) struct End {
    pub id: RunId,
    pub stop: Stop,
    signal: Option<Signal>,
    tally: Tally,
    /// Files of the plan that were left out.
    troubled: u64,
    /// Files whose jobs failed and that are still wanted so.
    failed: u64,
    /// A person wants it to be over.
    hurry: CancellationToken,
}

impl End {
    /// Requests whose answers are kept.
    pub(crate) fn answered(&self) -> u64 {
        self.tally.requests
    }

    /// What unusable answers cost.
    pub(crate) fn wasted(&self) -> NanoUsd {
        self.tally.wasted
    }

    /// Length of the files that were spoken.
    pub(crate) fn audio(&self) -> AudioMillis {
        self.tally.audio
    }

    /// The exit code, when `partial` says whether something is left that a person has to
    /// look at.
    pub(crate) fn exit(&self, partial: bool) -> Exit {
        match &self.stop {
            Stop::Local { .. } => Exit::Disk,
            Stop::Account { .. } => Exit::Account,
            Stop::Budget { .. } | Stop::Runaway { .. } => Exit::Budget,
            Stop::TimeLimit => Exit::Time,
            Stop::Unreachable { .. } => Exit::Unreachable,
            Stop::Interrupted => match self.signal {
                Some(Signal::Terminate) => Exit::Terminated,
                _ => Exit::Interrupted,
            },
            Stop::Empty if partial => Exit::Partial,
            Stop::Empty => Exit::Ok,
        }
    }
}

async fn finish(
    context: &Context,
    args: &RunArgs,
    store: &Store,
    end: &End,
) -> anyhow::Result<Exit> {
    let End {
        id,
        stop,
        tally,
        troubled,
        failed,
        hurry,
        ..
    } = end;
    let counts = store.counts().await?;
    let is_held = counts.iter().any(|count| count.state == JobState::Held);
    let exit = end.exit(is_held || *failed > 0 || *troubled > 0);
    close_run(context, store, end, exit).await?;
    // The queue knows it all; a report that cannot be written must not hide how the run ended.
    let written = tokio::select! {
        written = summary::write_reports(context, args.report.as_deref(), store) => written,
        () = hurry.cancelled() => Ok(Vec::new()),
    };
    let reports = match written {
        Ok(reports) => reports,
        Err(error) => {
            term::say(&format!(
                "warning: the reports could not be written: {error}"
            ));
            Vec::new()
        }
    };
    let ending = summary::Ending {
        run: *id,
        stop,
        exit,
        tally,
        troubled: *troubled,
        reports: &reports,
    };
    summary::say_end(context, store, &ending).await?;
    if context.json {
        term::outln(&json!({"type": "exit", "code": exit.code(), "kind": exit.word(), "message": stop.words()}).to_string())?;
    }
    Ok(exit)
}
