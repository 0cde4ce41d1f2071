//! `/_mock/…`: the invoice, faults, uploads and the catalogue of hostile answers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, RawQuery, Request, State};
use axum::http::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::{App, Knobs};
use crate::bucket::Bucket;
use crate::hostile::{HostileKind, hostile_answers};
use crate::lock::lock;
use crate::options::Rate;
use crate::reply::{Refusal, Reply, answer};
use crate::rule::{FaultRule, Faults};

/// The catalogue of hostile answers.
pub(crate) async fn hostile() -> Response<Body> {
    let kinds = [HostileKind::Speech, HostileKind::Transcription];
    let answers: Vec<_> = kinds.into_iter().flat_map(hostile_answers).collect();
    answer(Reply::json(&json!({ "answers": answers })))
}

/// Stores a recording; the answer says under which URL.
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response<Body> {
    let most = app.options.max_upload_bytes;
    let Ok(body) = axum::body::to_bytes(request.into_body(), most).await else {
        return answer(Refusal::too_large(most).into_reply("mock"));
    };
    answer(match app.files.keep(&name, body, query.as_deref()) {
        Ok(url) => Reply::json(&json!({ "url": url })),
        Err(refusal) => refusal.into_reply("mock"),
    })
}

/// A stored recording.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    answer(match app.files.get(&name, query.as_deref()) {
        Some(bytes) => Reply::ok("application/octet-stream", bytes),
        None => Refusal::no_route("GET", "recording of this name and signature").into_reply("mock"),
    })
}

/// What was asked, and what it costs.
pub(crate) async fn invoice(State(app): State<Arc<App>>) -> Response<Body> {
    let invoice = lock(&app.ledger).invoice();
    answer(Reply::json(&invoice))
}

#[derive(Debug, Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    after: u64,
}

/// The records of all requests after one.
pub(crate) async fn requests(
    State(app): State<Arc<App>>,
    Query(after): Query<After>,
) -> Response<Body> {
    let records = lock(&app.ledger).records_after(after.after);
    answer(Reply::json(&json!({ "requests": records })))
}

/// Everything that can be changed while the server runs; what is left out is as at
/// a start without options.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    rules: Vec<FaultRule>,
    rate: Option<Rate>,
    latency_ms: u64,
}

/// Replaces the settings.
pub(crate) async fn faults(State(app): State<Arc<App>>, body: Bytes) -> Response<Body> {
    let settings: Settings = match serde_json::from_slice(&body) {
        Ok(settings) => settings,
        Err(error) => {
            let refusal = Refusal::bad_request("mock_fault", error.to_string());
            return answer(refusal.into_reply("mock"));
        }
    };
    let reply = Reply::json(&settings);
    let mut knobs = lock(&app.knobs);
    knobs.faults = Faults::new(app.options.seed, settings.rules);
    knobs.bucket = settings.rate.map(Bucket::new);
    knobs.latency = Duration::from_millis(settings.latency_ms);
    answer(reply)
}

/// A new invoice, and the faults of the start.
pub(crate) async fn reset(State(app): State<Arc<App>>) -> Response<Body> {
    lock(&app.ledger).reset();
    *lock(&app.knobs) = Knobs::of(&app.options);
    answer(Reply::json(&json!({ "reset": true })))
}

/// Refuses what has no route.
pub(crate) async fn nothing_here(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let path: String = request.uri().path().chars().take(100).collect();
    let refusal = Refusal::no_route(request.method().as_str(), &path);
    answer(app.refused(refusal, "mock"))
}
