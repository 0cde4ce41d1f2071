//! Text from elsewhere (names, provider words) made harmless for where it goes.

use std::borrow::Cow;
use std::fmt::Write;

/// A path as text, without loss: what is not UTF-8 becomes `\xff` byte by byte, control
/// characters likewise, and a backslash is doubled so that both can be told from the text.
pub fn path_text(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if misleads(c) => hex(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        hex(&mut text, chunk.invalid());
    }
    text
}

/// `text` for a terminal or a cell: control characters and those that turn the direction of
/// writing are shown (`\x1b`), not sent.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(misleads) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if misleads(c) {
            hex(&mut shown, c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// `text` so that no spreadsheet takes it for a formula: with `'` before the characters
/// that start one (OWASP, CSV Injection; full-width forms count in Japanese locales).
pub(super) fn no_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    let starts = |c: char| "=+-@\t\r\n＝＋－＠".contains(c);
    if text.starts_with(starts) {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

fn misleads(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "\\x{byte:02x}").expect("a String takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_and_nothing_in_it_acts() {
        for (path, expected) in [
            ("Kapitel/größe 1.txt".as_bytes(), "Kapitel/größe 1.txt"),
            (b"a\xff\xfeb", "a\\xff\\xfeb"),
            (b"new\nline", "new\\x0aline"),
            (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            (b"back\\slash", "back\\\\slash"),
            ("rtl\u{202e}gpj".as_bytes(), "rtl\\xe2\\x80\\xaegpj"),
        ] {
            assert_eq!(path_text(path), expected);
        }
    }

    #[test]
    fn what_would_be_a_formula_is_text() {
        for text in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\tx", "＝1"] {
            assert_eq!(no_formula(Cow::Borrowed(text)), format!("'{text}"));
        }
        assert_eq!(no_formula(Cow::Borrowed("a=1")), "a=1");
    }
}
