//! Keys: what makes two pieces of work the same work.
//!
//! A key covers everything that changes the sound or the text and nothing else, so
//! equal work is bought once, also across runs, tasks and books. Fields are written
//! with their length in front: no two different lists of fields give the same bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::{ContentKey, SpeechParams, Stretch, TranscriptionParams};

/// Raised when the same request would no longer give the same usable result, e.g. when
/// the check of an answer changes. Everything bought before is then bought again.
const REQUEST_VERSION: &str = "request-1";

/// Raised when the same clips would be put together differently. Sends nothing.
const OUTPUT_VERSION: &str = "output-1";

/// Collects the fields of a key.
#[derive(Debug, Default)]
struct KeyWriter(Sha256);

impl KeyWriter {
    fn field(mut self, bytes: &[u8]) -> Self {
        self.0
            .update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Field order in the JSON is the order of declaration, so it is stable.
    fn json<T: Serialize>(self, value: &T) -> Self {
        let text =
            serde_json::to_vec(value).expect("plain structs of strings and numbers serialise");
        self.field(&text)
    }

    fn finish(self) -> ContentKey {
        ContentKey(self.0.finalize().into())
    }
}

/// The key of speaking `input` at `endpoint`.
pub fn speak(endpoint: &str, params: &SpeechParams, input: &str) -> ContentKey {
    KeyWriter::default()
        .field(b"speak")
        .field(REQUEST_VERSION.as_bytes())
        .field(endpoint.as_bytes())
        .json(params)
        .field(input.as_bytes())
        .finish()
}

/// The key of transcribing the audio with hash `audio` at `endpoint`.
pub fn transcribe(endpoint: &str, params: &TranscriptionParams, audio: ContentKey) -> ContentKey {
    KeyWriter::default()
        .field(b"transcribe")
        .field(REQUEST_VERSION.as_bytes())
        .field(endpoint.as_bytes())
        .json(params)
        .field(&audio.0)
        .finish()
}

/// The key of transcribing one `part` of the audio with hash `audio`: of a recording that is cut.
pub fn transcribe_part(
    endpoint: &str,
    params: &TranscriptionParams,
    audio: ContentKey,
    part: Stretch,
) -> ContentKey {
    KeyWriter::default()
        .field(b"transcribe-part")
        .field(REQUEST_VERSION.as_bytes())
        .field(endpoint.as_bytes())
        .json(params)
        .field(&audio.0)
        .field(&part.start.0.to_le_bytes())
        .field(&part.end.0.to_le_bytes())
        .finish()
}

/// The key of one finished file: `kind` is `assemble` or `compose`, `recipe` everything
/// that decides its bytes and its name.
pub fn output<T: Serialize>(kind: &str, content: ContentKey, recipe: &T) -> ContentKey {
    KeyWriter::default()
        .field(kind.as_bytes())
        .field(OUTPUT_VERSION.as_bytes())
        .field(&content.0)
        .json(recipe)
        .finish()
}

/// The identity of a recording that only its provider fetches: where it is, and what tells
/// it from others there. Never equal to the hash of a file.
pub fn of_address(address: &str, id: &str, query: &str) -> ContentKey {
    KeyWriter::default()
        .field(b"url")
        .field(address.as_bytes())
        .field(id.as_bytes())
        .field(query.as_bytes())
        .finish()
}

/// SHA-256 of `bytes`.
pub fn of_bytes(bytes: &[u8]) -> ContentKey {
    ContentKey(Sha256::digest(bytes).into())
}

/// SHA-256 of a file, read in slices.
pub fn of_file(path: &Path) -> io::Result<ContentKey> {
    of_reader(&mut File::open(path)?)
}

/// SHA-256 of what is left in `reader`, in slices.
pub fn of_reader(reader: &mut impl Read) -> io::Result<ContentKey> {
    let mut hash = Sha256::new();
    // Small enough to come from the heap: a mapping of its own costs a page fault each slice.
    let mut slice = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut slice)?;
        if count == 0 {
            return Ok(ContentKey(hash.finalize().into()));
        }
        hash.update(&slice[..count]);
    }
}

#[cfg(test)]
mod tests;
