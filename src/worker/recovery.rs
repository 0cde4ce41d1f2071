//! The normal start: putting right what the last run left, whatever ended it.
//!
//! Nobody else works on the queue (the run lock is held), so every `leased` job is free
//! again, and every `sent` job either has its answer on the disk (check it and adopt it) or
//! is in doubt.

use std::path::Path;

use crate::audio::{self, SpeechCheck, SpokenLength};
use crate::domain::{
    ContentKey, JobId, JobKind, JobState, NanoUsd, Quantity, SpeechParams, UtcMillis,
};
use crate::engine::transcription::parse_transcript;
use crate::pipeline::addresses::Addresses;
use crate::pipeline::objects::Objects;
use crate::pipeline::{key, remote};
use crate::store::{self, Adopt, DoubtPolicy, Evidence, InFlight, NewObject, Store};
use crate::worker::machine;

/// Keys looked up at once.
const PAGE: usize = 5_000;

/// What recovery found and did.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Claimed but not sent: available again, for free.
    pub released: u64,
    /// The answer had arrived: completed.
    pub adopted: u64,
    /// Sent, no answer: each with what it may have cost.
    pub in_doubt: Vec<(JobId, NanoUsd)>,
    /// Their answers were arriving at crashes, at the last two alone: held.
    pub poisoned: u64,
    /// Unfinished answers removed.
    pub swept: u64,
}

/// Why the queue could not be put right.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("cannot clean the object folder")]
    Objects(#[from] std::io::Error),
}

pub use crate::worker::smaller::sweep as sweep_uploads;

/// Puts the queue right. Call while holding the run lock, before claiming.
pub async fn recover(
    store: &Store,
    objects: &Objects,
    addresses: &Addresses,
    policy: DoubtPolicy,
    now: UtcMillis,
) -> Result<Recovery, RecoveryError> {
    let found = store.recover().await?;
    let mut recovery = Recovery {
        released: found.released,
        ..Recovery::default()
    };
    for flight in found.in_flight {
        if objects.contains(flight.key) {
            objects.confirm(flight.key)?;
            let adopted = adoption(objects, &flight, is_remote(store, &flight).await?, now)?;
            store.adopt(adopted).await?;
            recovery.adopted += 1;
            continue;
        }
        if let Some(arrived) = objects.arrived(flight.key, flight.attempt)
            && is_whole(arrived.path(), &flight)
        {
            arrived.keep()?;
            let adopted = adoption(objects, &flight, is_remote(store, &flight).await?, now)?;
            store.adopt(adopted).await?;
            recovery.adopted += 1;
            continue;
        }
        let evidence = evidence(objects, &flight, now);
        let state = store
            .doubt(flight.job, flight.attempt, now, policy, evidence)
            .await?;
        recovery.in_doubt.push((flight.job, flight.reserved));
        let is_poison = state == JobState::Held && policy == DoubtPolicy::Resend;
        recovery.poisoned += u64::from(is_poison);
    }
    recovery.swept = objects.sweep()?;
    forget_addresses(store, addresses).await?;
    Ok(recovery)
}

/// Whether the job may be why its process ended. Not if the machine went down with it, and not if
/// nothing of its answer was there yet: then it only waited, as the others did.
fn evidence(objects: &Objects, flight: &InFlight, now: UtcMillis) -> Evidence {
    let went_down = machine::up_since(now).is_some_and(|since| flight.sent_at < since);
    if !went_down && objects.had_begun(flight.key, flight.attempt) {
        Evidence::AnswerBegun
    } else {
        Evidence::None
    }
}

/// Removes the URLs of requests that are over, or that nobody knows: they may be signed.
async fn forget_addresses(store: &Store, addresses: &Addresses) -> Result<(), RecoveryError> {
    for page in addresses.sweep()?.chunks(PAGE) {
        let known = store.known(page).await?;
        let is_over = |key: &ContentKey| {
            known
                .get(key)
                .is_none_or(|standing| standing.state().0.is_final())
        };
        for key in page.iter().filter(|key| is_over(key)) {
            addresses.forget(*key)?;
        }
    }
    Ok(())
}

/// Whether the provider fetched the recording, so that only its answer knows the length.
async fn is_remote(store: &Store, flight: &InFlight) -> Result<bool, store::Error> {
    let source = store.source(flight.source).await?;
    Ok(source.is_some_and(|source| source.kind == remote::KIND))
}

/// What such a recording came to: its share of what was set aside for the length that was
/// planned, in proportion, because prices are by the minute. `None`: as it was set aside.
fn bill_of_fetched(path: &Path, flight: &InFlight) -> Option<(Quantity, NanoUsd)> {
    let transcript = parse_transcript(&std::fs::read(path).ok()?).ok()?;
    let heard = transcript.duration.filter(|heard| heard.0 > 0)?;
    let Quantity::Audio(planned) = flight.quantity else {
        return None;
    };
    if heard.0.abs_diff(planned.0) <= 1000 {
        return None;
    }
    let cost = flight.reserved.scaled(heard.0, planned.0)?;
    Some((Quantity::Audio(heard), cost))
}

/// The object got its name after it was validated, so its header can be trusted.
fn adoption(
    objects: &Objects,
    flight: &InFlight,
    is_remote: bool,
    at: UtcMillis,
) -> std::io::Result<Adopt> {
    let path = objects.path(flight.key);
    let audio = audio::probe(&path).ok();
    let format = match (flight.kind, &audio) {
        (JobKind::Speak, Some(facts)) => facts.container.as_str(),
        _ => "json",
    };
    let object = NewObject {
        sha256: key::of_file(&path)?,
        bytes: path.metadata()?.len(),
        format: format.to_owned(),
    };
    let audio = audio.map(|facts| facts.duration);
    Ok(Adopt {
        job: flight.job,
        attempt: flight.attempt,
        at,
        object,
        audio,
        billed: is_remote.then(|| bill_of_fetched(&path, flight)).flatten(),
    })
}

/// Whether an answer that arrived just before its process ended is what was asked for.
fn is_whole(path: &Path, flight: &InFlight) -> bool {
    match (flight.kind, flight.quantity) {
        (JobKind::Speak, Quantity::Chars(chars)) => serde_json::from_str(&flight.spec.params)
            .is_ok_and(|params: SpeechParams| {
                let length = SpokenLength::of_unknown(chars);
                audio::check_speech(path, params.format, &length, &SpeechCheck::default()).is_ok()
            }),
        (JobKind::Transcribe, _) => {
            std::fs::read(path).is_ok_and(|json| parse_transcript(&json).is_ok())
        }
        _ => false,
    }
}
