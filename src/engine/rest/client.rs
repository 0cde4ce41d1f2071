//! The engine: one HTTP client per provider, one request per call.

use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, redirect};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout_at};

use crate::domain::{AudioFormat, CharCount, Delivery, FaultClass};
use crate::engine::rest::answer::{Expected, Receiver, told};
use crate::engine::rest::dialect::Kind;
use crate::engine::rest::endpoint::Endpoint;
use crate::engine::rest::failure::{Sent, no_answer, too_late};
use crate::engine::rest::options::{Auth, ByteCap, Deadline, OptionsError, RestOptions};
use crate::engine::rest::problem::Scrubber;
use crate::engine::rest::sound::{Sound, bad};
use crate::engine::rest::transcription::Times;
use crate::engine::rest::{socket, speech, transcription};
use crate::engine::{
    Answer, BoxFuture, Engine, EngineError, Recording, SpeechRequest, TranscriptionRequest,
};

/// Connections idle for longer are not used again. Common servers close theirs after 5 s
/// (uvicorn, Node); a request sent into a connection that is just being closed cannot be
/// told from one that was carried out, and would be listed as in doubt.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// A dead HTTP/2 connection is noticed after two of these, before more requests pile up
/// on it.
const HTTP2_PING: Duration = Duration::from_secs(20);

/// A hosted or self-hosted provider behind the [`Engine`] trait.
pub struct RestEngine {
    client: Client,
    /// Speaks HTTP/1.1 alone: only there can a connection become a WebSocket.
    upgrading: Client,
    endpoint: Endpoint,
    kind: Kind,
    authorization: Option<HeaderValue>,
    scrubber: Scrubber,
    idle_timeout: Duration,
    total: Deadline,
    max_answer_bytes: ByteCap,
    /// Models that refused to give times: they are asked for text alone.
    without_times: Mutex<HashSet<String>>,
}

impl fmt::Debug for RestEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestEngine")
            .field("kind", &self.kind)
            .field("host", &self.endpoint.host)
            .finish_non_exhaustive()
    }
}

impl RestEngine {
    /// Checks `options` and sets the client up. Opens no connection.
    ///
    /// # Errors
    /// [`OptionsError`] when the base URL is none, would send the key in clear, or holds a
    /// secret; when the key fits in no header; when the TLS roots cannot be loaded.
    pub fn new(options: RestOptions) -> Result<Self, OptionsError> {
        let endpoint = Endpoint::parse(&options.base_url, &options.paths)?;
        let has_key = !matches!(options.auth, Auth::None);
        if endpoint.is_local_clear && has_key && !options.key_in_clear {
            return Err(OptionsError::KeyInClear {
                host: endpoint.host,
            });
        }
        Ok(Self {
            client: http_client(&endpoint, &options)?
                .build()
                .map_err(no_client)?,
            upgrading: http_client(&endpoint, &options)?
                .http1_only()
                .build()
                .map_err(no_client)?,
            endpoint,
            kind: options.kind,
            authorization: authorization(&options.auth)?,
            scrubber: Scrubber::new(options.auth.into_key()),
            idle_timeout: options.idle_timeout,
            total: options.total,
            max_answer_bytes: options.max_answer_bytes,
            without_times: Mutex::default(),
        })
    }

    /// Host and port that requests go to, for messages.
    pub fn host(&self) -> &str {
        &self.endpoint.host
    }

    async fn speak_once(
        &self,
        request: SpeechRequest<'_>,
        body: &mut (dyn Write + Send),
    ) -> Result<Answer, EngineError> {
        let chars = CharCount::of(request.input);
        let format = request.params.wire_format(request.delivery);
        let cap = self.max_answer_bytes.for_speech(chars, format);
        let receiver = self.receiver(Expected::Speech(format), self.total.for_speech(chars), cap);
        let raw = request.params.raw_audio(request.delivery);
        if request.delivery == Delivery::WebSocket {
            speech::check(self.kind, request)?;
            let url = socket::address(&self.endpoint.speech_socket, request.params, chars);
            let (builder, accept) = socket::handshake(self.upgrading.get(url));
            // Without a connection nothing was said.
            let response = self.begin(builder, &receiver, || Sent::Partly).await?;
            let sound = Sound::new(body, raw, cap, chars, receiver.sent_at);
            return receiver.converse(response, &accept, request, sound).await;
        }
        let builder = speech::request(&self.client, &self.endpoint.speech, self.kind, request)?;
        let response = self.begin(builder, &receiver, || Sent::Whole).await?;
        if request.delivery == Delivery::Stream {
            let sound = Sound::new(body, raw, cap, chars, receiver.sent_at);
            return receiver.receive_events(response, sound).await;
        }
        let answer = receiver.receive(response, body).await?;
        if format == AudioFormat::Raw && !answer.bytes.is_multiple_of(raw.sample_bytes()) {
            return Err(told(&answer, bad("the answer ends within a sample")));
        }
        Ok(answer)
    }

    /// Asks for times; a model that refuses them is asked again without, for nothing was billed, and
    /// not asked for them again.
    async fn transcribe_once(
        &self,
        request: TranscriptionRequest<'_>,
        body: &mut (dyn Write + Send),
    ) -> Result<Answer, EngineError> {
        let refused = || {
            self.without_times
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if refused().contains(&request.params.model) {
            return self.transcribe_as(request, Times::NotAsked, body).await;
        }
        let answer = self.transcribe_as(request, Times::Asked, body).await;
        match answer {
            Err(error) if refuses_times(&error) => {
                refused().insert(request.params.model.clone());
                self.transcribe_as(request, Times::NotAsked, body).await
            }
            answer => answer,
        }
    }

    async fn transcribe_as(
        &self,
        request: TranscriptionRequest<'_>,
        times: Times,
        body: &mut (dyn Write + Send),
    ) -> Result<Answer, EngineError> {
        let url = match request.params.translate_to {
            Some(_) if transcription::has_route_to_translate(self.kind) => {
                &self.endpoint.translations
            }
            _ => &self.endpoint.transcriptions,
        };
        let (builder, upload) =
            transcription::request(&self.client, url, self.kind, request, times).await?;
        // The provider's words may quote what it was to fetch.
        let scrubber = match request.recording {
            Recording::File(_) => None,
            Recording::Url(address) => Some(self.scrubber.and_address(address)),
        };
        let mut receiver = self.receiver(
            Expected::Json,
            self.total.for_transcription(request.duration, upload.bytes),
            self.max_answer_bytes.for_transcript(request.duration),
        );
        if let Some(scrubber) = &scrubber {
            receiver.scrubber = scrubber;
        }
        let outcome = async {
            let response = self.begin(builder, &receiver, || upload.sent()).await?;
            receiver.receive(response, body).await
        };
        let outcome = outcome.await;
        match upload.local_fault() {
            Some(fault) if outcome.is_err() => Err(fault),
            _ => outcome,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn receiver(&self, expected: Expected, total: Duration, cap: u64) -> Receiver<'_> {
        Receiver {
            host: &self.endpoint.host,
            scrubber: &self.scrubber,
            expected,
            sent_at: Instant::now(),
            total,
            idle: self.idle_timeout,
            cap,
        }
    }

    /// Sends the request and receives the head of its answer. `sent` says, when asked
    /// after a failure, how much of the request had left.
    pub(super) async fn begin(
        &self,
        builder: RequestBuilder,
        receiver: &Receiver<'_>,
        sent: impl Fn() -> Sent,
    ) -> Result<Response, EngineError> {
        let mut builder = builder.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(authorization) = &self.authorization {
            builder = builder.header(AUTHORIZATION, authorization.clone());
        }
        match timeout_at(receiver.end(), builder.send()).await {
            Ok(Ok(response)) => {
                tracing::debug!(
                    host = receiver.host,
                    status = response.status().as_u16(),
                    after = ?receiver.sent_at.elapsed(),
                    "answered"
                );
                Ok(response)
            }
            Ok(Err(error)) => Err(no_answer(&error, receiver.host, sent(), receiver.scrubber)),
            Err(_) => Err(too_late(
                "no answer from",
                receiver.host,
                receiver.total,
                sent(),
            )),
        }
    }
}

impl Engine for RestEngine {
    fn speak<'a>(
        &'a self,
        request: SpeechRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(self.speak_once(request, body))
    }

    fn transcribe<'a>(
        &'a self,
        request: TranscriptionRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>> {
        Box::pin(self.transcribe_once(request, body))
    }

    fn knock(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        Some(Box::pin(self.ask_for_models()))
    }
}

/// Whether the provider does not know answers with times, and billed nothing for saying so.
fn refuses_times(error: &EngineError) -> bool {
    let words = error.detail.to_lowercase();
    error.class == FaultClass::Refused
        && !error.may_be_billed
        && ["verbose_json", "response_format", "timestamp_granularities"]
            .iter()
            .any(|name| words.contains(name))
}

/// The value of `Authorization`, marked so that no `Debug` text shows it.
fn authorization(auth: &Auth) -> Result<Option<HeaderValue>, OptionsError> {
    let text = match auth {
        Auth::None => return Ok(None),
        Auth::Bearer(key) | Auth::Raw(key) if key.expose_secret().trim().is_empty() => {
            return Err(OptionsError::Key);
        }
        Auth::Bearer(key) => format!("Bearer {}", key.expose_secret()),
        Auth::Raw(key) => key.expose_secret().to_owned(),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| OptionsError::Key)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn no_client(error: reqwest::Error) -> OptionsError {
    OptionsError::Client {
        reason: error.without_url().to_string(),
    }
}

fn http_client(endpoint: &Endpoint, options: &RestOptions) -> Result<ClientBuilder, OptionsError> {
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let user_agent =
        HeaderValue::from_str(&options.user_agent).map_err(|_| OptionsError::UserAgent)?;
    let mut builder = Client::builder()
        .user_agent(user_agent)
        .redirect(redirect::Policy::none())
        .referer(false)
        // The default sends a request again after some HTTP/2 errors; here one call is
        // one request.
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .http2_keep_alive_interval(HTTP2_PING)
        .http2_keep_alive_timeout(HTTP2_PING);
    if endpoint.is_loopback {
        let both = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        builder = builder.no_proxy().resolve_to_addrs("localhost", &both);
    } else {
        builder = builder.https_only(true);
    }
    if endpoint.speech.scheme() == "http" {
        // No TLS, so no roots to load either: a machine without any can still talk to
        // itself.
        builder = builder.http1_only().tls_certs_only([]);
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn the_authorization_header_shows_no_key_and_a_key_that_fits_none_is_refused() {
        let key = |key: &str| Auth::Bearer(SecretString::from(key));

        let value = authorization(&key("sk-CANARY")).unwrap().unwrap();

        assert_eq!(value, "Bearer sk-CANARY");
        assert_eq!(format!("{value:?}"), "Sensitive");
        for bad in ["", "  ", "sk-\nCANARY", "sk-CANARY\u{7f}"] {
            assert_eq!(authorization(&key(bad)), Err(OptionsError::Key), "{bad:?}");
        }
        assert_eq!(authorization(&Auth::None), Ok(None));
    }
}
