//! Reading one text as far as needed to price it and to queue it. Sends nothing, writes nothing.

use std::borrow::Cow;
use std::path::Path;

use crate::audio::{Coder, Cover, SpokenLength};
use crate::domain::units::counted;
use crate::domain::{AudioMillis, Book, Boundary, ContentKey, Encoder, Lesson};
use crate::pipeline::discover::Found;
use crate::pipeline::requests::{Kept, PlannedChunk, byte, offset, requests};
use crate::pipeline::task::{Learnt, SpeechWork};
use crate::pipeline::{book, key};
use crate::text::{self, Bound, Document, LeftOut, Markup, Respelt, Rule, Unspoken};

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
    pub(super) fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn unreadable(error: &std::io::Error) -> Self {
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

/// Reads the text of `found`; the key is that of its bytes.
pub(super) fn read_document(
    found: &Found,
    work: &SpeechWork,
) -> Result<(Document, ContentKey), Refusal> {
    let (mut document, content) = read_whole(found, work)?;
    if let Some(chosen) = &work.chapters {
        document.keep(chosen).map_err(|there| {
            let chapters = counted(u64::try_from(there).unwrap_or(u64::MAX), "chapter");
            Refusal::new(
                format!("has {chapters}, and `chapters` names one behind the last"),
                "`voicespool plan --text FILE` shows them",
            )
        })?;
        if !document.is_speakable() {
            return Err(nothing_to_speak());
        }
    }
    Ok((document, content))
}

/// All of the text.
fn read_whole(found: &Found, work: &SpeechWork) -> Result<(Document, ContentKey), Refusal> {
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
    let mut document = text::read(&bytes, markup, &work.reading)
        .map_err(|error| Refusal::new(error.to_string(), remedy(error)))?;
    if work.reading.clean.is_on(Rule::Lexicon) {
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
        text::Error::NeedsPdftotext => {
            "install it (Debian: poppler-utils), or take the file out of `input`"
        }
        text::Error::BrokenPdf { .. } => {
            "save its text as .txt or .docx, or take it out of `input`"
        }
        text::Error::BrokenDocument { .. } => {
            "open it in a word processor and save it again, or take it out of `input`"
        }
        text::Error::BrokenBook { .. } => {
            "open it in a reader and save it again, or take it out of `input`"
        }
        _ => "give a text, markdown, HTML, EPUB, DOCX or PDF file",
    }
}

/// Whoever wants every sign spoken is told before anything is.
fn refuse_unspoken(document: &Document, work: &SpeechWork) -> Result<(), Refusal> {
    if work.unspoken == Unspoken::Warn || !work.latin_only {
        return Ok(());
    }
    let signs = text::foreign(&document.text).unsaid;
    if signs == 0 {
        return Ok(());
    }
    let signs = counted(u64::try_from(signs).unwrap_or(u64::MAX), "sign");
    Err(Refusal::new(
        format!(
            "has {signs} that the voice does not say: {}",
            text::unsaid(&document.text, 8)
        ),
        "take them out, give them words in a `lexicon`, or write unspoken = \"warn\"",
    ))
}

/// Reads and cuts the text of `found`.
pub fn read_text(found: &Found, endpoint: &str, work: &SpeechWork) -> Result<TextSource, Refusal> {
    let (document, content) = read_document(found, work)?;
    let known = book::known(found, work).map_err(|why| {
        let remedy = "write title, author, narrator, series, part, year, language, genre, description or cover, as in a task";
        Refusal::new(why, remedy)
    })?;
    refuse_without_coder(work)?;
    refuse_unspoken(&document, work)?;
    let wire = work.params.wire_format(work.delivery);
    refuse_format(&work.learned, wire.as_str(), "write another `format`")?;
    let (mut chunks, kept) = requests(&document, endpoint, work);
    let all = chunks.len();
    let end = excerpt(&document, &mut chunks, work);
    let (cover, passed_over) = book::cover(&document, found, &known, work);
    let only = (chunks.len() < all).then(|| {
        format!(
            "only its beginning: {} of {all}",
            counted(u64::try_from(chunks.len()).unwrap_or(u64::MAX), "request")
        )
    });
    let notes = only
        .into_iter()
        .chain(note_of(&document, kept, work))
        .chain(passed_over);
    let notes: Vec<String> = notes.collect();
    Ok(TextSource {
        content,
        text_key: key::of_bytes(&document.text.as_bytes()[..end]),
        chunks,
        chapters: document
            .chapters()
            .into_iter()
            .filter(|chapter| chapter.start < end)
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
        respelt: respelt(document.respelt, end),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        text: cut_off(document.text, end),
    })
}

/// Drops the requests behind the part that `work` asks for. Where the text that is left ends.
fn excerpt(document: &Document, chunks: &mut Vec<PlannedChunk>, work: &SpeechWork) -> usize {
    let Some(most) = work.excerpt else {
        return document.text.len();
    };
    let mut spoken = AudioMillis::default();
    let wanted = chunks.iter().take_while(|chunk| {
        let is_wanted = spoken < most;
        let text = &document.text[byte(chunk.range.start)..byte(chunk.range.end)];
        spoken = AudioMillis(spoken.0.saturating_add(SpokenLength::of(text).usual().0));
        is_wanted
    });
    let wanted = wanted.count();
    if wanted == chunks.len() {
        return document.text.len();
    }
    chunks.truncate(wanted);
    chunks.last_mut().map_or(document.text.len(), |last| {
        last.boundary = Boundary::End;
        byte(last.range.end)
    })
}

fn cut_off(mut text: String, end: usize) -> String {
    text.truncate(end);
    text
}

fn respelt(mut respelt: Vec<Respelt>, end: usize) -> Vec<Respelt> {
    respelt.retain(|place| place.range.end <= end);
    respelt
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

/// Refuses an MP3 that nothing here can code.
fn refuse_without_coder(work: &SpeechWork) -> Result<(), Refusal> {
    let encoder = work.mastering.encoder;
    if encoder.is_built_in() || Coder::find(encoder).is_some() {
        return Ok(());
    }
    let program = match encoder {
        Encoder::Ffmpeg => "`ffmpeg`",
        _ => "`lame` or `ffmpeg`",
    };
    Err(Refusal::new(
        format!("becomes an mp3, which is coded by {program}, and that is not on the PATH"),
        "install it, or write format = \"m4b\" or \"opus\", which need nothing",
    ))
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
