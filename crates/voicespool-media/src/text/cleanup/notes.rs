//! Marks that point to a note: a reader's eye passes over them, a voice would not.

use crate::text::cleanup::Edit;

/// Words that stand before the number of a note in brackets, in lower case.
const WORDS: &[&str] = &[
    "note",
    "notes",
    "footnote",
    "fn",
    "fn.",
    "nb",
    "n.",
    "anm.",
    "anmerkung",
    "fußnote",
    "nota",
    "noot",
    "voetnoot",
    "przyp.",
    "прим.",
    "注",
    "註",
    "脚注",
];

/// Letters behind which a raised 2 or 3 is a power.
const POWERS: &[&str] = &[
    "m", "km", "cm", "mm", "dm", "µm", "μm", "nm", "hm", "ft", "yd", "mi", "in", "s", "c", "x",
    "y", "z", "n", "r", "a", "b", "d", "e", "v", "t", "h", "q", "p", "k", "R", "N", "E", "M",
];

pub(super) fn apply(text: &str, edit: &mut Edit<'_>) {
    let is_start = |c: char| c == '[' || is_dagger(c) || is_raised(c);
    let mut at = 0;
    while let Some(found) = text[at..].find(is_start) {
        let from = at + found;
        let first = text[from..].chars().next().unwrap_or_default();
        let end = if first == '[' {
            bracketed(text, from)
        } else {
            raised(text, from)
        };
        match end {
            Some(to) => {
                // The space before a mark that stands behind a sentence goes with it.
                let start = if text[..from].ends_with(' ') {
                    from - 1
                } else {
                    from
                };
                edit.replace(text, start, to, "");
                at = to;
            }
            None => at = from + first.len_utf8(),
        }
    }
}

fn is_dagger(c: char) -> bool {
    matches!(c, '†' | '‡')
}

fn is_raised(c: char) -> bool {
    matches!(c, '¹' | '²' | '³' | '⁰' | '⁴'..='⁹')
}

/// The end of a note mark in brackets that begins at `from`.
fn bracketed(text: &str, from: usize) -> Option<usize> {
    let window = text.floor_char_boundary((from + 32).min(text.len()));
    let length = text[from..window].find(']')?;
    let (inside, to) = (&text[from + 1..from + length], from + length + 1);
    let before = text[..from].chars().next_back()?;
    // Behind a word or a mark, or as a word of its own behind the end of a sentence.
    let is_apart = before == ' ' && text[..from].trim_end().ends_with(['.', '!', '?', '”', '"']);
    if before.is_whitespace() && !is_apart {
        return None;
    }
    // "[s]he" is one word.
    if text[to..].starts_with(char::is_alphabetic) {
        return None;
    }
    let is_mark = is_numbers(inside)
        || is_letter(inside, before)
        || inside.chars().all(|c| is_dagger(c) || c == '*') && !inside.is_empty()
        || inside
            .split_once(' ')
            .is_some_and(|(word, number)| is_word(word) && is_numbers(number))
        || inside
            .find(|c: char| c.is_ascii_digit())
            .is_some_and(|digit| WORDS.contains(&&inside[..digit]) && is_numbers(&inside[digit..]));
    is_mark.then_some(to)
}

fn is_word(word: &str) -> bool {
    WORDS.contains(&word.to_lowercase().as_str())
}

/// "12", "3, 4", "5–7": at most four digits each.
fn is_numbers(text: &str) -> bool {
    !text.is_empty()
        && text.split([',', ';', '-', '–']).all(|part| {
            let part = part.trim();
            // Raised, where a page raises what stands between the brackets.
            (1..=4).contains(&part.chars().count())
                && part.chars().all(|c| c.is_ascii_digit() || is_raised(c))
        })
}

/// One small letter, but not the end of a word that an editor completed ("book[s]").
fn is_letter(text: &str, before: char) -> bool {
    let mut chars = text.chars();
    let (Some(letter), None) = (chars.next(), chars.next()) else {
        return false;
    };
    letter.is_ascii_lowercase() && !(before.is_alphabetic() && matches!(letter, 's' | 'd' | 'n'))
}

/// The end of raised numbers or daggers that begin at `from` and point to a note.
fn raised(text: &str, from: usize) -> Option<usize> {
    let mark = text[from..].chars().next()?;
    let is_same = |c: char| {
        if is_dagger(mark) {
            is_dagger(c)
        } else {
            is_raised(c)
        }
    };
    let rest = &text[from..];
    let length = rest.find(|c: char| !is_same(c)).unwrap_or(rest.len());
    let to = from + length;
    let before = text[..from].chars().next_back()?;
    if before.is_whitespace() || text[to..].starts_with(char::is_alphanumeric) {
        return None;
    }
    if is_dagger(mark) {
        return Some(to);
    }
    if before.is_numeric() || matches!(before, '⁻' | '⁺' | ')' | '°') {
        return None;
    }
    let word = text[..from]
        .rsplit(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default();
    let is_power = matches!(&text[from..to], "²" | "³" | "⁴") && POWERS.contains(&word);
    (!is_power).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::{Rule, applied};

    #[test]
    fn marks_of_notes_are_passed_over() {
        for (text, expected) in [
            (
                "It closed in 1950.[7] Few saw it.[8]",
                "It closed in 1950. Few saw it.",
            ),
            ("as others[2, 5–7] say", "as others say"),
            (
                "The queen[c] left.[note 4] So did he[fn 2].",
                "The queen left. So did he.",
            ),
            ("Nobody came. [13] Later", "Nobody came. Later"),
            (
                "the war.¹² The end³, he said.†",
                "the war. The end, he said.",
            ),
            ("彼は来た[注3]。", "彼は来た。"),
            ("Nobody came[⁴] home[¹²].", "Nobody came home."),
        ] {
            assert_eq!(applied(apply, Rule::NoteMarks, text), expected, "{text}");
        }
    }

    #[test]
    fn brackets_and_powers_that_mean_something_stay() {
        for text in [
            "He wrote [sic] and took [the third] one.",
            "the book[s] that [s]he had like[d]",
            "5 m² or 3 cm³, 10² and x²",
            "[1] is where it begins",
            "He chose option [2] of five",
            "† 1911 in Rome",
            "an array[i + 1]",
        ] {
            assert_eq!(applied(apply, Rule::NoteMarks, text), text);
        }
    }
}
