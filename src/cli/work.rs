//! One run from the agreed plan to its end: queued, worked on, told, and written down.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc};

use crate::cli::context::Context;
use crate::cli::end::End;
use crate::cli::engines::Wiring;
use crate::cli::exit::{Exit, Failure};
use crate::cli::host;
use crate::cli::progress::tally::Expected;
use crate::cli::progress::{self, Style};
use crate::cli::recovery;
use crate::cli::term;
use crate::domain::{JobId, JobKind, JobState, NanoUsd, RunId, UtcMillis};
use crate::engine::delay::DelayRules;
use crate::pipeline::doubts;
use crate::pipeline::enqueue::{Enqueued, enqueue, leave_out};
use crate::pipeline::gaps;
use crate::pipeline::homes::Homes;
use crate::pipeline::outputs::Outputs;
use crate::pipeline::plan::Plan;
use crate::pipeline::task::{Places, Task};
use crate::pipeline::written::Written;
use crate::store::{Caps, Filter, NewEvent, NewRun, Store};
use crate::worker::shutdown::Signal;
use crate::worker::verdict::RetryRules;
use crate::worker::{self, Alike, Bounds, Clock, Guard, Pauses, Run, RunRules, Shutdown, Stop};

/// Rows read at a time.
const PAGE: u32 = 1_000;

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
    try_again(store, &wiring).await?;
    let now = context.clock.now();
    let id = store
        .start_run(NewRun {
            pid: std::process::id(),
            host: host::name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: host::command_line(),
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
    let enqueued = queue(context, plan, store, style, now).await?;
    let left = leave_out(plan, &enqueued, store, now).await?;
    if left > 0 && !context.one_shots {
        term::say(&format!(
            "{} left the plan, and so the queue",
            term::count(left, "file")
        ));
    }
    let homes = homes(&context.settings.places)?;
    let worked = async {
        let mut end = work(context, max_cost, plan, store, wiring, (id, &homes), style).await?;
        end.failed = failed(plan, &enqueued.parents, store).await?;
        end.troubled += u64::try_from(enqueued.uncut.len()).unwrap_or(u64::MAX);
        if plan.tasks.iter().any(|task| gaps::may_be(&task.task)) {
            end.gaps = with_gaps(&enqueued.parents, store).await?;
        }
        if plan.tasks.iter().any(|task| doubts::is_strict(&task.task)) {
            end.refuted = refuted(plan, &enqueued.parents, store).await?;
        }
        Ok(end)
    };
    worked.await.map_err(|error| in_its_place(error, &homes))
}

/// Puts the work of `plan` into the queue, and says what became of it meanwhile.
async fn queue(
    context: &Context,
    plan: &Plan,
    store: &Store,
    style: Style,
    now: UtcMillis,
) -> anyhow::Result<Enqueued> {
    let uncut = plan.totals().uncut_files;
    if uncut > 0 && style != Style::Quiet {
        term::say(&format!(
            "looking for pauses in {}, to cut there",
            term::count(uncut, "long recording")
        ));
    }
    let (objects, places) = (context.objects(), &context.settings.places);
    let enqueued = enqueue(plan, store, &objects, places, now).await?;
    for said in enqueued.changed.iter().chain(&enqueued.uncut) {
        term::say(&format!("warning: {}", term::clean(said)));
    }
    Ok(enqueued)
}

/// A refusal of the last run is no reason not to try the key that is there now.
async fn try_again(store: &Store, wiring: &Wiring) -> anyhow::Result<()> {
    for gate in store.gates().await? {
        if gate.paused.is_some() && wiring.lanes.contains_key(&gate.id) {
            store.unpause_gate(gate.id).await?;
        }
    }
    Ok(())
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

/// Of the files of this run those that were made without all of their parts.
async fn with_gaps(parents: &[JobId], store: &Store) -> anyhow::Result<u64> {
    let mut files = 0;
    for parent in parents {
        let job = store.job(*parent).await?;
        let is_made = job.is_some_and(|job| job.state == JobState::Completed);
        files += u64::from(is_made && gaps::of(store, *parent).await? > 0);
    }
    Ok(files)
}

/// Of the files of this run those that the sound speaks against, where their task takes that for a failure.
async fn refuted(plan: &Plan, parents: &[JobId], store: &Store) -> anyhow::Result<u64> {
    let tasks = plan.tasks.iter().map(|task| &*task.task);
    let strict: HashSet<&str> = tasks
        .filter(|task| doubts::is_strict(task))
        .map(|task| task.name.as_str())
        .collect();
    let mut files = 0;
    for parent in parents {
        let job = store.job(*parent).await?;
        let is_strict = job.is_some_and(|job| strict.contains(job.spec.task.as_str()));
        files += u64::from(is_strict && doubts::of(store, *parent).await?.is_some());
    }
    Ok(files)
}

/// The folders to work in, made where they are not there yet.
fn homes(places: &Places) -> Result<Homes, Failure> {
    Homes::of(places).map_err(|error| {
        Failure::from_error(Exit::Disk, &error)
            .detail("the project, its state folder or its output folder cannot be used")
            .detail("nothing was sent")
    })
}

/// The output folder, with what may make way for the files of `plan` noted.
async fn outputs(context: &Context, plan: &Plan, store: &Store) -> anyhow::Result<Outputs> {
    let places = &context.settings.places;
    let written = Written::load(&places.state, Some(store)).await?;
    let files = plan.tasks.iter().flat_map(|task| &task.files);
    for output in files.flat_map(|file| &file.yields) {
        written.yields(output)?;
    }
    Ok(Outputs::new(places.out.clone(), Arc::new(written)))
}

async fn work(
    context: &Context,
    max_cost: Option<NanoUsd>,
    plan: &Plan,
    store: &Arc<Store>,
    wiring: Wiring,
    (id, homes): (RunId, &Homes),
    style: Style,
) -> anyhow::Result<End> {
    let settings = &context.settings;
    let (events, inbox) = mpsc::unbounded_channel();
    let shutdown = Shutdown::default();
    let signal = first_signal(&shutdown)?;
    let workers = usize::try_from(settings.run.workers.get());
    let run = Arc::new(Run {
        id,
        store: store.clone(),
        objects: context.objects(),
        places: settings.places.clone(),
        homes: homes.clone(),
        outputs: outputs(context, plan, store).await?,
        lanes: wiring.lanes,
        requests: wiring.requests,
        specs: wiring.specs,
        rules: rules(context),
        clock: context.clock,
        events,
        shutdown: shutdown.clone(),
        wire: Semaphore::new(workers.unwrap_or(Semaphore::MAX_PERMITS)),
        held: Mutex::default(),
        marks: wiring.marks,
        pauses: Pauses::default(),
        guard: Guard::new(settings.budget.runaway_factor),
        alike: Alike::default(),
        bounds: Bounds::default(),
    });
    let cap = context.funds(Some(store)).await?.left(max_cost);
    let requests = plan.totals().to_send;
    let expected = Expected { requests, cap };
    let reporter = tokio::spawn(progress::follow(inbox, style, expected, context.clock));
    let stop = worker::work(&run).await;
    // The reporter ends when the last sender is gone.
    drop(run);
    let tally = reporter.await?;
    let signal = *signal.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(End {
        id,
        stop: stop?,
        signal,
        tally,
        done_before: plan.totals().done_files,
        troubled: 0,
        failed: 0,
        gaps: 0,
        refuted: 0,
        homes: homes.clone(),
        hurry: shutdown.hurry,
    })
}

/// A queue that cannot be read, or a file that cannot be handed over, because its folder is gone is
/// no fault of the queue or the file.
pub(crate) fn in_its_place(error: anyhow::Error, homes: &Homes) -> anyhow::Error {
    match homes.gone() {
        Some(gone) => {
            let failure = Failure::new(Exit::Disk, gone);
            failure
                .detail(format!("so it could not go on: {error}"))
                .into()
        }
        None => error,
    }
}

/// Listens to signals; holds the first, once it came.
fn first_signal(shutdown: &Shutdown) -> std::io::Result<Arc<Mutex<Option<Signal>>>> {
    let signal = Arc::new(Mutex::new(None));
    let seen = signal.clone();
    shutdown.listen(move |received, _| {
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(received);
    })?;
    Ok(signal)
}

/// The rules of the settings; the earlier of a time limit and a deadline ends the run.
fn rules(context: &Context) -> RunRules {
    let settings = &context.settings;
    let now = context.clock.now();
    let after = settings.run.max_duration.map(|limit| now.after(limit));
    let at = settings
        .run
        .deadline
        .and_then(|time| Clock::next(now, time));
    RunRules {
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
        on_in_doubt: recovery::doubt_policy(context),
        until: after.into_iter().chain(at).min(),
    }
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
