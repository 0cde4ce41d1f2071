//! `POST audio/speech`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, Response};

use crate::app::App;
use crate::endpoint::response::{Asked, answered};
use crate::events::{self, Told};
use crate::fault::BodyFault;
use crate::hostile::HostileKind;
use crate::reply::{Refusal, Reply};
use crate::sound;
use crate::speech::{Order, Spoken};
use crate::visit::{Outcome, Visit, sha256};
use crate::wire::RawWire;

/// Largest JSON body taken.
const MAX_JSON: usize = 1 << 20;

pub(crate) async fn speech(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    asked: Asked,
    request: Request,
) -> Response<Body> {
    let visit = Visit::begin(&app, "audio/speech", asked.map(|Path(name)| name));
    let (head, body) = request.into_parts();
    match axum::body::to_bytes(body, MAX_JSON).await {
        Ok(body) => answered(tokio::spawn(work(visit, head.headers, body)), wire).await,
        Err(_) => visit.refuse(Refusal::too_large(MAX_JSON)),
    }
}

/// The rest of a request, once its body is here. It runs in a task of its own: the work is
/// done, and charged for, also if the client leaves meanwhile.
async fn work(mut visit: Visit, headers: HeaderMap, body: Bytes) -> Outcome {
    let result = speak(&mut visit, &headers, &body).await;
    visit.finish(result)
}

async fn speak(visit: &mut Visit, headers: &HeaderMap, body: &[u8]) -> Result<Reply, Refusal> {
    if let Some(reply) = visit.before(headers).await? {
        return Ok(reply);
    }
    let (order, is_endless) = match visit.app.profile {
        Some(profile) => profile.speech(body)?,
        None => (Order::parse(body, visit.app.options.max_chars)?, false),
    };
    let (events, words, text) = (order.events, order.words, order.input.clone());
    let spoken = sell(visit, order).await?;
    let mut reply = match events {
        None if is_endless => {
            Reply::ok(spoken.content_type, sound::of_unknown_length(&spoken.body))
        }
        None => Reply::ok(spoken.content_type, spoken.body),
        Some(shape) => {
            let told = Told {
                text: &text,
                samples: &spoken.samples(),
                duration: spoken.duration,
                words,
            };
            let fault = visit.fault().map(|fault| fault.stream);
            let body = events::stream(told, shape, fault.unwrap_or_default());
            Reply::ok("text/event-stream", body)
        }
    };
    let seconds = format!("{:.3}", spoken.duration.seconds());
    reply.headers.push(("x-audio-seconds", seconds));
    Ok(reply)
}

/// Speaks `order` and puts it on the invoice.
pub(super) async fn sell(visit: &mut Visit, order: Order) -> Result<Spoken, Refusal> {
    visit.record.model.clone_from(&order.model);
    visit.record.sha256 = Some(sha256(order.input.as_bytes()));
    visit.identity = Some(sha256(order.identity().as_bytes()));
    if visit.record.path == "audio/speech" {
        visit.pick_hostile(HostileKind::Speech)?;
    }
    let chars = u64::try_from(order.input.chars().count()).unwrap_or(u64::MAX);
    let spoken = match visit.fault().map(|fault| fault.body) {
        Some(BodyFault::Silence) => visit.app.speaker.silence(&order),
        Some(BodyFault::Other) => visit.app.speaker.something_else(&order),
        _ => visit.app.speaker.speak(order).await?,
    };
    visit.charge(|record| record.chars = record.chars.saturating_add(chars));
    Ok(spoken)
}
