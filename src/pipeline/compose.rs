//! A raw transcription answer into documents. Sends nothing: a change of format or of
//! cue rules is rendered from what was paid for.

use std::path::{Path, PathBuf};

use crate::domain::{AudioMillis, ContentKey, DocumentFormat, Transcript};
use crate::engine::transcription::parse_transcript;
use crate::pipeline::objects::Objects;
use crate::pipeline::output::{self, OutputError};
use crate::pipeline::recipe::Compose;
use crate::pipeline::{Finished, key};
use crate::subtitle::document::{self, DocumentMeta};
use crate::subtitle::{self, Repairs};

/// Why the documents could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("cannot read the kept answer {path}")]
    Answer {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the kept answer is no transcript: {0}")]
    Transcript(String),
    #[error("cannot write the result")]
    Output(#[from] OutputError),
}

/// Writes every document of `recipe` below `out` from the kept answer `answer`. Blocking.
pub fn compose(
    recipe: &Compose,
    answer: ContentKey,
    meta: &DocumentMeta,
    objects: &Objects,
    out: &Path,
) -> Result<Vec<Finished>, ComposeError> {
    let path = objects.path(answer);
    let bytes = std::fs::read(&path).map_err(|source| ComposeError::Answer { path, source })?;
    let transcript =
        parse_transcript(&bytes).map_err(|error| ComposeError::Transcript(error.to_string()))?;
    let length = length(recipe, &transcript);
    let (cues, repairs) = subtitle::cues(&transcript, length, &recipe.cues);
    let mut meta = measured(meta, &transcript, &repairs);
    if recipe.remote {
        meta.source.duration = length;
        meta.usage.billed_seconds = length;
        for chunk in &mut meta.chunks {
            chunk.end = length;
        }
    }
    recipe
        .documents
        .iter()
        .map(|wanted| {
            let text = match wanted.format {
                DocumentFormat::Srt => subtitle::srt::write(&cues),
                DocumentFormat::Vtt => subtitle::vtt::write(&cues),
                DocumentFormat::Txt => subtitle::txt::write(&transcript),
                DocumentFormat::Json => document::write(&transcript, &meta),
            };
            output::write(out, &wanted.path, text.as_bytes())?;
            Ok(Finished {
                path: wanted.path.clone(),
                bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
                sha256: key::of_bytes(text.as_bytes()),
                format: wanted.format.as_str().to_owned(),
                audio: None,
            })
        })
        .collect()
}

/// How long the recording is: as measured here, or, where the provider fetched it, as the
/// answer says.
fn length(recipe: &Compose, transcript: &Transcript) -> AudioMillis {
    if !recipe.remote {
        return recipe.duration;
    }
    let ends = transcript.segments.iter().map(|segment| segment.end);
    let ends = ends.chain(transcript.words.iter().map(|word| word.end));
    let last = ends.max().unwrap_or_default();
    transcript.duration.unwrap_or_default().max(last)
}

/// `meta` with what only the answer tells.
fn measured(meta: &DocumentMeta, transcript: &Transcript, repairs: &Repairs) -> DocumentMeta {
    let mut meta = meta.clone();
    meta.request.language_found.clone_from(&transcript.language);
    if !repairs.is_empty() {
        meta.quality
            .flags
            .push(format!("{} times were repaired", repairs.total()));
    }
    if transcript.text.trim().is_empty() {
        meta.quality.flags.push("no text".into());
    }
    meta
}
