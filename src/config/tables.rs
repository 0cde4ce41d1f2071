//! The tables of `jobs.toml`: every key, its type and what it does.
//!
//! This page is the schema. What the values mean together is decided by the files that
//! build `Settings` from them.

use std::time::Duration;

use jiff::civil;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::credential::CredentialSpec;
use crate::config::reader::{At, Field, FromToml, Named, Reader, SchemaKey, key_name, tables};
use crate::config::text::{
    Auth, ByteSize, EngineKind, Loud, OnInDoubt, TaskType, Timestamps, TotalTimeout,
};
use crate::config::values::{Count, Json, Label, Labels, Names};
use crate::domain::{
    Alignment, Delivery, DocumentFormat, Encoder, FileFormat, Layout, NanoUsd, OnMissing,
    PauseMeasure, PcmEncoding, Segmenting, SoundCheck,
};
use crate::engine::rest::Kind;
use crate::text::{Aloud, ChosenChapters, CleanUp, Matter, Paragraphs, Unspoken};

tables! {
    /// The whole file.
    FileTable {
        /// Version of this format: 1.
        version: u32,
        /// The project.
        project: ProjectTable,
        /// Money.
        budget: BudgetTable,
        /// How a run works.
        run: RunTable,
        /// When to give up.
        retry: RetryTable,
        /// Where requests go.
        profile: Named<ProfileTable>,
        /// Prices and limits of models.
        models: Named<ModelTable>,
        /// The work.
        task: Named<TaskTable>,
        /// What project files may do with keys; in the user configuration only.
        trust: TrustTable,
    }

    /// `[project]`
    ProjectTable {
        /// Name in reports; the folder's name by default.
        name: String,
        /// Folder of the finished files, relative to this file; nothing is written outside.
        out: String,
        /// Folder of the queue, the objects and the logs, relative to this file.
        state: String,
    }

    /// `[budget]`
    BudgetTable {
        /// Most that all runs of this queue may cost together, in US dollars.
        max_cost: NanoUsd,
        /// Most that may be sent on one day, local time, in US dollars.
        max_cost_per_day: NanoUsd,
        /// Stop when more paid requests than this bring one usable answer; 0: never.
        runaway_factor: u32,
        /// A run that costs more asks first, in US dollars.
        confirm_above: NanoUsd,
        /// What happens to requests that were sent and never answered: resend or hold.
        on_in_doubt: OnInDoubt,
    }

    /// `[run]`
    RunTable {
        /// Requests in flight at once.
        workers: Count,
        /// How long Ctrl-C waits for requests in flight, which are paid for.
        drain: Duration,
        /// Stop claiming after this time.
        max_duration: Duration,
        /// Stop claiming at this time of day, local time.
        deadline: civil::Time,
    }

    /// `[retry]`
    RetryTable {
        /// Failures of one job before it is given up.
        max_failures: Count,
        /// Time after which a job is given up although the provider is down.
        give_up_after: Duration,
        /// Wait after the first failure; doubles from there.
        base_delay: Duration,
        /// Longest wait between two tries.
        max_delay: Duration,
    }

    /// `[trust]`, in the user configuration only
    TrustTable {
        /// Hosts that any key named by a project file may be sent to.
        hosts: Vec<At<String>>,
        /// Folders whose project files may use keys, key files and key commands as they like.
        projects: Vec<At<String>>,
        /// Hosts of the local network that a key may be sent to over plain http.
        insecure_http: Vec<At<String>>,
    }

    /// `[profile.NAME]`
    ProfileTable {
        /// Which client: together, openai (and everything compatible), local.
        kind: EngineKind,
        /// Whose contract the provider keeps: groq, deepinfra, speaches and others.
        dialect: Kind,
        /// Where the provider's API begins, with or without `/v1`.
        base_url: String,
        /// What stands for the address in what was bought, so that a server may move.
        identity: String,
        /// Where the key is found: `{ env = … }`, `{ file = … }`, `{ command = […] }` or "none".
        key: CredentialSpec,
        /// How the key travels: bearer, raw, none.
        auth: Auth,
        /// How long to wait.
        timeouts: TimeoutsTable,
        /// Routes that differ from the usual ones, relative to `base_url`.
        paths: PathsTable,
    }

    /// `timeouts` of a profile
    TimeoutsTable {
        /// For a connection.
        connect: Duration,
        /// Between two pieces of an answer.
        idle: Duration,
        /// For the whole request: "auto" scales with the input.
        total: TotalTimeout,
    }

    /// `paths` of a profile
    PathsTable {
        /// Route of text to speech.
        speech: String,
        /// Route of speech to text.
        transcriptions: String,
        /// Route of translations.
        translations: String,
        /// Route of the list of models.
        models: String,
        /// Route of the list of voices.
        voices: String,
    }

    /// `[models."ID"]`
    ModelTable {
        /// What it charges.
        price: PriceTable,
        /// What the provider allows, or what you want to allow.
        limits: LimitsTable,
        /// Most characters in one request.
        max_chars: Count,
        /// Most UTF-8 bytes in one request.
        max_bytes: Count,
        /// Largest file in one request.
        max_upload: ByteSize,
        /// Longest audio in one request.
        max_audio: Duration,
        /// What its raw samples are, where the built-in knowledge is wrong.
        raw: RawTable,
    }

    /// `raw` of a model
    RawTable {
        /// Coding of the samples.
        encoding: PcmEncoding,
        /// Frames per second.
        sample_rate: u32,
    }

    /// `price` of a model
    PriceTable {
        /// US dollars for 1,000,000 characters.
        per_1m_chars: NanoUsd,
        /// US dollars for a minute of audio.
        per_audio_minute: NanoUsd,
        /// The day the price was true.
        as_of: civil::Date,
        /// Where it was read.
        source: String,
    }

    /// `limits` of a model
    LimitsTable {
        /// Requests a minute.
        rpm: Count,
        /// Characters a minute.
        chars_per_minute: Count,
        /// Seconds of audio a minute.
        audio_seconds_per_minute: Count,
        /// Requests in flight at once.
        concurrency: Count,
    }

    /// `[task.NAME]`
    TaskTable {
        /// tts (text to speech) or stt (speech to text).
        r#type: TaskType,
        /// Name of the profile the requests go to.
        profile: String,
        /// Files, folders and globs, relative to this file; `!` in front takes files away.
        input: Vec<At<String>>,
        /// Manifests of recordings at URLs, which the provider fetches: .csv or .txt (stt).
        urls: Vec<At<String>>,
        /// Path of a finished file below `project.out`, with fields in braces.
        output: String,
        /// The model, as the provider spells it.
        model: String,
        /// The voice, as the provider spells it (tts).
        voice: String,
        /// How the sound comes back: rest, stream or websocket (tts).
        delivery: Delivery,
        /// Format of the finished audio: wav, flac, m4b, opus or mp3 (tts).
        format: FileFormat,
        /// ISO 639-1 code such as "en"; stt also takes "auto".
        language: String,
        /// 0.25 to 4.0, where the provider has it (tts).
        speed: f64,
        /// Style directions, where the provider has them (tts).
        instructions: String,
        /// Asks for raw samples in this coding instead of wav (tts).
        response_encoding: PcmEncoding,
        /// Frames per second, where the provider has it (tts).
        sample_rate: u32,
        /// Bits per second of an m4b, opus or mp3 (tts).
        bit_rate: u32,
        /// What makes an mp3: built-in copies the provider's, ffmpeg codes it, auto does what is needed (tts).
        encoder: Encoder,
        /// Times of what is spoken: none, or word, which come with events only (tts).
        alignment: Alignment,
        /// Where the provider may cut a text before it speaks it: sentence, immediate, never (tts).
        segment: Segmenting,
        /// Most characters a WebSocket holds back before it speaks them (tts).
        max_partial_length: Count,
        /// How words are said, as "written/said", where the model takes it (tts).
        pronunciation_dict: Vec<At<String>>,
        /// Anything else for the model, passed on as it is (tts).
        extra_params: Json,
        /// Subtitles of what was spoken, beside the audio (tts).
        subtitles: Vec<At<DocumentFormat>>,
        /// What is cleaned up in a text before it is cut: each rule true or false (tts).
        clean: CleanUp,
        /// Tables: read row by row with their heads, or skip them (tts).
        tables: Aloud,
        /// Descriptions of pictures: skip, or read them where they stand (tts).
        images: Aloud,
        /// Footnotes and endnotes of EPUB, HTML and DOCX: skip, or read them where they stand (tts).
        notes: Aloud,
        /// How much of an EPUB is read: body, or all, with title page, imprint, index (tts).
        matter: Matter,
        /// Signs that the built-in voice does not say: warn names them, error refuses the text (tts).
        unspoken: Unspoken,
        /// Only these chapters, by their number: "1-5,8", "3-" (tts).
        chapters: ChosenChapters,
        /// Into which files a text goes: files (one each), chapters, or both (tts).
        layout: Layout,
        /// What the book is called; of an EPUB, in place of what it says itself (tts).
        title: Label,
        /// Who wrote it: one name or a list (tts).
        author: Names,
        /// Who reads it (tts).
        narrator: Label,
        /// The series it belongs to (tts).
        series: Label,
        /// Its place in the series (tts).
        part: Label,
        /// When it was published (tts).
        year: Label,
        /// Its kind, as players sort by it (tts).
        genre: Label,
        /// What it is about (tts).
        description: Label,
        /// Its picture: a JPEG or PNG, relative to this file (tts).
        cover: String,
        /// Files that say how words are said: CSV or PLS, relative to this file (tts).
        lexicon: Vec<At<String>>,
        /// How text is cut into requests (tts).
        chunk: ChunkTable,
        /// Silence between chunks (tts).
        pauses: PausesTable,
        /// How loud the file is to be: as "-19 LUFS", as acx or librivox ask, or off (tts).
        loudness: Loud,
        /// When an answer counts as speech (tts); off, flag or strict: whether words are compared with the sound (stt).
        check: Checks,
        /// Documents to write (stt).
        formats: Vec<At<DocumentFormat>>,
        /// Words the recording is about, where the model takes them (stt).
        prompt: String,
        /// 0.0 to 1.0 (stt).
        temperature: f64,
        /// Translate to this language, such as "en", instead of transcribing (stt).
        translate: String,
        /// true tells speakers apart (stt).
        diarize: bool,
        /// Fewest speakers to look for (stt).
        min_speakers: Count,
        /// Most speakers to look for (stt).
        max_speakers: Count,
        /// What is timed: word (better cues) or segment (stt).
        timestamps: Timestamps,
        /// What speakers are called, by the labels of the provider (stt).
        speakers: Labels,
        /// Sends longer recordings as clips of at most this, cut in pauses (stt).
        split: Duration,
        /// How subtitles are laid out (stt).
        cues: CuesTable,
        /// Parts that cannot be had: stop makes no file of them, silence makes it with gaps (tts).
        on_missing: OnMissing,
        /// Larger numbers are worked on later.
        priority: i64,
        /// true replaces files that voicespool did not write, and keeps each as NAME.bak.
        overwrite: bool,
        /// false leaves the task out.
        enabled: bool,
    }

    /// `chunk` of a task
    ChunkTable {
        /// Hard limit in characters.
        max_chars: Count,
        /// Hard limit in UTF-8 bytes.
        max_bytes: Count,
        /// What a chunk aims for: long ones make models skip and slur.
        target_chars: Count,
        /// Shorter sentences join a neighbour.
        min_chars: u32,
        /// apart gives each paragraph a request and its own pause, packed puts as many into one as it holds.
        paragraphs: Paragraphs,
    }

    /// `pauses` of a task
    PausesTable {
        /// Inside a sentence that was too long to send whole.
        clause: Duration,
        /// After a sentence.
        sentence: Duration,
        /// After a paragraph.
        paragraph: Duration,
        /// After a scene.
        scene: Duration,
        /// After a heading.
        heading: Duration,
        /// Before a chapter.
        chapter: Duration,
        /// heard counts the silence that clips bring along, added puts the pause behind it.
        measure: PauseMeasure,
    }

    /// `check` of a task
    CheckTable {
        /// Fewest characters a second: slower is silence or noise.
        min_cps: f64,
        /// Most characters a second: faster is cut off.
        max_cps: f64,
    }

    /// `cues` of a task
    CuesTable {
        /// Columns of a line; CJK characters count two.
        max_columns: u16,
        /// Lines of a cue.
        max_lines: u8,
        /// Characters a second a reader can follow.
        max_cps: f64,
        /// Shortest time a cue stays.
        min_duration: Duration,
        /// Longest time a cue stays.
        max_duration: Duration,
        /// Gap between cues that do not touch.
        min_gap: Duration,
    }
}

/// Every key of the files, in the order of the documentation.
pub fn schema() -> Vec<SchemaKey> {
    let mut keys = Vec::new();
    FileTable::schema("", "", &mut keys);
    keys
}

/// `check` of a task: of one that speaks a table, of one that transcribes a word.
#[derive(Debug, Clone)]
pub(super) enum Checks {
    Speech(CheckTable),
    Sound(SoundCheck),
}

impl FromToml for Checks {
    const EXPECTED: &'static str =
        "\"off\", \"flag\" or \"strict\" (stt), or a table such as { max_cps = 30 } (tts)";

    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(_) => SoundCheck::from_toml(value, reader).map(Self::Sound),
            DeValue::Table(_) => CheckTable::from_toml(value, reader).map(Self::Speech),
            _ => {
                reader.wrong_type(value, Self::EXPECTED, None);
                None
            }
        }
    }

    fn schema(path: &str, doc: &'static str, out: &mut Vec<SchemaKey>) {
        SoundCheck::schema(path, doc, out);
        CheckTable::schema(path, doc, out);
    }
}
