//! `retry`, `cancel` and `hold`: a person moves jobs, and sees the cost first.

use crate::cli::args::{Global, SelectArgs};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::lost;
use crate::cli::record::queue::Selection;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::cli::which;
use crate::config::Overrides;
use crate::domain::{JobId, JobState, NanoUsd, Standing};
use crate::store::{Filter, Reopened, Store};

/// States `retry` applies to.
const RETRYABLE: &[Standing] = &[
    Standing::Failed,
    Standing::Held,
    Standing::InDoubt,
    Standing::Cancelled,
    Standing::Completed,
];

/// States `cancel` applies to: not what is in flight.
const CANCELLABLE: &[Standing] = &[
    Standing::Scheduled,
    Standing::Available,
    Standing::Waiting,
    Standing::Held,
    Standing::InDoubt,
    Standing::Failed,
];

/// Those of them that are meant by "all": what failed is left out only by its name or state.
const UNFINISHED: &[Standing] = &[
    Standing::Scheduled,
    Standing::Available,
    Standing::Waiting,
    Standing::Held,
    Standing::InDoubt,
];

/// States `hold` applies to: what is not claimed yet, and files whose parts are not.
const HOLDABLE: &[Standing] = &[Standing::Scheduled, Standing::Available, Standing::Waiting];

pub(crate) async fn retry(global: &Global, args: &SelectArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    check(args, RETRYABLE, "retry")?;
    context.require_queue().await?;
    let _lock = context.lock()?;
    let store = context.open().await?;
    let mut named = which::jobs(&context, &store, &args.names).await?;
    // A finished file is put together again; its answers are bought again only by their numbers.
    if args.state != Some(Standing::Completed) {
        named = which::with_parts(&store, named).await?;
    }
    let filter = filter(args, named, RETRYABLE, &[Standing::Failed]);
    let lost = lost::of_files(&context, &store, &filter).await?;
    let again = (!lost.is_empty()).then(|| of_answers(&lost));
    let mut preview = store.retry_preview(&filter).await?;
    if let Some(again) = &again {
        preview = preview.and(store.retry_preview(again).await?);
    }
    let cost = price(&context, &store, &preview).await?;
    let words = format!(
        "{} again, at most {} more{}{}",
        term::count(preview.jobs, "job"),
        cost.map_or_else(|| "an unknown cost".into(), NanoUsd::display),
        doubt(&preview),
        bought_again(&lost)
    );
    let free = cost == Some(NanoUsd::ZERO);
    if preview.jobs == 0 || args.dry_run || !(free || agreed(args, &words)?) {
        tell(&context, "retry", &preview, cost, false)?;
        store.close().await?;
        return Ok(if preview.jobs == 0 || args.dry_run {
            Exit::Ok
        } else {
            Exit::Usage
        });
    }
    let now = context.clock.now();
    // First what files wait for: those are no more failed then.
    let mut done = Reopened::default();
    if let Some(again) = &again {
        done = store.retry(again, now).await?;
    }
    let done = done.and(store.retry(&filter, now).await?);
    store.close().await?;
    tell(&context, "retry", &done, cost, true)?;
    if !context.json {
        term::say("hint: voicespool run    works on them");
    }
    Ok(Exit::Ok)
}

/// The answers of `jobs`, to be bought again.
fn of_answers(jobs: &[JobId]) -> Filter {
    Filter {
        states: vec![JobState::Completed],
        ids: jobs.to_vec(),
        ..Filter::default()
    }
}

fn bought_again(lost: &[JobId]) -> String {
    match lost.len() {
        0 => String::new(),
        1 => " (1 kept answer is missing or damaged and is bought again)".to_owned(),
        many => format!(" ({many} kept answers are missing or damaged and are bought again)"),
    }
}

pub(crate) async fn cancel(global: &Global, args: &SelectArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    check(args, CANCELLABLE, "cancel")?;
    context.require_queue().await?;
    let _lock = context.lock()?;
    let store = context.open().await?;
    let named = which::jobs(&context, &store, &args.names).await?;
    let filter = filter(args, named, CANCELLABLE, UNFINISHED);
    let jobs = count(&store, &filter).await?;
    let words = format!("take {} out of the queue", term::count(jobs, "job"));
    let named = !args.names.is_empty();
    if named && jobs == 0 {
        store.close().await?;
        return Err(
            Failure::new(Exit::Usage, "none of these jobs can be cancelled")
                .detail("they do not exist, are finished, or are in flight")
                .hint("voicespool show JOB")
                .into(),
        );
    }
    let go = jobs > 0 && !args.dry_run && (named || agreed(args, &words)?);
    let done = if go {
        store.cancel(&filter, context.clock.now()).await?
    } else {
        jobs
    };
    store.close().await?;
    tell(
        &context,
        "cancel",
        &Reopened {
            jobs: done,
            ..Reopened::default()
        },
        None,
        go,
    )?;
    Ok(if go || jobs == 0 || args.dry_run {
        Exit::Ok
    } else {
        Exit::Usage
    })
}

/// Nothing is lost and nothing is spent by it, so nobody is asked. Also while a run works:
/// what it has claimed already goes on.
pub(crate) async fn hold(global: &Global, args: &SelectArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    check(args, HOLDABLE, "hold")?;
    let store = context.open_alongside_run().await?;
    let named = which::jobs(&context, &store, &args.names).await?;
    let filter = filter(args, named, HOLDABLE, HOLDABLE);
    let jobs = if args.dry_run {
        store.hold_preview(&filter).await?
    } else {
        store.hold(&filter).await?
    };
    store.close().await?;
    if jobs == 0 && !args.names.is_empty() {
        return Err(
            Failure::new(Exit::Usage, "none of these jobs can be put aside")
                .detail("they do not exist, are finished, or a run is at work on them")
                .hint("voicespool show JOB")
                .into(),
        );
    }
    let held = Reopened {
        jobs,
        ..Reopened::default()
    };
    tell(&context, "hold", &held, None, !args.dry_run)?;
    if !context.json && !args.dry_run && jobs > 0 {
        term::say("hint: voicespool retry --state held    takes them up again");
    }
    Ok(Exit::Ok)
}

/// What may have been paid for these jobs already.
fn doubt(reopened: &Reopened) -> String {
    if reopened.in_doubt.attempts == 0 {
        return String::new();
    }
    format!(
        " ({} for them in doubt: at most {} may be on the bill already)",
        term::count(reopened.in_doubt.attempts, "request"),
        reopened.in_doubt.cost.display()
    )
}

/// Refuses an order that says of nothing, or of a state it does not apply to.
fn check(args: &SelectArgs, allowed: &[Standing], verb: &str) -> Result<(), Failure> {
    if args.names.is_empty() && args.task.is_none() && args.state.is_none() && !args.all {
        return Err(
            Failure::new(Exit::Usage, format!("{verb} which jobs?")).hint(format!(
                "voicespool {verb} JOB|FILE…, --task TASK, --state STATE or --all"
            )),
        );
    }
    match args.state {
        Some(state) if !allowed.contains(&state) => {
            let words: Vec<_> = allowed.iter().map(|state| state.as_str()).collect();
            Err(Failure::new(
                Exit::Usage,
                format!("{verb} does not apply to {state} jobs"),
            )
            .detail(format!("it applies to {}", words.join(", "))))
        }
        _ => Ok(()),
    }
}

/// The jobs meant: those `named`, in any state the verb applies to; else those in `usual` states,
/// because nobody who says "all" means what a person set aside.
fn filter(
    args: &SelectArgs,
    named: Vec<JobId>,
    allowed: &[Standing],
    usual: &[Standing],
) -> Filter {
    let standings: Vec<Standing> = match args.state {
        Some(state) => vec![state],
        None if args.names.is_empty() => usual.to_vec(),
        // What is completed is bought again only by its state's name.
        None => allowed
            .iter()
            .copied()
            .filter(|state| *state != Standing::Completed)
            .collect(),
    };
    let mut states: Vec<_> = standings
        .iter()
        .map(|standing| standing.state().0)
        .collect();
    states.dedup();
    Filter {
        states,
        in_doubt: args.state.and_then(|state| state.state().1),
        task: args.task.clone(),
        ids: named,
        ..Filter::default()
    }
}

async fn count(store: &Store, filter: &Filter) -> anyhow::Result<u64> {
    let (mut sum, mut after) = (0, None);
    loop {
        let page = store.jobs(filter, after, 5_000).await?;
        let Some(last) = page.last() else {
            return Ok(sum);
        };
        after = Some(last.id);
        sum += u64::try_from(page.len()).unwrap_or(u64::MAX);
    }
}

async fn price(
    context: &Context,
    store: &Store,
    reopened: &Reopened,
) -> anyhow::Result<Option<NanoUsd>> {
    let gates = store.gates().await?;
    let mut sum = NanoUsd::ZERO;
    for (spec, _, quantity) in &reopened.by_spec {
        let gate = store.spec_by_id(*spec).await?.gate;
        let price = gates
            .iter()
            .find(|row| row.id == gate)
            .and_then(|row| context.price(&row.endpoint, &row.model));
        let Some(more) = price.and_then(|price| price.cost(*quantity)) else {
            return Ok(None);
        };
        sum = sum.saturating_add(more);
    }
    Ok(Some(sum))
}

fn agreed(args: &SelectArgs, words: &str) -> anyhow::Result<bool> {
    if args.yes {
        return Ok(true);
    }
    if !term::interactive() {
        return Err(
            Failure::new(Exit::Usage, format!("{words}, and nobody is here to agree"))
                .detail("nothing was changed")
                .hint("add --yes")
                .into(),
        );
    }
    Ok(term::ask(&format!("{words}?"))?)
}

fn tell(
    context: &Context,
    verb: &str,
    reopened: &Reopened,
    cost: Option<NanoUsd>,
    done: bool,
) -> anyhow::Result<()> {
    if context.json {
        let moved = Selection::of(reopened, cost, done);
        record::print(&match verb {
            "retry" => Record::Retry(&moved),
            "cancel" => Record::Cancel(&moved),
            _ => Record::Hold(&moved),
        })?;
        return Ok(());
    }
    let cost = cost
        .filter(|_| verb == "retry")
        .map(|cost| format!(", at most {} more", cost.display()))
        .unwrap_or_default();
    let would = if done { "" } else { " (nothing was changed)" };
    term::outln(&format!(
        "{verb}: {}{cost}{}{would}",
        term::count(reopened.jobs, "job"),
        doubt(reopened)
    ))?;
    Ok(())
}
