//! Hyphens in a row are a dash, as typewriters had none.

use crate::text::cleanup::Edit;

/// Two hyphens or more become one em dash; between two digits an en dash, which is a range.
pub(super) fn apply(text: &str, edit: &mut Edit<'_>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = text[at..].find("--") {
        let from = at + found;
        let length = bytes[from..]
            .iter()
            .take_while(|byte| **byte == b'-')
            .count();
        let to = from + length;
        let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        let is_range = from > 0 && is_digit(bytes.get(from - 1)) && is_digit(bytes.get(to));
        edit.replace(text, from, to, if is_range { "–" } else { "—" });
        at = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::{Rule, applied};

    #[test]
    fn hyphens_in_a_row_are_one_dash() {
        for (text, expected) in [
            ("Wait--no.", "Wait—no."),
            ("\"If--\" he said", "\"If—\" he said"),
            ("now -- or never", "now — or never"),
            ("Mr. ----, of 1914--1918", "Mr. —, of 1914–1918"),
            ("a well-known man", "a well-known man"),
        ] {
            assert_eq!(applied(apply, Rule::Dashes, text), expected);
        }
    }
}
