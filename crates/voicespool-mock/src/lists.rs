//! The lists of voices and models.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::MODELS;
use crate::reply::{Refusal, Reply, answer};

/// `list` of another server, for whoever has the key.
pub(crate) fn listed(
    State(app): State<Arc<App>>,
    headers: &HeaderMap,
    list: &Value,
) -> Response<Body> {
    if app.is_authorized(headers) {
        answer(Reply::json(list))
    } else {
        answer(app.refused(Refusal::unauthorized(), "mock"))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    model: Option<String>,
    /// `openai` or `together`, instead of guessing by the user agent.
    dialect: Option<String>,
}

/// Together's list of voices.
pub(crate) async fn voices(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(listing): Query<Listing>,
) -> Response<Body> {
    if !app.is_authorized(&headers) {
        return answer(Refusal::unauthorized().into_reply("mock"));
    }
    let data: Vec<Value> = MODELS
        .iter()
        .filter(|(id, family)| {
            match &listing.model {
                Some(model) => family.is_speech() && model == id,
                // Together's list; OpenAI has none.
                None => family.is_speech() && !family.is_openai(),
            }
        })
        .map(|(id, family)| {
            let voices: Vec<Value> = family
                .voices()
                .iter()
                .map(|name| json!({ "id": name, "name": name }))
                .collect();
            json!({ "model": id, "voices": voices })
        })
        .collect();
    answer(Reply::json(&json!({ "data": data })))
}

/// Together lists models bare, OpenAI in an envelope.
pub(crate) async fn models(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(listing): Query<Listing>,
) -> Response<Body> {
    if !app.is_authorized(&headers) {
        return answer(Reply {
            status: StatusCode::UNAUTHORIZED,
            ..Reply::ok("text/plain", "Unauthorized\n")
        });
    }
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let is_openai = match listing.dialect.as_deref() {
        Some(dialect) => dialect == "openai",
        None => agent.is_some_and(|agent| agent.contains("OpenAI/")),
    };
    let models: Vec<Value> = MODELS
        .iter()
        .map(|(id, family)| {
            let kind = if family.is_speech() {
                "audio"
            } else {
                "transcribe"
            };
            json!({ "id": id, "object": "model", "created": 0, "owned_by": "mock", "type": kind })
        })
        .collect();
    answer(if is_openai {
        Reply::json(&json!({ "object": "list", "data": models }))
    } else {
        Reply::json(&models)
    })
}
