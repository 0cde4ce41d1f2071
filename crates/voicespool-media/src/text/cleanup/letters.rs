//! Letters that are pictures of letters: ligatures, full-width and mathematical forms.

use unicode_normalization::UnicodeNormalization;

use crate::text::cleanup::Edit;

/// Folds compatibility forms of letters and digits into the letters they stand for (NFKC), run by
/// run. Raised and lowered digits are no such forms: they mean something.
pub(super) fn apply(text: &str, edit: &mut Edit<'_>) {
    if text.is_ascii() {
        return;
    }
    let mut run: Option<usize> = None;
    for (at, c) in text.char_indices() {
        match (is_form(c), run) {
            (true, None) => run = Some(at),
            (false, Some(from)) => {
                fold(text, from, at, edit);
                run = None;
            }
            _ => {}
        }
    }
    if let Some(from) = run {
        fold(text, from, text.len(), edit);
    }
}

fn fold(text: &str, from: usize, to: usize, edit: &mut Edit<'_>) {
    let plain: String = text[from..to].nfkc().collect();
    edit.replace(text, from, to, &plain);
}

fn is_form(c: char) -> bool {
    matches!(c,
        '\u{FB00}'..='\u{FB06}' // ﬁ and its kin
        | '\u{FF10}'..='\u{FF19}' | '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}'
        | '\u{24B6}'..='\u{24E9}' // circled
        | '\u{2160}'..='\u{217F}' // Roman numerals
        | '\u{1D400}'..='\u{1D7FF}' // mathematical
        | 'ℂ' | 'ℊ'..='ℍ' | 'ℐ'..='ℓ' | 'ℕ' | 'ℙ'..='ℝ' | 'ℤ' | 'ℨ' | 'ℬ' | 'ℭ' | 'ℯ'..='ℱ' | 'ℳ' | 'ℴ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::{Rule, applied};

    #[test]
    fn forms_of_letters_become_letters_and_powers_stay() {
        for (text, expected) in [
            ("an oﬃce with a ﬂoor", "an office with a floor"),
            ("the 𝐛𝐨𝐥𝐝 𝘰𝘯𝘦", "the bold one"),
            ("ＡＢＣ１２３、終わり", "ABC123、終わり"),
            ("Ⅳ Ⓐ ℝ", "IV A R"),
            ("5 m² of H₂O, ½ or ¾", "5 m² of H₂O, ½ or ¾"),
        ] {
            assert_eq!(applied(apply, Rule::Ligatures, text), expected);
        }
    }
}
