//! `preview`: the beginning of a text, before all of it is bought.

use std::time::Duration;

use rustix::process::Signal;
use voicespool_mock::MockOptions;

use crate::support::{Project, Provider};

fn project(provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"*.md\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    ));
    let chapter = |nth: u32| {
        let lines = (1..=30).map(|line| {
            format!(
                "In chapter {nth} the train left station {line}, and nobody on it said a word.\n\n"
            )
        });
        format!("# Chapter {nth}\n\n{}", lines.collect::<String>())
    };
    project.write("train.md", (1..=3).map(chapter).collect::<String>());
    project
}

#[test]
fn what_a_preview_buys_the_run_does_not_buy_again() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);
    let whole = project.run(&["plan", "--json"]).exits(0).json()[0]["totals"]["requests"]
        .as_u64()
        .unwrap();

    // Money: nobody agreed.
    let refused = project.run(&["preview"]).exits(2).stderr();
    assert!(
        refused.contains("voicespool preview --max-cost"),
        "{refused}"
    );
    assert_eq!(provider.billed(), 0);

    let made = project
        .run(&["preview", "--seconds", "10", "--yes"])
        .exits(0);
    let path = project.path("out/preview/book/train-af_heart.wav");
    assert_eq!(made.stdout().trim(), path.to_string_lossy());
    let said = made.stderr();
    assert!(
        said.contains("only its beginning: 3 requests of 93"),
        "{said}"
    );
    assert!(path.exists());
    assert_eq!((whole, provider.billed()), (93, 3));

    // Another voice and another chapter; the text by its name.
    project
        .run(&[
            "preview",
            "train.md",
            "--seconds",
            "10",
            "--voices",
            "am_adam,af_heart",
            "--yes",
        ])
        .exits(0);
    assert_eq!(provider.billed(), 6);
    project
        .run(&[
            "preview",
            "book",
            "--chapter",
            "3",
            "--seconds",
            "10",
            "--yes",
        ])
        .exits(0);
    assert_eq!(provider.billed(), 9);
    assert!(
        project
            .path("out/preview/book/train-3-af_heart.wav")
            .exists()
    );

    // Again: nothing. All of it: only the rest.
    project.run(&["preview", "--seconds", "10"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(provider.billed(), 9 + 93 - 6);

    // Nobody misses a preview.
    std::fs::remove_dir_all(project.path("out/preview")).unwrap();
    project.run(&["verify"]).exits(0);
}

#[test]
fn a_preview_does_not_go_on_with_an_earlier_run() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(500),
        ..MockOptions::default()
    });
    let project = project(&provider);
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 1));
    run.signal(Signal::INT);
    run.end();
    other_preview_is_refused(&project, &provider);
}

#[test]
fn a_preview_that_was_killed_is_finished_and_no_other_goes_on_with_it() {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(500),
        ..MockOptions::default()
    });
    let project = project(&provider);
    let args = ["preview", "--seconds", "60", "--yes", "--json"];
    let mut killed = project.start(&args);
    assert!(killed.wait_for("job_completed", 1));
    killed.kill();
    let other = ["preview", "--seconds", "10", "--voices", "am_adam", "--yes"];
    let refused = project.run(&other).exits(2).stderr();
    assert!(refused.contains("would be worked on as well"), "{refused}");

    project.run(&args).exits(0);

    assert!(project.path("out/preview/book/train-af_heart.wav").exists());
    project.run(&other).exits(0);
}

fn other_preview_is_refused(project: &Project, provider: &Provider) {
    let billed = provider.billed();
    assert!(billed < 93, "{billed}");

    let refused = project.run(&["preview", "--yes"]).exits(2).stderr();

    assert!(
        refused.contains("of an earlier run would be worked on as well"),
        "{refused}"
    );
    assert_eq!(provider.billed(), billed);
}

#[test]
fn what_cannot_be_heard_is_said() {
    let provider = Provider::start(MockOptions::default());
    let project = project(&provider);

    for (args, words) in [
        (
            &["preview", "no.md"][..],
            "no text and no task that speaks `no.md`",
        ),
        (&["preview", "bok"], "did you mean book?"),
        (&["preview", "--chapter", "9", "--yes"], "has 3 chapters"),
        (&["preview", "--seconds", "0"], "--seconds"),
    ] {
        let run = project.run(args);
        let said = run.stderr();
        assert!(said.contains(words), "{args:?}: {said}");
    }
    assert_eq!(provider.billed(), 0);
}

#[test]
fn outside_a_project_the_built_in_voice_speaks_beside_where_one_is() {
    let folder = Project::new("version = 1\n");
    folder.write("talk.md", "# A\n\nThe boats came in.\n\nNobody spoke.\n\nA lamp burnt.\n\nIt rained, and it went on raining until the morning.");
    folder.write("talk-preview.wav", "mine");

    let made = folder
        .run(&["preview", "talk.md", "--seconds", "2"])
        .exits(0);

    assert_eq!(made.stdout().trim(), "talk-preview-2.wav");
    assert_eq!(folder.read("talk-preview.wav"), "mine");
    let sound = std::fs::metadata(folder.path("talk-preview-2.wav")).unwrap();
    // 16 kHz, 16 bits: some seconds, and not all of it.
    assert!((40_000..200_000).contains(&sound.len()), "{}", sound.len());
    folder.run(&["preview"]).exits(2);
}
