//! A whole durable job: claimed, sent, answered with 32 KB, checked, synced, settled, by the
//! built program; beside a bare loop that posts the same and writes the answers to files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::machine::{Used, Watched};
use crate::project::Project;
use crate::provider::Provider;
use crate::{Row, each, rate, ratio};

/// What slower disks add to each sync.
const SLOW: Duration = Duration::from_millis(5);

/// Where the program's time goes, by what the provider saw.
struct Parts {
    /// Up to the first request: start, plan, queue.
    before: Used,
    /// From the first request to the last.
    requests: Used,
    /// Everything, joining included.
    whole: Used,
}

/// Both loops with `workers` at once, on this disk and on one that is 5 ms slower.
pub(crate) fn measure(jobs: u64, workers: usize) -> Vec<Row> {
    let shim = Shim::build();
    let ours = ours(jobs, workers, None);
    let slow = ours_slow(jobs, workers, shim.as_ref());
    let bare = bare(jobs, workers, false);
    let synced = bare_synced(jobs, workers);
    let label = |text: &str| format!("{text}, {workers} workers");
    let mut rows = vec![
        Row::new(
            label("whole job against loopback, 32 KB: CPU"),
            "0.35 ms",
            each(ours.requests.cpu, jobs),
        ),
        Row::new(
            "  with start, plan, queue, joining",
            "",
            each(ours.whole.cpu, jobs),
        ),
        Row::new("  start, plan and queue", "", each(ours.before.cpu, jobs)),
        Row::new(
            "  jobs a second",
            "1,000 where the disk allows",
            rate(jobs, ours.requests.wall),
        ),
        Row::new("  peak memory", "", format!("{} MB", ours.whole.peak >> 20)),
        Row::new("bare loop, no fsync: CPU a job", "", each(bare.cpu, jobs)),
        Row::new(
            "bare loop, fsync each file: CPU a job",
            "",
            each(synced.cpu, jobs),
        ),
        Row::new("  jobs a second", "", rate(jobs, synced.wall)),
        Row::new(
            "ours to bare, CPU",
            "",
            format!(
                "{} (fsync: {})",
                ratio(ours.requests.cpu, bare.cpu),
                ratio(ours.requests.cpu, synced.cpu)
            ),
        ),
    ];
    match slow {
        Some(slow) => {
            rows.push(Row::new(
                label("with 5 ms more for each fsync: jobs a second"),
                "800",
                rate(jobs, slow.requests.wall),
            ));
            rows.push(Row::new("  CPU a job", "", each(slow.requests.cpu, jobs)));
        }
        None => rows.push(Row::new(
            "with 5 ms more for each fsync",
            "800",
            "no C compiler",
        )),
    }
    rows
}

fn ours_slow(jobs: u64, workers: usize, shim: Option<&Shim>) -> Option<Parts> {
    shim.map(|shim| ours(jobs, workers, Some(shim)))
}

fn bare_synced(jobs: u64, workers: usize) -> Used {
    bare(jobs, workers, true)
}

fn ours(jobs: u64, workers: usize, shim: Option<&Shim>) -> Parts {
    let mut provider = Provider::start(jobs, true);
    // One book: nothing is joined before the last request.
    let project = Project::new(&provider.base_url(), workers, 1, jobs);
    let mut command = project.command(&["run", "--yes", "--quiet"]);
    if let Some(shim) = shim {
        command.env("LD_PRELOAD", &shim.library);
    }
    let run = Watched::start(&mut command);
    provider.wait_for("first");
    let before = run.used();
    provider.wait_for("last");
    let after = run.used();
    let whole = run.end();
    provider.stop();
    let requests = Used {
        wall: after.wall.saturating_sub(before.wall),
        cpu: after.cpu.saturating_sub(before.cpu),
        peak: after.peak,
    };
    Parts {
        before,
        requests,
        whole,
    }
}

/// The bare loop in a process of its own.
fn bare(jobs: u64, workers: usize, sync: bool) -> Used {
    let provider = Provider::start(jobs, true);
    let folder = tempfile::tempdir().unwrap();
    let used = Watched::start(
        Command::new(std::env::current_exe().unwrap())
            .arg("bare")
            .arg(format!("{}/audio/speech", provider.base_url()))
            .args([jobs.to_string(), workers.to_string(), sync.to_string()])
            .arg(folder.path()),
    )
    .end();
    provider.stop();
    used
}

/// The least a program does: post, stream the body to a file, sync it if asked.
pub(crate) fn bare_loop(url: &str, jobs: u64, workers: usize, sync: bool, folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .tls_certs_only([])
            .build()
            .unwrap();
        let mut busy = JoinSet::new();
        for number in 0..jobs {
            if busy.len() >= workers {
                busy.join_next().await.unwrap().unwrap();
            }
            let path = folder.join(format!("{number}.wav"));
            busy.spawn(post(client.clone(), url.to_owned(), number, path, sync));
        }
        while busy.join_next().await.is_some() {}
    });
}

async fn post(client: reqwest::Client, url: String, number: u64, path: PathBuf, sync: bool) {
    let body = format!(
        "{{\"model\":\"hexgrad/Kokoro-82M\",\"input\":\"The sentence of the number {number:09} is said.\",\"voice\":\"af_heart\",\"response_format\":\"wav\"}}"
    );
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .body(body);
    let mut response = request.send().await.unwrap();
    assert!(response.status().is_success());
    // As the program does it: slices into the page cache, no thread hop.
    let mut file = fs::File::create(path).unwrap();
    while let Some(chunk) = response.chunk().await.unwrap() {
        std::io::Write::write_all(&mut file, &chunk).unwrap();
    }
    if sync {
        let mut file = tokio::fs::File::from_std(file);
        file.flush().await.unwrap();
        file.sync_data().await.unwrap();
    }
}

/// A library that makes each sync slower, put in front of the C library's own. A tracer
/// would do the same and cost time of its own.
struct Shim {
    library: PathBuf,
    _folder: tempfile::TempDir,
}

impl Shim {
    /// `None` without a C compiler.
    fn build() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("slow.c"), folder.path().join("slow.so"));
        let text = format!(
            "#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
             static void slow(void) {{ struct timespec t = {{0, {}}}; nanosleep(&t, 0); }}\n\
             int fsync(int fd) {{ slow(); return syscall(SYS_fsync, fd); }}\n\
             int fdatasync(int fd) {{ slow(); return syscall(SYS_fdatasync, fd); }}\n",
            SLOW.as_nanos()
        );
        fs::write(&source, text).unwrap();
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([&library, &source])
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success()).then_some(Self {
            library,
            _folder: folder,
        })
    }
}
