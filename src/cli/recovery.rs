//! Putting right what the last run left, before anything is planned, and telling of it.

use crate::cli::context::Context;
use crate::cli::term;
use crate::config::OnInDoubt;
use crate::domain::NanoUsd;
use crate::pipeline::addresses::Addresses;
use crate::store::{DoubtPolicy, Store};
use crate::worker::recovery::{Recovery, RecoveryError, recover, sweep_uploads};

/// Puts the queue right, while its lock is held, and says what was found.
pub(crate) async fn put_right(context: &Context, store: &Store) -> Result<(), RecoveryError> {
    let found = recover(
        store,
        &context.objects(),
        &Addresses::new(&context.settings.places.state),
        doubt_policy(context),
        context.clock.now(),
    )
    .await?;
    sweep_uploads(&context.settings.places.state)?;
    say(context, &found);
    Ok(())
}

/// What becomes of requests in doubt.
pub(crate) fn doubt_policy(context: &Context) -> DoubtPolicy {
    match context.settings.budget.on_in_doubt {
        OnInDoubt::Resend => DoubtPolicy::Resend,
        OnInDoubt::Hold => DoubtPolicy::Hold,
    }
}

/// What the last run left, if it left anything.
fn say(context: &Context, found: &Recovery) {
    if context.quiet && found.in_doubt.is_empty() {
        return;
    }
    if found.adopted > 0 {
        term::say(&format!(
            "recovered: {} had arrived before the last run ended",
            term::count(found.adopted, "answer")
        ));
    }
    if !found.in_doubt.is_empty() {
        let cost = found
            .in_doubt
            .iter()
            .fold(NanoUsd::ZERO, |sum, (_, cost)| sum.saturating_add(*cost));
        term::say(&format!(
            "in doubt: {} in flight when the last run ended, with no answer; at most {} (listed in the report)",
            term::count(
                u64::try_from(found.in_doubt.len()).unwrap_or(u64::MAX),
                "request"
            ),
            cost.display(),
        ));
    }
    if found.poisoned > 0 {
        term::say(&format!(
            "held: {} whose answer was arriving at four crashes, the last two alone; see `voicespool ls --state in_doubt`",
            term::count(found.poisoned, "job")
        ));
    }
}
