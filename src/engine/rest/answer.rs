//! From the head of an answer to bytes in the caller's writer, or to the reason why not.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION};
use tokio::time::{Instant, timeout_at};

use crate::domain::{AudioFormat, FaultClass};
use crate::engine::rest::endpoint::shown_host;
use crate::engine::rest::failure::{Sent, root_cause, too_late};
use crate::engine::rest::pace;
use crate::engine::rest::problem::{MAX_BODY, Problem, Scrubber, class_of, may_be_billed};
use crate::engine::rest::sound::{container, is_container};
use crate::engine::{Answer, EngineError};

/// What the body must look like at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Speech(AudioFormat),
    Json,
    /// Models or voices: an object or a bare array.
    List,
}

impl Expected {
    fn noun(self) -> &'static str {
        match self {
            Self::Speech(_) => "audio",
            Self::Json => "a transcript",
            Self::List => "a list",
        }
    }
}

/// One answer being received.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    pub(super) host: &'a str,
    pub(super) scrubber: &'a Scrubber,
    pub(super) expected: Expected,
    pub(super) sent_at: Instant,
    pub(super) total: Duration,
    pub(super) idle: Duration,
    pub(super) cap: u64,
}

impl Receiver<'_> {
    /// Streams `response` into `body` if it is a success, and explains it if not.
    pub(super) async fn receive(
        &self,
        mut response: Response,
        body: &mut (dyn Write + Send),
    ) -> Result<Answer, EngineError> {
        let mut answer = self.head(&response);
        if !matches!(response.status().as_u16(), 200 | 201) {
            return Err(self.refusal(response, answer).await);
        }
        self.check_encoding(&response, &answer)?;
        if response
            .content_length()
            .is_some_and(|length| length > self.cap)
        {
            return Err(self.too_large(&answer));
        }
        let mut is_begun = false;
        loop {
            let chunk = match self.next_chunk(&mut response).await {
                Ok(chunk) => chunk,
                Err(broken) => return Err(told(&answer, broken)),
            };
            let Some(chunk) = chunk else { break };
            if !is_begun && !chunk.is_empty() {
                is_begun = true;
                answer.first_byte = self.sent_at.elapsed();
                let is_raw = self.expected == Expected::Speech(AudioFormat::Raw);
                if is_raw && is_container(&chunk) {
                    return Err(told(&answer, container()));
                }
                if self.is_no_answer(&answer, &chunk) {
                    return Err(self.message_under_success(response, answer, chunk).await);
                }
            }
            answer.bytes = answer.bytes.saturating_add(length(&chunk));
            if answer.bytes > self.cap {
                return Err(self.too_large(&answer));
            }
            if let Err(error) = body.write_all(&chunk) {
                let mut failure = EngineError::new(
                    FaultClass::Local,
                    format!("the answer cannot be written: {error}"),
                );
                failure.may_be_billed = true;
                return Err(told(&answer, failure));
            }
        }
        if answer.bytes == 0 {
            return Err(bad(&answer, "the answer is empty"));
        }
        Ok(answer)
    }

    /// What the head of an answer says.
    pub(super) fn head(&self, response: &Response) -> Answer {
        Answer {
            http_status: Some(response.status().as_u16()),
            request_id: self.request_id(response.headers()),
            content_type: self.header(response.headers(), CONTENT_TYPE.as_str()),
            stated: pace::stated(response.headers()),
            ..Answer::default()
        }
    }

    /// Nothing is decompressed here.
    pub(super) fn check_encoding(
        &self,
        response: &Response,
        answer: &Answer,
    ) -> Result<(), EngineError> {
        match self.header(response.headers(), CONTENT_ENCODING.as_str()) {
            Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
                let detail =
                    format!("the answer is encoded as `{encoding}`, which was not asked for");
                Err(bad(answer, &detail))
            }
            _ => Ok(()),
        }
    }

    /// When the whole request must be over.
    pub(super) fn end(&self) -> Instant {
        self.sent_at + self.total
    }

    /// The next piece of the body within the idle and the total limit.
    async fn next_chunk(&self, response: &mut Response) -> Result<Option<Bytes>, EngineError> {
        let idle_end = Instant::now() + self.idle;
        self.chunk_by(idle_end, response).await
    }

    /// The next piece of the body by `idle_end` and within the total limit.
    pub(super) async fn chunk_by(
        &self,
        idle_end: Instant,
        response: &mut Response,
    ) -> Result<Option<Bytes>, EngineError> {
        let end = self.end();
        match timeout_at(end.min(idle_end), response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => {
                // Paid for and useless. It counts as a failure, so that a provider which
                // always breaks off cannot be paid without end.
                let mut failure = EngineError::new(
                    FaultClass::BadAnswer,
                    self.scrubber.tidy(&format!(
                        "the answer of {} broke off: {}",
                        self.host,
                        root_cause(&error)
                    )),
                );
                failure.may_be_billed = true;
                Err(failure)
            }
            Err(_) if end <= idle_end => Err(too_late(
                "the answer was not finished by",
                self.host,
                self.total,
                Sent::Whole,
            )),
            Err(_) => Err(too_late(
                "nothing more came from",
                self.host,
                self.idle,
                Sent::Whole,
            )),
        }
    }

    /// Whether a body that begins with `first` is a message instead of what was asked for.
    fn is_no_answer(&self, answer: &Answer, first: &[u8]) -> bool {
        // A byte order mark says nothing about what follows.
        let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        let starts_with = first.trim_ascii_start().first();
        match self.expected {
            // Other forms are read too: a server that knows but one answers in it.
            Expected::Json => match starts_with {
                None | Some(b'<') => true,
                // whisper.cpp labels its JSON as a page.
                Some(b'{') => false,
                Some(_) => answer
                    .content_type
                    .as_deref()
                    .is_some_and(|kind| kind.starts_with("text/html")),
            },
            Expected::List => !matches!(starts_with, Some(b'{' | b'[')),
            // Sound under a wrong label was paid for like any other, and is decoded before it
            // counts.
            Expected::Speech(_) if is_text_type(answer.content_type.as_deref()) => {
                reads_as_text(first)
            }
            // Samples may begin with any byte, so only readable text is no sample.
            Expected::Speech(AudioFormat::Raw) => {
                matches!(starts_with, Some(b'{' | b'<'))
                    && first
                        .iter()
                        .take(64)
                        .all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
            }
            Expected::Speech(_) => matches!(starts_with, Some(b'{' | b'<')),
        }
    }

    /// A success that brought words: reads on to find out which.
    pub(super) async fn message_under_success(
        &self,
        mut response: Response,
        answer: Answer,
        first: Bytes,
    ) -> EngineError {
        let body = self.small_body(&mut response, first).await;
        let words = self.scrubber.tidy(&Problem::read(&body).words);
        let detail = format!(
            "status {} brought words instead of {}: {words}",
            response.status().as_u16(),
            self.expected.noun(),
        );
        bad(&answer, &detail)
    }

    /// An answer whose status is no success.
    pub(super) async fn refusal(&self, mut response: Response, answer: Answer) -> EngineError {
        let status = response.status();
        let headers = response.headers().clone();
        let body = if self
            .header(&headers, CONTENT_ENCODING.as_str())
            .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"))
        {
            self.small_body(&mut response, Bytes::new()).await
        } else {
            Vec::new()
        };
        let problem = Problem::read(&body);
        let mut detail = match status.canonical_reason() {
            Some(reason) => format!("{} {reason}", status.as_u16()),
            None => status.as_u16().to_string(),
        };
        if status.is_redirection() {
            let target = headers
                .get(LOCATION)
                .and_then(|target| target.to_str().ok())
                .and_then(|target| response.url().join(target).ok());
            detail = match target {
                Some(url) => format!(
                    "{detail}: redirects to {} are not followed",
                    shown_host(&url)
                ),
                None => format!("{detail}: redirects are not followed"),
            };
        } else if !problem.words.is_empty() {
            detail = format!("{detail}: {}", problem.words);
        }
        let class = class_of(status.as_u16(), problem.code.as_deref());
        let mut failure = EngineError::new(class, self.scrubber.tidy(&detail));
        failure.retry_after = pace::wait(&headers);
        failure.may_be_billed = class == FaultClass::BadAnswer || may_be_billed(status.as_u16());
        told(&answer, failure)
    }

    /// Up to 16 KB of a body that is only read for its words. Whatever stops the reading,
    /// the words so far are what there is to show.
    async fn small_body(&self, response: &mut Response, first: Bytes) -> Vec<u8> {
        let mut body = first.to_vec();
        while body.len() < MAX_BODY {
            match self.next_chunk(response).await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(MAX_BODY);
        body
    }

    fn too_large(&self, answer: &Answer) -> EngineError {
        let detail = format!("the answer is larger than {} bytes", self.cap);
        bad(answer, &detail)
    }

    /// The provider's id of the request, under the names seen in the wild.
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        ["x-request-id", "x-together-traceid", "request-id", "cf-ray"]
            .iter()
            .find_map(|name| self.header(headers, name))
    }

    /// A header's text, tidied; at most 128 characters.
    fn header(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let text = self.scrubber.tidy(headers.get(name)?.to_str().ok()?);
        let text: String = text.chars().take(128).collect();
        (!text.is_empty()).then_some(text)
    }
}

/// An answer that was paid for and is none.
fn bad(answer: &Answer, detail: &str) -> EngineError {
    let mut failure = EngineError::new(FaultClass::BadAnswer, detail);
    failure.may_be_billed = true;
    told(answer, failure)
}

/// `failure` with what the head of the answer said.
pub(super) fn told(answer: &Answer, mut failure: EngineError) -> EngineError {
    failure.http_status = answer.http_status;
    failure.request_id.clone_from(&answer.request_id);
    failure.stated = answer.stated;
    failure
}

/// Whether a content type promises words instead of audio.
fn is_text_type(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|content_type| {
        let content_type = content_type.to_ascii_lowercase();
        content_type.starts_with("text/") || content_type.contains("json")
    })
}

/// Whether the first bytes of a body can be read; sound never can.
fn reads_as_text(first: &[u8]) -> bool {
    let head = &first[..first.len().min(64)];
    let is_cut = |error: &std::str::Utf8Error| error.error_len().is_none();
    let is_text = std::str::from_utf8(head).map_or_else(|error| is_cut(&error), |_| true);
    is_text && !head.contains(&0)
}

fn length(chunk: &Bytes) -> u64 {
    u64::try_from(chunk.len()).unwrap_or(u64::MAX)
}
