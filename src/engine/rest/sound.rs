//! Samples that come in pieces, written out in the order they must have.
//!
//! Promise: what reaches the body is whole samples of one recording, each item of it in
//! one stretch. What cannot be that (no base64, a container where samples were asked for, an
//! item that another one interrupted, half a sample at the end) is a bad answer.

use std::io::Write;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use tokio::time::Instant;

use crate::domain::{AudioMillis, CharCount, FaultClass, RawAudio, Word};
use crate::engine::EngineError;
use crate::engine::rest::events::TimedWord;

/// Servers differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 decoded at a time; a multiple of four.
const SLICE: usize = 64 * 1024;

/// More items than this are no speech.
const MAX_ITEMS: usize = 10_000;

/// Longer words than this are none.
const MAX_WORD_BYTES: usize = 400;

/// Times may run back by so much without starting anew.
const JITTER: f64 = 0.2;

/// A stretch of sound that the provider numbers.
#[derive(Debug)]
struct Item {
    id: String,
    /// Bytes before its first sample.
    start: u64,
    is_done: bool,
}

/// A recording in the making.
pub(super) struct Sound<'a> {
    body: &'a mut (dyn Write + Send),
    raw: RawAudio,
    cap: u64,
    sent_at: Instant,
    head: Vec<u8>,
    bytes: u64,
    first: Option<Duration>,
    items: Vec<Item>,
    words: Words,
}

impl<'a> Sound<'a> {
    /// Writes to `body` samples as `raw` says, at most `cap` bytes of them. `chars` bounds
    /// the words.
    pub(super) fn new(
        body: &'a mut (dyn Write + Send),
        raw: RawAudio,
        cap: u64,
        chars: CharCount,
        sent_at: Instant,
    ) -> Self {
        Self {
            body,
            raw,
            cap,
            sent_at,
            head: Vec::new(),
            bytes: 0,
            first: None,
            items: Vec::new(),
            words: Words::at_most(chars),
        }
    }

    /// From sending to the first sample; `None` while there is none.
    pub(super) fn first(&self) -> Option<Duration> {
        self.first
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Length so far.
    pub(super) fn duration(&self) -> AudioMillis {
        AudioMillis::of_frames(self.bytes / self.raw.sample_bytes(), self.raw.sample_rate)
    }

    /// Whether something was begun and all of it is done.
    pub(super) fn is_settled(&self) -> bool {
        !self.items.is_empty() && self.items.iter().all(|item| item.is_done)
    }

    /// Adds one piece.
    pub(super) fn add(&mut self, item: Option<&str>, base64: &str) -> Result<(), EngineError> {
        let item = self.item(item.unwrap_or_default())?;
        self.items[item].is_done = false;
        let mut samples = Vec::with_capacity(SLICE / 4 * 3);
        let base64 = base64.as_bytes();
        for slice in base64.chunks(SLICE) {
            samples.clear();
            BASE64
                .decode_vec(slice, &mut samples)
                .map_err(|_| bad("a piece of the sound is no base64"))?;
            self.write(&samples)?;
        }
        Ok(())
    }

    /// One item is complete; without a name the one that was heard last.
    pub(super) fn done(&mut self, item: Option<&str>) -> Result<(), EngineError> {
        let idx = match (item, self.items.len().checked_sub(1)) {
            (None, Some(last)) => last,
            (None, None) => self.item("")?,
            (Some(id), _) => match self.items.iter().rposition(|item| item.id == id) {
                Some(idx) => idx,
                // Nothing to hear in it: a lone punctuation mark.
                None => self.item(id)?,
            },
        };
        self.items[idx].is_done = true;
        Ok(())
    }

    /// Adds times of words; those of `item` may count from its start or from the sound's.
    pub(super) fn time(&mut self, item: Option<&str>, words: Vec<TimedWord>) {
        let of = |id: &str| self.items.iter().rposition(|item| item.id == id);
        let place = match item {
            Some(id) => of(id).map(|idx| self.items[idx].start),
            None => self.items.last().map(|item| item.start),
        };
        let frame = self.raw.sample_bytes();
        let start = place.unwrap_or(self.bytes) / frame;
        let start = AudioMillis::of_frames(start, self.raw.sample_rate);
        self.words.add(item, start, words);
    }

    /// The answer is over: what it came to.
    pub(super) fn finish(self) -> Result<Vec<Word>, EngineError> {
        if self.bytes == 0 {
            return Err(bad("the answer holds no sound"));
        }
        if !self.bytes.is_multiple_of(self.raw.sample_bytes()) {
            return Err(bad("the answer ends within a sample"));
        }
        Ok(self.words.list)
    }

    /// The place of an item that sound belongs to: the last one, or a new one.
    fn item(&mut self, id: &str) -> Result<usize, EngineError> {
        if let Some((last, item)) = self.items.iter().enumerate().next_back()
            && item.id == id
        {
            return Ok(last);
        }
        if self.items.iter().any(|item| item.id == id) {
            return Err(bad("pieces of the sound are out of order"));
        }
        if self.items.len() == MAX_ITEMS {
            return Err(bad("the sound has more items than a text can have"));
        }
        self.items.push(Item {
            id: id.to_owned(),
            start: self.bytes,
            is_done: false,
        });
        Ok(self.items.len() - 1)
    }

    fn write(&mut self, samples: &[u8]) -> Result<(), EngineError> {
        if samples.is_empty() {
            return Ok(());
        }
        if self.first.is_none() {
            self.first = Some(self.sent_at.elapsed());
        }
        if self.head.len() < 12 {
            let missing = 12 - self.head.len();
            self.head.extend(samples.iter().take(missing));
            if self.head.len() == 12 && is_container(&self.head) {
                return Err(container());
            }
        }
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(samples.len()).unwrap_or(u64::MAX));
        if self.bytes > self.cap {
            return Err(bad(&format!(
                "the answer is larger than {} bytes",
                self.cap
            )));
        }
        self.body.write_all(samples).map_err(|error| EngineError {
            may_be_billed: true,
            ..EngineError::new(
                FaultClass::Local,
                format!("the answer cannot be written: {error}"),
            )
        })
    }
}

/// Magic that samples begin with once in 2^60 recordings.
pub(super) fn is_container(head: &[u8]) -> bool {
    (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE"))
        || head.starts_with(b"OggS\0\x02")
}

/// The failure that a container is: samples of a header are a click, and what is said in it
/// may be something else than was expected.
pub(super) fn container() -> EngineError {
    bad("a container came where raw samples were asked for")
}

/// An answer that was paid for and is none.
pub(super) fn bad(detail: &str) -> EngineError {
    EngineError {
        may_be_billed: true,
        ..EngineError::new(FaultClass::BadAnswer, detail)
    }
}

/// Word times as they come, counted from the start of the sound. Nothing says whether those
/// of a later item count from its own start; times that lie before it, or run back, do.
#[derive(Debug)]
struct Words {
    list: Vec<Word>,
    most: usize,
    /// Whose words came last, where those are counted from, and the last start as given.
    item: Option<String>,
    base: AudioMillis,
    last: f64,
}

impl Words {
    /// A word has a character at least.
    fn at_most(chars: CharCount) -> Self {
        Self {
            list: Vec::new(),
            most: usize::try_from(chars.0)
                .unwrap_or(usize::MAX)
                .saturating_add(16),
            item: None,
            base: AudioMillis(0),
            last: 0.0,
        }
    }

    fn add(&mut self, item: Option<&str>, item_start: AudioMillis, words: Vec<TimedWord>) {
        let Some(first) = words.first() else { return };
        let is_new = item != self.item.as_deref();
        let runs_back = first.start + JITTER < self.last;
        let is_before = first.start + JITTER < item_start.seconds();
        if runs_back || (is_new && is_before) {
            self.base = item_start;
        }
        self.item = item.map(str::to_owned);
        for word in words {
            if self.list.len() == self.most || word.text.len() > MAX_WORD_BYTES {
                return;
            }
            self.last = word.start;
            let at = |seconds| {
                let time = AudioMillis::from_seconds(seconds);
                AudioMillis(self.base.0.saturating_add(time.0))
            };
            self.list.push(Word {
                start: at(word.start),
                end: at(word.end),
                text: word.text,
                speaker: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: RawAudio = RawAudio {
        encoding: crate::domain::PcmEncoding::S16,
        sample_rate: 1000,
    };

    fn in_base64(bytes: &[u8]) -> String {
        BASE64.encode(bytes)
    }

    /// Plays `pieces` (item, bytes) and returns what was written, or why not.
    fn play(pieces: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        let mut sound = Sound::new(&mut body, RAW, 1 << 20, CharCount(9), Instant::now());
        for (item, bytes) in pieces {
            sound
                .add(Some(item), &in_base64(bytes))
                .map_err(|error| error.detail)?;
        }
        sound.finish().map_err(|error| error.detail)?;
        Ok(body)
    }

    #[test]
    fn a_sample_may_be_cut_between_two_pieces_and_not_at_the_end() {
        assert_eq!(
            play(&[("a", &[1, 2, 3]), ("a", &[4]), ("b", &[5, 6])]),
            Ok(vec![1, 2, 3, 4, 5, 6])
        );
        assert_eq!(
            play(&[("a", &[1, 2, 3])]),
            Err("the answer ends within a sample".to_owned())
        );
        assert_eq!(play(&[]), Err("the answer holds no sound".to_owned()));
    }

    #[test]
    fn an_item_that_was_interrupted_never_goes_on() {
        let answer = play(&[("a", &[1, 2]), ("b", &[3, 4]), ("a", &[5, 6])]);

        assert_eq!(
            answer,
            Err("pieces of the sound are out of order".to_owned())
        );
    }

    #[test]
    fn a_container_is_no_sample() {
        let wav = b"RIFF\xff\xff\xff\xffWAVEfmt ";

        let answer = play(&[("a", &wav[..5]), ("a", &wav[5..])]);

        assert!(answer.unwrap_err().contains("container"));
    }

    #[test]
    fn bytes_and_items_are_bounded_and_base64_is_checked() {
        let mut body = Vec::new();
        let mut sound = Sound::new(&mut body, RAW, 4, CharCount(9), Instant::now());
        assert!(sound.add(None, "AAA=").is_ok());
        assert!(sound.add(None, "AAA").is_ok(), "no padding");
        assert!(sound.add(None, "not base64!").is_err());
        let large = sound.add(None, "AAAA").unwrap_err();
        assert_eq!(large.detail, "the answer is larger than 4 bytes");
        assert!(large.may_be_billed);

        let mut sink = std::io::sink();
        let mut sound = Sound::new(&mut sink, RAW, 4, CharCount(9), Instant::now());
        let refused = (0..=MAX_ITEMS).find_map(|n| sound.add(Some(&n.to_string()), "").err());
        assert!(refused.is_some());
    }

    #[test]
    fn it_is_settled_when_every_item_is_done_and_not_at_the_first() {
        let mut body = Vec::new();
        let mut sound = Sound::new(&mut body, RAW, 99, CharCount(9), Instant::now());
        assert!(!sound.is_settled());
        sound.add(Some("a"), "AAAA").unwrap();
        sound.add(Some("b"), "AAAA").unwrap();
        sound.done(Some("a")).unwrap();
        assert!(!sound.is_settled());
        sound.done(None).unwrap();
        assert!(sound.is_settled());
        sound.done(Some("silent")).unwrap();
        assert!(sound.is_settled());
        sound.add(Some("c"), "AAAA").unwrap();
        assert!(!sound.is_settled());
    }

    fn word(text: &str, start: f64) -> TimedWord {
        TimedWord {
            text: text.to_owned(),
            start,
            end: start + 0.1,
        }
    }

    #[test]
    fn word_times_count_from_the_start_of_the_sound_whatever_they_were_counted_from() {
        // Two items of a second each; the second one's times from its own start, then from
        // the sound's.
        for second in [0.25, 1.25] {
            let mut body = Vec::new();
            let mut sound = Sound::new(&mut body, RAW, 9999, CharCount(9), Instant::now());
            sound.add(Some("a"), &in_base64(&[0; 2000])).unwrap();
            sound.time(Some("a"), vec![word("one", 0.5)]);
            sound.add(Some("b"), &in_base64(&[0; 2000])).unwrap();
            sound.time(
                Some("b"),
                vec![word("two", second), word("three", second + 0.5)],
            );

            let words = sound.finish().unwrap();

            let starts: Vec<_> = words.iter().map(|word| word.start.0).collect();
            assert_eq!(starts, [500, 1250, 1750], "{second}");
        }
    }

    #[test]
    fn words_without_an_item_that_run_back_belong_to_the_item_that_is_heard() {
        let mut body = Vec::new();
        let mut sound = Sound::new(&mut body, RAW, 9999, CharCount(9), Instant::now());
        sound.add(Some("a"), &in_base64(&[0; 2000])).unwrap();
        sound.time(None, vec![word("one", 0.1), word("two", 0.7)]);
        sound.add(Some("b"), &in_base64(&[0; 2000])).unwrap();
        sound.time(None, vec![word("three", 0.1)]);

        let starts: Vec<_> = sound
            .finish()
            .unwrap()
            .iter()
            .map(|word| word.start.0)
            .collect();
        assert_eq!(starts, [100, 700, 1100]);
    }
}
