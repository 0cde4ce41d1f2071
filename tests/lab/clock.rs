//! The wall clock jumps, between runs and under a run's feet: nothing is sent twice, no job
//! fails, nothing waits for ever.
//!
//! libfaketime changes what the program reads as the time of day; the monotonic clock goes
//! on as it should, as it does when a person or NTP sets the clock.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use voicespool_mock::{FaultRule, MockOptions};

use crate::Options;
use crate::support::{Project, Provider};

/// What the clock is set to, in the words of libfaketime.
const JUMPS: &[&str] = &[
    "-3h",
    "@2038-01-19 03:14:00",
    "+3d",
    "-3d",
    "@1970-01-01 00:00:05",
    "+3h",
    "@2106-02-07 06:28:00",
];

/// Longest a run of a few seconds' work may take, on a busy machine.
const LONGEST: Duration = Duration::from_mins(1);

const CHAPTERS: usize = 6;

/// Tries `count` of the jumps between two runs, during one, and after a kill.
pub(crate) fn jumps(options: Options) -> String {
    let Some(library) = library() else {
        assert!(std::env::var_os("CI").is_none(), "libfaketime is missing");
        return "skipped: libfaketime is missing (Debian: faketime)".to_owned();
    };
    let jumps = &JUMPS[..options.count.unwrap_or(2).min(JUMPS.len())];
    for jump in jumps {
        between_runs(&library, jump, "+0");
        // The clock was wrong, and is put right.
        between_runs(&library, "+0", jump);
        during_a_run(&library, jump);
        after_a_kill(&library, jump);
    }
    time_limit(&library);
    let cases = jumps.len() * 4;
    format!(
        "{cases} jumps ({}) between runs, in a run and after a kill: 0 answers bought twice, 0 jobs failed, every run ended",
        jumps.join(", ")
    )
}

/// Debian's places of the library.
fn library() -> Option<PathBuf> {
    let triplets = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""];
    triplets
        .iter()
        .map(|triplet| PathBuf::from(format!("/usr/lib/{triplet}/faketime/libfaketime.so.1")))
        .find(|path| path.is_file())
}

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 2\n[retry]\nbase_delay = \"200ms\"\nmax_delay = \"1s\"\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"in\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    for chapter in 0..CHAPTERS {
        project.write(&format!("in/{chapter}.txt"), format!("Chapter {chapter}."));
    }
    project
}

/// The program under a clock that follows the file `clock` of the project.
fn faked(project: &Project, library: &PathBuf, args: &[&str]) -> Command {
    let mut command = project.command(args);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", project.path("clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1")
        .env("FAKETIME_DONT_RESET", "1");
    command
}

/// Runs to the end, and shows each event; kills what does not end.
fn run(
    project: &Project,
    library: &PathBuf,
    args: &[&str],
    mut look: impl FnMut(&Value) -> bool,
) -> (Option<i32>, Duration) {
    let started = Instant::now();
    let child = faked(project, library, args)
        .stdout(Stdio::piped())
        .stderr(fs::File::create(project.path("talk.log")).unwrap())
        .spawn()
        .unwrap();
    let child = Arc::new(Mutex::new(child));
    let stdout = child.lock().unwrap().stdout.take().unwrap();
    let over = Arc::new(Mutex::new(false));
    let watch = {
        let (child, over) = (child.clone(), over.clone());
        thread::spawn(move || {
            while !*over.lock().unwrap() {
                if started.elapsed() > LONGEST {
                    child.lock().unwrap().kill().unwrap();
                    return true;
                }
                thread::sleep(Duration::from_millis(50));
            }
            false
        })
    };
    for line in BufReader::new(stdout).lines() {
        let line = line.unwrap();
        let event: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if look(&event) {
            child.lock().unwrap().kill().unwrap();
        }
    }
    *over.lock().unwrap() = true;
    let was_endless = watch.join().unwrap();
    let code = child.lock().unwrap().wait().unwrap().code();
    let talk = project.read("talk.log");
    assert!(!was_endless, "it did not end within {LONGEST:?}\n{talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    (code, started.elapsed())
}

/// Everything was bought once (and once more for each of `lost`), and is there.
fn complete(what: &str, project: &Project, provider: &Provider, lost: u64) {
    let bill = provider.mock.invoice();
    assert!(
        bill.duplicates <= lost,
        "{what}: {} answers were bought twice",
        bill.duplicates
    );
    assert_eq!(
        bill.unique_inputs,
        u64::try_from(CHAPTERS).unwrap(),
        "{what}"
    );
    project.run(&["verify", "--deep"]).exits(0);
    for chapter in 0..CHAPTERS {
        assert!(
            project.path(&format!("out/{chapter}.wav")).is_file(),
            "{what}"
        );
    }
}

/// Every request is answered so.
fn always(provider: &Provider, fault: &str) {
    let rule = FaultRule::every(1, fault.parse().unwrap());
    provider.mock.set_faults(vec![rule]);
}

/// One run leaves retries behind; the next finds another time of day.
fn between_runs(library: &PathBuf, first: &str, second: &str) {
    let what = format!("{first}, then {second}");
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    always(&provider, "status=503;retry-after=600");
    project.write("clock", first);
    let mut retries = 0;
    run(&project, library, &["run", "--yes", "--json"], |event| {
        retries += usize::from(event["type"] == "job_retry");
        retries == 2
    });
    provider.mock.set_faults(Vec::new());
    project.write("clock", second);
    // What the provider asked for is ten minutes; they are over when the clock went on, and
    // whoever set it back does not wait for the day that was.
    let args = ["run", "--yes", "--json", "--max-duration", "20s"];
    let (code, _) = run(&project, library, &args, |_| false);
    if code == Some(10) {
        // The ten minutes are still to come by this clock.
        let later = later(second);
        project.write("clock", &later);
        let (code, _) = run(&project, library, &args, |_| false);
        assert_eq!(
            code,
            Some(0),
            "{what}, then {later}: {}",
            project.read("talk.log")
        );
    } else {
        assert_eq!(code, Some(0), "{what}: {}", project.read("talk.log"));
    }
    complete(&what, &project, &provider, 2);
}

/// Twenty minutes after `jump`.
fn later(jump: &str) -> String {
    match jump {
        "+0" => "+20m".to_owned(),
        "-3h" => "-160m".to_owned(),
        "+3h" => "+200m".to_owned(),
        "-3d" => "-4300m".to_owned(),
        "+3d" => "+4340m".to_owned(),
        absolute => {
            let (day, time) = absolute.split_once(' ').unwrap();
            let mut parts = time.split(':').map(|part| part.parse::<u32>().unwrap());
            let (hours, minutes) = (parts.next().unwrap(), parts.next().unwrap());
            let minutes = hours * 60 + minutes + 20;
            format!("{day} {:02}:{:02}:30", minutes / 60, minutes % 60)
        }
    }
}

/// The clock jumps while half of the requests fail for the first time.
fn during_a_run(library: &PathBuf, jump: &str) {
    let what = format!("{jump} in a run");
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(30),
        ..MockOptions::default()
    });
    // Every job is answered at its third try at the latest, and none fails alone for a day.
    provider
        .mock
        .set_faults(vec![FaultRule::every(2, "status=500".parse().unwrap())]);
    let project = project(&provider);
    project.write("clock", "+0");
    let mut sent = 0;
    let (code, _) = run(&project, library, &["run", "--yes", "--json"], |event| {
        sent += usize::from(event["type"] == "job_sent");
        if sent == 3 {
            project.write("clock", jump);
        }
        false
    });
    assert_eq!(code, Some(0), "{what}: {}", project.read("talk.log"));
    complete(&what, &project, &provider, 0);
}

/// A run is killed with requests in flight; the next one lives at another time.
fn after_a_kill(library: &PathBuf, jump: &str) {
    let what = format!("killed, then {jump}");
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(200),
        ..MockOptions::default()
    });
    let project = project(&provider);
    project.write("clock", "+0");
    let mut sent = 0;
    run(&project, library, &["run", "--yes", "--json"], |event| {
        sent += usize::from(event["type"] == "job_sent");
        sent == 3
    });
    project.write("clock", jump);
    let (code, _) = run(&project, library, &["run", "--yes", "--json"], |_| false);
    assert_eq!(code, Some(0), "{what}: {}", project.read("talk.log"));
    complete(&what, &project, &provider, 2);
}

/// A limit on a run's length is no date: setting the clock neither stretches nor ends it.
fn time_limit(library: &PathBuf) {
    for jump in ["-3d", "+3d"] {
        let provider = Provider::start(MockOptions::default());
        always(&provider, "status=503");
        let project = project(&provider);
        project.write("clock", "+0");
        let mut sent = 0;
        let args = ["run", "--yes", "--json", "--max-duration", "4s"];
        let (code, took) = run(&project, library, &args, |event| {
            sent += usize::from(event["type"] == "job_sent");
            if sent == 1 {
                project.write("clock", jump);
            }
            false
        });
        assert_eq!(code, Some(10), "{jump}: {}", project.read("talk.log"));
        let near = Duration::from_millis(3_900)..Duration::from_secs(12);
        assert!(near.contains(&took), "{jump}: 4 s took {took:?}");
    }
}
