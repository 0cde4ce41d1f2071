//! Clips into one finished audio file with its subtitles. Sends nothing: it can be done
//! again at any time from the objects.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::audio::{self, Clip, Cover, Joined, Tags, enclose};
use crate::domain::{
    Alignment, AudioMillis, Boundary, ContentKey, DocumentFormat, JobId, Layout, Word,
};
use crate::pipeline::level;
use crate::pipeline::objects::Objects;
use crate::pipeline::output::OutputError;
use crate::pipeline::outputs::{Outputs, Put};
use crate::pipeline::recipe::{Assemble, BEGINNING, ChapterFile};
use crate::pipeline::requests::byte;
use crate::pipeline::{Finished, kept_note};
use crate::subtitle::document::{
    self, DocumentMeta, QualityMeta, RequestMeta, SourceMeta, UsageMeta,
};
use crate::subtitle::{self, CueRules, Spoken};
use crate::text::{self, Respelt};

/// One clip of the file to be, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The job that bought it.
    pub job: JobId,
    pub key: ContentKey,
    /// What was spoken: byte range of the recipe's text.
    pub range: std::ops::Range<u64>,
    pub boundary: Boundary,
    /// It cannot be had: silence is in its place.
    pub missing: bool,
}

/// The silence for a part that is missing, besides the pause after it: enough to be heard as a gap.
const GAP: AudioMillis = AudioMillis(2_000);

/// Why a file could not be assembled.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error("cannot read the text of the source")]
    Text(#[source] std::io::Error),
    #[error("the clips do not join")]
    Join(#[source] audio::JoinError),
    #[error("the joined file is not what its clips add up to")]
    Verify(#[source] audio::VerifyError),
    #[error("none of its parts could be had")]
    Nothing,
    #[error("cannot write the result")]
    Output(#[from] OutputError),
    #[error("cannot read {path} back")]
    ReadBack {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// The files of one source, and what a person should know about them.
#[derive(Debug, Default)]
pub struct Assembled {
    pub files: Vec<Finished>,
    pub notes: Vec<String>,
    /// What the audio measures, where it was asked for.
    pub facts: Vec<String>,
    /// How long the text lasts.
    pub duration: AudioMillis,
}

/// Joins `all` parts, with gaps for those that are missing, and writes the audio files and their subtitles below
/// `out`. Blocking.
pub fn assemble(
    recipe: &Assemble,
    all: &[Part],
    objects: &Objects,
    outputs: &Outputs,
) -> Result<Assembled, AssembleError> {
    let mut made = Assembled::default();
    if recipe.layout != Layout::Chapters {
        let whole = one_file(recipe, None, all, objects, outputs)?;
        made.add(whole, &recipe.audio);
    }
    let tracks = recipe.files.len();
    let ends = recipe.files.iter().skip(1).map(|file| file.first);
    let ends = ends.chain(std::iter::once(all.len()));
    for ((number, file), end) in (1..).zip(&recipe.files).zip(ends) {
        let parts = all.get(file.first..end).unwrap_or_default();
        let chapter = chapter(recipe, file);
        let track = Some((number, tracks));
        let chapter = one_file(&chapter, track, parts, objects, outputs)?;
        let before = made.duration;
        made.add(chapter, &file.audio);
        if recipe.layout == Layout::Both {
            made.duration = before;
        }
    }
    Ok(made)
}

impl Assembled {
    /// Adds what was made as `audio`, which what is to be known of it then names.
    fn add(&mut self, made: Self, audio: &Path) {
        let named = |note: String| format!("{}: {note}", audio.display());
        self.files.extend(made.files);
        self.notes.extend(made.notes.into_iter().map(named));
        self.facts.extend(made.facts.into_iter().map(named));
        self.duration.0 += made.duration.0;
    }
}

/// The recipe of one chapter's file.
fn chapter(recipe: &Assemble, file: &ChapterFile) -> Assemble {
    let mut book = recipe.book.clone();
    book.title = book.title.or_else(|| recipe.title.clone());
    Assemble {
        audio: file.audio.clone(),
        subtitles: file.subtitles.clone(),
        title: Some(file.title.clone()),
        book,
        chapters: Vec::new(),
        files: Vec::new(),
        ..recipe.clone()
    }
}

/// Joins `all` parts into one file; `track` is its number, and of how many.
fn one_file(
    recipe: &Assemble,
    track: Option<(u32, usize)>,
    all: &[Part],
    objects: &Objects,
    outputs: &Outputs,
) -> Result<Assembled, AssembleError> {
    let parts: Vec<Part> = all.iter().filter(|part| !part.missing).cloned().collect();
    if parts.is_empty() && !all.is_empty() {
        return Err(AssembleError::Nothing);
    }
    let parts = &parts[..];
    let mut file = outputs.create(&recipe.audio)?;
    let (tags, lost_cover) = tags(recipe, track, objects);
    let joined = audio::join(
        &clips(recipe, all, objects),
        recipe.format,
        recipe.sound.into(),
        &tags,
        file.file(),
    )
    .map_err(AssembleError::Join)?;
    let proof =
        audio::verify_joined(file.path(), &joined, recipe.format).map_err(AssembleError::Verify)?;
    // Subtitles first: whoever sees the audio file sees the whole set.
    let (mut finished, mut notes) = (Vec::with_capacity(1), Vec::new());
    if !recipe.subtitles.is_empty() {
        (finished, notes) = subtitles(recipe, parts, objects, outputs, &joined)?;
    }
    notes.extend(lost_cover);
    let facts = match level::came_out(recipe, &joined, proof) {
        Some(Ok(fact)) => vec![fact],
        Some(Err(note)) => {
            notes.push(note);
            Vec::new()
        }
        None => Vec::new(),
    };
    let mut facts = facts;
    facts.extend(joined.coder.map(|coder| format!("coded by {coder}")));
    notes.extend(gaps(recipe, all, objects, &joined)?);
    let put = outputs.put(file, &recipe.audio)?;
    notes.extend(put.kept.as_deref().map(kept_note));
    let audio = describe(
        &put,
        &recipe.audio,
        recipe.format.as_str(),
        Some(joined.duration),
    )?;
    finished.insert(0, audio);
    Ok(Assembled {
        files: finished,
        notes,
        facts,
        duration: joined.duration,
    })
}

/// What the file says of itself, and why it has no cover if it should have one: for that no book is held back.
fn tags(
    recipe: &Assemble,
    track: Option<(u32, usize)>,
    objects: &Objects,
) -> (Tags, Option<String>) {
    let stem = recipe.audio.file_stem();
    let stem = || stem.map(|stem| stem.to_string_lossy().into_owned());
    let cover = recipe.cover.map(|key| objects.read(key));
    let lost = match &cover {
        Some(Err(error)) => Some(format!("without its cover, which cannot be read: {error}")),
        _ => None,
    };
    let book = &recipe.book;
    let tags = Tags {
        title: recipe.title.clone().or_else(stem),
        album: book.title.clone(),
        artist: book.author(),
        narrator: book.narrator.clone(),
        series: book.series.clone(),
        part: book.part.clone(),
        year: book.year.clone(),
        language: book.language.clone(),
        genre: book.genre.clone(),
        description: book.description.clone(),
        track: track.map(|(number, _)| number),
        tracks: track.and_then(|(_, tracks)| u32::try_from(tracks).ok()),
        cover: cover.and_then(|bytes| Cover::new(bytes.ok()?).ok()),
    };
    (tags, lost)
}

/// The clips of `parts`. The gap of a missing part is in the pause of the clip before it; before the
/// first clip there is none.
fn clips(recipe: &Assemble, parts: &[Part], objects: &Objects) -> Vec<Clip> {
    let mut chapters = recipe.chapters.iter().peekable();
    let last = parts.len().saturating_sub(1);
    let mut clips: Vec<Clip> = Vec::with_capacity(parts.len());
    for (ordinal, part) in parts.iter().enumerate() {
        let pause = if ordinal == last {
            AudioMillis(0)
        } else {
            recipe.pauses.after(part.boundary)
        };
        if part.missing {
            if let Some(before) = clips.last_mut() {
                before.pause_after.0 += GAP.0 + pause.0;
            }
            continue;
        }
        // What is before the first heading can be reached too.
        let mut chapter = None;
        if clips.is_empty() && chapters.peek().is_some() {
            chapter = Some(recipe.title.clone().unwrap_or_else(|| BEGINNING.to_owned()));
        }
        // A chapter starts with the first clip that ends behind its heading's first byte.
        while let Some(next) = chapters.next_if(|chapter| chapter.start < part.range.end) {
            chapter = Some(next.title.clone());
        }
        clips.push(Clip {
            path: objects.path(part.key),
            pause_after: pause,
            chapter,
        });
    }
    clips
}

/// A line for each part that is missing: where, and what it would have said.
fn gaps(
    recipe: &Assemble,
    parts: &[Part],
    objects: &Objects,
    joined: &Joined,
) -> Result<Vec<String>, AssembleError> {
    let mut lines = Vec::new();
    let mut clips = joined.clips.iter();
    let mut at = AudioMillis(0);
    for part in parts {
        if !part.missing {
            at = clips.next().map_or(at, |clip| clip.sound().1);
            continue;
        }
        let text = objects
            .read_text(recipe.text, part.range.clone())
            .map_err(AssembleError::Text)?;
        lines.push(format!(
            "a gap at {}, because job {} could not be had: {}",
            at.clock(),
            part.job,
            beginning(&text),
        ));
    }
    Ok(lines)
}

/// The first words of a text, on one line.
fn beginning(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn subtitles(
    recipe: &Assemble,
    parts: &[Part],
    objects: &Objects,
    outputs: &Outputs,
    joined: &Joined,
) -> Result<(Vec<Finished>, Vec<String>), AssembleError> {
    let end = parts.last().map_or(0, |part| part.range.end);
    let text = objects
        .read_text(recipe.text, 0..end)
        .map_err(AssembleError::Text)?;
    let words = words(recipe, parts, objects, joined)?;
    let shown = shown(recipe, parts, &text)?;
    let clips = joined.clips.iter().zip(&words).zip(&shown);
    let spoken: Vec<Spoken<'_>> = clips
        .map(|((span, words), text)| Spoken {
            text,
            start: span.start,
            end: span.end,
            sound: span.sound(),
            words,
        })
        .collect();
    let note = note(recipe, &spoken);
    let transcript = subtitle::spoken_transcript(&spoken);
    let rules = CueRules::default();
    let apart = blocks(parts, joined);
    let (cues, _) = subtitle::cues_apart(&transcript, joined.duration, &rules, &apart);
    let mut meta = meta(recipe, text.len(), joined);
    meta.quality.flags.extend(note.clone());
    let mut notes: Vec<String> = note.into_iter().collect();
    let written: Result<Vec<_>, AssembleError> = recipe
        .subtitles
        .iter()
        .map(|wanted| {
            let bytes = match wanted.format {
                DocumentFormat::Srt => subtitle::srt::write(&cues),
                DocumentFormat::Vtt => subtitle::vtt::write(&cues),
                DocumentFormat::Tsv => subtitle::tsv::write(&cues),
                DocumentFormat::Lrc => subtitle::lrc::write(&cues),
                DocumentFormat::Txt => subtitle::txt::write(&transcript),
                DocumentFormat::Md => subtitle::md::write(&transcript),
                DocumentFormat::Json => document::write(&transcript, &meta),
            };
            let put = outputs.write(&wanted.path, bytes.as_bytes())?;
            notes.extend(put.kept.as_deref().map(kept_note));
            describe(&put, &wanted.path, wanted.format.as_str(), None)
        })
        .collect();
    Ok((written?, notes))
}

/// When a heading or what follows one begins: no cue holds words of both.
fn blocks(parts: &[Part], joined: &Joined) -> Vec<AudioMillis> {
    let spans = joined.clips.iter().skip(1);
    parts
        .iter()
        .zip(spans)
        .filter(|(part, _)| {
            matches!(
                part.boundary,
                Boundary::Heading | Boundary::Chapter | Boundary::Scene
            )
        })
        .map(|(_, span)| span.start)
        .collect()
}

/// What each part says, as it was written.
fn shown(recipe: &Assemble, parts: &[Part], text: &str) -> Result<Vec<String>, AssembleError> {
    let respelt: Vec<Respelt> = recipe
        .respelt
        .iter()
        .map(|(start, end, written)| Respelt {
            range: byte(*start)..byte(*end),
            written: written.clone(),
        })
        .collect();
    let slice = |part: &Part| {
        let range = byte(part.range.start)..byte(part.range.end);
        if text.get(range.clone()).is_none() {
            return Err(AssembleError::Text(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "a chunk is no slice of the text",
            )));
        }
        Ok(text::written(text, range, &respelt))
    };
    parts.iter().map(slice).collect()
}

/// The word times that came with each part, where they were asked for, from the start of its span on.
fn words(
    recipe: &Assemble,
    parts: &[Part],
    objects: &Objects,
    joined: &Joined,
) -> Result<Vec<Vec<Word>>, AssembleError> {
    if recipe.params.alignment == Alignment::None {
        return Ok(vec![Vec::new(); parts.len()]);
    }
    parts
        .iter()
        .zip(&joined.clips)
        .map(|(part, span)| {
            let path = objects.path(part.key);
            let mut words = File::open(&path)
                .and_then(|mut file| enclose::read_words(&mut file))
                .map(Option::unwrap_or_default)
                .map_err(|source| AssembleError::ReadBack { path, source })?;
            for word in &mut words {
                word.start.0 = word.start.0.saturating_sub(span.cut.0);
                word.end.0 = word.end.0.saturating_sub(span.cut.0);
            }
            Ok(words)
        })
        .collect()
}

/// What to say when times were asked for and cannot be had for all of it.
fn note(recipe: &Assemble, spoken: &[Spoken<'_>]) -> Option<String> {
    if recipe.params.alignment == Alignment::None {
        return None;
    }
    let guessed = subtitle::guessed(spoken);
    (guessed > 0).then(|| {
        format!(
            "the word times of {guessed} of {} chunks are estimated: the provider sent none that fit the text",
            spoken.len()
        )
    })
}

fn describe(
    put: &Put,
    relative: &Path,
    format: &str,
    audio: Option<AudioMillis>,
) -> Result<Finished, AssembleError> {
    let found = put.path.metadata();
    let found = found.map_err(|source| AssembleError::ReadBack {
        path: put.path.clone(),
        source,
    })?;
    Ok(Finished {
        path: relative.to_owned(),
        bytes: found.len(),
        sha256: put.sha256,
        format: format.to_owned(),
        audio,
    })
}

/// How the spoken text came to be, for its JSON.
fn meta(recipe: &Assemble, text_bytes: usize, joined: &Joined) -> DocumentMeta {
    DocumentMeta {
        source: SourceMeta {
            path: recipe.audio.to_string_lossy().into_owned(),
            sha256: Some(recipe.text),
            bytes: Some(u64::try_from(text_bytes).unwrap_or(u64::MAX)),
            duration: joined.duration,
        },
        request: RequestMeta {
            endpoint: recipe.endpoint.clone(),
            model: recipe.params.model.clone(),
            language_asked: recipe
                .params
                .language
                .clone()
                .unwrap_or_else(|| "auto".into()),
            translated_to: None,
            language_found: None,
        },
        chunks: Vec::new(),
        usage: UsageMeta {
            billed_seconds: AudioMillis(0),
            price: None,
            as_of: None,
            cost: None,
        },
        quality: QualityMeta::default(),
    }
}
