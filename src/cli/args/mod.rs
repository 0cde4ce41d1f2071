//! The command line, as clap sees it. What the flags mean is in the commands.

#[cfg(feature = "mock")]
pub(crate) mod mock;
pub(crate) mod one_shot;
pub(crate) mod preview;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "mock")]
use crate::cli::args::mock::MockArgs;
use crate::cli::args::one_shot::{SttArgs, TtsArgs};
use crate::cli::args::preview::PreviewArgs;
use crate::config;
use crate::domain::{JobKind, NanoUsd, Standing};

/// Durable batch speech: text to audio, audio to transcripts, priced before a cent is spent
///
/// Exit codes: 0 ok, 1 bug, 2 usage, 3 some jobs failed, 4 key or credit, 5 provider unreachable,
/// 6 findings, 7 disk, 8 budget reached, 9 no work, 10 time limit, 11 another run holds the queue,
/// 12 queue corrupt or newer, 130/143 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "voicespool",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "Examples:
  voicespool tts \"Good morning.\" -o morning.wav
  voicespool stt talk.mp3 > talk.txt
  voicespool init --preset audiobook      write a commented jobs.toml
  voicespool plan                         what it would cost; sends nothing
  voicespool run --max-cost 5             do it, and never spend more than $5")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags every command knows.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Configuration file [default: the nearest jobs.toml, upwards from here; none for tts and
    /// stt]
    #[arg(
        short = 'f',
        long = "file",
        global = true,
        value_name = "FILE",
        display_order = 900
    )]
    pub file: Option<PathBuf>,
    /// Work on the queue of `tts` and `stt` instead of a project's: status, ls, show, report,
    /// retry, cancel, hold, pause, unpause
    #[arg(long, global = true, display_order = 901)]
    pub one_shots: bool,
    /// Agree to send to this host, which a project file names and nobody here knows
    #[arg(long, global = true, value_name = "HOST", display_order = 902)]
    pub allow_host: Vec<String>,
    /// Machine-readable output on stdout
    #[arg(long, global = true, display_order = 902)]
    pub json: bool,
    /// Only errors and the final summary on stderr
    #[arg(short, long, global = true, display_order = 903)]
    pub quiet: bool,
    /// More on stderr; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 904)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented jobs.toml to start from
    Init(InitArgs),
    /// Show what there is to do and what it would cost; sends nothing
    Plan(PlanArgs),
    /// Speak the beginning of a text, in one voice or several, before all of it is bought
    Preview(PreviewArgs),
    /// Plan, ask, work; resumes by itself
    Run(RunArgs),
    /// Speak a text or a few files now: no jobs.toml, no key needed for the built-in voice
    Tts(Box<TtsArgs>),
    /// Transcribe a few recordings now: to stdout, or to SRT, VTT, JSON and text files
    Stt(Box<SttArgs>),
    /// Counts, spend, and why it is not faster
    Status,
    /// List jobs
    Ls(LsArgs),
    /// One job or file: its attempts, answers and outputs
    Show {
        /// A job's number, or the path of an input
        #[arg(value_name = "JOB|FILE")]
        name: String,
    },
    /// Queue failed jobs again (others with --state or by name), with the added cost shown
    Retry(SelectArgs),
    /// Take unfinished jobs out of the queue; failed ones by name or with --state
    Cancel(SelectArgs),
    /// Put jobs that are not sent yet aside, until `retry --state held`; also while a run works
    Hold(SelectArgs),
    /// Speak no more of a file that failed or is gone; what was paid for it stays
    Forget(ForgetArgs),
    /// Send nothing for now: of everything, or of a task, profile or model; also while a run works
    Pause(PauseArgs),
    /// Take pauses back
    Unpause(UnpauseArgs),
    /// Check every output against the queue
    Verify {
        /// Decode the audio too, not only hash it
        #[arg(long)]
        deep: bool,
    },
    /// Measure finished audio, also others': levels, lengths, format; and prove it for a publisher
    Check(CheckArgs),
    /// List the episodes of a podcast's feed for a task, or download them
    Feed(FeedArgs),
    /// What was done and what it cost
    Report(ReportArgs),
    /// Who can speak: the voices of each model
    Voices(VoicesArgs),
    /// What can be asked for: models, deliveries, languages, availability, prices
    Models(ModelsArgs),
    /// The prices plans and bills are made with, their age and source
    Prices(PricesArgs),
    /// Check the key, the disk, the limits and the queue
    Doctor,
    /// A loopback look-alike of the provider, with a bill counter
    #[cfg(feature = "mock")]
    Mock(MockArgs),
    /// Print a shell completion script
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder to write jobs.toml to
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    #[arg(long, value_enum, default_value = "audiobook")]
    pub preset: PresetArg,
    /// Replace an existing jobs.toml
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetArg {
    Audiobook,
    Acx,
    Librivox,
    Podcast,
}

#[derive(Debug, Default, Args)]
pub(crate) struct PlanArgs {
    /// Only these tasks
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    /// Print what will be said of this file: chapters, requests, pauses, what was changed and left out
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "csv"])]
    pub text: Option<PathBuf>,
    /// List every file, not only the tasks
    #[arg(long)]
    pub files: bool,
    /// One line of CSV per file on stdout
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct RunArgs {
    /// What was typed, for hints.
    #[arg(skip = "voicespool run")]
    pub command: &'static str,
    /// Only these tasks
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    /// Plan only; sends nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not ask before spending
    #[arg(short, long)]
    pub yes: bool,
    /// Stop before this run has cost more than this, e.g. 2.50 (USD)
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<NanoUsd>,
    /// Stop claiming after this time, e.g. 8h
    #[arg(long, value_name = "TIME", value_parser = parse_limit)]
    pub max_duration: Option<Duration>,
    /// Stop claiming at this time of day, e.g. 07:00 (local)
    #[arg(long, value_name = "HH:MM", value_parser = parse_time)]
    pub(crate) deadline: Option<jiff::civil::Time>,
    /// Requests in flight at once [config: run.workers]
    #[arg(short = 'j', long = "workers", value_name = "N")]
    pub workers: Option<NonZeroU32>,
    /// Replace files in the output folder that voicespool did not write, each kept as NAME.bak
    #[arg(long)]
    pub overwrite: bool,
    /// Queue and work on at most this many files
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Exit 9 when there is nothing to do
    #[arg(long)]
    pub error_on_no_work: bool,
    /// Where to write the cost report (CSV, a line per attempt) [default: OUT/cost.csv]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// A time in which something can be done.
fn parse_limit(text: &str) -> Result<Duration, String> {
    let limit = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if limit.is_zero() {
        return Err("nothing can be done in no time; voicespool plan sends nothing".to_owned());
    }
    Ok(limit)
}

fn parse_time(text: &str) -> Result<jiff::civil::Time, String> {
    config::parse_time_of_day(text).map_err(|wrong| wrong.to_string())
}

/// Jobs that `ls` shows at once.
pub(crate) const LIMIT: u32 = 50;

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Numbers of jobs, or paths of inputs, with their parts; none for all
    #[arg(value_name = "JOB|FILE")]
    pub names: Vec<String>,
    /// Only jobs in this state; `held` is what a person set aside, `in_doubt` what nobody answered
    #[arg(long)]
    pub state: Option<Standing>,
    #[arg(long)]
    pub task: Option<String>,
    #[arg(long)]
    pub kind: Option<JobKind>,
    /// Only documents with something to look at: speech without words, words without speech, loops, estimated times
    #[arg(long)]
    pub flagged: bool,
    /// Only jobs after this number
    #[arg(long, default_value_t = 0)]
    pub after: i64,
    #[arg(long, default_value_t = LIMIT)]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// Numbers of jobs, or paths of inputs: a file stands for its parts; none with --all or a filter
    #[arg(value_name = "JOB|FILE")]
    pub names: Vec<String>,
    #[arg(long)]
    pub task: Option<String>,
    /// Only jobs in this state; `held` is what a person set aside, `in_doubt` what nobody answered
    #[arg(long)]
    pub state: Option<Standing>,
    /// All of them; for retry all failed ones, for hold all that wait to be sent, unless --state
    /// says otherwise
    #[arg(long)]
    pub all: bool,
    /// Show what would happen, change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// Tasks, profiles or models; none for everything. `task:NAME`, `profile:NAME` and
    /// `model:NAME` where a name is more than one of them
    #[arg(value_name = "TASK|PROFILE|MODEL")]
    pub names: Vec<String>,
    /// Why, for whoever reads `status`
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UnpauseArgs {
    /// What was named to `pause`; none for everything
    #[arg(value_name = "TASK|PROFILE|MODEL")]
    pub names: Vec<String>,
    /// Every pause there is
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// Paths of inputs
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  voicespool feed https://example.com/feed.xml -o episodes.csv
                         then urls = [\"episodes.csv\"] in a task of type \"stt\": the provider fetches them
  voicespool feed https://example.com/feed.xml --latest 10 --download archive
                         the newest ten as files, for providers that take files only

Again with the same list or folder: only new episodes are added. A public feed may not lead to this
machine or its network.")]
pub(crate) struct FeedArgs {
    /// The address of a feed (RSS, Atom, JSON Feed), or a file
    #[arg(value_name = "URL|FILE")]
    pub feed: String,
    /// Write the list here, or add to it [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only episodes of this day and later, such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Only the newest so many
    #[arg(long, value_name = "N")]
    pub latest: Option<usize>,
    /// Only episodes whose title matches, in any case
    #[arg(long = "match", value_name = "REGEX")]
    pub matching: Option<String>,
    /// Download the recordings into this folder, and write no list
    #[arg(long, value_name = "FOLDER", conflicts_with = "output")]
    pub download: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Audio files, or folders with audio in them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Whose requirements: acx, librivox, podcast; exit 6 if one is not met
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Table,
    /// CSV, one line per attempt: the bill
    Attempts,
    /// CSV, one line per input file
    Files,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[arg(long, value_enum, default_value = "table")]
    pub format: ReportFormat,
    /// Write here instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only this run
    #[arg(long, value_name = "RUN")]
    pub run: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct VoicesArgs {
    /// Only models with this in their name
    pub model: Option<String>,
    /// Ask the provider
    #[arg(long)]
    pub online: bool,
    /// The profile to ask [default: the one the tasks use]
    #[arg(long, requires = "online")]
    pub profile: Option<String>,
    /// Is this a voice, or a mix like `af_bella(2)+af_heart(1)`, of MODEL? Exit 6 if not
    #[arg(long, value_name = "VOICE", conflicts_with = "online")]
    pub check: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Ask the provider
    #[arg(long)]
    pub online: bool,
    /// The profile to ask [default: the one the tasks use]
    #[arg(long, requires = "online")]
    pub profile: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PricesArgs {
    /// Exit 6 when a task's price is missing or over 30 days old
    #[arg(long)]
    pub check: bool,
}
