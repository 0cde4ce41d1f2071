//! What `models`, `voices` and `prices` share: asking a provider, and prices in words.

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::domain::{FaultClass, Price};
use crate::engine::EngineError;
use crate::engine::rest::RestEngine;

/// The client of the profile named, or of the one the tasks use, or of Together.
pub(super) async fn provider(context: &Context, name: Option<&str>) -> Result<RestEngine, Failure> {
    let settings = &context.settings;
    let used = settings.tasks.iter().map(|task| task.profile.as_str());
    let name = name
        .or_else(|| used.into_iter().find(|name| *name != "local"))
        .unwrap_or("together");
    let profile = settings.profiles.get(name).ok_or_else(|| {
        let known: Vec<_> = settings.profiles.keys().map(String::as_str).collect();
        Failure::new(Exit::Usage, format!("there is no profile `{name}`"))
            .detail(format!("profiles: {}", known.join(", ")))
    })?;
    let Some(dialect) = profile.dialect else {
        return Err(
            Failure::new(Exit::Usage, "the built-in voice has no provider to ask")
                .hint("voicespool voices pico    lists the built-in voices"),
        );
    };
    context.rest_engine(profile, dialect).await
}

/// A list that could not be had: the exit code of its cause.
pub(super) fn failure(error: EngineError) -> Failure {
    let exit = match error.class {
        FaultClass::Account => Exit::Account,
        FaultClass::Throttled | FaultClass::Overloaded => Exit::Unreachable,
        _ => Exit::Partial,
    };
    let status = error.http_status.map(|status| format!("HTTP {status}"));
    let mut failure = Failure::new(exit, "the provider's list cannot be had").detail(error.detail);
    failure.details.extend(status);
    failure
        .detail("nothing was spent")
        .hint("leave --online out for the built-in list")
}

/// `$4.00 / 1M chars`.
pub(super) fn price_text(price: Price) -> String {
    match price {
        Price::PerMillionChars(amount) => format!("{} / 1M chars", amount.display()),
        Price::PerAudioMinute(amount) => format!("${} / min", trimmed(&amount.to_string())),
        Price::Free => "free".to_owned(),
    }
}

/// Nine decimals, without the zeros at the end that say nothing.
fn trimmed(amount: &str) -> &str {
    amount.trim_end_matches('0').trim_end_matches('.')
}
