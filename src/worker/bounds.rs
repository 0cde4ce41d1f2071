//! Requests on the wire that may cost less than is set aside for them: recordings whose
//! length only the provider's answer tells. While there are some, a request that does not fit
//! under a cap now may fit soon, so it waits for them instead of ending the run.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// How many there are, and word of each that is settled.
#[derive(Debug, Default)]
pub struct Bounds {
    on_wire: AtomicUsize,
    settled: Notify,
}

/// One of them, until it is dropped, which is after it was settled.
#[derive(Debug)]
pub(crate) struct Bound<'a> {
    bounds: &'a Bounds,
    was_sent: bool,
}

impl Bounds {
    /// About to be sent.
    pub(crate) fn begin(&self) -> Bound<'_> {
        self.on_wire.fetch_add(1, Ordering::AcqRel);
        Bound {
            bounds: self,
            was_sent: false,
        }
    }

    /// Whether room may come without anybody's doing.
    pub(crate) fn any(&self) -> bool {
        self.on_wire.load(Ordering::Acquire) > 0
    }

    /// The next time that one is settled; to be enabled before it is looked whether there
    /// are any.
    pub(crate) fn settled(&self) -> Notified<'_> {
        self.settled.notified()
    }
}

impl Bound<'_> {
    /// It is on the wire.
    pub(crate) fn sent(&mut self) {
        self.was_sent = true;
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        self.bounds.on_wire.fetch_sub(1, Ordering::AcqRel);
        // What was refused made no room, and must not wake those who were refused as well.
        if self.was_sent {
            self.bounds.settled.notify_waiters();
        }
    }
}
