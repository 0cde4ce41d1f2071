//! The queue's books read page by page, in the terms of reports.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;

use crate::cli::context::Context;
use crate::domain::{
    AudioMillis, CharCount, FileRow, JobId, JobState, LedgerRow, Quantity, RefusedRow, RunId,
};
use crate::report::csv::Cells;
use crate::report::{self, WhatIf};
use crate::store::{FileEntry, LedgerEntry, Money, OutputRow, RunRow, Store};

/// Rows read at once.
pub(crate) const PAGE: u32 = 5_000;

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
pub(crate) async fn files_csv<W: Write + Send>(
    store: &Store,
    run: Option<RunId>,
    refused: &[RefusedRow],
    out: W,
) -> anyhow::Result<()> {
    let mut writer = report::csv::Files::new(out, Cells::default())?;
    for file in file_rows(store, run).await? {
        writer.push(&file)?;
    }
    for file in refused {
        writer.push_refused(file)?;
    }
    writer.finish()?;
    Ok(())
}

/// Every input file with what became of it; of `run` those that it sent something for.
pub(crate) async fn file_rows(store: &Store, run: Option<RunId>) -> anyhow::Result<Vec<FileRow>> {
    let of_run = match run {
        Some(run) => Some(paths_of(store, run).await?),
        None => None,
    };
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
        let page = page.into_iter().filter(|file| {
            of_run.as_ref().is_none_or(|paths| {
                paths.contains(&(file.source.task.clone(), file.source.path.clone()))
            })
        });
        rows.extend(page.map(|file| file_row(file, &mut outputs)));
    }
}

/// Task and path of what `run` sent something for.
async fn paths_of(store: &Store, run: RunId) -> anyhow::Result<HashSet<(String, Vec<u8>)>> {
    let (mut paths, mut after) = (HashSet::new(), None);
    loop {
        let page = store.ledger(Some(run), after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(paths);
        };
        after = Some(last.id);
        paths.extend(page.into_iter().map(row).map(|row| (row.task, row.source)));
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

/// What one run cost.
pub(crate) async fn money_of(store: &Store, id: RunId) -> anyhow::Result<Money> {
    let own = all_runs(store).await?.into_iter().find(|run| run.id == id);
    Ok(own.map(|run| run.money).unwrap_or_default())
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
