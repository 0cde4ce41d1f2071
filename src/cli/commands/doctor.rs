//! `doctor`: is everything in place? Sends nothing, spends nothing, changes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::args::Global;
use crate::cli::context::Context;
use crate::cli::engines::local_engine;
use crate::cli::exit::Exit;
use crate::cli::host::free_bytes;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::{EngineKind, Overrides};
use crate::pipeline::task::Learnt;
use crate::store::learned::FILE_NAME;
use crate::store::{drive, private};

/// Less than this and a night may end early.
const LITTLE_DISK: u64 = 2_000_000_000;

/// Fewer open files than this and many workers starve.
const FEW_FILES: u64 = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    /// Worth knowing; no finding.
    Note,
    Bad,
}

struct Check {
    mark: Mark,
    what: &'static str,
    says: String,
}

pub(crate) async fn run(global: &Global) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let mut checks = vec![Check {
        mark: Mark::Good,
        what: "config",
        says: context
            .settings
            .file
            .as_ref()
            .map_or_else(|| "none".to_owned(), |file| file.display().to_string()),
    }];
    keys(&context, &mut checks).await;
    voice(&context, &mut checks);
    disk(&context, &mut checks);
    limits(&mut checks);
    queue(&context, &mut checks).await;
    privacy(&context, &mut checks);
    drive(&context, &mut checks);
    learned(&context, &mut checks);
    let bad = checks.iter().any(|check| check.mark == Mark::Bad);
    for Check { mark, what, says } in &checks {
        let (sign, word) = match mark {
            Mark::Good => ("✔", "ok"),
            Mark::Note => ("!", "note"),
            Mark::Bad => ("✖", "bad"),
        };
        let says = term::clean(says);
        if context.json {
            record::print(&Record::Check(&record::check::Check {
                check: what,
                mark: word,
                text: says,
            }))?;
        } else {
            term::outln(&format!("{sign} {what:<8} {says}"))?;
        }
    }
    Ok(if bad { Exit::Findings } else { Exit::Ok })
}

/// Only profiles that a task uses: a key for nothing is nobody's problem.
async fn keys(context: &Context, checks: &mut Vec<Check>) {
    for profile in context.settings.profiles.values() {
        let used = context
            .settings
            .tasks
            .iter()
            .any(|task| task.profile == profile.name);
        if !used || profile.kind == EngineKind::Local {
            continue;
        }
        let (mark, says) = match profile.credential().await {
            Ok(Some(key)) => (
                Mark::Good,
                format!(
                    "profile `{}`: {} from {}; whether it is taken, `voicespool models --online` shows",
                    profile.name,
                    key.masked_tail(),
                    key.source()
                ),
            ),
            Ok(None) => (
                Mark::Note,
                format!("profile `{}` sends no key", profile.name),
            ),
            Err(error) => (Mark::Bad, format!("profile `{}`: {error}", profile.name)),
        };
        checks.push(Check {
            mark,
            what: "key",
            says,
        });
    }
}

fn voice(context: &Context, checks: &mut Vec<Check>) {
    let uses = |task: &crate::pipeline::task::Task| {
        context
            .settings
            .profiles
            .get(&task.profile)
            .is_some_and(|profile| profile.kind == EngineKind::Local)
    };
    if context.settings.tasks.iter().any(uses) {
        let (mark, says) = match local_engine().synthesize("en-US", "Ready.") {
            Ok(_) => (Mark::Good, "the built-in voice speaks".to_owned()),
            Err(error) => (
                Mark::Bad,
                format!("the built-in voice does not speak: {error}"),
            ),
        };
        checks.push(Check {
            mark,
            what: "voice",
            says,
        });
    }
}

fn disk(context: &Context, checks: &mut Vec<Check>) {
    let places = &context.settings.places;
    for folder in [&places.out, &places.state] {
        let Some(existing) = folder.ancestors().find(|folder| folder.is_dir()) else {
            continue;
        };
        let shown = folder.display();
        checks.push(
            match (tempfile::tempfile_in(dot(existing)), free_bytes(existing)) {
                (Err(error), _) => Check {
                    mark: Mark::Bad,
                    what: "disk",
                    says: format!("{shown} cannot be written: {error}"),
                },
                (Ok(_), Some(free)) if free < LITTLE_DISK => Check {
                    mark: Mark::Note,
                    what: "disk",
                    says: format!("{shown} has only {} free", term::size(free)),
                },
                (Ok(_), Some(free)) => Check {
                    mark: Mark::Good,
                    what: "disk",
                    says: format!("{shown} has {} free", term::size(free)),
                },
                (Ok(_), None) => Check {
                    mark: Mark::Note,
                    what: "disk",
                    says: format!("{shown}: free space unknown"),
                },
            },
        );
    }
}

fn dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

fn limits(checks: &mut Vec<Check>) {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let says = files.map_or_else(
        || "open files: no limit".to_owned(),
        |files| format!("open files: {files}"),
    );
    let mark = if files.is_some_and(|files| files < FEW_FILES) {
        Mark::Note
    } else {
        Mark::Good
    };
    checks.push(Check {
        mark,
        what: "limits",
        says,
    });
}

/// What refusals taught, of the models the tasks use.
fn learned(context: &Context, checks: &mut Vec<Check>) {
    let mut note = |says: String| {
        checks.push(Check {
            mark: Mark::Note,
            what: "learned",
            says,
        });
    };
    let settings = &context.settings;
    if settings.lessons.is_broken {
        let file = settings.places.state.join(FILE_NAME);
        note(format!(
            "{} cannot be read and counts as empty; the next lesson replaces it",
            file.display()
        ));
    }
    let mut told = BTreeSet::new();
    for task in &settings.tasks {
        if !told.insert((&task.endpoint, task.model())) {
            continue;
        }
        for Learnt { lesson, from } in context.learned(&task.endpoint, task.model()) {
            note(format!(
                "`{}` takes {lesson} ({from}); [models.\"…\"] overrules it",
                task.model()
            ));
        }
    }
}

/// Texts, answers and addresses are nobody else's business.
fn privacy(context: &Context, checks: &mut Vec<Check>) {
    let state = &context.settings.places.state;
    let (mark, says) = match private::open_to_others(state) {
        Ok(found) if found.is_empty() => return,
        Ok(found) => (
            Mark::Note,
            format!(
                "others may look into {} of {}; the next run closes them",
                term::count(u64::try_from(found.len()).unwrap_or(u64::MAX), "place"),
                state.display()
            ),
        ),
        Err(error) => (Mark::Bad, format!("{}: {error}", state.display())),
    };
    checks.push(Check {
        mark,
        what: "privacy",
        says,
    });
}

/// SQLite's log and locks want a disk of this machine.
fn drive(context: &Context, checks: &mut Vec<Check>) {
    let state = &context.settings.places.state;
    let existing = state.ancestors().find(|folder| folder.exists());
    let Some(kind) = existing.and_then(drive::shared) else {
        return;
    };
    checks.push(Check {
        mark: Mark::Note,
        what: "drive",
        says: format!(
            "{} is on a shared drive ({kind}): SQLite is not made for those; let `state` name a folder of this machine",
            state.display()
        ),
    });
}

async fn queue(context: &Context, checks: &mut Vec<Check>) {
    let says = match context.open_read_only().await {
        Ok(None) => Ok("no queue yet".to_owned()),
        Ok(Some(store)) => {
            let checked = store.integrity_check().await;
            let closed = store.close().await;
            match (checked, closed) {
                (Ok(findings), Ok(())) if findings.is_empty() => {
                    Ok(format!("{} is whole", context.queue().display()))
                }
                (Ok(findings), Ok(())) => Err(findings.join("; ")),
                (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
            }
        }
        Err(failure) => Err(failure.headline),
    };
    checks.push(match says {
        Ok(says) => Check {
            mark: Mark::Good,
            what: "queue",
            says,
        },
        Err(says) => Check {
            mark: Mark::Bad,
            what: "queue",
            says,
        },
    });
}
