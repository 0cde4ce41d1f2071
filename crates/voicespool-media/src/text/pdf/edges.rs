//! What stands at the edges of pages and belongs to them: page numbers and running heads.
//!
//! In plain text they are guessed from their place in sentences ([`crate::text::cleanup`]); here it is known where pages end.
//! A number counts as a page's if it rises with the pages, a line as a head if it stands there on three pages or more.

use std::collections::{HashMap, HashSet};

use crate::text::cleanup::{Record, Rule};
use crate::text::heading;

/// So many pages make a series.
const SERIES: usize = 3;
/// Longest line that is a head, in bytes.
const LONGEST: usize = 100;
/// Times that the edges are looked at: below a number there may be a head.
const ROUNDS: usize = 2;

/// `text` without what belongs to its pages, which form feeds end. A sentence goes on over the end of a page.
pub(super) fn without(text: &str, record: &mut Record) -> String {
    let mut pages: Vec<Vec<&str>> = text
        .split('\u{c}')
        .map(|page| page.lines().collect())
        .collect();
    for _ in 0..ROUNDS {
        pages.iter_mut().for_each(trim);
        let offset = offset(&pages);
        for is_top in [true, false] {
            let heads = heads(&pages, is_top, offset);
            for (number, page) in pages.iter_mut().enumerate() {
                let Some(line) = edge(page, is_top) else {
                    continue;
                };
                let rule = if is_number(line, number, offset) {
                    Rule::PageNumbers
                } else if head(page, is_top, number, offset)
                    .is_some_and(|head| heads.contains_key(&head))
                {
                    Rule::RunningHeads
                } else {
                    continue;
                };
                if record.is_on(rule) {
                    record.note(rule, line, "");
                    page.remove(if is_top { 0 } else { page.len() - 1 });
                }
            }
        }
    }
    let mut out = String::with_capacity(text.len());
    for page in &mut pages {
        trim(page);
        if page.is_empty() {
            continue;
        }
        let ends = out
            .trim_end()
            .ends_with(|c: char| ".!?…:”\"»。！？".contains(c));
        out.push_str(if out.is_empty() {
            ""
        } else if ends {
            "\n\n"
        } else {
            "\n"
        });
        out.push_str(&page.join("\n"));
    }
    out.push('\n');
    out
}

/// Takes the blank lines off both ends.
fn trim(page: &mut Vec<&str>) {
    while page.last().is_some_and(|line| line.trim().is_empty()) {
        page.pop();
    }
    let blank = page
        .iter()
        .take_while(|line| line.trim().is_empty())
        .count();
    page.drain(..blank);
}

/// The first or the last line of a page that has others.
fn edge<'a>(page: &[&'a str], is_top: bool) -> Option<&'a str> {
    let line = if is_top { page.first() } else { page.last() };
    line.copied()
        .filter(|line| page.len() > 1 && line.len() <= LONGEST)
}

/// Whether a line is the author's heading.
fn is_chapter(line: &str) -> bool {
    let line = line.trim();
    heading::marked_level(line).is_some() || heading::wants_title(line)
}

/// The numbers in a line that may be a page's.
fn numbers(line: &str) -> impl Iterator<Item = i64> + '_ {
    let words = line.split(|c: char| !c.is_ascii_digit());
    words
        .filter(|word| (1..=4).contains(&word.len()))
        .filter_map(|word| word.parse().ok())
}

fn index(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How far the numbers printed on pages are from their place, if enough of them agree.
fn offset(pages: &[Vec<&str>]) -> Option<i64> {
    let mut votes: HashMap<i64, usize> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        let edges = [true, false]
            .into_iter()
            .filter_map(|is_top| edge(page, is_top));
        let printed: HashSet<i64> = edges
            .filter(|line| !is_chapter(line))
            .flat_map(numbers)
            .collect();
        for printed in printed {
            *votes.entry(printed - index(number)).or_default() += 1;
        }
    }
    let best = votes
        .into_iter()
        .max_by_key(|(offset, count)| (*count, -offset.abs()));
    best.filter(|(_, count)| *count >= SERIES)
        .map(|(offset, _)| offset)
}

/// Whether a line is nothing but the number of its page.
fn is_number(line: &str, number: usize, offset: Option<i64>) -> bool {
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    offset.is_some_and(|offset| bare.parse() == Ok(index(number) + offset))
}

/// The line at the edge of a page as it would stand on another, without the number of this one; `None` if it may be of the
/// text: a heading, or a line right beside others and without that number.
fn head(page: &[&str], is_top: bool, number: usize, offset: Option<i64>) -> Option<String> {
    let line = edge(page, is_top).filter(|line| !is_chapter(line))?;
    let printed = offset.map(|offset| (index(number) + offset).to_string());
    let is_printed = |word: &&str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        Some(bare) == printed.as_deref()
    };
    let beside = if is_top {
        page.get(1)
    } else {
        page.get(page.len().wrapping_sub(2))
    };
    let is_apart = beside.is_some_and(|line| line.trim().is_empty());
    let mut words = line.split_whitespace();
    if !is_apart && !words.any(|word| is_printed(&word)) {
        return None;
    }
    let words = line.split_whitespace().filter(|word| !is_printed(word));
    Some(words.collect::<Vec<_>>().join(" ").to_lowercase())
}

/// Heads of enough pages.
fn heads(pages: &[Vec<&str>], is_top: bool, offset: Option<i64>) -> HashMap<String, usize> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        if let Some(head) = head(page, is_top, number, offset) {
            *counts.entry(head).or_default() += 1;
        }
    }
    counts.retain(|head, count| *count >= SERIES && head.contains(char::is_alphabetic));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Reading;

    fn cleaned(pages: &[&str]) -> String {
        without(&pages.join("\u{c}"), &mut Record::new(&Reading::default()))
    }

    #[test]
    fn numbers_and_heads_go_and_sentences_go_on() {
        let text = cleaned(&[
            "Chapter 1\nThe boats came in before\n\n7\n",
            "TWO WATERS 8\n\nthe storm. Nobody spoke.\n",
            "9 ANN DOE\n\nThe tide turned at 4\n\n",
            "TWO WATERS 10\n\nand they went.\n\n10\n",
            "11 ANN DOE\nChapter 2\nA lamp.\n",
            "TWO WATERS 12\nChapter 3\nIt burned.\n",
            "13 ANN DOE\nAll day.\n",
        ]);

        assert_eq!(
            text,
            "Chapter 1\nThe boats came in before\nthe storm. Nobody spoke.\n\nThe tide turned at 4\nand they went.\n\nChapter 2\nA lamp.\n\nChapter 3\nIt burned.\n\nAll day.\n"
        );
    }

    /// A line right beside others is of the text, however often it stands at an edge.
    #[test]
    fn a_refrain_stays() {
        let page = "Row on,\nthe tide is out.\nRow on.";

        assert_eq!(cleaned(&[page; 4]).matches("Row on").count(), 8);
    }

    #[test]
    fn lines_that_only_look_alike_stay() {
        let pages = [
            "Chapter 1\nOne.",
            "Chapter 2\nTwo.",
            "Chapter 3\nThree.",
            "12\nFour.",
        ];

        assert_eq!(
            cleaned(&pages),
            "Chapter 1\nOne.\n\nChapter 2\nTwo.\n\nChapter 3\nThree.\n\n12\nFour.\n"
        );
    }
}
