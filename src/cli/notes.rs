//! What a plan says besides its numbers: refused, failed, held and skipped files, and warnings.

use std::collections::HashMap;

use crate::cli::term;
use crate::pipeline::plan::{FileState, Plan};

/// Files named of those that a note is about; the others are counted.
const NAMED: usize = 3;

/// What the reader should know besides the numbers: refused, failed, skipped files.
pub(crate) fn of(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    for task in &plan.tasks {
        let mut alike = Alike::default();
        for file in &task.files {
            let name = term::clean(&file.found.path.to_string_lossy());
            if let Some(what) = state_note(&file.state) {
                alike.add("! ", name.clone(), what);
            }
            if let Some(note) = &file.note {
                alike.add("  ", name, note.clone());
            }
        }
        notes.extend(alike.lines());
        notes.extend(
            task.warnings
                .iter()
                .map(|warning| format!("! {}", term::clean(warning))),
        );
        for skipped in task.skipped.iter().take(5) {
            notes.push(format!(
                "  skipped {}: {}",
                term::clean(&skipped.path.to_string_lossy()),
                skipped.why
            ));
        }
        if let Some(more) = task.skipped.len().checked_sub(6) {
            notes.push(format!("  and {} more skipped", more + 1));
        }
    }
    notes
}

/// What follows from a file's state for a person, if anything.
fn state_note(state: &FileState) -> Option<String> {
    match state {
        FileState::Refused(refusal) => {
            Some(format!("{}; {}", term::clean(&refusal.why), refusal.remedy))
        }
        FileState::Failed => Some(
            "failed before; see `voicespool ls --state failed`, then `voicespool retry --all`"
                .to_owned(),
        ),
        FileState::Held => Some(
            "held; see `voicespool ls --state held` and `--state in_doubt`, then `voicespool retry FILE`"
                .to_owned(),
        ),
        FileState::Cancelled => {
            Some("cancelled; `voicespool retry --state cancelled --all` brings it back".to_owned())
        }
        _ => None,
    }
}

/// Notes that are the same for many files.
#[derive(Default)]
struct Alike {
    /// A sign, what is said, and of which files.
    notes: Vec<(&'static str, String, Vec<String>)>,
    places: HashMap<String, usize>,
}

impl Alike {
    fn add(&mut self, sign: &'static str, name: String, what: String) {
        let place = *self.places.entry(what).or_insert_with_key(|what| {
            self.notes.push((sign, what.clone(), Vec::new()));
            self.notes.len() - 1
        });
        self.notes[place].2.push(name);
    }

    /// A line a note: the first names, and how many more.
    fn lines(self) -> impl Iterator<Item = String> {
        self.notes.into_iter().map(|(sign, what, names)| {
            let named = names.iter().take(NAMED).map(String::as_str);
            let named = named.collect::<Vec<_>>().join(", ");
            match names.len().saturating_sub(NAMED) {
                0 => format!("{sign}{named}: {what}"),
                more => format!("{sign}{named} and {more} more: {what}"),
            }
        })
    }
}
