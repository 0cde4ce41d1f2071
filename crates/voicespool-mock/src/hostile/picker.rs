//! Which request meets which hostile answer.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock};

use voicespool_media::domain::ContentKey;

use crate::chance::chance;
use crate::hostile::answer::{Hostile, HostileKind};
use crate::hostile::catalogue::catalogue;
use crate::lock::lock;
use crate::reply::Refusal;

/// Gives the answers of the catalogue out: by name, or shuffled to a share of all requests.
#[derive(Debug)]
pub(crate) struct FaultPicker {
    /// Shuffled when first asked for: most look-alikes never are.
    speech: OnceLock<Shuffled>,
    transcription: OnceLock<Shuffled>,
    seed: u64,
    /// Share of the requests that meet an answer without asking for one.
    share: f64,
    elsewhere: SocketAddr,
    given: Mutex<Given>,
}

/// One kind's answers, shuffled.
#[derive(Debug)]
struct Shuffled(Vec<Hostile>);

#[derive(Debug, Default)]
struct Given {
    /// What was asked for by name, and by which input: the second time the answer is proper.
    served: HashSet<(String, Option<ContentKey>)>,
    /// Requests that asked for nothing.
    requests: u64,
    /// Answers given to them, by kind.
    speech: usize,
    transcription: usize,
}

impl FaultPicker {
    pub(crate) fn new(seed: u64, share: Option<f64>, elsewhere: SocketAddr) -> Self {
        Self {
            speech: OnceLock::new(),
            transcription: OnceLock::new(),
            seed,
            share: share.unwrap_or(0.0),
            elsewhere,
            given: Mutex::default(),
        }
    }

    /// Where redirects lead.
    pub(crate) fn elsewhere(&self) -> SocketAddr {
        self.elsewhere
    }

    /// The hostile answer for this request, if it is to have one.
    pub(crate) fn next(
        &self,
        kind: HostileKind,
        asked: Option<&str>,
        input: Option<ContentKey>,
    ) -> Result<Option<Hostile>, Refusal> {
        if asked.is_none() && self.share <= 0.0 {
            return Ok(None);
        }
        let answers = match kind {
            HostileKind::Speech => &self.speech,
            HostileKind::Transcription => &self.transcription,
        };
        let answers = answers.get_or_init(|| Shuffled::of(kind, self.seed));
        let mut given = lock(&self.given);
        if let Some(name) = asked {
            let Some(hostile) = answers.0.iter().find(|hostile| hostile.answer.name == name) else {
                return Err(Refusal::no_route("POST", &format!("/hostile/{name}")));
            };
            let is_first = given.served.insert((name.to_owned(), input));
            return Ok(is_first.then(|| hostile.clone()));
        }
        given.requests += 1;
        if chance(self.seed, given.requests) >= self.share {
            return Ok(None);
        }
        let count = match kind {
            HostileKind::Speech => &mut given.speech,
            HostileKind::Transcription => &mut given.transcription,
        };
        *count += 1;
        Ok(answers
            .0
            .get((*count - 1) % answers.0.len().max(1))
            .cloned())
    }
}

impl Shuffled {
    fn of(kind: HostileKind, seed: u64) -> Self {
        let mut keyed: Vec<(f64, Hostile)> = (1..)
            .zip(catalogue(kind))
            .map(|(place, hostile)| (chance(seed.rotate_left(32), place), hostile))
            .collect();
        keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        Self(keyed.into_iter().map(|(_, hostile)| hostile).collect())
    }
}
