//! `verify`: every finished file against the queue.

use std::path::Path;

use crate::audio;
use crate::cli::args::Global;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ledger;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::Overrides;
use crate::domain::AudioMillis;
use crate::pipeline::key;
use crate::store::OutputRow;

/// How far a decoded length may be from the recorded one.
const TOLERANCE: AudioMillis = AudioMillis(150);

pub(crate) async fn run(global: &Global, deep: bool) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.require_read_only().await?;
    let outputs = ledger::current_outputs(&store).await?;
    store.close().await?;
    let (mut good, mut findings) = (0u64, 0u64);
    for output in outputs {
        let path = context.settings.places.out.join(path_of(&output.path));
        let shown = term::clean(&path.to_string_lossy());
        let found = tokio::task::spawn_blocking(move || check(&path, &output, deep)).await?;
        match found {
            None => good += 1,
            Some(_) => findings += 1,
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
    if context.json {
        record::print(&Record::Verify(&record::check::Verify {
            good,
            findings,
            deep,
        }))?;
    } else {
        term::outln(&format!(
            "{} good, {}",
            term::count(good, "file"),
            term::count(findings, "finding")
        ))?;
        if findings > 0 {
            term::say("hint: voicespool run    makes missing files again from what was paid for");
        }
    }
    Ok(if findings == 0 {
        Exit::Ok
    } else {
        Exit::Findings
    })
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
            "has {} bytes, was written with {}",
            found.len(),
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
