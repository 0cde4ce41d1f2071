//! What a person asks of the queue: take up again, leave out, set aside, forget, pause.

use crate::domain::{PauseScope, UtcMillis};
use crate::store::queue::Store;
use crate::store::{Error, Filter, NewPause, PauseRow, Reopened};

/// Jobs.
impl Store {
    /// Takes up failed, cancelled and held jobs (or completed ones, if the filter names that
    /// state) with a clean slate; a parent's lost children with it, and parents with their
    /// child. Superseded work stays cancelled.
    pub async fn retry(&self, filter: &Filter, at: UtcMillis) -> Result<Reopened, Error> {
        self.db.retry(filter, at).await
    }

    /// What [`Store::retry`] would do.
    pub async fn retry_preview(&self, filter: &Filter) -> Result<Reopened, Error> {
        self.db.retry_preview(filter).await
    }

    /// Cancels what is neither completed nor on the wire; with a parent also the children no other
    /// parent wants, with a failed job also the files that failed by it. Without states in the
    /// filter nothing that failed. Returns how many.
    pub async fn cancel(&self, filter: &Filter, at: UtcMillis) -> Result<u64, Error> {
        self.db.cancel(filter, at).await
    }

    /// Sets jobs that would be sent and are not yet claimed aside, until `retry`; of a parent
    /// the children no other parent wants. Returns how many.
    pub async fn hold(&self, filter: &Filter) -> Result<u64, Error> {
        self.db.hold(filter).await
    }

    /// How many jobs [`Store::hold`] would set aside.
    pub async fn hold_preview(&self, filter: &Filter) -> Result<u64, Error> {
        self.db.hold_preview(filter).await
    }

    /// Takes everything that is not done of the file at work out of the queue, also what failed;
    /// wanted again, it comes back as new. Attempts, objects and outputs stay. Returns how many jobs.
    pub async fn forget(&self, task: &str, path: &[u8], at: UtcMillis) -> Result<u64, Error> {
        self.db.forget(task, path, at).await
    }
}

/// Pauses. Claims are not stopped by them: their caller is.
impl Store {
    /// Notes a pause; one that is there already keeps its time.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a queue with a name, or anything else without.
    pub async fn pause(&self, pause: NewPause) -> Result<(), Error> {
        self.db.pause(pause).await
    }

    /// Takes a pause away; whether there was one.
    pub async fn unpause(&self, scope: PauseScope, name: &str) -> Result<bool, Error> {
        self.db.unpause(scope, name).await
    }

    /// All pauses, the queue's first.
    pub async fn pauses(&self) -> Result<Vec<PauseRow>, Error> {
        self.db.pauses().await
    }
}
