//! `run`: plan, consent, work, summary.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::args::{Global, RunArgs};
use crate::cli::blame;
use crate::cli::commands::plan as plan_command;
use crate::cli::consent::{Spend, agreed_to, agreed_to_hosts};
use crate::cli::context::Context;
use crate::cli::end::End;
use crate::cli::exit::{Exit, Failure};
use crate::cli::ledger;
use crate::cli::money::Funds;
use crate::cli::notes;
use crate::cli::record::end::{Done, Totals};
use crate::cli::record::{self, Record};
use crate::cli::recovery;
use crate::cli::reports;
use crate::cli::summary::{self, Remains};
use crate::cli::term;
use crate::cli::work::{self, close_run, engage};
use crate::config::Overrides;
use crate::domain::{JobState, NanoUsd, RefusedRow};
use crate::pipeline::plan::{FileState, Plan};
use crate::pipeline::task::Task;
use crate::store::{Store, private, refused};
use crate::worker::Stop;

pub(crate) async fn run(global: &Global, args: RunArgs) -> anyhow::Result<Exit> {
    let overrides = Overrides {
        workers: args.workers,
        max_duration: args.max_duration,
        deadline: args.deadline,
        ..Overrides::default()
    };
    let mut context = Context::load(global, overrides)?;
    let mut tasks = context.tasks(&args.tasks)?;
    if args.overwrite {
        for task in &mut tasks {
            Arc::make_mut(task).overwrite = true;
        }
    }
    if args.dry_run {
        let store = context.open_read_only().await?;
        let plan = limited(
            plan_command::make(&context, &tasks, store.as_ref()).await?,
            args.limit,
        );
        show_plan(&context, &plan, store.as_ref()).await?;
        return Ok(Exit::Ok);
    }
    on_tasks(&mut context, &args, &tasks).await
}

/// Plans `tasks`, asks, works on them and tells how it ended.
pub(super) async fn on_tasks(
    context: &mut Context,
    args: &RunArgs,
    tasks: &[Arc<Task>],
) -> anyhow::Result<Exit> {
    if !agreed_to_hosts(context, tasks)? {
        term::say("nothing was sent");
        return Ok(Exit::Usage);
    }
    let agreed = if term::interactive() && !args.yes && args.max_cost.is_none() {
        match ask_first(context, args, tasks).await? {
            Some(agreed) => Some(agreed),
            None => return Ok(Exit::Usage),
        }
    } else {
        None
    };
    // Before anything else, so that two runs cannot both believe they are alone.
    private::make_folder(&context.settings.places.state).map_err(|error| {
        Failure::from_error(Exit::Disk, &error).detail(format!(
            "folder: {}",
            context.settings.places.state.display()
        ))
    })?;
    let lock = context.lock()?;
    let store = Arc::new(context.open().await?);
    let exit = with_queue(context, args, tasks, &store, agreed).await;
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
    let store = context.open_read_only_migrated().await?;
    let plan = limited(
        plan_command::make(context, tasks, store.as_ref()).await?,
        args.limit,
    );
    let yes = !has_work(&plan) || consent(context, args, &plan, store.as_ref()).await?;
    if let Some(store) = store {
        store.close().await?;
    }
    if !yes {
        term::say("nothing was sent");
        end_without_a_run(
            context,
            Exit::Usage,
            "nobody agreed; nothing was sent",
            &plan,
            &[],
        )?;
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
        file.gaps > 0
            || file.is_refuted
            || matches!(
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
    recovery::put_right(context, store).await?;
    let plan = limited(
        plan_command::make(context, tasks, Some(store)).await?,
        args.limit,
    );
    note_refused(context, &plan)?;
    if !has_work(&plan) {
        return nothing_to_do(context, args, &plan, store).await;
    }
    match agreed {
        Some(agreed) if plan.totals().cost > agreed => {
            return Err(
                Failure::new(Exit::Usage, "it would cost more now than when you agreed")
                    .detail("files or the queue changed meanwhile; nothing was sent")
                    .hint(args.command)
                    .into(),
            );
        }
        Some(_) => {}
        // Nobody is asked here; it is agreed by flags, or it is an error.
        None => drop(consent(context, args, &plan, Some(store)).await?),
    }
    let style = work::style(context.json, context.quiet);
    let mut end = engage(context, args.max_cost, tasks, &plan, store, style).await?;
    end.troubled += troubled(&plan);
    let finished = finish(context, args, store, &end).await;
    finished.map_err(|error| work::in_its_place(error, &end.homes))
}

/// For reports: no job knows of a file that was refused.
fn note_refused(context: &Context, plan: &Plan) -> anyhow::Result<()> {
    let places = &context.settings.places;
    let tasks = plan.tasks.iter();
    let files = tasks.flat_map(|task| task.files.iter().map(move |file| (&task.task, file)));
    let refused = files.filter_map(|(task, file)| match &file.state {
        FileState::Refused(refusal) => Some(RefusedRow {
            task: task.name.clone(),
            source: String::from_utf8_lossy(&places.stored(&file.found.path)).into_owned(),
            why: refusal.why.clone(),
        }),
        _ => None,
    });
    let mut refused: Vec<_> = refused.collect();
    // Of tasks that this run has not looked at, what was known stays.
    let looked_at: HashSet<&str> = plan.tasks.iter().map(|task| &*task.task.name).collect();
    let mut others = refused::recall(&places.state)?;
    others.retain(|file| {
        let tasks = &context.settings.tasks;
        !looked_at.contains(&*file.task) && tasks.iter().any(|task| *task.name == file.task)
    });
    refused.extend(others);
    Ok(refused::note(&places.state, refused)?)
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

/// Shows the plan of `--dry-run`.
async fn show_plan(context: &Context, plan: &Plan, store: Option<&Store>) -> anyhow::Result<()> {
    let funds = context.funds(store).await?;
    if context.json {
        print_plan(context, plan, &funds)?;
        end_without_a_run(context, Exit::Ok, "nothing was sent", plan, &[])?;
    } else {
        term::outln(&plan_command::text(context, plan, false, &funds))?;
        term::say("nothing was sent");
    }
    Ok(())
}

fn print_plan(context: &Context, plan: &Plan, funds: &Funds) -> std::io::Result<()> {
    let plan = plan_command::record(context, plan, funds);
    record::print(&Record::Plan(&plan))
}

/// The last record of an invocation that sent nothing.
fn end_without_a_run(
    context: &Context,
    exit: Exit,
    message: &str,
    plan: &Plan,
    reports: &[PathBuf],
) -> std::io::Result<()> {
    if !context.json {
        return Ok(());
    }
    let remains = Remains::of(&[], troubled(plan));
    let done = Done::nothing(plan.totals().done_files, &remains, reports);
    record::print(&Record::Exit(&record::end::Exit::new(exit, message, done)))
}

async fn nothing_to_do(
    context: &Context,
    args: &RunArgs,
    plan: &Plan,
    store: &Store,
) -> anyhow::Result<Exit> {
    let totals = plan.totals();
    let message = format!(
        "nothing to do: {} done already",
        term::count(totals.done_files, "file")
    );
    if context.json {
        print_plan(context, plan, &context.funds(Some(store)).await?)?;
    } else {
        for note in notes::of(plan) {
            term::say(&note);
        }
        term::say(&message);
    }
    let reports = reports::write(context, args.report.as_deref(), store).await?;
    let exit = if troubled(plan) > 0 {
        Exit::Partial
    } else if args.error_on_no_work {
        Exit::NoWork
    } else {
        Exit::Ok
    };
    end_without_a_run(context, exit, &message, plan, &reports)?;
    Ok(exit)
}

/// Shows what it would cost and makes sure somebody agreed to it.
async fn consent(
    context: &Context,
    args: &RunArgs,
    plan: &Plan,
    store: Option<&Store>,
) -> anyhow::Result<bool> {
    if !context.quiet {
        let funds = context.funds(store).await?;
        term::say(&plan_command::text(context, plan, false, &funds));
    }
    let spend = Spend {
        yes: args.yes,
        max_cost: args.max_cost,
    };
    agreed_to(context, spend, plan, args.command)
}

async fn finish(
    context: &Context,
    args: &RunArgs,
    store: &Store,
    end: &End,
) -> anyhow::Result<Exit> {
    let counts = store.counts().await?;
    let is_held = counts.iter().any(|count| count.state == JobState::Held);
    let exit =
        end.exit(is_held || end.failed > 0 || end.gaps > 0 || end.refuted > 0 || end.troubled > 0);
    close_run(context, store, end, exit).await?;
    // The queue knows it all; a report that cannot be written must not hide how the run ended.
    let write = async {
        if end.homes.gone().is_some() {
            return Ok(Vec::new());
        }
        reports::write(context, args.report.as_deref(), store).await
    };
    let written = tokio::select! {
        written = write => written,
        () = end.hurry.cancelled() => Ok(Vec::new()),
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
        run: end.id,
        stop: &end.stop,
        exit,
        tally: &end.tally,
        remains: &Remains {
            files_with_gaps: end.gaps,
            ..Remains::of(&counts, end.troubled)
        },
        money: &ledger::money_of(store, end.id).await?,
        reports: &reports,
    };
    summary::say_end(context, store, &ending).await?;
    if context.json {
        let totals = Totals::of(&end.tally, ending.remains, end.done_before);
        let done = Done::of(end.id, &end.tally, totals, ending.money, &reports);
        let mut last = record::end::Exit::new(exit, end.stop.words(), done);
        if let Stop::Refused { task, detail } = &end.stop {
            last.details.push(detail.clone());
            last.details
                .extend(blame::place(&context.settings, task, detail));
        }
        record::print(&Record::Exit(&last))?;
    }
    Ok(exit)
}
