//! `tts` and `stt`: one task that is typed instead of written into a file, through the same
//! plan, consent, queue, limits and bill as a project's.
//!
//! All one-shots of a user share one queue below the state folder, so that equal work is
//! bought once and an interrupted command goes on when it is typed again. They take turns:
//! the second waits for the first. Beside the queue there is a scratch folder, which belongs
//! to whoever holds the lock: streamed inputs are made files there, and finished files wait
//! there to be copied to where the user wants them.

pub(crate) mod args;
pub(crate) mod input;
pub(crate) mod target;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::Global;
use crate::cli::commands::plan as plan_command;
use crate::cli::commands::run::{self, End};
use crate::cli::consent::{Spend, agreed_to};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::one_shot::input::{Input, Reading};
use crate::cli::one_shot::target::Targets;
use crate::cli::one_shot::words::Bill;
use crate::cli::progress::Style;
use crate::cli::{summary, term};
use crate::config::{Overrides, TypedTask};
use crate::domain::{JobId, JobKind, JobState, NanoUsd};
use crate::pipeline::addresses::Addresses;
use crate::pipeline::plan::{FilePlan, FileState, Plan};
use crate::pipeline::task::{InputPattern, Task, Work};
use crate::store::{Filter, Money, Store};
use crate::worker::recovery::recover;

/// Requests that need no bar.
const FEW: u64 = 4;

/// Parts of a file read at once.
const PAGE: u32 = 5_000;

/// What one command is to do.
#[derive(Debug)]
pub(crate) struct Order {
    /// `tts` or `stt`.
    pub verb: &'static str,
    pub task: TypedTask,
    pub reading: Reading,
    pub inputs: Vec<Input>,
    /// Of each input, in the same order.
    pub targets: Vec<Targets>,
    /// The folder of `-O`.
    pub folder: Option<PathBuf>,
    pub spend: Spend,
}

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
    let exit = Box::pin(work(&context, &mut order, &scratch, &store)).await;
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

/// Makes `folder` for the user alone: what was said is nobody else's business.
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Inputs and results on their way; gone when dropped. Answers and texts are in the queue's
/// own folder: all of this can be made again for nothing.
#[derive(Debug)]
struct Scratch {
    folder: PathBuf,
    inputs: PathBuf,
}

impl Scratch {
    /// Empties what a killed process left. Only while the lock is held.
    fn make(home: &Path) -> io::Result<Self> {
        let folder = home.join("work");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let inputs = folder.join("in");
        make_private(&inputs)?;
        Ok(Self { folder, inputs })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn work(
    context: &Context,
    order: &mut Order,
    scratch: &Scratch,
    store: &Arc<Store>,
) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let recovered = recover(
        store,
        &context.objects(),
        &Addresses::new(&context.settings.places.state),
        run::doubt_policy(context),
        now,
    )
    .await?;
    summary::say_recovery(context, &recovered);
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
    if tasks[0].price.is_none() && !context.quiet {
        term::say(&format!(
            "estimate unknown, the model has no price: {}",
            words::amount(&tasks[0], &totals)
        ));
    }
    if totals.cost > NanoUsd::ZERO && !context.quiet {
        term::say(&format!(
            "estimate {}: {}",
            totals.cost.display(),
            words::amount(&tasks[0], &totals)
        ));
    }
    let command = format!("voicespool {} …", order.verb);
    if !agreed_to(context, order.spend, &plan, &command)? {
        term::say("nothing was sent");
        return Ok(Exit::Usage);
    }
    if !store.pauses().await?.is_empty() {
        term::say("one-shots are paused; voicespool unpause --one-shots --all    goes on");
    }
    // A bar of a few steps says less than a word about each.
    let style = match run::style(false, context.quiet) {
        Style::Bar | Style::Lines if totals.to_send <= FEW => Style::Few,
        style => style,
    };
    let end = run::engage(context, order.spend.max_cost, &tasks, &plan, store, style).await?;
    let after = plan_command::make(context, &tasks, Some(store)).await?;
    let result = self::wanted(&after, &paths);
    let delivered = deliver(context, order, &result);
    let made = delivered.as_ref().map_or(0, Vec::len);
    let exit = match &delivered {
        Err(_) => Exit::Disk,
        Ok(_) if made == order.inputs.len() => Exit::Ok,
        Ok(_) => end.exit(true),
    };
    run::close_run(context, store, &end, exit).await?;
    let money = money_of(store, &end).await?;
    let delivered = delivered?;
    let bill = Bill {
        task: &tasks[0],
        totals: &totals,
        money: &money,
        audio: match tasks[0].work {
            Work::Speech(_) => end.audio(),
            Work::Transcription(_) => totals.audio,
        },
    };
    words::tell(context, order, &bill, &delivered)?;
    if made < order.inputs.len() {
        let held = held(store, &tasks[0]).await?;
        let failure = words::unfinished(context, order, &end, exit, &result, held);
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
        Arc::new(Task {
            input: patterns.clone(),
            ..task.clone()
        })
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

/// Whoever types a command again that failed, or that was cancelled, wants it done. What is
/// held is not touched: that is for a person to say.
async fn take_up_again(
    context: &Context,
    store: &Store,
    tasks: &[Arc<Task>],
    paths: &[PathBuf],
) -> anyhow::Result<()> {
    let given_up = vec![JobState::Failed, JobState::Cancelled];
    for task in tasks {
        let parents = Filter {
            states: given_up.clone(),
            task: Some(task.name.clone()),
            kinds: vec![JobKind::Assemble, JobKind::Compose],
            ..Filter::default()
        };
        let mut after = None;
        loop {
            let page = store.jobs(&parents, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for parent in page {
                let is_wanted = paths
                    .iter()
                    .any(|path| context.settings.places.stored(path) == parent.source_path);
                if is_wanted {
                    retry(context, store, parent.id, &given_up).await?;
                }
            }
        }
    }
    Ok(())
}

/// Takes up the lost parts of `parent`, or `parent` itself when it has none.
async fn retry(
    context: &Context,
    store: &Store,
    parent: JobId,
    given_up: &[JobState],
) -> anyhow::Result<()> {
    let (mut given, mut after) = (Vec::new(), None);
    loop {
        let page = store.parts(parent, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.ordinal);
        let parts = page.iter().filter(|part| given_up.contains(&part.state));
        given.extend(parts.map(|part| part.child));
    }
    if given.is_empty() {
        given.push(parent);
    }
    let filter = Filter {
        states: given_up.to_vec(),
        ids: given,
        ..Filter::default()
    };
    store.retry(&filter, context.clock.now()).await?;
    Ok(())
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

async fn money_of(store: &Store, end: &End) -> anyhow::Result<Money> {
    let runs = summary::all_runs(store).await?;
    let own = runs.into_iter().find(|run| run.id == end.id);
    Ok(own.map(|run| run.money).unwrap_or_default())
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
