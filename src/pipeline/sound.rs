//! A transcript against its recording.

use std::path::Path;

use crate::audio::voice::voices;
use crate::domain::{AudioMillis, ContentKey, Stretch, Transcript};
use crate::pipeline::key;
use crate::subtitle::document::{GapMeta, QualityMeta};
use crate::subtitle::heard::{Heard, heard};

/// Places that a flag names; the document has all.
const NAMED: usize = 3;
/// A provider measures a recording a little otherwise than we do.
const MEASURES: AudioMillis = AudioMillis(3_000);

/// What the comparison found.
pub(super) struct Compared {
    heard: Heard,
    /// How much of how much the provider says it heard, if that is less.
    shorter: Option<(AudioMillis, AudioMillis)>,
}

/// Compares `answer` with what is heard in the file at `recording`, whose hash was `sent`.
///
/// # Errors
/// In words, if the file is not the one that was sent, or cannot be decoded.
pub(super) fn compare(
    recording: &Path,
    sent: ContentKey,
    answer: &Transcript,
    has_times: bool,
) -> Result<Compared, String> {
    let found = key::of_file(recording)
        .map_err(|error| format!("the recording cannot be read: {error}"))?;
    if found != sent {
        return Err("the recording is another one by now".to_owned());
    }
    let (voices, length) = voices(recording).map_err(|error| error.to_string())?;
    let heard = if has_times {
        heard(answer, &voices)
    } else {
        let text = Transcript {
            text: answer.text.clone(),
            ..Transcript::default()
        };
        heard(&text, &voices)
    };
    let stated = answer.duration.filter(|stated| {
        let missing = AudioMillis(length.0.saturating_sub(stated.0));
        stated.0 > 0 && missing > MEASURES && missing.0 > length.0 / 20
    });
    Ok(Compared {
        heard,
        shorter: stated.map(|stated| (stated, length)),
    })
}

impl Compared {
    /// What speaks against the transcript, in words with times.
    pub(super) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if !self.heard.unworded.is_empty() {
            let (seconds, places) = words(&self.heard.unworded);
            flags.push(format!("{seconds} s of speech without words: {places}"));
        }
        if !self.heard.unvoiced.is_empty() {
            let (seconds, places) = words(&self.heard.unvoiced);
            flags.push(format!(
                "words for {seconds} s where nobody speaks: {places}"
            ));
        }
        if let Some((heard, length)) = self.shorter {
            flags.push(format!(
                "the provider heard {:.1} of {:.1} s",
                heard.seconds(),
                length.seconds()
            ));
        }
        flags
    }

    pub(super) fn note_in(&self, quality: &mut QualityMeta) {
        let places = |stretches: &[Stretch]| {
            let places = stretches.iter().map(|stretch| GapMeta {
                start: stretch.start,
                end: stretch.end,
            });
            places.collect()
        };
        quality.speech_seconds = Some(self.heard.speech);
        quality.covered = Some((self.heard.share() * 1_000.0).round() / 1_000.0);
        quality.gaps = places(&self.heard.unworded);
        quality.unvoiced = places(&self.heard.unvoiced);
    }
}

/// How long `stretches` are together, and where the first of them lie.
fn words(stretches: &[Stretch]) -> (String, String) {
    let total: u64 = stretches.iter().map(|stretch| stretch.length().0).sum();
    let named = stretches
        .iter()
        .take(NAMED)
        .map(|stretch| format!("{} to {}", clock(stretch.start), clock(stretch.end)));
    let mut places = named.collect::<Vec<_>>().join(", ");
    if stretches.len() > NAMED {
        places += &format!(" and {} more", stretches.len() - NAMED);
    }
    (format!("{:.1}", AudioMillis(total).seconds()), places)
}

/// `1:02:03`, `2:03`.
pub(super) fn clock(time: AudioMillis) -> String {
    let seconds = time.0 / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second of nothing.
    fn recording() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(file.path(), spec).unwrap();
        (0..4_000).for_each(|_| writer.write_sample(0i16).unwrap());
        writer.finalize().unwrap();
        file
    }

    #[test]
    fn another_recording_than_the_one_that_was_sent_says_nothing() {
        let (file, nothing) = (recording(), Transcript::default());
        let sent = key::of_file(file.path()).unwrap();

        assert!(compare(file.path(), sent, &nothing, true).is_ok());
        let other = compare(file.path(), key::of_bytes(b"other"), &nothing, true);
        assert_eq!(
            other.err().as_deref(),
            Some("the recording is another one by now")
        );
        let gone = compare(Path::new("/nowhere/a.wav"), sent, &nothing, true);
        assert!(gone.is_err_and(|why| why.contains("cannot be read")));
    }

    #[test]
    fn flags_say_how_long_and_where() {
        let stretch = |start, end| Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        };
        let compared = Compared {
            heard: Heard {
                unworded: vec![stretch(29_400, 45_200), stretch(3_723_000, 3_725_000)],
                unvoiced: (0..5)
                    .map(|at| stretch(at * 10_000, at * 10_000 + 1_000))
                    .collect(),
                ..Heard::default()
            },
            shorter: Some((AudioMillis(6_000), AudioMillis(12_000))),
        };

        assert_eq!(
            compared.flags(),
            [
                "17.8 s of speech without words: 0:29 to 0:45, 1:02:03 to 1:02:05",
                "words for 5.0 s where nobody speaks: 0:00 to 0:01, 0:10 to 0:11, 0:20 to 0:21 and 2 more",
                "the provider heard 6.0 of 12.0 s",
            ]
        );
    }
}
