//! Hyphens at line ends: the typesetter's or the word's own. No dictionary is needed: the rest of
//! the text says how its words are written.

use std::collections::HashSet;

/// Broken words from which on a text counts as set by a typesetter.
const MANY: usize = 3;

/// How the words of one text are written.
#[derive(Debug, Clone, Default)]
pub(in crate::text) struct Hyphens {
    /// In lower case, without those at either side of a break.
    words: HashSet<String>,
}

impl Hyphens {
    /// `None` if too few words are broken to tell.
    pub(in crate::text) fn of<'a>(lines: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let mut broken = 0_usize;
        let mut before = "";
        for line in lines.clone() {
            broken +=
                usize::from(breaks(before) && line.trim_start().starts_with(char::is_lowercase));
            before = line;
        }
        if broken < MANY {
            return None;
        }
        let mut words = HashSet::new();
        let mut before = "";
        for line in lines {
            let skipped = usize::from(breaks(before));
            for word in line.split_whitespace().skip(skipped) {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
                if !word.is_empty() && !word.ends_with('-') {
                    words.insert(word.to_lowercase());
                }
            }
            before = line;
        }
        Some(Self { words })
    }

    /// Whether the hyphen between `first` and `second` is only the typesetter's.
    pub(in crate::text) fn is_typesetters(&self, first: &str, second: &str) -> bool {
        let (first, second) = (first.to_lowercase(), second.to_lowercase());
        let knows = |word: &str| self.words.contains(word);
        if knows(&format!("{first}{second}")) {
            return true;
        }
        let is_compound = knows(&first) && knows(&second);
        !knows(&format!("{first}-{second}")) && !is_compound
    }
}

/// Whether a word goes on in the next line.
fn breaks(line: &str) -> bool {
    line.trim_end()
        .strip_suffix('-')
        .is_some_and(|line| line.ends_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_text_says_whose_hyphen_it_is() {
        let text = "the gar-\nden was old, to-\nmorrow and to-morrow, a well-\nworn path,\n\
                    the garden and a well and worn shoes, an unk-\nnown hand";
        let hyphens = Hyphens::of(text.lines()).unwrap();
        assert!(hyphens.is_typesetters("gar", "den"));
        assert!(hyphens.is_typesetters("unk", "nown"));
        assert!(!hyphens.is_typesetters("to", "morrow"));
        assert!(!hyphens.is_typesetters("well", "worn"));
    }

    #[test]
    fn one_broken_word_proves_nothing() {
        assert!(Hyphens::of("to-\nmorrow we go".lines()).is_none());
    }
}
