//! The store against a model: whatever happens to a queue, it stands as a few maps and loops say
//! it ought to.
//!
//! Every call goes to both, also late, doubled and nonsensical ones; after each the answers, all
//! rows, the money and the counts are compared. `VOICESPOOL_MODEL_LIVES` asks for more than the
//! usual few random lives.

mod adding;
mod compare;
mod office;
mod rules;
mod step;
mod working;
mod world;

use proptest::test_runner::{Config, TestRunner};

use crate::store::model::office::Office;
use crate::store::model::step::{Step, step};

/// Lives when nobody asks for more: a few seconds in a debug build.
const LIVES: u32 = 48;

#[test]
fn whatever_happens_the_queue_stands_as_the_model_says() {
    let asked = std::env::var("VOICESPOOL_MODEL_LIVES").ok();
    let cases = asked.map_or(LIVES, |lives| lives.parse().unwrap());
    let config = Config {
        cases,
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    let lives = proptest::collection::vec(step(), 1..120);
    let outcome = TestRunner::new(config).run(&lives, |steps| {
        live(&steps);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn live(steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut office = Office::open().await;
        for step in steps {
            office.take(step).await;
            office.compare(step).await;
        }
        office.close().await;
    });
}
