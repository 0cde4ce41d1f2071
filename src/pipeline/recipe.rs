//! How one source becomes finished files: everything that decides their bytes and names
//! besides the answers themselves. Kept with the parent job as JSON, so that a run can
//! finish what an earlier configuration began.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audio::Mastering;
use crate::domain::{
    AudioMillis, Book, ContentKey, DocumentFormat, Encoder, FileFormat, Layout, Loudness,
    OnMissing, SoundCheck, SpeechParams, Standard, Stretch, TranscriptionParams,
};
use crate::pipeline::discover::Found;
use crate::pipeline::key;
use crate::pipeline::output::{Fields, Template, sanitised};
use crate::pipeline::recording::AudioSource;
use crate::pipeline::requests::offset;
use crate::pipeline::source::TextSource;
use crate::pipeline::task::{Pauses, SpeechWork, Task, TranscriptionWork};
use crate::subtitle::CueRules;
use crate::text::Respelt;

/// One document to write, relative to the output folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub format: DocumentFormat,
    pub path: PathBuf,
}

/// A chapter of a spoken text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    pub title: String,
    /// Byte of the text where it starts.
    pub start: u64,
}

/// The audio file of one chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterFile {
    pub title: String,
    /// The first of its requests, of all of the text.
    pub first: usize,
    /// Relative to the output folder.
    pub audio: PathBuf,
    pub subtitles: Vec<Document>,
}

/// [`Mastering`], as it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Pauses are measured as they are heard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heard: bool,
    /// How loud the file is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Loudness>,
    /// Whom it is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<Standard>,
    /// Bits a second of what is coded here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u32>,
    /// What makes an MP3.
    #[serde(default, skip_serializing_if = "Encoder::is_built_in")]
    pub encoder: Encoder,
}

impl From<Mastering> for Sound {
    fn from(mastering: Mastering) -> Self {
        let Mastering {
            heard,
            loudness,
            standard,
            bit_rate,
            encoder,
        } = mastering;
        Self {
            heard,
            loudness,
            standard,
            bit_rate,
            encoder,
        }
    }
}

impl From<Sound> for Mastering {
    fn from(sound: Sound) -> Self {
        let Sound {
            heard,
            loudness,
            standard,
            bit_rate,
            encoder,
        } = sound;
        Self {
            heard,
            loudness,
            standard,
            bit_rate,
            encoder,
        }
    }
}

/// How clips become one audio file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assemble {
    pub task: String,
    pub endpoint: String,
    pub params: SpeechParams,
    pub text: ContentKey,
    pub format: FileFormat,
    /// The audio file, relative to the output folder.
    pub audio: PathBuf,
    pub subtitles: Vec<Document>,
    pub pauses: Pauses,
    pub title: Option<String>,
    /// How the clips become one sound.
    #[serde(flatten)]
    pub sound: Sound,
    /// For the tags.
    #[serde(default, skip_serializing_if = "Book::is_empty")]
    pub book: Book,
    /// The object that is its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<ContentKey>,
    /// Where something else is said than was written: the first byte of the text, the one behind the last, what
    /// was written. Subtitles show that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub respelt: Vec<(u64, u64, String)>,
    pub chapters: Vec<Chapter>,
    #[serde(default = "one_file", skip_serializing_if = "Layout::is_files")]
    pub layout: Layout,
    /// The files of its chapters, where they have their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ChapterFile>,
    /// Of the requests, so that other chunks are another output.
    pub chunks: ContentKey,
    /// The store reads it, under this name.
    #[serde(default = "stop", skip_serializing_if = "OnMissing::is_stop")]
    pub on_missing: OnMissing,
}

/// What a chapter is called that has no heading, in a book that has no title.
pub(super) const BEGINNING: &str = "Beginning";

/// Of recipes that were written before it could be said.
fn one_file() -> Layout {
    Layout::Files
}

/// Of recipes that were written before it could be said.
fn stop() -> OnMissing {
    OnMissing::Stop
}

/// How one transcript becomes documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compose {
    pub task: String,
    pub endpoint: String,
    pub params: TranscriptionParams,
    pub documents: Vec<Document>,
    pub cues: CueRules,
    /// As measured before sending; no cue ends later. Not known (0) of a remote recording.
    pub duration: AudioMillis,
    /// Not known (0) of a remote recording.
    pub bytes: u64,
    /// Hash of the file; of a remote recording, its identity.
    pub audio: ContentKey,
    /// The provider fetched it: what it is like, the answer says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote: bool,
    /// What speakers are called, by the provider's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub speakers: BTreeMap<String, String>,
    /// Where its clips start and end, in milliseconds, if it is cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clips: Vec<(u64, u64)>,
    /// Its words are compared with its sound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compared: bool,
}

fn fields<'a>(task: &'a Task, found: &'a Found) -> Fields<'a> {
    let (voice, language) = match &task.work {
        crate::pipeline::task::Work::Speech(work) => (
            work.params.voice.as_str(),
            work.params.language.as_deref().unwrap_or("auto"),
        ),
        crate::pipeline::task::Work::Transcription(work) => ("", work.params.language.as_str()),
    };
    let (file_name, stem) = match &found.remote {
        Some(remote) => (OsStr::new(&remote.name), OsStr::new(&remote.stem)),
        None => (
            found.path.file_name().unwrap_or(OsStr::new("input")),
            found.path.file_stem().unwrap_or(OsStr::new("input")),
        ),
    };
    Fields {
        task: &task.name,
        file_name,
        stem,
        rel_dir: &found.rel_dir,
        voice,
        model: task.model(),
        language,
        title: None,
        author: None,
        series: None,
        part: None,
        chapter: None,
    }
}

impl Assemble {
    /// The recipe for `source` of `task`.
    pub fn new(
        task: &Task,
        work: &SpeechWork,
        template: &Template,
        found: &Found,
        source: &TextSource,
    ) -> Self {
        let author = source.book.author();
        let fields = Fields {
            title: source.title.as_deref(),
            author: author.as_deref(),
            series: source.book.series.as_deref(),
            part: source.book.part.as_deref(),
            ..fields(task, found)
        };
        let mut keys = Vec::with_capacity(source.chunks.len() * 33);
        for chunk in &source.chunks {
            keys.extend_from_slice(&chunk.key.0);
            keys.extend_from_slice(chunk.boundary.as_str().as_bytes());
        }
        let audio = template.fill(&fields, work.format.extension());
        Self {
            files: chapter_files(work, &audio, source, template, &fields),
            layout: work.layout.of_text(),
            task: task.name.clone(),
            endpoint: task.endpoint.clone(),
            params: work.params.clone(),
            text: source.text_key,
            format: work.format,
            audio,
            subtitles: documents(&work.subtitles, template, &fields),
            pauses: work.pauses,
            title: source.title.clone(),
            sound: Sound::from(work.mastering),
            book: source.book.clone(),
            cover: source
                .cover
                .as_ref()
                .map(|cover| key::of_bytes(&cover.bytes)),
            respelt: respelt(work, source),
            chapters: source
                .chapters
                .iter()
                .map(|(title, start)| Chapter {
                    title: title.clone(),
                    start: *start,
                })
                .collect(),
            chunks: key::of_bytes(&keys),
            on_missing: work.on_missing,
        }
    }

    /// The same as versions before 0.2 had it, which knew nothing of books and of silence in clips.
    pub(super) fn before(&self) -> Self {
        Self {
            sound: Sound::default(),
            book: Book::default(),
            cover: None,
            ..self.clone()
        }
    }

    /// Every file it writes, relative to the output folder.
    pub fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        let whole = std::iter::once(&self.audio).chain(paths(&self.subtitles));
        let whole = whole.filter(|_| self.layout != Layout::Chapters);
        let chapters = self.files.iter();
        whole.chain(
            chapters.flat_map(|file| std::iter::once(&file.audio).chain(paths(&file.subtitles))),
        )
    }
}

impl Compose {
    /// The recipe for `source` of `task`.
    pub fn new(
        task: &Task,
        work: &TranscriptionWork,
        template: &Template,
        found: &Found,
        source: &AudioSource,
    ) -> Self {
        let fields = fields(task, found);
        Self {
            task: task.name.clone(),
            endpoint: task.endpoint.clone(),
            params: work.params.clone(),
            documents: documents(&work.formats, template, &fields),
            cues: work.cues,
            // A length in a manifest may be wrong, and changes nothing in the documents.
            duration: if found.remote.is_some() {
                AudioMillis(0)
            } else {
                source.duration
            },
            bytes: found.bytes,
            audio: source.content,
            remote: found.remote.is_some(),
            speakers: work.speakers.clone(),
            clips: source
                .parts()
                .map(|part| (part.start.0, part.end.0))
                .collect(),
            compared: work.check != SoundCheck::Off && found.remote.is_none(),
        }
    }

    /// The same as versions before 0.2 had it, which compared nothing.
    pub(super) fn before(&self) -> Self {
        Self {
            compared: false,
            ..self.clone()
        }
    }

    /// Its clips; all of it if it is not cut.
    pub fn parts(&self) -> Vec<Stretch> {
        let whole = [(0, self.duration.0)];
        let clips = if self.clips.is_empty() {
            &whole[..]
        } else {
            &self.clips
        };
        let stretch = |&(start, end): &(u64, u64)| Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        };
        clips.iter().map(stretch).collect()
    }

    /// Every file it writes, relative to the output folder.
    pub fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        self.documents.iter().map(|document| &document.path)
    }
}

/// Where something else is said than was written, if subtitles are to show it.
fn respelt(work: &SpeechWork, source: &TextSource) -> Vec<(u64, u64, String)> {
    if work.subtitles.is_empty() {
        return Vec::new();
    }
    let places = source.respelt.iter();
    places
        .map(|Respelt { range, written }| (offset(range.start), offset(range.end), written.clone()))
        .collect()
}

fn paths(documents: &[Document]) -> impl Iterator<Item = &PathBuf> {
    documents.iter().map(|document| &document.path)
}

/// A file for each chapter of `source`: named by the template if it tells chapters apart, else in the folder that has
/// the name of the whole: `out/Book/01 The Harbour.m4b`.
fn chapter_files(
    work: &SpeechWork,
    whole: &Path,
    source: &TextSource,
    template: &Template,
    fields: &Fields<'_>,
) -> Vec<ChapterFile> {
    if work.layout.of_text().is_files() {
        return Vec::new();
    }
    let mut chapters = source.chapters.iter().peekable();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (index, chunk) in source.chunks.iter().enumerate() {
        // What is before the first heading is a chapter that has the name of the whole.
        let mut title = (index == 0).then(|| source.title.as_deref().unwrap_or(BEGINNING));
        while let Some((next, _)) = chapters.next_if(|(_, start)| *start < chunk.range.end) {
            title = Some(next);
        }
        found.extend(title.map(|title| (index, title)));
    }
    let folder = whole.with_extension("");
    let digits = found.len().to_string().len().max(2);
    let file = |number: usize, title: &str, extension: &str| {
        if template.tells_chapters() {
            let chapter = Some((number, title));
            return template.fill(&Fields { chapter, ..*fields }, extension);
        }
        let name = format!("{number:0digits$} {title}.{extension}");
        folder.join(sanitised(&name, Some(extension)))
    };
    (1..)
        .zip(found)
        .map(|(number, (first, title))| ChapterFile {
            title: title.to_owned(),
            first,
            audio: file(number, title, work.format.extension()),
            subtitles: work
                .subtitles
                .iter()
                .map(|&format| Document {
                    format,
                    path: file(number, title, format.as_str()),
                })
                .collect(),
        })
        .collect()
}

fn documents(
    formats: &[DocumentFormat],
    template: &Template,
    fields: &Fields<'_>,
) -> Vec<Document> {
    formats
        .iter()
        .map(|&format| Document {
            format,
            path: template.fill(fields, format.as_str()),
        })
        .collect()
}
