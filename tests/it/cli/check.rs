//! `check` measures any audio, and proves it for a publisher.

use std::path::Path;

use serde_json::Value;

use crate::support::Project;

/// Half a second of nothing, `seconds` of a tone at half of full scale, a second of nothing.
fn tone(path: &Path, rate: u32, seconds: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for _ in 0..rate / 2 {
        writer.write_sample(0i16).unwrap();
    }
    for _ in 0..rate * seconds / 40 {
        for at in 0..40 {
            let sample = if at < 20 { 16_384i16 } else { -16_384 };
            writer.write_sample(sample).unwrap();
        }
    }
    for _ in 0..rate {
        writer.write_sample(0i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// Names of the rules that do not hold.
fn broken(record: &Value) -> Vec<&str> {
    let rules = record["rules"].as_array().unwrap().iter();
    let broken = rules.filter(|rule| rule["ok"] == false);
    broken.map(|rule| rule["rule"].as_str().unwrap()).collect()
}

#[test]
fn the_numbers_of_a_tone_are_the_tones() {
    let project = Project::new("");
    tone(&project.path("one.wav"), 44_100, 4);

    let numbers = project.run(&["check", "one.wav", "--json"]).exits(0).json();

    let file = &numbers[0];
    assert_eq!(file["duration_s"], 5.5);
    assert_eq!(
        (&file["head_s"], &file["tail_s"]),
        (&0.5.into(), &1.0.into())
    );
    assert_eq!(file["peak_db"], -6.021); // half of full scale
    assert_eq!(file["rms_db"], -7.404); // 4 of 5.5 seconds of it
    assert_eq!(file["floor_db"], Value::Null); // nothing at all
    assert_eq!(file["clipped"], 0);
    let people = project.run(&["check", "one.wav"]).exits(0).stdout();
    assert!(
        people.contains("-6.02 dB") && people.contains("44100 Hz"),
        "{people}"
    );
}

#[test]
fn what_a_publisher_does_not_take_is_named_and_ends_with_6() {
    let project = Project::new("");
    std::fs::create_dir(project.path("book")).unwrap();
    tone(&project.path("book/chapter 2.wav"), 44_100, 4);
    tone(&project.path("book/chapter 10.wav"), 22_050, 4);
    project.write("book/notes.txt", "Not audio.");

    let ran = project.run(&["check", "book", "--profile", "acx", "--json"]);

    let files = ran.exits(6).json();
    let names: Vec<_> = files
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["book/chapter 2.wav", "book/chapter 10.wav"]);
    assert_eq!(broken(&files[0]), ["rms", "format"]);
    assert_eq!(
        broken(&files[1]),
        ["rms", "format", "sample rate", "uniform"]
    );
    let ran = project.run(&["check", "book", "--profile", "acx"]).exits(6);
    assert!(
        ran.stderr()
            .contains("0 as Audible, through ACX asks, 2 not"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding_and_the_others_are_measured() {
    let project = Project::new("");
    tone(&project.path("good.wav"), 44_100, 1);
    let whole = std::fs::read(project.path("good.wav")).unwrap();
    project.write("cut.wav", &whole[..whole.len() / 2]);
    project.write("empty.wav", "");

    let files = project.run(&["check", "cut.wav", "empty.wav", "good.wav", "--json"]);

    let files = files.exits(6).json();
    let errors: Vec<_> = files.iter().map(|file| file["error"].as_str()).collect();
    assert!(errors[0].unwrap().contains("break off"), "{errors:?}");
    assert_eq!(errors[1..], [Some("the file is empty"), None]);
    // What is not there was typed wrong: nothing is measured.
    let ran = project.run(&["check", "good.wav", "gone.wav"]).exits(2);
    assert_eq!(ran.stdout(), "");
    project
        .run(&["check", "good.wav", "--profile", "acme"])
        .exits(2);
    std::fs::create_dir(project.path("nothing")).unwrap();
    project.run(&["check", "nothing"]).exits(2);
    let pipe = project.path("pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    project.run(&["check", "pipe.wav"]).exits(2);
}
