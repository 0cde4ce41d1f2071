//! Files that are coded here, or by a program that is installed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Project;

const BOOK: &str = "# The Sea\n\nThe boats came in before the storm. Nobody spoke.\n\n# The River\n\nSomebody had left a lamp in the window of the old house, and it burned until the morning.\n";

/// What `check` measures of a file.
fn measured(project: &Project, file: &str) -> Value {
    project.run(&["check", file, "--json"]).exits(0).json()[0].clone()
}

/// `lame` or `ffmpeg` is installed. Without one the test says so; where everything is checked, it has to be there.
#[expect(clippy::print_stdout, reason = "a skip is said")]
fn has_coder() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| {
        ["lame", "ffmpeg"]
            .iter()
            .any(|name| folder.join(name).is_file())
    });
    assert!(
        is_there || std::env::var_os("CI").is_none(),
        "no coder of MP3 is installed"
    );
    if !is_there {
        println!("skipped: neither lame nor ffmpeg is installed");
    }
    is_there
}

#[test]
fn opus_and_mp3_last_as_long_as_a_wav_and_are_as_loud() {
    let project = Project::new("");
    project.write("b.md", BOOK);
    let say = |out: &str| {
        let said = project
            .run(&["tts", "b.md", "-o", out, "--loudness", "-19"])
            .exits(0);
        (measured(&project, out), said.stderr())
    };
    let (wav, _) = say("b.wav");
    let (opus, _) = say("b.opus");

    assert_eq!(opus["duration_s"], wav["duration_s"], "{opus} {wav}");
    assert_eq!(
        (&opus["codec"], &opus["sample_rate"]),
        (&"opus".into(), &48_000.into())
    );
    let close = |file: &Value| {
        let lufs = |file: &Value| file["lufs"].as_f64().unwrap();
        assert!((lufs(file) - lufs(&wav)).abs() < 0.6, "{file} {wav}");
    };
    close(&opus);
    let bytes = fs::read(project.path("b.opus")).unwrap();
    for text in [
        "CHAPTER001NAME=The Sea",
        "CHAPTER002NAME=The River",
        "CHAPTER001=00:00:00.000",
    ] {
        let is_there = bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(is_there, "{text}");
    }
    // It was written over a placeholder of as many bytes.
    assert!(
        !bytes
            .windows(22)
            .any(|window| window == b"CHAPTER002=00:00:00.00")
    );
    if has_coder() {
        let (mp3, said) = say("b.mp3");
        assert_eq!(mp3["duration_s"], wav["duration_s"], "{mp3} {wav}");
        assert_eq!(
            (&mp3["container"], &mp3["bit_rate"]),
            (&"mp3".into(), &64_000.into())
        );
        close(&mp3);
        assert!(said.contains("coded by"), "{said}");
    }
}

#[test]
fn the_bit_rate_of_opus_is_what_was_asked_for() {
    let project = Project::new("");
    project.write("b.md", BOOK);
    for bits in ["8000", "64000"] {
        let out = format!("b{bits}.opus");
        project
            .run(&["tts", "b.md", "-o", &out, "--bit-rate", bits])
            .exits(0);
        let size = fs::metadata(project.path(&out)).unwrap().len();
        let seconds = measured(&project, &out)["duration_s"].as_f64().unwrap();
        #[expect(
            clippy::as_conversions,
            clippy::cast_precision_loss,
            reason = "a small file"
        )]
        let rate = size as f64 * 8.0 / seconds;
        let wanted: f64 = bits.parse().unwrap();
        assert!(rate < wanted * 1.4 && rate > wanted * 0.4, "{bits}: {rate}");
    }
}

/// A folder with a program of that name.
#[cfg(unix)]
fn program(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn without_a_coder_an_mp3_is_refused_before_it_is_spoken_and_one_that_fails_says_why() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-us\"\ninput = [\"b.md\"]\nformat = \"mp3\"\noutput = \"{stem}.{ext}\"\n",
    );
    project.write("b.md", BOOK);
    let with = |path: &Path, args: &[&str]| {
        let ran = project.command(args).env("PATH", path).output().unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        (ran.status.code(), said)
    };
    let folder = project.path("bin");
    fs::create_dir(&folder).unwrap();

    let (_, plan) = with(&folder, &["plan"]);
    assert!(
        plan.contains("is not on the PATH") && plan.contains("install it"),
        "{plan}"
    );
    let (code, _) = with(&folder, &["run", "--yes"]);
    assert_eq!(code, Some(3));

    program(
        &folder,
        "lame",
        "echo 'this build has no encoder' >&2; exit 1",
    );
    let (code, said) = with(&folder, &["run", "--yes"]);
    assert_ne!(code, Some(0));
    assert!(said.contains("this build has no encoder"), "{said}");
    assert!(!project.path("out/b.mp3").exists());
}

/// The quiet at the ends, the level and the peaks are what the addressee asks; an MP3 keeps every rule.
#[test]
fn what_is_made_for_acx_and_librivox_is_what_they_ask() {
    let project = Project::new("");
    project.write("b.md", BOOK);
    for (standard, head, tail) in [("acx", 0.75, 2.0), ("librivox", 0.75, 6.0)] {
        let out = format!("{standard}.wav");
        project
            .run(&["tts", "b.md", "-o", &out, "--loudness", standard])
            .exits(0);
        let wav = measured(&project, &out);
        let number = |name: &str| wav[name].as_f64().unwrap();
        assert!((number("head_s") - head).abs() < 0.03, "{wav}");
        assert!((number("tail_s") - tail).abs() < 0.03, "{wav}");
        match standard {
            "acx" => assert!((number("rms_db") + 20.5).abs() < 0.2, "{wav}"),
            _ => assert!((number("lufs") + 18.5).abs() < 0.2, "{wav}"),
        }
        if has_coder() {
            let out = format!("{standard}.mp3");
            project
                .run(&["tts", "b.md", "-o", &out, "--loudness", standard])
                .exits(0);
            project
                .run(&["check", &out, "--profile", standard])
                .exits(0);
        }
    }
}
