//! `plan`: what there is to do and what it would cost. Opens no socket, changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::audio::OVERLAP;
use crate::cli::args::{Global, PlanArgs};
use crate::cli::commands::script;
use crate::cli::context::Context;
use crate::cli::estimate::{self, Eta};
use crate::cli::exit::{Exit, Failure};
use crate::cli::host::free_bytes;
use crate::cli::money::Funds;
use crate::cli::notes;
use crate::cli::record::money::{Money, Today};
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::Overrides;
use crate::domain::UtcMillis;
use crate::pipeline::plan::{Plan, TaskPlan, Totals};
use crate::pipeline::planner::{self, PlanError};
use crate::pipeline::task::Task;
use crate::store::Store;

pub(crate) async fn run(global: &Global, args: &PlanArgs) -> anyhow::Result<Exit> {
    if let Some(file) = &args.text {
        let context = script::context(global, &args.tasks)?;
        let tasks = context.tasks(&args.tasks)?;
        return script::run(&context, &tasks, file);
    }
    let context = Context::load(global, Overrides::default())?;
    let tasks = context.tasks(&args.tasks)?;
    let store = context.open_read_only().await?;
    let plan = make(&context, &tasks, store.as_ref()).await?;
    let funds = context.funds(store.as_ref()).await?;
    if args.csv {
        term::out(&String::from_utf8(estimate::csv(&plan)?)?)?;
    } else if context.json {
        record::print(&Record::Plan(&record(&context, &plan, &funds)))?;
    } else {
        term::outln(&text(&context, &plan, args.files, &funds))?;
        term::say("nothing was sent");
    }
    if let Some(store) = store {
        store.close().await?;
    }
    Ok(Exit::Ok)
}

/// Plans `tasks` as the queue stands.
pub(crate) async fn make(
    context: &Context,
    tasks: &[Arc<Task>],
    store: Option<&Store>,
) -> Result<Plan, Failure> {
    planner::plan(tasks, &context.settings.places, store)
        .await
        .map_err(|error| {
            let place = match &error {
                PlanError::Discover(discover) => discover
                    .origin()
                    .and_then(|origin| excerpt(context, origin)),
                PlanError::Manifest(manifest) => manifest
                    .origin()
                    .and_then(|origin| excerpt(context, origin)),
                _ => None,
            };
            let mut failure = Failure::from(error);
            failure.details.splice(0..0, place.into_iter().flatten());
            failure
        })
}

/// The line of the configuration at `origin` (`jobs.toml:6:10`) with a caret under the place.
fn excerpt(context: &Context, origin: &str) -> Option<[String; 3]> {
    let mut parts = origin.rsplitn(3, ':');
    let column: usize = parts.next()?.parse().ok()?;
    let line: usize = parts.next()?.parse().ok()?;
    let text = std::fs::read_to_string(context.settings.file.as_ref()?).ok()?;
    let shown = term::clean(text.lines().nth(line.checked_sub(1)?)?);
    let margin = line.to_string();
    let space = " ".repeat(margin.len());
    Some([
        format!("{space}--> {origin}"),
        format!("{margin} | {shown}"),
        format!("{space} | {}^", " ".repeat(column.saturating_sub(1))),
    ])
}

/// The plan for programs, with how long it may take and which limits say so.
pub(crate) fn record(context: &Context, plan: &Plan, funds: &Funds) -> record::plan::Plan {
    let eta = time(context, plan);
    let tasks = plan.tasks.iter();
    record::plan::Plan {
        totals: record::plan::Sums::of(&plan.totals()),
        money: Money::of(&funds.queue),
        today: Today::of(funds),
        tasks: tasks
            .map(|task| record::plan::Task::of(task, &context.pace(&task.task)))
            .collect(),
        eta_s: eta.time.as_secs_f64().round(),
        limited_by: eta.limited_by,
    }
}

/// The plan for people.
pub(crate) fn text(context: &Context, plan: &Plan, files: bool, funds: &Funds) -> String {
    let totals = plan.totals();
    let mut text = format!("Plan for {}\n\n", term::clean(&context.settings.project));
    text.push_str(&estimate::table(plan, &context.settings.places, files));
    text.push_str("\n\n");
    text.push_str(&sum_line(&totals));
    for line in funds.plan_lines(totals.cost) {
        text.push('\n');
        text.push_str(&line);
    }
    if totals.to_send > 0 {
        let eta = time(context, plan);
        text.push_str(&format!("\ntime    about {}", term::span(eta.time)));
        if let Some(cause) = eta.limited_by {
            // None of the user's limits has a time in it.
            let words = cause.words(UtcMillis(0), |_| String::new());
            text.push_str(&format!(", {words}"));
        }
    }
    if totals.work_files > 0 {
        text.push_str(&format!(
            "\ndisk    about {}{}",
            term::size(disk(plan)),
            free(context, disk(plan))
        ));
    }
    // Last, where they are seen after a long table.
    let notes = notes::of(plan);
    if !notes.is_empty() {
        text.push_str("\n\n");
        text.push_str(&notes.join("\n"));
    }
    text
}

fn sum_line(totals: &Totals) -> String {
    let mut line = format!(
        "total   {}, {} to send, {}",
        term::count(totals.work_files, "file"),
        term::count(totals.to_send, "request"),
        if totals.unpriced_files == 0 {
            estimate::at_most(totals.at_most_files, totals.cost)
        } else {
            format!("at least {}", totals.cost.display())
        },
    );
    let unknown = totals.at_most_files - totals.uncut_files;
    if unknown > 0 {
        line.push_str(&format!(
            " ({} of unknown length, each counted as the longest one request takes; billed by what the provider hears)",
            term::count(unknown, "recording")
        ));
    }
    if totals.uncut_files > 0 {
        line.push_str(&format!(
            " ({} still to be cut, {} s counted twice for each cut; less where there are pauses)",
            term::count(totals.uncut_files, "recording"),
            OVERLAP.0 / 1_000
        ));
    }
    if totals.unpriced_files > 0 {
        line.push_str(&format!(
            " ({} without a price: set [models.\"…\"] price)",
            term::count(totals.unpriced_files, "file")
        ));
    }
    for (number, word) in [
        (totals.done_files, "done already"),
        (totals.refused_files, "refused"),
    ] {
        if number > 0 {
            line.push_str(&format!("; {number} {word}"));
        }
    }
    line
}

/// Tasks share the machine but not the provider's limits: the longest of them.
fn time(context: &Context, plan: &Plan) -> Eta {
    let of =
        |task: &TaskPlan| estimate::eta(&Totals::of(task.files.iter()), &context.pace(&task.task));
    plan.tasks
        .iter()
        .map(of)
        .max_by_key(|eta| eta.time)
        .unwrap_or(Eta {
            time: Duration::ZERO,
            limited_by: None,
        })
}

fn disk(plan: &Plan) -> u64 {
    plan.tasks
        .iter()
        .map(|task| {
            estimate::disk(
                task,
                &Totals::of(task.files.iter().filter(|file| file.state.is_work())),
            )
        })
        .sum()
}

/// What the disk has, and a warning where that is less than wanted.
fn free(context: &Context, wanted: u64) -> String {
    let out = &context.settings.places.out;
    let existing = out.ancestors().find(|folder| folder.exists());
    match existing.and_then(free_bytes) {
        Some(bytes) if bytes < wanted => {
            format!(" and only {} free: NOT ENOUGH", term::size(bytes))
        }
        Some(bytes) => format!(" of {} free", term::size(bytes)),
        None => String::new(),
    }
}
