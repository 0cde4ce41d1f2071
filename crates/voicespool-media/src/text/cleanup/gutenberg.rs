//! What Project Gutenberg and its transcribers put around and into a book.

use crate::text::cleanup::{Edit, Record, Rule};

/// Beginnings of paragraphs that thank the makers of a text, in lower case.
const CREDITS: &[&str] = &[
    "produced by ",
    "e-text prepared by",
    "this ebook was produced by",
    "credits:",
];

/// Beginnings of notes in brackets, in lower case.
const NOTES: &[&str] = &[
    "[illustration",
    "[transcriber",
    "[frontispiece",
    "[blank page",
];

/// The book within `source`: what stands between the lines that say where it starts and ends.
pub(in crate::text) fn body<'a>(source: &'a str, record: &mut Record) -> &'a str {
    if !record.is_on(Rule::Gutenberg) {
        return source;
    }
    let mut start = None;
    let mut end = source.len();
    let mut at = 0;
    for line in source.split_inclusive(['\n', '\r']) {
        let next = at + line.len();
        match marker(line) {
            Some(Marker::Start) if start.is_none() => start = Some(next),
            Some(Marker::End) if start.is_some() => {
                end = at;
                break;
            }
            _ => {}
        }
        at = next;
    }
    // An end without a beginning may be a book's own words.
    let Some(start) = start else {
        return source;
    };
    let start = start + credits(&source[start..end]);
    for taken in [&source[..start], &source[end..]] {
        if !taken.trim().is_empty() {
            record.note(Rule::Gutenberg, taken, "");
        }
    }
    &source[start..end]
}

enum Marker {
    Start,
    End,
}

fn marker(line: &str) -> Option<Marker> {
    let line = line.trim();
    let may_be = line.starts_with('*') || line.starts_with("End of");
    if !may_be || line.len() > 300 {
        return None;
    }
    let line = line.to_ascii_uppercase();
    if line.contains("SMALL PRINT") && line.contains("END") {
        return Some(Marker::Start);
    }
    if !line.contains("PROJECT GUTENBERG") {
        return None;
    }
    if line.starts_with("***") && line.contains("START OF") {
        Some(Marker::Start)
    } else if line.contains("END OF") {
        Some(Marker::End)
    } else {
        None
    }
}

/// Bytes of the thanks that a book begins with.
fn credits(book: &str) -> usize {
    let blank = book.len() - book.trim_start().len();
    let head = book.trim_start();
    let begins = |credit: &str| {
        head.get(..credit.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(credit))
    };
    if !CREDITS.iter().any(|credit| begins(credit)) {
        return 0;
    }
    let mut length = blank;
    for line in head.split_inclusive('\n') {
        if line.trim().is_empty() {
            break;
        }
        length += line.len();
    }
    length
}

/// Notes in brackets about pictures and the transcript.
pub(super) fn notes(text: &str, edit: &mut Edit<'_>) {
    let mut at = 0;
    while let Some(found) = text[at..].find('[') {
        let from = at + found;
        at = from + 1;
        let is_note = NOTES.iter().any(|note| {
            let head = text.get(from..from + note.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(note))
        });
        if !is_note {
            continue;
        }
        let mut depth = 0_usize;
        let end = text[from..].char_indices().find(|(_, c)| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        if let Some((length, _)) = end {
            at = from + length + 1;
            edit.replace(text, from, at, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::applied;

    const BOOK: &str = "The Project Gutenberg eBook of Rain\n\nFor anybody.\n\n\
        *** START OF THE PROJECT GUTENBERG EBOOK RAIN ***\n\nProduced by Ann\nand Bob\n\n\
        RAIN\n\nIt fell.\n\n*** END OF THE PROJECT GUTENBERG EBOOK RAIN ***\n\nSection 1. Terms.\n";

    #[test]
    fn header_credits_and_licence_are_not_the_book() {
        let mut record = Record::default();
        assert_eq!(body(BOOK, &mut record).trim(), "RAIN\n\nIt fell.");
        let changes = record.into_changes();
        assert_eq!((changes.len(), changes[0].count), (1, 2));
        assert!(changes[0].letters_taken > 80 && changes[0].letters_given == 0);
    }

    #[test]
    fn a_book_that_only_speaks_of_it_stays_whole() {
        for text in [
            "End of the Project Gutenberg was near.\n",
            "*** a line of stars ***\nand START OF PROJECT GUTENBERG in it",
        ] {
            assert_eq!(body(text, &mut Record::default()), text);
        }
        let mut off = Record::default();
        off.reading.clean.set(Rule::Gutenberg, false);
        assert_eq!(body(BOOK, &mut off), BOOK);
    }

    #[test]
    fn notes_about_pictures_are_not_the_book() {
        let said = |text| applied(notes, Rule::Gutenberg, text);
        assert_eq!(
            said("[Illustration: A [big] lamp] It burned."),
            " It burned."
        );
        assert_eq!(said("[Transcriber's Note: sic.]"), "");
        assert_eq!(
            said("[The lamp] went out [Illustration"),
            "[The lamp] went out [Illustration"
        );
    }
}
