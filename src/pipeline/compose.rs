//! A raw transcription answer into documents. Sends nothing: a change of format or of
//! cue rules is rendered from what was paid for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::units::counted;
use crate::domain::{AudioMillis, ContentKey, DocumentFormat, Transcript};
use crate::engine::transcription::{has_guessed_bytes, parse_transcript};
use crate::pipeline::objects::Objects;
use crate::pipeline::output::OutputError;
use crate::pipeline::outputs::Outputs;
use crate::pipeline::recipe::Compose;
use crate::pipeline::{Finished, kept_note, sound};
use crate::subtitle::document::{self, DocumentMeta};
use crate::subtitle::seam::{self, Clip};
use crate::subtitle::{self, Doubts, Repairs};

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

/// What was written, and what to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub files: Vec<Finished>,
    /// What speaks against the transcript: for a person to look at.
    pub flags: Vec<String>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

/// Writes every document of `recipe` below `out` from the kept `answers`, one for each of its clips, compared with the
/// sound of `recording`, if that is here. Blocking.
pub fn compose(
    recipe: &Compose,
    answers: &[ContentKey],
    meta: &DocumentMeta,
    recording: Option<&Path>,
    objects: &Objects,
    outputs: &Outputs,
) -> Result<Composed, ComposeError> {
    let Answered {
        transcript,
        doubts: of_clips,
        flags: mut said,
        has_times,
    } = answered(recipe, answers, objects)?;
    let (transcript, strangers) = named(transcript, &recipe.speakers);
    let length = length(recipe, &transcript);
    let (whole, doubts) = subtitle::whole(&transcript, length);
    let doubts = of_clips.unwrap_or(doubts);
    let (cues, repairs) = subtitle::cues(&whole, length, &recipe.cues);
    let mut meta = measured(meta, &transcript, &repairs);
    let mut flags = flags(&doubts);
    flags.append(&mut said);
    let mut notes: Vec<String> = strangers.into_iter().collect();
    // Times that were estimated say nothing of where words are.
    let placed = if has_times { &whole } else { &transcript };
    match recording.map(|it| sound::compare(it, recipe.audio, placed, has_times)) {
        None => {}
        Some(Ok(compared)) => {
            flags.extend(compared.flags());
            compared.note_in(&mut meta.quality);
        }
        Some(Err(why)) => notes.push(format!("not compared with its sound: {why}")),
    }
    meta.quality.repeats = doubts.loops;
    meta.quality.flags.extend(flags.iter().cloned());
    if recipe.remote {
        note_length(&mut meta, length);
    }
    let files = recipe
        .documents
        .iter()
        .map(|wanted| {
            let text = text_of(wanted.format, &cues, (&transcript, &whole), &meta);
            let put = outputs.write(&wanted.path, text.as_bytes())?;
            notes.extend(put.kept.as_deref().map(kept_note));
            Ok(Finished {
                path: wanted.path.clone(),
                bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
                sha256: put.sha256,
                format: wanted.format.as_str().to_owned(),
                audio: None,
            })
        })
        .collect::<Result<Vec<_>, ComposeError>>()?;
    Ok(Composed {
        files,
        flags,
        notes,
    })
}

/// `transcript` with the names of its speakers, and a note of those that are not in it.
fn named(
    mut transcript: Transcript,
    names: &BTreeMap<String, String>,
) -> (Transcript, Option<String>) {
    let mut unknown: BTreeSet<&String> = names.keys().collect();
    let of_words = transcript.words.iter_mut().map(|word| &mut word.speaker);
    let of_segments = transcript.segments.iter_mut().map(|part| &mut part.speaker);
    for speaker in of_words.chain(of_segments).flatten() {
        if let Some((label, name)) = names.get_key_value(speaker.as_str()) {
            unknown.remove(label);
            speaker.clone_from(name);
        }
    }
    let labels: Vec<&str> = unknown.into_iter().map(String::as_str).collect();
    let note = (!labels.is_empty())
        .then(|| format!("`speakers` names nobody in it: {}", labels.join(", ")));
    (transcript, note)
}

/// What was answered, as one transcript.
struct Answered {
    transcript: Transcript,
    /// Found out about the answers for clips.
    doubts: Option<Doubts>,
    flags: Vec<String>,
    /// The answer says when words were said.
    has_times: bool,
}

fn answered(
    recipe: &Compose,
    answers: &[ContentKey],
    objects: &Objects,
) -> Result<Answered, ComposeError> {
    let mut flags = Vec::new();
    let mut read = Vec::with_capacity(answers.len());
    for answer in answers {
        let path = objects.path(*answer);
        let bytes = std::fs::read(&path).map_err(|source| ComposeError::Answer { path, source })?;
        let transcript = parse_transcript(&bytes);
        read.push(transcript.map_err(|error| ComposeError::Transcript(error.to_string()))?);
        if has_guessed_bytes(&bytes) && flags.is_empty() {
            flags.push("some bytes of the answer are no UTF-8 and were guessed".to_owned());
        }
    }
    if let ([_], true) = (&*read, recipe.clips.is_empty()) {
        let transcript = read.remove(0);
        let has_times = !transcript.words.is_empty() || !transcript.segments.is_empty();
        return Ok(Answered {
            transcript,
            doubts: None,
            flags,
            has_times,
        });
    }
    let clips = recipe.parts().into_iter().zip(read);
    let clips: Vec<_> = clips.map(|(at, answer)| Clip { at, answer }).collect();
    let joined = seam::join(&clips);
    if !joined.unsure.is_empty() {
        let places: Vec<_> = joined.unsure.iter().map(|at| sound::clock(*at)).collect();
        flags.push(format!(
            "words may be missing or stand twice where it was cut without a pause: {}",
            places.join(", ")
        ));
    }
    Ok(Answered {
        transcript: joined.transcript,
        doubts: Some(joined.doubts),
        flags,
        has_times: joined.has_times,
    })
}

/// A document: of the cues, of the transcript with all of its words timed, or of all of it as it came.
fn text_of(
    format: DocumentFormat,
    cues: &[subtitle::Cue],
    (answer, whole): (&Transcript, &Transcript),
    meta: &DocumentMeta,
) -> String {
    match format {
        DocumentFormat::Srt => subtitle::srt::write(cues),
        DocumentFormat::Vtt => subtitle::vtt::write(cues),
        DocumentFormat::Tsv => subtitle::tsv::write(cues),
        DocumentFormat::Lrc => subtitle::lrc::write(cues),
        DocumentFormat::Txt => subtitle::txt::write(whole),
        DocumentFormat::Md => subtitle::md::write(whole),
        DocumentFormat::Json => document::write(answer, meta),
    }
}

/// What a reader of the transcript should know.
fn flags(doubts: &Doubts) -> Vec<String> {
    let mut notes = Vec::new();
    if doubts.estimated > 0 {
        let words = doubts.estimated;
        notes.push(format!(
            "times were estimated for {words} of the words: the answer has none for them"
        ));
    }
    if doubts.not_in_text > 0 {
        let letters = counted(u64::from(doubts.not_in_text), "letter");
        notes.push(format!(
            "of segments or words {letters} stand nowhere in the text and are left out"
        ));
    }
    if doubts.loops > 0 {
        notes.push("the same sentence comes again and again: a loop of the model".to_owned());
    }
    notes
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

/// What the provider fetched is as long as it says.
fn note_length(meta: &mut DocumentMeta, length: AudioMillis) {
    meta.source.duration = length;
    meta.usage.billed_seconds = length;
    for chunk in &mut meta.chunks {
        chunk.end = length;
    }
}

/// `meta` with what only the answer tells.
fn measured(meta: &DocumentMeta, transcript: &Transcript, repairs: &Repairs) -> DocumentMeta {
    let mut meta = meta.clone();
    meta.request.language_found.clone_from(&transcript.language);
    if repairs.total() > 0 {
        meta.quality
            .flags
            .push(format!("times repaired: {}", repairs.total()));
    }
    if transcript.text.trim().is_empty() {
        meta.quality.flags.push("no text".into());
    }
    meta
}
