//! Page numbers and running heads of scans and PDF extracts: lines that rise or repeat through a
//! text and fall into the middle of its sentences.

use std::collections::HashMap;
use std::ops::Range;

use crate::text::cleanup::{Record, Rule};
use crate::text::{clean, heading};

/// Lines of this many bytes may be on top of a page.
const LONGEST: usize = 80;
/// So many make a series.
const SERIES: usize = 3;
/// Farthest step from one number to the next: pages with pictures have none.
const STEP: u32 = 5;

/// Which lines are not the author's.
#[derive(Debug, Default)]
pub(in crate::text) struct Dropped {
    /// Ranges of lines, ascending; all of them are left out, blank ones included.
    ranges: Vec<Range<usize>>,
    next: usize,
}

impl Dropped {
    /// Whether line `idx` is left out. Asked in ascending order.
    pub(in crate::text) fn contains(&mut self, idx: usize) -> bool {
        while self
            .ranges
            .get(self.next)
            .is_some_and(|range| range.end <= idx)
        {
            self.next += 1;
        }
        self.ranges
            .get(self.next)
            .is_some_and(|range| range.contains(&idx))
    }
}

/// A line that may belong to a page instead of the text.
#[derive(Debug, Clone, Copy)]
struct Candidate<'a> {
    line: usize,
    number: u32,
    /// What stands beside the number.
    head: &'a str,
}

/// Finds the lines of `lines` that belong to pages, and notes them.
pub(in crate::text) fn find(lines: &[&str], record: &mut Record) -> Dropped {
    let mut series: HashMap<String, Vec<Candidate<'_>>> = HashMap::new();
    for (line, text) in lines.iter().enumerate() {
        if let Some(candidate) = candidate(line, text) {
            series
                .entry(candidate.head.to_lowercase())
                .or_default()
                .push(candidate);
        }
    }
    series.retain(|_, candidates| candidates.len() >= SERIES);
    let of_page = lines_of_pages(lines, &series);
    let mut dropped: Vec<(usize, Rule)> = Vec::new();
    for (head, candidates) in &series {
        let rule = if head.is_empty() {
            Rule::PageNumbers
        } else {
            Rule::RunningHeads
        };
        let rising = rising(candidates);
        let interrupting = rising
            .iter()
            .filter(|found| interrupts(lines, found.line, &of_page));
        let interrupting = interrupting.count();
        if record.is_on(rule) && rising.len() >= SERIES && interrupting * 3 >= rising.len() {
            dropped.extend(rising.iter().map(|found| (found.line, rule)));
        }
    }
    if record.is_on(Rule::RunningHeads) {
        let heads = heads_beside(lines, &dropped);
        dropped.extend(heads.into_iter().map(|line| (line, Rule::RunningHeads)));
    }
    dropped.sort_unstable_by_key(|(line, _)| *line);
    dropped.dedup_by_key(|(line, _)| *line);
    for (line, rule) in &dropped {
        record.note(*rule, lines[*line], "");
    }
    let lines_only: Vec<usize> = dropped.into_iter().map(|(line, _)| line).collect();
    Dropped {
        ranges: ranges(lines, &lines_only),
        next: 0,
    }
}

fn candidate(line: usize, text: &str) -> Option<Candidate<'_>> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let edge = |c: char| "-–—[]()|".contains(c) || c.is_whitespace();
    let bare = text.trim_matches(edge);
    let number = |word: &str| {
        let is_number =
            (1..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| word.parse().ok()).flatten()
    };
    let (number, head) = if let Some(number) = number(bare) {
        (number, "")
    } else if let Some((head, last)) = bare.rsplit_once(char::is_whitespace)
        && let Some(number) = number(last)
    {
        (number, head.trim_matches(edge))
    } else {
        let (first, head) = bare.split_once(char::is_whitespace)?;
        (number(first)?, head.trim_matches(edge))
    };
    let is_word = ["page", "p.", "seite", "s.", "página", "pág.", "pagina"];
    let head = if is_word.contains(&head.to_lowercase().as_str()) {
        ""
    } else {
        head
    };
    (head.is_empty() || heading::level(text).is_none()).then_some(Candidate { line, number, head })
}

/// The longest series of numbers that rise in small steps, taken greedily.
fn rising<'a>(candidates: &[Candidate<'a>]) -> Vec<Candidate<'a>> {
    let mut best: Vec<Candidate<'a>> = Vec::new();
    let mut current: Vec<Candidate<'a>> = Vec::new();
    for candidate in candidates {
        let follows = current.last().is_none_or(|last| {
            candidate.number > last.number && candidate.number - last.number <= STEP
        });
        if !follows {
            if current.len() > best.len() {
                best = std::mem::take(&mut current);
            }
            current.clear();
        }
        current.push(*candidate);
    }
    if current.len() > best.len() {
        current
    } else {
        best
    }
}

/// Lines that repeat beside the numbers of pages.
fn heads_beside(lines: &[&str], numbers: &[(usize, Rule)]) -> Vec<usize> {
    let mut found: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, _) in numbers {
        let before = (0..*number)
            .rev()
            .find(|line| !clean::is_blank(lines[*line]));
        let after = (*number + 1..lines.len()).find(|line| !clean::is_blank(lines[*line]));
        for line in [before, after].into_iter().flatten() {
            let text = lines[line].trim();
            if text.len() <= LONGEST {
                found.entry(text.to_lowercase()).or_default().push(line);
            }
        }
    }
    found
        .into_values()
        .filter(|lines| lines.len() >= SERIES)
        .flatten()
        .collect()
}

/// Which lines are blank, hold a number of a series, or repeat as the head of a page does.
fn lines_of_pages(lines: &[&str], series: &HashMap<String, Vec<Candidate<'_>>>) -> Vec<bool> {
    if series.is_empty() {
        return Vec::new();
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for line in lines {
        if line.len() <= LONGEST {
            *counts.entry(line.trim()).or_default() += 1;
        }
    }
    let repeats = |line: &&str| {
        counts
            .get(line.trim())
            .is_some_and(|count| *count >= SERIES)
    };
    let mut of_page: Vec<bool> = lines
        .iter()
        .map(|line| clean::is_blank(line) || repeats(line))
        .collect();
    for candidate in series.values().flatten() {
        of_page[candidate.line] = true;
    }
    of_page
}

/// Whether a sentence goes on across line `at`.
fn interrupts(lines: &[&str], at: usize, of_page: &[bool]) -> bool {
    let before = (0..at).rev().find(|line| !of_page[*line]);
    let after = (at + 1..lines.len()).find(|line| !of_page[*line]);
    before
        .zip(after)
        .is_some_and(|(before, after)| goes_on(lines[before], lines[after]))
}

fn goes_on(before: &str, after: &str) -> bool {
    let before = before.trim_end();
    let closes = |c: char| ".!?…:;\"”’»」。！？".contains(c);
    before.ends_with([',', '-', '—'])
        || !before.ends_with(closes) && after.trim_start().starts_with(char::is_lowercase)
}

/// The lines to leave out: with the blank ones around them where a sentence goes on.
fn ranges(lines: &[&str], dropped: &[usize]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut idx = 0;
    while idx < dropped.len() {
        let first = dropped[idx];
        let mut last = first;
        // Neighbours with nothing but blank lines between them are one.
        while let Some(next) = dropped.get(idx + 1)
            && lines[last + 1..*next]
                .iter()
                .all(|line| clean::is_blank(line))
        {
            last = *next;
            idx += 1;
        }
        idx += 1;
        let before = (0..first).rev().find(|line| !clean::is_blank(lines[*line]));
        let after = (last + 1..lines.len()).find(|line| !clean::is_blank(lines[*line]));
        let joins = before
            .zip(after)
            .filter(|(before, after)| goes_on(lines[*before], lines[*after]));
        ranges.push(joins.map_or(first..last + 1, |(before, after)| before + 1..after));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> (Vec<&str>, usize) {
        let lines: Vec<&str> = text.lines().collect();
        let mut record = Record::default();
        let mut dropped = find(&lines, &mut record);
        let kept = lines
            .iter()
            .enumerate()
            .filter(|(idx, _)| !dropped.contains(*idx));
        let kept = kept
            .map(|(_, line)| *line)
            .filter(|line| !line.is_empty())
            .collect();
        (
            kept,
            record
                .into_changes()
                .iter()
                .map(|change| change.count)
                .sum(),
        )
    }

    #[test]
    fn numbers_that_rise_in_the_middle_of_sentences_are_pages() {
        let text = "The tide was\n\n- 7 -\n\nhigh and the\n\n- 8 -\n\nboat lay still.\n\n- 9 -\n\nNobody came.";
        let expected = vec![
            "The tide was",
            "high and the",
            "boat lay still.",
            "Nobody came.",
        ];
        assert_eq!(kept(text), (expected, 3));
    }

    #[test]
    fn heads_of_pages_go_with_their_numbers() {
        let text = "The tide was\n\n7\nA QUIET SEA\n\nhigh and the\n\n8\nA QUIET SEA\n\nboat lay\n\n9\nA QUIET SEA\n\nstill.";
        assert_eq!(
            kept(text).0,
            ["The tide was", "high and the", "boat lay", "still."]
        );
        let text = "The tide was\nA quiet sea 7\nhigh and the\nA quiet sea 8\nboat lay\nA quiet sea 9\nstill.";
        assert_eq!(
            kept(text).0,
            ["The tide was", "high and the", "boat lay", "still."]
        );
    }

    #[test]
    fn numbers_of_chapters_and_years_stay() {
        for text in [
            "1\n\nIt was late.\n\n2\n\nIt was early.\n\n3\n\nIt was over.",
            "He was born in\n\n1984\n\nand nobody knew.",
            "Chapter 1\n\nOne.\n\nChapter 2\n\nTwo.\n\nChapter 3\n\nThree.",
        ] {
            assert_eq!(kept(text).1, 0, "{text}");
        }
    }
}
