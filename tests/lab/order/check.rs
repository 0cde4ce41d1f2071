//! The promises about order, held against a record.
//!
//! - A request leaves after the sync that makes its row in the bill safe.
//! - The queue can say that a job is completed only after the bytes of its answer were synced, then
//!   renamed to the job's key, then the folder synced. Answers that were there before need the
//!   folder synced all the same: whoever renamed them may have died before he did it.
//! - The same for finished files and their rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest, Sha256};
use voicespool::domain::ContentKey;

use crate::order::disk::Snapshot;
use crate::order::trace::{Call, Step};

/// How much was checked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Checked {
    pub(crate) requests: usize,
    /// Answers that were bought.
    pub(crate) bought: usize,
    /// Answers that were there already.
    pub(crate) found: usize,
    pub(crate) outputs: usize,
    pub(crate) syncs: usize,
}

/// Checks a run. `jobs` are the jobs by what they send. `Err` names the first promise broken.
pub(crate) fn check(
    steps: &[Step],
    snapshots: &[Snapshot],
    jobs: &BTreeMap<ContentKey, i64>,
) -> Result<Checked, String> {
    let mut checked = Checked {
        syncs: snapshots.len(),
        ..Checked::default()
    };
    let mut sent: BTreeMap<i64, usize> = BTreeMap::new();
    for (began, content) in requests(steps) {
        let job = *jobs.get(&content).ok_or("a request belongs to no job")?;
        let number = sent.entry(job).or_default();
        *number += 1;
        let safe = snapshots.iter().rfind(|snapshot| snapshot.safe < began);
        let rows = safe.and_then(|snapshot| snapshot.attempts.get(&job));
        if rows.copied().unwrap_or(0) < *number {
            return Err(format!(
                "request {number} of job {job} left on line {began} before its row was safe"
            ));
        }
        checked.requests += 1;
    }
    let mut known = (BTreeSet::new(), BTreeSet::new());
    for snapshot in snapshots {
        for key in snapshot.completed.difference(&known.0) {
            let place = format!("/objects/{}/{key}", &key[..2]);
            match safe_file(steps, &place, snapshot.exposed)? {
                Made::Here => checked.bought += 1,
                Made::Before => checked.found += 1,
            }
        }
        for path in snapshot.outputs.difference(&known.1) {
            safe_file(steps, &format!("/out/{path}"), snapshot.exposed)?;
            checked.outputs += 1;
        }
        known = (snapshot.completed.clone(), snapshot.outputs.clone());
    }
    Ok(checked)
}

/// When each request began to leave, and the hash of the text or recording in it.
fn requests(steps: &[Step]) -> Vec<(usize, ContentKey)> {
    let mut open: BTreeMap<&str, (usize, Vec<u8>)> = BTreeMap::new();
    let mut whole = Vec::new();
    for step in steps {
        let Call::Send { peer, bytes } = &step.call else {
            continue;
        };
        if bytes.starts_with(b"POST ")
            && let Some(before) = open.insert(peer, (step.began, Vec::new()))
        {
            whole.push(before);
        }
        if let Some((_, body)) = open.get_mut(peer.as_str()) {
            body.extend_from_slice(bytes);
        }
    }
    whole.extend(open.into_values());
    whole.sort_by_key(|(began, _)| *began);
    whole
        .into_iter()
        .map(|(began, request)| (began, ContentKey(Sha256::digest(payload(&request)).into())))
        .collect()
}

/// What a request is about: the text in its JSON, or the recording in its form.
fn payload(request: &[u8]) -> Vec<u8> {
    let find = |what: &[u8], from: usize| {
        request[from..]
            .windows(what.len())
            .position(|window| window == what)
            .map(|at| at + from)
    };
    let body = find(b"\r\n\r\n", 0).map_or(request.len(), |at| at + 4);
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(&request[body..]) {
        return json["input"].as_str().unwrap_or_default().into();
    }
    let Some(file) = find(b"filename=", 0).and_then(|at| find(b"\r\n\r\n", at)) else {
        return Vec::new();
    };
    // In chunked coding only where the body has no length; ours has one.
    let end = find(b"\r\n--", file + 4).unwrap_or(request.len());
    request[file + 4..end].to_vec()
}

/// Whether a file was made in this record.
enum Made {
    Here,
    Before,
}

/// That the file whose path ends with `place` was whole and had its name for good before line
/// `exposed`.
fn safe_file(steps: &[Step], place: &str, exposed: usize) -> Result<Made, String> {
    let folder = Path::new(place).parent().unwrap().to_str().unwrap();
    let folder_synced = |after: usize| {
        steps.iter().any(|step| {
            matches!(&step.call, Call::Sync { path } if path.ends_with(folder))
                && after < step.began
                && step.ended < exposed
        })
    };
    let Some((named, mut name)) = renamed(steps, place, exposed) else {
        if folder_synced(0) {
            return Ok(Made::Before);
        }
        return Err(format!(
            "{place} was there, and its folder was not synced before line {exposed}"
        ));
    };
    if !folder_synced(named.ended) {
        return Err(format!(
            "{place} got its name on line {}, and its folder was not synced before line {exposed}",
            named.ended
        ));
    }
    // Back through earlier names to the first, under which it was written.
    let mut first = named;
    while let Some((step, before)) = renamed(steps, name, first.began) {
        (first, name) = (step, before);
    }
    let bytes_synced = steps.iter().any(|step| {
        matches!(&step.call, Call::Sync { path } if path == name) && step.ended < first.began
    });
    if bytes_synced {
        return Ok(Made::Here);
    }
    Err(format!(
        "{place} was renamed on line {} before its bytes were synced",
        first.began
    ))
}

/// The last rename to a path that ends with `place`, over before `line`, and from what.
fn renamed<'a>(steps: &'a [Step], place: &str, line: usize) -> Option<(&'a Step, &'a str)> {
    steps.iter().rev().find_map(|step| match &step.call {
        Call::Rename { from, to } if to.ends_with(place) && step.ended < line => {
            Some((step, from.as_str()))
        }
        _ => None,
    })
}
