//! What the experiments work on: small projects against a provider on loopback that jitters, and
//! what an undisturbed run makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use voicespool::engine::local::LocalEngine;
use voicespool_mock::{FaultRule, MockOptions, tones};
use walkdir::WalkDir;

use crate::kept::Kept;
use crate::support::{Project, Provider};

/// What a project is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Books to audio and subtitles, WAV and MP3.
    Speech,
    /// Recordings to transcripts.
    Transcription,
}

/// A kind of project, its provider, and what an undisturbed run makes.
pub(crate) struct Scene {
    pub(crate) provider: Provider,
    pub(crate) kind: Kind,
    /// Path and content of every input.
    inputs: Vec<(String, Vec<u8>)>,
    expected: BTreeMap<PathBuf, Vec<u8>>,
}

impl Scene {
    /// `size` is about the number of requests.
    pub(crate) fn new(kind: Kind, size: usize, seed: u64) -> Self {
        let provider = Provider::start(MockOptions {
            seed,
            faults: jitter(),
            ..MockOptions::default()
        });
        let inputs = match kind {
            Kind::Speech => books(size),
            Kind::Transcription => recordings(size),
        };
        let mut scene = Self {
            provider,
            kind,
            inputs,
            expected: BTreeMap::new(),
        };
        let undisturbed = scene.project(8);
        undisturbed.run(&["run", "--yes"]).exits(0);
        scene.expected = outputs(&undisturbed);
        assert!(!scene.expected.is_empty());
        scene
    }

    /// A project on which nothing was run yet.
    pub(crate) fn project(&self, workers: usize) -> Kept {
        let tasks = match self.kind {
            Kind::Speech => SPEECH,
            Kind::Transcription => TRANSCRIPTION,
        };
        let project = Kept::new(Project::new(&format!(
            "version = 1\n[run]\nworkers = {workers}\n{}{tasks}",
            self.provider.profile()
        )));
        for (path, content) in &self.inputs {
            project.write(path, content);
        }
        project
    }

    /// Every file below `out` is, byte for byte, what an undisturbed run makes.
    pub(crate) fn check_outputs(&self, project: &Project) {
        let found = outputs(project);
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&self.expected), "other files");
        for (path, content) in &self.expected {
            assert!(
                found[path] == *content,
                "{} differs from an undisturbed run",
                path.display()
            );
        }
    }
}

const SPEECH: &str = r#"
[task.wav]
type = "tts"
profile = "mock"
input = ["wav/*.txt"]
model = "hexgrad/Kokoro-82M"
voice = "af_heart"
format = "wav"
subtitles = ["srt"]
output = "{task}/{stem}.{ext}"
chunk = { max_chars = 120, target_chars = 60, min_chars = 10 }
[task.mp3]
type = "tts"
profile = "mock"
input = ["mp3/*.txt"]
model = "hexgrad/Kokoro-82M"
voice = "af_heart"
format = "mp3"
subtitles = ["srt", "vtt"]
output = "{task}/{stem}.{ext}"
chunk = { max_chars = 120, target_chars = 60, min_chars = 10 }
"#;

const TRANSCRIPTION: &str = r#"
[task.talks]
type = "stt"
profile = "mock"
input = ["talks"]
model = "openai/whisper-large-v3"
timestamps = "word"
formats = ["srt", "json", "txt"]
"#;

/// From no delay at all to slow bodies, so that a kill can fall everywhere.
fn jitter() -> Vec<FaultRule> {
    [
        (0.25, "delay=15ms"),
        (0.25, "delay=40ms"),
        (0.2, "delay=5ms;drip=600000"),
        (0.15, "delay=90ms"),
    ]
    .map(|(probability, fault)| FaultRule::sometimes(probability, fault.parse().unwrap()))
    .into()
}

/// Books of short paragraphs, a request each. A paragraph of the first stands in the second as well,
/// and is one request for both.
fn books(size: usize) -> Vec<(String, Vec<u8>)> {
    let shares = [
        ("wav/one.txt", size / 3),
        ("wav/two.txt", size / 3),
        ("mp3/three.txt", size - 2 * (size / 3)),
    ];
    shares
        .into_iter()
        .map(|(path, paragraphs)| {
            let mut text = String::new();
            if path.starts_with("wav") {
                text.push_str("Every book of this house begins with the same few words.\n\n");
            }
            for number in 1..=paragraphs.max(1) {
                text.push_str(&format!(
                    "This is paragraph number {number} of {path}, spoken alone.\n\n"
                ));
            }
            (path.to_owned(), text.into_bytes())
        })
        .collect()
}

/// Tones and, every third, speech of the built-in voice.
fn recordings(size: usize) -> Vec<(String, Vec<u8>)> {
    let engine = LocalEngine::new(crate::support::cache().join("voicespool"));
    (1..=size)
        .map(|number| {
            let text = format!("Recording number {number} was made for this experiment.");
            let samples = match number % 3 {
                0 => engine.synthesize("en-US", &text).unwrap(),
                _ => tones("en-US", &text).unwrap(),
            };
            (format!("talks/{number:03}.wav"), wav(&samples))
        })
        .collect()
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// Finished files by path. Of a transcript's JSON all but what tells how it came to be, which a
/// second attempt rightly changes.
fn outputs(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let out = project.path("out");
    files_below(&out)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension != "csv"))
        .map(|path| {
            let mut content = fs::read(&path).unwrap();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let mut json: Value = serde_json::from_slice(&content).unwrap();
                json.as_object_mut().unwrap().remove("voicespool").unwrap();
                content = json.to_string().into_bytes();
            }
            (path.strip_prefix(&out).unwrap().to_owned(), content)
        })
        .collect()
}

/// Every file below `folder`.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}
