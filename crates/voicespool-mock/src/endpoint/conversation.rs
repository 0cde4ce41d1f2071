//! What is said over a WebSocket: text in, events out, on one connection that is one visit.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};

use voicespool_media::domain::AudioMillis;

use crate::endpoint::session::Session;
use crate::endpoint::speech::sell;
use crate::events::{self, Told};
use crate::fault::{Fault, StreamFault};
use crate::reply::never;
use crate::speech::Spoken;
use crate::visit::Visit;

/// Together's limit of contexts on one connection.
const MAX_CONTEXTS: usize = 100;

/// The client is gone, or shall be.
#[derive(Debug)]
struct Gone;

/// The conversation, to the end of the connection.
pub(super) async fn converse(visit: Visit, socket: WebSocket, session: Session) {
    let fault = visit.fault().cloned().unwrap_or_default();
    let mut talk = Talk {
        visit,
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
        let order = match self.session.order(text, self.visit.app.options.max_chars) {
            Ok(order) => order,
            Err(refusal) => return self.fail(refusal.message(), "invalid_request_error").await,
        };
        let words = order.words;
        let spoken = match sell(&mut self.visit, order).await {
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
