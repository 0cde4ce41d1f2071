//! Cutting a sentence that is longer than a provider takes.
//!
//! It is cut where a reader would breathe: at a semicolon rather than a comma, at a comma rather
//! than a space; never inside a number, an address or a character, unless that alone is too long.

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::Boundary;
use crate::text::document::is_unspaced;
use crate::text::sentence::is_grapheme_boundary;

/// The whole of a limit, in the parts that [`Limits::fill`] counts.
pub(super) const FULL: u64 = 1 << 16;

/// How much text fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// At least 1.
    pub(super) chars: usize,
    /// At least 4.
    pub(super) bytes: usize,
}

impl Limits {
    /// How far a text uses the limits up, by the one it uses more: at most [`FULL`] if it fits.
    pub(super) fn fill(self, chars: usize, bytes: usize) -> u64 {
        let part = |of: usize, limit: usize| {
            let of = u64::try_from(of).unwrap_or(u64::MAX);
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            of.saturating_mul(FULL).div_ceil(limit.max(1))
        };
        part(chars, self.chars).max(part(bytes, self.bytes))
    }

    pub(super) fn fits(self, chars: usize, bytes: usize) -> bool {
        chars <= self.chars && bytes <= self.bytes
    }
}

/// Kinds of places to cut at, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After `! ? …`: of several sentences in quotation marks, say.
    Exclamation,
    /// After `; : —`, or a full stop that ends a word and no abbreviation.
    Clause,
    /// After a comma, before a word that begins a clause.
    Conjunction,
    Comma,
    Space,
    /// Between two characters of a script without spaces.
    Ideograph,
    /// Perhaps inside a number: "10 000".
    DigitSpace,
}

/// Places in the second half of what fits, in the order they are wanted.
const WANTED: [Place; 6] = [
    Place::Exclamation,
    Place::Clause,
    Place::Conjunction,
    Place::Comma,
    Place::Space,
    Place::Ideograph,
];
/// Places anywhere: before a long address, even a short piece is better than half the address.
const ACCEPTED: [Place; 3] = [Place::Space, Place::Ideograph, Place::DigitSpace];

/// Words that begin a clause after a comma, in the languages of the local voices and their kin.
#[rustfmt::skip]
const CONJUNCTIONS: &[&str] = &[
    "and", "but", "or", "nor", "for", "so", "yet", "because", "which", "who", "that", "when",
    "while", "where", "although", "though", "if", "until", "as", "since", "then",
    "und", "aber", "oder", "denn", "sondern", "weil", "dass", "daß", "als", "wenn", "während",
    "obwohl", "damit", "bis", "wo", "so",
    "et", "mais", "ou", "car", "qui", "que", "lorsque", "quand", "puis", "donc", "où",
    "y", "pero", "o", "porque", "cuando", "sino", "aunque", "donde", "pues",
    "e", "ma", "che", "perché", "quando", "mentre", "però",
    "en", "maar", "of", "want", "omdat", "die", "dat", "toen", "terwijl",
    "mas", "porém", "и", "но", "а", "что", "который", "когда", "чтобы", "потому",
];

/// The end of the first piece of `text`, which exceeds `limits`, and why it ends there. White space
/// after the piece belongs to it; without it, the piece fits. Looks no further than twice the limits.
pub(super) fn first_piece(text: &str, limits: Limits) -> (usize, Boundary) {
    let mut search = Search::new(text, limits);
    let (mut chars, mut fitting) = (0_usize, 0);
    let mut before = Before::default();
    for (at, c) in text.char_indices() {
        chars = chars.saturating_add(1);
        let end = at + c.len_utf8();
        // The space after a piece is not sent with it.
        let sent = if c == ' ' {
            (chars - 1, at)
        } else {
            (chars, end)
        };
        if !limits.fits(sent.0, sent.1) {
            break;
        }
        fitting = end;
        let next = text[end..].chars().next();
        if let Some(place) = before.place(c, next, &text[end..])
            && is_grapheme_boundary(&text[..end + next.map_or(0, char::len_utf8)], end)
        {
            search.offer(place, limits.fill(sent.0, sent.1), end);
        }
        before.push(c);
    }
    match search.best() {
        Some((Place::Exclamation, end)) => (end, Boundary::Sentence),
        Some((_, end)) => (end, Boundary::Clause),
        None => (inside_a_word(text, fitting), Boundary::Clause),
    }
}

/// The best places found so far.
struct Search {
    /// What a piece should fill: all, or half the rest when two pieces are enough.
    goal: u64,
    /// What a good piece fills at least.
    least: u64,
    /// Per place, its distance from the goal and where it is.
    near: [Option<(u64, usize)>; 7],
    /// Per place, the last one.
    last: [Option<usize>; 7],
}

impl Search {
    fn new(text: &str, limits: Limits) -> Self {
        let mut measure = (0_usize, 0_usize);
        for c in text.chars() {
            measure = (measure.0.saturating_add(1), measure.1 + c.len_utf8());
            if limits.fill(measure.0, measure.1) > 2 * FULL {
                break;
            }
        }
        let rest = limits.fill(measure.0, measure.1);
        let (goal, least) = if rest > 2 * FULL {
            (FULL, FULL / 2)
        } else {
            (rest / 2, rest.saturating_sub(FULL).max(FULL / 4))
        };
        Self {
            goal,
            least,
            near: [None; 7],
            last: [None; 7],
        }
    }

    fn offer(&mut self, place: Place, fill: u64, end: usize) {
        let distance = fill.abs_diff(self.goal);
        let near = &mut self.near[place.index()];
        if fill >= self.least && near.is_none_or(|(best, _)| distance <= best) {
            *near = Some((distance, end));
        }
        self.last[place.index()] = Some(end);
    }

    fn best(&self) -> Option<(Place, usize)> {
        let wanted = WANTED
            .iter()
            .filter_map(|place| self.near[place.index()].map(|(_, end)| (*place, end)));
        let accepted = ACCEPTED
            .iter()
            .filter_map(|place| self.last[place.index()].map(|end| (*place, end)));
        wanted.chain(accepted).next()
    }
}

impl Place {
    fn index(self) -> usize {
        match self {
            Self::Exclamation => 0,
            Self::Clause => 1,
            Self::Conjunction => 2,
            Self::Comma => 3,
            Self::Space => 4,
            Self::Ideograph => 5,
            Self::DigitSpace => 6,
        }
    }
}

/// What stands before the place looked at.
#[derive(Debug, Default)]
struct Before {
    last: Option<char>,
    /// The last character that is no closing quotation mark or bracket.
    mark: Option<char>,
    /// Lower-case letters in a row up to `mark`, not counting a full stop.
    letters: usize,
}

const CLOSING: &str = "\"')]}”’»›」』）】〉》";
const OPENING: &str = "([{“‘«„「『（【〈《";
/// Characters no line of Japanese or Chinese begins with.
const NEVER_FIRST: &str = "。、，．！？：；ー々…‥ぁぃぅぇぉっゃゅょァィゥェォッャュョ";

impl Before {
    fn push(&mut self, c: char) {
        self.last = Some(c);
        if CLOSING.contains(c) {
            return;
        }
        if c.is_lowercase() {
            self.letters = self.letters.saturating_add(1);
        } else if c != '.' || self.mark == Some('.') {
            self.letters = 0;
        }
        self.mark = Some(c);
    }

    /// What kind of place it is after `c`, before `next`, the first character of `rest`.
    fn place(&self, c: char, next: Option<char>, rest: &str) -> Option<Place> {
        let next = next?;
        if CLOSING.contains(next) && next != '"' && next != '\'' {
            return None;
        }
        match c {
            ' ' => self.place_at_space(next, rest),
            '—' if !matches!(next, '—' | ' ' | ',' | '.' | '"') => Some(Place::Clause),
            '。' | '！' | '？' if !NEVER_FIRST.contains(next) => Some(Place::Exclamation),
            '；' | '：' => Some(Place::Clause),
            '、' | '，' => Some(Place::Comma),
            '」' | '』' if matches!(self.mark, Some('。' | '！' | '？')) => {
                Some(Place::Exclamation)
            }
            _ if is_unspaced(c)
                && is_unspaced(next)
                && !OPENING.contains(c)
                && !NEVER_FIRST.contains(next) =>
            {
                Some(Place::Ideograph)
            }
            _ => None,
        }
    }

    fn place_at_space(&self, next: char, rest: &str) -> Option<Place> {
        let is_digit = |c: Option<char>| c.is_some_and(char::is_numeric);
        match self.mark? {
            // A dash after the space belongs to what is before it.
            _ if matches!(next, '—' | '–' | '-' | ' ' | '…') => None,
            '!' | '?' | '…' if next.is_lowercase() => Some(Place::Comma),
            '!' | '?' | '…' | '।' | '؟' => Some(Place::Exclamation),
            ';' | ':' | '—' | '–' | '؛' => Some(Place::Clause),
            '.' if self.letters >= 4 => Some(Place::Clause),
            ',' | '،' => {
                let word = rest.split(|c: char| !c.is_alphabetic()).next();
                let word = word.filter(|word| word.len() <= 16).unwrap_or_default();
                let is_conjunction = CONJUNCTIONS.contains(&word);
                Some(if is_conjunction {
                    Place::Conjunction
                } else {
                    Place::Comma
                })
            }
            _ if self.last == Some(')') || next == '(' => Some(Place::Comma),
            _ if is_digit(self.last) && is_digit(Some(next)) => Some(Place::DigitSpace),
            _ => Some(Place::Space),
        }
    }
}

/// The last place between two characters as a reader counts them in `text[..fitting]`; if they are
/// one, between two of Unicode's.
fn inside_a_word(text: &str, fitting: usize) -> usize {
    let next = text[fitting..].chars().next().map_or(0, char::len_utf8);
    text[..fitting + next]
        .grapheme_indices(true)
        .map(|(at, _)| at)
        .take_while(|at| *at <= fitting)
        .last()
        .filter(|at| *at > 0)
        .unwrap_or(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pieces of `text` at a limit of `chars`.
    fn pieces(text: &str, chars: usize) -> Vec<&str> {
        let limits = Limits {
            chars,
            bytes: 10_000,
        };
        let mut rest = text;
        let mut pieces = Vec::new();
        while !limits.fits(rest.chars().count(), rest.len()) {
            let (piece, after) = rest.split_at(first_piece(rest, limits).0);
            assert!(piece.trim_end().chars().count() <= chars, "{piece:?}");
            pieces.push(piece.trim_end());
            rest = after;
        }
        pieces.push(rest);
        pieces
    }

    #[test]
    fn a_long_sentence_is_cut_where_a_reader_breathes() {
        let cases: [(&str, usize, &[&str]); 6] = [
            (
                "The lamp was lit, and the oil was low; the keeper, who was old, went down",
                50,
                &[
                    "The lamp was lit, and the oil was low;",
                    "the keeper, who was old, went down",
                ],
            ),
            (
                "The lamp of the tower, old and green, was lit, but the oil was low",
                50,
                &[
                    "The lamp of the tower, old and green, was lit,",
                    "but the oil was low",
                ],
            ),
            (
                "all the lamps of it, all the oil",
                24,
                &["all the lamps of it,", "all the oil"],
            ),
            (
                "all the lamps of the tower",
                20,
                &["all the lamps", "of the tower"],
            ),
            (
                "he paid exactly 10 000 000 crowns",
                22,
                &["he paid exactly", "10 000 000 crowns"],
            ),
            (
                "the dark—the deep dark of it",
                20,
                &["the dark—", "the deep dark of it"],
            ),
        ];
        for (text, chars, expected) in cases {
            assert_eq!(pieces(text, chars), expected);
        }
    }

    #[test]
    fn numbers_addresses_and_characters_stay_whole() {
        let url = "https://example.org/a,b;c/1,000.50?x=1:2";
        let text = format!("See {url} for 1,000,000.50 reasons at 10:30 or so");
        let cut = pieces(&text, 42);
        assert!(cut.contains(&url), "{cut:?}");
        assert!(
            cut.iter().any(|piece| piece.contains("1,000,000.50")),
            "{cut:?}"
        );

        let family = "👨\u{200D}👩\u{200D}👧";
        for piece in pieces(&family.repeat(8), 12) {
            assert_eq!(piece, family.repeat(piece.chars().count() / 5));
        }
    }

    #[test]
    fn a_character_longer_than_the_limit_is_cut_all_the_same() {
        let marks = format!("e{}", "\u{301}".repeat(100));
        assert_eq!(pieces(&marks, 10).concat(), marks);
        assert_eq!(pieces("日本語日本語", 1).len(), 6);
    }

    #[test]
    fn ideographs_are_cut_at_their_own_marks() {
        assert_eq!(
            pieces("夜の汽車は静かに駅を離れ、町の灯りが霧の中に消えて", 16),
            ["夜の汽車は静かに駅を離れ、", "町の灯りが霧の中に消えて"]
        );
    }

    #[test]
    fn bytes_limit_as_well() {
        let limits = Limits {
            chars: 100,
            bytes: 10,
        };
        let (end, _) = first_piece("日本語日本語", limits);
        assert!((4..=10).contains(&end));
    }
}
