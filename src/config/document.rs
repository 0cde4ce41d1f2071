//! One configuration file as text: bytes to lines, lines to places.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use crate::config::problem::{Excerpt, Place, Problem};

/// Larger than any configuration; a book given by mistake is refused.
const MAX_BYTES: u64 = 1 << 20;

/// Syntax errors shown at once: after a few they follow from each other.
const MAX_SYNTAX_ERRORS: usize = 5;

/// A place in one of the loaded files: a byte range of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loc {
    /// Which document: `PROJECT`, `USER` or `TYPED`.
    pub(super) doc: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The project's file.
pub(super) const PROJECT: usize = 0;
/// The user's file.
pub(super) const USER: usize = 1;
/// What flags stand for; no file.
pub(super) const TYPED: usize = 2;

/// The text of a file and the name it is shown under.
#[derive(Debug, Clone)]
pub(super) struct Document {
    name: String,
    text: String,
    id: usize,
    /// The byte each line starts at.
    lines: Vec<usize>,
    /// What was typed for each line; empty for a file.
    typed: Vec<String>,
}

impl Document {
    /// Reads `path`, shown as `name`. At most 1 MiB of UTF-8.
    pub(super) fn read(path: &Path, name: &str, id: usize) -> Result<Self, Box<Problem>> {
        let unreadable = |error: &std::io::Error| {
            let message = format!("cannot read the configuration: {error}");
            Box::new(Problem::error(message).outside(name))
        };
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
            let message = "the file is larger than 1 MiB, which is no configuration";
            return Err(Box::new(Problem::error(message).outside(name)));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text, id)),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let doc = Self::new(name, text, id);
                let problem = doc.problem(good, good + 1, "the file is not UTF-8 here");
                Err(Box::new(problem.label("save it as UTF-8")))
            }
        }
    }

    /// A document of `text`; a byte order mark is dropped.
    pub(super) fn new(name: &str, mut text: String, id: usize) -> Self {
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let starts = text.match_indices('\n').map(|(newline, _)| newline + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self {
            name: name.to_owned(),
            text,
            id,
            lines,
            typed: Vec::new(),
        }
    }

    /// A document that stands for flags: of each line, what was typed.
    pub(super) fn typed(text: String, id: usize, typed: Vec<String>) -> Self {
        Self {
            typed,
            ..Self::new("", text, id)
        }
    }

    /// The parsed tables, or the first few syntax errors.
    pub(super) fn parse(&self) -> Result<DeTable<'_>, Vec<Problem>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        if errors.is_empty() {
            return Ok(table.into_inner());
        }
        let mut lines: Vec<usize> = Vec::new();
        let mut problems: Vec<Problem> = Vec::new();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let line = self.line_number(span.start);
            // What is wrong in one line is mostly one mistake.
            if lines.contains(&line) {
                continue;
            }
            if lines.len() == MAX_SYNTAX_ERRORS {
                break;
            }
            lines.push(line);
            let message = error.message().trim();
            let message = message
                .strip_suffix(", expected nothing")
                .unwrap_or(message);
            problems.push(self.problem(span.start, span.end, message));
        }
        Err(problems)
    }

    /// `jobs.toml:12:3`.
    pub(super) fn origin(&self, start: usize) -> String {
        let (line, column, _) = self.position(start);
        if let Some(typed) = self.typed.get(line - 1) {
            return typed.clone();
        }
        format!("{}:{line}:{column}", self.name)
    }

    /// An error that marks the bytes `start..end`.
    pub(super) fn problem(&self, start: usize, end: usize, message: impl Into<String>) -> Problem {
        Problem::error(message).at(self.place(start, end), (self.id, start))
    }

    /// As [`Self::problem`], with `***` for the bytes `hidden`.
    pub(super) fn problem_hiding(
        &self,
        marked: Range<usize>,
        hidden: Range<usize>,
        message: impl Into<String>,
    ) -> Problem {
        let mut problem = self.problem(marked.start, marked.end, message);
        let (_, _, line_start) = self.position(marked.start);
        let text = self.line(line_start);
        let relative = |at: usize| at.saturating_sub(line_start).min(text.len());
        if let Some(Place::File { excerpt, .. }) = problem
            .place
            .as_mut()
            .filter(|_| hidden.start >= line_start && !hidden.is_empty())
        {
            let (from, to) = (relative(hidden.start), relative(hidden.end));
            let shown = format!("{}***{}", &text[..from], &text[to..]);
            let end = if marked == hidden {
                from + 3
            } else {
                relative(marked.end)
            };
            *excerpt = Excerpt::new(&shown, relative(marked.start), end);
        }
        problem
    }

    pub(super) fn place(&self, start: usize, end: usize) -> Place {
        let (line, column, line_start) = self.position(start);
        if let Some(typed) = self.typed.get(line - 1) {
            return Place::Outside(typed.clone());
        }
        let text = self.line(line_start);
        Place::File {
            file: self.name.clone(),
            line,
            column,
            excerpt: Excerpt::new(text, start - line_start, end.saturating_sub(line_start)),
        }
    }

    /// The line that begins at `start`, without its end.
    fn line(&self, start: usize) -> &str {
        let text = self.text[start..].split('\n').next().unwrap_or_default();
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// From 1.
    fn line_number(&self, at: usize) -> usize {
        self.lines.partition_point(|&start| start <= at).max(1)
    }

    /// Line and column from 1, and the byte the line starts at.
    fn position(&self, at: usize) -> (usize, usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.line_number(at);
        let line_start = self.lines[line - 1];
        (
            line,
            self.text[line_start..at].chars().count() + 1,
            line_start,
        )
    }
}
