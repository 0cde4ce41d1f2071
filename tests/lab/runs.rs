//! Two runs on one queue.

use std::time::Duration;

use rustix::process::Signal;
use voicespool_mock::MockOptions;

use crate::Options;
use crate::support::{Project, Provider};

/// Starts `count` runs while one holds the queue.
pub(crate) fn two_on_one_queue(options: Options) -> String {
    let tries = options.count.unwrap_or(5);
    let provider = Provider::start(MockOptions {
        latency: Duration::from_secs(2),
        ..MockOptions::default()
    });
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 4\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    project.write("book.txt", "One short book of a single sentence.\n");
    let mut first = project.start(&["run", "--yes", "--json"]);
    assert!(
        first.wait_for("job_sent", 1),
        "the first run ended before it sent"
    );
    let holder = first.child.id().to_string();

    for _ in 0..tries {
        let second = project.run(&["run", "--yes"]).exits(11);
        assert!(second.stderr().contains(&holder), "{}", second.stderr());
        project.run(&["status"]).exits(0);
    }
    first.signal(Signal::INT);
    first.end();

    assert_eq!(provider.billed(), 1, "a second run sent something");
    format!(
        "{tries} second runs: {tries} × exit 11 naming the first, 0 requests, `status` worked each time"
    )
}
