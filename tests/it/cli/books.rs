//! Several texts of a folder are one book.

use serde_json::Value;

use crate::support::Project;

fn project(more: &str) -> Project {
    let project = Project::new(&format!(
        "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"in\"]\nvoice = \"pico-en-gb\"\nformat = \"flac\"\n{more}"
    ));
    std::fs::create_dir_all(project.path("in/Two Lamps")).unwrap();
    project.write(
        "in/Two Lamps/01_the_harbour.txt",
        "The boats came in.\n\nNobody spoke.\n",
    );
    project.write(
        "in/Two Lamps/2.md",
        "---\ntitle: The Lamp\nauthor: Ann Example\n---\n\nSomebody had left a lamp.\n",
    );
    project.write("in/Two Lamps/10.md", "# The Train\n\nThey went by train.\n");
    project
}

/// The names of outputs below `out`, but for reports.
fn made(project: &Project) -> Vec<String> {
    let files = walkdir::WalkDir::new(project.path("out")).sort_by_file_name();
    let files = files.into_iter().filter_map(Result::ok);
    let files = files.filter(|entry| {
        let is_report = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "csv");
        entry.file_type().is_file() && !is_report
    });
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(project.path("out")).unwrap();
            path.to_string_lossy().into_owned()
        })
        .collect()
}

/// The Vorbis comments of a FLAC, as they lie in it.
fn has(project: &Project, file: &str, comment: &str) -> bool {
    let bytes = std::fs::read(project.path("out").join(file)).unwrap();
    bytes
        .windows(comment.len())
        .any(|window| window == comment.as_bytes())
}

fn to_send(project: &Project) -> Value {
    let plan = project.run(&["plan", "--json"]).exits(0).json();
    plan[0]["totals"]["requests_to_send"].clone()
}

#[test]
fn the_texts_of_a_folder_become_one_book() {
    let project = project("layout = \"book\"\noutput = \"{author}/{series}/{title}.{ext}\"\n");

    project.run(&["run"]).exits(0);

    let book = "Ann Example/Two Lamps.flac";
    assert_eq!(made(&project), [book]);
    for comment in [
        "TITLE=Two Lamps",
        "ARTIST=Ann Example",
        "CHAPTER001NAME=the harbour",
        "CHAPTER002NAME=The Lamp",
        "CHAPTER003NAME=The Train",
    ] {
        assert!(has(&project, book, comment), "{comment}");
    }

    // What a person says of it is beside it, makes another file, and sends nothing.
    project.write(
        "in/Two Lamps/book.toml",
        "title = \"Lamps, Two\"\nseries = \"Harbours\"\npart = 2\n",
    );
    assert_eq!(to_send(&project), 0);
    let ran = project.run(&["run"]).exits(0);
    assert!(!ran.stderr().contains("book.toml"), "{}", ran.stderr());
    let book = "Ann Example/Harbours/Lamps, Two.flac";
    assert!(made(&project).contains(&book.to_owned()));
    assert!(has(&project, book, "SERIES-PART=2"));

    // A chapter that is changed is bought anew, and nothing else is.
    project.write("in/Two Lamps/10.md", "# The Train\n\nThey went on foot.\n");
    assert_eq!(to_send(&project), 1);
}

#[test]
fn files_that_were_spoken_one_by_one_are_not_bought_again_as_a_book() {
    let project = project("");
    project.run(&["run"]).exits(0);
    assert_eq!(made(&project).len(), 3);

    let config = project.read("jobs.toml") + "layout = \"book\"\n";
    project.write("jobs.toml", config);

    assert_eq!(to_send(&project), 0);
    project.run(&["run"]).exits(0);
    assert!(made(&project).contains(&"book/Two Lamps.flac".to_owned()));
}

#[test]
fn a_book_that_cannot_be_understood_is_refused_and_named() {
    let project = project("layout = \"book\"\n");
    project.write("in/Two Lamps/book.toml", "titel = \"Lamps\"\n");
    let plan = project.run(&["plan"]).exits(0);
    assert!(
        plan.stderr().contains("unknown field `titel`")
            || plan.stdout().contains("unknown field `titel`")
    );
    project.write("in/Two Lamps/book.toml", "title = \"Lamps\"\n");

    project.write("in/Two Lamps/3.txt", "\n");

    let plan = project.run(&["plan", "--files"]).exits(0);
    let said = plan.stdout() + &plan.stderr();
    assert!(said.contains("3.txt in it has nothing to speak"), "{said}");
}

#[test]
fn chapters_are_named_by_the_template() {
    let project = project("layout = \"chapters\"\noutput = \"{title}/{n:03} {chapter}.{ext}\"\n");
    project.write(
        "in/Two Lamps/10.md",
        "# One\n\nThey went by train.\n\n# Two\n\nThey came back.\n",
    );

    project.run(&["run"]).exits(0);

    let made = made(&project);
    assert_eq!(
        made[1..3],
        ["10/001 One.flac", "10/002 Two.flac"],
        "{made:?}"
    );
    let config = project
        .read("jobs.toml")
        .replace("\"chapters\"", "\"book\"");
    project.write("jobs.toml", config);
    let ran = project.run(&["plan"]).exits(2);
    assert!(
        ran.stderr().contains("name the files of chapters"),
        "{}",
        ran.stderr()
    );
}
