//! Readings and notes to the typesetter in Japanese plain text, as Aozora Bunko writes them: `漢字《かんじ》`,
//! `｜旅人《たびびと》`, `［＃ここから２字下げ］`.
//!
//! A voice would say a word and its reading. Chinese puts titles of books between the same marks; a reading is kana.

use crate::text::cleanup::Edit;

/// Longest reading in bytes.
const READING: usize = 120;
/// Longest note in bytes.
const NOTE: usize = 600;

pub(super) fn apply(text: &str, edit: &mut Edit<'_>) {
    // Most texts have neither.
    if !text.contains(['《', '［']) {
        return;
    }
    let (mut at, mut done) = (0, 0);
    while let Some(found) = text[at..].find(['《', '［']) {
        let from = at + found;
        let is_reading = text[from..].starts_with('《');
        let length = if is_reading {
            reading(&text[from..]).filter(|_| is_word(text[..from].chars().next_back()))
        } else {
            note(&text[from..])
        };
        let Some(length) = length else {
            at = from + '《'.len_utf8();
            continue;
        };
        if is_reading && let Some(bar) = bar(&text[done..from]) {
            edit.swap(text, done + bar, done + bar + '｜'.len_utf8(), "");
        }
        edit.replace(text, from, from + length, "");
        at = from + length;
        done = at;
    }
}

/// Bytes of the reading that `text` begins with.
fn reading(text: &str) -> Option<usize> {
    let window = &text[..text.floor_char_boundary(READING.min(text.len()))];
    let end = window.find('》')?;
    let inside = &text['《'.len_utf8()..end];
    let is_reading = !inside.is_empty() && inside.chars().all(is_kana);
    is_reading.then_some(end + '》'.len_utf8())
}

/// Bytes of the note that `text` begins with.
fn note(text: &str) -> Option<usize> {
    let window = &text[..text.floor_char_boundary(NOTE.min(text.len()))];
    let end = window
        .strip_prefix("［＃")
        .and_then(|_| window.find('］'))?;
    Some(end + '］'.len_utf8())
}

/// Where the mark stands that says from where on a reading counts.
fn bar(before: &str) -> Option<usize> {
    let bar = before.rfind('｜')?;
    let word = &before[bar + '｜'.len_utf8()..];
    (!word.is_empty() && !word.contains(['。', '、', '「', '」'])).then_some(bar)
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9F}' | '\u{3000}' | ' ')
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric) || matches!(c, Some('々' | '〆' | 'ヶ'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cleanup::{Rule, applied};

    #[test]
    fn a_reading_is_not_said_beside_its_word() {
        for (text, expected) in [
            ("吾輩《わがはい》は猫《ねこ》である。", "吾輩は猫である。"),
            (
                "その｜旅人《たびびと》は、佐々木《ささき》と言った。",
                "その旅人は、佐々木と言った。",
            ),
            ("｜Ａｌｐｈａ《アルファ》の星", "Ａｌｐｈａの星"),
            (
                "［＃ここから２字下げ］一　小説家［＃「小説家」は中見出し］",
                "一　小説家",
            ),
            // Titles of books, a mark without a reading, a note without an end.
            (
                "他读了《红楼梦》和《三国演义》。",
                "他读了《红楼梦》和《三国演义》。",
            ),
            ("《かな》で始まる", "《かな》で始まる"),
            ("Ａ｜Ｂ、［＃", "Ａ｜Ｂ、［＃"),
        ] {
            assert_eq!(applied(apply, Rule::Ruby, text), expected);
        }
    }
}
