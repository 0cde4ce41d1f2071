//! Makes a text safe and natural for SVOX Pico, which has a command language in its
//! input and a few habits of its own.
//!
//! Promises of [`Spoken`]: no `<` (so no command: `<genfile file="…">` would write a
//! file, `<play>` would read one, `<break>` would stop the speech for minutes), no NUL or
//! other control character, and no run without a space that is long enough to hang Pico.
//! Other scripts are written in Latin letters, which is all that Pico reads. `&` and `>` are no commands and are spoken ("and", "greater than"). What a listener
//! should hear of dashes and dots is decided here too; everything else of a text is
//! normalised further up.

use std::iter::Peekable;
use std::str::Chars;

use crate::text::in_latin;

/// Longest run without white space, in characters. Pico hangs or gives up at 125 bytes of
/// accented letters and at 255 of quotes; no word of the six languages is near.
const MAX_RUN: usize = 60;
/// Longest number. Pico gives up on 60 digits.
const MAX_DIGITS: usize = 20;

/// How far to look for the word after an ellipsis.
const LOOK_AHEAD: usize = 8;

/// Text without commands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken(String);

impl Spoken {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// `text` as it is given to Pico. `less_than` is said for `<`; `speed` in percent of the
/// voice's own is set when it is not 100.
pub(super) fn spoken(text: &str, less_than: &str, speed: u16) -> Spoken {
    let mut out = Out::default();
    if speed != 100 {
        out.text = format!("<speed level=\"{speed}\">");
    }
    let text = in_latin(text);
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(next) = rest.next() {
        match next {
            '<' => {
                out.push(' ');
                less_than.chars().for_each(|c| out.push(c));
                out.push(' ');
            }
            // Soft hyphens, joiners and direction marks: nobody says them, and Pico would
            // cut the word there.
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}' => continue,
            // A range keeps its dash; a dash between words is a pause.
            '–' if before.is_ascii_digit() => out.push('-'),
            '—' | '―' | '–' => out.pause(','),
            '.' | '!' | '?' | '…' => {
                let stop = stop(next, &mut rest);
                out.push(stop);
            }
            '\n' => out.push('\n'),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c => out.push(c),
        }
        before = next;
    }
    Spoken(out.text)
}

/// One stop for a run of them: Pico is silent for half a second at each.
fn stop(first: char, rest: &mut Peekable<Chars<'_>>) -> char {
    let mut run = vec![first];
    while let Some(more) = rest.next_if(|c| matches!(c, '.' | '!' | '?' | '…')) {
        run.push(more);
    }
    if run.contains(&'?') {
        '?'
    } else if run.contains(&'!') {
        '!'
    } else if run == ['.'] {
        '.'
    } else {
        // Dots inside a sentence ("well... maybe") are a hesitation.
        let hesitates = rest
            .clone()
            .take(LOOK_AHEAD)
            .find(|c| c.is_alphanumeric())
            .is_some_and(char::is_lowercase);
        if hesitates { ',' } else { '.' }
    }
}

#[derive(Default)]
struct Out {
    text: String,
    /// Characters since the last white space.
    run: usize,
    /// Digits since the last other character.
    digits: usize,
}

impl Out {
    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.run = 0;
            self.digits = 0;
        } else {
            self.digits = if c.is_numeric() { self.digits + 1 } else { 0 };
            if self.run == MAX_RUN || self.digits > MAX_DIGITS {
                self.text.push(' ');
                self.run = 0;
                self.digits = usize::from(self.digits > 0);
            }
            self.run += 1;
        }
        self.text.push(c);
    }

    fn pause(&mut self, c: char) {
        self.push(c);
        self.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> String {
        spoken(text, "less than", 100).0
    }

    #[test]
    fn no_text_can_give_a_command() {
        for text in [
            "<genfile file=\"/tmp/x.wav\">",
            "< \u{200b}genfile file='x'>",
            "<<<speed level='20'>",
            "a\0<b",
            "<",
        ] {
            assert!(!say(text).contains(['<', '\0']), "{text}");
        }
        assert_eq!(say("a < b & c > d"), "a  less than  b & c > d");
    }

    #[test]
    fn the_speed_is_the_only_command() {
        let slow = spoken("<b>", "less than", 50).0;

        assert_eq!(slow, "<speed level=\"50\"> less than b>");
    }

    #[test]
    fn long_runs_are_cut_and_nothing_is_lost() {
        for text in ["é".repeat(1000), "7".repeat(1000), "'".repeat(1000)] {
            let said = say(&text);

            assert!(said.split(' ').all(|run| run.chars().count() <= 60));
            assert_eq!(said.replace(' ', ""), text);
        }
        assert!(say(&"7".repeat(100)).split(' ').all(|run| run.len() <= 20));
    }

    #[test]
    fn dashes_and_dots_become_pauses() {
        for (text, said) in [
            ("Hello—he said.", "Hello, he said."),
            ("1914–1918", "1914-1918"),
            ("Wait... what?", "Wait, what?"),
            ("Wait… What?!", "Wait. What?"),
            ("No!!!", "No!"),
            ("The end....", "The end."),
            ("3.14 e.g. this", "3.14 e.g. this"),
            ("co\u{ad}operate\u{200b}", "cooperate"),
            ("a\u{a0}b\tc\r\nd\u{1b}", "a b c \nd "),
        ] {
            assert_eq!(say(text), said, "{text:?}");
        }
    }
}
