//! What a Markdown file says of itself in the YAML at its beginning.
//!
//! Read are the keys that site generators and book tools use, with one value or a list of them; whatever else YAML
//! can say is passed over. All of it is listed as left out, because none of it is spoken.

use crate::domain::Book;

/// The book that the lines between `---` describe.
pub(super) fn about(lines: &str) -> Book {
    let mut book = Book::default();
    let mut lines = lines.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        if key.starts_with([' ', '\t', '#', '-']) {
            continue;
        }
        let mut values = values(value);
        while let Some(item) = lines.peek().and_then(|line| item(line)) {
            values.extend(scalar(item));
            lines.next();
        }
        set(&mut book, &key.trim().to_ascii_lowercase(), values);
    }
    book
}

fn set(book: &mut Book, key: &str, values: Vec<String>) {
    if matches!(key, "author" | "authors" | "creator" | "by") {
        book.authors = values;
        return;
    }
    let Some(value) = values.into_iter().next() else {
        return;
    };
    let field = match key {
        "title" => &mut book.title,
        "narrator" => &mut book.narrator,
        "series" => &mut book.series,
        "part" | "series_index" | "volume" => &mut book.part,
        "year" | "date" => {
            book.year = year(&value);
            return;
        }
        "language" | "lang" => &mut book.language,
        "genre" => &mut book.genre,
        "description" => &mut book.description,
        _ => return,
    };
    *field = Some(value);
}

/// The year that a date begins with.
fn year(date: &str) -> Option<String> {
    let digits = date.chars().take_while(char::is_ascii_digit).count();
    (digits == 4).then(|| date[..4].to_owned())
}

/// What stands behind a key: nothing, one value, or a list in brackets.
fn values(text: &str) -> Vec<String> {
    let text = text.trim();
    match text
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'))
    {
        Some(list) => list.split(',').filter_map(scalar).collect(),
        None => scalar(text).into_iter().collect(),
    }
}

/// An item of a list below its key.
fn item(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("- ")
}

/// One value, without its quotation marks or a comment; none for what goes on in other lines.
fn scalar(text: &str) -> Option<String> {
    let text = text.trim();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => {
            let inner = &text[1..];
            &inner[..inner.rfind(quote)?]
        }
        None => text.split(" #").next().unwrap_or_default().trim_end(),
    };
    let is_block = matches!(value, "|" | ">" | "|-" | ">-" | "null" | "~");
    (!value.is_empty() && !is_block && !value.starts_with(['{', '&', '*']))
        .then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_books_and_sites_write_is_read() {
        let book = about(
            "title: \"The Lamp: a story\"\nauthors:\n  - Ann Example\n  - 'Bo Sample'\nDate: 1926-05-01\nlang: en-GB # British\nseries: Harbours\nseries_index: 2.5\ntags: [a, b]\ndescription: >\n  Folded text.\n",
        );

        assert_eq!(
            book,
            Book {
                title: Some("The Lamp: a story".to_owned()),
                authors: vec!["Ann Example".to_owned(), "Bo Sample".to_owned()],
                series: Some("Harbours".to_owned()),
                part: Some("2.5".to_owned()),
                year: Some("1926".to_owned()),
                language: Some("en-GB".to_owned()),
                ..Book::default()
            }
        );
        let list = about("author: [Ann Example, \"Bo Sample\"]\n");
        assert_eq!(list.author().as_deref(), Some("Ann Example, Bo Sample"));
    }

    #[test]
    fn what_is_not_understood_is_passed_over() {
        for lines in [
            "",
            "---",
            "title:",
            "title: \"open",
            "title: |\n  x",
            "  title: nested",
            "year: soon",
            "title: ~",
        ] {
            assert_eq!(about(lines), Book::default(), "{lines:?}");
        }
    }
}
