//! Exactly what will be said of one text, before anything is sent.

use crate::domain::{AudioMillis, Boundary, CharCount};
use crate::pipeline::discover::Found;
use crate::pipeline::requests::{Kept, byte, requests};
use crate::pipeline::source::{Refusal, read_document};
use crate::pipeline::task::SpeechWork;
use crate::text::{self, Change, Foreign, LeftOut};

/// One text as it will be spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub title: Option<String>,
    /// The language that decides where sentences end.
    pub language: Option<String>,
    /// In the order they are spoken.
    pub lines: Vec<Line>,
    /// What the clean-up changed.
    pub changes: Vec<Change>,
    /// What is not spoken, and that no rule took away.
    pub left_out: Vec<LeftOut>,
    /// What a voice of Latin letters does with others; `None` if the voice reads them.
    pub foreign: Option<Foreign>,
    /// The cut of an earlier version stays, because parts of it were bought.
    pub is_cut_as_bought: bool,
}

/// What one request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The chapter that begins here: its title, empty for the text before the first one.
    pub chapter: Option<String>,
    /// Its number, by which it is chosen; the last one, if several begin here.
    pub chapter_number: Option<usize>,
    pub text: String,
    pub chars: CharCount,
    /// Why the request ends there.
    pub boundary: Boundary,
    /// The silence after it.
    pub pause: AudioMillis,
}

impl Script {
    /// Reads the text of `found` and cuts it as `work` says.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be read or has nothing to say.
    pub fn read(found: &Found, endpoint: &str, work: &SpeechWork) -> Result<Self, Refusal> {
        let (document, _) = read_document(found, work)?;
        let (chunks, kept) = requests(&document, endpoint, work);
        let mut chapters = (1..).zip(document.chapters()).peekable();
        let chosen = work.chapters.as_ref();
        let numbered = |nth| chosen.map_or(Some(nth), |chosen| chosen.nth(nth));
        let lines = chunks.into_iter().map(|chunk| {
            let (start, end) = (byte(chunk.range.start), byte(chunk.range.end));
            let (mut chapter, mut chapter_number) = (None, None);
            while let Some((nth, begun)) = chapters.next_if(|(_, chapter)| chapter.start < end) {
                chapter = Some(begun.title.unwrap_or_default().into_owned());
                chapter_number = numbered(nth);
            }
            Line {
                chapter,
                chapter_number,
                text: document.text[start..end].to_owned(),
                chars: chunk.chars,
                boundary: chunk.boundary,
                pause: work.pauses.after(chunk.boundary),
            }
        });
        let lines = lines.collect();
        let title = document.title().map(std::borrow::Cow::into_owned);
        let own = document.about.language.clone();
        Ok(Self {
            title,
            language: work.params.language.clone().or(own),
            lines,
            foreign: work.latin_only.then(|| text::foreign(&document.text)),
            is_cut_as_bought: kept == Kept::AsBought,
            changes: document.changes,
            left_out: document.left_out,
        })
    }

    /// All that is sent.
    pub fn chars(&self) -> CharCount {
        let chars = self.lines.iter().map(|line| line.chars.0);
        CharCount(chars.fold(0, u64::saturating_add))
    }
}
