//! Specs whose first requests are all refused in the same words: the mistake stands in the
//! configuration, would fail every job, and so fails none.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{JobId, SpecId};

/// Jobs of a spec that are refused alike, none of the spec answered, before nothing more of it is
/// sent. A spec with fewer jobs has nothing to save.
pub(super) const ALIKE: usize = 5;

/// How often a job is put back while others were not tried yet: some may not be due for long.
const PUT_BACK: u32 = 5;

/// What became of a refused job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The job's own: it is given up.
    Own,
    /// Perhaps everybody's: put back, for the so manieth time.
    Early { times: u32 },
    /// Everybody's. `is_first`: nobody was told yet.
    Everybodys { is_first: bool },
}

/// What one run knows of the refusals of its specs.
#[derive(Debug, Default)]
pub struct Alike(Mutex<HashMap<SpecId, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    is_answered: bool,
    /// By what was said, numbers left out: jobs that it was said of.
    alike: HashMap<String, HashSet<JobId>>,
    /// Refused for whatever reason, and how often.
    refused: HashMap<JobId, u32>,
    /// What was said of everybody.
    stopped: Option<String>,
}

impl Alike {
    fn specs(&self) -> MutexGuard<'_, HashMap<SpecId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request of `spec` brought a usable answer: what is refused from now on is its job's own.
    pub(super) fn answered(&self, spec: SpecId) {
        self.specs().entry(spec).or_default().is_answered = true;
    }

    /// Whether a refusal of `spec` can still be everybody's.
    pub(super) fn is_open(&self, spec: SpecId) -> bool {
        self.specs().get(&spec).is_none_or(|seen| !seen.is_answered)
    }

    /// Whether nothing more of `spec` is sent in this run.
    pub(super) fn is_stopped(&self, spec: SpecId) -> bool {
        let specs = self.specs();
        specs.get(&spec).is_some_and(|seen| seen.stopped.is_some())
    }

    /// What was said of a spec of which nothing more is sent.
    pub(super) fn said(&self, spec: SpecId) -> Option<String> {
        self.specs().get(&spec)?.stopped.clone()
    }

    /// Notes that a request of `job` was refused with `detail`, while `jobs` of `spec`, this one
    /// among them, are not done.
    pub(super) fn refused(&self, spec: SpecId, job: JobId, detail: &str, jobs: u64) -> Refusal {
        let mut specs = self.specs();
        let seen = specs.entry(spec).or_default();
        if seen.stopped.is_some() {
            return Refusal::Everybodys { is_first: false };
        }
        let jobs = usize::try_from(jobs).unwrap_or(usize::MAX);
        if seen.is_answered || jobs < ALIKE {
            return Refusal::Own;
        }
        let alike = seen.alike.entry(kind_of(detail)).or_default();
        alike.insert(job);
        if alike.len() >= ALIKE {
            seen.stopped = Some(detail.to_owned());
            return Refusal::Everybodys { is_first: true };
        }
        let times = seen.refused.entry(job).or_default();
        *times += 1;
        let times = *times;
        if times > 1 && seen.refused.len() >= jobs || times > PUT_BACK {
            // All were tried, and are refused for more than one reason; or nobody waits for the rest.
            Refusal::Own
        } else {
            Refusal::Early { times }
        }
    }
}

/// Numbers, of requests or characters, differ where the reason is one.
fn kind_of(detail: &str) -> String {
    detail
        .chars()
        .filter(|char| !char.is_ascii_digit())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: SpecId = SpecId(1);
    const VOICE: &str = "HTTP 400: voice `af_hart` is unknown (request 77)";

    fn refuse(alike: &Alike, job: i64, detail: &str) -> Refusal {
        alike.refused(SPEC, JobId(job), detail, 400)
    }

    #[test]
    fn the_fifth_job_refused_in_the_same_words_stops_the_spec_and_no_other() {
        let alike = Alike::default();
        for job in 1..5 {
            let detail = format!("HTTP 400: voice `af_hart` is unknown (request {job})");
            assert_eq!(refuse(&alike, job, &detail), Refusal::Early { times: 1 });
            assert!(!alike.is_stopped(SPEC));
        }

        let fifth = refuse(&alike, 5, VOICE);

        assert_eq!(fifth, Refusal::Everybodys { is_first: true });
        assert_eq!(alike.said(SPEC).as_deref(), Some(VOICE));
        let sixth = refuse(&alike, 6, VOICE);
        assert_eq!(sixth, Refusal::Everybodys { is_first: false });
        assert!(!alike.is_stopped(SpecId(2)));
    }

    #[test]
    fn one_job_refused_five_times_is_one() {
        let alike = Alike::default();

        for times in 1..=PUT_BACK {
            assert_eq!(refuse(&alike, 1, VOICE), Refusal::Early { times });
        }
        assert_eq!(refuse(&alike, 1, VOICE), Refusal::Own);
        assert!(!alike.is_stopped(SPEC));
    }

    #[test]
    fn refusals_for_different_reasons_are_their_jobs_own_once_all_were_tried() {
        let alike = Alike::default();
        let words = ["names", "blood", "a curse", "war", "love", "salt"];
        let round = || {
            let each = (0..).zip(words).map(|(job, word)| {
                let detail = format!("HTTP 400: the text speaks of {word}");
                alike.refused(SPEC, JobId(job), &detail, 6)
            });
            each.collect::<Vec<_>>()
        };

        assert_eq!(round(), [Refusal::Early { times: 1 }; 6]);
        assert_eq!(round(), [Refusal::Own; 6]);
        assert!(!alike.is_stopped(SPEC));
    }

    #[test]
    fn after_an_answer_and_among_few_jobs_a_refusal_is_its_job_s_own() {
        let alike = Alike::default();
        assert_eq!(alike.refused(SPEC, JobId(1), VOICE, 4), Refusal::Own);
        assert!(alike.is_open(SPEC));

        alike.answered(SPEC);

        assert!(!alike.is_open(SPEC));
        for job in 1..9 {
            assert_eq!(refuse(&alike, job, VOICE), Refusal::Own);
        }
    }
}
