//! The punctuation that ends a sentence or a clause.

/// The punctuation a text ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Sentence,
    Clause,
}

/// The stop at the end of `text`, if any; a dot after an abbreviation is none.
pub(super) fn stop(text: &str) -> Option<Stop> {
    let closers = "\"'”’»)]」』）】";
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || closers.contains(c));
    match text.chars().next_back()? {
        '.' if is_abbreviation(text) => None,
        '.' | '!' | '?' | '…' | '。' | '！' | '？' | '．' | '｡' | '؟' | '।' => {
            Some(Stop::Sentence)
        }
        ',' | ';' | ':' | '–' | '—' | '、' | '，' | '；' | '：' | '､' | '،' => {
            Some(Stop::Clause)
        }
        _ => None,
    }
}

/// Titles that are followed by a name, and single initials.
fn is_abbreviation(text: &str) -> bool {
    const TITLES: &[&str] = &[
        "mr", "mrs", "ms", "dr", "st", "prof", "sr", "jr", "vs", "e.g", "i.e", "z.b", "hr", "fr",
        "nr", "bzw", "mme", "sig", "dott", "sra",
    ];
    let word = text.trim_end_matches('.');
    let word = word.rsplit(char::is_whitespace).next().unwrap_or(word);
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
    initial || TITLES.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_is_not_always_an_end() {
        for (text, expected) in [
            ("end.", Some(Stop::Sentence)),
            ("end.”", Some(Stop::Sentence)),
            ("was I.", Some(Stop::Sentence)),
            ("Dr.", None),
            ("(J.", None),
            ("well,", Some(Stop::Clause)),
            ("好。", Some(Stop::Sentence)),
            ("3.5", None),
            ("", None),
        ] {
            assert_eq!(stop(text), expected, "{text}");
        }
    }
}
