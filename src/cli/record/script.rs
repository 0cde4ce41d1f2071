//! The record of `plan --text`.

use serde::Serialize;

use crate::cli::term;
use crate::domain::{Boundary, CharCount};
use crate::pipeline::script;
use crate::pipeline::task::Task;
use crate::text::{Change, LeftOut};

/// What will be said of one file.
#[derive(Debug, Serialize)]
pub(crate) struct Script {
    pub file: String,
    pub task: String,
    pub title: Option<String>,
    pub language: Option<String>,
    pub chars: CharCount,
    pub lines: Vec<Line>,
    pub changes: Vec<Change>,
    pub left_out: Vec<LeftOut>,
    pub romanised: usize,
    pub unsaid: usize,
    pub cut_as_bought: bool,
}

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub chapter: Option<String>,
    pub chapter_number: Option<usize>,
    pub text: String,
    pub chars: CharCount,
    pub boundary: Boundary,
    pub pause_s: f64,
}

impl Script {
    pub(crate) fn of(file: &[u8], task: &Task, script: script::Script) -> Self {
        let foreign = script.foreign.unwrap_or_default();
        Self {
            file: term::path(file),
            task: task.name.clone(),
            chars: script.chars(),
            title: script.title,
            language: script.language,
            lines: script
                .lines
                .into_iter()
                .map(|line| Line {
                    chapter: line.chapter,
                    chapter_number: line.chapter_number,
                    text: line.text,
                    chars: line.chars,
                    boundary: line.boundary,
                    pause_s: line.pause.seconds(),
                })
                .collect(),
            changes: script.changes,
            left_out: script.left_out,
            romanised: foreign.romanised,
            unsaid: foreign.unsaid,
            cut_as_bought: script.is_cut_as_bought,
        }
    }
}
