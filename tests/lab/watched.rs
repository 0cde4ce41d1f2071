//! A command at work, watched line by line, with a limit on how long anything may take.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{CANARY, Project};

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// A started command whose stdout is JSON lines.
pub(crate) struct Watched {
    pub(crate) child: Child,
    lines: Receiver<Value>,
    errors: String,
}

/// What a wait ended with.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Line(Value),
    /// The time is up.
    Nothing,
    /// It closed its output.
    End,
}

impl Watched {
    /// Starts `command`; its stderr goes to `name` in the project, for the inspection of a failure.
    pub(crate) fn start(project: &Project, mut command: Command, name: &str) -> Self {
        let errors = format!("lab/{name}.stderr");
        project.write(&errors, "");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::create(project.path(&errors)).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            // A line that was cut by a kill is no JSON, and the last.
            for line in stdout.lines().map_while(Result::ok) {
                assert!(!line.contains(CANARY), "the key was printed");
                let Ok(value) = serde_json::from_str(&line) else {
                    break;
                };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            errors,
        }
    }

    /// The next line, if it comes before `until`.
    pub(crate) fn next(&self, until: Instant) -> Seen {
        let left = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Seen::Line(line),
            Err(RecvTimeoutError::Timeout) => Seen::Nothing,
            Err(RecvTimeoutError::Disconnected) => Seen::End,
        }
    }

    /// `kill -9`, then waits for the kernel to be done with it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end; what hangs is killed, and a failure.
    pub(crate) fn end(&mut self, project: &Project) -> Ended {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.next(until) {
                Seen::Line(_) => {}
                Seen::End => break,
                Seen::Nothing => {
                    self.kill();
                    panic!("it hung\n{}", project.read(&self.errors));
                }
            }
        }
        let status = self.child.wait().unwrap();
        Ended {
            status,
            stderr: project.read(&self.errors),
        }
    }
}

/// How a command ended.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) stderr: String,
}

impl Ended {
    /// The exit code; `None` if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9) || self.status.code() == Some(137)
    }
}
