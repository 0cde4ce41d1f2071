//! The fault laboratory: experiments that break things on purpose and count what was lost.
//!
//! `cargo lab` lists them, `cargo lab NAME… [--count N] [--seed N]` runs some, `cargo lab all` runs
//! each at its short length, which is what CI does. Every experiment drives the built binary from
//! outside, checks the promises after the fault, and prints one line of figures. What each proves and
//! its latest figures: `docs/reliability.md`.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unnecessary_debug_formatting,
    reason = "an experiment that cannot go on ends the run, and its figures are for a reader"
)]

mod chance;
mod clock;
mod damage;
mod databases;
mod dice;
mod disk;
mod gate;
mod hostile;
mod inject;
mod kept;
mod kill;
mod layouts;
mod names;
mod order;
mod promises;
mod runs;
mod scene;
mod slow;
mod strace;
mod strangers;
#[path = "../support/mod.rs"]
#[expect(
    dead_code,
    reason = "shared with the integration tests, which use the rest"
)]
mod support;
mod watched;

use std::process::ExitCode;
use std::time::Instant;

/// What a person asked for on the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// How many faults, kills, answers or names; each experiment has its short length.
    pub(crate) count: Option<usize>,
    /// Everything random follows from it, and a failure prints it.
    pub(crate) seed: u64,
}

/// One experiment. It panics where a promise is broken, and returns its figures.
struct Experiment {
    name: &'static str,
    proves: &'static str,
    run: fn(Options) -> String,
}

const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "gate",
        proves: "rate control finds a limit with a handful of throttles and outlives an outage",
        run: gate::policies,
    },
    Experiment {
        name: "runs",
        proves: "two runs on one queue: the second exits 11, names the first and sends nothing",
        run: runs::two_on_one_queue,
    },
    Experiment {
        name: "hostile",
        proves: "no hostile answer becomes a result, a panic, a flood of memory or a long wait",
        run: hostile::every_answer,
    },
    Experiment {
        name: "disk",
        proves: "a full, read-only or forbidden disk: exit 7, no job failed, the next run completes",
        run: disk::refusing_disks,
    },
    Experiment {
        name: "databases",
        proves: "a broken queue file is refused untouched or used, and nothing is bought again",
        run: databases::broken_queues,
    },
    Experiment {
        name: "clock",
        proves: "when the clock jumps nothing is sent twice and nothing waits for ever",
        run: clock::jumps,
    },
    Experiment {
        name: "names",
        proves: "no name and no planted link leads out of the output folder or over another file",
        run: names::evil_names,
    },
    Experiment {
        name: "kill",
        proves: "kill -9 at any moment: nothing lost, paid twice only what was on the wire, and listed",
        run: kill::at_any_moment,
    },
    Experiment {
        name: "slow",
        proves: "kill -9 while all wait for slow answers: no job is blamed, held or failed",
        run: slow::answers,
    },
    Experiment {
        name: "damage",
        proves: "no damaged answer or text is believed by any reader, or bought again unasked",
        run: damage::objects,
    },
    Experiment {
        name: "layouts",
        proves: "no byte that was there before is changed or removed without the word overwrite",
        run: layouts::over_files,
    },
    Experiment {
        name: "strangers",
        proves: "a stranger's project file reads and writes nothing outside and sends nothing unasked",
        run: strangers::project_files,
    },
    Experiment {
        name: "inject",
        proves: "the Nth system call fails or is the last: a clear end, and nothing lost (needs strace)",
        run: inject::nth_call,
    },
    Experiment {
        name: "order",
        proves: "row before request, bytes before name, name before row: on the disk (needs strace)",
        run: order::on_the_disk,
    },
];

fn main() -> ExitCode {
    let (names, options) = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    if names.is_empty() {
        for experiment in EXPERIMENTS {
            println!("{:<12} {}", experiment.name, experiment.proves);
        }
        return ExitCode::SUCCESS;
    }
    for experiment in EXPERIMENTS {
        if names
            .iter()
            .any(|name| name == "all" || name == experiment.name)
        {
            eprintln!(
                "{} (seed {}): {}",
                experiment.name, options.seed, experiment.proves
            );
            say_how_to_repeat(experiment.name, options);
            let started = Instant::now();
            let figures = (experiment.run)(options);
            println!(
                "| {} | {figures} | {:.0} s |",
                experiment.name,
                started.elapsed().as_secs_f64()
            );
        }
    }
    ExitCode::SUCCESS
}

/// A failure names what brings it back.
fn say_how_to_repeat(name: &'static str, options: Options) {
    let shown = std::panic::take_hook();
    let count = options
        .count
        .map(|count| format!(" --count {count}"))
        .unwrap_or_default();
    std::panic::set_hook(Box::new(move |info| {
        shown(info);
        eprintln!("again: cargo lab {name}{count} --seed {}", options.seed);
    }));
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<(Vec<String>, Options), String> {
    let mut options = Options {
        count: None,
        seed: 1,
    };
    let mut names = Vec::new();
    while let Some(arg) = args.next() {
        let mut number = || {
            args.next()
                .and_then(|value| value.parse::<u64>().ok())
                .ok_or(format!("{arg} wants a number"))
        };
        match arg.as_str() {
            "--count" => {
                let count = usize::try_from(number()?).map_err(|error| error.to_string())?;
                options.count = Some(count);
            }
            "--seed" => options.seed = number()?,
            // `cargo test --quiet` hands its own flag on.
            "--quiet" => {}
            name if name == "all" || EXPERIMENTS.iter().any(|one| one.name == name) => {
                names.push(arg);
            }
            other => {
                return Err(format!(
                    "no experiment is called `{other}`; `cargo lab` lists them"
                ));
            }
        }
    }
    Ok((names, options))
}
