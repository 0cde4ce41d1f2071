//! `tts` and `stt`: one command, no project, the same promises.

mod again;
mod listen;
mod refusals;
mod speak;

use std::fs;
use std::io::Write;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Project, Provider};

/// Nano-dollars for a character of the model used here.
const PER_CHAR: u64 = 4_000;

const TEXT: &str = "The harbour was quiet. Nobody spoke for a while.";

/// A folder whose `jobs.toml` nobody could read: a one-shot belongs to no project.
fn folder() -> Project {
    Project::new("this = [is not a configuration")
}

/// As [`folder`], with a user who knows `provider` as `mock`.
fn with(provider: &Provider, more: &str) -> Project {
    let project = folder();
    project.write(
        ".config/voicespool/config.toml",
        format!("{more}{}", provider.profile()),
    );
    project
}

/// The arguments of `tts` for a provider's voice.
fn speak<'a>(input: &'a str, output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let voice = [
        "--profile",
        "mock",
        "--model",
        "hexgrad/Kokoro-82M",
        "--voice",
        "af_heart",
    ];
    let mut args = vec!["tts", input, "-o", output];
    args.extend(voice);
    args.extend(more);
    args
}

/// The arguments of `stt` at a provider.
fn listen<'a>(inputs: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["stt"];
    args.extend(inputs);
    args.extend(["--profile", "mock", "--model", "openai/whisper-large-v3"]);
    args.extend(["--yes"]);
    args.extend(more);
    args
}

/// Runs with `input` on stdin.
fn fed(project: &Project, args: &[&str], input: &[u8]) -> Output {
    let mut command = project.command(args);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A command that refuses its input need not read it.
    let _ = feeder.join().unwrap();
    output
}

fn start(project: &Project, args: &[&str]) -> Child {
    let mut command = project.command(args);
    command.env_remove("VOICESPOOL_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until the provider, which tells nobody, has seen `count` requests.
fn seen(provider: &Provider, count: usize) {
    let started = Instant::now();
    while provider.mock.requests_after(0).len() < count {
        assert!(started.elapsed() < Duration::from_mins(1), "no request");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Nothing but what was asked for: no part, no scratch file.
fn names(project: &Project) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(project.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| ![".config", ".local", "jobs.toml"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

/// What the mock spoke itself: it knows text and times.
fn recording(provider: &Provider) -> Vec<u8> {
    let project = with(provider, "");
    let text = "The meeting starts at nine thirty on Tuesday morning.";
    project.run(&speak(text, "a.wav", &["--yes"])).exits(0);
    fs::read(project.path("a.wav")).unwrap()
}
