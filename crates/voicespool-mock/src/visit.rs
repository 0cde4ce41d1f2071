//! One request to an audio endpoint, from its arrival to its answer or its fault.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response, StatusCode};
use sha2::{Digest, Sha256};

use voicespool_media::domain::ContentKey;

use crate::app::App;
use crate::fault::{BodyFault, Fault};
use crate::hostile::{Hostile, HostileKind, Proper, status_of};
use crate::invoice::Record;
use crate::lock::lock;
use crate::reply::{Refusal, Reply};
use crate::wire::Step;

/// A request on its way; leaves a record in the ledger whatever becomes of it.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) app: Arc<App>,
    pub(crate) record: Record,
    /// Tells apart what would be worth buying twice.
    pub(crate) identity: Option<ContentKey>,
    fault: Option<Fault>,
    /// The hostile answer asked for by path.
    asked: Option<String>,
    hostile: Option<Hostile>,
    authorization: String,
}

/// What a visit ends with.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Response<Body>),
    /// No answer ever.
    Hang,
    /// An answer past HTTP.
    Script(Vec<Step>),
}

impl Visit {
    pub(crate) fn begin(app: &Arc<App>, path: &'static str, asked: Option<String>) -> Self {
        let sequence = lock(&app.ledger).arrive(path.starts_with("audio/speech"));
        let at_ms = u64::try_from(app.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self {
            app: Arc::clone(app),
            record: Record::new(sequence, at_ms, path),
            identity: None,
            fault: None,
            asked,
            hostile: None,
            authorization: String::new(),
        }
    }

    /// The fault this visit meets.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// A handshake that was granted: what follows belongs to this visit.
    pub(crate) fn upgraded(&mut self) {
        self.record.status = StatusCode::SWITCHING_PROTOCOLS.as_u16();
        self.record.fault = self.fault.as_ref().map(ToString::to_string);
    }

    /// Admission, delay, and the faults that stand in place of any answer.
    pub(crate) async fn before(&mut self, headers: &HeaderMap) -> Result<Option<Reply>, Refusal> {
        self.fault = self.app.admit(headers, self.record.path)?;
        let authorization = headers.get(AUTHORIZATION).and_then(|key| key.to_str().ok());
        authorization
            .unwrap_or_default()
            .clone_into(&mut self.authorization);
        let latency = lock(&self.app.knobs).latency;
        let fault = self.fault.as_ref();
        let wait = latency + fault.map_or(Duration::ZERO, |fault| fault.delay);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let Some(fault) = fault else { return Ok(None) };
        if let Some(status) = fault.status {
            return Err(Refusal::injected(status));
        }
        if fault.redirect.is_some() {
            return Ok(Some(Reply {
                status: StatusCode::TEMPORARY_REDIRECT,
                ..Reply::ok("text/plain", "")
            }));
        }
        Ok(instead_of_answer(fault.body))
    }

    /// Decides whether this request meets a hostile answer.
    pub(crate) fn pick_hostile(&mut self, kind: HostileKind) -> Result<(), Refusal> {
        let (asked, identity) = (self.asked.as_deref(), self.identity);
        self.hostile = self.app.hostile.next(kind, asked, identity)?;
        Ok(())
    }

    /// The work is done, and costs, unless a hostile answer is one that costs nothing.
    pub(crate) fn charge(&mut self, quantity: impl FnOnce(&mut Record)) {
        let is_free = |hostile: &Hostile| !hostile.answer.billed;
        if !self.hostile.as_ref().is_some_and(is_free) {
            quantity(&mut self.record);
            self.record.billed = true;
        }
    }

    /// The request ends here without its work having been begun.
    pub(crate) fn refuse(mut self, refusal: Refusal) -> Response<Body> {
        let id = self.request_id();
        self.record.status = refusal.status();
        self.app.refused(refusal, &id).deliver(&id, None)
    }

    pub(crate) fn finish(mut self, result: Result<Reply, Refusal>) -> Outcome {
        let fault = self.fault.take();
        self.record.fault = fault.as_ref().map(ToString::to_string);
        if fault.as_ref().is_some_and(|fault| fault.hang) {
            self.record.billed = false;
            return Outcome::Hang;
        }
        if let (Some(hostile), Ok(reply)) = (&self.hostile, &result) {
            let steps = hostile.steps(&Proper {
                content_type: reply.content_type,
                body: reply.body.clone(),
                elsewhere: self.app.hostile.elsewhere(),
                authorization: std::mem::take(&mut self.authorization),
            });
            self.record.fault = Some(format!("hostile {}", hostile.answer.name));
            self.record.status = status_of(&steps);
            return Outcome::Script(steps);
        }
        let id = self.request_id();
        let reply = result.unwrap_or_else(|refusal| self.app.refused(refusal, &id));
        self.record.status = reply.status.as_u16();
        Outcome::Answer(reply.deliver(&id, fault.as_ref()))
    }

    fn request_id(&self) -> String {
        format!("mock-{:08}", self.record.sequence)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let record = std::mem::take(&mut self.record);
        lock(&self.app.ledger).settle(record, self.identity);
    }
}

/// The answer that stands in place of any other, where `fault` is such a one.
fn instead_of_answer(fault: BodyFault) -> Option<Reply> {
    match fault {
        BodyFault::Json => Some(Reply::ok(
            "application/json",
            r#"{"error":{"message":"Injected words under status 200.","type":"server_error"}}"#,
        )),
        BodyFault::Html => Some(Reply::ok(
            "text/html",
            "<html><head><title>Sign in to Hotel WiFi</title></head><body></body></html>",
        )),
        BodyFault::Text => Some(Reply::ok("text/plain", "Injected words.")),
        BodyFault::Empty => Some(Reply::ok("application/octet-stream", "")),
        BodyFault::None | BodyFault::Silence | BodyFault::Other => None,
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> ContentKey {
    ContentKey(Sha256::digest(bytes).into())
}
