//! The doors of the queue: opening it to work, to look, to change it beside a run; its lock.

use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::host;
use crate::cli::term;
use crate::store::{self, Holder, Options, RunLock, Store};

impl Context {
    pub(crate) fn queue(&self) -> PathBuf {
        self.settings.places.state.join("queue.db")
    }

    /// Takes the run lock of the queue.
    pub(crate) fn lock(&self) -> Result<RunLock, store::Error> {
        RunLock::acquire(&self.settings.places.state, &self.holder())
    }

    /// Takes the run lock of the queue when it is free; says whom it waits for. Ctrl-C ends
    /// the process, which holds nothing yet.
    pub(crate) async fn lock_in_turn(&self) -> anyhow::Result<RunLock> {
        let first = match self.lock() {
            Err(store::Error::Locked { holder }) => holder,
            other => return Ok(other?),
        };
        if !self.quiet {
            let whom = first.map_or("another one".to_owned(), |holder| holder.to_string());
            term::say(&term::clean(&format!("waiting for {whom}")));
        }
        let (folder, holder) = (self.settings.places.state.clone(), self.holder());
        let lock = tokio::task::spawn_blocking(move || RunLock::wait(&folder, &holder)).await?;
        Ok(lock?)
    }

    fn holder(&self) -> Holder {
        Holder {
            pid: std::process::id(),
            host: host::name(),
            command: host::command_line(),
            since: self.clock.now(),
            boot: host::boot(),
        }
    }

    /// Opens the queue to work on it; makes it if there is none.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(&Options::new(self.queue())).await?)
    }

    /// Opens the queue to look at it. `None` when there is none yet.
    pub(crate) async fn open_read_only(&self) -> Result<Option<Store>, Failure> {
        match Store::open_read_only(&Options::new(self.queue())).await {
            Ok(store) => Ok(Some(store)),
            Err(store::Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Self::open_read_only`], but brings an older queue up to date first: for commands that
    /// change it anyway.
    pub(crate) async fn open_read_only_migrated(&self) -> Result<Option<Store>, Failure> {
        match Store::open_read_only(&Options::new(self.queue())).await {
            Err(store::Error::Older { .. }) => {
                let lock = self.lock()?;
                self.open().await?.close().await?;
                drop(lock);
                self.open_read_only().await
            }
            Err(store::Error::Missing { .. }) => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// Makes sure that there is a queue, of the format this program writes.
    pub(crate) async fn require_queue(&self) -> Result<(), Failure> {
        match self.open_read_only_migrated().await? {
            Some(store) => Ok(store.close().await?),
            None => Err(self.no_queue()),
        }
    }

    /// Opens the queue that must exist to change it beside a run, if there is one.
    pub(crate) async fn open_alongside_run(&self) -> Result<Store, Failure> {
        self.require_queue().await?;
        self.open().await
    }

    fn no_queue(&self) -> Failure {
        if self.one_shots {
            return Failure::new(Exit::Usage, "no one-shot was ever done")
                .detail(format!(
                    "there is no queue at {} yet",
                    self.queue().display()
                ))
                .hint("voicespool tts \"Hello.\" -o hello.wav");
        }
        Failure::new(
            Exit::Usage,
            format!("there is no queue at {} yet", self.queue().display()),
        )
        .hint("voicespool run    plans, asks and makes it")
    }

    /// As [`Self::open_read_only`], for commands that make no sense without a queue.
    pub(crate) async fn require_read_only(&self) -> Result<Store, Failure> {
        self.open_read_only().await?.ok_or_else(|| self.no_queue())
    }
}
