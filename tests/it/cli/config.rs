//! Bad configuration, bad flags, first steps.

use crate::support::Project;

#[test]
fn a_misspelt_key_is_shown_where_it_stands_and_nothing_is_sent() {
    let project = Project::new("version = 1\n\n[budget]\nmax_costs = \"25.00\"\n");

    let refused = project.run(&["run", "--yes"]).exits(2);

    let said = refused.stderr();
    assert!(
        said.contains("jobs.toml:4:1") && said.contains('^') && said.contains("max_cost"),
        "{said}"
    );
    assert!(!project.path(".voicespool").exists());
}

#[test]
fn a_pattern_that_finds_nothing_is_shown_where_it_stands_with_what_was_meant() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-de\"\ninput = [\"boks/*.txt\"]\n",
    );
    project.write("books/a.txt", "Ein Satz.");

    let refused = project.run(&["plan"]).exits(2);

    let said = refused.stderr();
    assert!(
        said.contains("--> jobs.toml:6:10") && said.contains("  |          ^"),
        "{said}"
    );
    assert!(said.contains("did you mean `books`?"), "{said}");
}

#[test]
fn a_key_is_taken_from_no_flag() {
    let project = Project::new("version = 1\n");

    project.run(&["run", "--api-key", "sk-x"]).exits(2);
}

#[test]
fn both_presets_load_and_init_never_overwrites() {
    for preset in ["audiobook", "podcast"] {
        let project = Project::new("");
        std::fs::remove_file(project.path("jobs.toml")).unwrap();

        let said = project.run(&["init", "--preset", preset]).exits(0);
        project.run(&["init", "--preset", preset]).exits(2);
        project
            .run(&["init", "--preset", preset, "--force"])
            .exits(0);

        assert!(
            said.stderr().contains("voicespool plan"),
            "{}",
            said.stderr()
        );
        // No input is there yet, which is all there is to complain about.
        let plan = project.run(&["plan"]).exits(2);
        assert!(
            plan.stderr().contains("matches no file"),
            "{}",
            plan.stderr()
        );
    }
}

#[test]
fn every_command_answers_before_the_first_run() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-de\"\ninput = [\"a.txt\"]\n",
    );
    project.write("a.txt", "Ein Satz.");

    project.run(&["status"]).exits(0);
    project.run(&["plan"]).exits(0);
    project.run(&["doctor"]).exits(0);
    for command in [
        &["ls"][..],
        &["show", "1"],
        &["verify"],
        &["report"],
        &["retry", "--all"],
        &["cancel", "--all"],
    ] {
        let refused = project.run(command).exits(2);
        assert!(
            refused.stderr().contains("no queue"),
            "{command:?}: {}",
            refused.stderr()
        );
    }
    project.run(&["completions", "bash"]).exits(0);
}

#[cfg(feature = "mock")]
#[test]
fn the_mock_listens_on_this_machine_only() {
    let project = Project::new("version = 1\n");

    let refused = project.run(&["mock", "--bind", "0.0.0.0:0"]).exits(2);

    assert!(
        refused.stderr().contains("no loopback address"),
        "{}",
        refused.stderr()
    );
}

#[test]
fn a_queue_that_is_no_queue_is_left_alone() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-de\"\ninput = [\"a.txt\"]\n",
    );
    project.write("a.txt", "Ein Satz.");
    project.write(
        ".voicespool/queue.db",
        "these bytes are no database, and somebody may need them",
    );

    let refused = project.run(&["run", "--yes"]).exits(12);

    assert!(
        refused.stderr().contains("not touched")
            || refused.stderr().contains("damaged")
            || refused.stderr().contains("not a queue"),
        "{}",
        refused.stderr()
    );
    assert!(
        project
            .read(".voicespool/queue.db")
            .contains("somebody may need them")
    );
}
