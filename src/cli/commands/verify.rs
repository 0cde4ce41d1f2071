//! `verify`: every finished file against the queue, and with `--deep` every kept answer.

use std::io::ErrorKind;
use std::path::Path;

use crate::audio;
use crate::cli::args::Global;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ledger;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::Overrides;
use crate::domain::{AudioMillis, JobId, NanoUsd};
use crate::pipeline::key;
use crate::pipeline::task::PREVIEW_OF;
use crate::store::{OutputRow, Store};

/// How far a decoded length may be from the recorded one.
const TOLERANCE: AudioMillis = AudioMillis(150);

pub(crate) async fn run(global: &Global, deep: bool) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.require_read_only().await?;
    let mut tally = check_outputs(&context, &store, deep).await?;
    let mut lost = Vec::new();
    if deep {
        lost = check_answers(&context, &store, &mut tally).await?;
    }
    store.close().await?;
    if context.json {
        record::print(&Record::Verify(&record::check::Verify {
            good: tally.good,
            findings: tally.findings,
            answers: tally.answers,
            deep,
        }))?;
    } else {
        tell(&tally, &lost)?;
    }
    Ok(if tally.findings == 0 {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

#[derive(Default)]
struct Tally {
    good: u64,
    findings: u64,
    answers: u64,
}

fn tell(tally: &Tally, lost: &[JobId]) -> anyhow::Result<()> {
    term::outln(&format!(
        "{} good, {}",
        term::count(tally.good, "file"),
        term::count(tally.findings, "finding")
    ))?;
    if tally.findings > u64::try_from(lost.len()).unwrap_or(u64::MAX) {
        term::say("hint: voicespool run    makes missing files again from what was paid for");
    }
    if !lost.is_empty() {
        let jobs: Vec<_> = lost.iter().map(ToString::to_string).collect();
        term::say(&format!(
            "hint: voicespool retry --state completed {}    buys {} again, and asks before",
            jobs.join(" "),
            if lost.len() == 1 {
                "that answer"
            } else {
                "those answers"
            }
        ));
    }
    Ok(())
}

async fn check_outputs(context: &Context, store: &Store, deep: bool) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for output in ledger::current_outputs(store).await? {
        let path = context.settings.places.out.join(path_of(&output.path));
        let shown = term::clean(&path.to_string_lossy());
        let job = output.job;
        let is_gone = !path.exists();
        let found = tokio::task::spawn_blocking(move || check(&path, &output, deep)).await?;
        if is_gone && is_of_preview(store, job).await? {
            continue;
        }
        match found {
            None => tally.good += 1,
            Some(_) => tally.findings += 1,
        }
        if context.json {
            record::print(&Record::Output(&record::check::Output {
                path: shown,
                ok: found.is_none(),
                finding: found,
            }))?;
        } else if let Some(finding) = found {
            term::outln(&format!("✖ {shown}: {finding}"))?;
        }
    }
    Ok(tally)
}

/// Whether `job` made a file to be listened to once: who deletes it misses nothing.
async fn is_of_preview(store: &Store, job: JobId) -> anyhow::Result<bool> {
    let job = store.job(job).await?;
    Ok(job.is_some_and(|job| job.spec.task.starts_with(PREVIEW_OF)))
}

/// Compares every kept answer with its hash; the jobs of those that are lost.
async fn check_answers(
    context: &Context,
    store: &Store,
    tally: &mut Tally,
) -> anyhow::Result<Vec<JobId>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.objects(after, ledger::PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = Some(last.job);
        for object in page {
            tally.answers += 1;
            let path = context.objects().path(object.key);
            let looked = {
                let path = path.clone();
                tokio::task::spawn_blocking(move || key::of_file(&path)).await?
            };
            let finding = match looked {
                Ok(hash) if hash == object.sha256 => continue,
                Ok(_) => "damaged".to_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => "missing".to_owned(),
                Err(error) => format!("unreadable: {error}"),
            };
            tally.findings += 1;
            found.push(object.job);
            tell_answer(context, store, &path, object.job, finding).await?;
        }
    }
}

async fn tell_answer(
    context: &Context,
    store: &Store,
    path: &Path,
    id: JobId,
    finding: String,
) -> anyhow::Result<()> {
    let shown = term::clean(&path.to_string_lossy());
    let job = store.job(id).await?;
    let mut cost = None;
    if let Some(job) = &job {
        let gates = store.gates().await?;
        let gate = gates.iter().find(|gate| gate.id == job.spec.gate);
        let price = gate.and_then(|gate| context.price(&gate.endpoint, &gate.model));
        cost = price.and_then(|price| price.cost(job.quantity));
    }
    let source = job.map_or_else(String::new, |job| {
        String::from_utf8_lossy(&job.source_path).into_owned()
    });
    if context.json {
        record::print(&Record::Answer(&record::check::Answer {
            path: shown,
            job: id,
            source,
            finding,
            cost,
            cost_nano: cost.map(|cost| cost.0),
        }))?;
        return Ok(());
    }
    let price = cost.map_or_else(|| "an unknown cost".to_owned(), NanoUsd::display);
    Ok(term::outln(&format!(
        "✖ {shown}: the answer of job {id} for {} is {finding}; buying it again costs {price}",
        term::clean(&source)
    ))?)
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// What is wrong with one file; `None` when nothing is.
fn check(path: &Path, output: &OutputRow, deep: bool) -> Option<String> {
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) => return Some(format!("missing or unreadable: {error}")),
    };
    if found.len() != output.bytes {
        return Some(format!(
            "has {}, was written with {}",
            term::count(found.len(), "byte"),
            output.bytes
        ));
    }
    match key::of_file(path) {
        Ok(hash) if hash == output.sha256 => {}
        Ok(_) => return Some("was changed since it was written".into()),
        Err(error) => return Some(format!("unreadable: {error}")),
    }
    let expected = output.audio.filter(|_| deep)?;
    let decoded = audio::decode::decode(path, |_, _| Ok::<_, audio::decode::DecodeError>(()))
        .map(|decoded| decoded.duration());
    match decoded {
        Ok(decoded) if decoded.0.abs_diff(expected.0) <= TOLERANCE.0 => None,
        Ok(decoded) => Some(format!(
            "decodes to {:.3} s, was {:.3} s",
            decoded.seconds(),
            expected.seconds()
        )),
        Err(error) => Some(format!("does not decode: {error}")),
    }
}
