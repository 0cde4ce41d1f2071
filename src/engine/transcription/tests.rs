use proptest::prelude::*;

use super::*;
use crate::domain::{AudioMillis, Segment, Word};
use crate::engine::transcription::wire::{MAX_HOLLOW, MAX_ITEMS};

fn parsed(json: &str) -> Transcript {
    parse_transcript(json.as_bytes()).expect(json)
}

fn word(text: &str, start: u64, end: u64, speaker: Option<&str>) -> Word {
    Word {
        text: text.to_owned(),
        start: AudioMillis(start),
        end: AudioMillis(end),
        speaker: speaker.map(str::to_owned),
    }
}

fn segment(text: &str, start: u64, end: u64, speaker: Option<&str>) -> Segment {
    Segment {
        text: text.to_owned(),
        start: AudioMillis(start),
        end: AudioMillis(end),
        speaker: speaker.map(str::to_owned),
    }
}

#[test]
fn the_plain_form_is_only_text() {
    let expected = Transcript {
        text: "One two three.".to_owned(),
        ..Transcript::default()
    };

    assert_eq!(parsed(r#"{"text":"One two three."}"#), expected);
    assert_eq!(
        parsed(r#"{"duration":4.825,"language":"en","text":"One two three."}"#),
        Transcript {
            language: Some("en".to_owned()),
            duration: Some(AudioMillis(4825)),
            ..expected
        }
    );
}

#[test]
fn words_at_the_top_are_read_as_together_writes_them() {
    let transcript = parsed(
        r#"{"task":"transcribe","language":"en","duration":10.9,"text":"One two.",
            "segments":[{"id":0,"start":0.11,"end":10.85,"text":"One two."}],
            "words":[{"id":0,"word":"One","start":0.11,"end":0.4},
                     {"id":1,"word":"two.","start":0.5,"end":0.8,"speaker_id":"SPEAKER_01"}]}"#,
    );

    assert_eq!(
        transcript.segments,
        [segment("One two.", 110, 10_850, None)]
    );
    assert_eq!(
        transcript.words,
        [
            word("One", 110, 400, None),
            word("two.", 500, 800, Some("SPEAKER_01"))
        ]
    );
}

#[test]
fn speakers_segments_win_over_coarser_ones_and_name_their_words() {
    let transcript = parsed(
        r#"{"text":"One two","segments":[{"id":0,"start":0.1,"end":1.3,"text":"One two"}],
            "speaker_segments":[
              {"id":1,"speaker_id":"SPEAKER_00","start":0.1,"end":0.8,"text":"One",
               "words":[{"word":"One","start":0.1,"end":0.4,"speaker_id":"SPEAKER_00"}]},
              {"id":2,"speaker":7,"start":0.9,"end":1.3,"text":"two",
               "words":[{"text":"two","start":0.9,"end":1.3}]}]}"#,
    );

    assert_eq!(
        transcript.segments,
        [
            segment("One", 100, 800, Some("SPEAKER_00")),
            segment("two", 900, 1300, Some("7"))
        ]
    );
    assert_eq!(
        transcript.words,
        [
            word("One", 100, 400, Some("SPEAKER_00")),
            word("two", 900, 1300, Some("7"))
        ]
    );
}

#[test]
fn words_nested_in_segments_are_found() {
    let transcript = parsed(
        r#"{"task":"transcribe","detected_language":"english","duration":2,"segments":[
            {"id":0,"text":" Hi there","start":0,"end":1.5,"tokens":[1,2],"avg_logprob":-0.2,
             "words":[{"word":" Hi","start":0.0,"end":0.5,"probability":0.9},
                      {"word":" there","start":0.5,"end":1.5,"probability":0.9}]}]}"#,
    );

    assert_eq!(transcript.text, "Hi there");
    assert_eq!(transcript.language.as_deref(), Some("english"));
    assert_eq!(transcript.words.len(), 2);
    assert_eq!(transcript.duration, Some(AudioMillis(2000)));
}

#[test]
fn a_list_with_an_untimed_entry_is_left_out_as_a_whole() {
    let transcript = parsed(
        r#"{"text":"a 3 b","segments":[{"text":"a 3 b","start":0,"end":1}],
            "words":[{"word":"a","start":0,"end":0.2},{"word":"3"},{"word":"b","start":0.8,"end":1}]}"#,
    );

    assert_eq!(transcript.words, []);
    assert_eq!(transcript.segments.len(), 1);
}

#[test]
fn reversed_times_are_kept_and_negative_ones_become_zero() {
    let transcript = parsed(
        r#"{"text":"x","words":[{"word":"x","start":3.0,"end":-1.5},{"word":"y","start":-0.0,"end":0.0004}]}"#,
    );

    assert_eq!(
        transcript.words,
        [word("x", 3000, 0, None), word("y", 0, 0, None)]
    );
}

#[test]
fn silence_is_a_transcript() {
    assert_eq!(
        parsed(r#"{"text":"","segments":[],"words":[]}"#),
        Transcript::default()
    );
    assert_eq!(
        parsed(r#"{"text":"","words":null,"error":null}"#),
        Transcript::default()
    );
}

#[test]
fn hostile_values_are_errors() {
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    for bad in [
        "",
        "null",
        "[]",
        "\"text\"",
        "{}",
        r#"{"text":null}"#,
        r#"{"text":5}"#,
        r#"{"text":"x"} trailing"#,
        r#"{"text":"cut o"#,
        r#"{"text":"x","duration":1e999}"#,
        r#"{"text":"lone \ud800 surrogate"}"#,
        r#"{"text":"a","text":"b"}"#,
        "{\"text\":\"control \u{1} character\"}",
        r#"{"error":{"message":"no such model"}}"#,
        r#"{"error":"busy"}"#,
        r#"{"text":"","error":{"message":"timeout after 120 s"}}"#,
        r#"{"text":" ","error":"busy","words":[]}"#,
        "<!DOCTYPE html><p>Bad gateway</p>",
        "Internal Server Error",
        "\u{1}\u{2}\u{3} binary",
        "12",
        deep.as_str(),
    ] {
        let start: String = bad.chars().take(60).collect();
        assert!(parse_transcript(bad.as_bytes()).is_err(), "{start}");
    }
    assert!(matches!(
        parse_transcript(&vec![b' '; MAX_BYTES + 1]),
        Err(TranscriptError::TooLarge)
    ));
}

#[test]
fn what_is_of_no_use_never_fails_an_answer() {
    for odd in [
        r#"{"text":"x","duration":NaN}"#,
        r#"{"text":"x","duration":-Infinity,"note":"NaN \" NaN"}"#,
        r#"{"text":"x","duration":"soon"}"#,
        r#"{"text":"x","duration":999999999999999999999999999999}"#,
        r#"{"text":"x","language":["en"],"error":null}"#,
        r#"{"text":"x","words":{}}"#,
        r#"{"text":"x","words":"none","segments":7}"#,
        r#"{"text":"x","words":["x"]}"#,
        r#"{"text":"x","words":[{"word":["x"],"start":0,"end":1}]}"#,
        r#"{"text":"x","segments":[{"start":true,"end":1,"text":"x"}]}"#,
        r#"{"text":"x","error":"a warning"}"#,
    ] {
        let transcript = parsed(odd);
        assert_eq!(transcript.text, "x", "{odd}");
        assert_eq!(
            (transcript.words.len(), transcript.segments.len()),
            (0, 0),
            "{odd}"
        );
    }
    let transcript = parsed(
        r#"{"text":"x","duration":"4.8","words":[{"word":"x","start":"0.5","end":"1.5s","speaker":2.0}]}"#,
    );
    assert_eq!(transcript.duration, Some(AudioMillis(4800)));
    assert_eq!(transcript.words, [word("x", 500, 1500, Some("2"))]);
}

#[test]
fn a_text_that_is_blank_is_that_of_its_parts() {
    let transcript = parsed(
        r#"{"text":"","segments":[{"start":0,"end":1,"text":" One two. "},{"start":1,"end":2,"text":"Three."}]}"#,
    );

    assert_eq!(transcript.text, "One two. Three.");
}

#[test]
fn every_form_of_an_answer_is_read() {
    let segments = [
        segment("One two.", 500, 1500, None),
        segment("Three.", 2000, 3000, None),
    ];
    for timed in [
        "1\n00:00:00,500 --> 00:00:01,500\nOne two.\n\n2\n00:00:02,000 --> 00:00:03,000\nThree.\n",
        "WEBVTT\n\n00:00.500 --> 00:01.500\nOne two.\n\n00:02.000 --> 00:03.000\nThree.\n",
        "{\"start\":0.5,\"end\":1.5,\"text\":\"One two.\"}\n{\"start\":2,\"end\":3,\"text\":\"Three.\"}\n",
        "data: {\"start\":0.5,\"end\":1.5,\"text\":\"One two.\"}\n\ndata: {\"start\":2,\"end\":3,\"text\":\"Three.\"}\n\ndata: [DONE]\n",
    ] {
        let transcript = parsed(timed);
        assert_eq!(transcript.segments, segments, "{timed}");
        assert_eq!(transcript.text, "One two. Three.");
    }
    for untimed in [
        "event: transcript.text.delta\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\"One two.\"}\n\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\" Three.\"}\n",
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"One\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"One two. Three.\"}\n",
    ] {
        assert_eq!(parsed(untimed).text, "One two. Three.", "{untimed}");
    }
}

#[test]
fn plain_text_is_read_if_it_is_long_enough_to_be_speech() {
    let text = "The river was calm in the morning and nobody spoke of an error.";
    let long = [text, text, text, text, text, text].join(" ");
    assert_eq!(parsed(&long).text, long);
    let calm = "The river was calm in the morning and nobody spoke.";
    assert_eq!(parsed(calm).text, calm);
    for trouble in [
        "Try again later.",
        "One two. Three.",
        text,
        "upstream connect error or disconnect/reset before headers, reset reason: overflow",
    ] {
        assert!(parse_transcript(trouble.as_bytes()).is_err(), "{trouble}");
    }
}

#[test]
fn a_byte_that_is_no_utf_8_is_guessed_and_much_of_it_is_no_text() {
    let transcript = parse_transcript(b"{\"text\":\"The caf\xe9 is open.\"}").unwrap();
    assert_eq!(transcript.text, "The café is open.");
    assert!(has_guessed_bytes(b"caf\xe9") && !has_guessed_bytes("café".as_bytes()));
    assert!(matches!(
        parse_transcript(&[0xFF; 100]),
        Err(TranscriptError::NotText)
    ));
}

#[test]
fn an_error_under_status_200_keeps_its_words() {
    let error = parse_transcript(br#"{"error":{"message":"no such\nmodel"}}"#).unwrap_err();

    assert_eq!(
        error.to_string(),
        "the provider answered with an error: no such model"
    );
}

#[test]
fn a_list_of_nothing_is_refused_long_before_it_fills_the_memory() {
    let list = |count: usize| {
        let items = "{},".repeat(count);
        format!(
            "{{\"text\":\"a\",\"words\":[{}]}}",
            items.trim_end_matches(',')
        )
    };

    assert_eq!(parsed(&list(MAX_HOLLOW)).text, "a");
    let refused = parse_transcript(list(MAX_HOLLOW + 1).as_bytes()).unwrap_err();
    assert!(
        refused.to_string().contains("without text or time"),
        "{refused}"
    );
}

#[test]
fn absurd_lists_are_refused_before_they_fill_memory() {
    let list = format!(
        "{{\"text\":\"\",\"words\":[{}{{}}]}}",
        r#"{"word":""},"#.repeat(MAX_ITEMS)
    );

    let error = parse_transcript(list.as_bytes()).unwrap_err();

    assert!(error.to_string().contains("more than 500000"), "{error}");
}

#[test]
fn an_error_does_not_quote_the_transcript_at_length() {
    let json = format!("{{\"text\":[\"{}\"]}}", "secret ".repeat(100_000));
    let error = parse_transcript(json.as_bytes()).unwrap_err();
    assert!(error.to_string().chars().count() < 600);
}

#[test]
fn a_cut_transcript_is_never_taken_for_a_whole_one() {
    let whole = br#"{"text":"One two.","duration":10.9,"segments":[{"id":0,"start":0.11,"end":10.85,"text":"One two."}],"words":[{"word":"One","start":0.11,"end":0.4}]}"#;

    assert!(parse_transcript(whole).is_ok());
    for cut in 0..whole.len() {
        assert!(parse_transcript(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_transcript(&bytes);
    }
}
