//! Who meets which hostile answer, and who followed one elsewhere.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::lock;
use crate::fault::chance;
use crate::hostile::{Hostile, HostileKind, catalogue};
use crate::reply::Refusal;
use voicespool_media::domain::ContentKey;

/// Deals the catalogue out.
#[derive(Debug)]
pub(super) struct Menace {
    /// Shuffled when first asked for: most look-alikes never are.
    speech: OnceLock<Deck>,
    transcription: OnceLock<Deck>,
    seed: u64,
    /// Share of the requests that meet an answer without asking for one.
    share: f64,
    elsewhere: SocketAddr,
    hands: Mutex<Hands>,
}

/// One kind's answers, shuffled.
#[derive(Debug)]
struct Deck(Vec<Hostile>);

#[derive(Debug, Default)]
struct Hands {
    /// What was asked for by name, and by which input: the second time the answer is proper.
    served: HashSet<(String, Option<ContentKey>)>,
    /// Requests that asked for nothing.
    requests: u64,
    /// Cards dealt to them, by kind.
    speech: usize,
    transcription: usize,
}

impl Menace {
    pub(super) fn new(seed: u64, share: Option<f64>, elsewhere: SocketAddr) -> Self {
        Self {
            speech: OnceLock::new(),
            transcription: OnceLock::new(),
            seed,
            share: share.unwrap_or(0.0),
            elsewhere,
            hands: Mutex::default(),
        }
    }

    /// Where redirects lead.
    pub(super) fn elsewhere(&self) -> SocketAddr {
        self.elsewhere
    }

    /// The hostile answer for this request, if it is to have one.
    pub(super) fn next(
        &self,
        kind: HostileKind,
        asked: Option<&str>,
        input: Option<ContentKey>,
    ) -> Result<Option<Hostile>, Refusal> {
        if asked.is_none() && self.share <= 0.0 {
            return Ok(None);
        }
        let deck = match kind {
            HostileKind::Speech => &self.speech,
            HostileKind::Transcription => &self.transcription,
        };
        let deck = deck.get_or_init(|| Deck::shuffled(kind, self.seed));
        let mut hands = lock(&self.hands);
        if let Some(name) = asked {
            let Some(hostile) = deck.0.iter().find(|hostile| hostile.answer.name == name) else {
                return Err(Refusal::no_route("POST", &format!("/hostile/{name}")));
            };
            let is_first = hands.served.insert((name.to_owned(), input));
            return Ok(is_first.then(|| hostile.clone()));
        }
        hands.requests += 1;
        if chance(self.seed, hands.requests) >= self.share {
            return Ok(None);
        }
        let dealt = match kind {
            HostileKind::Speech => &mut hands.speech,
            HostileKind::Transcription => &mut hands.transcription,
        };
        *dealt += 1;
        Ok(deck.0.get((*dealt - 1) % deck.0.len().max(1)).cloned())
    }
}

impl Deck {
    fn shuffled(kind: HostileKind, seed: u64) -> Self {
        let mut keyed: Vec<(f64, Hostile)> = (1..)
            .zip(catalogue(kind))
            .map(|(place, hostile)| (chance(seed.rotate_left(32), place), hostile))
            .collect();
        keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        Self(keyed.into_iter().map(|(_, hostile)| hostile).collect())
    }
}

/// A second server, which only counts who comes.
#[derive(Debug)]
pub(super) struct Stranger {
    pub(super) addr: SocketAddr,
    visits: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Stranger {
    pub(super) async fn listen(ip: IpAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0)).await?;
        let addr = listener.local_addr()?;
        let visits = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&visits);
        let task = tokio::spawn(async move {
            loop {
                // A connection that failed was one all the same.
                let _ = listener.accept().await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self { addr, visits, task })
    }

    pub(super) fn visits(&self) -> u64 {
        self.visits.load(Ordering::Relaxed)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.task.abort();
    }
}
