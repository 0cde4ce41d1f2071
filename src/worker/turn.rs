//! A job's turn on the wire, and the request that left in it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{CostStatus, NanoUsd, UtcMillis};
use crate::store::{Attempted, Claim};
use crate::worker::event::Charge;
use crate::worker::lane::Lane;
use crate::worker::request::Request;
use crate::worker::run::Run;

/// One claimed job, with where it goes and what it asks for there.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) run: &'a Arc<Run>,
    pub(super) lane: &'a Lane,
    pub(super) asked: &'a Request,
    pub(super) claim: &'a Claim,
}

/// A request that has left: when, and what was set aside for it.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) at: UtcMillis,
    pub(super) reserved: NanoUsd,
    /// From sending to the end of the answer; zero while it is awaited.
    pub(super) latency: Duration,
}

impl Sent {
    pub(super) fn charge(self, cost: NanoUsd, status: CostStatus) -> Charge {
        Charge {
            reserved: self.reserved,
            cost,
            status,
        }
    }
}

/// What goes into the queue for an attempt of which only the charge is known.
pub(super) fn attempted(charge: Charge) -> Attempted {
    Attempted {
        cost: charge.cost,
        status: charge.status,
        http_status: None,
        request_id: None,
        latency: None,
        first_byte: None,
        bytes: None,
        quantity: None,
    }
}
