//! Remembering what was spoken, to know it again: alone, or inside a longer recording.
//!
//! A clip is known by a hash of everything between its first and its last loud sample
//! (of all its frames, for MP3), and found by a hash of its first 64 loud samples (its
//! first frame). So joining, padding and trimming of silence do not hide it; resampling
//! and changing the volume do.

use std::collections::HashMap;
use std::sync::Arc;

use voicespool_media::audio::mp3::Frame;
use voicespool_media::domain::AudioMillis;

/// Clips kept in each of two generations; the older one is forgotten as a whole.
const KEPT: usize = 50_000;

/// Quieter is silence.
const LOUD: u16 = 256;

/// Samples that a search looks up.
const WINDOW: usize = 64;

/// A recording as the mock hears it: one channel.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) samples: Vec<i16>,
    /// Samples per second.
    pub(crate) sample_rate: u32,
}

/// One clip found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) text: Arc<str>,
    pub(crate) start: AudioMillis,
    pub(crate) end: AudioMillis,
}

/// What identifies a clip once its beginning has matched.
#[derive(Debug, Clone)]
struct Print {
    /// Samples or frames.
    length: usize,
    hash: u64,
    text: Arc<str>,
}

type Shelf = HashMap<u64, Vec<Print>>;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    samples: Generations,
    frames: Generations,
}

#[derive(Debug, Default)]
struct Generations {
    young: Shelf,
    old: Shelf,
    kept: usize,
}

impl Generations {
    fn keep(&mut self, beginning: u64, print: Print) {
        let prints = self.young.entry(beginning).or_default();
        prints.retain(|known| (known.length, known.hash) != (print.length, print.hash));
        prints.push(print);
        self.kept += 1;
        if self.kept >= KEPT {
            self.old = std::mem::take(&mut self.young);
            self.kept = 0;
        }
    }

    fn beginning_with(&self, beginning: u64) -> impl Iterator<Item = &Print> {
        [&self.young, &self.old]
            .into_iter()
            .filter_map(move |shelf| shelf.get(&beginning))
            .flatten()
    }

    /// The longest clip that stands in `line` at `at`.
    fn find<T: Copy>(&self, line: &Line<'_, T>, at: usize, window: usize) -> Option<&Print> {
        self.beginning_with(line.hash(at, at + window))
            .filter(|print| {
                let end = at.saturating_add(print.length);
                end <= line.items.len() && line.hash(at, end) == print.hash
            })
            .max_by_key(|print| print.length)
    }
}

impl Memory {
    /// Remembers that `samples` say `text`. Silence is not remembered.
    pub(crate) fn remember_samples(&mut self, samples: &[i16], text: &str) {
        let is_heard = |sample: &i16| is_loud(*sample);
        let first = samples.iter().position(is_heard);
        let last = samples.iter().rposition(is_heard);
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        let core = Line::new(&samples[first..=last], sample_symbol);
        if core.items.len() < WINDOW {
            return;
        }
        let print = Print {
            length: core.items.len(),
            hash: core.hash(0, core.items.len()),
            text: text.into(),
        };
        self.samples.keep(core.hash(0, WINDOW), print);
    }

    /// Remembers that the frames of an MP3 stand for `text`.
    pub(crate) fn remember_frames<'a>(
        &mut self,
        frames: impl Iterator<Item = Frame<'a>>,
        text: &str,
    ) {
        let symbols: Vec<u64> = frames.map(|frame| frame_symbol(&frame)).collect();
        let line = Line::new(&symbols, |symbol| symbol);
        if symbols.is_empty() {
            return;
        }
        let print = Print {
            length: symbols.len(),
            hash: line.hash(0, symbols.len()),
            text: text.into(),
        };
        self.frames.keep(line.hash(0, 1), print);
    }

    /// The remembered clips in `sound`, in order, not overlapping.
    pub(crate) fn find_in_samples(&self, sound: &Sound) -> Vec<Heard> {
        let line = Line::new(&sound.samples, sample_symbol);
        let time = |at: usize| {
            AudioMillis::of_frames(u64::try_from(at).unwrap_or(u64::MAX), sound.sample_rate)
        };
        let mut heard = Vec::new();
        let mut at = 0;
        while at + WINDOW <= line.items.len() {
            let found = is_loud(line.items[at])
                .then(|| self.samples.find(&line, at, WINDOW))
                .flatten();
            let Some(print) = found else {
                at += 1;
                continue;
            };
            heard.push(Heard {
                text: Arc::clone(&print.text),
                start: time(at),
                end: time(at + print.length),
            });
            at += print.length;
        }
        heard
    }

    /// The remembered clips among `frames`, in order, not overlapping.
    pub(crate) fn find_in_frames(&self, frames: &[Frame<'_>]) -> Vec<Heard> {
        let symbols: Vec<u64> = frames.iter().map(frame_symbol).collect();
        let line = Line::new(&symbols, |symbol| symbol);
        let time = |at: usize| {
            let samples = frames[..at]
                .iter()
                .map(|frame| u64::from(frame.header.samples))
                .sum();
            AudioMillis::of_frames(
                samples,
                frames.first().map_or(0, |frame| frame.header.sample_rate),
            )
        };
        let mut heard = Vec::new();
        let mut at = 0;
        while at < symbols.len() {
            let Some(print) = self.frames.find(&line, at, 1) else {
                at += 1;
                continue;
            };
            heard.push(Heard {
                text: Arc::clone(&print.text),
                start: time(at),
                end: time(at + print.length),
            });
            at += print.length;
        }
        heard
    }
}

pub(crate) fn is_loud(sample: i16) -> bool {
    sample.unsigned_abs() >= LOUD
}

fn sample_symbol(sample: i16) -> u64 {
    u64::from(sample.cast_unsigned()).wrapping_add(1)
}

/// FNV-1a of the frame's bytes.
fn frame_symbol(frame: &Frame<'_>) -> u64 {
    frame
        .bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// A sequence whose parts can be hashed in constant time: a polynomial hash modulo 2^64
/// with a mark every 64 items.
#[derive(Debug)]
struct Line<'a, T> {
    items: &'a [T],
    symbol: fn(T) -> u64,
    marks: Vec<u64>,
}

const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
const MARK: usize = 64;

impl<'a, T: Copy> Line<'a, T> {
    fn new(items: &'a [T], symbol: fn(T) -> u64) -> Self {
        let mut hash = 0_u64;
        let mut marks = Vec::with_capacity(items.len() / MARK + 1);
        for block in items.chunks(MARK) {
            marks.push(hash);
            hash = block
                .iter()
                .fold(hash, |hash, item| step(hash, symbol(*item)));
        }
        marks.push(hash);
        Self {
            items,
            symbol,
            marks,
        }
    }

    /// Hash of the first `end` items.
    fn prefix(&self, end: usize) -> u64 {
        let mark = end / MARK;
        let start = mark * MARK;
        self.items[start.min(end)..end]
            .iter()
            .fold(self.marks[mark], |hash, item| {
                step(hash, (self.symbol)(*item))
            })
    }

    /// Hash of the items from `start` to `end`.
    fn hash(&self, start: usize, end: usize) -> u64 {
        let length = u32::try_from(end - start).unwrap_or(u32::MAX);
        let shifted = self.prefix(start).wrapping_mul(BASE.wrapping_pow(length));
        self.prefix(end).wrapping_sub(shifted)
    }
}

fn step(hash: u64, symbol: u64) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp3::Stock;
    use crate::voice::tones;
    use voicespool_media::audio::mp3::frames;

    fn sound(samples: Vec<i16>) -> Sound {
        Sound {
            samples,
            sample_rate: 16_000,
        }
    }

    fn texts(heard: &[Heard]) -> Vec<&str> {
        heard.iter().map(|heard| heard.text.as_ref()).collect()
    }

    #[test]
    fn clips_are_found_again_inside_a_longer_recording() {
        let mut memory = Memory::default();
        // What is said in one clip may be a part of another, which is then the one to name.
        memory.remember_samples(&tones("en-US", "sat down.").unwrap(), "sat down.");
        let spoken = [
            "The cat sat.",
            "The cat sat down.",
            "Another sentence here.",
        ];
        let mut joined = vec![0; 5000];
        for text in spoken {
            let samples = tones("en-US", text).unwrap();
            memory.remember_samples(&samples, text);
            joined.extend(samples);
            joined.extend([0; 777]);
        }
        let joined = sound(joined);

        let heard = memory.find_in_samples(&joined);

        assert_eq!(texts(&heard), spoken);
        assert!(heard[0].start.0 > 5000 / 16);
        assert!(heard.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(heard[2].end.0 <= u64::try_from(joined.samples.len()).unwrap() / 16);
        assert_eq!(memory.find_in_samples(&sound(vec![0; 1000])), []);
        assert_eq!(
            memory.find_in_samples(&sound(tones("en-GB", "The cat sat.").unwrap())),
            []
        );
    }

    #[test]
    fn frames_are_found_again_inside_a_longer_mp3() {
        let stock = Stock::new();
        let mut memory = Memory::default();
        let mut joined = Vec::new();
        for (text, hash) in [("one", 77), ("two", 77 + (1 << 20)), ("three", 400)] {
            let cut = stock.cut(40, hash);
            memory.remember_frames(frames(&cut.file).map(Result::unwrap), text);
            joined.extend_from_slice(&cut.file);
        }

        let all: Vec<_> = frames(&joined).map(Result::unwrap).collect();
        let heard = memory.find_in_frames(&all);

        assert_eq!(texts(&heard), ["one", "two", "three"]);
        assert_eq!(heard[0].start, AudioMillis(0));
        assert_eq!(heard[1].start, heard[0].end);
        assert_eq!(texts(&memory.find_in_frames(&all[5..])), ["two", "three"]);
    }

    #[test]
    fn a_hash_of_a_part_does_not_depend_on_where_it_stands() {
        let items: Vec<u64> = (0..500).map(|n| n % 7).collect();
        let line = Line::new(&items, |item| item);

        assert_eq!(line.hash(3, 103), line.hash(10, 110));
        assert_ne!(line.hash(3, 103), line.hash(4, 104));
        assert_eq!(line.hash(64, 64), 0);
        assert_eq!(line.hash(0, 500), line.prefix(500));
    }
}
