//! Files of the last plan that could not be worked on: no job knows of them, and reports are to.
//!
//! One small file beside the queue, replaced whole by each run. It is no truth of the queue: a plan
//! finds the same again.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::domain::RefusedRow;
use crate::store::Error;

/// Name of the file in the state folder.
const FILE_NAME: &str = "refused.json";

/// More than the longest list needs; what is longer was not written here.
const MOST_BYTES: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u32,
    refused: Vec<RefusedRow>,
}

/// Notes `refused` in place of the last list.
///
/// # Errors
/// [`Error::Io`].
pub fn note(state_dir: &Path, refused: Vec<RefusedRow>) -> Result<(), Error> {
    if refused.is_empty() && !state_dir.join(FILE_NAME).exists() {
        return Ok(());
    }
    let wire = Wire {
        version: 1,
        refused,
    };
    let text = serde_json::to_vec(&wire).map_err(|error| Error::misuse(error.to_string()))?;
    // A name of its own: whatever lies there under a known one is not written through.
    let mut file = NamedTempFile::new_in(state_dir)?;
    file.write_all(&text)?;
    file.persist(state_dir.join(FILE_NAME))
        .map_err(|error| error.error)?;
    Ok(())
}

/// The last list; empty where there is none, or none that can be read.
///
/// # Errors
/// [`Error::Io`].
pub fn recall(state_dir: &Path) -> Result<Vec<RefusedRow>, Error> {
    let file = match File::open(state_dir.join(FILE_NAME)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text)?;
    let wire: Option<Wire> = serde_json::from_slice(&text).ok();
    Ok(wire.map(|wire| wire.refused).unwrap_or_default())
}
