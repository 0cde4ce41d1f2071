//! `GET audio/speech/websocket`: text in, events out, on one connection that is one visit.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::app::Visit;
use crate::events::{self, Told};
use crate::fault::{Fault, StreamFault};
use crate::reply::{Refusal, Reply, never};
use crate::speech::{self, Spoken};
use voicespool_media::domain::{AudioMillis, Segmenting};

/// Together's limit of contexts on one connection.
const MAX_CONTEXTS: usize = 100;

/// The client is gone, or shall be.
#[derive(Debug)]
struct Gone;

/// What the address asks for.
#[derive(Debug, Clone)]
pub(super) struct Session {
    fields: Map<String, Value>,
    segment: Segmenting,
    max_partial: usize,
    speed: f64,
}

impl Session {
    /// Checks the query.
    pub(super) fn parse(query: &HashMap<String, String>) -> Result<Self, Refusal> {
        const KNOWN: &[&str] = &[
            "model",
            "voice",
            "max_partial_length",
            "response_format",
            "sample_rate",
            "speed",
            "language",
            "alignment",
            "segment",
            "api_key",
        ];
        if let Some(name) = query.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            let name: String = name.chars().take(40).collect();
            let words = format!("Unrecognized query parameter: {name}.");
            return Err(Refusal::bad_request("unknown_parameter", words));
        }
        let get = |name: &str| query.get(name).map(String::as_str);
        if !matches!(get("response_format"), None | Some("pcm" | "raw")) {
            let words = "This server streams pcm over a WebSocket.";
            return Err(Refusal::invalid("response_format", words));
        }
        let number = |name: &'static str, default: f64| match get(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite() && *number > 0.0)
                .ok_or_else(|| Refusal::invalid(name, format!("{name} must be a number."))),
        };
        let segment = match get("segment") {
            None => Segmenting::Sentence,
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::invalid("segment", "Unknown segment."))?,
        };
        let max_partial = number("max_partial_length", 250.0)?;
        let speed = number("speed", 1.0)?;
        let rate = number("sample_rate", 24_000.0)?;
        let mut fields = Map::new();
        fields.insert("response_format".to_owned(), "raw".into());
        fields.insert("response_encoding".to_owned(), "pcm_s16le".into());
        let whole = Duration::from_secs_f64(rate.min(1e6)).as_secs();
        fields.insert("sample_rate".to_owned(), whole.into());
        for name in ["model", "voice", "language", "alignment"] {
            if let Some(value) = get(name) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        Ok(Self {
            fields,
            segment,
            max_partial: usize::try_from(Duration::from_secs_f64(max_partial.min(1e9)).as_secs())
                .unwrap_or(usize::MAX),
            speed,
        })
    }

    fn order(&self, text: &str, max_chars: usize) -> Result<speech::Order, Refusal> {
        let mut fields = self.fields.clone();
        fields.insert("input".to_owned(), text.into());
        speech::Order::read(&fields, max_chars, Some(self.speed))
    }
}

impl Visit {
    /// Key, pace and the faults that stand in place of a handshake.
    pub(super) async fn knock(
        &mut self,
        headers: &HeaderMap,
        query: &HashMap<String, String>,
    ) -> Result<Option<Reply>, Refusal> {
        let mut headers = headers.clone();
        if let Some(key) = query.get("api_key")
            && let Ok(value) = format!("Bearer {key}").parse()
        {
            headers.insert(axum::http::header::AUTHORIZATION, value);
        }
        self.before(&headers).await
    }

    /// The conversation, to the end of the connection.
    pub(super) async fn converse(self, socket: WebSocket, session: Session) {
        let fault = self.fault().cloned().unwrap_or_default();
        let mut talk = Talk {
            visit: self,
            socket,
            session,
            fault,
            contexts: HashMap::new(),
            items: 0,
            sent: 0,
        };
        // The client left, or was left.
        let _ = talk.run().await;
    }
}

struct Talk {
    visit: Visit,
    socket: WebSocket,
    session: Session,
    fault: Fault,
    /// Text that was appended and not committed, by context.
    contexts: HashMap<String, String>,
    items: u64,
    /// Bytes of samples.
    sent: usize,
}

impl Talk {
    async fn run(&mut self) -> Result<(), Gone> {
        if self.fault.stream == StreamFault::Busy {
            return self.close(4503, "no healthy workers").await;
        }
        let field = |name: &str| self.session.fields.get(name).cloned();
        let created = json!({
            "event_id": "evt_1", "type": "session.created",
            "session": {
                "id": "s1", "object": "realtime.tts.session", "modalities": ["text", "audio"],
                "model": field("model"), "voice": field("voice"),
            },
        });
        self.say(created).await?;
        while let Some(Ok(message)) = self.socket.recv().await {
            let Message::Text(text) = message else {
                continue;
            };
            if self.fault.hang {
                match never().await {}
            }
            let event: Value = serde_json::from_str(&text).unwrap_or_default();
            self.hear(&event).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, event: &Value) -> Result<(), Gone> {
        let context = event["context_id"].as_str().unwrap_or("default").to_owned();
        match event["type"].as_str().unwrap_or_default() {
            "input_text_buffer.append" => {
                let text = event["text"].as_str().unwrap_or_default();
                let is_new = !self.contexts.contains_key(&context);
                if is_new && self.contexts.len() == MAX_CONTEXTS {
                    return self
                        .fail("too many contexts", "invalid_request_error")
                        .await;
                }
                self.contexts.entry(context).or_default().push_str(text);
                let received = json!({
                    "type": "conversation.item.input_text.received", "text": text,
                });
                self.say(received).await
            }
            "input_text_buffer.commit" => {
                let text = self.contexts.remove(&context).unwrap_or_default();
                self.speak(&text, &context).await
            }
            "input_text_buffer.clear" => {
                self.contexts.remove(&context);
                Ok(())
            }
            "context.cancel" => {
                self.contexts.remove(&context);
                let cancelled = json!({ "type": "context.cancelled", "context_id": context });
                self.say(cancelled).await
            }
            "tts_session.updated" => {
                if let Some(voice) = event["session"]["voice"].as_str() {
                    self.session.fields.insert("voice".to_owned(), voice.into());
                }
                Ok(())
            }
            other => {
                let words = format!("unknown event {other:?}");
                self.fail(&words, "invalid_request_error").await
            }
        }
    }

    async fn fail(&mut self, message: &str, kind: &str) -> Result<(), Gone> {
        let failed = json!({
            "type": "conversation.item.tts.failed",
            "error": { "message": message, "type": kind, "param": null, "code": null },
        });
        self.say(failed).await
    }

    /// Speaks what was committed, in as many items as the session makes of it.
    async fn speak(&mut self, text: &str, context: &str) -> Result<(), Gone> {
        if text.trim().is_empty() {
            return Ok(());
        }
        match self.fault.stream {
            StreamFault::ErrorFirst => {
                return self
                    .say(json!({ "type": "error", "message": "Injected.", "code": 503 }))
                    .await;
            }
            StreamFault::Silent => return Ok(()),
            _ => {}
        }
        let order = match self.session.order(text, self.visit.max_chars()) {
            Ok(order) => order,
            Err(refusal) => return self.fail(refusal.message(), "invalid_request_error").await,
        };
        let words = order.words;
        let spoken = match self.visit.sell(order).await {
            Ok(spoken) => spoken,
            Err(refusal) => return self.fail(refusal.message(), "server_error").await,
        };
        let samples = spoken.samples();
        let items = events::items(
            text,
            &samples,
            self.session.segment,
            self.session.max_partial,
        );
        let count = items.len();
        for (idx, (text, samples)) in items.into_iter().enumerate() {
            let told = Told {
                text,
                samples,
                duration: share(&spoken, samples.len()),
                words,
            };
            self.tell(told, context, idx + 1 == count).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, told: Told<'_>, context: &str, is_last: bool) -> Result<(), Gone> {
        self.items += 1;
        let item = format!("tts_{}", self.items);
        let fault = self.fault.stream;
        let pieces = events::pieces(told.samples, fault);
        let middle = pieces.len() / 2;
        for (idx, piece) in pieces.iter().enumerate() {
            if idx == middle && is_last {
                self.meet(fault).await?;
            }
            let mut event = json!({
                "type": "conversation.item.audio_output.delta", "item_id": item, "delta": piece,
            });
            if context != "default" {
                event["context_id"] = context.into();
            }
            self.say(event).await?;
            self.sent += piece.len() / 4 * 3;
            self.pace(piece.len() / 4 * 3).await?;
            if idx == 0
                && let Some(event) = events::word_event(told, Some(&item), fault)
            {
                self.say(event).await?;
            }
        }
        if fault == StreamFault::NoDone && is_last {
            return Ok(());
        }
        self.say(json!({
            "type": "conversation.item.audio_output.done", "item_id": item,
        }))
        .await?;
        if fault == StreamFault::Stall {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        Ok(())
    }

    /// What goes wrong in the middle of the last item.
    async fn meet(&mut self, fault: StreamFault) -> Result<(), Gone> {
        match fault {
            StreamFault::Error => {
                self.fail("Injected in the middle.", "server_error").await?;
                Err(Gone)
            }
            StreamFault::Close => self.close(1011, "injected").await,
            StreamFault::Json => self.send(Message::Text("{\"type\": ".into())).await,
            StreamFault::Base64 => {
                self.say(json!({
                    "type": "conversation.item.audio_output.delta",
                    "item_id": format!("tts_{}", self.items), "delta": "*this* is none",
                }))
                .await
            }
            StreamFault::Odd => {
                self.send(Message::Ping(vec![1, 2].into())).await?;
                self.say(json!({ "type": "something.new", "context_id": "another" }))
                    .await
            }
            _ => Ok(()),
        }
    }

    /// The faults `cut` and `drip`, in bytes of samples.
    async fn pace(&mut self, bytes: usize) -> Result<(), Gone> {
        if self.fault.cut.is_some_and(|cut| self.sent >= cut) {
            // Dropped without a word.
            return Err(Gone);
        }
        if let Some(rate) = self.fault.drip {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let rate = u32::try_from(rate).unwrap_or(u32::MAX).max(1);
            tokio::time::sleep(Duration::from_secs_f64(f64::from(bytes) / f64::from(rate))).await;
        }
        Ok(())
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        self.send(Message::Close(Some(frame))).await?;
        Err(Gone)
    }

    async fn say(&mut self, event: Value) -> Result<(), Gone> {
        self.send(Message::Text(event.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).await.map_err(|_| Gone)
    }
}

/// Length of `bytes` of what was spoken.
fn share(spoken: &Spoken, bytes: usize) -> AudioMillis {
    let total = spoken.samples().len().max(1);
    let millis = u128::from(spoken.duration.0) * u128::try_from(bytes).unwrap_or(0);
    let millis = millis / u128::try_from(total).unwrap_or(1);
    AudioMillis(u64::try_from(millis).unwrap_or(0))
}
