//! Keys as they stand in every queue there is. One of these values changes only together with a way
//! to find what was bought under the old one: otherwise everything ever made is bought again.

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::*;
use crate::domain::{
    Alignment, AudioFormat, AudioMillis, Book, DocumentFormat, FileFormat, OnMissing, PcmEncoding,
    RawAudio, Segmenting, Speakers,
};
use crate::pipeline::recipe::{Assemble, Chapter, Compose, Document};
use crate::pipeline::task::Pauses;
use crate::subtitle::CueRules;

fn params(voice: &str) -> SpeechParams {
    SpeechParams::new("m", voice, AudioFormat::Wav)
}

fn every_speech_field() -> SpeechParams {
    SpeechParams {
        model: "cartesia/sonic-2".to_owned(),
        voice: "calm lady".to_owned(),
        format: AudioFormat::Mp3,
        language: Some("pt-br".to_owned()),
        speed: Some(1.1),
        instructions: Some("as if \"asleep\"".to_owned()),
        response_encoding: Some(PcmEncoding::MuLaw),
        sample_rate: Some(44_100),
        bit_rate: Some(128_000),
        alignment: Alignment::Word,
        segment: Some(Segmenting::Never),
        max_partial_length: Some(200),
        extra_params: Some("{\"pitch\":2}".to_owned()),
        raw: Some(RawAudio {
            encoding: PcmEncoding::S16,
            sample_rate: 22_050,
        }),
    }
}

fn transcription() -> TranscriptionParams {
    TranscriptionParams {
        model: "openai/whisper-large-v3".to_owned(),
        language: "auto".to_owned(),
        prompt: None,
        temperature: None,
        words: true,
        translate_to: None,
        diarize: None,
    }
}

fn every_transcription_field() -> TranscriptionParams {
    TranscriptionParams {
        prompt: Some("Kofi, Ama".to_owned()),
        temperature: Some(0.2),
        words: false,
        translate_to: Some("en".to_owned()),
        diarize: Some(Speakers {
            min: NonZeroU32::new(2),
            max: NonZeroU32::new(5),
        }),
        ..transcription()
    }
}

fn assemble() -> Assemble {
    Assemble {
        task: "books".to_owned(),
        endpoint: "local".to_owned(),
        params: params("pico-en-us"),
        text: of_bytes(b"text"),
        on_missing: OnMissing::Stop,
        sound: crate::pipeline::recipe::Sound::default(),
        book: Book::default(),
        cover: None,
        respelt: Vec::new(),
        layout: crate::domain::Layout::Files,
        files: Vec::new(),
        format: FileFormat::Flac,
        audio: PathBuf::from("part one/01.flac"),
        subtitles: vec![Document {
            format: DocumentFormat::Srt,
            path: PathBuf::from("part one/01.srt"),
        }],
        pauses: Pauses::default(),
        title: Some("Part one".to_owned()),
        chapters: vec![Chapter {
            title: "I".to_owned(),
            start: 12,
        }],
        chunks: of_bytes(b"chunks"),
    }
}

fn compose() -> Compose {
    Compose {
        task: "talks".to_owned(),
        endpoint: "https://api.together.ai/v1".to_owned(),
        params: transcription(),
        documents: vec![Document {
            format: DocumentFormat::Vtt,
            path: PathBuf::from("talk.vtt"),
        }],
        cues: CueRules::default(),
        duration: AudioMillis(61_500),
        bytes: 984_000,
        audio: of_bytes(b"audio"),
        remote: false,
        speakers: std::collections::BTreeMap::new(),
        clips: Vec::new(),
        compared: false,
    }
}

#[test]
fn speech_is_known_by_the_keys_it_always_had() {
    let minimal = speak("local", &params("pico-en-us"), "Good morning.");
    assert_eq!(
        minimal.to_string(),
        "8db4a7e8b3e61941e1133b708662490e1a01a22453fd8c7f8166148243bfc039"
    );
    let all = speak(
        "https://api.together.ai/v1",
        &every_speech_field(),
        "Größe: 5 µm\n",
    );
    assert_eq!(
        all.to_string(),
        "c7a64074d5d05c588367a53b1e29cf459b82cd6fcea85cac98bc06ac76416498"
    );
}

#[test]
fn transcriptions_are_known_by_the_keys_they_always_had() {
    let audio = of_bytes(b"audio");
    let minimal = transcribe("https://api.together.ai/v1", &transcription(), audio);
    assert_eq!(
        minimal.to_string(),
        "791e194ba027ff2e991d7d1779723f9f457207166443b5377a48ddd3e28681b4"
    );
    let clip = Stretch {
        start: AudioMillis(0),
        end: AudioMillis(60_000),
    };
    let part = transcribe_part("https://api.together.ai/v1", &transcription(), audio, clip);
    assert_eq!(
        part.to_string(),
        "7723f6a9b0936501478957084a2242c8fbd45786291934a5e2f7f4dc76ce9903"
    );
    let all = transcribe(
        "http://127.0.0.1:8080/v1",
        &every_transcription_field(),
        audio,
    );
    assert_eq!(
        all.to_string(),
        "621587717b4be85b14eb2be7851a1563970bf3aa0b33a2381ce6b124c14cf211"
    );
}

#[test]
fn finished_files_are_known_by_the_keys_they_always_had() {
    let spoken = output("assemble", of_bytes(b"source"), &assemble());
    assert_eq!(
        spoken.to_string(),
        "de254c0063aedd0e343ac63d82c78ff7fe11d48c75bc946c9de48474c4af605a"
    );
    let written = output("compose", of_bytes(b"source"), &compose());
    assert_eq!(
        written.to_string(),
        "167b9f1b53b000d85a2f88fbf75ba32c99b3709ab01150c9f5daef5b537d798e"
    );
    let fetched = Compose {
        remote: true,
        ..compose()
    };
    let fetched = output("compose", of_bytes(b"source"), &fetched);
    assert_eq!(
        fetched.to_string(),
        "509d0d3706f3edebdc418f1a887e91e1ab5b96d9e708008ce794aa0bcebc25b4"
    );
}

#[test]
fn addresses_are_known_by_the_keys_they_always_had() {
    let key = of_address("https://example.org/feed/episode 1.mp3", "ep-1", "track=2");
    assert_eq!(
        key.to_string(),
        "3fca962a416cb5d24a9bc77cd427827384a7f0dc3215512ec78f89b4391eb5ef"
    );
}

#[test]
fn every_field_of_speech_changes_its_key() {
    let base = speak("local", &params("a"), "hello");

    assert_eq!(base, speak("local", &params("a"), "hello"));
    assert_ne!(base, speak("loca", &params("a"), "lhello"));
    assert_ne!(base, speak("local", &params("b"), "hello"));
    assert_ne!(base, speak("local", &params("a"), "hello "));
    let faster = SpeechParams {
        speed: Some(1.5),
        ..params("a")
    };
    assert_ne!(base, speak("local", &faster, "hello"));
}

#[test]
fn every_field_of_a_transcription_changes_its_key() {
    let audio = of_bytes(b"audio");
    let base = transcribe("a", &transcription(), audio);

    assert_eq!(base, transcribe("a", &transcription(), audio));
    assert_ne!(base, transcribe("b", &transcription(), audio));
    assert_ne!(base, transcribe("a", &every_transcription_field(), audio));
    assert_ne!(base, transcribe("a", &transcription(), of_bytes(b"other")));
    // Not the key of speaking with the same bytes, nor of an output.
    let mut kinds = vec![base, speak("a", &params("a"), "x"), of_address("a", "", "")];
    kinds.push(output("compose", audio, &transcription()));
    kinds.dedup();
    assert_eq!(kinds.len(), 4);
}

#[test]
fn every_field_of_an_output_changes_its_key() {
    let base = output("assemble", of_bytes(b"a"), &1);

    assert_eq!(base, output("assemble", of_bytes(b"a"), &1));
    assert_ne!(base, output("compose", of_bytes(b"a"), &1));
    assert_ne!(base, output("assemble", of_bytes(b"b"), &1));
    assert_ne!(base, output("assemble", of_bytes(b"a"), &2));
}

#[test]
fn a_file_has_the_hash_of_its_bytes_however_long_it_is() {
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let bytes = vec![7; length];
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        assert_eq!(
            of_file(file.path()).unwrap(),
            of_bytes(&bytes),
            "{length} bytes"
        );
    }
}
