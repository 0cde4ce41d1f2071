//! What holds for every transcript, however hostile.

use proptest::prelude::*;

use crate::domain::{AudioMillis, Segment, Transcript, Word};
use crate::subtitle::clean::clean;
use crate::subtitle::{
    Cue, CueRules, Spoken, cues, document, lrc, spoken_transcript, srt, tsv, txt, vtt, whole,
};

/// Text as a provider might send it: mostly words, sometimes anything.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,9}[,.!?]?",
        1 => "[0-9]{1,3}",
        1 => "[一-龥ぁ-んー。、「」]{1,12}",
        1 => Just(" --> ".to_owned()),
        1 => prop_oneof![Just("</v><script>&lt;"), Just("<v x>"), Just("--"), Just(">")].prop_map(str::to_owned),
        1 => Just("\u{feff}\r\n\r\n".to_owned()),
        1 => "\\PC{0,60}",
        1 => any::<String>(),
    ]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0u64..60_000, 1 => Just(0), 1 => any::<u64>()]
}

fn speaker() -> impl Strategy<Value = Option<String>> {
    prop_oneof![6 => Just(None), 1 => "[AB]".prop_map(Some), 1 => any::<String>().prop_map(Some)]
}

prop_compose! {
    fn word()(text in text(), start in time(), end in time(), speaker in speaker()) -> Word {
        Word { text, start: AudioMillis(start), end: AudioMillis(end), speaker }
    }
}

prop_compose! {
    fn segment()(
        texts in prop::collection::vec(text(), 0..30),
        start in time(),
        end in time(),
        speaker in speaker(),
    ) -> Segment {
        Segment { text: texts.join(" "), start: AudioMillis(start), end: AudioMillis(end), speaker }
    }
}

prop_compose! {
    fn transcript()(
        text in text(),
        words in prop_oneof![
            2 => prop::collection::vec(word(), 0..60),
            1 => Just(Vec::new()),
        ],
        segments in prop::collection::vec(segment(), 0..6),
        language in prop_oneof![Just(None), Just(Some("de".to_owned()))],
    ) -> Transcript {
        Transcript { text, language, duration: None, segments, words }
    }
}

prop_compose! {
    fn rules()(
        max_columns in prop_oneof![4 => Just(42u16), 1 => 12u16..80],
        max_lines in prop_oneof![4 => Just(2u8), 1 => 0u8..4],
        max_cps in prop_oneof![4 => Just(20.0), 1 => any::<f64>()],
        max_duration in prop_oneof![4 => Just(7_000u64), 1 => any::<u64>()],
        min_gap in prop_oneof![4 => Just(83u64), 1 => any::<u64>()],
    ) -> CueRules {
        CueRules {
            max_columns,
            max_lines,
            max_cps,
            min_duration: AudioMillis(833),
            max_duration: AudioMillis(max_duration),
            min_gap: AudioMillis(min_gap),
        }
    }
}

fn audio() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 1u64..70_000, 1 => 1u64..20, 1 => Just(0), 1 => any::<u64>()]
}

/// Without white space, which layout may change.
fn letters(text: &str) -> String {
    let text: String = clean(text).split_whitespace().collect();
    text.replace("-->", "→")
}

fn shown(cues: &[Cue]) -> String {
    let lines: String = cues
        .iter()
        .flat_map(|cue| cue.lines.iter().map(String::as_str))
        .collect();
    letters(&lines)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cues_are_ordered_apart_and_inside_the_audio(
        transcript in transcript(), audio in audio(), rules in rules(),
    ) {
        let (cues, _) = cues(&transcript, AudioMillis(audio), &rules);

        let mut free = 0;
        for cue in &cues {
            prop_assert!(cue.start.0 >= free, "{cue:?} before {free}");
            prop_assert!(cue.end > cue.start, "{cue:?}");
            prop_assert!(!cue.lines.is_empty() && cue.lines.iter().all(|line| !line.is_empty()));
            free = cue.end.0;
        }
        prop_assert!(audio == 0 || free <= audio, "{free} after {audio}");
    }

    #[test]
    fn gaps_are_wide_or_none_and_no_cue_overstays(
        transcript in transcript(), audio in 60_000u64..,
    ) {
        let rules = CueRules::default();
        let (cues, _) = cues(&transcript, AudioMillis(audio), &rules);

        for pair in cues.windows(2) {
            let gap = pair[1].start.0 - pair[0].end.0;
            prop_assert!(gap == 0 || gap >= rules.min_gap.0, "{gap} after {:?}", pair[0]);
        }
        for cue in &cues {
            prop_assert!(cue.end.0 - cue.start.0 <= rules.max_duration.0, "{cue:?}");
        }
    }

    #[test]
    fn lines_keep_to_the_layout_where_there_is_time(
        transcript in transcript(), audio in 60_000u64.., rules in rules(),
    ) {
        let (cues, _) = cues(&transcript, AudioMillis(audio), &rules);

        for cue in &cues {
            prop_assert!(cue.lines.len() <= rules.lines(), "{cue:?}");
            for line in &cue.lines {
                prop_assert!(unicode_width::UnicodeWidthStr::width(line.as_str()) <= rules.columns(), "{line:?}");
            }
        }
    }

    #[test]
    fn every_word_is_shown_once_and_in_order(mut transcript in transcript(), audio in audio()) {
        transcript.segments.clear();
        transcript.text.clear();
        let words: String = transcript.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");

        let (cues, _) = cues(&transcript, AudioMillis(audio), &CueRules::default());

        prop_assert_eq!(shown(&cues), letters(&words));
        prop_assert_eq!(letters(&txt::write(&Transcript { words: transcript.words.iter().map(|word| Word { speaker: None, ..word.clone() }).collect(), ..Transcript::default() })), letters(&words));
    }

    #[test]
    fn the_words_of_every_document_are_those_of_the_text(
        mut transcript in transcript(),
        texts in prop::collection::vec(text(), 0..40),
        shared in prop::collection::vec(any::<bool>(), 60),
        audio in audio(),
    ) {
        // The lists say parts of the text, more than it, or something else.
        transcript.text = texts.join(" ");
        for (word, (text, shared)) in transcript.words.iter_mut().zip(texts.iter().zip(&shared)) {
            if *shared {
                word.text.clone_from(text);
            }
            word.speaker = None;
        }
        for segment in &mut transcript.segments {
            segment.speaker = None;
        }
        transcript.words.iter_mut().for_each(|word| word.speaker = None);
        let said = letters(&transcript.text);
        prop_assume!(said.contains(char::is_alphanumeric));

        let (whole, _) = whole(&transcript, AudioMillis(audio));
        let (cues, _) = cues(&whole, AudioMillis(audio), &CueRules::default());

        prop_assert_eq!(shown(&cues), said.clone());
        prop_assert_eq!(letters(&txt::write(&whole)), said.clone());
        let tsv = tsv::write(&cues);
        let rows = tsv.lines().skip(1).map(|row| row.splitn(3, '\t').nth(2).unwrap_or_default());
        prop_assert_eq!(letters(&rows.collect::<String>()), said.clone());
        let lrc = lrc::write(&cues);
        let lines = lrc.lines().map(|line| line.split_once(']').unwrap_or_default().1);
        prop_assert_eq!(letters(&lines.collect::<String>()), said);
        for pair in cues.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start, "{pair:?}");
        }
        for cue in &cues {
            prop_assert!(cue.start < cue.end && (audio == 0 || cue.end.0 <= audio), "{cue:?}");
        }
    }

    #[test]
    fn without_words_every_segment_is_shown_once_and_in_order(mut transcript in transcript(), audio in audio()) {
        transcript.words.clear();
        transcript.text.clear();
        let text: String = transcript.segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");

        let (cues, _) = cues(&transcript, AudioMillis(audio), &CueRules::default());

        prop_assert_eq!(shown(&cues), letters(&text));
    }

    #[test]
    fn words_are_never_lost_to_the_text_they_are_found_in(transcript in transcript(), audio in audio()) {
        let (cues, _) = cues(&transcript, AudioMillis(audio), &CueRules::default());

        // Neighbours may make an arrow together.
        let arrowless = |text: String| text.replace(['-', '>', '→'], "");
        let shown = arrowless(shown(&cues));
        let mut rest = shown.as_str();
        for word in transcript.words.iter().map(|word| arrowless(letters(&word.text))) {
            let at = rest.find(&word);
            prop_assert!(at.is_some(), "{word:?} is not in {rest:?}");
            rest = &rest[at.unwrap_or(0) + word.len()..];
        }
    }

    #[test]
    fn files_are_read_back_as_they_were(transcript in transcript(), audio in audio()) {
        let (cues, _) = cues(&transcript, AudioMillis(audio), &CueRules::default());

        let named: Vec<_> = cues.iter().map(|cue| Cue { speaker: cue.speaker.as_deref().map(letters_of_name).filter(|name| !name.is_empty()), ..cue.clone() }).collect();
        prop_assert_eq!(vtt::parse(&vtt::write(&cues)), Ok(named));
        prop_assert_eq!(srt::parse(&srt::write(&cues)), Ok(srt::told(&cues)));
    }

    #[test]
    fn cues_from_anywhere_make_a_file_that_stays_the_same(
        cues in prop::collection::vec(
            (time(), time(), prop::collection::vec(text(), 0..4), speaker()).prop_map(|(start, end, lines, speaker)| Cue {
                start: AudioMillis(start), end: AudioMillis(end), lines, speaker,
            }),
            0..8,
        ),
    ) {
        for (file, again) in [
            (srt::write(&cues), srt::parse(&srt::write(&cues)).map(|cues| srt::write(&cues))),
            (vtt::write(&cues), vtt::parse(&vtt::write(&cues)).map(|cues| vtt::write(&cues))),
        ] {
            prop_assert_eq!(again, Ok(file));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = srt::parse(&text);
        let _ = vtt::parse(&format!("WEBVTT\n{text}"));
    }

    #[test]
    fn what_was_spoken_is_what_is_shown(
        texts in prop::collection::vec(prop::collection::vec(text(), 0..20), 0..6),
    ) {
        let texts: Vec<String> = texts.iter().map(|texts| texts.join(" ")).collect();
        let clips: Vec<_> = (0u64..).zip(&texts).map(|(idx, text)| Spoken {
            text, start: AudioMillis(idx * 4_000), end: AudioMillis(idx * 4_000 + 3_700),
            sound: (AudioMillis(idx * 4_000 + 100), AudioMillis(idx * 4_000 + 3_600)), words: &[],
        }).collect();

        let (cues, repairs) = cues(&spoken_transcript(&clips), AudioMillis(24_000), &CueRules::default());

        prop_assert_eq!(shown(&cues), letters(&texts.join(" ")));
        prop_assert_eq!(repairs.reversed + repairs.clamped + repairs.out_of_order, 0);
    }

    #[test]
    fn a_document_is_json_whatever_it_holds(transcript in transcript()) {
        let json: serde_json::Value = serde_json::from_str(&document::write(&transcript, &document::sample_meta())).unwrap();

        prop_assert_eq!(&json["words"].as_array().unwrap().len(), &transcript.words.len());
    }
}

fn letters_of_name(name: &str) -> String {
    clean(name).trim().to_owned()
}

#[test]
fn nothing_said_makes_no_cues_and_valid_files() {
    let (cues, repairs) = cues(
        &Transcript::default(),
        AudioMillis(1_000),
        &CueRules::default(),
    );

    assert!(cues.is_empty() && repairs.is_empty());
    assert_eq!(srt::write(&cues), "");
    assert_eq!(vtt::parse(&vtt::write(&cues)), Ok(Vec::new()));
    assert_eq!(txt::write(&Transcript::default()), "");
}
