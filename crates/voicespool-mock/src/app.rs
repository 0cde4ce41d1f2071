//! The look-alike's state, and the way of one audio request through it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::bill::{Ledger, Record};
use crate::dialect::{HearingOrder, Manners};
use crate::events::{self, Told};
use crate::fault::{BodyFault, Fault, Faults};
use crate::hostile::{Hostile, HostileKind, Proper, status_of};
use crate::memory::Memory;
use crate::menace::Menace;
use crate::mp3::Stock;
use crate::options::{MockOptions, Rate};
use crate::recognise::{Recognition, recognise};
use crate::reply::{Refusal, Reply};
use crate::shelf::Shelf;
use crate::sound;
use crate::speech::{self, Spoken};
use crate::transcription::{self, Form};
use crate::voice::{Voice, tones};
use crate::wire::Step;
use voicespool_media::domain::{AudioMillis, ContentKey};

/// What a request asks for its fault with.
const FAULT_HEADER: &str = "x-mock-fault";

/// Bytes of speech kept in each of two generations.
const KEPT_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct App {
    pub(super) options: MockOptions,
    pub(super) voice: Voice,
    pub(super) stock: Stock,
    pub(super) knobs: Mutex<Knobs>,
    pub(super) ledger: Mutex<Ledger>,
    started: Instant,
    memory: RwLock<Memory>,
    spoken: Mutex<SpokenBefore>,
    pub(super) menace: Menace,
    pub(super) shelf: Shelf,
    fixed: Option<Spoken>,
    /// Of another server than Together.
    pub(super) manners: Option<&'static Manners>,
}

/// What can be changed while the server runs.
#[derive(Debug)]
pub(super) struct Knobs {
    pub(super) faults: Faults,
    pub(super) bucket: Option<Bucket>,
    pub(super) latency: Duration,
}

impl App {
    pub(super) fn new(
        options: MockOptions,
        voice: Voice,
        addr: SocketAddr,
        elsewhere: SocketAddr,
    ) -> Self {
        Self {
            knobs: Mutex::new(Knobs {
                faults: Faults::new(options.seed, options.faults.clone()),
                bucket: options.rate.map(Bucket::new),
                latency: options.latency,
            }),
            fixed: options.fixed_answer_bytes.map(fixed_answer),
            menace: Menace::new(options.seed, options.chaos, elsewhere),
            manners: Manners::of(options.dialect),
            options,
            shelf: Shelf::new(addr),
            voice,
            stock: Stock::new(),
            ledger: Mutex::new(Ledger::new()),
            started: Instant::now(),
            memory: RwLock::default(),
            spoken: Mutex::default(),
        }
    }

    pub(super) fn remember(&self, remember: impl FnOnce(&mut Memory)) {
        remember(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether the request carries the key, if there is one.
    pub(super) fn is_authorized(&self, headers: &HeaderMap) -> bool {
        self.options
            .api_key
            .as_ref()
            .is_none_or(|key| match self.manners {
                Some(manners) => manners.is_authorized(headers, key),
                None => headers
                    .get(AUTHORIZATION)
                    .is_some_and(|value| *value == format!("Bearer {key}")),
            })
    }

    /// `refusal` in the shape of this server.
    pub(super) fn refused(&self, refusal: Refusal, request_id: &str) -> Reply {
        match self.manners {
            Some(manners) => refusal.into_shape(manners.refusals, request_id),
            None => refusal.into_reply(request_id),
        }
    }

    /// Key, pace, and the fault this request meets.
    fn admit(&self, headers: &HeaderMap, path: &str) -> Result<Option<Fault>, Refusal> {
        if !self.is_authorized(headers) {
            return Err(Refusal::unauthorized());
        }
        let mut knobs = lock(&self.knobs);
        if let Some(bucket) = &mut knobs.bucket {
            bucket.take(Instant::now()).map_err(Refusal::throttled)?;
        }
        let by_rule = knobs.faults.next(path);
        match headers.get(FAULT_HEADER) {
            None => Ok(by_rule),
            Some(asked) => match asked.to_str().map(str::parse::<Fault>) {
                Ok(Ok(fault)) => Ok(Some(fault)),
                Ok(Err(error)) => Err(Refusal::bad_request("mock_fault", error.to_string())),
                Err(_) => Err(Refusal::bad_request("mock_fault", "the fault is no text")),
            },
        }
    }

    /// The sound of `order`, from memory if it was spoken before.
    async fn speak(self: &Arc<Self>, order: speech::Order) -> Result<Spoken, Refusal> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        let key = sha256(order.identity().as_bytes());
        if let Some(spoken) = lock(&self.spoken).get(key) {
            return Ok(spoken);
        }
        let app = Arc::clone(self);
        let spoken = tokio::task::spawn_blocking(move || order.speak(&app))
            .await
            .map_err(|_| Refusal::broken("The voice broke down."))??;
        lock(&self.spoken).keep(key, spoken.clone());
        Ok(spoken)
    }
}

/// A request on its way; leaves a record in the ledger whatever becomes of it.
#[derive(Debug)]
pub(super) struct Visit {
    app: Arc<App>,
    record: Record,
    identity: Option<ContentKey>,
    fault: Option<Fault>,
    /// The hostile answer asked for by path.
    asked: Option<String>,
    hostile: Option<Hostile>,
    authorization: String,
}

/// What a visit ends with.
#[derive(Debug)]
pub(super) enum Outcome {
    Answer(Response<Body>),
    /// No answer ever.
    Hang,
    /// An answer past HTTP.
    Script(Vec<Step>),
}

impl Visit {
    pub(super) fn begin(app: &Arc<App>, path: &'static str, asked: Option<String>) -> Self {
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

    /// The rest of a speech request, once its body is here. To be run in a task of its
    /// own: the work is done, and billed, also if the client leaves meanwhile.
    pub(super) async fn speech(mut self, headers: HeaderMap, body: Bytes) -> Outcome {
        let result = self.speak(&headers, &body).await;
        self.finish(result)
    }

    /// The rest of a transcription request.
    pub(super) async fn transcription(mut self, headers: HeaderMap, form: Form) -> Outcome {
        let result = self.transcribe(&headers, form).await;
        self.finish(result)
    }

    async fn speak(&mut self, headers: &HeaderMap, body: &[u8]) -> Result<Reply, Refusal> {
        if let Some(reply) = self.before(headers).await? {
            return Ok(reply);
        }
        let (order, is_endless) = match self.app.manners {
            Some(manners) => manners.speech(body)?,
            None => (
                speech::Order::parse(body, self.app.options.max_chars)?,
                false,
            ),
        };
        let (events, words, text) = (order.events, order.words, order.input.clone());
        let spoken = self.sell(order).await?;
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
                let fault = self.fault.as_ref().map(|fault| fault.stream);
                let body = events::stream(told, shape, fault.unwrap_or_default());
                Reply::ok("text/event-stream", body)
            }
        };
        let seconds = format!("{:.3}", spoken.duration.seconds());
        reply.headers.push(("x-audio-seconds", seconds));
        Ok(reply)
    }

    /// Speaks `order` and puts it on the bill.
    pub(super) async fn sell(&mut self, order: speech::Order) -> Result<Spoken, Refusal> {
        self.record.model.clone_from(&order.model);
        self.record.sha256 = Some(sha256(order.input.as_bytes()));
        self.identity = Some(sha256(order.identity().as_bytes()));
        if self.record.path == "audio/speech" {
            self.menaced(HostileKind::Speech)?;
        }
        let chars = u64::try_from(order.input.chars().count()).unwrap_or(u64::MAX);
        let spoken = match self.fault.as_ref().map(|fault| fault.body) {
            Some(BodyFault::Silence) => order.keep_silent(&self.app.stock),
            Some(BodyFault::Other) => order.misspeak(&self.app.stock),
            _ => self.app.speak(order).await?,
        };
        self.charge(|record| record.chars = record.chars.saturating_add(chars));
        Ok(spoken)
    }

    /// The fault this visit meets.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Most characters of one input.
    pub(super) fn max_chars(&self) -> usize {
        self.app.options.max_chars
    }

    /// A handshake that was granted: what follows belongs to this visit.
    pub(super) fn upgraded(&mut self) {
        self.record.status = StatusCode::SWITCHING_PROTOCOLS.as_u16();
        self.record.fault = self.fault.as_ref().map(ToString::to_string);
    }

    async fn transcribe(&mut self, headers: &HeaderMap, mut form: Form) -> Result<Reply, Refusal> {
        self.record.parts = std::mem::take(&mut form.parts);
        if let Some(reply) = self.before(headers).await? {
            return Ok(reply);
        }
        let order = Hearing::parse(self.app.manners, &form, self.record.path)?;
        order.model().clone_into(&mut self.record.model);
        let upload = match (form.file.take(), form.address()) {
            (Some(upload), _) => upload,
            (None, Some(address)) => {
                let most = self.app.options.max_fetch_bytes;
                self.app.shelf.fetch(address, most)?
            }
            (None, None) => return Err(Refusal::invalid("file", "\"file\" is missing.")),
        };
        let hash = upload.sha256;
        self.record.sha256 = Some(hash);
        self.identity = Some(sha256(format!("{hash}{}", order.identity()).as_bytes()));
        self.menaced(HostileKind::Transcription)?;
        let app = Arc::clone(&self.app);
        let heard = tokio::task::spawn_blocking(move || {
            let memory = app.memory.read().unwrap_or_else(PoisonError::into_inner);
            recognise(upload.file.path(), hash, &memory)
        })
        .await
        .map_err(|_| Refusal::broken("The recogniser broke down."))?;
        let heard = heard.ok_or_else(|| {
            Refusal::bad_request("unsupported_format", "The audio cannot be decoded.")
        })?;
        let answer = order.answer(&heard)?;
        self.charge(|record| record.audio_ms = heard.duration.0);
        Ok(answer)
    }

    /// Admission, delay, and the faults that stand in place of any answer.
    pub(super) async fn before(&mut self, headers: &HeaderMap) -> Result<Option<Reply>, Refusal> {
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
        Ok(match fault.body {
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
        })
    }

    /// Looks whether this request is to meet a hostile answer.
    fn menaced(&mut self, kind: HostileKind) -> Result<(), Refusal> {
        let (asked, identity) = (self.asked.as_deref(), self.identity);
        self.hostile = self.app.menace.next(kind, asked, identity)?;
        Ok(())
    }

    /// The work is done, and costs, unless a hostile answer is one that costs nothing.
    fn charge(&mut self, quantity: impl FnOnce(&mut Record)) {
        let is_free = |hostile: &Hostile| !hostile.answer.billed;
        if !self.hostile.as_ref().is_some_and(is_free) {
            quantity(&mut self.record);
            self.record.billed = true;
        }
    }

    /// The request ends here without its work having been begun.
    pub(super) fn refuse(mut self, refusal: Refusal) -> Response<Body> {
        let id = self.request_id();
        self.record.status = refusal.status();
        self.app.refused(refusal, &id).deliver(&id, None)
    }

    pub(super) fn finish(mut self, result: Result<Reply, Refusal>) -> Outcome {
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
                elsewhere: self.app.menace.elsewhere(),
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

/// A checked transcription request, by whose rules it was.
enum Hearing {
    Usual(transcription::Order),
    Foreign(HearingOrder),
}

impl Hearing {
    fn parse(manners: Option<&'static Manners>, form: &Form, path: &str) -> Result<Self, Refusal> {
        let is_translation = path.ends_with("translations");
        match manners {
            Some(manners) => manners.hear(form, is_translation).map(Self::Foreign),
            None => transcription::Order::parse(form, is_translation).map(Self::Usual),
        }
    }

    fn model(&self) -> &str {
        match self {
            Self::Usual(order) => &order.model,
            Self::Foreign(order) => &order.model,
        }
    }

    fn identity(&self) -> String {
        match self {
            Self::Usual(order) => order.identity(),
            Self::Foreign(order) => order.identity(),
        }
    }

    fn answer(&self, heard: &Recognition) -> Result<Reply, Refusal> {
        match self {
            Self::Usual(order) => order.answer(heard).map(|answer| Reply::json(&answer)),
            Self::Foreign(order) => Ok(order.answer(heard)),
        }
    }
}

/// Speech of the last requests, by what was asked.
#[derive(Debug, Default)]
struct SpokenBefore {
    young: HashMap<ContentKey, Spoken>,
    old: HashMap<ContentKey, Spoken>,
    bytes: usize,
}

impl SpokenBefore {
    fn get(&self, key: ContentKey) -> Option<Spoken> {
        self.young.get(&key).or_else(|| self.old.get(&key)).cloned()
    }

    fn keep(&mut self, key: ContentKey, spoken: Spoken) {
        self.bytes += spoken.body.len();
        self.young.insert(key, spoken);
        if self.bytes > KEPT_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            tokens: rate.burst.max(1.0),
            at: Instant::now(),
            rate,
        }
    }

    /// Takes a token, or says how long it takes until there is one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.rate.per_second;
        self.at = now;
        self.tokens = (self.tokens + gained).min(self.rate.burst.max(1.0));
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / self.rate.per_second;
        Err(Duration::try_from_secs_f64(wait).unwrap_or(Duration::from_hours(1)))
    }
}

/// The answer of benchmarks: `bytes` of loud, valid WAV.
fn fixed_answer(bytes: usize) -> Spoken {
    let mut samples: Vec<i16> = tones("en-US", &"benchmark ".repeat(1 + bytes / 10_000))
        .unwrap_or_default()
        .into_iter()
        .filter(|sample| *sample != 0)
        .cycle()
        .take(bytes.saturating_sub(44) / 2)
        .collect();
    samples.truncate(bytes.saturating_sub(44) / 2);
    Spoken {
        content_type: "audio/wav",
        duration: AudioMillis::of_frames(u64::try_from(samples.len()).unwrap_or(0), 24_000),
        body: sound::wav(&samples, 24_000).into(),
    }
}

fn sha256(bytes: &[u8]) -> ContentKey {
    ContentKey(Sha256::digest(bytes).into())
}

/// The lock, also after a panic elsewhere: the numbers inside stay consistent.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
