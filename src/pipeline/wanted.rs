//! What a file needs, before the queue is asked about it.

use std::path::PathBuf;

use crate::domain::{ContentKey, JobKind, Quantity};
use crate::pipeline::key;
use crate::pipeline::plan::AtMost;
use crate::pipeline::recipe::{Assemble, Compose};
use crate::pipeline::recording::AudioSource;
use crate::pipeline::source::TextSource;
use crate::pipeline::task::{Task, Work};

/// What a file needs and what comes of it.
pub(super) struct Wanted {
    /// Hash of the file, and of the text in it.
    pub(super) content: ContentKey,
    pub(super) text: Option<ContentKey>,
    pub(super) parent: ContentKey,
    /// The same as an older version made it, which stands if it is finished.
    pub(super) before: Option<ContentKey>,
    /// Its requests.
    pub(super) keys: Vec<(ContentKey, Quantity)>,
    pub(super) outputs: Vec<PathBuf>,
    pub(super) note: Option<String>,
    /// Why what `keys` come to is a bound, if it is.
    pub(super) at_most: Option<AtMost>,
}

impl Wanted {
    pub(super) fn of_text(source: &TextSource, recipe: &Assemble, task: &Task) -> Self {
        let may_stand = matches!(&task.work, Work::Speech(work) if work.as_before);
        let key =
            |recipe: &Assemble| key::output(JobKind::Assemble.as_str(), source.content, recipe);
        let chunks = source.chunks.iter();
        Self {
            content: source.content,
            text: Some(source.text_key),
            parent: key(recipe),
            before: may_stand.then(|| key(&recipe.before())),
            keys: chunks
                .map(|chunk| (chunk.key, Quantity::Chars(chunk.chars)))
                .collect(),
            outputs: recipe.outputs().cloned().collect(),
            note: source.note.clone(),
            at_most: None,
        }
    }

    pub(super) fn of_audio(source: &AudioSource, recipe: &Compose, task: &Task) -> Self {
        let may_stand = matches!(&task.work, Work::Transcription(work) if work.as_before);
        let key = |recipe: &Compose| key::output(JobKind::Compose.as_str(), source.content, recipe);
        let requests = source.requests.iter();
        Self {
            content: source.content,
            text: None,
            parent: key(recipe),
            before: may_stand.then(|| key(&recipe.before())),
            keys: requests
                .map(|request| (request.key, Quantity::Audio(request.length)))
                .collect(),
            outputs: recipe.outputs().cloned().collect(),
            note: source.note.clone(),
            at_most: source.at_most(),
        }
    }
}
