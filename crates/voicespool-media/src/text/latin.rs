//! What a voice that knows Latin letters only can say of a text.
//!
//! Letters and figures of other scripts are written in Latin letters, as a reader of a foreign name
//! would sound it out. Pictures and signs that nobody could read aloud stay as they are, counted.

use std::borrow::Cow;

/// What a text is to a voice of Latin letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Foreign {
    /// Letters and figures that are said in Latin letters.
    pub romanised: usize,
    /// Signs and pictures that are not said.
    pub unsaid: usize,
}

/// `text` in the letters that such a voice reads: those of Western Europe. Others with marks lose
/// these (`ř` is `r`), other scripts are written as they sound (`спасибо` is `spasibo`).
pub fn in_latin(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_foreign) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut was_ideograph = false;
    for c in text.chars() {
        if is_foreign(c) {
            // Written without spaces, each is a syllable and often a word.
            let is_ideograph = is_ideograph(c);
            if (is_ideograph || was_ideograph) && !out.ends_with([' ', '\n']) && !out.is_empty() {
                out.push(' ');
            }
            // The mark of a soft letter is no apostrophe.
            let letters = sound(c).chars().filter(|mark| *mark != '\'');
            if c.is_uppercase() || is_ideograph {
                out.extend(letters);
            } else {
                out.extend(letters.map(|letter| letter.to_ascii_lowercase()));
            }
            was_ideograph = is_ideograph;
        } else {
            if was_ideograph && c.is_alphanumeric() {
                out.push(' ');
            }
            out.push(c);
            was_ideograph = false;
        }
    }
    Cow::Owned(out)
}

/// What of `text` such a voice says in other letters, and what it does not say.
pub fn foreign(text: &str) -> Foreign {
    let mut found = Foreign::default();
    for c in text.chars() {
        if is_unsaid(c) {
            found.unsaid = found.unsaid.saturating_add(1);
        } else if is_foreign(c) {
            found.romanised = found.romanised.saturating_add(1);
        }
    }
    found
}

/// The signs of `text` that such a voice does not say, each once, at most `most` of them.
pub fn unsaid(text: &str, most: usize) -> String {
    let mut signs = String::new();
    for c in text.chars().filter(|c| is_unsaid(*c)) {
        if !signs.contains(c) && signs.chars().count() < most {
            signs.push(c);
        }
    }
    signs
}

fn is_unsaid(c: char) -> bool {
    is_sign(c) || is_foreign(c) && sound(c).is_empty()
}

/// Letters and figures outside those of Western Europe.
fn is_foreign(c: char) -> bool {
    match c {
        'Þ' | 'þ' | 'Ð' | 'ð' => true,
        '\0'..='ÿ' | 'Œ' | 'œ' | 'Ÿ' => false,
        _ => c.is_alphanumeric(),
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn sound(c: char) -> &'static str {
    match c {
        'Þ' | 'Ð' => "Th",
        'þ' | 'ð' => "th",
        _ => any_ascii::any_ascii_char(c),
    }
}

/// Arrows, operators, drawings and pictures.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_scripts_are_sounded_out_and_our_own_stays() {
        for (text, said) in [
            ("A café in Köln, œuvre.", "A café in Köln, œuvre."),
            ("большое спасибо", "bolshoe spasibo"),
            ("Dvořák, Łódź, Erdoğan", "Dvorák, Lódz, Erdogan"),
            ("in 北京 today", "in Bei Jing today"),
            ("ありがとう", "arigatou"),
            ("안녕", "annyeong"),
            ("北京3号", "Bei Jing 3 Hao"),
            ("ἄνθρωπος", "anthropos"),
            ("١٢٣", "123"),
            ("ðæt", "thæt"),
        ] {
            assert_eq!(in_latin(text), said, "{text}");
        }
    }

    #[test]
    fn what_is_sounded_out_and_what_is_not_said_is_counted() {
        let found = foreign("Привет 🙂 → x");
        assert_eq!((found.romanised, found.unsaid), (6, 2));
        assert_eq!(foreign("Plain text, 5 €: ½."), Foreign::default());
        assert_eq!(unsaid("a 🙂 → 🙂 ↑ b", 2), "🙂→");
    }

    #[test]
    fn the_voice_is_given_no_letter_that_it_passes_over() {
        for c in (0..=0x0003_FFFF).filter_map(char::from_u32) {
            let text = c.to_string();
            let said = in_latin(&text);
            assert!(!said.chars().any(is_foreign), "{c} {said}");
        }
    }
}
