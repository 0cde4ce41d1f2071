//! A million chunks through the built program: queued from text, found again after a kill,
//! looked at.

use std::process::Command;

use crate::machine::{Used, Watched};
use crate::project::Project;
use crate::provider::Provider;
use crate::{Row, each, millis, seconds};

/// Chunks of one book.
const BOOK: u64 = 1_000;

pub(crate) fn measure(chunks: u64) -> Vec<Row> {
    let books = chunks.div_ceil(BOOK);
    let chunks = books * BOOK;
    let mut provider = Provider::start(u64::MAX, false);
    let project = Project::new(&provider.base_url(), 32, books, BOOK);
    let plan = |_: &str| end(&mut project.command(&["plan", "--json"]));

    let before = plan("nothing queued");
    let queued = until_first(&project, &mut provider);
    let bytes = project.queue_bytes();
    let mut provider = provider.again(u64::MAX, false);
    let restarted = until_first(&project, &mut provider);
    provider.stop();
    let status = end(&mut project.command(&["status"]));
    let after = plan("all queued");
    let version = best(|| end(&mut project.command(&["--version"])));

    let title = |text: &str| format!("{text}, {chunks} chunks");
    vec![
        Row::new(
            title("plan, enqueue from text to the first request: wall"),
            "30 s",
            seconds(queued.wall),
        ),
        Row::new("  CPU a chunk", "", each(queued.cpu, chunks)),
        Row::new(
            "  peak memory",
            "60 MB",
            format!("{} MB", queued.peak >> 20),
        ),
        Row::new(
            "  database a chunk",
            "600 bytes",
            format!("{} bytes", bytes / chunks),
        ),
        Row::new(
            title("kill -9, then `run` to the first request: wall"),
            "1 s",
            seconds(restarted.wall),
        ),
        Row::new("  CPU", "", seconds(restarted.cpu)),
        Row::new("  peak memory", "", format!("{} MB", restarted.peak >> 20)),
        Row::new("`status`, wall", "100 ms", millis(status.wall)),
        Row::new("`--version`, wall", "20 ms", millis(version.wall)),
        Row::new("`plan`, nothing queued: wall", "", seconds(before.wall)),
        Row::new("  peak memory", "", format!("{} MB", before.peak >> 20)),
        Row::new("`plan`, all queued: wall", "", seconds(after.wall)),
        Row::new("  peak memory", "", format!("{} MB", after.peak >> 20)),
    ]
}

/// Runs the program up to its first request and kills it there.
fn until_first(project: &Project, provider: &mut Provider) -> Used {
    let run = Watched::start(&mut project.command(&["run", "--yes", "--quiet"]));
    provider.wait_for("first");
    let used = run.used();
    run.kill();
    used
}

fn end(command: &mut Command) -> Used {
    Watched::start(command).end()
}

/// The fastest of ten: what starts in milliseconds is measured in other people's.
fn best(run: impl FnMut() -> Used) -> Used {
    let mut run = run;
    (0..10).map(|_| run()).min_by_key(|used| used.wall).unwrap()
}
