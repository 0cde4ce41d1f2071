//! Text taken apart into what may stand alone on a line: words, and in scripts without
//! spaces single characters with their punctuation.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::subtitle::clean::is_break_space;

/// A piece of text that is never torn, and whether white space stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) spaced: bool,
}

/// The pieces of `text`, in order. Joined again, with a space before those that are
/// `spaced`, they are `text` with its white space collapsed.
///
/// Characters of Chinese and Japanese are pieces of their own, but a closing mark stays with
/// what it closes and an opening one with what it opens. What is wider than `max_columns`
/// (a URL, a word of a script this does not know how to break) is cut at graphemes.
pub(super) fn pieces(text: &str, max_columns: usize) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for word in text.split(is_break_space).filter(|word| !word.is_empty()) {
        let mut spaced = true;
        for part in ideographs(word) {
            for text in cut(part, max_columns) {
                pieces.push(Piece { text, spaced });
                spaced = false;
            }
        }
    }
    if let Some(first) = pieces.first_mut() {
        first.spaced = text.starts_with(is_break_space);
    }
    pieces
}

/// Columns `text` takes on a terminal and, near enough, on a screen.
pub(super) fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Whether a line may break between two characters that no space parts: around characters
/// of scripts without spaces, and after a dash between words.
pub(super) fn may_part(before: char, after: char) -> bool {
    let dash = matches!(before, '—' | '–') && after.is_alphabetic();
    (dash || is_ideographic(before) || is_ideographic(after))
        && !is_closing(after)
        && !is_opening(before)
        && after.width().unwrap_or(0) > 0
}

/// Characters of the scripts that are written without spaces and break almost anywhere:
/// Chinese, Japanese and their punctuation. (Korean has spaces.)
pub(super) fn is_ideographic(c: char) -> bool {
    matches!(u32::from(c),
        0x2E80..=0x312F | 0x31A0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF01..=0xFF9F | 0x2_0000..=0x3_FFFF)
}

/// What must not start a line (JIS X 4051 calls it kinsoku).
pub(super) fn is_closing(c: char) -> bool {
    "、。，．・：；？！」』）】〕》〉〗〙］｝”’…‥—ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ％｡､,.!?;:)]}»%\"'"
        .contains(c)
}

/// What must not end a line.
pub(super) fn is_opening(c: char) -> bool {
    "「『（【〔《〈〖〘［｛“‘([{«¿¡".contains(c)
}

fn ideographs(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let mut before = rest.chars().next()?;
        let end = rest.char_indices().skip(1).find_map(|(at, after)| {
            let parts = may_part(before, after);
            before = after;
            parts.then_some(at)
        });
        let (part, tail) = rest.split_at(end.unwrap_or(rest.len()));
        rest = tail;
        Some(part)
    })
}

/// `part` in stretches of at most `max_columns`, or of one character where that is wider.
fn cut(part: &str, max_columns: usize) -> Vec<&str> {
    if columns(part) <= max_columns {
        return vec![part];
    }
    let mut cuts = Vec::new();
    let mut start = 0;
    for (at, grapheme) in part.grapheme_indices(true) {
        let end = at + grapheme.len();
        if at > start && columns(&part[start..end]) > max_columns {
            cuts.push(&part[start..at]);
            start = at;
        }
        if columns(grapheme) > max_columns {
            cuts.extend(
                grapheme
                    .char_indices()
                    .map(|(idx, c)| &grapheme[idx..idx + c.len_utf8()]),
            );
            start = end;
        }
    }
    if start < part.len() {
        cuts.push(&part[start..]);
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = pieces(text, 10).iter().map(|piece| piece.text).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_piece_is_what_may_stand_alone() {
        check(" One,  two.", &["One,", "two."]);
        check("「你好，世界。」", &["「你", "好，", "世", "界。」"]);
        check("ちょっと", &["ちょっ", "と"]);
        check("用iPhone吗？", &["用", "iPhone", "吗？"]);
        check("10\u{a0}000 €", &["10\u{a0}000", "€"]);
        check("birds—a –b", &["birds—", "a", "–", "b"]);
        check("안녕 세상", &["안녕", "세상"]);
        check("", &[]);
    }

    #[test]
    fn what_is_wider_than_a_line_is_cut_between_graphemes() {
        check("abcdefghijklm", &["abcdefghij", "klm"]);
        check(
            "e\u{301}".repeat(11).as_str(),
            &["e\u{301}".repeat(10).as_str(), "e\u{301}"],
        );
    }
}
