//! A text becomes an audiobook: chapters, tags, cover, pauses and loudness, and changing them buys nothing.

use std::path::Path;

use serde_json::Value;
use voicespool::audio::decode::{DecodeError, decode};

use crate::support::{Project, Provider};
use voicespool_mock::MockOptions;

/// One red point.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";

const BOOK: &str = "Nobody read the first page.\n\n# The Night Train\n\nThe train left at ten. Nobody waved.\n\nThe lamps went by, one after another.\n\n# The Suitcase\n\nIt was still there in the morning.\n";

fn project(more: &str) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"train.md\"]\nvoice = \"pico-en-gb\"\nformat = \"m4b\"\noutput = \"{{stem}}.{{ext}}\"\nsubtitles = [\"srt\"]\n{more}"
    ));
    project.write("train.md", BOOK);
    project
}

/// The samples of a file, a thousandth of a second each as its loudest sample.
fn loudest(path: &Path) -> Vec<u16> {
    let (mut all, mut rate) = (Vec::new(), 0);
    decode::<DecodeError>(path, |shape, samples| {
        rate = shape.sample_rate;
        all.extend_from_slice(samples);
        Ok(())
    })
    .unwrap();
    let window = usize::try_from(rate / 1000).unwrap();
    all.chunks(window)
        .map(|samples| {
            samples
                .iter()
                .map(|sample| sample.unsigned_abs())
                .max()
                .unwrap()
        })
        .collect()
}

/// Silences of at least 300 ms inside the file, in milliseconds.
fn pauses(path: &Path) -> Vec<usize> {
    let levels = loudest(path);
    let quiet = levels.iter().max().unwrap() / 100;
    let runs = levels.chunk_by(|a, b| (*a > quiet) == (*b > quiet));
    let quiet_runs = runs.filter(|run| run[0] <= quiet).map(<[u16]>::len);
    let mut pauses: Vec<usize> = quiet_runs.filter(|length| *length >= 300).collect();
    pauses.pop(); // the silence after the last word
    pauses
}

#[test]
fn a_text_becomes_an_m4b_with_chapters_tags_and_a_cover() {
    let project = project(
        "title = \"Two Stations\"\nauthor = [\"Ann Example\", \"Bo Sample\"]\nnarrator = \"Pico\"\nseries = \"Lines\"\npart = 2\nyear = 1926\ncover = \"front.png\"\n",
    );
    project.write("front.png", PNG);

    project.run(&["run"]).exits(0);

    let bytes = std::fs::read(project.path("out/train.m4b")).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    for text in [
        "Two Stations",
        "Ann Example, Bo Sample",
        "Lines",
        "1926",
        "The Night Train",
        "The Suitcase",
        "chpl",
        "Audiobook",
    ] {
        assert!(has(text.as_bytes()), "{text}");
    }
    assert!(has(PNG));
    // What is before the first heading has a mark of its own: three chapters in Nero's list.
    let list = bytes
        .windows(4)
        .position(|window| window == b"chpl")
        .unwrap();
    assert_eq!(bytes[list + 12], 3);

    // Another cover and another author are another file, and nothing is spoken again.
    let config = project.read("jobs.toml").replace("Bo Sample", "Cy Third");
    project.write("jobs.toml", config);
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["totals"]["requests_to_send"], 0, "{}", plan[0]);
    project.run(&["run"]).exits(0);
    let bytes = std::fs::read(project.path("out/train.m4b")).unwrap();
    let author = b"Ann Example, Cy Third";
    assert!(bytes.windows(author.len()).any(|window| window == author));
}

#[test]
fn pauses_are_what_is_heard() {
    let project = project("");

    project.run(&["run"]).exits(0);

    // After the opening a chapter, its heading, a paragraph, a chapter and its heading.
    let heard = pauses(&project.path("out/train.m4b"));
    let near = |length: usize, wanted: usize| length.abs_diff(wanted) <= 100;
    for wanted in [2_000, 900, 600] {
        assert!(
            heard.iter().any(|pause| near(*pause, wanted)),
            "{wanted} in {heard:?}"
        );
    }
    // A heading stands alone in its cue.
    let cues = project.read("out/train.srt");
    assert!(cues.contains("\nThe Night Train\n\n"), "{cues}");
}

#[test]
fn the_loudness_that_was_asked_for_is_measured_on_the_file() {
    let project = project("loudness = \"-23 LUFS\"\n");

    let run = project.run(&["run", "--json"]).exits(0);

    let notes: Vec<Value> = run.json();
    let note = notes
        .iter()
        .find(|line| line["type"] == "note")
        .unwrap_or_else(|| panic!("{notes:#?}"));
    let text = note["text"].as_str().unwrap();
    let lufs: f64 = text
        .strip_prefix("train.m4b: ")
        .and_then(|text| text.split(' ').next())
        .unwrap()
        .parse()
        .unwrap();
    assert!((lufs + 23.0).abs() <= 0.3, "{text}");
}

#[test]
fn a_cover_that_no_player_shows_is_said_and_left_out() {
    let project = project("cover = \"front.svg\"\n");
    project.write("front.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");

    let plan = project.run(&["plan"]).exits(0);

    assert!(
        plan.stdout().contains("the cover is an SVG drawing"),
        "{}",
        plan.stdout()
    );
    project.run(&["run"]).exits(0);
    assert!(project.path("out/train.m4b").is_file());
}

#[test]
fn any_provider_s_voice_becomes_an_m4b() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"train.md\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"m4b\"\nbit_rate = 48000\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    project.write("train.md", BOOK);

    project.run(&["run", "--yes"]).exits(0);

    assert!(loudest(&project.path("out/train.m4b")).len() > 5_000);
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn a_lexicon_changes_what_is_said_of_its_words_and_nothing_else() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"train.md\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"m4b\"\noutput = \"{{stem}}.{{ext}}\"\nsubtitles = [\"srt\"]\n",
        provider.profile()
    ));
    project.write("train.md", BOOK);
    project.run(&["run", "--yes"]).exits(0);
    let before = project.read("out/train.srt");
    project.write(
        "names.csv",
        "written,said\nSuitcase,soot case\nlamps,lamms\n",
    );
    let config = project.read("jobs.toml");
    project.write("jobs.toml", format!("{config}lexicon = [\"names.csv\"]\n"));

    // The heading is sent together with the sentence behind it; the lamps have a request of their own.
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan[0]["totals"]["requests_to_send"], 2, "{}", plan[0]);
    let script = project.run(&["plan", "--text", "train.md"]).exits(0);
    assert!(
        script
            .stdout()
            .contains("cleaned up by lexicon, 2 times: \"lamps\" said as \"lamms\""),
        "{}",
        script.stdout()
    );
    project.run(&["run", "--yes"]).exits(0);

    let lines = project
        .run(&["plan", "--text", "train.md", "--json"])
        .exits(0)
        .json();
    let lines = lines[0]["lines"].as_array().unwrap().clone();
    let mut texts = lines.iter().map(|line| line["text"].as_str().unwrap());
    let said = texts.find(|text| text.contains("soot case")).unwrap();
    let said = voicespool::pipeline::key::of_bytes(said.as_bytes());
    let sent = provider.mock.requests_after(0);
    assert!(sent.iter().any(|request| request.sha256 == Some(said)));
    // What is shown is what was written.
    let after = project.read("out/train.srt");
    let words = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("-->"));
        lines.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words(&after), words(&before));
    let bytes = std::fs::read(project.path("out/train.m4b")).unwrap();
    assert!(bytes.windows(12).any(|window| window == b"The Suitcase"));

    // A line that is none is said with its place.
    project.write("names.csv", "written,said\nSuitcase\n");
    let error = project.run(&["plan"]).exits(2);
    assert!(
        error.stderr().contains("names.csv`: line 2"),
        "{}",
        error.stderr()
    );
}

#[test]
fn one_command_makes_an_audiobook() {
    let project = Project::new("version = 1\n");
    project.write("train.md", BOOK);

    project
        .run(&[
            "tts",
            "train.md",
            "-o",
            "train.m4b",
            "--author",
            "Ann Example",
            "--loudness",
            "-20 LUFS",
        ])
        .exits(0);

    let bytes = std::fs::read(project.path("train.m4b")).unwrap();
    let author = b"Ann Example";
    assert!(bytes.windows(author.len()).any(|window| window == author));
}

#[test]
fn a_file_for_each_chapter_is_spoken_once() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"train.md\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"m4b\"\noutput = \"{{stem}}.{{ext}}\"\nsubtitles = [\"srt\"]\ntitle = \"Two Stations\"\n",
        provider.profile()
    ));
    project.write("train.md", BOOK);
    project.run(&["run", "--yes"]).exits(0);
    let billed = provider.billed();
    let config = project.read("jobs.toml");

    project.write("jobs.toml", format!("{config}layout = \"both\"\n"));
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(provider.billed(), billed, "nothing is bought again");
    for file in [
        "train.m4b",
        "train/01 Two Stations.m4b",
        "train/02 The Night Train.m4b",
        "train/03 The Suitcase.m4b",
        "train/03 The Suitcase.srt",
    ] {
        assert!(project.path("out").join(file).is_file(), "{file}");
    }
    let whole = loudest(&project.path("out/train.m4b")).len();
    let parts: Vec<usize> = ["01 Two Stations", "02 The Night Train", "03 The Suitcase"]
        .iter()
        .map(|name| loudest(&project.path(&format!("out/train/{name}.m4b"))).len())
        .collect();
    // Two pauses of two seconds are between chapters, and in none of their files.
    let sum: usize = parts.iter().sum();
    assert!(sum < whole && whole < sum + 4_200, "{parts:?} of {whole}");
    let bytes = std::fs::read(project.path("out/train/02 The Night Train.m4b")).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(
        has(b"Two Stations") && has(&[0, 0, 0, 2, 0, 3, 0, 0]),
        "album and track 2 of 3"
    );
    assert!(
        project
            .read("out/train/03 The Suitcase.srt")
            .starts_with("1\n00:00:00")
    );

    // One that is gone is made again for nothing; and then only the chapters.
    std::fs::remove_file(project.path("out/train/02 The Night Train.m4b")).unwrap();
    project.write("jobs.toml", format!("{config}layout = \"chapters\"\n"));
    project.run(&["run", "--yes"]).exits(0);
    assert!(project.path("out/train/02 The Night Train.m4b").is_file());
    assert_eq!(provider.billed(), billed);
    project.run(&["verify", "--deep"]).exits(0);
}
