//! What a run says at its end, and the reports it leaves.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::money::{Funds, money_lines};
use crate::cli::progress::Tally;
use crate::cli::term;
use crate::domain::{
    AudioMillis, CharCount, FileRow, JobId, JobState, LedgerRow, NanoUsd, Quantity, RunId,
    UtcMillis,
};
use crate::pipeline::output;
use crate::report::csv::Cells;
use crate::report::{self, WhatIf};
use crate::store::{FileEntry, LedgerEntry, OutputRow, Purse, RunRow, Store};
use crate::worker::Stop;
use crate::worker::recovery::Recovery;

/// Ledger rows read at once.
const PAGE: u32 = 5_000;

/// RFC 3339, UTC, to the second.
pub(crate) fn utc(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |time| format!("{time:.0}"))
}

/// What the last run left, if it left anything.
pub(crate) fn say_recovery(context: &Context, found: &Recovery) {
    if context.quiet && found.in_doubt.is_empty() {
        return;
    }
    if found.adopted > 0 {
        term::say(&format!(
            "recovered: {} had arrived before the last run ended",
            term::count(found.adopted, "answer")
        ));
    }
    if !found.in_doubt.is_empty() {
        let cost = found
            .in_doubt
            .iter()
            .fold(NanoUsd::ZERO, |sum, (_, cost)| sum.saturating_add(*cost));
        term::say(&format!(
            "in doubt: {} when the last run ended, with no answer; at most {} (listed in the report)",
            term::count(
                u64::try_from(found.in_doubt.len()).unwrap_or(u64::MAX),
                "request was on the wire"
            )
            .replace("wires", "wire"),
            cost.display(),
        ));
    }
    if found.poisoned > 0 {
        term::say(&format!(
            "failed: {} in flight at three crashes",
            term::count(found.poisoned, "job")
        ));
    }
}

/// Writes the bill (a line per request) and the list of files; returns their paths.
pub(crate) async fn write_reports(
    context: &Context,
    bill: Option<&Path>,
    store: &Store,
) -> anyhow::Result<Vec<PathBuf>> {
    let out = &context.settings.places.out;
    let mut written = Vec::new();
    match bill {
        // A path the user named is the user's own; anything else stays below the output folder.
        Some(path) => {
            let file = File::create(path).map_err(|error| {
                Failure::from_error(Exit::Disk, &error).detail(format!("file: {}", path.display()))
            })?;
            attempts_csv(store, None, BufWriter::new(file)).await?;
            written.push(path.to_owned());
        }
        None => {
            let mut file = output::NewFile::create(out, Path::new("cost.csv"))?;
            attempts_csv(store, None, BufWriter::new(file.file())).await?;
            written.push(file.keep()?);
        }
    }
    let mut file = output::NewFile::create(out, Path::new("files.csv"))?;
    files_csv(store, BufWriter::new(file.file())).await?;
    written.push(file.keep()?);
    Ok(written)
}

/// The bill as CSV, read page by page: memory stays flat.
pub(crate) async fn attempts_csv<W: Write + Send>(
    store: &Store,
    run: Option<RunId>,
    out: W,
) -> anyhow::Result<()> {
    let mut writer = report::csv::Attempts::new(out, Cells::default())?;
    let mut after = None;
    loop {
        let page = store.ledger(run, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for entry in page {
            writer.push(&row(entry))?;
        }
    }
    writer.finish()?;
    Ok(())
}

/// One line per input file.
pub(crate) async fn files_csv<W: Write + Send>(store: &Store, out: W) -> anyhow::Result<()> {
    let mut writer = report::csv::Files::new(out, Cells::default())?;
    for file in file_rows(store).await? {
        writer.push(&file)?;
    }
    writer.finish()?;
    Ok(())
}

/// Every input file with what became of it.
pub(crate) async fn file_rows(store: &Store) -> anyhow::Result<Vec<FileRow>> {
    let mut outputs: HashMap<JobId, Vec<Vec<u8>>> = HashMap::new();
    for output in all_outputs(store).await? {
        outputs.entry(output.job).or_default().push(output.path);
    }
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = store.files(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        after = Some((last.source.id, last.parent));
        rows.extend(page.into_iter().map(|file| file_row(file, &mut outputs)));
    }
}

fn file_row(file: FileEntry, outputs: &mut HashMap<JobId, Vec<Vec<u8>>>) -> FileRow {
    FileRow {
        task: file.source.task,
        source: file.source.path,
        state: file.state,
        chunks: file.parts,
        chunks_completed: file.parts_completed,
        chunks_failed: file.parts_lost,
        chunks_reused: file.parts_reused,
        quantity: file.source.quantity,
        confirmed: file.confirmed,
        wasted: file.wasted,
        in_doubt: file.in_doubt,
        audio: file.audio,
        outputs: outputs.remove(&file.parent).unwrap_or_default(),
    }
}

/// What the completed work of the queue would cost with each priced model.
pub(crate) async fn offers(context: &Context, store: &Store) -> anyhow::Result<Vec<WhatIf>> {
    let (mut chars, mut audio) = (CharCount(0), AudioMillis(0));
    for count in store
        .counts()
        .await?
        .iter()
        .filter(|count| count.kind.sends() && count.state == JobState::Completed)
    {
        match count.quantity {
            Quantity::Chars(more) => chars.0 += more.0,
            Quantity::Audio(more) => audio.0 += more.0,
            Quantity::Nothing => {}
        }
    }
    Ok(report::what_if(chars, audio, &context.settings.prices()))
}

/// Every run, oldest first.
pub(crate) async fn all_runs(store: &Store) -> anyhow::Result<Vec<RunRow>> {
    let mut runs: Vec<RunRow> = Vec::new();
    loop {
        let page = store.runs(runs.last().map(|run| run.id), PAGE).await?;
        if page.is_empty() {
            return Ok(runs);
        }
        runs.extend(page);
    }
}

/// Every finished file.
async fn all_outputs(store: &Store) -> anyhow::Result<Vec<OutputRow>> {
    let mut outputs: Vec<OutputRow> = Vec::new();
    loop {
        let after = outputs
            .last()
            .map(|output| (output.job, output.path.clone()));
        let page = store
            .outputs(
                after.as_ref().map(|(job, path)| (*job, path.as_slice())),
                PAGE,
            )
            .await?;
        if page.is_empty() {
            return Ok(outputs);
        }
        outputs.extend(page);
    }
}

/// The files that should be there: of each name the one written last.
pub(crate) async fn current_outputs(store: &Store) -> anyhow::Result<Vec<OutputRow>> {
    let mut current: BTreeMap<Vec<u8>, OutputRow> = BTreeMap::new();
    for output in all_outputs(store).await? {
        match current.entry(output.path.clone()) {
            Entry::Vacant(vacant) => drop(vacant.insert(output)),
            Entry::Occupied(mut found) => {
                if (found.get().written_at, found.get().job) < (output.written_at, output.job) {
                    found.insert(output);
                }
            }
        }
    }
    Ok(current.into_values().collect())
}

/// A ledger entry in the report's terms.
pub(crate) fn row(entry: LedgerEntry) -> LedgerRow {
    let LedgerEntry { row, .. } = entry;
    LedgerRow {
        run: row.run,
        job: entry.job,
        attempt: row.attempt,
        kind: entry.kind,
        task: entry.task,
        source: entry.source_path,
        ordinal: entry.ordinal.map(i64::from),
        model: entry.model,
        voice: entry.voice,
        job_state: entry.job_state,
        started_at: row.sent_at,
        finished_at: row.finished_at,
        class: row.class,
        http_status: row.http_status,
        request_id: row.request_id,
        quantity: row.quantity,
        cost: row.cost,
        cost_status: row.cost_status,
        latency: row.latency,
        first_byte: row.first_byte,
        // What is spoken on this machine takes no road.
        delivery: row.delivery.filter(|_| entry.endpoint != "local"),
        endpoint: entry.endpoint,
        answer_bytes: row.bytes,
        audio: entry.audio,
        detail: row.detail,
        key: entry.key,
    }
}

/// How a run ended, for its last words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub run: RunId,
    pub stop: &'a Stop,
    pub exit: Exit,
    pub tally: &'a Tally,
    /// Files of the plan that were left out.
    pub troubled: u64,
    pub reports: &'a [PathBuf],
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
        tally,
        troubled,
        reports,
        ..
    } = *ending;
    let counts = store.counts().await?;
    let sum = |wanted: &dyn Fn(JobState) -> bool| -> u64 {
        counts
            .iter()
            .filter(|count| count.kind.sends() && wanted(count.state))
            .map(|count| count.jobs)
            .sum()
    };
    // A file fails with its requests; alone when it could not be put together or written.
    let unmade: u64 = counts
        .iter()
        .filter(|count| !count.kind.sends() && count.state == JobState::Failed)
        .map(|count| count.jobs)
        .sum();
    let left = sum(&|state| !state.is_final() && state != JobState::Held);
    let (failed, held) = (
        sum(&|state| state == JobState::Failed),
        sum(&|state| state == JobState::Held),
    );
    let money = all_runs(store)
        .await?
        .into_iter()
        .find(|row| row.id == run)
        .map(|row| row.money)
        .unwrap_or_default();
    let mut lines = vec![format!("run {run} ended: {}", stop.words())];
    lines.push(done_line(tally));
    for (number, what) in [
        (tally.retried, "tries failed and were repeated"),
        (failed, "jobs failed"),
        (unmade, "files could not be made"),
        (held, "jobs held for you: in doubt, or set aside"),
        (left, "requests left in the queue"),
        (
            troubled,
            "files refused, failed or held (see `voicespool plan`)",
        ),
    ] {
        if number > 0 {
            lines.push(format!("         {number} {what}"));
        }
    }
    lines.extend(money_lines(&money));
    let funds = Funds::of(context, Some(store)).await?;
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
        let offers = offers(context, store).await?;
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
    if let Some(next) = next(ending, &funds, failed + unmade, held) {
        lines.push(format!("next     {next}"));
    }
    term::say(
        &lines
            .iter()
            .map(|line| term::clean(line))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    Ok(())
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
fn next(ending: &Ending<'_>, funds: &Funds, failed: u64, held: u64) -> Option<String> {
    let words = match (ending.exit, ending.stop) {
        (Exit::Partial, _) if failed > 0 => {
            "voicespool ls --state failed; then voicespool retry --all"
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
