//! `kill -9`, and then again.

use std::collections::HashSet;

use crate::support::{Project, Provider};
use std::time::Duration;
use voicespool_mock::MockOptions;

/// Forty paragraphs that are one request each.
fn book() -> String {
    (1..=40).fold(String::new(), |mut text, number| {
        text.push_str(&format!("This is paragraph number {number}, and it is long enough to be one request of its own in this book.\n\n"));
        text
    })
}

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[run]\nworkers = 8\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\nsubtitles = [\"srt\"]\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 120, target_chars = 100 }}\n",
        provider.profile()
    ));
    project.write("book.txt", book());
    project
}

#[test]
fn five_kills_lose_nothing_and_pay_twice_only_for_what_was_on_the_wire() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(30),
        ..MockOptions::default()
    });
    let project = project(&provider);
    let mut in_flight_at_kills = 0;

    for _ in 0..5 {
        let mut run = project.start(&["run", "--yes", "--json"]);
        if run.wait_for("job_completed", 5) {
            run.kill();
            in_flight_at_kills += 8;
        } else {
            run.end();
        }
    }
    let end = project.run(&["run", "--yes"]).exits(0);

    let (chunks, billed) = (40, provider.billed());
    assert!(
        billed >= chunks && billed <= chunks + in_flight_at_kills,
        "{billed} billed\n{}",
        end.stderr()
    );
    // Every request the provider saw has a row, and what was paid twice is in doubt.
    let mut reader = csv::Reader::from_path(project.path("out/cost.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (status, key) = (column("cost_status"), column("fingerprint"));
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let in_doubt = rows.iter().filter(|row| &row[status] == "in_doubt").count();
    let confirmed: HashSet<_> = rows
        .iter()
        .filter(|row| &row[status] == "confirmed")
        .map(|row| row[key].to_owned())
        .collect();
    assert_eq!(confirmed.len(), 40);
    assert!(
        u64::try_from(rows.len()).unwrap() >= billed,
        "{} rows, {billed} billed",
        rows.len()
    );
    assert!(
        billed - chunks <= u64::try_from(in_doubt).unwrap(),
        "{billed} billed, {in_doubt} in doubt"
    );
    // All chunks, once, in order: equal to an undisturbed run.
    let undisturbed = self::project(&provider);
    undisturbed.run(&["run", "--yes"]).exits(0);
    for file in ["out/book.wav", "out/book.srt"] {
        assert_eq!(
            std::fs::read(project.path(file)).unwrap(),
            std::fs::read(undisturbed.path(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn held_requests_wait_for_a_person() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(200),
        ..MockOptions::default()
    });
    let project = project(&provider);
    let config = project
        .read("jobs.toml")
        .replace("[run]", "[budget]\non_in_doubt = \"hold\"\n[run]");
    project.write("jobs.toml", config);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_sent", 4));
    run.kill();

    let next = project.run(&["run", "--yes"]).exits(3);

    assert!(next.stderr().contains("in doubt"), "{}", next.stderr());
    assert!(
        next.stderr().contains("retry --state in_doubt"),
        "{}",
        next.stderr()
    );
    // Whatever shows money shows what is in doubt.
    for command in [
        &["status"][..],
        &["plan"],
        &["report"],
        &["retry", "--state", "in_doubt", "--all", "-n"],
    ] {
        let text = project.run(command).exits(0).stdout();
        assert!(text.contains("in doubt"), "{command:?}: {text}");
    }
    let preview = project
        .run(&["retry", "--state", "in_doubt", "--all", "-n", "--json"])
        .exits(0)
        .json();
    assert!(preview[0]["in_doubt"]["requests"].as_u64() >= Some(4));
    let bill = project.run(&["report", "--format", "attempts"]).exits(0);
    assert!(bill.stdout().contains(",in_doubt,"));
    let held = project
        .run(&["ls", "--state", "in_doubt", "--json"])
        .exits(0)
        .json();
    assert!(held.len() >= 4, "{held:?}");
    project
        .run(&["retry", "--state", "in_doubt", "--all", "--yes"])
        .exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert!(project.path("out/book.wav").exists());
}

/// Slow answers: at each kill all of them are waiting, none has begun.
#[test]
fn jobs_that_only_waited_when_the_process_was_killed_are_not_to_blame() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_secs(2),
        ..MockOptions::default()
    });
    let project = project(&provider);
    let config = project
        .read("jobs.toml")
        .replace("workers = 8", "workers = 40");
    project.write("jobs.toml", config);
    for _ in 0..5 {
        let mut run = project.start(&["run", "--yes", "--json"]);
        assert!(run.wait_for("job_sent", 4));
        run.kill();
    }

    project.run(&["run", "--yes"]).exits(0);

    for state in ["failed", "held"] {
        let listed = project.run(&["ls", "--state", state, "--json"]).exits(0);
        assert_eq!(listed.json().len(), 0, "{state}: {}", listed.stdout());
    }
}
