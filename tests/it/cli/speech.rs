//! Text to audio: the main job.

use std::fs;
use std::path::Path;

use crate::support::{Project, Provider};
use voicespool::audio;
use voicespool::subtitle::srt;
use voicespool_mock::MockOptions;

const LOCAL: &str = r#"
version = 1
[task.books]
type = "tts"
profile = "local"
input = ["books"]
voice = "pico-en-us"
format = "wav"
subtitles = ["srt"]
"#;

const TEXT: &str = "# One\n\nThe harbour was quiet. Nobody spoke for a while.\n\n# Two\n\nThen the bell rang twice, and everybody ran to the boats.\n";

#[test]
fn the_sample_book_becomes_audio_with_subtitles_and_a_second_run_sends_nothing() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::new(&fs::read_to_string(repository.join("jobs.example.toml")).unwrap());
    for entry in fs::read_dir(repository.join("samples/book")).unwrap() {
        let entry = entry.unwrap();
        project.write(
            &format!("samples/book/{}", entry.file_name().to_str().unwrap()),
            fs::read(entry.path()).unwrap(),
        );
    }

    project.run(&["run", "--yes"]).exits(0);

    let mut files = 0;
    for entry in walkdir::WalkDir::new(project.path("out"))
        .into_iter()
        .map(Result::unwrap)
    {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "wav")
        {
            let facts = audio::probe(entry.path()).unwrap();
            let cues = srt::parse(&fs::read_to_string(entry.path().with_extension("srt")).unwrap())
                .unwrap();
            let end = cues.last().unwrap().end;
            assert!(
                facts.duration.0 > 15_000,
                "{}: {:?}",
                entry.path().display(),
                facts
            );
            assert!(
                end <= facts.duration && facts.duration.0 - end.0 < 3_000,
                "{}",
                entry.path().display()
            );
            files += 1;
        }
    }
    assert_eq!(files, 4);
    let bill = project.read("out/cost.csv");
    assert!(bill.lines().count() > 20, "{bill}");
    let again = project.run(&["run", "--yes"]).exits(0);
    assert!(
        again.stderr().contains("nothing to do"),
        "{}",
        again.stderr()
    );
    assert_eq!(project.read("out/cost.csv"), bill);
    project.run(&["verify", "--deep"]).exits(0);
}

#[test]
fn an_edit_pays_for_the_paragraph_it_touches_and_nothing_else() {
    let project = Project::new(LOCAL);
    project.write("books/a.md", TEXT);
    project.run(&["run", "--yes"]).exits(0);
    project.write("books/a.md", TEXT.replace("twice", "three times"));

    let plan = project.run(&["plan", "--json"]).exits(0).json();

    assert_eq!(plan[0]["tasks"][0]["files"][0]["state"], "changed");
    assert_eq!(
        plan[0]["totals"]["requests_to_send"], 1,
        "{}",
        plan[0]["totals"]
    );
    let before = fs::read(project.path("out/books/a.wav")).unwrap();
    project.run(&["run", "--yes"]).exits(0);
    assert_ne!(fs::read(project.path("out/books/a.wav")).unwrap(), before);
}

#[test]
fn pauses_and_formats_change_without_a_request() {
    let provider = Provider::start(MockOptions::default());
    let config = |extra: &str| {
        format!(
            "version = 1\n{}[task.books]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"books\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\n{extra}",
            provider.profile()
        )
    };
    let project = Project::new(&config("format = \"wav\"\n"));
    project.write("books/a.md", TEXT);
    project.run(&["run", "--yes"]).exits(0);
    let (billed, length) = (
        provider.billed(),
        audio::probe(&project.path("out/books/a.wav"))
            .unwrap()
            .duration,
    );
    assert!(billed >= 3, "{billed}");

    project.write(
        "jobs.toml",
        config("format = \"wav\"\npauses = { heading = \"3s\" }\nsubtitles = [\"vtt\", \"srt\"]\n"),
    );
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(provider.billed(), billed);
    let longer = audio::probe(&project.path("out/books/a.wav"))
        .unwrap()
        .duration;
    assert!(longer.0 > length.0 + 2_000, "{length:?} {longer:?}");
    assert!(project.read("out/books/a.vtt").starts_with("WEBVTT"));
}

#[test]
fn a_book_comes_as_flac_and_as_mp3_with_chapters() {
    let provider = Provider::start(MockOptions::default());
    for (format, magic) in [("flac", &b"fLaC"[..]), ("mp3", &b"ID3"[..])] {
        let project = Project::new(&format!(
            "version = 1\n{}[task.books]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"books\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"{format}\"\n",
            provider.profile()
        ));
        project.write("books/a.md", TEXT);

        project.run(&["run", "--yes"]).exits(0);

        let bytes = fs::read(project.path(&format!("out/books/a.{format}"))).unwrap();
        assert!(bytes.starts_with(magic), "{format}");
        // ID3v2.3 has its titles in UTF-16.
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(
            holds(b"Two") || holds(b"T\0w\0o\0"),
            "{format} has no chapter title"
        );
        project.run(&["verify", "--deep"]).exits(0);
    }
}

#[test]
fn a_missing_output_is_made_again_from_what_was_paid_for() {
    let project = Project::new(LOCAL);
    project.write("books/a.md", TEXT);
    project.run(&["run", "--yes"]).exits(0);
    let (first, bill) = (
        fs::read(project.path("out/books/a.wav")).unwrap(),
        project.read("out/cost.csv"),
    );
    fs::remove_file(project.path("out/books/a.wav")).unwrap();

    let found = project.run(&["verify"]).exits(6);
    assert!(found.stdout().contains("a.wav"), "{}", found.stdout());
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(fs::read(project.path("out/books/a.wav")).unwrap(), first);
    assert_eq!(project.read("out/cost.csv"), bill);
}

#[test]
fn equal_text_in_two_books_is_bought_once() {
    let project = Project::new(LOCAL);
    project.write(
        "books/a.txt",
        "The same words stand in both of these files.",
    );
    project.write(
        "books/b.txt",
        "The same words stand in both of these files.",
    );

    let plan = project.run(&["plan", "--json"]).exits(0).json();
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!(plan[0]["totals"]["requests_to_send"], 1);
    assert_eq!(project.read("out/cost.csv").lines().count(), 2);
    let length = |name: &str| audio::probe(&project.path(name)).unwrap().frames;
    assert_eq!(length("out/books/a.wav"), length("out/books/b.wav"));
}

#[test]
fn a_file_without_words_is_refused_and_the_others_are_done() {
    let project = Project::new(LOCAL);
    project.write("books/a.txt", "A file with words in it, which is spoken.");
    project.write("books/empty.txt", "");
    project.write(
        "books/picture.txt",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0",
    );

    let plan = project.run(&["plan"]).exits(0);
    assert!(
        plan.stdout().contains("empty.txt") && plan.stdout().contains("picture.txt"),
        "{}",
        plan.stdout()
    );
    // Partial failure is never 0.
    let ran = project.run(&["run", "--yes"]).exits(3);
    assert!(ran.stderr().contains("2 files refused"), "{}", ran.stderr());

    assert!(project.path("out/books/a.wav").exists());
    assert!(!project.path("out/books/empty.wav").exists());
}

#[test]
fn two_inputs_that_would_become_one_file_are_found_before_anything_is_sent() {
    let project = Project::new(&LOCAL.replace(
        "format = \"wav\"",
        "output = \"{task}/{stem}.{ext}\"\nformat = \"wav\"",
    ));
    project.write("books/x/a.txt", "One of them speaks these words.");
    project.write("books/y/A.txt", "The other one speaks other words.");

    let refused = project.run(&["run", "--yes"]).exits(2);

    assert!(
        refused.stderr().contains("would become one file")
            && refused.stderr().contains("{rel_dir}"),
        "{}",
        refused.stderr()
    );
    assert!(!project.path("out").exists());
}

#[test]
fn an_answer_that_is_gone_is_bought_again_only_when_a_person_says_so() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&format!(
        "version = 1\n{}[task.books]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    project.write("a.txt", "One sentence that is spoken and then forgotten.");
    project.run(&["run", "--yes"]).exits(0);
    let job = project
        .run(&["ls", "--kind", "speak", "--json"])
        .exits(0)
        .json()[0]
        .clone();
    let key = job["key"].as_str().unwrap();
    fs::remove_file(project.path(&format!(".voicespool/objects/{}/{key}", &key[..2]))).unwrap();
    fs::remove_file(project.path("out/a.wav")).unwrap();

    let gone = project.run(&["run", "--yes"]).exits(3);
    assert!(
        gone.stderr().contains("voicespool retry "),
        "{}",
        gone.stderr()
    );
    assert_eq!(provider.billed(), 1);

    project.run(&["retry", "--all", "--yes"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 2);
    assert!(project.path("out/a.wav").exists());
}

#[test]
fn many_gates_share_a_few_workers_and_none_waits_for_ever() {
    let provider = Provider::start(MockOptions::default());
    let mut config = "version = 1\n[run]\nworkers = 1\n".to_owned();
    // Each path is a gate of its own, and the answers behind them are proper.
    let lanes = ["tabs", "shouting", "no-spaces", "no-reason", "http-1-0"];
    for lane in lanes {
        config.push_str(&format!(
            "[profile.{lane}]\nkind = \"together\"\nbase_url = \"http://{}/hostile/head-{lane}/v1\"\nkey = {{ env = \"TOGETHER_API_KEY\" }}\n[task.{lane}]\ntype = \"tts\"\nprofile = \"{lane}\"\ninput = [\"in.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{task}}.{{ext}}\"\n",
            provider.mock.addr
        ));
    }
    let project = Project::new(&config);
    project.write("in.txt", "One sentence for each of them.\n");

    project
        .run(&["run", "--yes", "--max-duration", "1m"])
        .exits(0);

    assert_eq!(provider.billed(), 5);
    for lane in lanes {
        assert!(project.path(&format!("out/{lane}.wav")).is_file(), "{lane}");
    }
}

#[test]
fn a_file_that_cannot_be_written_fails_alone_and_the_end_says_so() {
    let project = Project::new(LOCAL);
    project.write("books/x/a.txt", TEXT);
    project.write("books/b.txt", "Another book, which has a place.\n");
    // A file where a folder is needed.
    project.write("out/books/x", "in the way");

    let ran = project.run(&["run", "--yes"]).exits(3);

    assert!(
        ran.stderr().contains("1 file could not be made")
            && ran.stderr().contains("voicespool retry --all"),
        "{}",
        ran.stderr()
    );
    assert!(project.path("out/books/b.wav").is_file());
}
