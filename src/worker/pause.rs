//! Pauses a person asked for, as a run sees them.
//!
//! They are rows of the queue, so that any process can set them and they outlive every
//! run. A run looks twice a second (one small read) and tells whoever waits.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::{PauseScope, UtcMillis};
use crate::store::{self, PauseRow, Store};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a spec's jobs are part of: the names a pause may have.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    pub task: String,
    /// Profile and model; `None` for work that sends nothing, which no pause stops: what was
    /// paid for is delivered.
    pub sent_to: Option<(String, String)>,
}

impl Mark {
    /// Whether one of `pauses` is meant for it.
    pub(crate) fn is_paused_by(&self, pauses: &[PauseRow]) -> bool {
        pauses.iter().any(|pause| match pause.scope {
            PauseScope::Queue => self.sent_to.is_some(),
            PauseScope::Task => self.sent_to.is_some() && self.task == pause.name,
            PauseScope::Profile => self.goes_to(|(profile, _)| *profile == pause.name),
            PauseScope::Model => self.goes_to(|(_, model)| *model == pause.name),
        })
    }

    fn goes_to(&self, is: impl Fn(&(String, String)) -> bool) -> bool {
        self.sent_to.as_ref().is_some_and(is)
    }
}

/// The pauses known now; whoever waits hears of changes.
#[derive(Debug, Default)]
pub struct Pauses(watch::Sender<Vec<PauseRow>>);

impl Pauses {
    /// Reads them from the queue; whether they changed.
    pub(crate) async fn look(&self, store: &Store) -> Result<bool, store::Error> {
        let found = store.pauses().await?;
        Ok(self.0.send_if_modified(|known| {
            let changed = *known != found;
            *known = found;
            changed
        }))
    }

    /// Whether `mark` is paused now.
    pub(crate) fn stop(&self, mark: Option<&Mark>) -> bool {
        mark.is_some_and(|mark| mark.is_paused_by(&self.0.borrow()))
    }

    /// Since when and why `mark` is paused.
    pub(crate) fn cause(&self, mark: Option<&Mark>) -> Option<(UtcMillis, String)> {
        let mark = mark?;
        let pauses = self.0.borrow();
        let pause = pauses
            .iter()
            .find(|pause| mark.is_paused_by(std::slice::from_ref(pause)))?;
        let reason = pause.reason.as_deref();
        let words = reason.map_or_else(
            || format!("by {}", pause.who),
            |reason| format!("by {}: {reason}", pause.who),
        );
        Some((pause.since, words))
    }

    /// Resolves when `mark` is paused: at once if it is.
    pub(crate) async fn reached(&self, mark: Option<&Mark>) {
        let Some(mark) = mark else {
            return std::future::pending().await;
        };
        let mut changes = self.0.subscribe();
        if changes
            .wait_for(|pauses| mark.is_paused_by(pauses))
            .await
            .is_err()
        {
            // The sender lives as long as the run; without it nothing is paused any more.
            std::future::pending::<()>().await;
        }
    }

    /// For those who wait for any change.
    pub(crate) fn changes(&self) -> watch::Receiver<Vec<PauseRow>> {
        self.0.subscribe()
    }

    /// In words, one for each pause: `everything`, `task books`.
    pub(crate) fn words(&self) -> Vec<String> {
        self.0.borrow().iter().map(words).collect()
    }
}

/// What is paused, for people.
pub fn words(pause: &PauseRow) -> String {
    match pause.scope {
        PauseScope::Queue => "everything".to_owned(),
        scope => format!("{scope} {}", pause.name),
    }
}

/// Looks again and again until it is aborted; `changed` hears of changes and, once in a
/// row, of errors.
pub(crate) async fn watch(
    pauses: &Pauses,
    store: &Store,
    changed: impl Fn(Result<(), store::Error>) + Send,
) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        match pauses.look(store).await {
            Ok(is_changed) => {
                failing = false;
                if is_changed {
                    changed(Ok(()));
                }
            }
            Err(error) => {
                if !failing {
                    changed(Err(error));
                }
                failing = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtcMillis;

    fn pause(scope: PauseScope, name: &str) -> PauseRow {
        PauseRow {
            scope,
            name: name.to_owned(),
            since: UtcMillis(1),
            who: "anna@attic".to_owned(),
            reason: None,
        }
    }

    #[test]
    fn a_pause_stops_what_it_names_and_nothing_else() {
        let speak = Mark {
            task: "books".to_owned(),
            sent_to: Some(("together".to_owned(), "kokoro".to_owned())),
        };
        let assemble = Mark {
            task: "books".to_owned(),
            sent_to: None,
        };

        for (scope, name, stops_speech, stops_assembly) in [
            (PauseScope::Queue, "", true, false),
            (PauseScope::Task, "books", true, false),
            (PauseScope::Task, "podcasts", false, false),
            (PauseScope::Profile, "together", true, false),
            (PauseScope::Profile, "kokoro", false, false),
            (PauseScope::Model, "kokoro", true, false),
        ] {
            let pauses = [pause(scope, name)];
            assert_eq!(
                (speak.is_paused_by(&pauses), assemble.is_paused_by(&pauses)),
                (stops_speech, stops_assembly),
                "{scope} {name}"
            );
        }
    }
}
