//! A full disk, a read-only one, and folders of somebody else: exit 7, no job failed,
//! nothing lost, and the next run completes.
//!
//! Small file systems are mounted for it, which takes root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use voicespool_mock::MockOptions;

use crate::Options;
use crate::support::{Project, Provider, Ran};

/// Chapters of the book; each becomes a file of half a megabyte.
const CHAPTERS: usize = 8;
const WORKERS: u64 = 2;

/// Somebody who owns nothing (`nobody`).
const STRANGER: &str = "65534";

/// Tries each of the ways in which a disk refuses.
pub(crate) fn refusing_disks(_: Options) -> String {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "mounting takes root");
        return "skipped: mounting takes root".to_owned();
    }
    full("out", "size=1m");
    full(".voicespool", "size=1m");
    full("out", "nr_inodes=4");
    full(".voicespool", "nr_inodes=8");
    read_only("out");
    read_only(".voicespool");
    somebody_elses();
    "2 full disks, 2 without inodes, 2 read-only, 2 of another user: 8 × exit 7, 0 jobs failed, 0 files lost, each next run completed".to_owned()
}

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = {WORKERS}\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"in\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    for chapter in 0..CHAPTERS {
        project.write(&format!("in/{chapter}.txt"), format!("This is chapter {chapter} of a book about a disk on which there is never as much room as its owner believed, and it goes on for a little while yet."));
    }
    project
}

/// A small file system, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(folder: PathBuf, options: &str) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let mount = Self(folder);
        mount.mount(&["-t", "tmpfs", "-o", options, "tmpfs"]);
        mount
    }

    fn again(&self, options: &str) {
        self.mount(&["-o", &format!("remount,{options}")]);
    }

    fn mount(&self, args: &[&str]) {
        let mounted = Command::new("mount").args(args).arg(&self.0).status();
        assert!(mounted.unwrap().success(), "mount {args:?}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // What is left mounted after a failure is seen by the next `df`.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// The run was stopped by the disk, and no job paid for it.
fn stopped_by_the_disk(what: &str, project: &Project, ran: Ran) {
    let ran = ran.exits(7);
    assert!(
        !ran.stderr().contains("panicked"),
        "{what}: {}",
        ran.stderr()
    );
    if project.path(".voicespool/queue.db").exists() {
        let failed = project.run(&["ls", "--state", "failed", "--json"]).exits(0);
        assert_eq!(failed.stdout(), "", "{what}: jobs failed");
    }
}

/// With the disk as it should be, the book is finished, and little was bought twice.
fn completes(what: &str, project: &Project, provider: &Provider) {
    project.run(&["run", "--yes"]).exits(0);
    project.run(&["verify", "--deep"]).exits(0);
    for chapter in 0..CHAPTERS {
        let file = project.path(&format!("out/{chapter}.wav"));
        assert!(file.is_file(), "{what}: {} is missing", file.display());
    }
    let bill = provider.mock.invoice();
    assert!(
        bill.duplicates <= WORKERS,
        "{what}: {} answers were bought twice",
        bill.duplicates
    );
}

fn full(folder: &str, limit: &str) {
    let what = format!("{folder} with {limit}");
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    let mount = Mount::new(project.path(folder), limit);
    let ran = project.run(&["run", "--yes"]);
    stopped_by_the_disk(&what, &project, ran);
    mount.again("size=64m,nr_inodes=10000");
    completes(&what, &project, &provider);
}

fn read_only(folder: &str) {
    let what = format!("{folder} read-only");
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    let mount = Mount::new(project.path(folder), "size=64m");
    // A queue is there already, so that looking at it can be tried.
    project.run(&["run", "--yes", "--limit", "1"]).exits(0);
    mount.again("ro");
    let ran = project.run(&["run", "--yes"]);
    stopped_by_the_disk(&what, &project, ran);
    project.run(&["status"]).exits(0);
    project.run(&["report"]).exits(0);
    mount.again("rw");
    completes(&what, &project, &provider);
}

/// The whole project, and then the output folder alone, belong to another user.
fn somebody_elses() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    let open = |path: &str, mode| {
        fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o755);
    let as_stranger = || {
        let own = project.command(&["run", "--yes"]);
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"])
            .arg(own.get_program())
            .args(own.get_args())
            .current_dir(project.root())
            .env_clear();
        for (name, value) in own.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        Ran::from(command.output().unwrap())
    };
    stopped_by_the_disk("all of another user", &project, as_stranger());
    assert!(!project.path(".voicespool").exists());

    fs::create_dir(project.path(".voicespool")).unwrap();
    open(".voicespool", 0o777);
    fs::create_dir(project.path("out")).unwrap();
    let ran = as_stranger();
    let ran = ran.exits(7);
    assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
    let failed = project.run(&["ls", "--state", "failed", "--json"]).exits(0);
    assert_eq!(failed.stdout(), "", "jobs failed");
    completes("the output folder of another user", &project, &provider);
}
