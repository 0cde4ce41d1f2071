//! Text that was spoken here, as a transcript: nobody has to transcribe it to show it.

use crate::domain::{AudioMillis, Segment, Transcript, Word};
use crate::subtitle::clean::clean;
use crate::subtitle::pieces::pieces;
use crate::subtitle::repair::share;
use crate::subtitle::timed::times;
use crate::subtitle::units::weigh;

/// A clip of speech in the finished audio, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken<'a> {
    pub text: &'a str,
    pub start: AudioMillis,
    pub end: AudioMillis,
    /// From its first sound to its last one, where that is known, else the same: times that are guessed lie in it.
    pub sound: (AudioMillis, AudioMillis),
    /// Words as the provider timed them, from the start of the clip; empty where it did not.
    pub words: &'a [Word],
}

/// How many of `clips` have words whose times are guessed: none were given, or none that
/// can be believed.
pub fn guessed(clips: &[Spoken<'_>]) -> usize {
    let is_guessed = |clip: &&Spoken<'_>| {
        let text = clean(clip.text);
        let pieces = pieces(text.trim(), usize::MAX);
        !pieces.is_empty() && times(&pieces, clip.words, clip.start, clip.end).is_none()
    };
    clips.iter().filter(is_guessed).count()
}

/// The clips as segments, with the words of each: timed by the provider where it did, else in
/// proportion to their length and the pauses of their punctuation. The caller may set the language, which improves where
/// lines end.
pub fn spoken_transcript(clips: &[Spoken<'_>]) -> Transcript {
    let mut transcript = Transcript::default();
    for clip in clips {
        let text = clean(clip.text);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if !transcript.text.is_empty() {
            transcript.text.push(' ');
        }
        transcript.text.push_str(text);
        let pieces = pieces(text, usize::MAX);
        let own_times = times(&pieces, clip.words, clip.start, clip.end);
        let (start, end) = match own_times {
            Some(_) => (clip.start, clip.end),
            None => clip.sound,
        };
        transcript.segments.push(Segment {
            text: text.to_owned(),
            start,
            end,
            speaker: None,
        });
        let times = own_times.unwrap_or_else(|| {
            let weights: Vec<_> = pieces.iter().map(|piece| weigh(piece.text)).collect();
            share(&weights, start.0, end.0.max(start.0))
        });
        let words = pieces.iter().zip(times).map(|(piece, (start, end))| Word {
            text: piece.text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: None,
        });
        transcript.words.extend(words);
    }
    transcript.duration = clips.iter().map(|clip| clip.end).max();
    transcript
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_share_their_clip_and_stay_in_it() {
        let clips = [
            Spoken {
                text: "One, two.",
                start: AudioMillis(1_000),
                end: AudioMillis(2_100),
                sound: (AudioMillis(1_000), AudioMillis(2_100)),
                words: &[],
            },
            Spoken {
                text: "你好",
                start: AudioMillis(3_000),
                end: AudioMillis(4_000),
                sound: (AudioMillis(3_000), AudioMillis(4_000)),
                words: &[],
            },
            Spoken {
                text: " \u{feff}",
                start: AudioMillis(4_000),
                end: AudioMillis(5_000),
                sound: (AudioMillis(4_000), AudioMillis(5_000)),
                words: &[],
            },
        ];

        let transcript = spoken_transcript(&clips);

        let words: Vec<_> = transcript
            .words
            .iter()
            .map(|word| (word.text.as_str(), word.start.0, word.end.0))
            .collect();
        assert_eq!(
            words,
            [
                ("One,", 1_000, 1_400),
                ("two.", 1_700, 2_100),
                ("你", 3_000, 3_500),
                ("好", 3_500, 4_000),
            ]
        );
        assert_eq!(transcript.text, "One, two. 你好");
        assert_eq!(transcript.duration, Some(AudioMillis(5_000)));
    }
}
