//! Recognising its own speech, alone and joined; inventing for the rest.

use super::*;

#[tokio::test]
async fn its_own_speech_is_heard_truthfully_also_inside_a_joined_file() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    let said = [TEXT, "Nobody came.", "The meeting starts at nine."];
    for (spoken_as, joined_as) in [
        (AudioFormat::Wav, FileFormat::Wav),
        (AudioFormat::Wav, FileFormat::Flac),
        (AudioFormat::Mp3, FileFormat::Mp3),
    ] {
        let mut clips = Vec::new();
        for text in said {
            clips.push(speak(&engine, spoken_as, text).await.unwrap().1);
        }
        let (book, spans) = joined(&clips, joined_as);

        let answer = transcribe(&engine, &format!("book.{joined_as}"), &book)
            .await
            .unwrap();

        let heard = parse_transcript(&answer).unwrap();
        assert_eq!(heard.text, said.join(" "), "{joined_as}");
        assert_eq!(heard.segments.len(), 4);
        let words: Vec<&str> = heard.words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words.join(" "), heard.text);
        assert!(
            heard
                .words
                .windows(2)
                .all(|pair| pair[0].end <= pair[1].start)
        );
        assert!(heard.words.last().unwrap().end <= heard.duration.unwrap());
        // TEXT is two sentences of the first clip.
        for (segment, clip) in heard.segments.iter().zip([0, 0, 1, 2]) {
            let span: Span = spans[clip];
            let is_inside =
                segment.start.0 + 60 >= span.start.0 && segment.end.0 <= span.end.0 + 60;
            assert!(is_inside, "{joined_as}: {segment:?} in {span:?}");
        }
    }
}

/// The clips as one file with pauses between them, and where they lie in it.
fn joined(clips: &[Vec<u8>], format: FileFormat) -> (Vec<u8>, Vec<Span>) {
    let files: Vec<_> = clips.iter().map(|clip| temporary("clip", clip)).collect();
    let clips: Vec<Clip> = files
        .iter()
        .map(|(_, path)| Clip {
            path: path.clone(),
            pause_after: AudioMillis(700),
            chapter: None,
        })
        .collect();
    let mut out = tempfile::NamedTempFile::new().unwrap();
    let joined = join(
        &clips,
        format,
        Mastering::default(),
        &Tags::default(),
        out.as_file_mut(),
    )
    .unwrap();
    (std::fs::read(out.path()).unwrap(), joined.clips)
}

#[tokio::test]
async fn foreign_audio_gets_the_same_invented_words_every_time() {
    let mock = start(MockOptions::default()).await;
    let engine = engine_for(&mock);
    let foreign = wav(&tones("x", "never spoken here").unwrap(), 16_000);

    let first = transcribe(&engine, "a.wav", &foreign).await.unwrap();
    let again = transcribe(&engine, "b.wav", &foreign).await.unwrap();
    let fault = transcribe(&engine, "c.wav", b"no audio").await.unwrap_err();

    assert_eq!(first, again);
    assert!(!parse_transcript(&first).unwrap().words.is_empty());
    assert_eq!(fault.class, FaultClass::Refused);
    assert_eq!(
        fault.detail,
        "400 Bad Request: The audio cannot be decoded."
    );
}
