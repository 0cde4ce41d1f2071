//! The command line: reads arguments, prints, exits. The only room that prints, and the
//! only one that knows exit codes.

mod args;
mod blame;
mod commands;
mod consent;
mod context;
mod end;
mod engines;
mod estimate;
mod exit;
mod host;
mod ledger;
mod lost;
mod money;
mod notes;
mod one_shot;
mod progress;
mod queue;
mod record;
mod recovery;
mod reports;
mod summary;
mod term;
mod which;
mod work;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::args::{Cli, Command};
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::Record;
use crate::pipeline::enqueue::EnqueueError;
use crate::pipeline::output::OutputError;
use crate::pipeline::planner::PlanError;
use crate::store;
use crate::worker::RunError;
use crate::worker::recovery::RecoveryError;

/// The whole program: parses, runs, says what went wrong, gives the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    log_to_stderr(cli.global.verbose);
    let json = cli.global.json;
    let exit = match run(cli) {
        Ok(exit) => exit,
        Err(error) if is_broken_pipe(&error) => Exit::Ok,
        Err(error) => {
            let failure = told(error);
            term::say(&term::clean(&failure.to_string()));
            if json {
                let last = record::end::Exit::of(&failure);
                // Whoever reads may be gone; the exit code says it too.
                let _ = record::print(&Record::Exit(&last));
            }
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

/// What clap answers to a command line it does not take, or to `--help`.
fn refuse(error: &clap::Error) -> ExitCode {
    // A closed stream is nobody reading.
    let _ = error.print();
    let asks_for_json = std::env::args_os()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json");
    if error.use_stderr() && asks_for_json {
        let last = record::end::Exit::of(&exit::usage(&error.render().to_string()));
        let _ = record::print(&Record::Exit(&last));
    }
    let exit = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Ok
    };
    ExitCode::from(exit.code())
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let Cli { global, command } = cli;
    if global.one_shots && !knows_one_shots(&command) {
        let failure = Failure::new(Exit::Usage, "`--one-shots` means nothing for this command");
        let hint = "voicespool status --one-shots, or ls, show, report, retry, cancel, hold, pause, unpause";
        return Err(failure.hint(hint).into());
    }
    let exit = runtime.block_on(async {
        match command {
            Command::Init(args) => commands::init::run(&global, &args),
            Command::Plan(args) => commands::plan::run(&global, &args).await,
            Command::Preview(args) => commands::preview::run(&global, args).await,
            Command::Run(args) => commands::run::run(&global, args).await,
            Command::Tts(args) => commands::tts::run(&global, *args).await,
            Command::Stt(args) => commands::stt::run(&global, *args).await,
            Command::Status => commands::status::run(&global).await,
            Command::Ls(args) => commands::ls::run(&global, &args).await,
            Command::Show { name } => commands::show::run(&global, &name).await,
            Command::Retry(args) => commands::select::retry(&global, &args).await,
            Command::Cancel(args) => commands::select::cancel(&global, &args).await,
            Command::Hold(args) => commands::select::hold(&global, &args).await,
            Command::Forget(args) => commands::forget::run(&global, &args).await,
            Command::Pause(args) => commands::pause::pause(&global, &args).await,
            Command::Unpause(args) => commands::pause::unpause(&global, &args).await,
            Command::Verify { deep } => commands::verify::run(&global, deep).await,
            Command::Check(args) => commands::check::run(&global, &args).await,
            Command::Feed(args) => commands::feed::run(&global, &args).await,
            Command::Report(args) => commands::report::run(&global, &args).await,
            Command::Voices(args) => commands::voices::run(&global, &args).await,
            Command::Models(args) => commands::models::run(&global, &args).await,
            Command::Prices(args) => commands::prices::run(&global, &args),
            Command::Doctor => commands::doctor::run(&global).await,
            #[cfg(feature = "mock")]
            Command::Mock(args) => commands::mock::run(&global, args).await,
            Command::Completions { shell } => commands::completions(shell),
        }
    });
    // What still computes was given up on by a second signal; nobody waits for it.
    runtime.shutdown_background();
    exit
}

/// Whether `command` looks at a queue or changes it, and does not need the tasks of a file.
fn knows_one_shots(command: &Command) -> bool {
    matches!(
        command,
        Command::Status
            | Command::Ls(_)
            | Command::Show { .. }
            | Command::Report(_)
            | Command::Retry(_)
            | Command::Cancel(_)
            | Command::Hold(_)
            | Command::Forget(_)
            | Command::Pause(_)
            | Command::Unpause(_)
    )
}

/// The error as it is told: with its exit code, in words.
fn told(error: anyhow::Error) -> Failure {
    /// Turns the error into a failure if it is an `E`.
    fn as_a<E>(error: anyhow::Error) -> Result<Failure, anyhow::Error>
    where
        E: std::error::Error + Send + Sync + 'static,
        Failure: From<E>,
    {
        error.downcast::<E>().map(Failure::from)
    }
    error
        .downcast::<Failure>()
        .or_else(as_a::<store::Error>)
        .or_else(as_a::<PlanError>)
        .or_else(as_a::<EnqueueError>)
        .or_else(as_a::<RecoveryError>)
        .or_else(as_a::<RunError>)
        .or_else(as_a::<OutputError>)
        .or_else(of_the_machine)
        .unwrap_or_else(|error| unexpected(&error))
}

/// What the operating system refuses is this machine's fault and no bug: a full disk, also behind
/// standard output.
fn of_the_machine(error: anyhow::Error) -> Result<Failure, anyhow::Error> {
    let is_of_system = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.raw_os_error().is_some())
    });
    if !is_of_system {
        return Err(error);
    }
    let mut failure = Failure::new(Exit::Disk, error.to_string());
    failure.details = error.chain().skip(1).map(ToString::to_string).collect();
    Ok(failure)
}

/// An error nobody put into words is a bug, and says so.
fn unexpected(error: &anyhow::Error) -> Failure {
    let mut failure = Failure::new(Exit::Bug, error.to_string());
    failure.details = error.chain().skip(1).map(ToString::to_string).collect();
    failure.detail("this was not expected; please report it with what you typed")
}

/// Whoever read our output has enough: that is success.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// `-v` shows what the program does, `-vv` what its libraries do; `VOICESPOOL_LOG` is
/// finer. Requests are never logged with their headers.
fn log_to_stderr(verbose: u8) {
    let default = match verbose {
        0 => "off",
        1 => "voicespool=debug",
        _ => "voicespool=trace,reqwest=debug,sqlx=warn,symphonia=error",
    };
    let asked = std::env::var("VOICESPOOL_LOG").ok();
    let filter: Targets = asked
        .and_then(|words| words.parse().ok())
        .unwrap_or_else(|| default.parse().expect("the words above are a filter"));
    tracing_subscriber::registry()
        .with(filter)
        .with(tracing_subscriber::fmt::layer().with_writer(io::stderr))
        .init();
}
