//! `pause` and `unpause`: nothing more is sent, until a person says so. A run at work hears
//! of it within a second; what is in flight finishes, because it is paid for.

use std::collections::BTreeSet;

use crate::cli::args::{Global, PauseArgs, UnpauseArgs};
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::host;
use crate::cli::record::queue::{Pause, Pauses};
use crate::cli::record::{self, Record};
use crate::cli::term::{self, utc};
use crate::config::Overrides;
use crate::domain::PauseScope;
use crate::store::{NewPause, PauseRow, Store};
use crate::worker::pause::words;

/// A kind of name, and the name.
type Target = (PauseScope, String);

pub(crate) async fn pause(global: &Global, args: &PauseArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let targets = if args.names.is_empty() {
        vec![(PauseScope::Queue, String::new())]
    } else {
        args.names
            .iter()
            .map(|name| target(name, &known(&context)))
            .collect::<Result<_, _>>()?
    };
    let store = context.open_alongside_run().await?;
    for (scope, name) in targets {
        store
            .pause(NewPause {
                scope,
                name,
                who: host::user(),
                reason: args.reason.clone(),
                at: context.clock.now(),
            })
            .await?;
    }
    tell(&context, &store, |pauses| Record::Pause(pauses)).await?;
    store.close().await?;
    Ok(Exit::Ok)
}

pub(crate) async fn unpause(global: &Global, args: &UnpauseArgs) -> anyhow::Result<Exit> {
    let context = Context::load(global, Overrides::default())?;
    let store = context.open_alongside_run().await?;
    let rows = store.pauses().await?.into_iter();
    let paused: BTreeSet<Target> = rows.map(|pause| (pause.scope, pause.name)).collect();
    let ended = if args.all {
        Ok(paused.into_iter().collect())
    } else {
        meant(&args.names, &paused)
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(failure) => {
            store.close().await?;
            return Err(failure.into());
        }
    };
    for (scope, name) in ended {
        let was_paused = store.unpause(scope, &name).await?;
        if was_paused && !context.json {
            let what = match scope {
                PauseScope::Queue => "everything".to_owned(),
                scope => format!("{scope} {name}"),
            };
            term::outln(&term::clean(&format!("goes on  {what}")))?;
        }
    }
    tell(&context, &store, |pauses| Record::Unpause(pauses)).await?;
    store.close().await?;
    Ok(Exit::Ok)
}

/// The pauses that `names` mean; no name is the pause of everything.
fn meant(names: &[String], paused: &BTreeSet<Target>) -> Result<Vec<Target>, Failure> {
    let everything = (PauseScope::Queue, String::new());
    if !names.is_empty() && paused.is_empty() {
        return Err(Failure::new(Exit::Usage, "nothing is paused").detail("nothing was changed"));
    }
    if !names.is_empty() {
        return names.iter().map(|name| target(name, paused)).collect();
    }
    if paused.contains(&everything) || paused.is_empty() {
        return Ok(vec![everything]);
    }
    let listed: Vec<_> = paused
        .iter()
        .map(|(scope, name)| format!("{scope} {name}"))
        .collect();
    Err(
        Failure::new(Exit::Usage, "only parts are paused, not everything")
            .detail(format!("paused: {}", listed.join(", ")))
            .detail("nothing was changed")
            .hint("voicespool unpause NAME, or --all"),
    )
}

/// Every name the configuration knows.
fn known(context: &Context) -> BTreeSet<Target> {
    let settings = &context.settings;
    let mut known = BTreeSet::new();
    for task in &settings.tasks {
        known.insert((PauseScope::Task, task.name.clone()));
        known.insert((PauseScope::Model, task.model().to_owned()));
    }
    for task in &settings.disabled {
        known.insert((PauseScope::Task, task.clone()));
    }
    if context.one_shots {
        known.extend(["tts", "stt"].map(|verb| (PauseScope::Task, verb.to_owned())));
        let models = settings.prices().into_iter();
        known.extend(models.map(|listed| (PauseScope::Model, listed.model)));
    }
    for profile in settings.profiles.keys() {
        known.insert((PauseScope::Profile, profile.clone()));
    }
    known
}

/// What `name` means among `known`: a bare name, or `task:NAME`, `profile:NAME`, `model:NAME`.
fn target(name: &str, known: &BTreeSet<Target>) -> Result<Target, Failure> {
    let prefixed = name
        .split_once(':')
        .and_then(|(scope, name)| Some((scope.parse::<PauseScope>().ok()?, name.to_owned())));
    let found: Vec<&Target> = known
        .iter()
        .filter(|target| target.1 == name && !name.is_empty() || prefixed.as_ref() == Some(*target))
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let names: BTreeSet<_> = known
                .iter()
                .map(|(_, name)| name.as_str())
                .filter(|name| !name.is_empty())
                .collect();
            let names: Vec<_> = names.into_iter().collect();
            Err(Failure::new(
                Exit::Usage,
                format!("`{name}` is no task, profile or model that is meant here"),
            )
            .detail(format!("known: {}", names.join(", ")))
            .detail("nothing was changed"))
        }
        many => {
            let words: Vec<_> = many
                .iter()
                .map(|(scope, name)| format!("{scope}:{name}"))
                .collect();
            Err(
                Failure::new(Exit::Usage, format!("`{name}` is more than one thing"))
                    .detail("nothing was changed")
                    .hint(format!("write {}", words.join(" or "))),
            )
        }
    }
}

async fn tell(
    context: &Context,
    store: &Store,
    kind: fn(&Pauses) -> Record<'_>,
) -> anyhow::Result<()> {
    let pauses = store.pauses().await?;
    if context.json {
        let pauses = pauses.iter().map(Pause::of).collect();
        record::print(&kind(&Pauses { pauses }))?;
        return Ok(());
    }
    if pauses.is_empty() {
        term::outln("paused   nothing")?;
    }
    for pause in &pauses {
        term::outln(&line(pause))?;
    }
    Ok(())
}

/// `paused   task books since … by you (why); voicespool unpause books`.
pub(crate) fn line(pause: &PauseRow) -> String {
    let who = if pause.who == host::user() {
        "you"
    } else {
        &pause.who
    };
    let why = pause
        .reason
        .as_ref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let undo = match pause.scope {
        PauseScope::Queue => String::new(),
        scope => format!(" {scope}:{}", pause.name),
    };
    term::clean(&format!(
        "paused   {} since {} by {who}{why}; `voicespool unpause{undo}` goes on",
        words(pause),
        utc(pause.since),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<Target> {
        [
            (PauseScope::Task, "books"),
            (PauseScope::Task, "together"),
            (PauseScope::Profile, "together"),
            (PauseScope::Model, "hexgrad/Kokoro-82M"),
        ]
        .map(|(scope, name)| (scope, name.to_owned()))
        .into()
    }

    #[test]
    fn a_name_means_the_one_thing_that_has_it() {
        let model = (PauseScope::Model, "hexgrad/Kokoro-82M".to_owned());
        assert_eq!(target("hexgrad/Kokoro-82M", &known()).unwrap(), model);
        let profile = (PauseScope::Profile, "together".to_owned());
        assert_eq!(target("profile:together", &known()).unwrap(), profile);

        let unclear = target("together", &known()).unwrap_err().to_string();
        assert!(
            unclear.contains("task:together or profile:together"),
            "{unclear}"
        );
        let unknown = target("boks", &known()).unwrap_err().to_string();
        assert!(unknown.contains("books"), "{unknown}");
        assert!(target("", &known()).is_err());
    }

    #[test]
    fn going_on_with_everything_is_not_going_on_with_what_was_paused_by_name() {
        let parts = known();
        assert!(meant(&[], &parts).is_err());
        let everything = [(PauseScope::Queue, String::new())];
        let mut all = parts;
        all.extend(everything.clone());
        assert_eq!(meant(&[], &all).unwrap(), everything);
        assert_eq!(meant(&[], &BTreeSet::new()).unwrap(), everything);
    }
}
