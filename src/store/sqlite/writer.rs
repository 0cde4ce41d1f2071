//! Group commit: one task owns the one write connection.
//!
//! It takes whatever calls have gathered (at most [`BATCH`]), does them in one
//! transaction, and answers each after the commit. An fsync is then shared by all
//! workers, which is what makes `synchronous=FULL` affordable.
//!
//! **Order.** The calls of a batch were all waiting at the same time, so any order among
//! them is one that could have happened. They are done by kind: settling, then everything
//! rare in order of arrival, heartbeats, intents to send, and claims last, so that a claim
//! sees what the same batch made available. A caller that waits for each answer before
//! the next call sees its own calls in order.
//!
//! **Failure.** A full disk or a broken file fails the whole batch, each caller with the
//! kind of fault. A fault of one call (a row that violates a rule) rolls the batch back and
//! does its calls again one by one, so the innocent succeed. Nothing is answered before it
//! is on the disk, and nothing taken is left unanswered, also at the end.

use std::mem;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot};

use crate::domain::UtcMillis;
use crate::store::sqlite::call::{Call, ClaimAsk};
use crate::store::sqlite::script::Script;
use crate::store::sqlite::seen::Seen;
use crate::store::sqlite::{claim, send, settle, sql};
use crate::store::{Claim, Error, Intent, Settle, Verdict};

/// Calls taken into one transaction at most.
pub(super) const BATCH: usize = 512;

/// Turns of the scheduler that bring no further call before a batch is complete.
const TURNS: u32 = 4;

/// One of the many rare writes: done alone, repeatable.
pub(super) trait Change: Send {
    fn apply<'c>(&'c mut self, conn: &'c mut SqliteConnection) -> BoxFuture<'c, Result<(), Error>>;
    fn answer(self: Box<Self>, commit: Result<(), Error>);
}

/// A [`Change`] made of a function and the place for its answer.
struct Written<F, A> {
    change: F,
    call: Call<(), A>,
}

impl<F, A> Change for Written<F, A>
where
    F: for<'c> Fn(&'c mut SqliteConnection) -> BoxFuture<'c, Result<A, Error>> + Send,
    A: Send,
{
    fn apply<'c>(&'c mut self, conn: &'c mut SqliteConnection) -> BoxFuture<'c, Result<(), Error>> {
        Box::pin(async move {
            let made = (self.change)(conn).await?;
            self.call.answer = Some(Ok(made));
            Ok(())
        })
    }

    fn answer(self: Box<Self>, commit: Result<(), Error>) {
        self.call.give(&commit);
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "most are settlements, and a box for each would be an allocation a job"
)]
enum Op {
    Settle(Call<Settle, ()>),
    Change(Box<dyn Change>),
    Send(Call<Intent, ()>),
    Claim(Call<ClaimAsk, Vec<Claim>>),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The way to the writer. Cloned freely; the writer ends when all are gone or one closes it.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    ops: mpsc::Sender<Op>,
}

impl Writer {
    /// Starts the writer on `conn`, which `options` can open again.
    pub(super) fn start(conn: SqliteConnection, options: SqliteConnectOptions, seen: Seen) -> Self {
        let (ops, inbox) = mpsc::channel(2 * BATCH);
        let owner = Owner {
            conn: Some(conn),
            options,
            seen,
            inbox,
        };
        tokio::spawn(owner.work());
        Self { ops }
    }

    pub(super) async fn settle(&self, settle: Settle) -> Result<(), Error> {
        let (call, answer) = Call::new(settle);
        self.ask(Op::Settle(call), answer).await
    }

    pub(super) async fn send(&self, intent: Intent) -> Result<(), Error> {
        let (call, answer) = Call::new(intent);
        self.ask(Op::Send(call), answer).await
    }

    pub(super) async fn claim(&self, ask: ClaimAsk) -> Result<Vec<Claim>, Error> {
        let (call, answer) = Call::new(ask);
        self.ask(Op::Claim(call), answer).await
    }

    /// Any other write. `change` may run more than once, on a rolled back database; what it
    /// wrote before returning an error is undone.
    pub(super) async fn change<F, A>(&self, change: F) -> Result<A, Error>
    where
        F: for<'c> Fn(&'c mut SqliteConnection) -> BoxFuture<'c, Result<A, Error>> + Send + 'static,
        A: Send + 'static,
    {
        let (call, answer) = Call::new(());
        self.ask(Op::Change(Box::new(Written { change, call })), answer)
            .await
    }

    /// Waits for everything taken, then closes the write connection. Again: no harm.
    pub(super) async fn close(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        match self.ask(Op::Close(reply), answer).await {
            Ok(()) | Err(Error::Closed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn ask<A>(
        &self,
        op: Op,
        answer: oneshot::Receiver<Result<A, Error>>,
    ) -> Result<A, Error> {
        self.ops.send(op).await.map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }
}

/// Calls that share a transaction, by kind.
#[derive(Default)]
struct Batch {
    settles: Vec<Call<Settle, ()>>,
    changes: Vec<Box<dyn Change>>,
    intents: Vec<Call<Intent, ()>>,
    claims: Vec<Call<ClaimAsk, Vec<Claim>>>,
}

impl Batch {
    fn len(&self) -> usize {
        self.settles.len() + self.changes.len() + self.intents.len() + self.claims.len()
    }

    fn take(&mut self, op: Op) -> Option<oneshot::Sender<Result<(), Error>>> {
        match op {
            Op::Settle(call) => self.settles.push(call),
            Op::Change(change) => self.changes.push(change),
            Op::Send(call) => self.intents.push(call),
            Op::Claim(call) => self.claims.push(call),
            Op::Close(reply) => return Some(reply),
        }
        None
    }

    /// Everything in one transaction; the answers are kept until it is known how it ended.
    async fn apply(&mut self, conn: &mut SqliteConnection, seen: &Seen) -> Result<(), Error> {
        let mut script = Script::new(conn);
        script.add(sql::BEGIN, []);
        settle::apply(&mut script, &mut self.settles).await?;
        for change in &mut self.changes {
            change.apply(script.conn().await?).await?;
        }
        send::apply(&mut script, &mut self.intents).await?;
        claim::apply(&mut script, seen, &mut self.claims).await?;
        script.add(sql::COMMIT, []);
        script.fetch().await?;
        Ok(())
    }

    /// One batch for each call.
    fn split(self) -> Vec<Self> {
        let settles = self.settles.into_iter().map(|call| Self {
            settles: vec![call],
            ..Self::default()
        });
        let changes = self.changes.into_iter().map(|change| Self {
            changes: vec![change],
            ..Self::default()
        });
        let intents = self.intents.into_iter().map(|call| Self {
            intents: vec![call],
            ..Self::default()
        });
        let claims = self.claims.into_iter().map(|call| Self {
            claims: vec![call],
            ..Self::default()
        });
        settles
            .chain(changes)
            .chain(intents)
            .chain(claims)
            .collect()
    }

    /// Answers every call; returns the claims whose caller has gone.
    fn answer(self, commit: &Result<(), Error>) -> Vec<Claim> {
        for call in self.settles {
            call.give(commit);
        }
        for change in self.changes {
            change.answer(commit.clone());
        }
        for call in self.intents {
            call.give(commit);
        }
        let orphans = self.claims.into_iter().filter_map(|call| call.give(commit));
        orphans.flatten().collect()
    }
}

/// The task that owns the write connection.
struct Owner {
    /// `None` after a fault that rolling back did not mend.
    conn: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    seen: Seen,
    inbox: mpsc::Receiver<Op>,
}

impl Owner {
    async fn work(mut self) {
        let mut ops = Vec::with_capacity(BATCH);
        let mut closing = Vec::new();
        while self.inbox.recv_many(&mut ops, BATCH).await > 0 {
            self.gather(&mut ops).await;
            let mut batch = Batch::default();
            for op in ops.drain(..) {
                if let Some(reply) = batch.take(op) {
                    self.inbox.close();
                    closing.push(reply);
                }
            }
            self.commit(batch).await;
        }
        let closed = match self.conn {
            Some(conn) => conn.close().await.map_err(Error::from),
            None => Ok(()),
        };
        for reply in closing {
            let _ = reply.send(closed.clone());
        }
    }

    /// Lets the tasks that can run make their calls first. Without it the writer, woken by
    /// the first of many workers it has just answered, commits for that one alone. Those on
    /// other threads need a few turns; a turn costs a hundredth of a commit.
    async fn gather(&mut self, ops: &mut Vec<Op>) {
        let mut quiet = 0;
        while quiet < TURNS && ops.len() < BATCH {
            let seen = ops.len();
            tokio::task::yield_now().await;
            while ops.len() < BATCH
                && let Ok(op) = self.inbox.try_recv()
            {
                ops.push(op);
            }
            quiet = if ops.len() > seen { 0 } else { quiet + 1 };
        }
    }

    /// Commits a batch, call by call if one of them is at fault, and answers it.
    async fn commit(&mut self, batch: Batch) {
        let mut todo = vec![batch];
        let mut given_up: Vec<Claim> = Vec::new();
        while let Some(mut batch) = todo.pop() {
            if batch.len() == 0 {
                continue;
            }
            let commit = self.attempt(&mut batch).await;
            match &commit {
                Err(error) if batch.len() > 1 && error.is_of_one_call() => {
                    todo.extend(batch.split().into_iter().rev());
                }
                Ok(()) | Err(_) => given_up.extend(batch.answer(&commit)),
            }
            if todo.is_empty() && !given_up.is_empty() {
                todo.push(release(mem::take(&mut given_up)));
            }
        }
    }

    async fn attempt(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            None => self.conn.insert(connect(&self.options).await?),
        };
        let outcome = batch.apply(conn, &self.seen).await;
        if outcome.is_err() {
            // SQLite rolls some faults back by itself, and then this is refused. Whether the
            // connection is fit again is what the next statement tells.
            let _ = sqlx::query(sql::ROLLBACK).execute(&mut *conn).await;
            if sqlx::query(sql::FIT).execute(&mut *conn).await.is_err() {
                self.conn = None;
            }
        }
        outcome
    }
}

/// The write connection, with its temporary table.
pub(super) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    let mut conn = options.connect().await?;
    sqlx::query(sql::PICKED).execute(&mut conn).await?;
    Ok(conn)
}

/// Jobs claimed for callers that have gone since, given back.
fn release(claims: Vec<Claim>) -> Batch {
    let settles = claims.into_iter().map(|claim| {
        let give_back = Settle {
            job: claim.job,
            attempt: claim.attempt,
            at: UtcMillis::default(),
            verdict: Verdict::Release,
            fault: None,
            attempted: None,
        };
        Call::new(give_back).0
    });
    Batch {
        settles: settles.collect(),
        ..Batch::default()
    }
}

#[cfg(test)]
mod tests;
