//! `strace`: faults put into system calls, and the record of what was called.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Project;

/// Whether experiments that need `strace` can run. Says so when not; on CI that is a failure.
pub(crate) fn is_there() -> bool {
    let probe = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output();
    let problem = match probe {
        Ok(output) if output.status.success() => return true,
        Ok(output) => format!(
            "strace does not work here (is ptrace forbidden?): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(error) => format!("strace cannot be started (Debian package `strace`): {error}"),
    };
    assert!(std::env::var_os("CI").is_none(), "{problem}");
    eprintln!("SKIPPED: {problem}");
    false
}

/// `command` under `strace` with `options`; the record goes to the returned file.
pub(crate) fn under(
    project: &Project,
    command: &Command,
    name: &str,
    options: &[&str],
) -> (Command, PathBuf) {
    let record = project.path(&format!("lab/{name}.strace"));
    project.write(&format!("lab/{name}.strace"), "");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq"]);
    // Stops at the wanted calls only, which is faster; but strace 6.1 then loses the signals it is
    // to send with a call.
    if !options.iter().any(|option| option.contains(":signal=")) {
        traced.arg("--seccomp-bpf");
    }
    traced
        .arg("-o")
        .arg(&record)
        .args(options)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(project.root())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            traced.env(name, value);
        }
    }
    // One thread for the tasks, so that the Nth call of a thread is more nearly the Nth of all.
    traced.env("TOKIO_WORKER_THREADS", "1");
    (traced, record)
}

/// The record, lossily: names in it may be any bytes.
pub(crate) fn read(record: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(record).unwrap()).into_owned()
}
