//! Calls to the writer: what is asked, and the way back of its answer.

use tokio::sync::oneshot;

use crate::domain::{RunId, SpecId, UtcMillis};
use crate::store::Error;

/// A call, where its answer goes, and the answer until it may be given.
pub(super) struct Call<Q, A> {
    pub(super) ask: Q,
    pub(super) answer: Option<Result<A, Error>>,
    reply: oneshot::Sender<Result<A, Error>>,
}

/// Which jobs a worker pool wants.
pub(super) struct ClaimAsk {
    pub(super) wanted: Vec<(Vec<SpecId>, u32)>,
    pub(super) owner: RunId,
    pub(super) now: UtcMillis,
    pub(super) lease_until: UtcMillis,
}

impl<Q, A> Call<Q, A> {
    pub(super) fn new(ask: Q) -> (Self, oneshot::Receiver<Result<A, Error>>) {
        let (reply, receiver) = oneshot::channel();
        let call = Self {
            ask,
            answer: None,
            reply,
        };
        (call, receiver)
    }

    /// Answers; returns what nobody waits for any more.
    pub(super) fn give(self, commit: &Result<(), Error>) -> Option<A> {
        let answer = match commit {
            Ok(()) => self.answer.unwrap_or(Err(Error::Closed)),
            Err(error) => Err(error.clone()),
        };
        self.reply.send(answer).err().and_then(Result::ok)
    }
}
