//! A task that was typed as flags instead of written into a file.
//!
//! It is written out as the TOML it stands for and goes through the same reader, the same
//! checks and the same rules of trust as a task of `jobs.toml`; what is wrong with it is
//! told in the words that were typed.

use crate::config::document::{Document, TYPED};
use crate::config::problem::{ConfigError, Problem};
use crate::config::tables;

/// Longest value shown beside its flag.
const MAX_SHOWN: usize = 60;

/// The value of a flag.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedValue {
    Text(String),
    Whole(u32),
    /// Finite.
    Number(f64),
    Switch(bool),
    List(Vec<String>),
    /// Names that are switched off.
    Off(Vec<String>),
}

impl From<&str> for TypedValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for TypedValue {
    fn from(on: bool) -> Self {
        Self::Switch(on)
    }
}

impl From<&String> for TypedValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&u32> for TypedValue {
    fn from(number: &u32) -> Self {
        Self::Whole(*number)
    }
}

impl From<&f64> for TypedValue {
    fn from(number: &f64) -> Self {
        Self::Number(*number)
    }
}

impl From<&[String]> for TypedValue {
    fn from(list: &[String]) -> Self {
        Self::List(list.to_vec())
    }
}

impl TypedValue {
    fn toml(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => format!("{number:?}"),
            Self::Switch(on) => on.to_string(),
            Self::List(list) => {
                let items: Vec<_> = list.iter().map(|item| quoted(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Off(names) => {
                let items = names.iter().map(|name| format!("{} = false", quoted(name)));
                let items: Vec<_> = items.collect();
                format!("{{ {} }}", items.join(", "))
            }
        }
    }

    /// `--voice pico-de`.
    fn shown(&self, flag: &str) -> String {
        let value = match self {
            Self::Switch(true) => return flag.to_owned(),
            Self::Text(text) => text.clone(),
            Self::List(list) | Self::Off(list) => list.join(","),
            Self::Whole(_) | Self::Number(_) | Self::Switch(false) => self.toml(),
        };
        let mut short: String = value.chars().take(MAX_SHOWN).collect();
        if short.len() < value.len() {
            short.push('…');
        }
        if short.is_empty() || short.contains(char::is_whitespace) {
            short = format!("\"{short}\"");
        }
        let between = if flag == TRANSLATE { '=' } else { ' ' };
        format!("{flag}{between}{short}")
    }
}

/// A basic string of TOML, on one line whatever is in it. JSON escapes the same way, but
/// for the one control character that is not below the space.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007F")
}

/// The one flag whose value is joined to it, because it can be left out.
const TRANSLATE: &str = "--translate";

/// The flag that sets a key of a task: its name, but for keys that other programs have
/// taught people another name for.
fn flag_of(key: &str) -> String {
    match key {
        "formats" => "--output-format".to_owned(),
        "clean" => "--no-clean".to_owned(),
        _ => format!("--{}", key.replace('_', "-")),
    }
}

/// A task of one command.
#[derive(Debug, Clone)]
pub struct TypedTask {
    /// `tts` or `stt`: the command, and the task's name in the queue.
    name: &'static str,
    toml: String,
    /// What was typed for each line of `toml`.
    typed: Vec<String>,
}

impl TypedTask {
    /// The task of the command `name`, `tts` or `stt`, with nothing set but its type. Inputs
    /// and outputs are the caller's: `Task::input` of what is loaded is a placeholder.
    pub fn new(name: &'static str) -> Self {
        let command = format!("voicespool {name}");
        Self {
            name,
            toml: format!("[task.{name}]\ntype = \"{name}\"\n"),
            typed: vec![command.clone(), command.clone()],
        }
        .line("input", &"typed".into(), true, command.clone())
        .line("output", &"{task}/{name}.{ext}".into(), false, command)
    }

    /// Sets `key` to what its flag says; nothing when the flag was not typed.
    #[must_use]
    pub fn with(self, key: &str, value: Option<impl Into<TypedValue>>) -> Self {
        match value.map(Into::into) {
            Some(value) => {
                let typed = value.shown(&flag_of(key));
                self.line(key, &value, false, typed)
            }
            None => self,
        }
    }

    /// Sets `key` to something that follows from what was typed, which is `typed`.
    #[must_use]
    pub fn with_from(self, key: &str, value: impl Into<TypedValue>, typed: String) -> Self {
        self.line(key, &value.into(), false, typed)
    }

    fn line(mut self, key: &str, value: &TypedValue, list: bool, typed: String) -> Self {
        let value = value.toml();
        let value = if list { format!("[{value}]") } else { value };
        self.toml.push_str(&format!("{key} = {value}\n"));
        self.typed.push(typed);
        self
    }

    /// The TOML it stands for.
    pub(super) fn document(&self) -> Document {
        Document::typed(self.toml.clone(), TYPED, self.typed.clone())
    }

    /// The same problems in the words that were typed.
    pub(super) fn told(&self, error: &ConfigError) -> ConfigError {
        let problems = error.problems().iter().cloned();
        ConfigError::new(problems.map(|problem| self.in_flags(problem)).collect())
    }

    /// `problem`, if it is about this task, in the words that were typed.
    pub(super) fn in_flags(&self, mut problem: Problem) -> Problem {
        if problem.order.0 != TYPED {
            return problem;
        }
        problem.message = self.text(&problem.message);
        problem.label = problem.label.map(|label| self.text(&label));
        for note in &mut problem.notes {
            *note = self.text(note);
        }
        problem
    }

    /// `text` with flags instead of keys.
    fn text(&self, text: &str) -> String {
        let section = format!("[task.{}]", self.name);
        let text = text
            .replace(&format!("{section} has no"), "there is no")
            .replace(&format!(" in {section}"), "")
            .replace(&section, &format!("voicespool {}", self.name));
        let schema = tables::schema();
        let keys: Vec<&str> = schema
            .iter()
            .filter_map(|key| key.path.strip_prefix("task.<NAME>."))
            .filter(|key| !key.contains('.'))
            .collect();
        let (mut told, mut rest) = (String::new(), text.as_str());
        while let Some(at) = rest.find(|c: char| c.is_ascii_lowercase()) {
            told.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            if !keys.contains(&word) {
                told.push_str(word);
                continue;
            }
            let is_quoted = told.ends_with('`') && after.starts_with('`');
            match assigned(after) {
                Some((value, behind)) => {
                    told.push_str(&value.shown(&flag_of(word)));
                    rest = behind;
                }
                None if is_quoted || word.contains('_') => told.push_str(&flag_of(word)),
                None => told.push_str(word),
            }
        }
        told.push_str(rest);
        told
    }
}

/// ` = "wav"` or ` = true` at the start of `text`: the value, and what follows.
fn assigned(text: &str) -> Option<(TypedValue, &str)> {
    let text = text.strip_prefix(" = ")?;
    if let Some(text) = text.strip_prefix('"') {
        let (value, rest) = text.split_once('"')?;
        return Some((value.into(), rest));
    }
    let end = text.find([' ', ',', ';']).unwrap_or(text.len());
    let (value, rest) = text.split_at(end);
    let value = match value {
        "true" => TypedValue::Switch(true),
        other => other.into(),
    };
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_flags() {
        let task = TypedTask::new("tts");
        for (written, typed) in [
            ("[task.tts] has no `voice`", "there is no `--voice`"),
            ("add voice = \"a\"; there are", "add --voice a; there are"),
            (
                "`bit_rate` is for the format mp3",
                "`--bit-rate` is for the format mp3",
            ),
            ("add diarize = true, or leave", "add --diarize, or leave"),
            ("write translate = \"en\"", "write --translate=en"),
            ("write min_speakers below", "write --min-speakers below"),
            ("`format` in [task.tts]: `x`", "`--format`: `x`"),
            ("`formats` stands", "`--output-format` stands"),
            ("a `pencil` of this model", "a `pencil` of this model"),
        ] {
            assert_eq!(task.text(written), typed);
        }
    }

    #[test]
    fn no_value_can_end_its_line() {
        let hostile = "a\"\nprofile = \"x\u{7f}\u{1b}\\";

        let task = TypedTask::new("tts").with("prompt", Some(hostile));

        assert_eq!(task.toml.lines().count(), task.typed.len());
        let parsed: toml::Table = task.toml.parse().unwrap();
        assert_eq!(parsed["task"]["tts"]["prompt"].as_str(), Some(hostile));
    }
}
