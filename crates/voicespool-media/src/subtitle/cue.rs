//! From a transcript to cues.

use serde::Serialize;

use crate::domain::{AudioMillis, Transcript};
use crate::subtitle::breaks::breaks;
use crate::subtitle::clean::line;
use crate::subtitle::clock::LAST;
use crate::subtitle::crowd::{crowds, gather, part};
use crate::subtitle::group::{Widths, group};
use crate::subtitle::language::Language;
use crate::subtitle::lines::lines;
use crate::subtitle::place::{Slot, place};
use crate::subtitle::repair::Repairs;
use crate::subtitle::rules::CueRules;
use crate::subtitle::units::units;

/// What is shown at one time. Its number is its index + 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cue {
    pub start: AudioMillis,
    /// After `start`.
    pub end: AudioMillis,
    /// From top to bottom; none is empty, none holds a line break.
    pub lines: Vec<String>,
    pub speaker: Option<String>,
}

impl Cue {
    /// The cue in one line, for formats that have one line a cue, with who speaks in front. Lines
    /// meet at a space, but in scripts that have none.
    pub(super) fn in_one_line(&self) -> String {
        let mut text = String::new();
        for part in self.lines.iter().map(|text| line(text)) {
            let meets = (text.chars().next_back(), part.chars().next());
            if let (Some(before), Some(after)) = meets
                && !(has_no_spaces(before) && has_no_spaces(after))
            {
                text.push(' ');
            }
            text.push_str(&part);
        }
        let speaker = self.speaker.as_deref().map(|name| line(name).into_owned());
        match speaker.filter(|speaker| !speaker.is_empty()) {
            Some(speaker) if !text.is_empty() => format!("{speaker}: {text}"),
            _ => text,
        }
    }
}

/// Thai, Lao, Burmese, Khmer; Chinese and Japanese, with their punctuation. Korean has spaces.
fn has_no_spaces(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{3000}'..='\u{30ff}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff00}'..='\u{ff9f}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// The cues of `transcript` by `rules`, and how many times had to be repaired for them.
///
/// `audio` is the length of the audio as measured here: nothing ends later, whatever the
/// transcript says. Zero means unknown. Where the audio has fewer milliseconds than there
/// are cues, cues are merged past the limits of layout: no text is lost.
pub fn cues(transcript: &Transcript, audio: AudioMillis, rules: &CueRules) -> (Vec<Cue>, Repairs) {
    cues_apart(transcript, audio, rules, &[])
}

/// The same, with a new cue at the first word that begins at or after each time of `apart`, in order: a heading
/// stands alone.
pub fn cues_apart(
    transcript: &Transcript,
    audio: AudioMillis,
    rules: &CueRules,
    apart: &[AudioMillis],
) -> (Vec<Cue>, Repairs) {
    let limit = if audio.0 == 0 {
        LAST
    } else {
        audio.0.min(LAST)
    };
    let mut repairs = Repairs::default();
    let units = units(transcript, limit, rules.columns(), &mut repairs);
    let mut breaks = breaks(&units, Language::named(transcript.language.as_deref()));
    let crowds = crowds(&units);
    part(&crowds, &mut breaks);
    let mut apart = apart.iter().peekable();
    for (idx, pair) in units.windows(2).enumerate() {
        while apart.next_if(|time| time.0 <= pair[0].start).is_some() {}
        if apart.peek().is_some_and(|time| time.0 <= pair[1].start) {
            breaks[idx].must = true;
        }
    }
    let widths = Widths::of(&units);
    let groups = gather(&crowds, group(&units, &breaks, rules, limit));
    let mut slots: Vec<_> = groups
        .iter()
        .map(|group| Slot {
            start: units[group.start].start,
            end: units[group.end - 1].end,
            columns: widths.columns(group.start, group.end),
        })
        .collect();
    place(&mut slots, rules, limit, &mut repairs);
    let cues = groups.into_iter().zip(slots).map(|(group, slot)| Cue {
        start: AudioMillis(slot.start),
        end: AudioMillis(slot.end),
        speaker: units[group.start].speaker.map(str::to_owned),
        lines: lines(&units, &breaks, &widths, group, rules),
    });
    (cues.filter(|cue| !cue.lines.is_empty()).collect(), repairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Segment, Word};
    use crate::subtitle::srt;

    /// Words of `text` at the pace of speech, one after the other; `|` is two seconds of
    /// silence, `A:` another speaker.
    fn timed(text: &str) -> Transcript {
        let mut transcript = Transcript::default();
        let (mut at, mut speaker) = (1_000, None);
        for token in text.split_whitespace() {
            if token == "|" {
                at += 2_000;
            } else if let Some(name) = token.strip_suffix(':') {
                speaker = Some(name.to_owned());
            } else {
                let length = 65 * u64::try_from(token.chars().count()).unwrap();
                transcript.words.push(Word {
                    text: token.to_owned(),
                    start: AudioMillis(at),
                    end: AudioMillis(at + length),
                    speaker: speaker.clone(),
                });
                at += length + 65;
            }
        }
        transcript
    }

    fn shown(transcript: &Transcript) -> String {
        let (cues, _) = cues(transcript, AudioMillis(60_000), &CueRules::default());
        srt::write(&cues)
    }

    #[test]
    fn lines_end_where_a_reader_pauses_and_never_after_an_article() {
        let text = "It was the best of times, it was the worst of times, it was the age of wisdom, \
                    it was the age of foolishness, it was the epoch of belief and the season of Light.";

        insta::assert_snapshot!(shown(&timed(text)), @r"
        1
        00:00:01,000 --> 00:00:04,362
        It was the best of times,
        it was the worst of times,

        2
        00:00:04,445 --> 00:00:08,067
        it was the age of wisdom,
        it was the age of foolishness,

        3
        00:00:08,150 --> 00:00:11,465
        it was the epoch of belief
        and the season of Light.
        ");
    }

    #[test]
    fn a_new_speaker_and_a_long_pause_start_a_new_cue() {
        insta::assert_snapshot!(shown(&timed("A: Are you there? B: Yes, I am here. | Still.")), @r"
        1
        00:00:01,000 --> 00:00:01,892
        A: Are you there?

        2
        00:00:01,975 --> 00:00:02,950
        B: Yes, I am here.

        3
        00:00:05,015 --> 00:00:05,848
        Still.
        ");
    }

    #[test]
    fn a_segment_without_words_is_shown_among_those_with_words() {
        let mut transcript = timed("First we hear words, and then");
        let segment = |text: &str, start, end| Segment {
            text: text.to_owned(),
            start: AudioMillis(start),
            end: AudioMillis(end),
            speaker: None,
        };
        transcript.segments = vec![
            segment("First, we hear words, and then", 1_000, 3_000),
            segment("a stretch that has none of them.", 10_000, 14_000),
        ];

        insta::assert_snapshot!(shown(&transcript), @r"
        1
        00:00:01,000 --> 00:00:02,885
        First, we hear words, and then

        2
        00:00:10,000 --> 00:00:14,000
        a stretch that has none of them.
        ");
    }

    #[test]
    fn scripts_without_spaces_are_measured_by_their_width() {
        let text =
            "我能吞下玻璃而不伤身体，但是我不想这样做。因为今天的天气很好，我们一起去公园散步吧。";
        let transcript = Transcript {
            segments: vec![Segment {
                text: text.to_owned(),
                start: AudioMillis(0),
                end: AudioMillis(9_000),
                speaker: None,
            }],
            ..Transcript::default()
        };

        insta::assert_snapshot!(shown(&transcript), @r"
        1
        00:00:00,000 --> 00:00:04,218
        我能吞下玻璃而不伤身体，但是我不想这样做。

        2
        00:00:04,781 --> 00:00:09,000
        因为今天的天气很好，我们一起去公园散步吧。
        ");
    }

    #[test]
    fn an_arrow_of_two_words_is_none_either() {
        let mut transcript = timed("x -- > y");
        transcript.text = "x --> y".to_owned();

        assert!(shown(&transcript).ends_with("\nx → y\n"));
    }

    #[test]
    fn a_short_text_does_not_stand_as_long_as_its_padded_segment() {
        let transcript = Transcript {
            segments: vec![Segment {
                text: "One two three.".to_owned(),
                start: AudioMillis(110),
                end: AudioMillis(30_000),
                speaker: None,
            }],
            ..Transcript::default()
        };

        let (cues, repairs) = cues(&transcript, AudioMillis(30_000), &CueRules::default());

        assert_eq!(cues.len(), 1);
        assert!(cues[0].end.0 < 3_000 && repairs.is_empty(), "{cues:?}");
    }
}
