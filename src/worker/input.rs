//! What a job sends, read when it is claimed: an input that changed since is not sent.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{AudioMillis, Quantity, Stretch};
use crate::pipeline::addresses::{Address, Addresses};
use crate::pipeline::{key, remote};
use crate::store::Claim;
use crate::worker::request::Request;
use crate::worker::run::Run;
use crate::worker::smaller::{self, Recording};
use crate::worker::trouble::Trouble;

/// What is sent, read when the job is claimed: an input that changed since is not sent.
pub(super) enum Input {
    Text(String),
    Audio(Audio),
    /// The provider fetches it.
    Address(Address),
}

/// A recording that is uploaded.
pub(super) struct Audio {
    pub(super) path: PathBuf,
    pub(super) duration: AudioMillis,
}

/// Reads what is to be sent. `Err` says why the input is not what was planned.
pub(super) async fn input(
    run: &Arc<Run>,
    claim: &Claim,
    asked: &Request,
) -> Result<Input, Trouble> {
    if let (Some(text), Some(span)) = (claim.source.text, &claim.span) {
        return run
            .objects
            .read_text(text, span.clone())
            .map(Input::Text)
            .map_err(|error| {
                let trouble = Trouble::with("cannot read the text to speak", &error);
                // Damaged or missing: the next run puts it there again, so no job is at fault.
                Trouble {
                    detail: format!(
                        "{}; run again: it is read anew, for nothing",
                        trouble.detail
                    ),
                    stops: true,
                }
            });
    }
    let Quantity::Audio(duration) = claim.quantity else {
        return Err(Trouble::of_this_job(
            "the job has neither a text nor a length",
        ));
    };
    if claim.source.kind == remote::KIND {
        return match Addresses::new(&run.places.state).get(claim.key) {
            Ok(Some(address)) => Ok(Input::Address(address)),
            Ok(None) => Err(Trouble::of_this_job(
                "its URL is not kept any more; name it in a manifest of its task, then retry",
            )),
            Err(error) => Err(Trouble::with("cannot read its URL", &error)),
        };
    }
    let path = run.places.input(&claim.source.path);
    let (expected, checked) = (claim.source.content, path.clone());
    let found = tokio::task::spawn_blocking(move || key::of_file(&checked))
        .await
        .expect("hashing does not panic");
    match found {
        Ok(found) if found == expected => {
            let whole = Recording {
                key: claim.key,
                path: &path,
                part: claim.span.as_ref().map(|span| Stretch {
                    start: AudioMillis(span.start),
                    end: AudioMillis(span.end),
                }),
                duration,
            };
            audio(run, whole, asked).await
        }
        Ok(_) => Err(Trouble::of_this_job(
            "the file changed since it was planned; the next run plans it anew",
        )),
        Err(error) => Err(Trouble::with("cannot read the file", &error)),
    }
}

/// The recording, or a smaller one if it is too large for one request or not all of it is sent.
async fn audio(
    run: &Arc<Run>,
    recording: Recording<'_>,
    asked: &Request,
) -> Result<Input, Trouble> {
    let Recording {
        key,
        path,
        part,
        duration,
    } = recording;
    let path = path.to_owned();
    let size = path.metadata().map(|file| file.len());
    let size = size.map_err(|error| Trouble::with("cannot read the file", &error))?;
    let Request::Transcribe { largest, .. } = asked else {
        return Err(Trouble::of_this_job("the job asks for no transcript"));
    };
    let largest = *largest;
    if size <= largest && part.is_none() {
        return Ok(Input::Audio(Audio { path, duration }));
    }
    let run = run.clone();
    let made = tokio::task::spawn_blocking(move || {
        let recording = Recording {
            key,
            path: &path,
            part,
            duration,
        };
        smaller::make(&run, recording, largest)
    });
    let made = made.await.expect("coding does not panic")?;
    Ok(Input::Audio(Audio {
        path: made,
        duration,
    }))
}
