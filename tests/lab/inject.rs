//! The Nth call fails, or is the last: every kind of system call the program makes on its way from
//! text to file, the Nth of each, N all over a run.
//!
//! `strace` counts calls per thread. With one thread for the tasks and one for the queue's
//! connection that is nearly the Nth of all; calls made by threads that come and go (syncing an
//! answer, joining a file) meet the fault once in each that lives so long. A call that is answered
//! with a false success is no fault a program can survive, so a short write here is one of nothing,
//! which is what a full disk makes of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Options;
use crate::chance::Chance;
use crate::kill::last_request;
use crate::promises::{self, Account};
use crate::scene::{Kind, Scene};
use crate::strace;
use crate::support::Project;
use crate::watched::{Ended, Watched};

const WORKERS: usize = 8;

/// What may befall a call.
#[derive(Debug, Clone, Copy)]
struct Fault {
    call: &'static str,
    /// As `strace` spells it.
    how: &'static str,
    /// Every how many of the faults tried is one of these, roughly: calls that carry promises more often.
    weight: u64,
}

const fn fault(call: &'static str, how: &'static str, weight: u64) -> Fault {
    Fault { call, how, weight }
}

const FAULTS: &[Fault] = &[
    fault("pwrite64", "signal=KILL", 4),
    fault("pwrite64", "error=EIO", 3),
    fault("pwrite64", "error=ENOSPC", 3),
    fault("pwrite64", "retval=0", 2),
    fault("fsync", "signal=KILL", 4),
    fault("fsync", "error=EIO", 4),
    fault("fsync", "error=ENOSPC", 1),
    fault("fdatasync", "signal=KILL", 2),
    fault("fdatasync", "error=EIO", 3),
    fault("rename", "signal=KILL", 3),
    fault("rename", "error=EIO", 2),
    fault("rename", "error=ENOSPC", 1),
    fault("renameat", "signal=KILL", 2),
    fault("renameat", "error=EIO", 2),
    fault("write", "signal=KILL", 3),
    fault("write", "error=ENOSPC", 3),
    fault("write", "error=EIO", 2),
    fault("write", "retval=0", 1),
    fault("writev", "signal=KILL", 2),
    fault("writev", "error=ECONNRESET", 2),
    fault("recvfrom", "signal=KILL", 2),
    fault("recvfrom", "error=ECONNRESET", 2),
    fault("connect", "error=ECONNREFUSED", 1),
    fault("socket", "error=EMFILE", 1),
    fault("openat", "signal=KILL", 2),
    fault("openat", "error=EMFILE", 3),
    fault("openat", "error=EIO", 2),
    fault("read", "error=EIO", 2),
    fault("pread64", "error=EIO", 1),
    fault("mkdir", "error=ENOSPC", 1),
    fault("ftruncate", "error=EIO", 1),
    fault("unlink", "error=EIO", 1),
];

#[derive(Debug, Default)]
struct Figures {
    fired: usize,
    projects: usize,
    missed: usize,
    killed: usize,
    absorbed: usize,
    stopped: usize,
    partial: usize,
    refused: usize,
    unreadable: usize,
    by_call: BTreeMap<&'static str, usize>,
    account: Account,
}

/// Makes `count` calls fail, one a run.
pub(crate) fn nth_call(options: Options) -> String {
    if !strace::is_there() {
        return "SKIPPED: no strace".into();
    }
    let count = options.count.unwrap_or(30);
    let mut chance = Chance::new(options.seed);
    let scenes = [
        Scene::new(Kind::Speech, 8, options.seed),
        Scene::new(Kind::Transcription, 5, options.seed),
    ];
    let calls: Vec<_> = scenes.iter().map(count_calls).collect();
    let mut figures = Figures::default();
    let drawn: Vec<Fault> = FAULTS
        .iter()
        .flat_map(|fault| (0..fault.weight).map(|_| *fault))
        .collect();
    while figures.fired < count {
        assert!(
            figures.missed < 10 * count + 100,
            "the faults do not fire: {figures:?}"
        );
        // Two projects of speech to one of transcription: it makes more kinds of calls.
        let idx = usize::from(chance.below(3) == 2);
        let fault = *chance.pick(&drawn);
        let most = calls[idx].most.get(fault.call).copied().unwrap_or(0);
        if most == 0 {
            figures.missed += 1;
            continue;
        }
        let nth = 1 + chance.below(most);
        one_fault(&scenes[idx], &calls[idx], fault, nth, &mut figures);
    }
    let spread: Vec<_> = figures
        .by_call
        .iter()
        .map(|(call, count)| format!("{call} {count}"))
        .collect();
    format!(
        "{} faults ({}): {} runs killed, {} went on and ended well, {} stopped with exit 7, {} with failed jobs or files (exit 3), {} before anything was sent (exit 2), {} as an unreadable queue (exit 12); after a second run {} jobs, 0 lost, {} billed, {} of them extra, {} in doubt ({} never billed)",
        figures.fired,
        spread.join(", "),
        figures.killed,
        figures.absorbed,
        figures.stopped,
        figures.partial,
        figures.refused,
        figures.unreadable,
        figures.account.jobs,
        figures.account.billed,
        figures.account.extra,
        figures.account.in_doubt,
        figures.account.unbilled,
    )
}

/// The calls of an undisturbed run.
struct Calls {
    /// How often the busiest thread makes each.
    most: BTreeMap<&'static str, u64>,
    /// Files below the project that are written to, which are the same in every project.
    written: BTreeSet<String>,
}

fn count_calls(scene: &Scene) -> Calls {
    let project = scene.project(WORKERS);
    let names: Vec<_> = FAULTS.iter().map(|fault| fault.call).collect();
    let trace = format!("trace={}", names.join(","));
    let (ended, record) = traced(&project, &["-yy", "-e", &trace]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let root = format!("<{}/", project.root().display());
    let mut written = BTreeSet::new();
    let mut counts: BTreeMap<(&str, &'static str), u64> = BTreeMap::new();
    for line in record.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let called = call.trim_start().split('(').next().unwrap_or_default();
        let Some(name) = names.iter().find(|name| **name == called) else {
            continue;
        };
        if *name == "write" {
            let Some((_, path)) = call.split_once(&root) else {
                continue;
            };
            // Not what it says on stderr, which is how it is judged.
            if path.starts_with("lab/") {
                continue;
            }
            written.extend(path.split('>').next().map(str::to_owned));
        }
        *counts.entry((thread, name)).or_default() += 1;
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let busiest = most.entry(call).or_insert(0);
        *busiest = count.max(*busiest);
    }
    Calls { most, written }
}

fn traced(project: &Project, options: &[&str]) -> (Ended, String) {
    let command = project.command(&["run", "--yes", "--json"]);
    let (command, record) = strace::under(project, &command, "faulty", options);
    let ended = Watched::start(project, command, "faulty").end(project);
    (ended, strace::read(&record))
}

fn one_fault(scene: &Scene, calls: &Calls, fault: Fault, nth: u64, figures: &mut Figures) {
    let first = last_request(scene);
    let project = scene.project(WORKERS);
    let Fault { call, how, .. } = fault;
    let (trace, inject) = (
        format!("trace={call}"),
        format!("inject={call}:{how}:when={nth}"),
    );
    let mut options = vec!["-yy", "-e", &trace, "-e", &inject];
    // A task is woken by writing to a counter in the kernel, which has no disk to fail.
    let files: Vec<_> = calls
        .written
        .iter()
        .map(|path| project.path(path).display().to_string())
        .collect();
    if call == "write" {
        options.extend(files.iter().flat_map(|path| ["-P", path]));
    }
    let (ended, record) = traced(&project, &options);
    let Some(struck) = struck(&record, call, &ended) else {
        figures.missed += 1;
        return;
    };
    let told = format!("{call} {how}, call {nth}: {struck}\n{}", ended.stderr);
    eprintln!(
        "  {:?} {}",
        ended.code(),
        told.lines().next().unwrap_or_default()
    );
    match ended.code() {
        _ if ended.was_killed() => figures.killed += 1,
        Some(0) => figures.absorbed += 1,
        Some(7) => figures.stopped += 1,
        // SQLite takes a page that cannot be read for a damaged one.
        Some(12) if call.contains("read") => {
            figures.unreadable += 1;
            assert!(ended.stderr.contains("voicespool doctor"), "{told}");
        }
        // The project file itself could not be read.
        Some(2) => {
            figures.refused += 1;
            assert!(ended.stderr.contains("nothing was sent"), "{told}");
            assert_eq!(last_request(scene), first, "something was sent: {told}");
        }
        Some(3) => {
            figures.partial += 1;
            project.run(&["retry", "--all", "--yes"]).exits(0);
        }
        other => panic!("exit {other:?} after {told}"),
    }
    assert!(!ended.stderr.contains("panicked"), "{told}");
    assert!(
        ended.was_killed()
            || ended.code() == Some(0)
            || ended.stderr.contains("error")
            || ended.stderr.contains("next     "),
        "no word about {told}"
    );
    let command = project.command(&["run", "--yes", "--json"]);
    let clean = Watched::start(&project, command, "clean").end(&project);
    assert_eq!(
        clean.code(),
        Some(0),
        "{}\nthe run after {told}",
        clean.stderr
    );
    figures
        .account
        .add(promises::check(scene, &project, WORKERS, first));
    figures.fired += 1;
    figures.projects += 1;
    *figures.by_call.entry(call).or_default() += 1;
}

/// The line of the call that met the fault; `None` if none did, or one that says nothing about
/// this program: the loader's, or a file descriptor without a file or a peer behind it.
fn struck(record: &str, call: &str, ended: &Ended) -> Option<String> {
    let line = if ended.was_killed() {
        record
            .lines()
            .rfind(|line| line.contains(&format!("{call}(")))?
    } else {
        record.lines().find(|line| line.contains("(INJECTED)"))?
    };
    let is_ours = !["anon_inode", ".so", "/proc/", "/sys/", "/etc/"]
        .iter()
        .any(|name| line.contains(name));
    is_ours.then(|| line.chars().take(200).collect())
}
