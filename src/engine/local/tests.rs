use std::fs;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::domain::{
    AudioFormat, AudioMillis, Delivery, FaultClass, PcmEncoding, SpeechParams, TranscriptionParams,
};
use crate::engine::local::{LocalEngine, SAMPLE_RATE, find, voices};
use crate::engine::{Answer, Engine, EngineError, Recording, SpeechRequest, TranscriptionRequest};

fn engine(folder: &tempfile::TempDir) -> LocalEngine {
    LocalEngine::new(folder.path().join("voices"))
}

fn params(voice: &str) -> SpeechParams {
    SpeechParams::new("svox-pico", voice, AudioFormat::Wav)
}

async fn ask(
    engine: &LocalEngine,
    params: &SpeechParams,
    input: &str,
) -> Result<(Answer, Vec<u8>), EngineError> {
    let mut body = Vec::new();
    let answer = engine
        .speak(
            SpeechRequest {
                params,
                input,
                delivery: Delivery::Rest,
            },
            &mut body,
        )
        .await?;
    Ok((answer, body))
}

fn class<T>(result: Result<T, EngineError>) -> Option<FaultClass> {
    result.err().map(|error| error.class)
}

fn seconds(samples: &[i16]) -> f64 {
    f64::from(u32::try_from(samples.len()).unwrap()) / f64::from(SAMPLE_RATE)
}

const SENTENCES: [(&str, &str); 6] = [
    ("pico-en-us", "It was a bright cold day in April."),
    ("pico-en-gb", "It was a bright cold day in April."),
    ("pico-de", "Es war ein klarer, kalter Tag im April."),
    ("pico-es", "Era un día luminoso y frío de abril."),
    ("pico-fr", "C'était une journée d'avril froide et claire."),
    ("pico-it", "Era una luminosa e fredda giornata d'aprile."),
];

#[test]
fn every_voice_speaks_at_a_human_pace() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    assert_eq!(voices().len(), SENTENCES.len());
    for (voice, text) in SENTENCES {
        let spoken = seconds(&engine.synthesize(voice, text).unwrap());

        assert!((1.5..4.0).contains(&spoken), "{voice}: {spoken} s");
    }
}

#[test]
fn the_same_text_gives_the_same_bytes_on_every_thread() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let speak_all = |order: &mut dyn Iterator<Item = usize>| {
        let mut digests = [[0; 32]; SENTENCES.len()];
        for index in order {
            let (voice, text) = SENTENCES[index];
            let samples = engine.synthesize(voice, text).unwrap();
            let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
            digests[index] = Sha256::digest(bytes).into();
        }
        digests
    };

    let alone = speak_all(&mut (0..SENTENCES.len()));
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| speak_all(&mut (0..SENTENCES.len()).rev())))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });

    assert!(together.iter().all(|digests| *digests == alone));
}

#[test]
fn a_book_cannot_give_the_voice_commands() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let stolen = folder.path().join("stolen.wav");
    let planted = folder.path().join("planted.wav");
    write(&planted, b"RIFF");

    for command in [
        format!(
            "<genfile file=\"{}\">Hello there.</genfile>",
            stolen.display()
        ),
        format!("<play file=\"{}\"/>Hello there.", planted.display()),
        "<break time=\"60s\"/>Hello there.".to_owned(),
        "<speed level=\"20\">Hello there.</speed>".to_owned(),
        "< ignore>Hello there.".to_owned(),
    ] {
        let plain = command.replace(['<', '>', '=', '"'], " ");
        let spoken = seconds(&engine.synthesize("en", &command).unwrap());
        let words = seconds(&engine.synthesize("en", &plain).unwrap());

        // What is said is the words of the command and its signs, each under a second.
        assert!(
            spoken > words && spoken < words + 9.0,
            "{command}: {spoken} s, {words} s"
        );
    }
    assert!(!stolen.exists());
}

#[test]
fn signs_are_spoken_and_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let say = |text: &str| engine.synthesize("en-US", text).unwrap();

    assert_eq!(say("a < b & c"), say("a less than b and c"));
    assert!(say("a > b").len() > say("a b").len());
    // Nothing swallows the rest of the sentence.
    assert!(say("a <b and then some more words").len() > say("a b and then").len());
}

#[test]
fn hostile_texts_end_soon_and_never_hang() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    for text in [
        "\u{e9}".repeat(700),
        "a".repeat(700),
        "8".repeat(700),
        "'".repeat(700),
        ".".repeat(3000),
        "Hello\0world\u{1}\u{7f}\u{1b}[31m".to_owned(),
        "\u{202e}\u{feff}\u{ad}Hello".to_owned(),
    ] {
        for voice in voices() {
            let spoken = engine.synthesize(voice.name, &text);

            assert!(
                spoken.as_ref().is_ok_and(|s| seconds(s) < 600.0)
                    || class(spoken) == Some(FaultClass::BadAnswer),
                "{}: {:.20}",
                voice.name,
                text
            );
        }
    }
}

#[test]
fn words_in_other_scripts_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    for (text, letters) in [("北京", "Bei Jing"), ("спасибо", "spasibo")] {
        let said = engine.synthesize("en-US", text).unwrap();

        assert!(
            said == engine.synthesize("en-US", letters).unwrap(),
            "{text}"
        );
    }
}

#[test]
fn a_text_without_words_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    for text in ["", " ", "\n\n\n", "!!!", "…", "🎉🎉", "\"", "\0"] {
        let error = engine.synthesize("en-US", text).unwrap_err();

        assert_eq!(error.class, FaultClass::BadAnswer, "{text:?}");
        assert!(error.detail.contains("nothing this voice can say"));
        assert!(!error.may_be_billed);
    }
}

#[tokio::test]
async fn an_answer_is_a_wav_file_whose_header_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let mut params = params("pico-en-us");

    let (answer, wav) = ask(&engine, &params, "Hello there.").await.unwrap();
    params.format = AudioFormat::Raw;
    params.response_encoding = Some(PcmEncoding::S16);
    let (raw_answer, raw) = ask(&engine, &params, "Hello there.").await.unwrap();

    assert_eq!(answer.content_type.as_deref(), Some("audio/wav"));
    assert_eq!(raw_answer.content_type.as_deref(), Some("audio/pcm"));
    assert_eq!(answer.bytes, u64::try_from(wav.len()).unwrap());
    assert_eq!(raw_answer.bytes, u64::try_from(raw.len()).unwrap());
    assert_eq!(wav[44..], raw[..]);
    let reader = hound::WavReader::new(wav.as_slice()).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample),
        (1, SAMPLE_RATE, 16)
    );
    let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    assert_eq!(samples, engine.synthesize("en", "Hello there.").unwrap());
}

#[tokio::test]
async fn a_hundred_kilobytes_go_through_a_file_and_come_out_whole() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    // Enough speech to leave memory, and white space so that it takes seconds, not a minute.
    let sentence = "The quick brown fox jumps over the lazy dog, and runs on and on.";
    let text = format!("{sentence}{}", " ".repeat(1000)).repeat(100);
    assert!(text.len() > 100_000);

    let (answer, wav) = ask(&engine, &params("en"), &text).await.unwrap();

    let reader = hound::WavReader::new(wav.as_slice()).unwrap();
    assert!(answer.bytes > 8 << 20, "{}", answer.bytes);
    assert_eq!(u64::from(reader.len()) * 2 + 44, answer.bytes);
}

#[tokio::test]
async fn a_faster_voice_is_shorter_and_a_slower_one_longer() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    for (voice, text) in SENTENCES {
        let mut lengths = Vec::new();
        for speed in [0.5, 1.0, 2.0] {
            let mut params = params(voice);
            params.speed = Some(speed);
            lengths.push(ask(&engine, &params, text).await.unwrap().0.bytes);
        }
        assert!(lengths[0] > lengths[1] * 3 / 2, "{voice}: {lengths:?}");
        assert!(lengths[1] > lengths[2] * 4 / 3, "{voice}: {lengths:?}");
    }
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let good = params("pico-de");
    let cases: [(&str, SpeechParams); 12] = [
        (
            "svox-pico",
            SpeechParams {
                model: "kokoro".to_owned(),
                ..good.clone()
            },
        ),
        (
            "pico-fr",
            SpeechParams {
                voice: "alloy".to_owned(),
                ..good.clone()
            },
        ),
        (
            "wav",
            SpeechParams {
                format: AudioFormat::Mp3,
                ..good.clone()
            },
        ),
        (
            "wav",
            SpeechParams {
                format: AudioFormat::Opus,
                ..good.clone()
            },
        ),
        (
            "de-DE",
            SpeechParams {
                language: Some("fr".to_owned()),
                ..good.clone()
            },
        ),
        (
            "0.5 to 2.0",
            SpeechParams {
                speed: Some(4.0),
                ..good.clone()
            },
        ),
        (
            "0.5 to 2.0",
            SpeechParams {
                speed: Some(f64::NAN),
                ..good.clone()
            },
        ),
        (
            "16000",
            SpeechParams {
                sample_rate: Some(24_000),
                ..good.clone()
            },
        ),
        (
            "pcm_s16le",
            SpeechParams {
                response_encoding: Some(PcmEncoding::F32),
                ..good.clone()
            },
        ),
        (
            "instructions",
            SpeechParams {
                instructions: Some("sing".to_owned()),
                ..good.clone()
            },
        ),
        (
            "bit_rate",
            SpeechParams {
                bit_rate: Some(128_000),
                ..good.clone()
            },
        ),
        (
            "pico-it",
            SpeechParams {
                voice: String::new(),
                ..good.clone()
            },
        ),
    ];
    for (hint, params) in cases {
        let error = ask(&engine, &params, "Hallo.").await.unwrap_err();

        assert_eq!(error.class, FaultClass::Refused, "{hint}");
        assert!(error.detail.contains(hint), "{hint}: {}", error.detail);
    }
}

#[tokio::test]
async fn it_has_no_recogniser_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let transcription = TranscriptionParams {
        model: "svox-pico".to_owned(),
        language: "en".to_owned(),
        prompt: None,
        temperature: None,
        words: false,
        translate_to: None,
        diarize: None,
    };
    let request = TranscriptionRequest {
        params: &transcription,
        recording: Recording::File(Path::new("x.wav")),
        duration: AudioMillis(0),
    };
    let error = engine
        .transcribe(request, &mut Vec::new())
        .await
        .unwrap_err();
    assert_eq!(error.class, FaultClass::Refused);
    assert!(error.detail.contains("no recogniser"));
}

#[test]
fn a_voice_is_found_by_name_and_by_language() {
    for (asked, name) in [
        ("pico-en-gb", "pico-en-gb"),
        ("PICO-DE", "pico-de"),
        ("en", "pico-en-us"),
        ("en-GB", "pico-en-gb"),
        ("fr_fr", "pico-fr"),
        (" it ", "pico-it"),
    ] {
        assert_eq!(find(asked).map(|voice| voice.name), Some(name), "{asked}");
    }
    for asked in ["", "e", "en-AU", "pico", "english"] {
        assert_eq!(find(asked), None, "{asked}");
    }
}

#[test]
fn a_truncated_or_foreign_voice_file_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let good = engine(&folder).synthesize("es", "Hola a todos.").unwrap();
    let files: Vec<_> = fs::read_dir(folder.path().join("voices"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let originals: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for damage in ["truncated", "foreign", "gone"] {
        for file in &files {
            let mut bytes = fs::read(file).unwrap();
            match damage {
                "truncated" => bytes.truncate(bytes.len() / 2),
                "foreign" => bytes[200_000] ^= 1,
                _ => fs::remove_file(file).unwrap(),
            }
            if damage != "gone" {
                write(file, &bytes);
            }
        }
        let again = engine(&folder).synthesize("es", "Hola a todos.").unwrap();

        assert_eq!(again, good, "{damage}");
        for (file, original) in files.iter().zip(&originals) {
            assert!(fs::read(file).unwrap() == *original, "{damage}");
        }
    }
}

#[test]
fn voice_files_that_vanish_while_running_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let good = engine.synthesize("it", "Ciao.").unwrap();
    fs::remove_dir_all(folder.path().join("voices")).unwrap();

    let missing = engine.synthesize("it", "Ciao.");

    assert_eq!(class(missing), Some(FaultClass::Local));
    assert_eq!(engine.synthesize("it", "Ciao.").unwrap(), good);
}

#[test]
fn a_cache_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    write(&file, b"x");
    let long = folder
        .path()
        .join("x".repeat(200))
        .join("y".repeat(200))
        .join("z".repeat(200));
    for (cache, hint) in [
        (file.join("voices"), "a-file"),
        (long, "longer than 500 bytes"),
    ] {
        let error = LocalEngine::new(cache)
            .synthesize("de", "Hallo.")
            .unwrap_err();

        assert_eq!(error.class, FaultClass::Local);
        assert!(error.detail.contains(hint), "{}", error.detail);
    }
}

#[tokio::test]
async fn giving_up_stops_the_thread() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let params = params("en");
    let text = "and so on ".repeat(1_000_000);
    let mut body = Vec::new();

    let given_up = tokio::time::timeout(
        Duration::from_millis(50),
        engine.speak(
            SpeechRequest {
                params: &params,
                input: &text,
                delivery: Delivery::Rest,
            },
            &mut body,
        ),
    )
    .await;

    // The runtime waits for its blocking threads when it is dropped: this test would take
    // many minutes if the thread went on.
    assert!(given_up.is_err());
    assert!(body.is_empty());
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's own file need not be atomic"
)]
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}
