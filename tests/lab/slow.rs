//! `kill -9` while every place on the wire waits for a slow answer: no job is to blame for that.

use std::time::{Duration, Instant};

use voicespool_mock::MockOptions;

use crate::Options;
use crate::chance::Chance;
use crate::support::{Project, Provider};
use crate::watched::{Seen, Watched};

/// On the wire at once.
const WORKERS: usize = 64;

/// Kills of one project; then it may finish.
const KILLS_A_PROJECT: usize = 20;

/// Kills `count` times; in between a few answers come.
pub(crate) fn answers(options: Options) -> String {
    let count = options.count.unwrap_or(20);
    let mut chance = Chance::new(options.seed);
    let (mut kills, mut projects, mut jobs) = (0, 0, 0);
    while kills < count {
        let provider = Provider::start(MockOptions {
            seed: options.seed,
            latency: Duration::from_millis(400),
            ..MockOptions::default()
        });
        let project = project(&provider);
        let goal = count.min(kills + KILLS_A_PROJECT);
        while kills < goal && kill_one(&project, kills, &mut chance) {
            kills += 1;
        }
        // Whatever the kills took away is sent again, and nothing wants a person.
        project.run(&["run", "--yes"]).exits(0);
        for state in ["failed", "held", "in_doubt"] {
            let found = project.run(&["ls", "--state", state, "--json"]);
            assert_eq!(found.exits(0).json().len(), 0, "{state}");
        }
        assert!(project.path("out/book.wav").exists());
        projects += 1;
        jobs += project
            .run(&["ls", "--kind", "speak", "--limit", "10000", "--json"])
            .exits(0)
            .json()
            .len();
    }
    format!(
        "{kills} kills with {WORKERS} workers in {projects} projects of slow answers; {jobs} jobs, 0 failed, 0 held, 0 in doubt"
    )
}

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = {WORKERS}\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 120, target_chars = 60 }}\n",
        provider.profile()
    ));
    let row = |number| format!("This is paragraph number {number}, and it is spoken alone.\n\n");
    project.write("book.txt", (1..=160).map(row).collect::<String>());
    project
}

/// Starts a run and kills it some time after its first request. `false`: it ended before.
fn kill_one(project: &Project, number: usize, chance: &mut Chance) -> bool {
    let command = project.command(&["run", "--yes", "--json"]);
    let mut run = Watched::start(project, command, &format!("slow-{number:03}"));
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        match run.next(patience) {
            Seen::Line(line) if line["type"] == "job_sent" => break,
            Seen::Line(_) => {}
            Seen::End => return false,
            Seen::Nothing => panic!("nothing was sent in a minute"),
        }
    }
    let until = Instant::now() + Duration::from_micros(chance.below(600_000));
    loop {
        match run.next(until) {
            Seen::Line(_) => {}
            Seen::Nothing => break,
            Seen::End => return false,
        }
    }
    run.kill();
    true
}
