//! Where one chunk ends, among paragraphs up to the next barrier.
//!
//! Whole paragraphs are packed up to the target; a paragraph is opened into its sentences, and a
//! sentence into clauses, only where that is not enough.

use std::collections::VecDeque;
use std::ops::Range;

use crate::domain::Boundary;
use crate::text::cut::{FULL, Limits, first_piece};
use crate::text::sentence::{self, Doubt};

/// Atoms waiting to become chunks.
#[derive(Debug, Clone)]
pub(super) struct Packer<'a> {
    text: &'a str,
    sizes: Sizes,
    language: String,
    queue: VecDeque<Atom>,
    /// What the queue holds, or that it is more than two chunks.
    held: Measure,
}

/// How large chunks may be and should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) hard: Limits,
    /// At most `hard`.
    pub(super) target: Limits,
    /// Characters below which a chunk should not stay; at most the target.
    pub(super) least: usize,
    /// What is longer is one sentence only by its quotation marks: its own sentences count.
    pub(super) speech: Limits,
    pub(super) marks: &'static str,
    /// A longer sentence is cut into clauses.
    pub(super) sentence: Limits,
}

/// A stretch of one block that is not divided further, or not yet.
#[derive(Debug, Clone)]
struct Atom {
    /// Without white space at either end.
    start: usize,
    end: usize,
    /// Characters; of what cannot fit, only that they are too many.
    chars: usize,
    /// What a chunk that ends here ends with.
    ends: Boundary,
    /// Sentences not looked for yet.
    is_whole: bool,
}

/// Where to end the next chunk.
enum Choice {
    /// After so many atoms.
    After(usize),
    /// Not known before this atom is opened.
    Open(usize),
}

/// How much a run of atoms from the front of the queue holds.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    chars: usize,
    bytes: usize,
}

/// How good an end is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The end of a paragraph that leaves two chunks of like size before a barrier.
    BalancedParagraphs,
    /// The end of a paragraph.
    Paragraphs,
    /// The end of a sentence, surer ones first.
    Sentences(Doubt),
    Clauses,
}

impl<'a> Packer<'a> {
    /// A packer with an empty queue.
    pub(super) fn new(text: &'a str, sizes: Sizes, language: Option<&str>) -> Self {
        Self {
            text,
            sizes,
            language: sentence::primary_language(language),
            queue: VecDeque::new(),
            held: Measure::default(),
        }
    }

    /// Queues one block.
    pub(super) fn push(&mut self, block: Range<usize>) {
        let atom = self.whole(block, Boundary::Paragraph);
        let gap = self.queue.back().map_or(0, |last| atom.start - last.end);
        self.held = Measure {
            chars: self
                .held
                .chars
                .saturating_add(gap)
                .saturating_add(atom.chars),
            bytes: self.held.bytes + gap + (atom.end - atom.start),
        };
        self.queue.push_back(atom);
    }

    /// Whether another block would not change where the next chunk ends.
    pub(super) fn has_enough(&self) -> bool {
        self.fill_of(self.held) > 2 * FULL
    }

    /// Takes the next chunk: why it ends, and where the next one in the queue begins, if one is
    /// left. `is_section` says that a barrier follows what is queued.
    pub(super) fn take(&mut self, is_section: bool) -> Option<(Boundary, Option<usize>)> {
        if self.queue.is_empty() {
            return None;
        }
        let count = loop {
            match self.choose(is_section) {
                Choice::After(count) => break count.clamp(1, self.queue.len()),
                Choice::Open(idx) => self.open(idx),
            }
        };
        let last = self.queue.drain(..count).next_back()?;
        self.held = self.queued().0;
        Some((last.ends, self.queue.front().map(|next| next.start)))
    }

    /// Decides about the next chunk by what is in the queue.
    fn choose(&self, is_section: bool) -> Choice {
        let everything = self.queue.len();
        // What is left of the section, if its end is in sight.
        let left = match self.queued() {
            (queued, true) if is_section => Some(queued),
            _ => None,
        };
        if left.is_some_and(|left| fits(self.sizes.target, left)) {
            return Choice::After(everything);
        }
        let within = |measure: &Measure| fits(self.sizes.target, *measure);
        let fitting = self.measures().take_while(within).count();
        let is_whole = |idx: &usize| self.queue.get(*idx).is_some_and(|atom| atom.is_whole);
        if fitting == 0 && is_whole(&0) {
            return Choice::Open(0);
        }
        if let Some(left) = left
            && let Some(fitted) = self.measures().take(fitting.max(1)).last()
            && left.chars - fitted.chars < self.sizes.least
            && fits(self.sizes.hard, left)
        {
            return Choice::After(everything);
        }
        match self.best_end(fitting, left) {
            Some((rank, idx)) if rank <= Rank::Paragraphs => Choice::After(idx + 1),
            _ if is_whole(&fitting) => Choice::Open(fitting),
            Some((_, idx)) => Choice::After(idx + 1),
            // A rest that would be too short: look for ends inside the paragraphs before it.
            None => match (0..fitting).rev().find(is_whole) {
                Some(idx) if left.is_some() => Choice::Open(idx),
                _ => Choice::After(self.stretched(fitting)),
            },
        }
    }

    /// The best of the first `fitting` atoms to end a chunk after, if one is good enough; `left` is
    /// what is left of the section.
    fn best_end(&self, fitting: usize, left: Option<Measure>) -> Option<(Rank, usize)> {
        let whole = left.map_or(u64::MAX, |left| self.fill_of(left));
        let candidates = self.measures().take(fitting).enumerate();
        let ranked = candidates.filter_map(|(idx, measure)| {
            let rest = left.map(|left| Measure {
                chars: left.chars - measure.chars,
                bytes: left.bytes - measure.bytes,
            });
            let is_short = |part: Measure| part.chars < self.sizes.least;
            if is_short(measure) || rest.is_some_and(is_short) {
                return None;
            }
            let fill = self.fill_of(measure);
            let balance =
                whole <= 2 * FULL && rest.is_some_and(|rest| fits(self.sizes.target, rest));
            let rank = self.rank(&self.queue[idx], fill, balance)?;
            let score = if balance {
                fill.abs_diff(whole / 2)
            } else {
                FULL - fill
            };
            Some((rank, score, idx))
        });
        ranked.min().map(|(rank, _, idx)| (rank, idx))
    }

    /// How good it is to end after `atom` with the target used up to `fill`, unless that is too
    /// little; `balance` if one more chunk takes all that is left of the section.
    fn rank(&self, atom: &Atom, fill: u64, balance: bool) -> Option<Rank> {
        let is_half = fill >= FULL / 2;
        match atom.ends {
            Boundary::Clause => is_half.then_some(Rank::Clauses),
            Boundary::Sentence if is_half => {
                let sentence = &self.text[atom.start..atom.end];
                Some(Rank::Sentences(Doubt::about_end_of(sentence)))
            }
            Boundary::Sentence => None,
            _ if balance => Some(Rank::BalancedParagraphs),
            // Rather a short chunk than a paragraph opened.
            _ => (fill >= FULL / 3).then_some(Rank::Paragraphs),
        }
    }

    /// `count` atoms, or one more if they are too short and a long sentence follows.
    fn stretched(&self, count: usize) -> usize {
        let count = count.max(1);
        let is_short = |measure: Measure| measure.chars < self.sizes.least;
        let mut measures = self.measures().skip(count - 1);
        let joins = measures.next().is_some_and(is_short)
            && measures
                .next()
                .is_some_and(|more| fits(self.sizes.hard, more))
            && self.queue.get(count).is_some_and(|next| !next.is_whole);
        count + usize::from(joins)
    }

    /// What a chunk would hold that ends after the first, the second, … atom.
    fn measures(&self) -> impl Iterator<Item = Measure> {
        let first = self.queue.front().map_or(0, |first| first.start);
        let mut chars = 0_usize;
        let mut end = first;
        self.queue.iter().map(move |atom| {
            // Between atoms there are only spaces and line feeds, one byte each.
            chars = chars
                .saturating_add(atom.start - end)
                .saturating_add(atom.chars);
            end = atom.end;
            Measure {
                chars,
                bytes: atom.end - first,
            }
        })
    }

    /// What the queue holds, and whether that is all; counts no further than past two chunks.
    fn queued(&self) -> (Measure, bool) {
        let mut queued = Measure::default();
        for (idx, measure) in self.measures().enumerate() {
            queued = measure;
            if self.fill_of(queued) > 2 * FULL {
                return (queued, idx + 1 == self.queue.len());
            }
        }
        (queued, true)
    }

    fn fill_of(&self, measure: Measure) -> u64 {
        self.sizes.target.fill(measure.chars, measure.bytes)
    }

    fn whole(&self, range: Range<usize>, ends: Boundary) -> Atom {
        let text = &self.text[range.clone()];
        let too_many = self.sizes.target.chars.saturating_mul(2).saturating_add(1);
        // No need to count what cannot fit: a character has at most four bytes.
        let chars = if text.len() / 4 >= too_many {
            too_many
        } else {
            text.chars().count()
        };
        Atom {
            start: range.start,
            end: range.end,
            chars,
            ends,
            is_whole: true,
        }
    }

    /// Puts sentences, and clauses of those too long to send, in the place of an atom. Of a long
    /// paragraph only the beginning is opened.
    fn open(&mut self, idx: usize) {
        let mut tail = self.queue.split_off(idx);
        let Some(atom) = tail.pop_front() else {
            return;
        };
        let content = &self.text[atom.start..atom.end];
        let window = content.floor_char_boundary(sentence::WINDOW);
        let mut ends = sentence::ends(&content[..window], &self.language);
        if window < content.len() {
            // The last one may go on beyond the window.
            ends.pop();
        }
        let mut opened = Vec::with_capacity(ends.len() + 1);
        let mut at = 0;
        for end in ends {
            self.divide(atom.start + at..atom.start + end, &mut opened);
            at = end;
        }
        // A sentence longer than the window is cut as far as half of it; what follows may have ends.
        let is_endless = opened.is_empty();
        while is_endless && at < window.div_ceil(2) {
            let rest = &content[at..];
            let (end, boundary) = if fits_text(self.sizes.target, rest) {
                (rest.len(), Boundary::Sentence)
            } else {
                first_piece(rest, self.sizes.target)
            };
            self.piece(
                atom.start + at..atom.start + at + end,
                boundary,
                &mut opened,
            );
            at += end;
        }
        let rest = content[at..].trim_start().len();
        if rest > 0 {
            opened.push(self.whole(atom.end - rest..atom.end, atom.ends));
        } else if let Some(last) = opened.last_mut() {
            last.ends = atom.ends;
        }
        self.queue.extend(opened);
        self.queue.append(&mut tail);
    }

    /// Adds one sentence, in pieces if it is too long: a speech by its own sentences, a sentence by
    /// its clauses.
    fn divide(&self, range: Range<usize>, atoms: &mut Vec<Atom>) {
        let text = &self.text[range.clone()];
        if fits_text(self.sizes.speech, text.trim_end()) {
            return self.piece(range, Boundary::Sentence, atoms);
        }
        let mut at = 0;
        for end in sentence::ends_within(self.sizes.marks, text, &self.language) {
            let mut limits = self.sizes.sentence;
            while !fits_text(limits, text[at..end].trim_end()) {
                limits = self.sizes.target;
                let (length, boundary) = first_piece(&text[at..end], limits);
                let start = range.start + at;
                self.piece(start..start + length, boundary, atoms);
                at += length;
            }
            self.piece(
                range.start + at..range.start + end,
                Boundary::Sentence,
                atoms,
            );
            at = end;
        }
    }

    /// Adds what is not to be divided further.
    fn piece(&self, range: Range<usize>, ends: Boundary, atoms: &mut Vec<Atom>) {
        let text = &self.text[range.clone()];
        let content = text.trim();
        if !content.is_empty() {
            atoms.push(Atom {
                start: range.end - text.trim_start().len(),
                end: range.start + text.trim_end().len(),
                chars: content.chars().count(),
                ends,
                is_whole: false,
            });
        }
    }
}

fn fits(limits: Limits, measure: Measure) -> bool {
    limits.fits(measure.chars, measure.bytes)
}

/// Whether `text` fits; counts no further than needed.
fn fits_text(limits: Limits, text: &str) -> bool {
    text.len() <= limits.bytes
        && (text.len() <= limits.chars || text.chars().nth(limits.chars).is_none())
}
