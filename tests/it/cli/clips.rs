//! Recordings that are cut: a time code in tones, in which every word has a number of its own, so that a word that is
//! lost, doubled or moved is seen.

use std::collections::BTreeSet;
use std::f32::consts::TAU;
use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use voicespool::audio::decode::{DecodeError, decode};

use crate::support::Project;
use crate::support::recogniser::Recogniser;

const RATE: u32 = 16_000;
/// One tone.
const SLOT: usize = 640;
/// A tone that begins a word, then four digits to base 8, the lowest first.
const SLOTS: usize = 5;
const WORD: usize = SLOT * SLOTS;
const SYNC: f32 = 3_600.0;

fn digit(value: usize) -> f32 {
    800.0 + 300.0 * f32::from(u8::try_from(value).unwrap())
}

fn tone(out: &mut Vec<f32>, frequency: f32) {
    for at in 0..SLOT {
        let time = f32::from(u16::try_from(at).unwrap());
        // Soft edges: a click has every frequency.
        let edge = time.min(f32::from(u16::try_from(SLOT - at).unwrap())) / 60.0;
        let phase = TAU * frequency * time / f32::from(u16::try_from(RATE).unwrap());
        out.push(phase.sin() * edge.min(1.0) * 0.4);
    }
}

/// `words` words, a pause after every `in_a_row` of them, and what is heard under them. With each, when it starts.
fn time_code(words: usize, in_a_row: usize, under: impl Fn(usize) -> f32) -> (Vec<i16>, Vec<f64>) {
    let (mut samples, mut starts) = (Vec::new(), Vec::new());
    for number in 0..words {
        starts.push(f64::from(u32::try_from(samples.len()).unwrap()) / f64::from(RATE));
        tone(&mut samples, SYNC);
        for place in 0..SLOTS - 1 {
            tone(&mut samples, digit(number >> (3 * place) & 7));
        }
        if number % in_a_row == in_a_row - 1 {
            samples.extend(std::iter::repeat_n(0.0, 9_600));
        }
    }
    let samples = samples.iter().enumerate().map(|(at, sample)| {
        let loud = (sample + under(at)).clamp(-1.0, 1.0) * 32_000.0;
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "clamped"
        )]
        let whole = loud as i16;
        whole
    });
    (samples.collect(), starts)
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
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

/// How much of `frequency` is in `samples` (Goertzel).
fn power(samples: &[f32], frequency: f32) -> f32 {
    let factor = 2.0 * (TAU * frequency / f32::from(u16::try_from(RATE).unwrap())).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (sample + factor * one - two, one);
    }
    one * one + two * two - factor * one * two
}

/// The words of a time code, with the times at which they start. A word that is not all there is not heard.
fn heard(samples: &[f32]) -> Vec<(usize, f64)> {
    let mut words = Vec::new();
    let mut at = 0;
    while at + WORD <= samples.len() {
        // The tone that begins a word, where it is loudest in a slot.
        let sync = |at: usize| power(samples.get(at..at + SLOT).unwrap_or_default(), SYNC);
        let total: f32 = samples[at..at + SLOT]
            .iter()
            .map(|sample| sample * sample)
            .sum();
        if total < 1.0 || sync(at) < 0.35 * total * f32::from(u16::try_from(SLOT / 2).unwrap()) {
            at += 80;
            continue;
        }
        let Some(start) = (at..at + SLOT)
            .step_by(20)
            .max_by(|one, two| sync(*one).total_cmp(&sync(*two)))
        else {
            break;
        };
        let Some(tones) = samples.get(start + SLOT..start + WORD) else {
            break;
        };
        let digits = tones.chunks(SLOT).map(|slot| {
            let loudest = |one: &usize, two: &usize| {
                power(slot, digit(*one)).total_cmp(&power(slot, digit(*two)))
            };
            (0..8).max_by(loudest).unwrap()
        });
        let number = digits
            .enumerate()
            .map(|(place, digit)| digit << (3 * place))
            .sum();
        let time = f64::from(u32::try_from(start).unwrap()) / f64::from(RATE);
        words.push((number, time));
        at = start + WORD - SLOT / 2;
    }
    words
}

/// The answer of a recogniser that understands the time code.
fn transcript(upload: &[u8]) -> Value {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, upload).unwrap();
    let mut samples = Vec::new();
    decode::<DecodeError>(file.path(), |shape, block| {
        assert_eq!((shape.sample_rate, shape.channels), (RATE, 1));
        samples.extend(block.iter().map(|sample| f32::from(*sample) / 32_768.0));
        Ok(())
    })
    .unwrap();
    let words = heard(&samples);
    let text: Vec<_> = words
        .iter()
        .map(|(number, _)| format!("w{number}"))
        .collect();
    let words: Vec<_> = words
        .iter()
        .map(|(number, start)| json!({ "word": format!("w{number}"), "start": start, "end": start + 0.19 }))
        .collect();
    let length = f64::from(u32::try_from(samples.len()).unwrap()) / f64::from(RATE);
    json!({ "text": text.join(" "), "language": "en", "duration": length, "words": words })
}

/// Every word of `starts` stands once in the JSON and the text of `project`, in order, at its time.
fn all_there(project: &Project, starts: &[f64]) {
    let expected: Vec<_> = (0..starts.len())
        .map(|number| format!("w{number}"))
        .collect();
    let text = project.read("out/talks/a.txt");
    let words: Vec<_> = text.split_whitespace().collect();
    let wrong = words
        .iter()
        .zip(&expected)
        .position(|(word, expected)| word != expected);
    let around = wrong.map(|at| &words[at.saturating_sub(3)..words.len().min(at + 6)]);
    assert_eq!((words.len(), wrong), (expected.len(), None), "{around:?}");
    let json: Value = serde_json::from_str(&project.read("out/talks/a.json")).unwrap();
    let words = json["words"].as_array().unwrap();
    assert_eq!(words.len(), starts.len());
    for (word, expected) in words.iter().zip(starts) {
        let start = word["start"].as_f64().unwrap();
        assert!((start - expected).abs() < 0.1, "{word}: {expected}");
    }
}

/// Five minutes in clips of at most one.
fn cut(in_a_row: usize, under: impl Fn(usize) -> f32) -> Vec<Value> {
    let (samples, starts) = time_code(1_300, in_a_row, under);
    let server = Recogniser::start(|upload| (200, transcript(upload)));
    let project = Project::new(&server.config("split = \"1m\"\ncheck = \"off\"\n"));
    project.write("talks/a.wav", wav(&samples));

    project.run(&["run", "--yes"]).exits(0);

    all_there(&project, &starts);
    let json: Value = serde_json::from_str(&project.read("out/talks/a.json")).unwrap();
    let clips = json["voicespool"]["chunks"].as_array().unwrap().clone();
    assert!((5..=10).contains(&clips.len()), "{clips:?}");
    assert_eq!(json["voicespool"]["quality"]["flags"], json!([]));
    clips
}

fn ends(clips: &[Value]) -> BTreeSet<&str> {
    clips
        .iter()
        .map(|clip| clip["cut"].as_str().unwrap())
        .collect()
}

#[test]
fn a_recording_with_pauses_is_cut_in_them() {
    let clips = cut(20, |_| 0.0);

    assert_eq!(ends(&clips), BTreeSet::from(["pause", "end"]));
}

#[test]
fn a_recording_without_a_pause_loses_no_word() {
    let clips = cut(usize::MAX, |_| 0.0);

    assert_eq!(ends(&clips), BTreeSet::from(["overlap", "end"]));
}

/// Noise as of a bad line, from a small generator.
fn noise(at: usize) -> f32 {
    let mixed = u32::try_from(at)
        .unwrap()
        .wrapping_mul(2_654_435_761)
        .rotate_left(13)
        .wrapping_mul(2_246_822_519);
    let byte = mixed.to_le_bytes()[3];
    (f32::from(byte) - 127.5) / 127.5 * 0.02
}

#[test]
fn noise_hides_no_pause_and_music_makes_the_clips_overlap() {
    let clips = cut(20, noise);
    assert_eq!(ends(&clips), BTreeSet::from(["pause", "end"]));

    // A chord that goes on and on, as loud as the words.
    let music = |at: usize| {
        let time = f32::from(u16::try_from(at % usize::try_from(RATE).unwrap()).unwrap());
        let turn = TAU * time / f32::from(u16::try_from(RATE).unwrap());
        [110.0, 165.0, 220.0, 277.0]
            .iter()
            .map(|hertz| (turn * hertz).sin() * 0.07)
            .sum()
    };
    let clips = cut(20, music);
    assert_eq!(ends(&clips), BTreeSet::from(["overlap", "end"]));
}

#[test]
fn a_clip_that_fails_is_bought_alone_and_a_finished_recording_never_again() {
    let (samples, starts) = time_code(600, 20, |_| 0.0);
    let (asked, refuses) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(true)));
    let (heard, refusing) = (asked.clone(), refuses.clone());
    let server = Recogniser::start(move |upload| {
        let answer = transcript(upload);
        let first = answer["words"][0]["word"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        heard.lock().unwrap().push(first.clone());
        if first != "w0" && *refusing.lock().unwrap() {
            return (
                400,
                json!({ "error": { "message": "this clip is not for us" } }),
            );
        }
        (200, answer)
    });
    let settings = "split = \"1m\"\ncheck = \"off\"\n";
    let project = Project::new(&server.config(settings));
    project.write("talks/a.wav", wav(&samples));

    let plan = project.run(&["plan", "--json"]).exits(0).json();
    let planned = plan[0]["tasks"][0]["files"][0].clone();
    assert_eq!(planned["at_most"], true, "{planned}");
    assert!(
        planned["note"]
            .as_str()
            .unwrap()
            .contains("a run cuts it in pauses"),
        "{planned}"
    );
    project.run(&["run", "--yes"]).exits(3);
    assert!(!project.path("out/talks/a.txt").exists());
    *refuses.lock().unwrap() = false;
    let before = asked.lock().unwrap().len();
    project
        .run(&["retry", "--state", "failed", "--yes"])
        .exits(0);
    project.run(&["run", "--yes"]).exits(0);

    all_there(&project, &starts);
    let again = asked.lock().unwrap()[before..].to_vec();
    assert!(
        !again.contains(&"w0".to_owned()) && !again.is_empty(),
        "{again:?}"
    );
    // Neither another length of clips nor none buys it again.
    for settings in ["split = \"2m\"\ncheck = \"off\"\n", "check = \"off\"\n"] {
        project.write("jobs.toml", server.config(settings));
        let plan = project.run(&["plan", "--json"]).exits(0).json();
        assert_eq!(plan[0]["totals"]["requests_to_send"], 0, "{plan:?}");
    }
}

#[test]
fn a_recording_that_is_too_long_for_the_provider_is_cut() {
    let (samples, starts) = time_code(600, 20, |_| 0.0);
    let server = Recogniser::start(|upload| (200, transcript(upload)));
    let settings = "check = \"off\"\n[models.\"whisper-1\"]\nmax_audio = \"1m\"\n";
    let project = Project::new(&server.config(settings));
    project.write("talks/a.wav", wav(&samples));
    let twice = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(twice[0]["totals"]["files_refused"], 0, "{twice:?}");

    project.run(&["run", "--yes"]).exits(0);

    all_there(&project, &starts);
    assert!(
        fs::read_dir(project.path(".voicespool/uploads")).map_or(true, |left| left.count() == 0)
    );
}

/// What was transcribed whole stays, whatever a task says of clips later.
#[test]
fn a_recording_that_was_bought_whole_is_not_bought_in_clips() {
    let (samples, starts) = time_code(400, 20, |_| 0.0);
    let server = Recogniser::start(|upload| (200, transcript(upload)));
    let project = Project::new(&server.config("check = \"off\"\n"));
    project.write("talks/a.wav", wav(&samples));
    project.run(&["run", "--yes"]).exits(0);
    all_there(&project, &starts);

    project.write(
        "jobs.toml",
        server.config("split = \"30s\"\ncheck = \"off\"\n"),
    );

    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["totals"]["requests_to_send"], 0, "{plan:?}");
    assert_eq!(plan[0]["tasks"][0]["files"][0]["state"], "done", "{plan:?}");
}

/// A recording that breaks off inside is told before anything of it is sent, and the run is no success.
#[test]
fn a_recording_that_cannot_be_listened_to_is_not_sent_in_part() {
    let server = Recogniser::start(|_| (500, json!("nothing is to be sent")));
    let project = Project::new(&server.config("split = \"30s\"\n"));
    let text = "The boats came in before the storm, and nobody spoke a word. ".repeat(12);
    project.run(&["tts", &text, "-o", "a.flac"]).exits(0);
    let mut bytes = fs::read(project.path("a.flac")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_000].fill(0);
    project.write("talks/a.flac", bytes);

    let ran = project.run(&["run", "--yes"]).exits(3);

    let said = ran.stderr();
    assert!(said.contains("cannot be decoded to be cut"), "{said}");
    assert!(said.contains("1 file refused"), "{said}");
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["tasks"][0]["files"][0]["state"], "new", "{plan:?}");
}
