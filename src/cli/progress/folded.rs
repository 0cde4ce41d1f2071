//! Jobs that end badly for the same reason are told once, and counted.

use std::collections::HashMap;

use crate::cli::term;
use crate::worker::Event;

/// Told of each reason before the rest is only counted.
const TOLD: u64 = 3;

/// What was told of jobs that ended badly.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// By what is the same in them, in the order they came.
    kinds: Vec<Kind>,
    by_key: HashMap<String, usize>,
}

#[derive(Debug)]
struct Kind {
    what: String,
    jobs: u64,
}

impl Folded {
    /// Whether `event` is to be told by itself.
    pub(super) fn is_new(&mut self, event: &Event) -> bool {
        let what = match event {
            Event::Failed { class, detail, .. } => format!("failed ({class}): {detail}"),
            Event::InDoubt { .. } => "in doubt: sent, no answer".to_owned(),
            _ => return true,
        };
        // Numbers of requests and characters differ where the reason is one.
        let key: String = what.chars().filter(|char| !char.is_ascii_digit()).collect();
        let place = *self.by_key.entry(key).or_insert_with(|| {
            self.kinds.push(Kind { what, jobs: 0 });
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[place];
        kind.jobs += 1;
        kind.jobs <= TOLD
    }

    /// A line for each kind of which not all were told.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let more = self.kinds.iter().filter(|kind| kind.jobs > TOLD);
        more.map(|kind| {
            term::clean(&format!(
                "and {} more: {}",
                term::count(kind.jobs - TOLD, "job"),
                kind.what
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::domain::{ContentKey, FaultClass, JobId, JobKind, SourceId};
    use crate::store::Source;

    use super::*;

    fn failed(job: i64, detail: &str) -> Event {
        Event::Failed {
            job: JobId(job),
            kind: JobKind::Speak,
            source: Arc::new(Source {
                id: SourceId(1),
                path: b"a.md".to_vec(),
                content: ContentKey([0; 32]),
                text: None,
                kind: "text".into(),
            }),
            class: FaultClass::Refused,
            detail: detail.into(),
            charge: None,
        }
    }

    #[test]
    fn what_is_the_same_is_told_three_times_and_then_counted() {
        let mut folded = Folded::default();

        let told = (1..=10).filter(|job| {
            let detail = format!("too long by {job} characters");
            folded.is_new(&failed(*job, &detail))
        });
        assert_eq!(told.count(), 3);
        assert!(folded.is_new(&failed(11, "no such word")));

        let lines: Vec<_> = folded.lines().collect();
        assert_eq!(
            lines,
            ["and 7 jobs more: failed (refused): too long by 1 characters"]
        );
    }
}
