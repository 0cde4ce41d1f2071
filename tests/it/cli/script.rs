//! `plan --text`: what will be said, before anything is sent.

use crate::support::Project;

const CONFIG: &str = "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-gb\"\ninput = [\"in\"]\nformat = \"wav\"\n";

const TEXT: &str = "# One\n\nThe boats came in.[3]\n\nSpasibo, спасибо → good.\n\n```\nlet x = 1;\n```\n\n# Two\n\nNobody waited.\n";

#[test]
fn what_will_be_said_is_printed_to_the_letter() {
    let project = Project::new(CONFIG);
    project.write("in/a.md", TEXT);

    let shown = project
        .run(&["plan", "--text", "in/a.md"])
        .exits(0)
        .stdout();

    for line in [
        "in/a.md, as `book` says it: 5 requests, 62 characters",
        "== 1: One",
        "[2] The boats came in.",
        "0.6 s after the paragraph",
        "2 s after the chapter",
        "== 2: Two",
        "cleaned up by note-marks, 1 time",
        "left out: code, 5 letters",
        "7 letters of other scripts",
        "not spoken: 1 sign",
    ] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
}

#[test]
fn programs_get_what_the_run_sends() {
    let project = Project::new(CONFIG);
    project.write("in/a.md", TEXT);
    project.write("in/b.txt", "Another text.");

    let script = project
        .run(&["plan", "--text", "in/a.md", "--json"])
        .exits(0)
        .json()
        .remove(0);

    let lines: Vec<_> = script["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "One",
            "The boats came in.",
            "Spasibo, спасибо → good.",
            "Two",
            "Nobody waited."
        ]
    );
    let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
    let file = &plan["tasks"][0]["files"][0];
    assert_eq!(file["requests"], 5);
}

#[test]
fn a_file_of_no_task_and_one_that_is_no_text_are_refused_with_words() {
    let project = Project::new(&format!(
        "{CONFIG}[task.other]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-de\"\ninput = [\"other\"]\nformat = \"wav\"\n"
    ));
    project.write("in/a.md", TEXT);
    project.write("other/b.md", TEXT);
    project.write("stray.txt", "A stray text.");
    project.write("in/broken.epub", "PK\u{3}\u{4} and no more");

    let stray = project
        .run(&["plan", "--text", "stray.txt"])
        .exits(2)
        .stderr();
    assert!(stray.contains("input of no task"), "{stray}");
    let named = project
        .run(&["plan", "other", "--text", "stray.txt"])
        .exits(0);
    assert!(named.stdout().contains("A stray text."));
    let broken = project.run(&["plan", "--text", "in/broken.epub"]).exits(2);
    assert!(
        broken.stderr().contains("not a whole EPUB"),
        "{}",
        broken.stderr()
    );
}

#[test]
fn a_text_is_shown_without_a_project_as_tts_would_say_it() {
    let project = Project::new("");
    std::fs::remove_file(project.path("jobs.toml")).unwrap();
    project.write("a.md", TEXT);

    let shown = project.run(&["plan", "--text", "a.md", "--json"]).exits(0);

    let script = shown.json().remove(0);
    assert_eq!(script["task"], "tts");
    assert!(!script["lines"].as_array().unwrap().is_empty(), "{script}");
    let left: Vec<_> = std::fs::read_dir(project.root()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    project.run(&["plan", "book", "--text", "a.md"]).exits(2);
}

/// Chapters that were bought stay bought when others are asked for, and one that is not there is refused.
#[test]
fn chosen_chapters_are_spoken_alone_and_the_rest_is_listed() {
    let task = |chapters: &str| {
        format!(
            "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-us\"\ninput = [\"b.md\"]\noutput = \"{{stem}}.{{ext}}\"\n{chapters}"
        )
    };
    let project = Project::new(&task("chapters = \"2\"\n"));
    project.write(
        "b.md",
        "# One\n\nThe sea.\n\n# Two\n\nThe lamp.\n\n# Three\n\nThe end.\n",
    );
    project.run(&["run"]).exits(0);

    project.write("jobs.toml", task("chapters = \"2-3\"\n"));
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    let file = &plan[0]["tasks"][0]["files"][0];
    assert_eq!(
        (&file["requests"], &file["requests_to_send"]),
        (&4.into(), &2.into()),
        "{file}"
    );
    assert!(
        file["note"]
            .as_str()
            .unwrap()
            .contains("a chapter that was not asked for"),
        "{file}"
    );
    project.write("jobs.toml", task("chapters = \"4\"\n"));
    let plan = project.run(&["plan"]).exits(0).stdout();
    assert!(plan.contains("has 3 chapters"), "{plan}");
}
