//! What it costs to find a provider's limit and to outlive its outage, by policy, in virtual
//! time: the table of `docs/rate-control.md`.

use std::time::Duration;

use voicespool::domain::FaultClass;
use voicespool::engine::limit::SavedRate;

use crate::Options;
use crate::support::simulation::policies::Outcome;
use crate::support::simulation::{
    Dynamic, adaptive_gate, outage, speed, with_aimd, with_fixed_concurrency, with_gate,
};

const CONCURRENCY: u32 = 128;

/// Prints a line per provider and policy, over `count` seeds.
pub(crate) fn policies(options: Options) -> String {
    let seeds = u64::try_from(options.count.unwrap_or(8)).unwrap();
    let seeds = options.seed..options.seed + seeds;
    println!("| provider | policy | jobs | seconds | throttles | over the retry limit |");
    println!("|---|---|---|---|---|---|");
    let mut ours = Vec::new();
    for (name, floor, ceiling) in [
        ("moving limit, 5 to 20/s", 5.0, 20.0),
        ("fixed limit, 10/s", 10.0, 10.0),
    ] {
        let provider = |seed| Dynamic::new(seed, floor, ceiling);
        let gate = |seed, learned| adaptive_gate(seed, CONCURRENCY, learned);
        let jobs = 3000;
        let learned = paused(async {
            let first = gate(options.seed, None);
            with_gate(provider(options.seed), first.clone(), jobs).await;
            first.learned_rate()
        });
        let learned = learned.map(|per_second| SavedRate {
            per_second,
            age: Duration::from_mins(5),
        });
        let found = |policy: &str, run: &dyn Fn(u64) -> Outcome| {
            let outcomes: Vec<Outcome> = seeds.clone().map(run).collect();
            let range = |value: fn(&Outcome) -> u64| {
                let values = || outcomes.iter().map(value);
                match (values().min(), values().max()) {
                    (Some(least), Some(most)) if least < most => format!("{least}–{most}"),
                    (least, _) => least.unwrap_or_default().to_string(),
                }
            };
            println!(
                "| {name} | {policy} | {jobs} | {} | {} | {} |",
                range(|one| one.took.as_secs()),
                range(|one| u64::from(one.throttles)),
                range(|one| u64::from(one.given_up)),
            );
            outcomes
        };
        ours.extend(found("this gate", &|seed| {
            paused(with_gate(provider(seed), gate(seed, None), jobs))
        }));
        found("this gate, second run", &|seed| {
            let warm = Dynamic::warm(seed, floor, ceiling);
            paused(with_gate(warm, gate(seed, learned), jobs))
        });
        found("this gate, second run, the provider forgot", &|seed| {
            paused(with_gate(provider(seed), gate(seed, learned), jobs))
        });
        found("plain AIMD", &|seed| {
            paused(with_aimd(provider(seed), CONCURRENCY, jobs))
        });
        for concurrency in [CONCURRENCY, 16] {
            found(&format!("{concurrency} at once, as SDKs retry"), &|seed| {
                paused(with_fixed_concurrency(provider(seed), concurrency, jobs))
            });
        }
    }
    println!();
    println!(
        "| six hours of | requests meanwhile | per second before | first minute after | second minute |"
    );
    println!("|---|---|---|---|---|");
    for (name, class) in [
        ("503", FaultClass::Overloaded),
        ("429", FaultClass::Throttled),
        ("no answer", FaultClass::TimedOut),
    ] {
        let (outage, _) = paused(outage(class, 6, options.seed));
        let ill = outage.until - Duration::from_hours(6);
        println!(
            "| {name} | {} | {:.1} | {:.1} | {:.1} |",
            outage.failed.len(),
            speed(&outage, ill - Duration::from_secs(30), 0, 30),
            speed(&outage, outage.until, 0, 60),
            speed(&outage, outage.until, 60, 120),
        );
    }
    let most = ours.iter().map(|one| one.throttles).max().unwrap_or(0);
    assert!(most <= 40, "the gate met {most} throttles");
    format!(
        "{} runs through the gate, at most {most} throttles in 3,000 jobs",
        ours.len()
    )
}

/// Runs `work` on a runtime of its own whose time only moves when all wait.
fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}
