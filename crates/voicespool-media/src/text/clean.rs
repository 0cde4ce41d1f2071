//! Which characters of a source never reach the voice.
//!
//! Invisible characters are billed like letters, split words for a model, and can hide text from a
//! reader that a voice would still say.

/// Adds `source` to `target` without what is not to be heard, each run of white space as one space.
///
/// `owed` carries white space seen but not yet written from one call to the next: a block neither
/// begins nor ends with it, which is what `is_start` is for.
pub(super) fn append(target: &mut String, source: &str, owed: &mut bool, is_start: bool) {
    let mut is_start = is_start;
    let mut rest = source.char_indices().peekable();
    let mut run = 0;
    while let Some((at, c)) = rest.next() {
        if is_plain(c) && !*owed {
            is_start = false;
            continue;
        }
        let end = at + c.len_utf8();
        target.push_str(&source[run..at]);
        run = end;
        if c.is_whitespace() {
            *owed = !is_start;
        } else if !is_invisible(c) || is_joint(target, c, rest.peek().map(|(_, next)| *next)) {
            if std::mem::take(owed) {
                target.push(' ');
            }
            target.push(c);
            is_start = false;
        }
    }
    target.push_str(&source[run..]);
}

/// Whether to copy without a closer look; true of nearly every character of nearly every text.
fn is_plain(c: char) -> bool {
    match c {
        '!'..='~' => true,
        '\0'..='\u{AD}' => false,
        _ => !is_invisible(c) && !c.is_whitespace(),
    }
}

/// White space, or nothing to see at all.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Control and format characters without a shape of their own (Unicode 16, general categories Cc
/// and Cf). White space among the controls is not one of them; variation selectors belong to the
/// character before them and stay.
pub(super) fn is_invisible(c: char) -> bool {
    match c {
        '\t'..='\r' | '\u{85}' => false,
        '\0'..='\u{1F}'
        | '\u{7F}'..='\u{9F}'
        | '\u{AD}' // soft hyphen
        | '\u{34F}' // combining grapheme joiner
        | '\u{61C}' // Arabic letter mark
        | '\u{180E}' // Mongolian vowel separator
        | '\u{200B}'..='\u{200F}' // zero-width space, joiners, direction marks
        | '\u{202A}'..='\u{202E}' // direction embedding
        | '\u{2060}'..='\u{206F}' // word joiner, invisible operators, direction isolates
        | '\u{FEFF}' // byte order mark
        | '\u{FFF9}'..='\u{FFFC}' // annotations, object replacement
        | '\u{E0000}'..='\u{E007F}' => true, // tags: text nobody sees
        _ => false,
    }
}

/// A zero-width joiner or non-joiner that changes what is read: between letters of scripts that
/// join (Arabic and everything encoded after it) and in emoji. In Latin, Greek and Cyrillic text
/// it only guides typesetting.
fn is_joint(before: &str, c: char, next: Option<char>) -> bool {
    let joins = |c: char| c >= '\u{600}' && !('\u{2000}'..='\u{206F}').contains(&c);
    matches!(c, '\u{200C}' | '\u{200D}')
        && before.chars().next_back().is_some_and(joins)
        && next.is_some_and(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let (mut target, mut owed) = (String::new(), false);
        append(&mut target, source, &mut owed, true);
        assert_eq!(target, expected, "{source:?}");
    }

    #[test]
    fn invisible_characters_are_dropped_and_white_space_is_one_space() {
        check("  a \t\u{A0}\u{3000} b\r\nc  ", "a b c");
        check(
            "Donau\u{AD}dampf\u{200B}schiff\u{FEFF}\u{2060}",
            "Donaudampfschiff",
        );
        check("a\0b\u{1B}[c\u{7F}\u{9F}", "ab[c");
        check("\u{202E}evil\u{202C} \u{E0041}\u{E0042}", "evil");
        check("grün – 日本 “x”", "grün – 日本 “x”");
    }

    #[test]
    fn joiners_stay_where_they_are_heard_or_seen() {
        check("می\u{200C}خواهم", "می\u{200C}خواهم");
        check("क\u{94D}\u{200D}ष", "क\u{94D}\u{200D}ष");
        check("👩\u{200D}🚒", "👩\u{200D}🚒");
        check("Auf\u{200C}lage\u{200D}", "Auflage");
    }

    #[test]
    fn white_space_is_carried_from_call_to_call() {
        let (mut target, mut owed) = (String::new(), false);

        append(&mut target, "one ", &mut owed, true);
        append(&mut target, " two", &mut owed, false);
        append(&mut target, "three ", &mut owed, false);

        assert_eq!((target.as_str(), owed), ("one twothree", true));
    }
}
