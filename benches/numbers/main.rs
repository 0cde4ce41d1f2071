//! The numbers to hold: `cargo bench --bench numbers` measures all of them and prints the
//! table of `docs/performance.md`; `-- queue`, `-- job`, `-- scale` some, each with a size
//! behind it if wanted (`-- scale 100000`).
//!
//! CPU time a job and ratios within one run are steady on a shared machine, wall time is
//! not. Linux only; elsewhere it says so and ends.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a measurement that prints, and stops where something fails"
)]

mod job;
mod machine;
mod project;
mod provider;
mod queue;
mod scale;

use std::path::Path;
use std::time::Duration;

/// A line of the table.
pub(crate) struct Row {
    what: String,
    target: String,
    measured: String,
}

impl Row {
    pub(crate) fn new(
        what: impl Into<String>,
        target: impl Into<String>,
        measured: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            target: target.into(),
            measured: measured.into(),
        }
    }
}

pub(crate) fn each(total: Duration, jobs: u64) -> String {
    format!("{:.1} µs", total.as_secs_f64() * 1e6 / jobs as f64)
}

pub(crate) fn rate(jobs: u64, wall: Duration) -> String {
    format!("{:.0}", jobs as f64 / wall.as_secs_f64())
}

pub(crate) fn ratio(one: Duration, other: Duration) -> String {
    format!("{:.2}", one.as_secs_f64() / other.as_secs_f64())
}

pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if machine::own_cpu().is_none() {
        println!("skipped: no scheduler statistics on this system");
        return;
    }
    match args[..] {
        // The other processes of a measurement.
        ["provider", port, requests, mode] => {
            provider::serve(
                port.parse().unwrap(),
                requests.parse().unwrap(),
                mode == "answer",
            );
            return;
        }
        ["bare", url, jobs, workers, sync, folder] => {
            job::bare_loop(
                url,
                jobs.parse().unwrap(),
                workers.parse().unwrap(),
                sync == "true",
                Path::new(folder),
            );
            return;
        }
        _ => {}
    }
    let size = |default| {
        args.get(1)
            .and_then(|size| size.parse().ok())
            .unwrap_or(default)
    };
    let wants = |part: &str| args.first().is_none_or(|asked| *asked == part);
    if !["queue", "job", "scale"].iter().any(|part| wants(part)) {
        println!("parts: queue [JOBS], job [JOBS], scale [CHUNKS]; without one, all of them");
        return;
    }
    println!("| what | target | measured |\n|---|---|---|");
    if wants("queue") {
        show(&queue::measure(size(1_000_000)));
    }
    if wants("job") {
        show(&job::measure(size(5_000), 32));
    }
    if wants("scale") {
        show(&scale::measure(size(1_000_000)));
    }
}

fn show(rows: &[Row]) {
    for row in rows {
        println!("| {} | {} | {} |", row.what, row.target, row.measured);
    }
}
