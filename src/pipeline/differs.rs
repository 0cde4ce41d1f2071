//! Why a file that was bought before is to be bought again: what differs, in the user's words.

use serde_json::{Map, Value};

use crate::domain::ContentKey;
use crate::pipeline::task::{Task, Work};
use crate::store::Bought;

/// What is wanted now, as far as it decides what is bought.
pub(super) struct Asked<'a> {
    pub(super) task: &'a Task,
    /// Hash of the file.
    pub(super) content: ContentKey,
    /// Hash of the text in it.
    pub(super) text: Option<ContentKey>,
}

/// What differs from `before`, a line.
pub(super) fn from(before: &Bought, asked: &Asked<'_>) -> String {
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
