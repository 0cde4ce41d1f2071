//! Files that voicespool did not write stay as they are.

use std::fs;

use crate::support::Project;

fn config(more: &str) -> String {
    format!(
        "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-gb\"\ninput = [\"in\"]\nformat = \"wav\"\nsubtitles = [\"srt\"]\noutput = \"{{stem}}.{{ext}}\"\n{more}"
    )
}

fn project(more: &str) -> Project {
    let project = Project::new(&config(more));
    project.write("in/a.txt", "The boats came in early.\n\nNobody waited.");
    project
}

#[test]
fn a_file_that_was_there_before_stays_and_is_kept_beside_when_asked() {
    let project = project("");
    project.write("out/a.wav", "my own recording");

    let plan = project.run(&["plan"]).exits(0).stdout();
    assert!(plan.contains("was not written by this project"), "{plan}");
    let refused = project.run(&["run", "--yes"]).exits(3).stderr();
    assert!(refused.contains("--overwrite"), "{refused}");
    assert_eq!(project.read("out/a.wav"), "my own recording");
    assert!(!project.path("out/a.srt").exists());

    let made = project
        .run(&["run", "--yes", "--overwrite"])
        .exits(0)
        .stderr();
    assert!(made.contains("a.wav.bak"), "{made}");
    assert_eq!(project.read("out/a.wav.bak"), "my own recording");
    assert!(
        fs::read(project.path("out/a.wav"))
            .unwrap()
            .starts_with(b"RIFF")
    );
    // It is ours now.
    project.run(&["run", "--yes"]).exits(0);
    assert!(!project.path("out/a.wav.2.bak").exists());
}

#[test]
fn a_corrected_subtitle_is_never_replaced_unasked() {
    let project = project("");
    project.run(&["run", "--yes"]).exits(0);
    project.write("out/a.srt", "corrected by hand");
    project.write("in/a.txt", "The boats came in late.\n\nNobody waited.");

    let refused = project.run(&["run", "--yes"]).exits(3).stderr();

    assert!(refused.contains("was changed since"), "{refused}");
    assert_eq!(project.read("out/a.srt"), "corrected by hand");
    project.write("jobs.toml", config("overwrite = true\n"));
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(project.read("out/a.srt.bak"), "corrected by hand");
    assert!(project.read("out/a.srt").contains("came in late"));
}

#[test]
fn an_output_that_is_an_input_is_refused_whatever_is_allowed() {
    let project = Project::new(
        &config("overwrite = true\n")
            .replace("subtitles = [\"srt\"]", "subtitles = [\"txt\"]")
            .replace("version = 1\n", "version = 1\n[project]\nout = \"in\"\n"),
    );
    project.write("in/a.txt", "The boats came in early.");

    let refused = project.run(&["run", "--yes"]).exits(3).stderr();

    assert!(refused.contains("over an input"), "{refused}");
    assert_eq!(project.read("in/a.txt"), "The boats came in early.");
}

#[test]
fn two_projects_with_one_folder_do_not_take_each_others_files() {
    let project = project("");
    project.run(&["run", "--yes"]).exits(0);
    let before = fs::read(project.path("out/a.wav")).unwrap();
    // Another queue, the same output folder, another voice.
    let other = config("").replace("pico-en-gb", "pico-en-us").replace(
        "version = 1\n",
        "version = 1\n[project]\nstate = \".other\"\n",
    );
    project.write("other.toml", other);

    let refused = project.run(&["run", "--yes", "-f", "other.toml"]).exits(3);

    assert!(refused.stderr().contains("not written by this project"));
    assert_eq!(fs::read(project.path("out/a.wav")).unwrap(), before);
}

#[test]
fn a_report_of_somebody_else_stays() {
    let project = project("");
    project.write("out/cost.csv", "my,own,table\n");

    let ran = project.run(&["run", "--yes"]).exits(0).stderr();

    assert!(ran.contains("cost.csv is not ours"), "{ran}");
    assert_eq!(project.read("out/cost.csv"), "my,own,table\n");
    assert!(project.read("out/files.csv").contains("a.txt"));
    // Ours is made anew each time.
    project.write("in/b.txt", "More.");
    project.run(&["run", "--yes"]).exits(0);
    assert!(project.read("out/files.csv").contains("b.txt"));
}

#[test]
fn writing_beside_the_inputs_is_safe_and_goes_on() {
    let project = Project::new(
        &config("").replace("version = 1\n", "version = 1\n[project]\nout = \"in\"\n"),
    );
    project.write("in/a.txt", "The boats came in early.");
    project.write("in/b.txt", "Nobody waited.");

    project.run(&["run", "--yes"]).exits(0);
    project.run(&["run", "--yes"]).exits(0);
    project.write("in/a.txt", "The boats came in late.");
    project.run(&["run", "--yes"]).exits(0);

    assert!(project.read("in/a.srt").contains("late"));
    assert_eq!(project.read("in/b.txt"), "Nobody waited.");
}
