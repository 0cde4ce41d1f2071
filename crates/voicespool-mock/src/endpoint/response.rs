//! How the work on a request becomes its response, within HTTP or past it.

use axum::body::Body;
use axum::extract::Path;
use axum::http::Response;
use tokio::task::JoinHandle;

use crate::reply::{Refusal, never};
use crate::visit::Outcome;
use crate::wire::RawWire;

/// The hostile answer asked for by path, if any.
pub(super) type Asked = Option<Path<String>>;

pub(super) async fn delivered(outcome: Outcome, wire: RawWire) -> Response<Body> {
    match outcome {
        Outcome::Answer(response) => response,
        Outcome::Hang => match never().await {},
        Outcome::Script(steps) => {
            wire.perform(steps).await;
            // The server finds the connection ended, and drops this.
            match never().await {}
        }
    }
}

pub(super) async fn answered(work: JoinHandle<Outcome>, wire: RawWire) -> Response<Body> {
    match work.await {
        Ok(outcome) => delivered(outcome, wire).await,
        Err(_) => Refusal::broken("The server broke down.")
            .into_reply("mock")
            .deliver("mock", None),
    }
}
