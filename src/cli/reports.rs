//! The reports a run leaves beside its files.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::ledger::{attempts_csv, files_csv};
use crate::cli::term;
use crate::pipeline::output::{NewFile, OutputError};
use crate::pipeline::outputs::Outputs;
use crate::pipeline::written::Written;
use crate::store::{Store, refused};

/// Writes the bill (a line per request) and the list of files; returns their paths.
pub(crate) async fn write(
    context: &Context,
    bill: Option<&Path>,
    store: &Store,
) -> anyhow::Result<Vec<PathBuf>> {
    let places = &context.settings.places;
    let written = Written::load(&places.state, Some(store)).await?;
    let outputs = Outputs::new(places.out.clone(), Arc::new(written));
    let mut paths = Vec::new();
    match bill {
        // A path the user named is the user's own; anything else stays below the output folder.
        Some(path) => {
            let file = File::create(path).map_err(|error| {
                Failure::from_error(Exit::Disk, &error).detail(format!("file: {}", path.display()))
            })?;
            attempts_csv(store, None, BufWriter::new(file)).await?;
            paths.push(path.to_owned());
        }
        None => {
            let name = Path::new("cost.csv");
            let mut file = outputs.create(name)?;
            attempts_csv(store, None, BufWriter::new(file.file())).await?;
            paths.extend(put(&outputs, file, name)?);
        }
    }
    let name = Path::new("files.csv");
    let mut file = outputs.create(name)?;
    let refused = refused::recall(&places.state)?;
    files_csv(store, None, &refused, BufWriter::new(file.file())).await?;
    paths.extend(put(&outputs, file, name)?);
    Ok(paths)
}

/// Gives a report its name. Where a file of somebody else's has it, that stays, and the run says so.
fn put(outputs: &Outputs, file: NewFile, name: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !outputs.knows(name) && is_old_report(&outputs.root().join(name), file.path()) {
        outputs.adopt(name)?;
    }
    match outputs.put(file, name) {
        Ok(put) => Ok(Some(put.path)),
        Err(OutputError::NotOurs { path }) => {
            term::say(&format!(
                "warning: {} is not ours and stays; `voicespool report` shows what it would say",
                term::clean(&path.to_string_lossy())
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether `there` begins with the same line as `made`: a report from before reports were noted.
fn is_old_report(there: &Path, made: &Path) -> bool {
    let first = |path: &Path| -> std::io::Result<String> {
        let mut line = String::new();
        BufReader::new(File::open(path)?.take(4096)).read_line(&mut line)?;
        Ok(line)
    };
    let made = first(made).unwrap_or_default();
    first(there).is_ok_and(|line| !line.is_empty() && line == made)
}
