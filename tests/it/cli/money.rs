//! Nothing is spent without consent, and never more than was agreed.

use crate::support::{Project, Provider};
use voicespool::mock::MockOptions;

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
    assert_eq!(provider.mock.bill().requests, 0);
}

#[test]
fn the_estimate_is_the_bill_to_the_character() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");
    let plan = project.run(&["plan", "--json"]).exits(0).json();

    project.run(&["run", "--max-cost", "1"]).exits(0);

    let bill = provider.mock.bill();
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

    let billed: u64 = provider.mock.bill().billed_chars * 15_000;
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
    assert_eq!(provider.mock.bill().requests, 0);
}

#[test]
fn a_dry_run_sends_nothing_and_leaves_nothing() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");

    project.run(&["run", "--dry-run"]).exits(0);
    project.run(&["plan", "--csv"]).exits(0);

    assert_eq!(provider.mock.bill().requests, 0);
    let left: Vec<_> = std::fs::read_dir(project.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
