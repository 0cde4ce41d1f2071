//! An answer over a WebSocket: one connection, one text, one commit.
//!
//! The handshake is an ordinary request of the ordinary client, so key, proxy, roots and the
//! rule against redirects are the same as everywhere.
//!
//! # When an answer is over
//!
//! The protocol has no mark of the end: `audio_output.done` ends an *item*, and how many items
//! a commit makes is not documented. Taking the first `done` for the last, as the provider's
//! own sample does, loses the rest of a text that became several items. So:
//!
//! 1. The text is committed once, with `segment=never` and a `max_partial_length` that holds
//!    all of it (unless the task says otherwise): by every reading of the documents that is
//!    one item.
//! 2. Items are counted all the same. The answer may be over when each item that began is
//!    done, *and* the sound is as long as the fastest speaker would need.
//! 3. Then it must stay quiet for four times the longest silence of this very answer (which
//!    includes the time to its first sound, the best guess at the time to the next item), at
//!    least [`LEAST_QUIET`], at most [`MOST_QUIET`]. A server that closes the connection at
//!    that point ends the wait.
//!
//! What is left: a server that makes several items, stalls between two of them for longer than
//! that, after more than about half of the text. The check of every answer (its length
//! against its text) is the last defence, and sees losses of that size only. Over REST and
//! over events an end is an end, which is why they are the ones for bulk.

mod ask;

pub(super) use ask::{address, handshake};

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::header::SEC_WEBSOCKET_ACCEPT;
use reqwest::{Response, StatusCode, Upgraded};
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::domain::{CharCount, FaultClass};
use crate::engine::rest::answer::{Receiver, told};
use crate::engine::rest::events::{Heard, MAX_EVENT};
use crate::engine::rest::failure::{Sent, too_late};
use crate::engine::rest::problem::class_of_close;
use crate::engine::rest::socket::ask::{least_length, pieces};
use crate::engine::rest::sound::{Sound, bad};
use crate::engine::rest::stream::failed;
use crate::engine::{Answer, EngineError, SpeechRequest};

/// Bounds of the quiet after which an answer that may be over is over.
const LEAST_QUIET: Duration = Duration::from_secs(1);
const MOST_QUIET: Duration = Duration::from_secs(15);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<Upgraded>;

impl Receiver<'_> {
    /// Takes the provider up on its `101`, says `request` and plays what comes into `sound`.
    pub(super) async fn converse(
        &self,
        response: Response,
        accept: &str,
        request: SpeechRequest<'_>,
        mut sound: Sound<'_>,
    ) -> Result<Answer, EngineError> {
        let mut answer = self.head(&response);
        let socket = self.upgraded(response, accept, &answer).await?;
        let mut talk = Talk {
            receiver: self,
            socket,
            is_heard: false,
            longest_silence: Duration::ZERO,
            last_event: Instant::now(),
        };
        let chars = CharCount::of(request.input);
        let enough = least_length(chars, request.params.speed);
        let played = async {
            talk.greet().await.map_err(unsaid)?;
            talk.say(request).await.map_err(lost)?;
            talk.play(&mut sound, enough).await
        };
        let played = played.await;
        talk.leave().await;
        played.map_err(|failure| failed(&answer, &sound, failure))?;
        answer.bytes = sound.bytes();
        answer.first_byte = sound.first().unwrap_or_default();
        answer.words = sound.finish().map_err(|failure| EngineError {
            first_byte: Some(answer.first_byte),
            ..told(&answer, failure)
        })?;
        Ok(answer)
    }

    /// The connection behind a `101`. Nothing was said yet, so nothing is billed.
    async fn upgraded(
        &self,
        response: Response,
        accept: &str,
        answer: &Answer,
    ) -> Result<Socket, EngineError> {
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            if status.is_success() {
                let detail = format!(
                    "{} speaks no WebSocket here (status {}); use another delivery",
                    self.host,
                    status.as_u16()
                );
                return Err(told(answer, EngineError::new(FaultClass::Refused, detail)));
            }
            let mut refusal = self.refusal(response, answer.clone()).await;
            refusal.may_be_billed = false;
            return Err(refusal);
        }
        let is_ours = response
            .headers()
            .get(SEC_WEBSOCKET_ACCEPT)
            .is_some_and(|value| value == accept);
        if !is_ours {
            let detail = format!("{} answers a WebSocket's handshake wrongly", self.host);
            return Err(told(answer, EngineError::new(FaultClass::Refused, detail)));
        }
        let upgraded = timeout_at(self.end(), response.upgrade()).await;
        let Ok(Ok(stream)) = upgraded else {
            let detail = format!("{} broke the connection off", self.host);
            let failure = EngineError::new(FaultClass::Overloaded, detail);
            return Err(told(answer, failure));
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_EVENT))
            .max_frame_size(Some(MAX_EVENT));
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
    }
}

/// One conversation.
struct Talk<'a> {
    receiver: &'a Receiver<'a>,
    socket: Socket,
    /// Sound has come.
    is_heard: bool,
    longest_silence: Duration,
    last_event: Instant,
}

/// What came next.
enum Next {
    Event(Heard),
    /// Nothing, until the time was up.
    Quiet,
    Closed(Option<u16>, String),
}

impl Talk<'_> {
    /// Waits until the provider is ready to be spoken to.
    async fn greet(&mut self) -> Result<(), EngineError> {
        let receiver = self.receiver;
        let by = receiver.end().min(Instant::now() + receiver.idle);
        loop {
            match self.next(by).await? {
                Next::Event(Heard::Ready) => return Ok(()),
                Next::Event(Heard::Failed(problem)) => {
                    return Err(receiver.gave_up(&problem, false));
                }
                Next::Event(_) => {}
                Next::Quiet => {
                    let (host, idle) = (receiver.host, receiver.idle);
                    return Err(too_late("no greeting from", host, idle, Sent::Partly));
                }
                Next::Closed(code, reason) => return Err(self.closed(code, &reason)),
            }
        }
    }

    /// Sends the text and commits it.
    async fn say(&mut self, request: SpeechRequest<'_>) -> Result<(), EngineError> {
        let mut events = Vec::new();
        if let Some(extra) = &request.params.extra_params {
            let extra: serde_json::Value = serde_json::from_str(extra)
                .map_err(|error| EngineError::new(FaultClass::Refused, error.to_string()))?;
            events.push(json!({
                "type": "tts_session.updated",
                "session": { "voice": request.params.voice, "extra_params": extra },
            }));
        }
        for text in pieces(request.input) {
            events.push(json!({ "type": "input_text_buffer.append", "text": text }));
        }
        events.push(json!({ "type": "input_text_buffer.commit" }));
        let end = self.receiver.end();
        for event in events {
            let message = Message::text(event.to_string());
            match timeout_at(end, self.socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(_) => {
                    let (host, total) = (self.receiver.host, self.receiver.total);
                    return Err(too_late(
                        "the text was not taken by",
                        host,
                        total,
                        Sent::Whole,
                    ));
                }
            }
        }
        self.last_event = Instant::now();
        Ok(())
    }

    /// Plays everything up to the end, as this module's page defines it.
    async fn play(&mut self, sound: &mut Sound<'_>, enough: Duration) -> Result<(), EngineError> {
        let receiver = self.receiver;
        loop {
            self.is_heard = sound.first().is_some();
            let is_heard = self.is_heard;
            let may_be_over = sound.is_settled()
                && is_heard
                && Duration::from_millis(sound.duration().0) >= enough;
            let patience = if may_be_over {
                self.quiet()
            } else if is_heard {
                receiver.idle
            } else {
                receiver.total
            };
            let by = receiver.end().min(self.last_event + patience);
            match self.next(by).await? {
                // What says nothing about the sound, like a heartbeat, breaks no silence.
                Next::Event(Heard::Ready | Heard::Other) => {}
                Next::Event(event) => {
                    let silence = self.last_event.elapsed();
                    self.longest_silence = self.longest_silence.max(silence);
                    self.last_event = Instant::now();
                    self.hear(event, sound)?;
                }
                Next::Quiet if may_be_over => return Ok(()),
                Next::Quiet if sound.is_settled() => {
                    return Err(bad(&format!(
                        "{} stopped after {} s of sound, too little for the text",
                        receiver.host,
                        sound.duration().seconds()
                    )));
                }
                Next::Quiet => {
                    let what = if is_heard {
                        "nothing more came from"
                    } else {
                        "no sound from"
                    };
                    return Err(too_late(what, receiver.host, patience, Sent::Whole));
                }
                Next::Closed(Some(1000 | 1001) | None, _) if may_be_over => return Ok(()),
                Next::Closed(code, reason) => return Err(self.closed(code, &reason)),
            }
        }
    }

    fn hear(&self, event: Heard, sound: &mut Sound<'_>) -> Result<(), EngineError> {
        match event {
            Heard::Sound { item, base64 } => sound.add(item.as_deref(), &base64),
            Heard::ItemDone { item } => sound.done(item.as_deref()),
            Heard::Words { item, words } => {
                sound.time(item.as_deref(), words);
                Ok(())
            }
            Heard::Failed(problem) => Err(self.receiver.gave_up(&problem, sound.first().is_some())),
            Heard::Ready | Heard::End | Heard::Other => Ok(()),
        }
    }

    fn quiet(&self) -> Duration {
        (self.longest_silence * 4).clamp(LEAST_QUIET, MOST_QUIET)
    }

    /// The next event by `by`. Pings are answered by the library and are no events: they
    /// show that a machine is there, not that it speaks. A connection carries one text, so
    /// whatever context an event names is that text's.
    async fn next(&mut self, by: Instant) -> Result<Next, EngineError> {
        loop {
            let message = match timeout_at(by, self.socket.next()).await {
                Err(_) => return Ok(Next::Quiet),
                Ok(None) => return Ok(Next::Closed(None, String::new())),
                Ok(Some(Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed))) => {
                    return Ok(Next::Closed(None, String::new()));
                }
                Ok(Some(Err(error))) => return Err(self.broken(&error)),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => {
                    let event = Heard::read(&text).map_err(|error| bad(&error.to_string()))?;
                    return Ok(Next::Event(event));
                }
                Message::Close(frame) => {
                    let Some(CloseFrame { code, reason }) = frame else {
                        return Ok(Next::Closed(None, String::new()));
                    };
                    return Ok(Next::Closed(Some(code.into()), reason.to_string()));
                }
                Message::Binary(_) => {
                    return Err(bad("a binary message came where events are spoken"));
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    fn broken(&self, error: &SocketError) -> EngineError {
        let host = self.receiver.host;
        let detail = match error {
            SocketError::Capacity(_) => format!("an event has more than {MAX_EVENT} bytes"),
            error if self.is_heard => format!("the answer of {host} broke off: {error}"),
            error => format!("{host} broke the connection off: {error}"),
        };
        let mut failure = bad(&self.receiver.scrubber.tidy(&detail));
        if !self.is_heard && matches!(error, SocketError::Io(_) | SocketError::Protocol(_)) {
            failure.class = FaultClass::Overloaded;
        }
        failure
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> EngineError {
        let is_heard = self.is_heard;
        // No goodbye is a connection that was lost.
        let class = class_of_close(code.unwrap_or(1001), is_heard);
        let mut detail = format!("{} closed the connection", self.receiver.host);
        if is_heard {
            detail.push_str(" in the middle");
        }
        if let Some(code) = code {
            detail.push_str(&format!(" with code {code}"));
        }
        if !reason.is_empty() {
            detail.push_str(&format!(": {reason}"));
        }
        EngineError {
            may_be_billed: true,
            ..EngineError::new(class, self.receiver.scrubber.tidy(&detail))
        }
    }

    /// Says goodbye; whether it is heard changes nothing.
    async fn leave(&mut self) {
        let _ = timeout(GOODBYE, self.socket.close(None)).await;
    }
}

/// Before the text was said there is nothing to bill, and no answer to be a bad one.
fn unsaid(failure: EngineError) -> EngineError {
    let class = match failure.class {
        FaultClass::BadAnswer => FaultClass::Refused,
        class => class,
    };
    EngineError {
        class,
        may_be_billed: false,
        ..failure
    }
}

/// A text that did not all arrive may still have been begun.
fn lost(failure: EngineError) -> EngineError {
    EngineError {
        may_be_billed: failure.class != FaultClass::Refused,
        ..failure
    }
}
