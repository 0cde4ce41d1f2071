//! The jobs that send nothing: a source's answers become its finished files. Never
//! `sent`, never billed, and done again at any time.

use std::sync::Arc;

use crate::domain::{AudioMillis, JobKind, NanoUsd, Price};
use crate::pipeline::{Finished, assemble, compose, recipe};
use crate::store::{self, AttemptRow, Claim, NewOutput, PartRow, Verdict};
use crate::subtitle::document::{
    ChunkMeta, DocumentMeta, QualityMeta, RequestMeta, SourceMeta, UsageMeta,
};
use crate::worker::cost::FREE;
use crate::worker::event::Event;
use crate::worker::request::Request;
use crate::worker::run::Run;
use crate::worker::settle::{Completed, complete, troubled};
use crate::worker::trouble::Trouble;

/// Parts read at once.
const PAGE: u32 = 5_000;

/// What was made of the answers.
struct Made {
    files: Vec<Finished>,
    /// How long a spoken text lasts.
    audio: Option<AudioMillis>,
    /// What speaks against a transcript.
    flags: Option<String>,
}

/// Makes the files of one claimed parent.
pub(super) async fn work(run: &Arc<Run>, claim: &Claim) -> Result<(), store::Error> {
    if let Some(gone) = run.homes.gone() {
        return troubled(run, claim, Trouble::of_this_machine(gone)).await;
    }
    let made = match claim.kind {
        JobKind::Assemble => make_audio(run, claim).await?,
        _ => make_documents(run, claim).await?,
    };
    let Made {
        files,
        audio,
        flags,
    } = match made {
        Ok(made) => made,
        Err(trouble) => return troubled(run, claim, trouble).await,
    };
    let told = Completed {
        files: files.iter().map(|file| file.path.clone()).collect(),
        charge: None,
        latency: None,
        reused: false,
        flags: flags.clone(),
    };
    let outputs = files
        .into_iter()
        .map(|file| NewOutput {
            path: file.path.as_os_str().as_encoded_bytes().to_vec(),
            bytes: file.bytes,
            sha256: file.sha256,
            audio: file.audio,
            format: file.format,
        })
        .collect();
    let verdict = Verdict::Complete {
        object: None,
        outputs,
        audio,
        flags,
    };
    complete(run, claim, verdict, None, told).await
}

fn recipe<T: serde::de::DeserializeOwned>(claim: &Claim) -> Result<T, Trouble> {
    let text = claim.params.as_deref().unwrap_or("");
    serde_json::from_str(text)
        .map_err(|error| Trouble::of_this_job(format!("the job's recipe cannot be read: {error}")))
}

/// Every part, read page by page.
async fn all_parts(run: &Arc<Run>, claim: &Claim) -> Result<Vec<PartRow>, store::Error> {
    let mut parts: Vec<PartRow> = Vec::new();
    loop {
        let page = run
            .store
            .parts(claim.job, parts.last().map(|part| part.ordinal), PAGE)
            .await?;
        let more = page.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
        parts.extend(page);
        if !more {
            return Ok(parts);
        }
    }
}

/// Says which answers of `parts` are not as they were bought, if any. They were paid for once; only
/// a person may buy them again.
async fn lost(run: &Arc<Run>, claim: &Claim, parts: &[PartRow]) -> Option<Trouble> {
    let objects = run.objects.clone();
    let bought: Vec<_> = parts
        .iter()
        .filter_map(|part| Some((part.child, part.key, part.sha256?)))
        .collect();
    let looked = tokio::task::spawn_blocking(move || objects.lost(bought));
    let lost = match looked.await.expect("hashing does not panic") {
        Ok(lost) => lost,
        Err(error) => return Some(Trouble::with("cannot read a kept answer", &error)),
    };
    let first = lost.first()?;
    let which = match lost.len() {
        1 => format!("the answer of job {first} is"),
        many => format!("the answers of {many} jobs, the first {first}, are"),
    };
    Some(Trouble::of_this_job(format!(
        "{which} missing or damaged in the object folder; `voicespool retry {}` says what buying again costs",
        claim.job
    )))
}

async fn make_audio(run: &Arc<Run>, claim: &Claim) -> Result<Result<Made, Trouble>, store::Error> {
    let recipe: recipe::Assemble = match recipe(claim) {
        Ok(recipe) => recipe,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let parts = all_parts(run, claim).await?;
    if let Some(trouble) = lost(run, claim, &parts).await {
        return Ok(Err(trouble));
    }
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|part| {
            Some(assemble::Part {
                job: part.child,
                key: part.key,
                range: part.span?,
                boundary: part.boundary?,
                missing: part.sha256.is_none(),
            })
        })
        .collect();
    let (objects, outputs) = (run.objects.clone(), run.outputs.clone());
    let made = tokio::task::spawn_blocking(move || {
        assemble::assemble(&recipe, &parts, &objects, &outputs)
    });
    let made = made.await.expect("assembling does not panic");
    for note in made.iter().flat_map(|made| &made.notes) {
        run.tell(Event::Warning(note.clone()));
    }
    for fact in made.iter().flat_map(|made| &made.facts) {
        run.tell(Event::Note(fact.clone()));
    }
    Ok(made
        .map(|made| Made {
            files: made.files,
            audio: Some(made.duration),
            flags: None,
        })
        .map_err(|error| Trouble::of(&error)))
}

async fn make_documents(
    run: &Arc<Run>,
    claim: &Claim,
) -> Result<Result<Made, Trouble>, store::Error> {
    let recipe: recipe::Compose = match recipe(claim) {
        Ok(recipe) => recipe,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let parts = all_parts(run, claim).await?;
    if let Some(trouble) = lost(run, claim, &parts).await {
        return Ok(Err(trouble));
    }
    if parts.len() != recipe.clips.len().max(1) {
        return Ok(Err(Trouble::of_this_job(
            "the transcript lacks answers for parts of it",
        )));
    }
    let mut asked = Vec::with_capacity(parts.len());
    for part in &parts {
        asked.push(run.store.attempts(part.child).await?);
    }
    let answers = parts.iter().map(|part| part.key).collect::<Vec<_>>();
    let price = price(run, &recipe);
    let meta = document_meta(&recipe, &claim.source.path, &asked, price);
    let recording = recipe
        .compared
        .then(|| run.places.input(&claim.source.path));
    let (objects, outputs) = (run.objects.clone(), run.outputs.clone());
    let made = tokio::task::spawn_blocking(move || {
        compose::compose(
            &recipe,
            &answers,
            &meta,
            recording.as_deref(),
            &objects,
            &outputs,
        )
    });
    let made = made.await.expect("composing does not panic");
    let notes = |made: &compose::Composed| [made.flags.clone(), made.notes.clone()].concat();
    for note in made.iter().flat_map(notes) {
        let path = String::from_utf8_lossy(&claim.source.path);
        run.tell(Event::Warning(format!("{path}: {note}")));
    }
    Ok(made
        .map(|made| Made {
            files: made.files,
            audio: None,
            flags: (!made.flags.is_empty()).then(|| made.flags.join("; ")),
        })
        .map_err(|error| Trouble::of(&error)))
}

/// What its requests were charged by.
fn price(run: &Run, recipe: &recipe::Compose) -> Option<Price> {
    run.requests.values().find_map(|request| match request {
        Request::Transcribe {
            endpoint,
            params,
            price,
            ..
        } => (*endpoint == recipe.endpoint && params.model == recipe.params.model)
            .then_some(*price)?,
        Request::Speak { .. } | Request::Nothing => None,
    })
}

/// How the transcript came to be, as far as the queue knows: `asked` has the attempts at each of its clips.
fn document_meta(
    recipe: &recipe::Compose,
    path: &[u8],
    asked: &[Vec<AttemptRow>],
    price: Option<Price>,
) -> DocumentMeta {
    let cost = asked
        .iter()
        .flatten()
        .filter(|attempt| attempt.cost_status.counts());
    let parts = recipe.parts();
    let billed = parts.iter().map(|part| part.length().0).sum();
    DocumentMeta {
        source: SourceMeta {
            path: String::from_utf8_lossy(path).into_owned(),
            // Of what the provider fetched nothing was seen here.
            sha256: (!recipe.remote).then_some(recipe.audio),
            bytes: (!recipe.remote).then_some(recipe.bytes),
            duration: recipe.duration,
        },
        request: RequestMeta {
            endpoint: recipe.endpoint.clone(),
            model: recipe.params.model.clone(),
            language_asked: recipe.params.language.clone(),
            translated_to: recipe.params.translate_to.clone(),
            language_found: None,
        },
        chunks: (0..)
            .zip(&parts)
            .zip(asked)
            .map(|((at, part), attempts): ((usize, _), _)| ChunkMeta {
                start: part.start,
                end: part.end,
                cut: match parts.get(at + 1) {
                    None => "end".into(),
                    Some(next) if next.start < part.end => "overlap".into(),
                    Some(_) => "pause".into(),
                },
                attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
                request_id: attempts
                    .last()
                    .and_then(|attempt| attempt.request_id.clone()),
            })
            .collect(),
        usage: UsageMeta {
            billed_seconds: AudioMillis(billed),
            price,
            as_of: None,
            cost: cost
                .map(|attempt| attempt.cost)
                .try_fold(FREE, NanoUsd::checked_add),
        },
        quality: QualityMeta::default(),
    }
}
