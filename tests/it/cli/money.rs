//! Nothing is spent without consent, and never more than was agreed.

use std::time::Duration;

use crate::support::{Project, Provider};
use voicespool_mock::{FaultRule, MockOptions};

/// Nano-dollars for a character of the model used here.
const PER_CHAR: u64 = 15_000;

fn project(provider: &Provider, budget: &str) -> Project {
    let project = Project::new(&format!(
        "version = 1\n{budget}{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"canopylabs/orpheus-3b-0.1-ft\"\nvoice = \"tara\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\nchunk = {{ max_chars = 120, target_chars = 100 }}\n",
        provider.profile()
    ));
    let text: String = (1..=20).fold(String::new(), |text, number| text + &format!("This is paragraph number {number}, and it is long enough to be one request of its own in this book.\n\n"));
    project.write("book.txt", text);
    project
}

#[test]
fn without_a_person_and_without_a_cap_nothing_is_sent() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");

    let refused = project.run(&["run"]).exits(2);

    assert!(
        refused.stderr().contains("--max-cost"),
        "{}",
        refused.stderr()
    );
    assert_eq!(provider.mock.invoice().requests, 0);
}

#[test]
fn the_estimate_is_the_bill_to_the_character() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");
    let plan = project.run(&["plan", "--json"]).exits(0).json();

    project.run(&["run", "--max-cost", "1"]).exits(0);

    let bill = provider.mock.invoice();
    assert_eq!(plan[0]["totals"]["chars_to_send"], bill.billed_chars);
    assert_eq!(plan[0]["totals"]["cost"], bill.cost_usd.clone());
    let report = project.run(&["report", "--json"]).exits(0).stdout();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(
        report
            .to_string()
            .contains(&format!("\"{}\"", bill.cost_usd)),
        "{report}"
    );
}

#[test]
fn a_cap_is_never_passed_and_the_rest_waits() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");

    let stopped = project.run(&["run", "--max-cost", "0.010"]).exits(8);

    let billed: u64 = provider.mock.invoice().billed_chars * PER_CHAR;
    assert!(
        billed <= 10_000_000 && billed > 5_000_000,
        "{billed} nano-dollars"
    );
    assert!(
        stopped.stderr().contains("--max-cost"),
        "{}",
        stopped.stderr()
    );
    project.run(&["run", "--max-cost", "1"]).exits(0);
    assert_eq!(provider.billed(), 20);
}

#[test]
fn the_budget_of_the_file_holds_over_all_runs() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "[budget]\nmax_cost = \"0.010\"\n");

    project.run(&["run", "--yes"]).exits(8);
    let after_one = provider.billed();
    project.run(&["run", "--yes"]).exits(8);

    assert_eq!(provider.billed(), after_one);
}

#[test]
fn a_model_without_a_price_cannot_run_under_a_budget() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");
    let config = project
        .read("jobs.toml")
        .replace("canopylabs/orpheus-3b-0.1-ft", "somebody/new-model");
    project.write("jobs.toml", config);

    let refused = project.run(&["run", "--max-cost", "5"]).exits(2);

    assert!(refused.stderr().contains("price"), "{}", refused.stderr());
    assert_eq!(provider.mock.invoice().requests, 0);
}

#[test]
fn a_dry_run_sends_nothing_and_leaves_nothing() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");

    project.run(&["run", "--dry-run"]).exits(0);
    project.run(&["plan", "--csv"]).exits(0);

    assert_eq!(provider.mock.invoice().requests, 0);
    let left: Vec<_> = std::fs::read_dir(project.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn sixty_four_workers_and_kills_in_between_never_pass_the_cap() {
    const CAP: u64 = 100_000_000;
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(20),
        ..MockOptions::default()
    });
    let project = project(
        &provider,
        "[budget]\nmax_cost = \"0.10\"\n[run]\nworkers = 64\n",
    );
    let text: String = (1..=200).fold(String::new(), |text, number| text + &format!("This is paragraph number {number}, and it is long enough to be one request of its own in this book.\n\n"));
    project.write("book.txt", text);

    for _ in 0..3 {
        let mut run = project.start(&["run", "--yes", "--json"]);
        if run.wait_for("job_completed", 2) {
            run.kill();
        } else {
            assert_eq!(run.end().0, Some(8));
        }
        let billed = provider.mock.invoice().billed_chars * PER_CHAR;
        assert!(billed <= CAP, "{billed} nano-dollars");
    }
    let stopped = project.run(&["run", "--yes"]).exits(8).stderr();

    let billed = provider.mock.invoice().billed_chars * PER_CHAR;
    assert!(billed <= CAP && billed > 0, "{billed} nano-dollars");
    assert!(stopped.contains("raise [budget] max_cost"), "{stopped}");
    let money = project.run(&["status", "--json"]).exits(0).json()[0]["money"].clone();
    let spent: f64 = money["spent"].as_str().unwrap().parse().unwrap();
    assert!(spent <= 0.10, "{money}");
    assert!(
        money["in_doubt"]["requests"].as_u64().unwrap() > 0,
        "{money}"
    );
}

#[test]
fn the_cap_of_a_day_ends_the_run_and_the_next_day_goes_on() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "[budget]\nmax_cost_per_day = \"0.010\"\n");
    // Two places whose dates are never the same.
    let (west, east) = ("WEST12", "EAST-14");
    let run = |zone: &str| {
        let run = project
            .command(&["run", "--yes"])
            .env("TZ", zone)
            .output()
            .unwrap();
        (run.status.code(), String::from_utf8(run.stderr).unwrap())
    };

    let (code, said) = run(west);
    let first = provider.billed();
    let (again, _) = run(west);

    assert_eq!((code, again), (Some(8), Some(8)), "{said}");
    assert!(
        said.contains("when the next day begins") && said.contains("00:00 on"),
        "{said}"
    );
    assert!(first > 0 && first == provider.billed(), "{first}");
    let (next_day, said) = run(east);
    assert_eq!(next_day, Some(8), "{said}");
    let second = provider.billed() - first;
    assert!(first.abs_diff(second) <= 1, "{first}, then {second}");
    let plan = project.run(&["plan"]).exits(0).stdout();
    assert!(plan.contains("left of [budget] max_cost_per_day"), "{plan}");
}

#[test]
fn a_cap_of_nothing_and_a_cap_below_what_is_spent_send_nothing() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");

    project.run(&["run", "--max-cost", "0"]).exits(8);
    assert_eq!(provider.mock.invoice().requests, 0);
    project.run(&["run", "--max-cost", "0.010"]).exits(8);
    let billed = provider.billed();
    let config = project.read("jobs.toml");
    let lowered = config.replace(
        "version = 1\n",
        "version = 1\n[budget]\nmax_cost = \"0.001\"\n",
    );
    project.write("jobs.toml", lowered);

    let said = project.run(&["run", "--yes"]).exits(8).stderr();

    assert!(said.contains("OVER BY"), "{said}");
    assert_eq!(provider.billed(), billed);
}

#[test]
fn a_cap_of_a_day_needs_prices_too() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "[budget]\nmax_cost_per_day = \"5\"\n");
    let config = project.read("jobs.toml");
    project.write(
        "jobs.toml",
        config.replace("canopylabs/orpheus-3b-0.1-ft", "somebody/new-model"),
    );

    let refused = project.run(&["run", "--yes"]).exits(2);

    assert!(refused.stderr().contains("price"), "{}", refused.stderr());
    assert_eq!(provider.mock.invoice().requests, 0);
}

#[test]
fn a_run_that_pays_for_nothing_usable_stops_by_itself_and_says_why() {
    let provider = Provider::start(MockOptions {
        faults: vec![FaultRule::every(1, "body=silence".parse().unwrap())],
        ..MockOptions::default()
    });
    let config = "[run]\nworkers = 4\n[retry]\nbase_delay = \"1ms\"\nmax_delay = \"1ms\"\n";
    let project = project(&provider, config);

    let stopped = project.run(&["run", "--yes"]).exits(8).stderr();

    let billed = provider.billed();
    // Besides the twenty: what was on the wire, and what was being checked.
    assert!((20..=28).contains(&billed), "{billed} billed\n{stopped}");
    assert!(
        stopped.contains("brought 0 usable answers") && stopped.contains("runaway_factor"),
        "{stopped}"
    );
    assert!(stopped.contains("wasted  "), "{stopped}");
    let status = project.run(&["status", "--json"]).exits(0).json();
    let wasted = &status[0]["money"]["wasted"]["requests"];
    assert_eq!(wasted.as_u64(), Some(billed), "{}", status[0]);
    for command in ["status", "report"] {
        let text = project.run(&[command]).exits(0).stdout();
        assert!(text.contains("for unusable answers"), "{command}: {text}");
    }
    let bill = project.run(&["report", "--format", "attempts"]).exits(0);
    assert!(bill.stdout().contains(",wasted,"));

    let off = project
        .command(&["run", "--yes"])
        .env("VOICESPOOL_RUNAWAY_FACTOR", "0")
        .output()
        .unwrap();
    assert_eq!(off.status.code(), Some(3));
    // The same bad answer is not bought a third time.
    assert_eq!(provider.billed(), 40, "two tries for each of twenty");
}

#[test]
fn a_request_that_nobody_answers_is_not_bought_for_a_day() {
    let provider = Provider::start(MockOptions::default());
    let config = format!(
        "version = 1\n[retry]\nbase_delay = \"100ms\"\nmax_delay = \"200ms\"\n{}timeouts = {{ total = \"2s\" }}\n[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"canopylabs/orpheus-3b-0.1-ft\"\nvoice = \"tara\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    );
    let project = Project::new(&config);
    project.write(
        "book.txt",
        "One sentence, whose answer always comes too late.",
    );
    provider
        .mock
        .set_faults(vec![FaultRule::every(1, "delay=5s".parse().unwrap())]);

    let ended = project.run(&["run", "--max-cost", "1"]).exits(3);

    assert_eq!(provider.mock.invoice().requests, 3);
    assert!(ended.stderr().contains("in doubt"), "{}", ended.stderr());
    let held = project
        .run(&["ls", "--state", "in_doubt"])
        .exits(0)
        .stdout();
    assert!(held.contains("not answered"), "{held}");
    // Nobody has said that it may be sent again.
    project.run(&["run", "--max-cost", "1"]).exits(3);
    assert_eq!(provider.mock.invoice().requests, 3);
    let asked = project
        .run(&["retry", "--state", "in_doubt", "--all", "--dry-run"])
        .exits(0)
        .stdout();
    assert!(asked.contains("may be on the bill already"), "{asked}");
    provider.mock.set_faults(Vec::new());
    project
        .run(&["retry", "--state", "in_doubt", "--all", "--yes"])
        .exits(0);
    project.run(&["run", "--max-cost", "1"]).exits(0);
    assert_eq!(provider.mock.invoice().requests, 4);
}
