//! `POST audio/transcriptions`: a form with the model first and the file last, so that
//! the provider's edge can route it before the upload is over.
//!
//! The file is streamed with a length announced beforehand (some servers refuse chunked
//! uploads). Its name stays here: the provider sees `audio.EXT`, because names of
//! private recordings tell more than a transcription needs. A recording at a URL is named by it, in
//! plain text where the file would be: the provider fetches it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::audio::{Container, HEAD_BYTES, sniff};
use crate::domain::{FaultClass, TranscriptionParams};
use crate::engine::rest::dialect::{
    Diarizing, Granularities, Hearing, Kind, Translating, unsupported_transcription,
};
use crate::engine::rest::failure::Sent;
use crate::engine::rest::wire::part;
use crate::engine::{EngineError, Recording, TranscriptionRequest};

/// Bytes read from the file at a time.
const SLICE: usize = 64 * 1024;

/// Whether an answer with times is asked for: some models refuse it, and give text alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Asked,
    NotAsked,
}

impl Times {
    pub(super) fn response_format(self) -> &'static str {
        match self {
            Self::Asked => "verbose_json",
            Self::NotAsked => "json",
        }
    }
}

/// How far an upload has come; shared with the connection that sends it.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) bytes: u64,
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    is_read_to_the_end: AtomicBool,
    local_fault: OnceLock<String>,
}

impl Upload {
    /// Whether the provider can have the whole file.
    pub(super) fn sent(&self) -> Sent {
        if self.progress.is_read_to_the_end.load(Ordering::Acquire) {
            Sent::Whole
        } else {
            Sent::Partly
        }
    }

    /// What went wrong with the file on this side, if anything.
    pub(super) fn local_fault(&self) -> Option<EngineError> {
        let detail = self.progress.local_fault.get()?;
        Some(EngineError::new(FaultClass::Local, detail))
    }
}

/// The request, or the reason why it must not be sent.
pub(super) async fn request(
    client: &Client,
    url: &Url,
    kind: Kind,
    request: TranscriptionRequest<'_>,
    times: Times,
) -> Result<(RequestBuilder, Upload), EngineError> {
    let lacking = unsupported_transcription(kind, request.params);
    if !lacking.is_empty() {
        return Err(EngineError::new(FaultClass::Refused, lacking.join("; ")));
    }
    let form = fields(kind, request.params, times);
    let (form, upload) = match request.recording {
        Recording::File(path) => attached(form, path).await?,
        Recording::Url(address) => named(form, kind, address)?,
    };
    let builder = client
        .post(url.clone())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .multipart(form);
    Ok((builder, upload))
}

/// `form` with the URL of the recording.
fn named(form: Form, kind: Kind, address: &SecretString) -> Result<(Form, Upload), EngineError> {
    let Some(part) = kind.url_part() else {
        let detail = format!("{} takes no recording by URL", kind.as_str());
        return Err(EngineError::new(FaultClass::Refused, detail));
    };
    let upload = Upload {
        bytes: 0,
        progress: Arc::default(),
    };
    // A form this small leaves in one piece.
    upload
        .progress
        .is_read_to_the_end
        .store(true, Ordering::Release);
    Ok((form.text(part, address.expose_secret().to_owned()), upload))
}

/// `form` with the file at `path`, which is read while it is sent.
async fn attached(form: Form, path: &Path) -> Result<(Form, Upload), EngineError> {
    let (file, bytes) = open(path).await.map_err(|error| {
        EngineError::new(
            FaultClass::Local,
            format!("the audio cannot be read: {error}"),
        )
    })?;
    let upload = Upload {
        bytes,
        progress: Arc::default(),
    };
    let (name, media_type) = public_name(path, container(path).await);
    let body = Body::wrap_stream(slices(file, bytes, Arc::clone(&upload.progress)));
    let file = Part::stream_with_length(body, bytes)
        .file_name(name)
        .mime_str(media_type)
        .map_err(|error| EngineError::new(FaultClass::Refused, error.without_url().to_string()))?;
    Ok((form.part(part::FILE, file), upload))
}

/// Whether a translation has a route of its own.
pub(super) fn has_route_to_translate(kind: Kind) -> bool {
    let hearing = kind.facts().hearing.as_ref();
    hearing.is_some_and(|hearing| hearing.translating != Translating::FieldToEnglish)
}

/// Everything but the file, the model first.
fn fields(kind: Kind, params: &TranscriptionParams, times: Times) -> Form {
    let mut form = Form::new()
        .percent_encode_noop()
        .text(part::MODEL, params.model.clone());
    let Some(hearing) = &kind.facts().hearing else {
        return form;
    };
    // Of a translation the field says what to translate to (Together's schema of 2026-04);
    // the others' always go to English. Where a field asks for it, it is told what is spoken.
    let spoken = kind.transcription_language(&params.language);
    let language = match (&params.translate_to, hearing.translating) {
        (None, _) | (Some(_), Translating::FieldToEnglish) => spoken,
        (Some(target), Translating::RouteToAny) => Some(target.as_str()),
        (Some(_), Translating::RouteToEnglish) => None,
    };
    if let Some(language) = language {
        form = form.text(part::LANGUAGE, language.to_owned());
    }
    if params.translate_to.is_some() && hearing.translating == Translating::FieldToEnglish {
        form = form.text(part::TRANSLATE, "true");
    }
    if let Some(prompt) = &params.prompt {
        form = form.text(part::PROMPT, prompt.clone());
    }
    form = form.text(part::RESPONSE_FORMAT, times.response_format());
    if let Some(temperature) = params.temperature {
        form = form.text(part::TEMPERATURE, temperature.to_string());
    }
    if times == Times::Asked {
        form = granularities(form, hearing, params);
    }
    if let Some(speakers) = params.diarize {
        let (field, is_counted) = match hearing.diarizing {
            Diarizing::No => return form,
            Diarizing::Field(name) => (name, false),
            Diarizing::Counted => (part::DIARIZE, true),
        };
        form = form.text(field, "true");
        for (name, count) in [
            (part::MIN_SPEAKERS, speakers.min),
            (part::MAX_SPEAKERS, speakers.max),
        ] {
            if let Some(count) = count.filter(|_| is_counted) {
                form = form.text(name, count.to_string());
            }
        }
    }
    form
}

/// What is to be timed, in the provider's spelling.
fn granularities(form: Form, hearing: &Hearing, params: &TranscriptionParams) -> Form {
    match hearing.granularities {
        Granularities::Unasked => form,
        Granularities::Commas => {
            // Speakers are told apart by words there.
            let words = params.words || params.diarize.is_some();
            let wanted = if words { "segment,word" } else { "segment" };
            form.text(part::BARE_GRANULARITIES, wanted)
        }
        Granularities::Brackets => {
            let form = form.text(part::GRANULARITIES, "segment");
            if params.words {
                form.text(part::GRANULARITIES, "word")
            } else {
                form
            }
        }
    }
}

/// A regular file and its length.
async fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok((file, metadata.len()))
}

/// Exactly `length` bytes of `file`; a file that has become shorter is an error, because
/// the length is already promised.
fn slices(
    file: File,
    length: u64,
    progress: Arc<Progress>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    if length == 0 {
        progress.is_read_to_the_end.store(true, Ordering::Release);
    }
    stream::try_unfold((file, length), move |(mut file, left)| {
        let progress = Arc::clone(&progress);
        async move {
            if left == 0 {
                return Ok(None);
            }
            let read = read_slice(&mut file, left).await.inspect_err(|error| {
                // The first fault is the one that is told.
                let _ = progress
                    .local_fault
                    .set(format!("the audio cannot be read: {error}"));
            })?;
            let left = left.saturating_sub(u64::try_from(read.len()).unwrap_or(u64::MAX));
            if left == 0 {
                progress.is_read_to_the_end.store(true, Ordering::Release);
            }
            Ok(Some((read, (file, left))))
        }
    })
}

async fn read_slice(file: &mut File, left: u64) -> io::Result<Bytes> {
    let want = usize::try_from(left).unwrap_or(SLICE).min(SLICE);
    let mut slice = BytesMut::zeroed(want);
    let read = file.read(&mut slice).await?;
    if read == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it became shorter while it was being sent",
        ));
    }
    slice.truncate(read);
    Ok(slice.freeze())
}

/// What the file holds, by its first bytes; `None` if that is not known here or cannot be read.
async fn container(path: &Path) -> Option<Container> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let file = File::open(path).await.ok()?;
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut head).await.ok()?;
    sniff(&head)
}

/// What the provider is told the file is: `audio.EXT` and its media type, by its content where that
/// is known. Servers go by the name, and refuse `.opus` for what they take as `.ogg`. An extension
/// of anything but a few ASCII letters and digits is not passed on.
fn public_name(path: &Path, container: Option<Container>) -> (String, &'static str) {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
        .filter(|extension| {
            extension.len() <= 5 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    let own = extension.as_deref().unwrap_or_default();
    let (extension, media_type) = match container {
        Some(Container::Mp3) => ("mp3", "audio/mpeg"),
        Some(Container::Wav) => ("wav", "audio/wav"),
        Some(Container::Flac) => ("flac", "audio/flac"),
        Some(Container::Ogg) => (if own == "oga" { own } else { "ogg" }, "audio/ogg"),
        Some(Container::Mp4) if own == "mp4" => (own, "audio/mp4"),
        Some(Container::Mp4) => ("m4a", "audio/mp4"),
        Some(Container::WebM) => ("webm", "audio/webm"),
        Some(Container::Adts) => ("aac", "audio/aac"),
        Some(Container::Aiff | Container::Caf) | None => (own, media_type(own)),
    };
    if extension.is_empty() {
        ("audio".to_owned(), media_type)
    } else {
        (format!("audio.{extension}"), media_type)
    }
}

fn media_type(extension: &str) -> &'static str {
    match extension {
        "mp3" | "mpga" | "mpeg" => "audio/mpeg",
        "wav" | "wave" => "audio/wav",
        "m4a" | "m4b" | "mp4" => "audio/mp4",
        "flac" => "audio/flac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "webm" => "audio/webm",
        "aac" => "audio/aac",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_the_content_where_that_is_known() {
        for (path, container, expected) in [
            ("x.opus", Container::Ogg, "audio.ogg"),
            ("x.oga", Container::Ogg, "audio.oga"),
            ("x.m4a", Container::Mp3, "audio.mp3"),
            ("x.mp4", Container::Mp4, "audio.mp4"),
            ("x", Container::Wav, "audio.wav"),
            ("x.aiff", Container::Aiff, "audio.aiff"),
        ] {
            let (name, _) = public_name(Path::new(path), Some(container));
            assert_eq!(name, expected, "{path}");
        }
    }

    #[test]
    fn only_the_extension_of_a_file_name_leaves_the_machine() {
        for (path, expected) in [
            (
                "/home/jo/Therapy with Dr. X.MP3",
                ("audio.mp3", "audio/mpeg"),
            ),
            ("a.b/böse \"x\"\r\n.m4a", ("audio.m4a", "audio/mp4")),
            ("x.opus", ("audio.opus", "audio/ogg")),
            ("x.secret-note", ("audio", "application/octet-stream")),
            ("x.ünd", ("audio", "application/octet-stream")),
            ("noextension", ("audio", "application/octet-stream")),
            (".wav", ("audio", "application/octet-stream")),
        ] {
            let (name, media_type) = public_name(Path::new(path), None);
            assert_eq!((name.as_str(), media_type), expected, "{path}");
        }
    }
}
