//! Entities of HTML that survived the way into a plain text.

use crate::text::cleanup::Edit;

/// Longest entity looked for, in bytes: `&CounterClockwiseContourIntegral;` has 33.
const LONGEST: usize = 40;

/// Reads entities that end with a semicolon; a bare `&` is a word.
pub(super) fn apply(text: &str, edit: &mut Edit<'_>) {
    let mut at = 0;
    while let Some(found) = text[at..].find('&') {
        let from = at + found;
        at = from + 1;
        let window = text.floor_char_boundary((from + LONGEST).min(text.len()));
        let Some(length) = text[from..window].find(';') else {
            continue;
        };
        let to = from + length + 1;
        let entity = &text[from..to];
        let body = &entity[1..entity.len() - 1];
        if !body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
        {
            continue;
        }
        let read = html_escape::decode_html_entities(entity);
        if read != entity {
            let read = read.replace('\u{A0}', " ");
            edit.replace(text, from, to, &read);
            at = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::{Rule, applied};

    #[test]
    fn entities_are_what_they_stand_for() {
        for (text, expected) in [
            ("Tom &amp; Ann", "Tom & Ann"),
            ("It&#8217;s late&mdash;go&#x2026;", "It’s late—go…"),
            ("caf&eacute;&nbsp;au lait", "café au lait"),
            (
                "Smith & Sons; R&D; a &unknown; b",
                "Smith & Sons; R&D; a &unknown; b",
            ),
        ] {
            assert_eq!(applied(apply, Rule::Entities, text), expected);
        }
    }
}
