//! Where the chapters of a document begin, and leaving some of them out.

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;

use crate::text::cleanup::Record;
use crate::text::document::{Block, BlockKind, Builder, Document, Mark};
use crate::text::reading::Reading;
use crate::text::respelt::Respelt;

/// A stretch of text from one chapter heading to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter<'a> {
    /// The heading as it was written; `None` for the text before the first one.
    pub title: Option<Cow<'a, str>>,
    /// Where it begins: a byte of [`Document::text`] and the start of a chunk.
    pub start: usize,
}

impl Document {
    /// The chapters: they cover the text, and there is one unless the text is empty.
    ///
    /// A chapter begins at each heading of the chapter level or above. That is the shallowest
    /// level used more than once: the chapters of a book below its one title. Where the headings
    /// there mostly have no text of their own and at least twice as many one level deeper, they
    /// are parts, and the deeper level counts. If no level is used twice, it is the second. Where the
    /// document has [marks](Mark), a chapter begins there, too.
    pub fn chapters(&self) -> Vec<Chapter<'_>> {
        let level = self.chapter_level();
        let mut chapters: Vec<Chapter<'_>> = self
            .headings()
            .filter(|(_, heading)| *heading <= level)
            .map(|(block, _)| Chapter {
                title: Some(self.shown(&block.range)),
                start: block.range.start,
            })
            .collect();
        for mark in &self.marks {
            let start = self.blocks[mark.block].range.start;
            let at = chapters.partition_point(|chapter| chapter.start < start);
            if chapters.get(at).is_none_or(|chapter| chapter.start > start) {
                let title = Some(Cow::Borrowed(mark.name.as_str()));
                chapters.insert(at, Chapter { title, start });
            }
        }
        if !self.text.is_empty() && chapters.first().is_none_or(|first| first.start > 0) {
            let untitled = Chapter {
                title: None,
                start: 0,
            };
            chapters.insert(0, untitled);
        }
        chapters
    }

    /// The deepest level that begins a chapter; the rule is at [`Document::chapters`].
    pub(super) fn chapter_level(&self) -> u8 {
        if let Some(level) = self.level {
            return level;
        }
        let (mut used, mut bare) = ([0_usize; 256], [0_usize; 256]);
        let mut above: Option<u8> = None;
        for block in &self.blocks {
            match block.kind {
                BlockKind::Heading { level } => {
                    if let Some(above) = above.filter(|above| *above < level) {
                        bare[usize::from(above)] += 1;
                    }
                    used[usize::from(level)] += 1;
                    above = Some(level);
                }
                BlockKind::SceneBreak => {}
                BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Quote => above = None,
            }
        }
        let mut levels = (0..=u8::MAX).filter(|level| used[usize::from(*level)] > 0);
        let Some(mut chosen) = levels.find(|level| used[usize::from(*level)] > 1) else {
            return 2;
        };
        for deeper in levels {
            let (parts, chapters) = (used[usize::from(chosen)], used[usize::from(deeper)]);
            // What begins files is no part, even if it stands alone.
            let is_bare = self.marks.is_empty() && bare[usize::from(chosen)] * 2 > parts;
            if !is_bare || chapters < parts * 2 {
                break;
            }
            chosen = deeper;
        }
        chosen
    }

    /// Leaves the `chosen` chapters, and lists the others.
    ///
    /// # Errors
    /// How many chapters there are, if one is chosen that is not.
    pub fn keep(&mut self, chosen: &ChosenChapters) -> Result<(), usize> {
        let chapters = self.chapters();
        if chosen.highest() > chapters.len() {
            return Err(chapters.len());
        }
        let ends = chapters.iter().skip(1).map(|chapter| chapter.start);
        let ends = ends.chain([self.text.len()]);
        let ranges: Vec<Range<usize>> = chapters
            .iter()
            .zip(ends)
            .map(|(chapter, end)| chapter.start..end)
            .collect();
        let mut listed = Builder::new(0, Record::new(&Reading::default()));
        let mut kept = Vec::new();
        for (number, range) in (1..).zip(ranges) {
            if chosen.has(number) {
                kept.push(range);
            } else {
                listed.leave_out("a chapter that was not asked for", &self.text[range]);
            }
        }
        self.level = Some(self.chapter_level());
        self.left_out.extend(listed.into_document().left_out);
        self.cut_to(&kept);
        Ok(())
    }

    /// Leaves the text of `kept`, whose parts begin and end between blocks.
    fn cut_to(&mut self, kept: &[Range<usize>]) {
        let (mut text, mut blocks, mut respelt) = (String::new(), Vec::new(), Vec::new());
        let mut marks: Vec<Mark> = Vec::new();
        for range in kept {
            let part = self.text[range.clone()].trim_end();
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            let start = text.len();
            let moved =
                |own: &Range<usize>| own.start - range.start + start..own.end - range.start + start;
            let is_within = |own: &Range<usize>| range.start <= own.start && own.end <= range.end;
            for (number, block) in self.blocks.iter().enumerate() {
                // A break between scenes is empty: it belongs to what is before it.
                let is_own = if block.range.is_empty() {
                    range.start < block.range.start && block.range.end <= range.start + part.len()
                } else {
                    is_within(&block.range)
                };
                if !is_own {
                    continue;
                }
                let mark = self.marks.iter().find(|mark| mark.block == number);
                marks.extend(mark.map(|mark| Mark {
                    block: blocks.len(),
                    name: mark.name.clone(),
                }));
                blocks.push(Block {
                    kind: block.kind,
                    range: moved(&block.range),
                });
            }
            let places = self.respelt.iter().filter(|place| is_within(&place.range));
            respelt.extend(places.map(|place| Respelt {
                range: moved(&place.range),
                written: place.written.clone(),
            }));
            text.push_str(part);
        }
        (self.text, self.blocks, self.respelt, self.marks) = (text, blocks, respelt, marks);
    }
}

/// Chapters by their number: `1-5,8`, `3-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenChapters(Vec<(usize, usize)>);

impl ChosenChapters {
    fn has(&self, number: usize) -> bool {
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// The number of the chapter that is the `nth` of those chosen, counted from 1.
    pub fn nth(&self, nth: usize) -> Option<usize> {
        let last = self.0.iter().map(|(_, last)| *last).max()?;
        (1..=last)
            .filter(|number| self.has(*number))
            .nth(nth.checked_sub(1)?)
    }

    /// The last one that has to be there.
    fn highest(&self) -> usize {
        let named = self
            .0
            .iter()
            .map(|(first, last)| if *last == usize::MAX { *first } else { *last });
        named.max().unwrap_or(0)
    }
}

impl FromStr for ChosenChapters {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0);
        let mut chosen = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                None => (number(part), number(part)),
                Some((first, "")) => (number(first), Some(usize::MAX)),
                Some((first, last)) => (number(first), number(last)),
            };
            let (Some(first), Some(last)) = (first, last) else {
                return Err(());
            };
            if first > last {
                return Err(());
            }
            chosen.push((first, last));
        }
        Ok(Self(chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Markup, read};

    const BOOK: &str = "Opening.\n\n# One\n\nThe sea.\n\n***\n\nThe rain.\n\n# Two\n\n## A\n\nThe lamp.\n\n## B\n\nThe oil.\n\n# Three\n\nThe end.\n";

    fn kept(chosen: &str) -> Document {
        let mut document = read(BOOK.as_bytes(), Markup::Markdown, &Reading::default()).unwrap();
        document.keep(&chosen.parse().unwrap()).unwrap();
        document
    }

    #[test]
    fn chosen_chapters_are_left_as_they_were_and_the_others_listed() {
        let document = kept("2,4");

        assert_eq!(
            document.text,
            "One\n\nThe sea.\n\n\n\nThe rain.\n\nThree\n\nThe end."
        );
        let kinds: Vec<_> = document
            .blocks
            .iter()
            .map(|block| (block.kind, &document.text[block.range.clone()]))
            .collect();
        let heading = BlockKind::Heading { level: 1 };
        let paragraph = BlockKind::Paragraph;
        assert_eq!(
            kinds,
            [
                (heading, "One"),
                (paragraph, "The sea."),
                (BlockKind::SceneBreak, ""),
                (paragraph, "The rain."),
                (heading, "Three"),
                (paragraph, "The end."),
            ]
        );
        let listed: Vec<_> = document
            .left_out
            .iter()
            .map(|piece| (piece.what, piece.letters))
            .collect();
        assert_eq!(
            listed,
            [
                ("a chapter that was not asked for", 7),
                ("a chapter that was not asked for", 18)
            ]
        );
    }

    #[test]
    fn a_chapter_alone_does_not_fall_apart_into_its_sections() {
        let document = kept("3");

        let titles: Vec<_> = document
            .chapters()
            .into_iter()
            .map(|chapter| chapter.title.unwrap().into_owned())
            .collect();
        assert_eq!(titles, ["Two"]);
    }

    #[test]
    fn what_is_not_there_and_what_is_no_choice_is_told() {
        let mut document = read(BOOK.as_bytes(), Markup::Markdown, &Reading::default()).unwrap();
        assert_eq!(document.keep(&"3-5".parse().unwrap()), Err(4));
        assert_eq!(kept("2-").chapters().len(), 3);
        let numbers: ChosenChapters = "5-,1".parse().unwrap();
        assert_eq!(
            (numbers.nth(1), numbers.nth(3), numbers.nth(0)),
            (Some(1), Some(6), None)
        );
        for wrong in ["", "0", "5-3", "a", "1,,2", "-3", "1-2-3"] {
            assert_eq!(wrong.parse::<ChosenChapters>(), Err(()), "{wrong}");
        }
    }
}
