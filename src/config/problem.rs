//! What is wrong with a configuration, said once and in one look: the place, the line
//! with carets under it, and what to write instead.
//!
//! Loading collects problems and shows them all; nothing here decides what is a
//! problem. No rendering ever shows a key: see [`conceal`].

use std::fmt;

use unicode_width::UnicodeWidthChar;

use crate::config::conceal::conceal;

/// Problems described: a file with more is not being written by hand.
pub(super) const MAX_PROBLEMS: usize = 100;

/// Columns of an excerpt: longer lines are shown around the carets.
const EXCERPT_COLUMNS: usize = 100;

/// Problems shown in full; their number is told of the others.
const MAX_SHOWN: usize = 20;

/// Whether a problem stops everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is loaded, nothing is sent.
    Error,
    /// Worth a line on stderr; work goes on.
    Warning,
}

/// One thing to fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// A lower-case fragment; literals in backticks.
    pub message: String,
    pub place: Option<Place>,
    /// What to write instead; stands beside the carets.
    pub label: Option<String>,
    pub notes: Vec<String>,
    /// Where the problem stands among the others: the file, then the byte.
    pub(super) order: (usize, usize),
}

/// Where a problem was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a configuration file.
    File {
        /// As the user would type it from the working folder.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        excerpt: Excerpt,
    },
    /// Outside of files: `environment variable VOICESPOOL_OUT`, or a file that could not be read.
    Outside(String),
}

/// A line with the marked part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    /// Columns before the carets.
    before: usize,
    /// Number of carets, at least one.
    carets: usize,
}

impl Excerpt {
    /// Marks the bytes `start..end` of `line`. Control characters do not reach the
    /// screen, secrets do not either.
    pub(super) fn new(line: &str, start: usize, end: usize) -> Self {
        let start = floor_boundary(line, start);
        let end = floor_boundary(line, end.clamp(start, line.len()));
        let shown = conceal(line);
        let before = columns(&line[..start]).min(columns(&shown));
        let carets = columns(&line[start..end]).min(columns(&shown).saturating_sub(before));
        let mut excerpt = Self {
            text: shown.chars().map(printable).collect(),
            before,
            carets: carets.max(1),
        };
        excerpt.narrow();
        excerpt
    }

    /// Cuts a long line to a window that shows the carets.
    fn narrow(&mut self) {
        if columns(&self.text) <= EXCERPT_COLUMNS {
            return;
        }
        let skip = self.before.saturating_sub(EXCERPT_COLUMNS / 2);
        let mut window = String::new();
        let mut column = 0;
        for c in self.text.chars() {
            if column >= skip && column < skip + EXCERPT_COLUMNS {
                window.push(c);
            }
            column += c.width().unwrap_or(0);
        }
        let lead = if skip > 0 { "…" } else { "" };
        let tail = if column > skip + EXCERPT_COLUMNS {
            "…"
        } else {
            ""
        };
        self.text = format!("{lead}{window}{tail}");
        self.before = self.before - skip + columns(lead);
        self.carets = self
            .carets
            .min(EXCERPT_COLUMNS.saturating_sub(self.before))
            .max(1);
    }
}

/// The largest character boundary of `text` that is not behind `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&idx| text.is_char_boundary(idx))
        .unwrap_or(0)
}

fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| printable(c).width().unwrap_or(0))
        .sum()
}

/// A tab takes one column; control and direction characters must not steer a terminal.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

impl Problem {
    /// An error at `place`.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: None,
            notes: Vec::new(),
            order: (usize::MAX, 0),
        }
    }

    /// Something that does not stop work.
    pub(super) fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    #[must_use]
    pub(super) fn at(mut self, place: Place, order: (usize, usize)) -> Self {
        self.place = Some(place);
        self.order = order;
        self
    }

    #[must_use]
    pub(super) fn outside(mut self, what: impl Into<String>) -> Self {
        self.place = Some(Place::Outside(what.into()));
        self
    }

    #[must_use]
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl Problem {
    /// Columns of the line number beside the excerpt.
    fn margin(&self) -> usize {
        match &self.place {
            Some(Place::File { line, .. }) => line.to_string().len(),
            Some(Place::Outside(_)) | None => 1,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let clean = |text: &str| -> String { conceal(text).chars().map(printable).collect() };
        write!(f, "{word}: {}", clean(&self.message))?;
        let gap = " ".repeat(self.margin());
        match &self.place {
            Some(Place::File {
                file,
                line,
                column,
                excerpt,
            }) => {
                write!(f, "\n {gap}--> {}:{line}:{column}", clean(file))?;
                write!(f, "\n {gap} |\n {line} | {}", excerpt.text)?;
                let (before, carets) = (" ".repeat(excerpt.before), "^".repeat(excerpt.carets));
                write!(f, "\n {gap} | {before}{carets}")?;
                if let Some(label) = &self.label {
                    write!(f, " {}", clean(label))?;
                }
            }
            Some(Place::Outside(what)) => write!(f, "\n  --> {}", clean(what))?,
            None => {}
        }
        if let (false, Some(label)) = (matches!(self.place, Some(Place::File { .. })), &self.label)
        {
            write!(f, "\n {gap} = {}", clean(label))?;
        }
        for note in &self.notes {
            write!(f, "\n {gap} = {}", clean(note))?;
        }
        Ok(())
    }
}

/// Everything that keeps a configuration from being used; at least one problem.
///
/// `Display` is the whole text for stderr, several lines with `error:` in front: print
/// it as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// Sorts `problems` by where they stand.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.order);
        problems.dedup();
        Self { problems }
    }

    /// The problems, in the order of the files.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self::new(vec![problem])
    }
}

impl From<Box<Problem>> for ConfigError {
    fn from(problem: Box<Problem>) -> Self {
        Self::from(*problem)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = self.problems.split_at(self.problems.len().min(MAX_SHOWN));
        for (idx, problem) in shown.iter().enumerate() {
            let gap = if idx > 0 { "\n\n" } else { "" };
            write!(f, "{gap}{problem}")?;
        }
        match rest.len() {
            0 => {}
            1 => write!(f, "\n\nerror: and one more problem")?,
            more => write!(f, "\n\nerror: and {more} more problems")?,
        }
        // Once, at the end, where it stands beside the last problem.
        let beside = shown.last().filter(|_| rest.is_empty());
        let margin = beside.map_or(1, Problem::margin);
        write!(f, "\n {} = nothing was sent", " ".repeat(margin))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, start: usize, end: usize) -> String {
        let place = Place::File {
            file: "jobs.toml".to_owned(),
            line: 9,
            column: start + 1,
            excerpt: Excerpt::new(line, start, end),
        };
        Problem::error("no").at(place, (0, 0)).to_string()
    }

    #[test]
    fn carets_stand_under_what_they_mark_in_any_script() {
        insta::assert_snapshot!(shown("名前 = \"x\"", 0, 6), @r#"
        error: no
          --> jobs.toml:9:1
           |
         9 | 名前 = "x"
           | ^^^^
        "#);
        insta::assert_snapshot!(shown("\tx = 1", 1, 2), @r"
        error: no
          --> jobs.toml:9:2
           |
         9 |  x = 1
           |  ^
        ");
    }

    #[test]
    fn an_endless_line_is_shown_around_the_carets() {
        let line = format!("input = [\"{}\", 5]", "a".repeat(100_000));
        let at = line.len() - 2;

        let text = shown(&line, at, at + 1);

        assert!(text.len() < 500, "{}", text.len());
        assert!(text.contains(", 5]"), "{text}");
    }

    #[test]
    fn a_file_cannot_steer_the_terminal() {
        let text = shown("x = \"\u{1b}]0;owned\u{7}\u{202e}\"", 4, 8);

        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }

    #[test]
    fn ranges_inside_a_character_or_behind_the_line_do_no_harm() {
        for (start, end) in [(1, 2), (0, 99), (99, 100), (2, 1)] {
            shown("é", start, end);
        }
        shown("", 0, 0);
    }
}
