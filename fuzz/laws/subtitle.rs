//! Cues and the files they are written to.

use voicespool::domain::{AudioMillis, Segment, Transcript, Word};
use voicespool::subtitle::{Cue, CueRules, cues as cues_of, srt, txt, vtt};

use super::input::{Input, assert_one_line};

/// As a subtitle file, and as the words of a transcript: start, length and text, ended by a zero byte.
pub fn cues(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for parsed in [srt::parse(&text), vtt::parse(&text)] {
        match parsed {
            Ok(cues) => check_files(&cues),
            Err(error) => assert_one_line(&error.to_string()),
        }
    }
    let mut input = Input::new(data);
    let audio = AudioMillis(u64::from(input.word()) * 10);
    let mut transcript = Transcript::default();
    while !input.is_empty() && transcript.words.len() < 200 {
        let word = word(&mut input);
        if word.text.contains('\u{1}') {
            transcript.segments.push(Segment {
                text: word.text,
                start: word.start,
                end: word.end,
                speaker: word.speaker,
            });
        } else {
            transcript.words.push(word);
        }
    }
    transcript.text = transcript
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    check_cues(&transcript, audio);
}

fn word(input: &mut Input<'_>) -> Word {
    let (start, length) = (u64::from(input.word()), i64::from(input.byte()) - 20);
    let mut text = Vec::new();
    while let Some(byte) = Some(input.byte()).filter(|byte| *byte != 0) {
        text.push(byte);
    }
    Word {
        text: String::from_utf8_lossy(&text).into_owned(),
        start: AudioMillis(start * 10),
        end: AudioMillis((start * 10).saturating_add_signed(length * 10)),
        speaker: (start % 7 == 0).then(|| format!("S{}", start % 3)),
    }
}

/// Cues are in order, apart, and inside the audio, and their files are read back as they were.
pub(crate) fn check_cues(transcript: &Transcript, audio: AudioMillis) {
    let (cues, _) = cues_of(transcript, audio, &CueRules::default());
    let mut free = 0;
    for cue in &cues {
        assert!(cue.start.0 >= free, "{cue:?} before {free}");
        assert!(cue.end > cue.start, "{cue:?}");
        assert!(!cue.lines.is_empty() && cue.lines.iter().all(|line| !line.is_empty()));
        free = cue.end.0;
    }
    assert!(audio.0 == 0 || free <= audio.0, "{free} after {audio:?}");
    assert_eq!(srt::parse(&srt::write(&cues)), Ok(srt::told(&cues)));
    check_files(&cues);
    assert!(!txt::write(transcript).contains('\r'));
}

/// Once written, a file stays as it is however often it is read and written again.
fn check_files(cues: &[Cue]) {
    let file = srt::write(cues);
    let again = srt::parse(&file).map(|cues| srt::write(&cues));
    assert_eq!(again.as_deref(), Ok(file.as_str()));
    let file = vtt::write(cues);
    let again = vtt::parse(&file).map(|cues| vtt::write(&cues));
    assert_eq!(again.as_deref(), Ok(file.as_str()));
}
