//! Whether what a run does reaches the disk in the order that its promises need, call by call.
//!
//! A whole run is recorded with every byte that goes to the queue's log. From these bytes the queue
//! is rebuilt as a power cut at each of its syncs would leave it, and each request, answer and
//! finished file is looked for in there.

mod check;
mod disk;
mod trace;

use std::collections::BTreeMap;
use std::fs;

use voicespool::domain::ContentKey;

use crate::Options;
use crate::kept::Kept;
use crate::order::check::Checked;
use crate::order::disk::Snapshot;
use crate::order::trace::{Call, Step};
use crate::promises;
use crate::scene::{Kind, Scene, files_below};
use crate::strace;
use crate::watched::{Seen, Watched};

const WORKERS: usize = 8;

/// One recorded run.
struct Record {
    steps: Vec<Step>,
    queue: Vec<u8>,
    jobs: BTreeMap<ContentKey, i64>,
}

impl Record {
    fn check(&self) -> Result<Checked, String> {
        check::check(&self.steps, &self.snapshots(), &self.jobs)
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        disk::snapshots(&self.steps, &self.queue)
    }
}

/// Records runs of `count` requests and checks their order.
pub(crate) fn on_the_disk(options: Options) -> String {
    if !strace::is_there() {
        return "SKIPPED: no strace".into();
    }
    let size = options.count.unwrap_or(12);
    let mut sum = Checked::default();
    let mut doctored = 0;
    for kind in [Kind::Speech, Kind::Transcription] {
        let scene = Scene::new(kind, size, options.seed);
        let (record, project) = whole_run(&scene);
        let checked = record.check().unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!((checked.requests, checked.found), (record.jobs.len(), 0));
        assert_eq!(checked.bought, record.jobs.len());
        add(&mut sum, checked);
        doctored += doctored_records_are_found_out(&record);

        let checked = answers_already_there(&scene, &project)
            .check()
            .unwrap_or_else(|problem| panic!("{problem}"));
        assert!(checked.found > 0, "nothing was adopted: {checked:?}");
        add(&mut sum, checked);
    }
    format!(
        "{} requests after the sync of their row; {} answers bought and {} found, synced and named before their job was completed; {} finished files; the queue read at {} syncs; {doctored} of {doctored} doctored records found out",
        sum.requests, sum.bought, sum.found, sum.outputs, sum.syncs
    )
}

fn add(sum: &mut Checked, more: Checked) {
    sum.requests += more.requests;
    sum.bought += more.bought;
    sum.found += more.found;
    sum.outputs += more.outputs;
    sum.syncs += more.syncs;
}

/// A project from the first request to the last file.
fn whole_run(scene: &Scene) -> (Record, Kept) {
    let project = scene.project(WORKERS);
    // The queue is made beforehand, so that all that happens to it goes through its log.
    let places =
        ["wav", "mp3", "talks"].map(|name| (project.path(name), project.path("later").join(name)));
    fs::create_dir(project.path("later")).unwrap();
    for (here, later) in places.iter().filter(|(here, _)| here.exists()) {
        fs::rename(here, later).unwrap();
    }
    project.run(&["run", "--yes"]);
    for (here, later) in places.iter().filter(|(_, later)| later.exists()) {
        fs::rename(later, here).unwrap();
    }
    (record(&project), project)
}

/// A run whose answers are all in the object folder already: of some it looks as if the last run had
/// died between naming them and settling, of the others as if the queue had been lost.
fn answers_already_there(scene: &Scene, finished: &Kept) -> Record {
    let project = scene.project(WORKERS);
    let command = project.command(&["run", "--yes", "--json"]);
    let mut run = Watched::start(&project, command, "killed");
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while let Seen::Line(line) = run.next(until) {
        if line["type"] == "job_sent" {
            break;
        }
    }
    run.kill();
    let (from, to) = (finished.path(".voicespool/objects"), ".voicespool/objects");
    for object in files_below(&from) {
        let name = object.strip_prefix(&from).unwrap().to_str().unwrap();
        project.write(&format!("{to}/{name}"), fs::read(&object).unwrap());
    }
    disk::fold(&project.path(".voicespool/queue.db"));
    record(&project)
}

fn record(project: &Kept) -> Record {
    let queue = fs::read(project.path(".voicespool/queue.db")).unwrap();
    let log = fs::metadata(project.path(".voicespool/queue.db-wal"));
    assert!(
        log.is_ok_and(|log| log.len() == 0) || !project.path(".voicespool/queue.db-wal").exists(),
        "the log is not empty"
    );
    let command = project.command(&["run", "--yes", "--json"]);
    let options = ["-yy", "-xx", "-s", "400000", "-e", trace::CALLS];
    let (command, file) = strace::under(project, &command, "order", &options);
    let ended = Watched::start(project, command, "order").end(project);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    Record {
        steps: trace::parse(&strace::read(&file)),
        queue,
        jobs: promises::contents(project),
    }
}

/// Breaks one promise of a record.
type Forge = fn(&mut Vec<Step>);

/// The check would notice: each of these breaks one promise of a record that keeps them.
fn doctored_records_are_found_out(record: &Record) -> usize {
    let snapshots = record.snapshots();
    let forgeries: [(&str, Forge); 5] = [
        ("left on line", |steps| {
            let post = steps.iter_mut().find(|step| {
                matches!(&step.call, Call::Send { bytes, .. } if bytes.starts_with(b"POST "))
            });
            post.unwrap().began = 0;
        }),
        ("before its bytes were synced", |steps| {
            drop_syncs(steps, |path| is_part(path) && path.contains("/objects/"));
        }),
        ("before its bytes were synced", |steps| {
            drop_syncs(steps, |path| path.contains("/out/") && is_part(path));
        }),
        ("its folder was not synced", |steps| {
            drop_syncs(steps, |path| path.contains("/objects/") && !is_part(path));
        }),
        ("before its bytes were synced", |steps| {
            let is_arrival = |step: &&mut Step| matches!(&step.call, Call::Rename { from, to, .. } if is_part(from) && to.ends_with(".answer"));
            for arrival in steps.iter_mut().filter(is_arrival) {
                arrival.began = 0;
            }
        }),
    ];
    let count = forgeries.len();
    for (number, (expected, forge)) in (1..).zip(forgeries) {
        let mut steps = record.steps.clone();
        forge(&mut steps);
        let problem = check::check(&steps, &snapshots, &record.jobs).map(drop);
        assert!(
            problem
                .as_ref()
                .is_err_and(|problem| problem.contains(expected)),
            "forgery {number}, to fail as `{expected}`, passed, or failed of something else: {problem:?}"
        );
    }
    count
}

fn drop_syncs(steps: &mut Vec<Step>, of: impl Fn(&str) -> bool) {
    steps.retain(|step| !matches!(&step.call, Call::Sync { path } if of(path)));
}

/// Whether the file is still on its way.
fn is_part(path: &str) -> bool {
    path.strip_suffix(".part").is_some()
}
