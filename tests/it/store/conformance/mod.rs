//! What any database behind the store must do. Written against the public surface alone; only
//! `desk::fresh` and `desk::open` know which database it is.

mod claim;
mod crashes;
mod enqueue;
mod money;
mod moves;
mod parents;
mod people;
mod reading;

use voicespool::domain::JobState;
use voicespool::store::Store;

pub(crate) async fn count(store: &Store, state: JobState) -> u64 {
    let counts = store.counts().await.unwrap();
    counts
        .iter()
        .filter(|count| count.state == state)
        .map(|count| count.jobs)
        .sum()
}

pub(crate) async fn is_sound(store: &Store) {
    assert_eq!(store.integrity_check().await.unwrap(), Vec::<String>::new());
}
