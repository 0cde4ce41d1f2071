//! One body, events, a WebSocket: three roads to the same files.

use std::fs;
use std::fs::File;
use std::path::PathBuf;

use serde_json::Value;
use voicespool::audio::enclose::read_words;
use voicespool::audio::sample::SampleFormat;
use voicespool::audio::wav::read_header;
use voicespool::subtitle::srt;
use voicespool_mock::{FaultRule, MockOptions};

use crate::support::{Project, Provider};

const BOOK: &str = "The harbour was quiet that morning. Nobody spoke for a while!\n\n\
    Then the bell rang twice, and everybody ran to the boats. Was it too late?\n";

fn config(provider: &Provider, settings: &str) -> String {
    format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"book.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\noutput = \"{{stem}}.{{ext}}\"\nsubtitles = [\"srt\", \"json\"]\nchunk = {{ max_chars = 120, target_chars = 100 }}\n[retry]\nbase_delay = \"1ms\"\n{settings}",
        provider.profile()
    )
}

/// A project whose task has these settings besides the usual ones.
fn project(provider: &Provider, settings: &str) -> Project {
    let whole = config(provider, "").replace("[retry]", &format!("{settings}\n[retry]"));
    let project = Project::new(&whole);
    project.write("book.txt", BOOK);
    project
}

fn bytes(project: &Project, file: &str) -> Vec<u8> {
    fs::read(project.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Rows of the bill as (delivery, class, cost status).
fn bill(project: &Project) -> Vec<(String, String, String)> {
    let mut reader = csv::Reader::from_path(project.path("out/cost.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let columns = ["delivery", "outcome", "cost_status"].map(column);
    reader
        .records()
        .map(Result::unwrap)
        .map(|row| {
            let [delivery, outcome, status] = columns.map(|column| row[column].to_owned());
            (delivery, outcome, status)
        })
        .collect()
}

fn fault(provider: &Provider, until: u64, fault: &str) {
    provider.mock.set_faults(vec![FaultRule {
        until: Some(until),
        ..FaultRule::every(1, fault.parse().unwrap())
    }]);
}

#[test]
fn the_same_book_is_the_same_file_over_every_delivery() {
    let provider = Provider::start(MockOptions::default());
    let rest = project(&provider, "");
    rest.run(&["run", "--yes"]).exits(0);

    for delivery in ["stream", "websocket"] {
        let other = project(&provider, &format!("delivery = \"{delivery}\""));
        let run = other.run(&["run", "--yes"]).exits(0);

        for file in ["out/book.wav", "out/book.srt"] {
            assert_eq!(
                bytes(&rest, file),
                bytes(&other, file),
                "{delivery}: {file}"
            );
        }
        other.run(&["verify", "--deep"]).exits(0);
        let rows = bill(&other);
        assert!(rows.len() >= 2, "{}", run.stderr());
        for row in rows {
            assert_eq!(row, (delivery.into(), "ok".into(), "confirmed".into()));
        }
        let report = other.run(&["report"]).exits(0).stdout();
        assert!(
            report.contains("first byte p50") && report.contains(delivery),
            "{report}"
        );
        let shown = other.run(&["show", "2", "--json"]).exits(0).json();
        assert_eq!(shown[0]["attempts"][0]["delivery"], delivery, "{shown:?}");
        assert!(
            shown[0]["attempts"][0]["first_byte_s"].is_number(),
            "{shown:?}"
        );
    }
}

#[test]
fn another_delivery_buys_nothing_again() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "");
    project.run(&["run", "--yes"]).exits(0);
    let billed = provider.billed();
    let wav = bytes(&project, "out/book.wav");

    let config = project
        .read("jobs.toml")
        .replace("[retry]", "delivery = \"stream\"\n[retry]");
    project.write("jobs.toml", config);
    fs::remove_file(project.path("out/book.wav")).unwrap();
    project.run(&["run"]).exits(0);

    assert_eq!(provider.billed(), billed);
    assert_eq!(bytes(&project, "out/book.wav"), wav);
}

#[test]
fn a_truncated_stream_is_wasted_money_asked_for_again_and_never_kept() {
    let provider = Provider::start(MockOptions::default());
    let whole = project(&provider, "");
    whole.run(&["run", "--yes"]).exits(0);
    let project = project(&provider, "delivery = \"stream\"");
    fault(&provider, 2, "stream=no-done");

    project.run(&["run", "--yes"]).exits(0);

    let rows = bill(&project);
    let wasted = rows
        .iter()
        .filter(|row| row.1 == "bad_answer" && row.2 == "wasted");
    assert_eq!(wasted.count(), 2, "{rows:?}");
    assert_eq!(
        bytes(&project, "out/book.wav"),
        bytes(&whole, "out/book.wav")
    );
}

#[test]
fn a_socket_that_falls_silent_is_in_doubt_and_asked_again() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider, "delivery = \"websocket\"");
    let config = project.read("jobs.toml").replace(
        "[task.book]",
        "timeouts = { idle = \"1500ms\" }\n[task.book]",
    );
    project.write("jobs.toml", config);
    fault(&provider, 1, "stream=no-done");

    project.run(&["run", "--yes"]).exits(0);

    let rows = bill(&project);
    let doubted = rows
        .iter()
        .filter(|row| row.1 == "timed_out" && row.2 == "in_doubt");
    assert_eq!(doubted.count(), 1, "{rows:?}");
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn a_kill_in_the_middle_of_a_stream_leaves_a_doubt_and_no_half_answer() {
    let provider = Provider::start(MockOptions::default());
    let whole = project(&provider, "");
    whole.run(&["run", "--yes"]).exits(0);
    for delivery in ["stream", "websocket"] {
        let project = project(&provider, &format!("delivery = \"{delivery}\""));
        // Ten seconds an answer: the kill comes in its middle.
        fault(&provider, 99, "drip=20000");
        let mut run = project.start(&["run", "--yes", "--json"]);
        assert!(run.wait_for("job_sent", 1));
        while !objects(&project).iter().any(|path| {
            path.extension()
                .is_some_and(|extension| extension == "part")
                && path.metadata().is_ok_and(|file| file.len() > 8_000)
        }) {
            std::thread::yield_now();
        }
        run.kill();
        provider.mock.set_faults(Vec::new());

        let next = project.run(&["run", "--yes"]).exits(0);

        assert!(next.stderr().contains("in doubt"), "{}", next.stderr());
        assert!(bill(&project).iter().any(|row| row.2 == "in_doubt"));
        assert_eq!(
            bytes(&project, "out/book.wav"),
            bytes(&whole, "out/book.wav"),
            "{delivery}"
        );
    }
}

/// Every file in the object folder.
fn objects(project: &Project) -> Vec<PathBuf> {
    walkdir::WalkDir::new(project.path(".voicespool/objects"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// (word, start, end) in milliseconds.
fn json_words(project: &Project) -> Vec<(String, u64, u64)> {
    let document: Value = serde_json::from_str(&project.read("out/book.json")).unwrap();
    let millis = |value: &Value| {
        let duration = std::time::Duration::from_secs_f64(value.as_f64().unwrap() + 0.0001);
        u64::try_from(duration.as_millis()).unwrap()
    };
    let words = document["words"].as_array().unwrap().iter();
    words
        .map(|word| {
            let text = word["word"].as_str().unwrap().to_owned();
            (text, millis(&word["start"]), millis(&word["end"]))
        })
        .collect()
}

#[test]
fn a_read_along_has_the_times_of_the_voice_and_is_made_again_for_nothing() {
    let provider = Provider::start(MockOptions::default());
    // The clips lie where their lengths put them.
    let settings = |delivery: &str| {
        format!(
            "delivery = \"{delivery}\"\nalignment = \"word\"\npauses = {{ measure = \"added\" }}"
        )
    };
    for delivery in ["stream", "websocket"] {
        let project = project(&provider, &settings(delivery));
        let run = project.run(&["run", "--yes"]).exits(0);
        assert!(!run.stderr().contains("estimated"), "{}", run.stderr());

        // The look-alike gives each word of a chunk the same time; the second chunk stands
        // behind the first and a pause of 600 ms.
        let mut kept: Vec<(u64, u64)> = objects(&project)
            .iter()
            .filter_map(|path| {
                let mut file = File::open(path).unwrap();
                let words = read_words(&mut file).unwrap()?;
                let header = read_header(&mut file).unwrap();
                Some((u64::try_from(words.len()).unwrap(), header.duration().0))
            })
            .collect();
        kept.sort_unstable();
        let ((first, first_length), (second, second_length)) = (kept[0], kept[1]);
        assert_eq!((first, second), (11, 15), "{kept:?}");
        let place = first_length + 600;
        let expected: Vec<u64> = (0..first)
            .map(|n| first_length * n / first)
            .chain((0..second).map(|n| place + second_length * n / second))
            .collect();
        let words = json_words(&project);
        assert_eq!(words[0].0, "The");
        assert_eq!(words[10].0, "while!");
        for (word, expected) in words.iter().zip(&expected) {
            assert!(
                word.1.abs_diff(*expected) <= 2,
                "{delivery}: {word:?} {expected}"
            );
        }
        // A cue starts with its first word.
        let cues = srt::parse(&project.read("out/book.srt")).unwrap();
        let second_starts = cues.iter().any(|cue| cue.start.0.abs_diff(place) <= 2);
        assert!(second_starts, "{cues:?}");

        let billed = provider.billed();
        let before = ["out/book.json", "out/book.srt"].map(|file| bytes(&project, file));
        fs::remove_dir_all(project.path("out")).unwrap();
        project.run(&["run"]).exits(0);
        let after = ["out/book.json", "out/book.srt"].map(|file| bytes(&project, file));
        assert_eq!((provider.billed(), after), (billed, before));
    }
}

#[test]
fn without_usable_word_times_the_read_along_is_estimated_and_says_so() {
    let provider = Provider::start(MockOptions::default());
    let plain = project(&provider, "delivery = \"stream\"");
    plain.run(&["run", "--yes"]).exits(0);
    for broken in ["stream=no-words", "stream=bad-words"] {
        let project = project(&provider, "delivery = \"stream\"\nalignment = \"word\"");
        fault(&provider, 99, broken);

        let run = project.run(&["run", "--yes"]).exits(0);

        let note = "the word times of 2 of 2 chunks are estimated";
        assert!(run.stderr().contains(note), "{broken}\n{}", run.stderr());
        assert!(project.read("out/book.json").contains(note));
        assert_eq!(json_words(&project), json_words(&plain), "{broken}");
    }
}

#[test]
fn every_coding_of_samples_is_kept_as_the_wav_it_is() {
    let provider = Provider::start(MockOptions::default());
    for (coding, format) in [
        ("pcm_f32le", SampleFormat::F32),
        ("pcm_s16le", SampleFormat::S16),
        ("pcm_mulaw", SampleFormat::MuLaw),
        ("pcm_alaw", SampleFormat::ALaw),
    ] {
        for delivery in ["rest", "stream"] {
            let project = project(
                &provider,
                &format!(
                    "delivery = \"{delivery}\"\nresponse_encoding = \"{coding}\"\nsample_rate = 16000"
                ),
            );
            let config = project
                .read("jobs.toml")
                .replace("hexgrad/Kokoro-82M", "cartesia/sonic-3");
            project.write("jobs.toml", config);

            project.run(&["run", "--yes"]).exits(0);

            let specs: Vec<_> = objects(&project)
                .iter()
                .filter_map(|path| read_header(&mut File::open(path).unwrap()).ok())
                .map(|header| (header.spec.format, header.spec.sample_rate))
                .collect();
            assert_eq!(specs, [(format, 16_000); 2], "{coding} {delivery}");
            project.run(&["verify", "--deep"]).exits(0);
        }
    }
}
