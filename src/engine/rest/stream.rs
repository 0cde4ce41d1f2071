//! An answer that comes as server-sent events.
//!
//! Whole is what ended with its own mark (`[DONE]`, or OpenAI's `speech.audio.done`): the
//! end of the connection proves nothing. Sound goes out as it comes; one event is the most
//! that sits in memory.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::domain::FaultClass;
use crate::engine::rest::answer::{Receiver, told};
use crate::engine::rest::events::{Framed, Frames, Heard};
use crate::engine::rest::problem::{Problem, class_of_event};
use crate::engine::rest::sound::{Sound, bad};
use crate::engine::{Answer, EngineError};

/// How long the end of the connection is waited for behind the mark of the end, so that
/// the connection can be used again.
const TAIL: Duration = Duration::from_millis(200);

/// Whether there is more to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    More,
    End,
}

impl Receiver<'_> {
    /// Plays `response` into `sound` if it is a success, and explains it if not.
    pub(super) async fn receive_events(
        &self,
        mut response: Response,
        mut sound: Sound<'_>,
    ) -> Result<Answer, EngineError> {
        let mut answer = self.head(&response);
        if response.status().as_u16() != 200 {
            return Err(self.refusal(response, answer).await);
        }
        self.check_encoding(&response, &answer)?;
        let first = self.next_piece(&mut response, false).await;
        match first {
            Ok(Some(first)) if is_no_stream(answer.content_type.as_deref(), &first) => {
                return Err(self.message_under_success(response, answer, first).await);
            }
            Ok(first) => {
                let played = self.play(&mut response, first, &mut sound).await;
                played.map_err(|failure| failed(&answer, &sound, failure))?;
            }
            Err(failure) => return Err(failed(&answer, &sound, failure)),
        }
        answer.bytes = sound.bytes();
        answer.first_byte = sound.first().unwrap_or_default();
        answer.words = sound.finish().map_err(|failure| EngineError {
            first_byte: Some(answer.first_byte),
            ..told(&answer, failure)
        })?;
        // An error or a timeout here costs a connection, not the answer.
        while let Ok(Ok(Some(_))) = timeout(TAIL, response.chunk()).await {
            if self.sent_at.elapsed() > self.total {
                break;
            }
        }
        Ok(answer)
    }

    /// Everything up to the mark of the end.
    async fn play(
        &self,
        response: &mut Response,
        first: Option<Bytes>,
        sound: &mut Sound<'_>,
    ) -> Result<(), EngineError> {
        let mut frames = Frames::default();
        let mut piece = first;
        loop {
            let is_over = piece.is_none();
            match piece {
                Some(bytes) => frames.push(&bytes),
                None => frames.end(),
            }
            while let Some(event) = frames.next().map_err(|error| bad(&error.to_string()))? {
                if self.hear(event, sound)? == Flow::End {
                    return Ok(());
                }
            }
            if is_over {
                return Err(bad(&format!(
                    "the stream of {} broke off before its end",
                    self.host
                )));
            }
            piece = self.next_piece(response, sound.first().is_some()).await?;
        }
    }

    fn hear(&self, event: Framed, sound: &mut Sound<'_>) -> Result<Flow, EngineError> {
        let text = match event {
            Framed::Done => return Ok(Flow::End),
            Framed::Data {
                text,
                is_error: true,
            } => {
                let problem = Problem::read(text.as_bytes());
                return Err(self.gave_up(&problem, sound.first().is_some()));
            }
            Framed::Data { text, .. } => text,
        };
        match Heard::read(&text).map_err(|error| bad(&error.to_string()))? {
            Heard::Sound { item, base64 } => sound.add(item.as_deref(), &base64)?,
            Heard::ItemDone { item } => sound.done(item.as_deref())?,
            Heard::Words { item, words } => sound.time(item.as_deref(), words),
            Heard::End => return Ok(Flow::End),
            Heard::Failed(problem) => {
                return Err(self.gave_up(&problem, sound.first().is_some()));
            }
            Heard::Ready | Heard::Other => {}
        }
        Ok(Flow::More)
    }

    /// The provider said that it failed.
    pub(super) fn gave_up(&self, problem: &Problem, is_heard: bool) -> EngineError {
        let (class, may_be_billed) = class_of_event(problem, is_heard);
        let when = if is_heard {
            "gave up in the middle"
        } else {
            "gave up"
        };
        let words = match problem.words.as_str() {
            "" => "without a word",
            words => words,
        };
        let detail = self
            .scrubber
            .tidy(&format!("{} {when}: {words}", self.host));
        EngineError {
            may_be_billed,
            ..EngineError::new(class, detail)
        }
    }

    /// The next piece. Before the first sound only the total limit counts: a provider
    /// may think for minutes.
    async fn next_piece(
        &self,
        response: &mut Response,
        is_heard: bool,
    ) -> Result<Option<Bytes>, EngineError> {
        let idle_end = if is_heard {
            Instant::now() + self.idle
        } else {
            self.end()
        };
        self.chunk_by(idle_end, response).await
    }
}

/// `failure` with what was known when it happened. What began to sound is never free.
pub(super) fn failed(answer: &Answer, sound: &Sound<'_>, failure: EngineError) -> EngineError {
    let is_lost = matches!(
        failure.class,
        FaultClass::BadAnswer | FaultClass::TimedOut | FaultClass::Local
    );
    EngineError {
        first_byte: sound.first(),
        may_be_billed: failure.may_be_billed || (is_lost && sound.first().is_some()),
        ..told(answer, failure)
    }
}

/// Whether a body that begins with `first` is something else than events.
fn is_no_stream(content_type: Option<&str>, first: &[u8]) -> bool {
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    let first = first.trim_ascii_start();
    // Content types lie in both directions; only words and sound are sure to be no events.
    let looks_like_events = [&b"data"[..], b"event", b"id", b"retry", b":"]
        .iter()
        .any(|field| first.starts_with(field) || field.starts_with(first));
    let is_events =
        content_type.is_some_and(|name| name.to_ascii_lowercase().contains("event-stream"));
    !looks_like_events && (!is_events || matches!(first.first(), Some(b'{' | b'<')))
}
