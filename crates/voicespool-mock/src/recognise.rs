//! From an uploaded file to what is said in it: remembered where the mock spoke it
//! itself, invented (always the same) where it did not.

use std::fs;
use std::path::Path;

use crate::memory::{Heard, Memory, Sound, is_loud};
use voicespool_media::audio::decode::{DecodeError, decode};
use voicespool_media::audio::mp3::{self, Frame, Info};
use voicespool_media::audio::{self, Container};
use voicespool_media::domain::{AudioMillis, ContentKey, Segment, Word};

/// Longest recording whose samples are searched for clips, in samples: 46 minutes at
/// 24 kHz. A longer one in a format that unpacks to more is only measured.
const MAX_SAMPLES: usize = 1 << 26;

/// What was heard in a file.
#[derive(Debug)]
pub(crate) struct Recognition {
    pub(crate) duration: AudioMillis,
    pub(crate) segments: Vec<Segment>,
    /// In the order of the segments; none crosses a segment's end.
    pub(crate) words: Vec<Word>,
}

/// Listens to the file at `path`, whose hash decides what is invented; `None` if it is
/// no audio or breaks off.
pub(crate) fn recognise(path: &Path, hash: ContentKey, memory: &Memory) -> Option<Recognition> {
    let facts = audio::probe(path).ok()?;
    let (duration, heard) = if facts.container == Container::Mp3 {
        let file = fs::read(path).ok()?;
        let frames: Vec<Frame<'_>> = mp3::frames(&file)
            .filter_map(Result::ok)
            .filter(|frame| Info::of(frame).is_none())
            .collect();
        let samples = frames
            .iter()
            .map(|frame| u64::from(frame.header.samples))
            .sum();
        let duration = AudioMillis::of_frames(samples, facts.sample_rate);
        (duration, memory.find_in_frames(&frames))
    } else {
        // The container's own length: a decoder also hands out the encoder's padding.
        match listen(path) {
            Ok(Some(sound)) if !sound.samples.iter().any(|sample| is_loud(*sample)) => {
                return Some(told(facts.duration, Vec::new()));
            }
            Ok(Some(sound)) => (facts.duration, memory.find_in_samples(&sound)),
            // Too long to search, or Opus, which is not decoded here.
            Ok(None) | Err(DecodeError::NoDecoder { .. }) => (facts.duration, Vec::new()),
            Err(_) => return None,
        }
    };
    let heard = if heard.is_empty() {
        invent(hash, duration)
    } else {
        heard
    };
    Some(told(duration, heard))
}

/// The first channel, unless it is too long to be searched.
fn listen(path: &Path) -> Result<Option<Sound>, DecodeError> {
    let mut samples = Vec::new();
    let decoded = decode(path, |shape, block| {
        if samples.len() <= MAX_SAMPLES {
            samples.extend(block.iter().step_by(usize::from(shape.channels).max(1)));
        }
        Ok::<(), DecodeError>(())
    })?;
    Ok((samples.len() <= MAX_SAMPLES).then_some(Sound {
        samples,
        sample_rate: decoded.shape.sample_rate,
    }))
}

fn told(duration: AudioMillis, heard: Vec<Heard>) -> Recognition {
    let mut segments = Vec::new();
    let mut words = Vec::new();
    for clip in heard {
        // The file's end is rounded by itself.
        let end = clip.end.0.min(duration.0);
        let times = spread(&clip.text, clip.start.0, end);
        for sentence in times.chunk_by(|left, _| !ends_sentence(&left.text)) {
            if let [first, .., last] | [first @ last] = sentence {
                let text: Vec<&str> = sentence.iter().map(|word| word.text.as_str()).collect();
                segments.push(Segment {
                    text: text.join(" "),
                    start: first.start,
                    end: last.end,
                    speaker: None,
                });
            }
        }
        words.extend(times);
    }
    Recognition {
        duration,
        segments,
        words,
    }
}

fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', '”', '’', ')'])
        .ends_with(['.', '!', '?', '…', '。'])
}

/// The words of `text` between `start` and `end`, each as long as its share of the
/// letters, with a short gap after each.
fn spread(text: &str, start: u64, end: u64) -> Vec<Word> {
    let texts: Vec<&str> = text.split_whitespace().collect();
    let letters = |word: &str| u64::try_from(word.chars().count()).unwrap_or(0) + 1;
    let total: u64 = texts.iter().map(|word| letters(word)).sum();
    let length = end.saturating_sub(start);
    let at = |letters: u64| start + length * letters / total.max(1);
    let mut before = 0;
    texts
        .into_iter()
        .map(|text| {
            let (from, to) = (at(before), at(before + letters(text) - 1));
            before += letters(text);
            Word {
                text: text.to_owned(),
                start: AudioMillis(from),
                end: AudioMillis(to.max(from)),
                speaker: None,
            }
        })
        .collect()
}

/// Words the inventor knows.
const VOCABULARY: [&str; 48] = [
    "morning",
    "river",
    "quiet",
    "market",
    "seven",
    "letters",
    "under",
    "stone",
    "window",
    "again",
    "people",
    "carry",
    "small",
    "lanterns",
    "across",
    "winter",
    "garden",
    "nobody",
    "remembers",
    "music",
    "slowly",
    "the",
    "a",
    "and",
    "they",
    "walked",
    "home",
    "before",
    "rain",
    "every",
    "question",
    "answers",
    "itself",
    "tomorrow",
    "bread",
    "on",
    "table",
    "while",
    "children",
    "count",
    "ships",
    "in",
    "harbour",
    "light",
    "changes",
    "over",
    "old",
    "bridge",
];

/// Speech for a recording that was not made here: about 2.5 words a second in sentences
/// of 4 to 11 words, decided by the file's hash.
fn invent(hash: ContentKey, duration: AudioMillis) -> Vec<Heard> {
    let mut seed = hash
        .0
        .iter()
        .fold(0_u64, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from((seed >> 33) % below).unwrap_or(0)
    };
    let mut sentences = Vec::new();
    let mut start = 0;
    while start + 400 <= duration.0 {
        let left = usize::try_from((duration.0 - start) / 400).unwrap_or(1);
        let count = (4 + next(8)).min(left);
        let mut words: Vec<String> = (0..count)
            .map(|_| VOCABULARY[next(48)].to_owned())
            .collect();
        if let Some(first) = words.first_mut() {
            first[..1].make_ascii_uppercase();
        }
        let end = start + 400 * u64::try_from(count).unwrap_or(1);
        sentences.push(Heard {
            text: format!("{}.", words.join(" ")).into(),
            start: AudioMillis(start),
            end: AudioMillis(end),
        });
        start = end;
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::wav;
    use crate::voice::tones;

    fn recognised(file: &[u8], memory: &Memory) -> Option<Recognition> {
        let mut temporary = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut temporary, file).unwrap();
        recognise(temporary.path(), ContentKey([7; 32]), memory)
    }

    #[test]
    fn invented_words_are_stable_and_stay_inside_the_recording() {
        let memory = Memory::default();
        for (millis, at_least) in [(300, 0), (500, 1), (60_000, 120)] {
            let mut samples = tones("en-US", "noise").unwrap();
            samples.resize(16 * millis, 900);
            let file = wav(&samples, 16_000);

            let one = recognised(&file, &memory).unwrap();
            let two = recognised(&file, &memory).unwrap();

            assert_eq!(one.words, two.words);
            assert!(
                one.words.len() >= at_least,
                "{millis} ms: {} words",
                one.words.len()
            );
            assert!(
                one.words
                    .iter()
                    .all(|word| word.start <= word.end && word.end <= one.duration)
            );
            assert!(
                one.words
                    .windows(2)
                    .all(|pair| pair[0].end <= pair[1].start)
            );
            let words: Vec<&str> = one.words.iter().map(|word| word.text.as_str()).collect();
            let segments: Vec<&str> = one.segments.iter().map(|part| part.text.as_str()).collect();
            assert_eq!(words.join(" "), segments.join(" "));
        }
    }

    #[test]
    fn what_was_spoken_here_is_heard_truthfully_with_times() {
        let mut memory = Memory::default();
        let text = "The meeting starts at nine. \"It ends at noon!\" Nobody came";
        let samples = tones("en-US", text).unwrap();
        memory.remember_samples(&samples, text);

        let heard = recognised(&wav(&samples, 16_000), &memory).unwrap();

        let segments: Vec<&str> = heard
            .segments
            .iter()
            .map(|part| part.text.as_str())
            .collect();
        assert_eq!(
            segments,
            [
                "The meeting starts at nine.",
                "\"It ends at noon!\"",
                "Nobody came"
            ]
        );
        assert_eq!(heard.words.len(), 11);
        assert!(heard.words[10].end <= heard.duration);
    }

    #[test]
    fn silence_says_nothing_and_garbage_is_no_recording() {
        let memory = Memory::default();

        let silence = recognised(&wav(&vec![0; 16_000], 16_000), &memory).unwrap();

        assert_eq!(
            (silence.duration, silence.words.len()),
            (AudioMillis(1000), 0)
        );
        for garbage in [
            &b""[..],
            b"<html>",
            b"fLaC",
            b"RIFF\0\0\0\0WAVE",
            &[0xff; 64],
        ] {
            assert!(recognised(garbage, &memory).is_none(), "{garbage:?}");
        }
    }

    #[test]
    fn every_kind_of_file_is_measured() {
        let memory = Memory::default();
        for (name, millis) in [
            ("short.flac", 500),
            ("short.m4a", 1500),
            ("short.opus", 1500),
            ("short.ogg", 1500),
            ("speech-24k-mono.mp3", 74_664),
        ] {
            let path =
                concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/").to_owned() + name;
            let heard = recognise(Path::new(&path), ContentKey([1; 32]), &memory).unwrap();
            assert!(
                heard.duration.0.abs_diff(millis) <= 60,
                "{name}: {:?}",
                heard.duration
            );
            assert!(!heard.words.is_empty());
        }
    }
}
