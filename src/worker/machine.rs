//! Whose fault a failed call to the operating system is: that of one file, or of this machine,
//! and then every other job would meet it too.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::domain::UtcMillis;

/// Whether `error`, or what caused it, says that this machine cannot go on: the disk is full,
/// read-only or failing, there are no file descriptors or no memory left. A file that is missing,
/// is a folder or has an impossible name says nothing about the next.
pub(super) fn is_at_fault(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.downcast_ref::<io::Error>().is_some_and(is_about_all) {
            return true;
        }
        next = cause.source();
    }
    false
}

fn is_about_all(error: &io::Error) -> bool {
    // Nothing was taken, and no reason given.
    if error.kind() == ErrorKind::WriteZero {
        return true;
    }
    // Errors of this program and its libraries have no number of the system's.
    error.raw_os_error().is_some()
        && !matches!(
            error.kind(),
            ErrorKind::NotFound
                | ErrorKind::AlreadyExists
                | ErrorKind::IsADirectory
                | ErrorKind::NotADirectory
                | ErrorKind::DirectoryNotEmpty
                | ErrorKind::InvalidFilename
                | ErrorKind::FileTooLarge
        )
}

/// When this machine was started, if the system says so.
pub(super) fn up_since(now: UtcMillis) -> Option<UtcMillis> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = uptime.split(' ').next()?.parse().ok()?;
    let up = Duration::try_from_secs_f64(seconds).ok()?;
    let up = i64::try_from(up.as_millis()).ok()?;
    Some(UtcMillis(now.0.saturating_sub(up)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::output::OutputError;

    fn output(source: io::Error) -> OutputError {
        OutputError::Io {
            path: "a.wav".into(),
            source,
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_disk_is_everybody_s_and_a_missing_file_is_its_own() {
        // EIO, EMFILE, ENOSPC, EROFS; then ENOENT, EISDIR, ENAMETOOLONG.
        for (number, expected) in [
            (5, true),
            (24, true),
            (28, true),
            (30, true),
            (2, false),
            (21, false),
            (36, false),
        ] {
            let error = output(io::Error::from_raw_os_error(number));
            assert_eq!(is_at_fault(&error), expected, "{error:?}");
        }
        assert!(is_at_fault(&output(ErrorKind::WriteZero.into())));
        assert!(!is_at_fault(&output(ErrorKind::UnexpectedEof.into())));
    }
}
