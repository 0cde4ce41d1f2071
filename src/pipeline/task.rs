//! What the user asked for, checked and complete: one task of `jobs.toml` in the
//! terms of this room. Built by `config`, used by `plan`, `speak` and `transcribe`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audio::{Mastering, SpeechCheck};
use crate::domain::{
    AudioMillis, Book, Boundary, Delivery, DocumentFormat, FileFormat, Layout, Lesson, OnMissing,
    Price, SoundCheck, SpeechParams, TranscriptionParams,
};
use crate::pipeline::cuts::Cuts;
use crate::pipeline::objects::Objects;
use crate::subtitle::CueRules;
use crate::text::{ChosenChapters, ChunkRules, Lexicon, Reading, Unspoken};

/// What the tasks of `preview` are called, before the name of the task: none of a file can be.
pub const PREVIEW_OF: &str = "preview of ";

/// One `[task.NAME]`.
#[derive(Debug, Clone)]
pub struct Task {
    pub name: String,
    /// Name of the profile the requests go to.
    pub profile: String,
    /// Identity of where requests go, part of every key: the engine kind and, for REST,
    /// the base URL's host and path. Two profiles with one endpoint share their results.
    pub endpoint: String,
    pub input: Vec<InputPattern>,
    /// Output path template below the output folder.
    pub output: String,
    /// Claimed before larger numbers; 0 by default.
    pub priority: i64,
    /// Outputs may take the place of files that are not ours; each of those is kept as NAME.bak.
    pub overwrite: bool,
    /// What the model charges; `None` if unknown (then no run under a budget).
    pub price: Option<Price>,
    pub work: Work,
}

impl Task {
    /// The model asked for.
    pub fn model(&self) -> &str {
        match &self.work {
            Work::Speech(speech) => &speech.params.model,
            Work::Transcription(transcription) => &transcription.params.model,
        }
    }
}

/// One entry of `input`: a file, a folder or a glob, relative to the configuration file;
/// with `!` in front it takes files away again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPattern {
    pub pattern: String,
    pub exclude: bool,
    /// Where in the configuration file it stands, for messages: `jobs.toml:12:3`.
    pub origin: String,
}

/// One entry of `urls`: a list of recordings that the provider fetches, relative to the
/// configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Ends in `.csv` or `.txt`.
    pub path: String,
    /// Where in the configuration file it stands, for messages: `jobs.toml:12:3`.
    pub origin: String,
}

/// What a task does with its files.
#[derive(Debug, Clone)]
pub enum Work {
    Speech(SpeechWork),
    Transcription(TranscriptionWork),
}

/// Text to audio.
#[derive(Debug, Clone)]
pub struct SpeechWork {
    pub params: SpeechParams,
    /// The road the answers take. Not among the parameters: what was bought over one road
    /// is not bought again over another.
    pub delivery: Delivery,
    /// The finished file's format: wav, flac and m4b from any engine, mp3 from a provider that
    /// answers mp3.
    pub format: FileFormat,
    pub mastering: Mastering,
    /// Into which files a text goes.
    pub layout: Layout,
    /// What the task says of the book; what a book says of itself fills in the rest.
    pub book: Box<Book>,
    /// The picture that the task names.
    pub cover: Option<PathBuf>,
    /// The task asks for nothing that older versions did not know: files that they finished stand.
    pub as_before: bool,
    /// Subtitles of what was spoken, beside the audio.
    pub subtitles: Vec<DocumentFormat>,
    /// What is read aloud of a text, and cleaned up before it is cut.
    pub reading: Reading,
    /// What becomes of a text with signs that the voice does not say.
    pub unspoken: Unspoken,
    /// Only these chapters are spoken.
    pub chapters: Option<ChosenChapters>,
    /// Only about so much of the beginning is spoken: a preview.
    pub excerpt: Option<AudioMillis>,
    /// How words are said.
    pub lexicon: Arc<Lexicon>,
    pub chunk: ChunkRules,
    /// A text stays cut as 0.1.0 cut it, several paragraphs in a request, if what was bought of it
    /// so lies here. `None`: the task says how it wants its paragraphs.
    pub packed_before: Option<Objects>,
    /// A smaller limit that the provider named.
    pub recut: Option<Recut>,
    /// What else the provider named.
    pub learned: Vec<Learnt>,
    pub pauses: Pauses,
    pub check: SpeechCheck,
    /// What becomes of a file some of whose parts cannot be had.
    pub on_missing: OnMissing,
    /// The voice reads Latin letters only, as the built-in one does: others are sounded out.
    pub latin_only: bool,
}

/// Chunks above a limit learned from a refusal are cut again, but for those that were bought
/// before there was such a limit.
#[derive(Debug, Clone)]
pub struct Recut {
    /// Most characters of a request.
    pub max_chars: u32,
    pub bought: Objects,
}

/// A limit the provider named in a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learnt {
    pub lesson: Lesson,
    /// `learned from api.example.com on 2026-11-22`.
    pub from: String,
}

/// Silence between clips, by the reason of the boundary. Part of assembly, so changing
/// it sends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    pub clause: AudioMillis,
    pub sentence: AudioMillis,
    pub paragraph: AudioMillis,
    pub scene: AudioMillis,
    pub heading: AudioMillis,
    pub chapter: AudioMillis,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            clause: AudioMillis(100),
            sentence: AudioMillis(250),
            paragraph: AudioMillis(600),
            scene: AudioMillis(1500),
            heading: AudioMillis(900),
            chapter: AudioMillis(2000),
        }
    }
}

impl Pauses {
    /// The silence that follows a chunk ending for `reason`.
    pub fn after(&self, reason: Boundary) -> AudioMillis {
        match reason {
            Boundary::Clause => self.clause,
            Boundary::Sentence => self.sentence,
            Boundary::Paragraph => self.paragraph,
            Boundary::Scene => self.scene,
            Boundary::Heading => self.heading,
            Boundary::Chapter => self.chapter,
            Boundary::End => AudioMillis(0),
        }
    }
}

/// Audio to documents.
#[derive(Debug, Clone)]
pub struct TranscriptionWork {
    pub params: TranscriptionParams,
    /// Recordings at URLs, besides the files of the task.
    pub urls: Vec<Manifest>,
    /// The provider runs on this machine, and so can fetch from it.
    pub is_loopback: bool,
    pub formats: Vec<DocumentFormat>,
    pub limits: UploadLimits,
    /// Limits that the provider named.
    pub learned: Vec<Learnt>,
    pub cues: CueRules,
    /// Whether its words are compared with its sound.
    pub check: SoundCheck,
    /// What speakers are called, by the provider's labels.
    pub speakers: BTreeMap<String, String>,
    /// Longer recordings are sent as clips, also where they need not.
    pub split: Option<AudioMillis>,
    /// Where recordings were cut before.
    pub cuts: Cuts,
    /// Answers that were bought before.
    pub bought: Objects,
    /// The task asks for nothing that older versions did not know: files that they finished stand.
    pub as_before: bool,
}

impl TranscriptionWork {
    /// The largest file that one request takes, as far as is known.
    pub fn largest(&self) -> u64 {
        let named = self
            .learned
            .iter()
            .filter_map(|learnt| match learnt.lesson {
                Lesson::MaxUpload(most) => Some(most),
                _ => None,
            });
        named.fold(self.limits.max_bytes, u64::min)
    }

    /// The longest audio that one request takes.
    pub fn longest(&self) -> AudioMillis {
        AudioMillis(u64::try_from(self.limits.max_duration.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What the provider takes in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    pub max_bytes: u64,
    pub max_duration: Duration,
}

/// Where things are kept.
#[derive(Debug, Clone)]
pub struct Places {
    /// Folder of the configuration file: inputs are relative to it.
    pub root: PathBuf,
    /// Nothing is written outside (but the queue).
    pub out: PathBuf,
    /// `.voicespool`: queue, objects, logs.
    pub state: PathBuf,
}

impl Places {
    /// The name under which the queue knows an input: relative to the project where it
    /// can be, so that a project may be moved.
    pub fn stored(&self, input: &Path) -> Vec<u8> {
        let stored = input.strip_prefix(&self.root).unwrap_or(input);
        let stored = stored.as_os_str().as_encoded_bytes();
        // The project itself, if its texts are a book.
        if stored.is_empty() {
            b".".to_vec()
        } else {
            stored.to_vec()
        }
    }

    /// The input the queue knows as `stored`.
    #[cfg(unix)]
    pub fn input(&self, stored: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.root.join(std::ffi::OsStr::from_bytes(stored))
    }

    /// The input the queue knows as `stored`.
    #[cfg(not(unix))]
    pub fn input(&self, stored: &[u8]) -> PathBuf {
        self.root.join(String::from_utf8_lossy(stored).into_owned())
    }
}
