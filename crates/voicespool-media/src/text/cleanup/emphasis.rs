//! Emphasis that people type around words in plain text.

use crate::text::cleanup::Edit;

/// Longest emphasised passage in bytes.
const LONGEST: usize = 600;

/// Takes away `_`, `*`, `=` and `~~` that stand in pairs around words, and underscores that lost
/// their partner at the end of a paragraph.
pub(super) fn apply(text: &str, edit: &mut Edit<'_>) {
    let mut at = 0;
    while let Some(found) = text[at..].find(['_', '*', '=', '~']) {
        let from = at + found;
        let mark = text.as_bytes()[from];
        let run = run(text, from, mark);
        at = from + run;
        let is_known = match mark {
            b'~' => run == 2,
            b'*' | b'_' => run <= 3,
            _ => run <= 2,
        };
        if !is_known {
            continue;
        }
        if opens(text, from, run)
            && let Some(close) = closing(text, at, mark, run)
        {
            let inside = &text[from + run..close];
            edit.record
                .note(edit.rule, &text[from..close + run], inside);
            edit.swap(text, from, from + run, "");
            // Marks of another kind may stand inside.
            let mut within = Within {
                edit,
                offset: from + run,
            };
            within.inner(text, close);
            edit.swap(text, close, close + run, "");
            at = close + run;
        } else if mark == b'_' && run == 1 && (opens(text, from, run) != closes(text, from, run)) {
            edit.replace(text, from, from + run, "");
        }
    }
}

/// The passage between two marks, which may have marks of its own.
struct Within<'a, 'b> {
    edit: &'a mut Edit<'b>,
    offset: usize,
}

impl Within<'_, '_> {
    fn inner(&mut self, text: &str, end: usize) {
        let mut at = self.offset;
        while let Some(found) = text[at..end].find(['_', '*', '=']) {
            let from = at + found;
            let mark = text.as_bytes()[from];
            let run = run(text, from, mark);
            at = (from + run).min(end);
            if from + run < end
                && opens(text, from, run)
                && let Some(close) = closing(&text[..end], from + run, mark, run)
            {
                self.edit.swap(text, from, from + run, "");
                self.edit.swap(text, close, close + run, "");
                at = close + run;
            }
        }
    }
}

fn run(text: &str, from: usize, mark: u8) -> usize {
    let bytes = &text.as_bytes()[from..];
    bytes.iter().take_while(|byte| **byte == mark).count()
}

/// Whether marks at `from` can open: nothing of a word before them, something to emphasise behind.
fn opens(text: &str, from: usize, run: usize) -> bool {
    let before = text[..from].chars().next_back();
    let after = text[from + run..].chars().next();
    before.is_none_or(|c| !c.is_alphanumeric() && c != '.' && c != '/')
        && after.is_some_and(|c| !c.is_whitespace() && !matches!(c, '.' | ',' | ')' | ';'))
}

/// Whether marks at `from` can close: something to emphasise before them, no word goes on behind.
fn closes(text: &str, from: usize, run: usize) -> bool {
    let before = text[..from].chars().next_back();
    let after = text[from + run..].chars().next();
    before.is_some_and(|c| !c.is_whitespace()) && after.is_none_or(|c| !c.is_alphanumeric())
}

/// Where as many of `mark` close what was opened before `start`.
fn closing(text: &str, start: usize, mark: u8, wanted: usize) -> Option<usize> {
    let end = text.floor_char_boundary((start + LONGEST).min(text.len()));
    let mut at = start;
    while let Some(found) = text[at..end].find(char::from(mark)) {
        let from = at + found;
        let length = run(text, from, mark);
        if length == wanted && from > start && closes(text, from, length) {
            let has_words = text[start..from].chars().any(char::is_alphanumeric);
            return has_words.then_some(from);
        }
        at = from + length;
        if at >= end {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::{Rule, applied};

    #[test]
    fn marks_around_words_are_not_said() {
        for (text, expected) in [
            (
                "It was _quite_ dark, _so to speak_.",
                "It was quite dark, so to speak.",
            ),
            ("He *won't* go, **never**!", "He won't go, never!"),
            ("A =sign= said ==no way==.", "A sign said no way."),
            ("“_Now_,” she said—_now_.", "“Now,” she said—now."),
            ("_The *whole* of it_", "The whole of it"),
            ("an _open end, and so on", "an open end, and so on"),
        ] {
            assert_eq!(applied(apply, Rule::EmphasisMarks, text), expected);
        }
    }

    #[test]
    fn marks_that_mean_something_stay() {
        for text in [
            "the file snake_case_name.txt",
            "2 * 3 * 4 = 24",
            "x = y = z",
            "*See below",
            "a * and a star *",
            "~5 km or ~6",
        ] {
            assert_eq!(applied(apply, Rule::EmphasisMarks, text), text);
        }
    }
}
