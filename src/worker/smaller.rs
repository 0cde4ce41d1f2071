//! A recording that is too large for one request is sent as a smaller file, made for it; one that is too long as its
//! parts.

use std::io;
use std::path::{Path, PathBuf};

use crate::audio::{ShrinkError, fitting_rate, shrink};
use crate::domain::{AudioMillis, ContentKey, Stretch};
use crate::pipeline::recording::MAY_MISS;
use crate::store::private;
use crate::worker::run::Run;
use crate::worker::trouble::Trouble;

/// A recording that a job sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recording<'a> {
    /// Of the job.
    pub(super) key: ContentKey,
    pub(super) path: &'a Path,
    /// What of it is sent, if not all.
    pub(super) part: Option<Stretch>,
    pub(super) duration: AudioMillis,
}

/// The recording, small enough for `largest` bytes: made now, or for an earlier try of this run. Blocking.
pub(super) fn make(run: &Run, recording: Recording<'_>, largest: u64) -> Result<PathBuf, Trouble> {
    let Recording {
        key,
        path,
        part,
        duration,
    } = recording;
    let rate = fitting_rate(duration, largest).ok_or_else(|| {
        Trouble::of_this_job("it is too large for one request, also at the fewest bits")
    })?;
    let folder = uploads(&run.places.state);
    let failed = |error: io::Error| {
        Trouble::of_this_machine(format!(
            "cannot write a smaller file to {}: {error}",
            folder.display()
        ))
    };
    let kept = file_of(&run.places.state, key);
    if kept.metadata().is_ok_and(|file| file.len() <= largest) {
        return Ok(kept);
    }
    private::make_folder(&folder).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix("upload-")
        .suffix(".m4a")
        .tempfile_in(&folder)
        .map_err(failed)?;
    let is_stopped = || run.shutdown.abort.is_cancelled();
    let made = match shrink(path, part, rate, file.as_file_mut(), is_stopped) {
        Ok(made) => made.duration,
        Err(error @ ShrinkError::Write(_)) => return Err(Trouble::of(&error)),
        Err(error) => {
            let Trouble { detail, stops } = Trouble::of(&error);
            let detail = match part {
                Some(_) => format!("it cannot be cut: {detail}"),
                None => {
                    format!("it is too large for one request and cannot be made smaller: {detail}")
                }
            };
            return Err(Trouble { detail, stops });
        }
    };
    if made.0 + MAY_MISS.0 < duration.0 {
        return Err(Trouble::of_this_job(format!(
            "only {:.1} s of its {:.1} s can be decoded to be sent as a smaller file",
            made.seconds(),
            duration.seconds()
        )));
    }
    let bytes = file.as_file().metadata().map_err(failed)?.len();
    if bytes > largest {
        return Err(Trouble::of_this_job(format!(
            "it is {:.1} MB also at {} kbit/s, more than one request takes",
            megabytes(bytes),
            rate / 1000
        )));
    }
    file.persist(&kept).map_err(|error| failed(error.error))?;
    Ok(kept)
}

/// Removes the smaller file of a job whose answer is there.
pub(super) fn forget(state: &Path, key: ContentKey) -> io::Result<()> {
    match std::fs::remove_file(file_of(state, key)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file_of(state: &Path, key: ContentKey) -> PathBuf {
    uploads(state).join(format!("{key}.m4a"))
}

/// Removes what a killed run left. Only while the run lock is held.
pub fn sweep(state: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(uploads(state)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where smaller files lie while they are sent.
fn uploads(state: &Path) -> PathBuf {
    state.join("uploads")
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "shown with one decimal"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
