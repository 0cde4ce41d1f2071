//! `tts` and `stt`: one task that is typed instead of written into a file, through the same
//! plan, consent, queue, limits and bill as a project's.
//!
//! All one-shots of a user share one queue below the state folder, so that equal work is
//! bought once and an interrupted command goes on when it is typed again. They take turns:
//! the second waits for the first. Beside the queue there is a scratch folder, which belongs
//! to whoever holds the lock: streamed inputs are made files there, and finished files wait
//! there to be copied to where the user wants them.

mod again;
pub(crate) mod input;
pub(crate) mod order;
mod scratch;
pub(crate) mod target;
mod words;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::Global;
use crate::cli::commands::plan as plan_command;
use crate::cli::consent::agreed_to;
use crate::cli::context::Context;
use crate::cli::end::End;
use crate::cli::exit::{Exit, Failure};
use crate::cli::one_shot::again::take_up_again;
use crate::cli::one_shot::input::Input;
use crate::cli::one_shot::order::Order;
use crate::cli::one_shot::scratch::{Scratch, make_private};
use crate::cli::one_shot::words::Receipt;
use crate::cli::progress::Style;
use crate::cli::{ledger, recovery, term, work};
use crate::config::Overrides;
use crate::domain::{JobState, NanoUsd};
use crate::pipeline::plan::{FilePlan, FileState, Plan, Totals};
use crate::pipeline::task::{InputPattern, Task, Work};
use crate::store::{Filter, Store};

/// Requests that need no bar.
const FEW: u64 = 4;

/// Does it, or says what is wrong with it.
pub(crate) async fn fulfil(global: &Global, mut order: Order) -> anyhow::Result<Exit> {
    let context = Context::load_typed(global, Overrides::default(), &order.task)?;
    target::check(
        &order.inputs,
        &order.targets,
        order.folder.as_deref(),
        context.json,
    )?;
    for input in &mut order.inputs {
        input.read(order.reading, context.quiet)?;
    }
    let home = &context.settings.places.root;
    make_private(&context.settings.places.state).map_err(|error| in_the_way(home, &error))?;
    let lock = context.lock_in_turn().await?;
    let scratch = Scratch::make(home).map_err(|error| in_the_way(home, &error))?;
    let store = Arc::new(context.open().await?);
    let exit = Box::pin(carry_out(&context, &mut order, &scratch, &store)).await;
    let closed = store.close().await;
    drop(scratch);
    drop(lock);
    let exit = exit?;
    closed?;
    Ok(exit)
}

fn in_the_way(home: &Path, error: &io::Error) -> Failure {
    Failure::from_error(Exit::Disk, error)
        .detail(format!("folder: {}; nothing was sent", home.display()))
        .hint("XDG_STATE_HOME names another place for it")
}

async fn carry_out(
    context: &Context,
    order: &mut Order,
    scratch: &Scratch,
    store: &Arc<Store>,
) -> anyhow::Result<Exit> {
    recovery::put_right(context, store).await?;
    let (tasks, paths) = stage(context, order, scratch)?;
    take_up_again(context, store, &tasks, &paths).await?;
    let plan = plan_command::make(context, &tasks, Some(store)).await?;
    let wanted = wanted(&plan, &paths);
    let refused = words::complaints(order, &wanted);
    if !wanted.iter().any(|file| file.state.is_work()) {
        return Err(words::nothing_made(order, &wanted, refused).into());
    }
    for line in &refused {
        term::say(line);
    }
    let totals = plan.totals();
    if !agreed(context, order, &plan)? {
        term::say("nothing was sent");
        return Ok(Exit::Usage);
    }
    if !store.pauses().await?.is_empty() {
        term::say("one-shots are paused; voicespool unpause --one-shots --all    goes on");
    }
    // A bar of a few steps says less than a word about each.
    let style = match work::style(false, context.quiet) {
        Style::Bar | Style::Lines if totals.to_send <= FEW => Style::Few,
        style => style,
    };
    let end = work::engage(context, order.spend.max_cost, &tasks, &plan, store, style).await?;
    let handed = hand_over(context, order, &tasks, &paths, store, &totals, &end).await;
    handed.map_err(|error| work::in_its_place(error, &end.homes))
}

/// Says what it may cost, and asks where nothing was agreed to before.
fn agreed(context: &Context, order: &Order, plan: &Plan) -> anyhow::Result<bool> {
    let (totals, task) = (plan.totals(), &plan.tasks[0].task);
    if task.price.is_none() && !context.quiet {
        term::say(&format!(
            "estimate unknown, the model has no price: {}",
            words::amount(task, &totals)
        ));
    }
    if totals.cost > NanoUsd::ZERO && !context.quiet {
        term::say(&format!(
            "estimate {}: {}",
            totals.cost.display(),
            words::amount(task, &totals)
        ));
    }
    let command = format!("voicespool {} …", order.verb);
    agreed_to(context, order.spend, plan, &command)
}

/// Copies what was made to where it belongs, ends the run, and tells what came of it.
async fn hand_over(
    context: &Context,
    order: &Order,
    tasks: &[Arc<Task>],
    paths: &[PathBuf],
    store: &Arc<Store>,
    totals: &Totals,
    end: &End,
) -> anyhow::Result<Exit> {
    let after = plan_command::make(context, tasks, Some(store)).await?;
    let result = self::wanted(&after, paths);
    let delivered = deliver(context, order, &result);
    let made = delivered.as_ref().map_or(0, Vec::len);
    let exit = match &delivered {
        Err(_) => Exit::Disk,
        Ok(_) if made == order.inputs.len() => Exit::Ok,
        Ok(_) => end.exit(true),
    };
    work::close_run(context, store, end, exit).await?;
    let money = ledger::money_of(store, end.id).await?;
    let delivered = delivered?;
    let receipt = Receipt {
        task: &tasks[0],
        totals,
        money: &money,
        audio: match tasks[0].work {
            Work::Speech(_) => end.audio(),
            Work::Transcription(_) => totals.audio,
        },
    };
    words::tell(context, order, &receipt, &delivered)?;
    if made < order.inputs.len() {
        let held = held(store, &tasks[0]).await?;
        let failure = words::unfinished(context, order, end, exit, &result, held);
        if made == 0 {
            return Err(failure.into());
        }
        term::say(&term::clean(&failure.to_string()));
    }
    Ok(exit)
}

/// The task with its inputs, and of each input the path under which the plan knows it.
fn stage(
    context: &Context,
    order: &mut Order,
    scratch: &Scratch,
) -> anyhow::Result<(Vec<Arc<Task>>, Vec<PathBuf>)> {
    let mut paths = Vec::with_capacity(order.inputs.len());
    for input in &mut order.inputs {
        let staged = input.stage(&scratch.inputs);
        paths.push(staged.map_err(|error| in_the_way(&scratch.inputs, &error))?);
    }
    let patterns = paths.iter().map(|path| InputPattern {
        pattern: path.to_string_lossy().into_owned(),
        exclude: false,
        origin: format!("voicespool {}", order.verb),
    });
    let patterns: Vec<_> = patterns.collect();
    let tasks = context.settings.tasks.iter().map(|task| {
        let mut task = Task {
            input: patterns.clone(),
            ..task.clone()
        };
        if let Work::Speech(work) = &mut task.work {
            work.excerpt = order.excerpt;
        }
        Arc::new(task)
    });
    let tasks: Vec<_> = tasks.collect();
    anyhow::ensure!(tasks.len() == 1, "{} tasks were typed", tasks.len());
    Ok((tasks, paths))
}

/// The plans of the inputs, in the order of the inputs.
fn wanted<'a>(plan: &'a Plan, paths: &[PathBuf]) -> Vec<&'a FilePlan> {
    let files: Vec<_> = plan.tasks.iter().flat_map(|task| &task.files).collect();
    paths
        .iter()
        .filter_map(|path| files.iter().find(|file| file.found.path == *path).copied())
        .collect()
}

/// Puts what is finished where it belongs; the inputs that are done, in their order.
fn deliver<'a>(
    context: &Context,
    order: &'a Order,
    files: &[&FilePlan],
) -> Result<Vec<&'a Input>, Failure> {
    let mut done = Vec::new();
    let all = order.inputs.iter().zip(&order.targets).zip(files);
    for ((input, targets), file) in all.filter(|(_, file)| file.state == FileState::Done) {
        for output in &file.outputs {
            let extension = output.extension().unwrap_or_default();
            let to = targets
                .iter()
                .filter(|(known, _)| extension == known.as_str());
            for (_, to) in to {
                let made = context.settings.places.out.join(output);
                target::deliver(&made, to).map_err(|error| words::undelivered(&error, to))?;
            }
        }
        done.push(input);
    }
    Ok(done)
}

/// Whether parts of one-shots of this kind wait for a person.
async fn held(store: &Store, task: &Task) -> anyhow::Result<bool> {
    let held = Filter {
        states: vec![JobState::Held],
        task: Some(task.name.clone()),
        ..Filter::default()
    };
    Ok(!store.jobs(&held, None, 1).await?.is_empty())
}
