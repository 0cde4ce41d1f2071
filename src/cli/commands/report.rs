//! `report`: what was done and what it cost.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use crate::cli::args::{Global, ReportArgs, ReportFormat};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::ledger;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::Overrides;
use crate::domain::RunId;
use crate::report::{self, Fold, Summary};
use crate::store::{Store, refused};

pub(crate) async fn run(global: &Global, args: &ReportArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.require_read_only().await?;
    let mut out: Box<dyn Write + Send> = match &args.out {
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|error| {
            Failure::from_error(Exit::Disk, &error).detail(format!("file: {}", path.display()))
        })?)),
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let run = args.run.map(RunId);
    let refused = match run {
        // Of one run only what it did.
        Some(run) => {
            known(&store, run).await?;
            Vec::new()
        }
        None => refused::recall(&context.settings.places.state)?,
    };
    match (context.json, args.format) {
        (false, ReportFormat::Attempts) => ledger::attempts_csv(&store, run, &mut out).await?,
        (false, ReportFormat::Files) => {
            ledger::files_csv(&store, run, &refused, &mut out).await?;
        }
        (true, _) => {
            let sums = fold(&store, run).await?;
            let files = ledger::file_rows(&store, run).await?;
            let report = report::json::report(&sums, &files, &refused)?;
            writeln!(out, "{}", record::line(&Record::Report(&report)))?;
        }
        (false, ReportFormat::Table) => {
            let sums = fold(&store, run).await?;
            let files = ledger::file_rows(&store, run).await?;
            writeln!(
                out,
                "{}\n\n{}{}",
                report::table::summary(&sums),
                report::table::files(&files)?,
                report::table::refused(&refused)
            )?;
            let offers = ledger::offers(&context, &store).await?;
            if !offers.is_empty() {
                writeln!(
                    out,
                    "\nThe same work elsewhere:\n{}",
                    report::table::what_if(&offers)
                )?;
            }
        }
    }
    out.flush()?;
    store.close().await?;
    if let Some(path) = &args.out {
        term::say(&format!("wrote {}", path.display()));
    }
    Ok(Exit::Ok)
}

/// A run that never was has no report.
async fn known(store: &Store, run: RunId) -> anyhow::Result<()> {
    let runs = ledger::all_runs(store).await?;
    if runs.iter().any(|row| row.id == run) {
        return Ok(());
    }
    let last = runs.last().map_or_else(
        || "there was none yet".to_owned(),
        |last| format!("the last was run {}", last.id),
    );
    Err(Failure::new(Exit::Usage, format!("there is no run {run}"))
        .detail(last)
        .into())
}

async fn fold(store: &Store, run: Option<RunId>) -> anyhow::Result<Summary> {
    let mut sums = Fold::default();
    let mut after = None;
    loop {
        let page = store.ledger(run, after, 5_000).await?;
        let Some(last) = page.last() else {
            return Ok(sums.finish());
        };
        after = Some(last.id);
        for entry in page {
            sums.push(&ledger::row(entry))?;
        }
    }
}
