//! Text as a subtitle file can hold it. Everything that reaches a cue or a document
//! passes through here once.

use std::borrow::Cow;

/// Whether a line may be broken at `c`: white space except the no-break spaces, which
/// hold a number and its unit, or a word and its `!` in French, together.
pub(super) fn is_break_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// `text` without control characters, byte order marks and the invisible hints of another
/// layout (soft hyphen, word joiner); line breaks of any kind become
/// spaces, and `-->`, which would be read as a time line, becomes `→`.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let odd = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{feff}'
            )
    };
    if !text.contains(odd) && !text.contains("-->") {
        return Cow::Borrowed(text);
    }
    let kept: String = text
        .chars()
        .filter_map(|c| {
            if odd(c) {
                c.is_whitespace().then_some(' ')
            } else {
                Some(c)
            }
        })
        .collect();
    Cow::Owned(kept.replace("-->", "→"))
}

/// One line of a cue, for the writers: clean and without white space at its ends. May be empty.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    match clean(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_has_a_meaning_to_a_parser_survives() {
        for (text, expected) in [
            ("plain", "plain"),
            (" \u{feff}1\r\n2 ", "1  2"),
            ("a --> b", "a → b"),
            ("a ---> b", "a -→ b"),
            ("bell\u{7} esc\u{1b}[31m", "bell esc[31m"),
            ("a\u{2028}b\u{85}c\u{b}d", "a b c d"),
            ("-\u{0}->", "→"),
            ("to\u{2060}—the co\u{ad}op", "to—the coop"),
            ("\u{feff}", ""),
        ] {
            assert_eq!(line(text), expected, "{text:?}");
        }
    }
}
