//! CPU, memory and time of this process and of others, from Linux' `/proc`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// `/proc/PID/stat` counts in hundredths of a second on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// User and system time of a process with all its threads, also of those that have ended.
/// Readable until somebody waits for the process.
pub(crate) fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may contain anything, so count from its end.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |idx| {
        rest.split_whitespace()
            .nth(idx)
            .and_then(|n: &str| n.parse::<u32>().ok())
    };
    TICK * (field(11).unwrap_or(0) + field(12).unwrap_or(0))
}

/// On-CPU time of all living threads of this process, to the nanosecond.
pub(crate) fn own_cpu() -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        // A thread may end between being listed and being read.
        let Ok(text) = fs::read_to_string(task.ok()?.path().join("schedstat")) else {
            continue;
        };
        nanos += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// Most memory a process ever had at once, in bytes.
pub(crate) fn peak_of(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Runs `work` and returns its wall time and the CPU time of this process.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration, Duration) {
    let (cpu, start) = (own_cpu().unwrap(), Instant::now());
    let value = work.await;
    let used = own_cpu().unwrap().saturating_sub(cpu);
    (value, start.elapsed(), used)
}

/// What a process came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak: u64,
}

/// A process being watched. Its stdout is read line by line; its stderr is the bench's.
pub(crate) struct Watched {
    child: Child,
    started: Instant,
    lines: Option<BufReader<ChildStdout>>,
    peak: (Receiver<u64>, JoinHandle<()>),
}

impl Watched {
    pub(crate) fn start(command: &mut Command) -> Self {
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        let pid = child.id();
        let (sender, receiver) = channel();
        // The peak only grows, so the last look before the end misses a few milliseconds.
        let watcher = thread::spawn(move || {
            loop {
                let peak = peak_of(&pid.to_string());
                if peak == 0 || sender.send(peak).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            child,
            started,
            lines,
            peak: (receiver, watcher),
        }
    }

    /// So far.
    pub(crate) fn used(&self) -> Used {
        Used {
            wall: self.started.elapsed(),
            cpu: cpu_of(self.child.id()),
            peak: peak_of(&self.child.id().to_string()),
        }
    }

    /// The next line of stdout; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        if let Some(lines) = &mut self.lines {
            lines.read_line(&mut line).unwrap();
        }
        line.trim_end().to_owned()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, which must be a success.
    pub(crate) fn end(mut self) -> Used {
        drop(self.lines.take());
        let pid = Pid::from_child(&self.child);
        // Not reaped yet: its figures are still there to read.
        waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        )
        .unwrap();
        let (wall, cpu) = (self.started.elapsed(), cpu_of(self.child.id()));
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        let (peaks, watcher) = self.peak;
        watcher.join().unwrap();
        Used {
            wall,
            cpu,
            peak: peaks.try_iter().max().unwrap_or(0),
        }
    }
}
