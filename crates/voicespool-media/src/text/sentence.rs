//! Where sentences end.
//!
//! `sentencex` finds them; what it is known to split wrongly is glued together again. A boundary
//! missed is nearly free (there are others), one invented is a breath in the middle of a name, so
//! every doubt is a reason to glue.

use unicode_segmentation::GraphemeCursor;

use crate::text::document::is_speakable;

/// Most bytes to look at in one go: fed a whole book without paragraphs, `sentencex` pairs
/// unrelated quotation marks, and a text of nothing else takes it time in the square of its length.
pub(super) const WINDOW: usize = 4 * 1024;

/// Abbreviations that are followed by more, in any language; `sentencex` has longer lists for the
/// language it is told, this one is for names and dates in all others.
#[rustfmt::skip]
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "ste", "mme", "mlle", "mm", "hr", "fr", "sr", "sra",
    "no", "nos", "nr", "vol", "vgl", "bzw", "ca", "cf", "vs", "capt", "col", "gen", "lt", "sgt",
    "rev", "hon", "gov", "sen", "rep", "messrs", "jr", "approx", "resp",
    "jan", "feb", "mär", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "okt", "nov", "dec",
    "dez", "janv", "févr", "avr", "juil", "déc",
];

/// The language `sentencex` is asked for: the first part of a tag such as `pt-BR`, lower case.
pub(super) fn primary_language(tag: Option<&str>) -> String {
    let first = tag.unwrap_or("en").split(['-', '_']).next();
    first.unwrap_or("en").trim().to_ascii_lowercase()
}

/// The ends of the sentences in `text`, ascending, the last one its length. White space after a
/// sentence belongs to it. `text` is one block or the beginning of one.
pub(super) fn ends(text: &str, language: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    let mut start = 0;
    let mut end = 0_usize;
    for sentence in sentencex::segment(language, text) {
        let next_end = end.saturating_add(sentence.len());
        if text.get(end..next_end) != Some(sentence) {
            // A splitter that lost bytes must not lose ours.
            break;
        }
        if end > 0 && !belongs_together(text, start, end, next_end) {
            start = before_opening_quote(text, end);
            ends.push(start);
        }
        end = next_end;
    }
    ends.push(text.len());
    ends
}

/// Marks that make one sentence of many to [`ends`].
pub(super) const QUOTES: &str = "\"“”„«»「」『』";
pub(super) const QUOTES_AND_PARENTHESES: &str = "\"“”„«»「」『』()[]（）［］";

/// The ends of the sentences in `text` as if it had no quotation `marks`: for a speech or a
/// parenthesis of many sentences.
pub(super) fn ends_within(marks: &str, text: &str, language: &str) -> Vec<usize> {
    let mut masked = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        // The same marks are apostrophes inside words.
        let is_quote = match c {
            '‘' | '’' | '\'' => !(before.is_alphanumeric() && next.is_alphanumeric()),
            _ => marks.contains(c),
        };
        if is_quote {
            masked.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            masked.push(c);
        }
        before = c;
    }
    let mut found = ends(&masked, language);
    found.pop();
    for end in &mut found {
        *end = before_opening_quote(text, *end);
    }
    found.dedup();
    found.retain(|end| *end > 0);
    found.push(text.len());
    found
}

/// `end`, or before the quotation mark that opens what follows.
fn before_opening_quote(text: &str, end: usize) -> usize {
    let head = text[..end].trim_end();
    let bare = head.trim_end_matches(|c: char| "\"“„«‘'「『".contains(c));
    // After a full stop the same mark closes, and so does one with a space after it, but in French.
    let is_apart = bare.is_empty() || bare.ends_with([' ', '。', '」', '』']);
    if is_apart && (head.len() == end || head.ends_with('«')) {
        bare.len()
    } else {
        end
    }
}

/// Whether `text[start..end]` and `text[end..next_end]` are one sentence after all.
fn belongs_together(text: &str, start: usize, end: usize, next_end: usize) -> bool {
    let (sentence, next) = (text[start..end].trim(), text[end..next_end].trim_start());
    let continues = |c: char| c.is_lowercase() || ")]}”’»,;:.!?…".contains(c);
    next.starts_with(continues)
        || !is_speakable(next)
        || !is_speakable(sentence)
        || !is_grapheme_boundary(text, end)
        || sentence.strip_suffix('.').is_some_and(ends_open)
}

/// Whether the full stop after `sentence` is more likely part of its last word: list numbers,
/// initials, days, kings and abbreviations.
fn ends_open(sentence: &str) -> bool {
    let is_edge = |c: char| c.is_whitespace() || "(\"“‘«„-–—/".contains(c);
    let word = sentence.rsplit(is_edge).next().unwrap_or_default();
    let length = word.chars().take(5).count();
    length <= 1
        || sentence.len() < 5
        || (length <= 2 && word.bytes().all(|byte| byte.is_ascii_digit()))
        || (length <= 4 && word.bytes().all(|byte| b"IVXLC".contains(&byte)))
        || word
            .rsplit('.')
            .next()
            .is_some_and(|last| last.chars().nth(1).is_none())
        || word.ends_with("str") // German streets
        || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

/// How likely the full stop of a sentence is part of an abbreviation that nobody has listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Another mark, or a long word before it.
    None,
    /// Four or five letters with a capital: "Calif.".
    Some,
    /// Three or less: "hrs.", "Fa.".
    Strong,
}

impl Doubt {
    pub(super) fn about_end_of(sentence: &str) -> Self {
        let is_closing = |c: char| c.is_whitespace() || "\"')]”’»›」』".contains(c);
        let bare = sentence.trim_end_matches(is_closing);
        let Some(bare) = bare.strip_suffix('.') else {
            return Self::None;
        };
        let word = bare.chars().rev().take_while(|c| c.is_alphanumeric());
        match word.clone().take(6).count() {
            0..=3 => Self::Strong,
            4..=5 if word.last().is_some_and(char::is_uppercase) => Self::Some,
            _ => Self::None,
        }
    }
}

/// Whether `at` lies between two characters as a reader counts them.
pub(super) fn is_grapheme_boundary(text: &str, at: usize) -> bool {
    let Some(next) = text[at..].chars().next() else {
        return true;
    };
    // Before ASCII there always is one; line ends, the exception, are no part of a block.
    next.is_ascii()
        || GraphemeCursor::new(at, text.len(), true)
            .is_boundary(text, 0)
            .unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, sentences: &[&str]) {
        let text = sentences.join(" ");
        let mut start = 0;
        let found: Vec<&str> = ends(&text, language)
            .into_iter()
            .map(|end| text[std::mem::replace(&mut start, end)..end].trim())
            .collect();
        assert_eq!(found, sentences);
    }

    #[test]
    fn what_the_splitter_gets_wrong_is_glued() {
        check(
            "fr",
            &["C'est M. Dupont qui l'a dit à Mme. Leroy.", "Il est parti."],
        );
        check(
            "de",
            &[
                "Am 3. Okt. 1911 fuhr er ab.",
                "Ludwig XIV. Schloss war leer.",
                "Es war z. B. kalt.",
            ],
        );
        check(
            "en",
            &["1. Take the lamp.", "2. Climb the stairs to No. 7 at noon."],
        );
        check(
            "en",
            &[
                "Dr. J. R. Smith met Mr. Brown at St. Paul's.",
                "It was 3 p.m. on the dot.",
            ],
        );
        check("en", &["\"Stop!\" he cried.", "She ran.", "What now?"]);
    }

    #[test]
    fn a_speech_of_many_sentences_has_ends_too() {
        let text = "“I don’t know. He left. ‘Stop!’ I said. \"Never.\" It’s late.” She sat.";
        let mut start = 0;
        let found: Vec<&str> = ends_within(QUOTES, text, "en")
            .into_iter()
            .map(|end| text[std::mem::replace(&mut start, end)..end].trim())
            .collect();
        let expected = [
            "“I don’t know.",
            "He left.",
            "‘Stop!’",
            "I said.",
            "\"Never.\"",
            "It’s late.”",
            "She sat.",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_opening_quotation_mark_goes_with_what_it_opens() {
        for (text, language) in [
            ("It was on the scale. \"Where is it?\" he said.", "en"),
            ("Il est parti hier soir. « Où est-il ? » dit-elle.", "fr"),
            ("Er ging nach Hause. „Wo ist er?“, sagte sie.", "de"),
        ] {
            let first = ends(text, language)[0];
            assert_eq!(
                text[..first].trim_end(),
                text[..first].trim_end_matches(['"', '«', '„', ' '])
            );
        }
    }

    #[test]
    fn no_sentence_ends_inside_a_character() {
        let text = "It was a test.\u{301}Another test came.";
        assert_eq!(ends(text, "en"), [text.len()]);
        assert_eq!(ends(&text.replace('\u{301}', ""), "en").len(), 2);
    }

    #[test]
    fn other_scripts_are_split_too() {
        let text = "夜でした。町は静かでした。";
        assert_eq!(ends(text, "ja").len(), 2);
        assert_eq!(ends("यह पहला है। यह दूसरा है।", "hi").len(), 2);
    }

    #[test]
    fn a_language_tag_is_reduced_to_its_language() {
        assert_eq!(primary_language(Some("pt-BR")), "pt");
        assert_eq!(primary_language(Some("DE_at")), "de");
        assert_eq!(primary_language(None), "en");
        assert_eq!(
            ends("Es war z. B. kalt. Er ging.", &primary_language(Some("xx"))).len(),
            2
        );
    }
}
