//! Why a file that was bought before is to be bought again: what differs, in the user's words.

use serde_json::{Map, Value};

use crate::domain::ContentKey;
use crate::pipeline::plan::{FilePlan, FileState};
use crate::pipeline::task::{Task, Work};
use crate::store::{self, Bought, Store};

/// What is wanted now, as far as it decides what is bought.
pub(super) struct Asked<'a> {
    task: &'a Task,
    path: &'a [u8],
    content: ContentKey,
    text: Option<ContentKey>,
}

impl<'a> Asked<'a> {
    /// Of `task` the file that the queue knows as `path`, with the hash of the file and of the text
    /// in it.
    pub(super) fn new(
        task: &'a Task,
        path: &'a [u8],
        content: ContentKey,
        text: Option<ContentKey>,
    ) -> Self {
        Self {
            task,
            path,
            content,
            text,
        }
    }
}

/// Notes what of `file` was bought before, and why that does not count.
pub(super) async fn note(
    store: &Store,
    asked: &Asked<'_>,
    file: &mut FilePlan,
) -> Result<(), store::Error> {
    if file.to_send == 0 || file.state != FileState::Changed {
        return Ok(());
    }
    if let Some(before) = store.bought(&asked.task.name, asked.path).await? {
        file.add_note(from(&before, asked));
    }
    Ok(())
}

/// What differs from `before`, a line.
fn from(before: &Bought, asked: &Asked<'_>) -> String {
    let task = asked.task;
    let mut differs = Vec::new();
    let same_text = match (before.text, asked.text) {
        (Some(before), Some(now)) => before == now,
        _ => before.content == asked.content,
    };
    if before.endpoint != task.endpoint {
        differs.push(format!(
            "another server ({}, was {}; `identity` under its profile says that it is the same)",
            task.endpoint, before.endpoint
        ));
    }
    let now = match &task.work {
        Work::Speech(work) => serde_json::to_value(&work.params),
        Work::Transcription(work) => serde_json::to_value(&work.params),
    };
    let was: Map<String, Value> = serde_json::from_str(&before.params).unwrap_or_default();
    if let Ok(Value::Object(now)) = &now {
        let names: Vec<_> = was.keys().filter(|name| !now.contains_key(*name)).collect();
        let changed = now.keys().chain(names);
        let changed = changed.filter(|name| now.get(*name) != was.get(*name));
        differs.extend(changed.map(|name| {
            let word = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), plain);
            format!(
                "another `{name}` ({}, was {})",
                word(now.get(name)),
                word(was.get(name))
            )
        }));
    }
    let text = if same_text {
        "the same text"
    } else {
        "another text"
    };
    match (differs.is_empty(), same_text) {
        (true, true) => "bought before: the same text, cut or cleaned otherwise".to_owned(),
        (true, false) => "bought before: the text has changed".to_owned(),
        (false, _) => format!("bought before: {text}; {}", differs.join("; ")),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
