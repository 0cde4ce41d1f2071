//! Signals: the first stops claiming, the second gives up on requests in flight, the
//! third ends the process at once.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::worker::stop::Stop;

/// Tokens every wait listens to, and why they were raised.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Claim nothing more; let requests in flight finish.
    pub stop: CancellationToken,
    /// Give up on requests in flight and record them as in doubt.
    pub abort: CancellationToken,
    /// A person asked twice: leave out whatever can be done later, reports too.
    pub hurry: CancellationToken,
    why: Arc<OnceLock<Stop>>,
}

/// Which signal asked the run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    /// The exit code a shell expects: 128 plus the signal's number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

impl Shutdown {
    /// Stops claiming because of `stop`. Nothing leaves after this, although the job that saw the
    /// reason may not be settled yet. The first reason stays.
    pub(crate) fn stop_for(&self, stop: Stop) {
        self.why.get_or_init(|| stop);
        self.stop.cancel();
    }

    /// Why it stops, once it does: what came without a reason is a signal.
    pub(crate) fn why(&self) -> Option<&Stop> {
        if !self.stop.is_cancelled() {
            return None;
        }
        Some(self.why.get_or_init(|| Stop::Interrupted))
    }

    /// Listens for INT, TERM and HUP (taken as TERM) until the process ends. `notify` hears
    /// of the first and second signal.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen(&self, notify: impl Fn(Signal, u8) + Send + 'static) -> std::io::Result<()> {
        let (mut interrupt, mut terminate, mut hangup) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        );
        let shutdown = self.clone();
        tokio::spawn(async move {
            for count in 1u8.. {
                let received = tokio::select! {
                    _ = interrupt.recv() => Signal::Interrupt,
                    _ = terminate.recv() => Signal::Terminate,
                    _ = hangup.recv() => Signal::Terminate,
                };
                match count {
                    1 => shutdown.stop.cancel(),
                    2 => {
                        shutdown.abort.cancel();
                        shutdown.hurry.cancel();
                    }
                    _ => exit_now(received),
                }
                notify(received, count);
            }
        });
        Ok(())
    }
}

/// Crash-only: what is in flight is found as in doubt by the next run.
#[expect(clippy::exit, reason = "the third signal means now")]
fn exit_now(signal: Signal) {
    std::process::exit(i32::from(signal.exit_code()));
}
