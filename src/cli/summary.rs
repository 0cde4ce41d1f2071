//! What a run says at its end.

use std::path::PathBuf;

use crate::cli::blame;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ledger;
use crate::cli::money::{Funds, money_lines};
use crate::cli::progress::tally::Tally;
use crate::cli::term;
use crate::domain::{JobState, NanoUsd, RunId, Standing};
use crate::store::{Count, Money, Purse, Store};
use crate::worker::Stop;

/// How a run ended, for its last words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub run: RunId,
    pub stop: &'a Stop,
    pub exit: Exit,
    pub tally: &'a Tally,
    pub remains: &'a Remains,
    /// What the run cost.
    pub money: &'a Money,
    pub reports: &'a [PathBuf],
}

/// What a run leaves that is not done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Remains {
    pub jobs_failed: u64,
    /// Files that could not be made.
    pub files_failed: u64,
    /// Set aside by a person.
    pub jobs_held: u64,
    /// Sent and possibly billed, never answered.
    pub jobs_in_doubt: u64,
    /// Jobs that a later run works on.
    pub jobs_left: u64,
    /// Files of the plan that were left out: refused, failed, held, or made with gaps before.
    pub files_left_out: u64,
    /// Files that were made without all of their parts.
    pub files_with_gaps: u64,
}

impl Remains {
    /// As the queue stands, `counts`, and the plan.
    pub(crate) fn of(counts: &[Count], files_left_out: u64) -> Self {
        let sum = |sends: bool, wanted: &dyn Fn(Standing) -> bool| -> u64 {
            let found = counts
                .iter()
                .filter(|count| count.kind.sends() == sends && wanted(count.standing()));
            found.map(|count| count.jobs).sum()
        };
        let is_left = |standing: Standing| {
            let (state, _) = standing.state();
            !state.is_final() && state != JobState::Held
        };
        Self {
            jobs_failed: sum(true, &|standing| standing == Standing::Failed),
            // With its jobs, or alone when it could not be put together or written.
            files_failed: sum(false, &|standing| standing == Standing::Failed),
            jobs_held: sum(true, &|standing| standing == Standing::Held),
            jobs_in_doubt: sum(true, &|standing| standing == Standing::InDoubt),
            jobs_left: sum(true, &is_left),
            files_left_out,
            files_with_gaps: 0,
        }
    }
}

/// The last words of a run: what is done, what is not, what it cost, what to type next.
pub(crate) async fn say_end(
    context: &Context,
    store: &Store,
    ending: &Ending<'_>,
) -> anyhow::Result<()> {
    let Ending {
        run,
        stop,
        money,
        reports,
        ..
    } = *ending;
    let mut lines = vec![format!("run {run} ended: {}", stop.words())];
    lines.push(done_line(ending.tally));
    lines.extend(remains_lines(ending));
    lines.extend(money_lines(money));
    let funds = context.funds(Some(store)).await?;
    if let Some(cap) = funds.queue.cap {
        lines.push(format!(
            "budget   {} of {} spent over all runs",
            funds.queue.spent().display(),
            cap.display()
        ));
    }
    lines.extend(funds.today_line());
    if money.spent() == NanoUsd::ZERO {
        // For work that cost nothing: the price of the same work elsewhere.
        let offers = ledger::offers(context, store).await?;
        lines.extend(offers.iter().map(|offer| {
            format!(
                "         all of it would cost {} with {}",
                offer.cost.display(),
                offer.model
            )
        }));
    }
    for report in reports {
        lines.push(format!("report   {}", report.display()));
    }
    if reports.is_empty() {
        lines.push("report   not written; `voicespool report` shows it".to_owned());
    }
    if let Stop::Refused { task, detail } = stop {
        let place = blame::place(&context.settings, task, detail);
        lines.extend(place.map(|place| format!("place    {place}")));
    }
    if let Some(next) = next(ending, &funds) {
        lines.push(format!("next     {next}"));
    }
    let lines: Vec<_> = lines.iter().map(|line| term::clean(line)).collect();
    term::say(&lines.join("\n"));
    Ok(())
}

/// What went wrong or is left, a line each; nothing of what did not happen.
fn remains_lines(ending: &Ending<'_>) -> Vec<String> {
    let Remains {
        jobs_failed,
        files_failed,
        jobs_held,
        jobs_in_doubt,
        jobs_left,
        files_left_out,
        files_with_gaps,
    } = *ending.remains;
    let lines = [
        (ending.tally.retried, "request", "failed and put back"),
        (jobs_failed, "job", "failed"),
        (files_failed, "file", "could not be made"),
        (
            files_with_gaps,
            "file",
            "made with gaps, where parts of it failed",
        ),
        (
            ending.tally.flagged,
            "file",
            "flagged: read what and where (see `voicespool ls --flagged`)",
        ),
        (
            jobs_in_doubt,
            "job",
            "in doubt: sent, perhaps billed, never answered",
        ),
        (jobs_held, "job", "set aside by you"),
        (jobs_left, "job", "left in the queue"),
        (
            files_left_out,
            "file",
            "refused, failed, held or with gaps (see `voicespool plan`)",
        ),
    ];
    let lines = lines.into_iter().filter(|(number, ..)| *number > 0);
    lines
        .map(|(number, noun, what)| format!("         {} {what}", term::count(number, noun)))
        .collect()
}

fn done_line(tally: &Tally) -> String {
    let mut line = format!(
        "done     {}, {}",
        term::count(tally.files, "file"),
        term::count(tally.requests, "request"),
    );
    if tally.audio.0 > 0 {
        let audio = std::time::Duration::from_millis(tally.audio.0);
        line.push_str(&format!(" ({} of audio)", term::span(audio)));
    }
    if tally.reused > 0 {
        line.push_str(&format!("; {} reused for nothing", tally.reused));
    }
    line
}

/// What to type next, where that is not obvious.
fn next(ending: &Ending<'_>, funds: &Funds) -> Option<String> {
    let failed = ending.remains.jobs_failed + ending.remains.files_failed;
    let held = ending.remains.jobs_held;
    let in_doubt = ending.remains.jobs_in_doubt;
    let words = match (ending.exit, ending.stop) {
        (_, Stop::Refused { .. }) => {
            "put it right in the configuration, then voicespool run: no job failed of it; `voicespool voices` and `voicespool models` list what there is"
        }
        (Exit::Partial, _) if failed > 0 => {
            "voicespool ls --state failed; then voicespool retry --all"
        }
        (Exit::Partial, _) if in_doubt > 0 => {
            "voicespool ls --state in_doubt; then voicespool retry --state in_doubt --all, which may pay twice, or voicespool cancel --state in_doubt --all"
        }
        (Exit::Partial, _) if held > 0 => {
            "voicespool ls --state held; then voicespool retry --state held --all"
        }
        (Exit::Account, _) => "put the key or the credit right, then voicespool run: no job failed",
        (_, Stop::Runaway { .. }) => {
            "voicespool ls shows why; voicespool run goes on; [budget] runaway_factor sets the limit"
        }
        (_, Stop::Budget { which, .. }) => {
            return Some(match which {
                Purse::Run(_) => {
                    "voicespool run --max-cost USD    goes on, with as much more".into()
                }
                Purse::Queue => "raise [budget] max_cost, then voicespool run".into(),
                Purse::Day(_) => format!(
                    "voicespool run    from {} on, when the next day begins (or raise [budget] max_cost_per_day)",
                    funds.begins()
                ),
            });
        }
        (Exit::Disk, _) => "make room or repair the folder, then voicespool run",
        (Exit::Unreachable | Exit::Time | Exit::Interrupted | Exit::Terminated, _) => {
            "voicespool run    goes on where this one stopped"
        }
        _ => return None,
    };
    Some(words.to_owned())
}
