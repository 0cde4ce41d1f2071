//! Speech providers behind one trait. Only this room speaks HTTP.
//!
//! One call is one request is one line on the bill: nothing here retries, waits
//! for a rate, or decides where a result is kept. An engine makes the request,
//! streams the answer out under a byte cap, and classifies what went wrong.

pub mod delay;
pub mod error;
pub mod fetch;
pub mod lesson;
pub mod limit;
pub mod local;
pub mod rest;
pub mod transcription;

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

pub use error::EngineError;
pub use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::domain::{AudioMillis, Delivery, SpeechParams, TranscriptionParams, Word};

/// Speak `input` as it is: its Unicode scalar values are what is billed.
#[derive(Debug, Clone, Copy)]
pub struct SpeechRequest<'a> {
    pub params: &'a SpeechParams,
    pub input: &'a str,
    pub delivery: Delivery,
}

/// Where the recording is.
#[derive(Debug, Clone, Copy)]
pub enum Recording<'a> {
    /// Here: it is sent along.
    File(&'a Path),
    /// There: the provider fetches it, and this program never does. May be signed, so no
    /// message shows it.
    Url(&'a SecretString),
}

/// Transcribe a recording.
#[derive(Debug, Clone, Copy)]
pub struct TranscriptionRequest<'a> {
    pub params: &'a TranscriptionParams,
    pub recording: Recording<'a>,
    /// Length of the audio, for deadlines; zero when unknown.
    pub duration: AudioMillis,
}

/// A request that was answered with success. The body went to the caller's writer;
/// only decoding it proves that it is whole (a body cut without a length header looks
/// like success to every HTTP client). A stream counts as answered only after its own
/// mark of the end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub http_status: Option<u16>,
    /// The provider's own id of the request, for support.
    pub request_id: Option<String>,
    pub content_type: Option<String>,
    /// Bytes written to the body.
    pub bytes: u64,
    /// From sending to the first byte of the body; of a stream, to its first sound.
    pub first_byte: Duration,
    /// Times of the words from the start of the sound, as the provider gave them; empty
    /// unless they were asked for and given.
    pub words: Vec<Word>,
    /// What the headers say of the provider's limits.
    pub stated: StatedLimit,
}

/// The limit a provider states in the headers of an answer, refused or not. An upper bound
/// for the pace, never a promise.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StatedLimit {
    /// Requests per second, finite and above zero.
    pub per_second: Option<f64>,
    /// Nothing is left of the limit for this long, 0 to 15 min.
    pub used_up_for: Option<Duration>,
}

/// A speech provider.
///
/// `body` is written to synchronously in small slices (page cache, not disk: the
/// caller syncs), so that a large answer never sits in memory.
///
/// Cancel safety: dropping the future aborts the request; it may have been billed.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Writes the provider's audio container, unmodified, to `body`; or, where
    /// [`SpeechParams::wire_format`] is raw, samples as [`SpeechParams::raw_audio`] says,
    /// whole ones and without a header.
    fn speak<'a>(
        &'a self,
        request: SpeechRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>>;

    /// Writes the provider's `verbose_json`, unmodified, to `body`.
    /// [`transcription::parse_transcript`] reads it.
    fn transcribe<'a>(
        &'a self,
        request: TranscriptionRequest<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Answer, EngineError>>;

    /// Asks whether anybody answers there, with a request that costs nothing. `None`: there is none
    /// that does. That it is answered does not mean that work would be.
    fn knock(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        None
    }
}
