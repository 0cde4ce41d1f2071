//! The reports a run leaves beside its files.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::ledger::{attempts_csv, files_csv};
use crate::pipeline::output;
use crate::store::Store;

/// Writes the bill (a line per request) and the list of files; returns their paths.
pub(crate) async fn write(
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
