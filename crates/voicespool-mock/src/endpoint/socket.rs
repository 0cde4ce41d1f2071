//! `GET audio/speech/websocket`: the handshake, which is granted or refused like any request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, Response};

use crate::app::App;
use crate::endpoint::conversation::converse;
use crate::endpoint::response::delivered;
use crate::endpoint::session::Session;
use crate::reply::{Refusal, Reply};
use crate::visit::Visit;
use crate::wire::RawWire;

/// Answers a handshake.
pub(crate) async fn socket(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response<Body> {
    let mut visit = Visit::begin(&app, "audio/speech/websocket", None);
    let session = match knock(&mut visit, &headers, &query).await {
        Ok(None) => Session::parse(&query),
        Ok(Some(reply)) => return delivered(visit.finish(Ok(reply)), wire).await,
        Err(refusal) => return delivered(visit.finish(Err(refusal)), wire).await,
    };
    match (session, upgrade) {
        (Err(refusal), _) => visit.refuse(refusal),
        (_, Err(_)) => visit.refuse(Refusal::bad_request(
            "upgrade_required",
            "This is spoken to over a WebSocket.",
        )),
        (Ok(session), Ok(upgrade)) => {
            visit.upgraded();
            upgrade.on_upgrade(move |socket| converse(visit, socket, session))
        }
    }
}

/// Key, pace and the faults that stand in place of a handshake.
async fn knock(
    visit: &mut Visit,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
) -> Result<Option<Reply>, Refusal> {
    let mut headers = headers.clone();
    if let Some(key) = query.get("api_key")
        && let Ok(value) = format!("Bearer {key}").parse()
    {
        headers.insert(axum::http::header::AUTHORIZATION, value);
    }
    visit.before(&headers).await
}
