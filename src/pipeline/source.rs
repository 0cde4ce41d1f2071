//! Reading one input file as far as needed to price it and to queue it. Sends nothing,
//! writes nothing.

use std::borrow::Cow;
use std::path::Path;

use crate::audio::{self, AudioFacts, Cover};
use crate::domain::units::counted;
use crate::domain::{AudioMillis, Book, ContentKey, Lesson};
use crate::pipeline::discover::Found;
use crate::pipeline::remote::Remote;
use crate::pipeline::requests::{Kept, PlannedChunk, offset, requests};
use crate::pipeline::task::{Learnt, SpeechWork, TranscriptionWork};
use crate::pipeline::{book, key};
use crate::text::{self, Bound, Document, LeftOut, Markup, Respelt, Rule};

/// Text files above this are refused: no book has 256 MiB, and all of it is held at once.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// Why one file cannot be worked on; the rest of the run goes on without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub why: String,
    /// What the user can do about it.
    pub remedy: String,
}

impl Refusal {
    fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    fn unreadable(error: &std::io::Error) -> Self {
        Self::new(
            format!("cannot be read: {error}"),
            "check the file's permissions",
        )
    }
}

/// A text file, cut.
#[derive(Debug, Clone)]
pub struct TextSource {
    pub content: ContentKey,
    /// The speakable text; `text_key` is its hash.
    pub text: String,
    pub text_key: ContentKey,
    pub chunks: Vec<PlannedChunk>,
    /// `(title, byte where it starts)`.
    pub chapters: Vec<(String, u64)>,
    pub title: Option<String>,
    pub book: Book,
    pub cover: Option<Cover>,
    /// Where something else is said than was written.
    pub respelt: Vec<Respelt>,
    /// What the planner should mention: replaced bytes, a guessed encoding.
    pub note: Option<String>,
}

/// An audio file, measured.
#[derive(Debug, Clone)]
pub struct AudioSource {
    pub content: ContentKey,
    pub key: ContentKey,
    /// As measured here; of a recording at a URL, as its manifest says, or the longest that
    /// one request takes.
    pub duration: AudioMillis,
    /// The length is not known: `duration` is a bound.
    pub at_most: bool,
    /// What the planner should mention.
    pub note: Option<String>,
}

/// Reads the text of `found`; the key is that of its bytes.
pub(super) fn read_document(
    found: &Found,
    work: &SpeechWork,
) -> Result<(Document, ContentKey), Refusal> {
    if found.parts.len() < 2 {
        return read_file(&found.path, work);
    }
    if found.bytes > MAX_TEXT_BYTES {
        return Err(too_large(found.bytes));
    }
    let (mut parts, mut keys) = (Vec::new(), Vec::new());
    for path in &found.parts {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (document, key) = read_file(path, work).map_err(|refusal| Refusal {
            why: format!("{name} in it {}", refusal.why),
            ..refusal
        })?;
        keys.extend_from_slice(&key.0);
        let name = book::chapter_name(path);
        parts.push(Bound { document, name });
    }
    let document = text::bind(parts).ok_or_else(nothing_to_speak)?;
    Ok((document, key::of_bytes(&keys)))
}

/// Reads the text at `path`; the key is that of its bytes.
fn read_file(path: &Path, work: &SpeechWork) -> Result<(Document, ContentKey), Refusal> {
    let size = path
        .metadata()
        .map_err(|error| Refusal::unreadable(&error))?
        .len();
    if size > MAX_TEXT_BYTES {
        return Err(too_large(size));
    }
    let bytes = std::fs::read(path).map_err(|error| Refusal::unreadable(&error))?;
    let markup = Markup::of_path(path).unwrap_or(Markup::Plain);
    let mut document = text::read(&bytes, markup, &work.clean)
        .map_err(|error| Refusal::new(error.to_string(), remedy(error)))?;
    if work.clean.is_on(Rule::Lexicon) {
        let own = document.about.language.clone();
        let language = work.params.language.clone().or(own);
        work.lexicon.apply(&mut document, language.as_deref());
    }
    if !document.is_speakable() {
        return Err(nothing_to_speak());
    }
    Ok((document, key::of_bytes(&bytes)))
}

fn too_large(bytes: u64) -> Refusal {
    Refusal::new(
        format!(
            "has {} MiB; at most {} MiB of text are read",
            bytes >> 20,
            MAX_TEXT_BYTES >> 20
        ),
        "split it into parts",
    )
}

fn nothing_to_speak() -> Refusal {
    Refusal::new("has nothing to speak", "take it out of `input`")
}

/// What to do about a text that cannot be read.
fn remedy(error: text::Error) -> &'static str {
    match error {
        text::Error::LockedBook => "take it out of `input`, or get it without protection",
        text::Error::BrokenBook { .. } => {
            "open it in a reader and save it again, or take it out of `input`"
        }
        _ => "give a text, markdown, HTML or EPUB file",
    }
}

/// Reads and cuts the text of `found`.
pub fn read_text(found: &Found, endpoint: &str, work: &SpeechWork) -> Result<TextSource, Refusal> {
    let (document, content) = read_document(found, work)?;
    let known = book::known(found, work).map_err(|why| {
        let remedy = "write title, author, narrator, series, part, year, language, genre, description or cover, as in a task";
        Refusal::new(why, remedy)
    })?;
    let wire = work.params.wire_format(work.delivery);
    refuse_format(&work.learned, wire.as_str(), "write another `format`")?;
    let (chunks, kept) = requests(&document, endpoint, work);
    let (cover, passed_over) = book::cover(&document, found, &known, work);
    let notes = note_of(&document, kept, work)
        .into_iter()
        .chain(passed_over);
    let notes: Vec<String> = notes.collect();
    Ok(TextSource {
        content,
        text_key: key::of_bytes(document.text.as_bytes()),
        chunks,
        chapters: document
            .chapters()
            .into_iter()
            .filter_map(|chapter| Some((chapter.title?.into_owned(), offset(chapter.start))))
            .collect(),
        title: known
            .said
            .title
            .clone()
            .or_else(|| document.title().map(Cow::into_owned))
            .or(known.folder.clone()),
        book: book::of(&document, &known, work),
        cover,
        respelt: document.respelt,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        text: document.text,
    })
}

/// What is said of a document beside its price: nothing is changed or left out in silence.
fn note_of(document: &Document, kept: Kept, work: &SpeechWork) -> Option<String> {
    let mut notes = Vec::new();
    if work.latin_only {
        notes.extend(foreign_note(&document.text));
    }
    if kept == Kept::AsBought {
        notes.push(
            "cut as it was bought, several paragraphs in a request; chunk.paragraphs = \"apart\" cuts it anew and buys it again".to_owned(),
        );
    }
    if document.guessed_bytes > 0 {
        notes.push(format!(
            "{} of it no UTF-8, read as windows-1252",
            counted(
                u64::try_from(document.guessed_bytes).unwrap_or(u64::MAX),
                "byte"
            )
        ));
    }
    if document.had_replacements {
        notes.push(format!(
            "some bytes are no {}; they were replaced",
            document.encoding
        ));
    }
    if !document.changes.is_empty() {
        let changes = document.changes.iter();
        let changes: Vec<_> = changes
            .map(|change| format!("{} {}", change.rule, change.count))
            .collect();
        notes.push(format!("cleaned up: {}", changes.join(", ")));
    }
    if !document.left_out.is_empty() {
        notes.push(format!("left out: {}", left_out(&document.left_out)));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// What the built-in voice does with letters and signs that are not its own.
fn foreign_note(text: &str) -> Option<String> {
    let text::Foreign { romanised, unsaid } = text::foreign(text);
    let said = match romanised {
        0 => None,
        1 => {
            Some("1 letter of another script is said as a reader of Latin letters would".to_owned())
        }
        _ => Some(format!(
            "{romanised} letters of other scripts are said as a reader of Latin letters would"
        )),
    };
    let unsaid = match unsaid {
        0 => None,
        1 => Some("not spoken: 1 sign or picture".to_owned()),
        _ => Some(format!("not spoken: {unsaid} signs and pictures")),
    };
    let notes: Vec<_> = said.into_iter().chain(unsaid).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The kinds of what is left out, each with its pieces and its letters.
fn left_out(pieces: &[LeftOut]) -> String {
    let mut kinds: Vec<(&str, usize, usize)> = Vec::new();
    for piece in pieces {
        match kinds.iter_mut().find(|(what, ..)| *what == piece.what) {
            Some((_, count, letters)) => {
                *count += 1;
                *letters = letters.saturating_add(piece.letters);
            }
            None => kinds.push((piece.what, 1, piece.letters)),
        }
    }
    let kinds: Vec<_> = kinds
        .into_iter()
        .map(|(what, count, letters)| match count {
            1 => format!("{what} ({letters} letters)"),
            _ => format!("{what} ({count} times, {letters} letters)"),
        })
        .collect();
    kinds.join(", ")
}

/// Refuses what the provider said it does not answer in.
fn refuse_format(learned: &[Learnt], format: &str, remedy: &str) -> Result<(), Refusal> {
    let refused = learned
        .iter()
        .find(|learnt| matches!(&learnt.lesson, Lesson::NoFormat(no) if no == format));
    match refused {
        None => Ok(()),
        Some(learnt) => Err(Refusal::new(
            format!("the model gives no answer in `{format}` ({})", learnt.from),
            format!("{remedy}, or take another model"),
        )),
    }
}

/// Measures the audio at `path` and checks it against the provider's limits, so that
/// junk is found before it is uploaded and paid for.
pub fn read_audio(
    path: &Path,
    endpoint: &str,
    work: &TranscriptionWork,
) -> Result<AudioSource, Refusal> {
    let size = path
        .metadata()
        .map_err(|error| Refusal::unreadable(&error))?
        .len();
    let facts = audio::probe(path)
        .map_err(|error| Refusal::new(error.to_string(), "take it out of `input`, or repair it"))?;
    refuse_too_long(facts.duration, work)?;
    refuse_learned(&work.learned, facts.duration, &work.params.model)?;
    let smaller = if size > work.largest() {
        Some(smaller(&facts, size, work)?)
    } else {
        None
    };
    let content = key::of_file(path).map_err(|error| Refusal::unreadable(&error))?;
    Ok(AudioSource {
        content,
        key: key::transcribe(endpoint, &work.params, content),
        duration: facts.duration,
        at_most: false,
        note: join_notes(cut_note(&facts), smaller),
    })
}

/// What is said of a recording that ends before its header says.
fn cut_note(facts: &AudioFacts) -> Option<String> {
    let stated = facts.cut_from?;
    Some(format!(
        "is shorter than its header says: {:.1} s of {:.1} s are there; it ends early",
        facts.duration.seconds(),
        stated.seconds()
    ))
}

fn join_notes(first: Option<String>, second: Option<String>) -> Option<String> {
    let notes: Vec<String> = first.into_iter().chain(second).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// How a recording that is too large is sent nevertheless.
fn smaller(facts: &AudioFacts, size: u64, work: &TranscriptionWork) -> Result<String, Refusal> {
    let most = work.largest();
    let named = work
        .learned
        .iter()
        .find(|learnt| matches!(learnt.lesson, Lesson::MaxUpload(named) if named == most));
    let limit = match named {
        Some(learnt) => format!("{} ({})", learnt.lesson, learnt.from),
        None => format!("at most {:.1} MB a request", megabytes(most)),
    };
    let too_large = format!("is {:.1} MB; the provider takes {limit}", megabytes(size));
    let model = &work.params.model;
    if !audio::can_shrink(facts) {
        return Err(Refusal::new(
            too_large,
            format!(
                "{} at {} Hz is not made smaller here: ffmpeg -i IN -ac 1 -ar 16000 -c:a libopus -b:a 24k OUT.ogg (10.8 MB an hour), or raise `max_upload` of [models.\"{model}\"]",
                facts.codec, facts.sample_rate
            ),
        ));
    }
    let Some(rate) = audio::fitting_rate(facts.duration, most) else {
        return Err(Refusal::new(
            too_large,
            format!(
                "speech of {:.0} min fits into that: cut it into parts, or raise `max_upload` of [models.\"{model}\"]",
                audio::longest_in(most).seconds() / 60.0
            ),
        ));
    };
    let bytes = u64::from(rate) * facts.duration.0 / 8000;
    Ok(format!(
        "{too_large}: sent as M4A of about {:.1} MB (one channel, {} kbit/s), nothing is cut",
        megabytes(bytes),
        rate / 1000
    ))
}

fn refuse_too_long(duration: AudioMillis, work: &TranscriptionWork) -> Result<(), Refusal> {
    let limit = work.longest();
    if duration <= limit {
        return Ok(());
    }
    Err(Refusal::new(
        format!(
            "is {:.1} min long; one request takes at most {:.0} min",
            duration.seconds() / 60.0,
            limit.seconds() / 60.0
        ),
        format!(
            "cut it into parts, or raise `max_audio` of [models.\"{}\"]",
            work.params.model
        ),
    ))
}

/// Prices a recording that the provider fetches, by what its manifest says of it. Opens no
/// socket: where nothing is said, it counts as the longest that one request takes.
pub fn read_remote(
    remote: &Remote,
    endpoint: &str,
    work: &TranscriptionWork,
) -> Result<AudioSource, Refusal> {
    if remote.is_loopback && !work.is_loopback {
        return Err(Refusal::new(
            "is on this machine, where the provider cannot fetch it",
            "name the file itself in `input`",
        ));
    }
    if let Some(duration) = remote.duration {
        refuse_too_long(duration, work)?;
    }
    Ok(AudioSource {
        content: remote.identity,
        key: key::transcribe(endpoint, &work.params, remote.identity),
        duration: remote.duration.unwrap_or_else(|| work.longest()),
        at_most: remote.duration.is_none(),
        note: None,
    })
}

/// Refuses what the provider refused before, as far as it said where the limit is.
fn refuse_learned(learned: &[Learnt], duration: AudioMillis, model: &str) -> Result<(), Refusal> {
    let named = learned
        .iter()
        .find(|learnt| matches!(&learnt.lesson, Lesson::MaxAudio(most) if duration > *most));
    let Some(learnt) = named else { return Ok(()) };
    Err(Refusal::new(
        format!(
            "is {:.1} min long; the provider takes {} ({})",
            duration.seconds() / 60.0,
            learnt.lesson,
            learnt.from
        ),
        format!("cut it into parts, or set `max_audio` of [models.\"{model}\"]"),
    ))
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "shown with one decimal"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
