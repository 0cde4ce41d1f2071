//! The server: routes, administration, and its shutdown.

use std::collections::HashMap;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{
    ConnectInfo, DefaultBodyLimit, FromRequest, Multipart, Path, Query, RawQuery, Request, State,
};
use axum::http::header::{CONTENT_LENGTH, USER_AGENT};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{App, Bucket, Outcome, Visit, lock};
use crate::bill::{Bill, Record};
use crate::catalogue::MODELS;
use crate::dialect::Manners;
use crate::fault::{FaultRule, Faults};
use crate::hostile::{HostileKind, hostile_answers};
use crate::menace::Stranger;
use crate::options::{MockOptions, Rate};
use crate::reply::{Refusal, Reply, never};
use crate::socket::Session;
use crate::transcription::Form;
use crate::voice::Voice;
use crate::wire::{RawWire, WireListener};

/// Largest JSON body taken.
const MAX_JSON: usize = 1 << 20;

/// The look-alike could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    #[error("cannot listen on {addr}")]
    Bind {
        addr: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// A running look-alike. Dropping it stops it.
#[derive(Debug)]
pub struct MockHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    stranger: Stranger,
}

impl MockHandle {
    /// `http://HOST:PORT/v1`, for the client; of another dialect as its servers have it.
    pub fn base_url(&self) -> String {
        let prefix = self.app.manners.map_or("/v1", |manners| manners.prefix);
        format!("http://{}{prefix}", self.addr)
    }

    /// As `GET /_mock/bill`.
    pub fn bill(&self) -> Bill {
        lock(&self.app.ledger).bill()
    }

    /// As `GET /_mock/requests`: the requests after number `after`, oldest first.
    pub fn requests_after(&self, after: u64) -> Vec<Record> {
        lock(&self.app.ledger).records_after(after)
    }

    /// As `POST /_mock/faults` with rules only: replaces the rules, which count anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        lock(&self.app.knobs).faults = Faults::new(self.app.options.seed, rules);
    }

    /// As `PUT /_mock/audio/NAME?QUERY`: keeps a recording that can be asked for by URL, and
    /// only with this query if one is given. Returns the URL; `None` when there is no room.
    pub fn shelve(&self, name: &str, recording: Vec<u8>, query: Option<&str>) -> Option<String> {
        self.app.shelf.keep(name, recording.into(), query).ok()
    }

    /// Connections to the address that hostile redirects lead to: nobody may come.
    pub fn strangers(&self) -> u64 {
        self.stranger.visits()
    }

    /// Stops taking requests, gives those in flight a second, and ends.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the server has ended already.
            let _ = stop.send(());
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.task).await;
    }
}

impl Drop for MockHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a look-alike that speaks with `voice`: a function from a voice's name (`en-US`,
/// `en-GB`, `de-DE`, `es-ES`, `fr-FR`, `it-IT`) and a text to 16 kHz mono samples. It may
/// block; it is called on threads for that.
///
/// # Errors
/// [`MockError::Bind`] when the address cannot be had.
pub async fn serve(
    options: MockOptions,
    voice: impl Fn(&str, &str) -> Result<Vec<i16>, String> + Send + Sync + 'static,
) -> Result<MockHandle, MockError> {
    let bind = options.bind;
    let failed = |source| MockError::Bind { addr: bind, source };
    let listener = TcpListener::bind(bind).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let stranger = Stranger::listen(addr.ip()).await.map_err(failed)?;
    let app = Arc::new(App::new(options, Voice::new(voice), addr, stranger.addr));
    let (stop, stopped) = oneshot::channel();
    let service = router(Arc::clone(&app)).into_make_service_with_connect_info::<RawWire>();
    let server = axum::serve(WireListener(listener), service).with_graceful_shutdown(async {
        // A dropped sender means the same.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move {
        // It ends only by being stopped: accept errors are retried inside.
        let _ = server.await;
    });
    Ok(MockHandle {
        addr,
        app,
        stop: Some(stop),
        task,
        stranger,
    })
}

/// The routes of Together and OpenAI.
fn usual_routes() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/audio/speech", post(speech))
        .route("/audio/speech/websocket", get(socket))
        .route("/audio/transcriptions", post(transcriptions))
        .route("/audio/translations", post(translations))
        .route("/voices", get(voices))
        .route("/models", get(models));
    Router::new()
        .nest("/v1", api.clone())
        .nest("/hostile/{answer}/v1", api.clone())
        .merge(api)
}

/// The routes of another server, and no other.
fn routes_of(manners: &'static Manners) -> Router<Arc<App>> {
    let mut api = Router::new();
    if manners.speaking.is_some() {
        api = api.route("/audio/speech", post(speech));
    }
    if let Some(hearing) = &manners.hearing {
        api = api.route(hearing.route, post(transcriptions));
        if let Some(route) = hearing.translations {
            api = api.route(route, post(translations));
        }
    }
    if let Some(route) = manners.voices {
        api = api.route(
            route,
            get(move |app, headers: HeaderMap| {
                ready(listed(app, &headers, &manners.voices_list()))
            }),
        );
    }
    if manners.lists_models {
        api = api.route(
            "/models",
            get(move |app, headers: HeaderMap| {
                ready(listed(app, &headers, &manners.models_list()))
            }),
        );
    }
    match manners.prefix {
        "" => api,
        prefix => Router::new().nest(prefix, api),
    }
}

fn listed(State(app): State<Arc<App>>, headers: &HeaderMap, list: &Value) -> Response<Body> {
    if app.is_authorized(headers) {
        answer(Reply::json(list))
    } else {
        answer(app.refused(Refusal::unauthorized(), "mock"))
    }
}

fn router(app: Arc<App>) -> Router {
    app.manners
        .map_or_else(usual_routes, routes_of)
        .route("/_mock/bill", get(bill))
        .route("/_mock/requests", get(requests))
        .route("/_mock/hostile", get(hostile))
        .route("/_mock/faults", post(faults))
        .route("/_mock/audio/{name}", get(fetched).put(shelved))
        .route("/_mock/reset", post(reset))
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

/// The hostile answer asked for by path, if any.
type Asked = Option<Path<String>>;

async fn speech(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    asked: Asked,
    request: Request,
) -> Response<Body> {
    let visit = Visit::begin(&app, "audio/speech", asked.map(|Path(name)| name));
    let (head, body) = request.into_parts();
    match axum::body::to_bytes(body, MAX_JSON).await {
        Ok(body) => answered(tokio::spawn(visit.speech(head.headers, body)), wire).await,
        Err(_) => visit.refuse(Refusal::too_large(MAX_JSON)),
    }
}

/// The handshake of a WebSocket, which is granted or refused like any request.
async fn socket(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response<Body> {
    let mut visit = Visit::begin(&app, "audio/speech/websocket", None);
    let session = match visit.knock(&headers, &query).await {
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
            upgrade.on_upgrade(move |socket| visit.converse(socket, session))
        }
    }
}

async fn delivered(outcome: Outcome, wire: RawWire) -> Response<Body> {
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

async fn transcriptions(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    asked: Asked,
    request: Request,
) -> Response<Body> {
    let visit = Visit::begin(&app, "audio/transcriptions", asked.map(|Path(name)| name));
    heard(&app, visit, wire, request).await
}

async fn translations(
    State(app): State<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<RawWire>,
    asked: Asked,
    request: Request,
) -> Response<Body> {
    let visit = Visit::begin(&app, "audio/translations", asked.map(|Path(name)| name));
    heard(&app, visit, wire, request).await
}

async fn heard(app: &Arc<App>, visit: Visit, wire: RawWire, request: Request) -> Response<Body> {
    let headers = request.headers().clone();
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let sent = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let form = match Multipart::from_request(request, &()).await {
        Ok(form) => Form::read(form, app.options.max_upload_bytes).await,
        Err(_) => Err(Refusal::bad_request(
            "invalid_content_type",
            "Send the audio as multipart/form-data.",
        )),
    };
    match form {
        Ok(form) => answered(tokio::spawn(visit.transcription(headers, form)), wire).await,
        Err(refusal) => match app.manners.filter(|_| refusal.status() == 413) {
            Some(manners) => visit.refuse(manners.too_large(app.options.max_upload_bytes, sent)),
            None => visit.refuse(refusal),
        },
    }
}

async fn answered(work: JoinHandle<Outcome>, wire: RawWire) -> Response<Body> {
    match work.await {
        Ok(outcome) => delivered(outcome, wire).await,
        Err(_) => Refusal::broken("The server broke down.")
            .into_reply("mock")
            .deliver("mock", None),
    }
}

#[derive(Debug, Deserialize)]
struct Listing {
    model: Option<String>,
    /// `openai` or `together`, instead of guessing by the user agent.
    dialect: Option<String>,
}

async fn voices(
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
async fn models(
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

async fn hostile() -> Response<Body> {
    let kinds = [HostileKind::Speech, HostileKind::Transcription];
    let answers: Vec<_> = kinds.into_iter().flat_map(hostile_answers).collect();
    answer(Reply::json(&json!({ "answers": answers })))
}

/// Puts a recording on the shelf; the answer says under which URL.
async fn shelved(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response<Body> {
    let most = app.options.max_upload_bytes;
    let Ok(body) = axum::body::to_bytes(request.into_body(), most).await else {
        return answer(Refusal::too_large(most).into_reply("mock"));
    };
    answer(match app.shelf.keep(&name, body, query.as_deref()) {
        Ok(url) => Reply::json(&json!({ "url": url })),
        Err(refusal) => refusal.into_reply("mock"),
    })
}

async fn fetched(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    answer(match app.shelf.get(&name, query.as_deref()) {
        Some(bytes) => Reply::ok("application/octet-stream", bytes),
        None => Refusal::no_route("GET", "recording of this name and signature").into_reply("mock"),
    })
}

async fn bill(State(app): State<Arc<App>>) -> Response<Body> {
    let bill = lock(&app.ledger).bill();
    answer(Reply::json(&bill))
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn requests(State(app): State<Arc<App>>, Query(after): Query<After>) -> Response<Body> {
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

async fn faults(State(app): State<Arc<App>>, body: Bytes) -> Response<Body> {
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

/// A new bill, and the faults of the start.
async fn reset(State(app): State<Arc<App>>) -> Response<Body> {
    lock(&app.ledger).reset();
    let options = &app.options;
    let mut knobs = lock(&app.knobs);
    knobs.faults = Faults::new(options.seed, options.faults.clone());
    knobs.bucket = options.rate.map(Bucket::new);
    knobs.latency = options.latency;
    answer(Reply::json(&json!({ "reset": true })))
}

async fn nothing_here(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let path: String = request.uri().path().chars().take(100).collect();
    let refusal = Refusal::no_route(request.method().as_str(), &path);
    answer(app.refused(refusal, "mock"))
}

fn answer(reply: Reply) -> Response<Body> {
    reply.deliver("mock", None)
}
