//! A server that moves: what was bought stays bought.

use voicespool_mock::MockOptions;

use crate::support::{Project, Provider};

fn config(provider: &Provider, more: &str) -> String {
    format!(
        "version = 1\n{}{more}[task.a]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\n",
        provider.profile()
    )
}

/// `127.0.0.1:8880/v1` of the provider's address.
fn address(provider: &Provider) -> String {
    let profile = provider.profile();
    let (_, rest) = profile.split_once("http://").unwrap();
    let (address, _) = rest.split_once('"').unwrap();
    let address = address.trim_end_matches('/');
    if address.ends_with("/v1") {
        address.to_owned()
    } else {
        format!("{address}/v1")
    }
}

#[test]
fn a_server_with_a_new_port_and_name_is_not_paid_again() {
    let (first, second) = (
        Provider::start(MockOptions::default()),
        Provider::start(MockOptions::default()),
    );
    let project = Project::new(&config(&first, ""));
    project.write("a.txt", "One sentence that is bought once.");
    project.run(&["run", "--yes"]).exits(0);
    assert_eq!(first.billed(), 1);

    // By name from now on, as what the old address sold.
    let identity = format!("identity = \"{}\"\n", address(&first));
    let moved = config(&second, &identity).replace("127.0.0.1", "localhost");
    let moved = moved.replace(&identity.replace("127.0.0.1", "localhost"), &identity);
    project.write("jobs.toml", moved);
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!((first.billed(), second.billed()), (1, 0));
}

#[test]
fn a_name_given_from_the_start_holds_through_a_move() {
    let (first, second) = (
        Provider::start(MockOptions::default()),
        Provider::start(MockOptions::default()),
    );
    let project = Project::new(&config(&first, "identity = \"home\"\n"));
    project.write("a.txt", "One sentence that is bought once.");
    project.run(&["run", "--yes"]).exits(0);

    project.write("jobs.toml", config(&second, "identity = \"home\"\n"));
    project.run(&["run", "--yes"]).exits(0);

    assert_eq!((first.billed(), second.billed()), (1, 0));
}

#[test]
fn two_addresses_cannot_have_one_identity() {
    let provider = Provider::start(MockOptions::default());
    let project = Project::new(&config(&provider, "identity = \"api.together.ai/v1\"\n"));
    project.write("a.txt", "One sentence.");

    let said = project.run(&["run", "--yes"]).exits(2).stderr();

    assert!(said.contains("has this identity too"), "{said}");
    assert_eq!(provider.billed(), 0);
}

#[test]
fn a_plan_says_what_differs_from_what_was_bought() {
    let (first, second) = (
        Provider::start(MockOptions::default()),
        Provider::start(MockOptions::default()),
    );
    let project = Project::new(&config(&first, ""));
    project.write("a.txt", "One sentence that is bought once.");
    project.run(&["run", "--yes"]).exits(0);
    let note = |config: String| {
        project.write("jobs.toml", config);
        let plan = project.run(&["plan", "--json"]).exits(0).json().remove(0);
        let file = &plan["tasks"][0]["files"][0];
        file["note"].as_str().unwrap_or_default().to_owned()
    };
    let before = config(&first, "");
    assert_eq!(note(before.clone()), "");

    let moved = note(config(&second, ""));
    assert!(
        moved.contains("the same text; another server (together:127.0.0.1:"),
        "{moved}"
    );
    assert!(moved.contains("`identity`"), "{moved}");
    let voice = note(before.replace("af_heart", "af_bella"));
    assert!(
        voice.ends_with("the same text; another `voice` (af_bella, was af_heart)"),
        "{voice}"
    );
    let format = note(before.replace("format = \"wav\"", "format = \"mp3\""));
    assert!(
        format.contains("another `format` (mp3, was wav)"),
        "{format}"
    );
    let cut = note(format!(
        "{before}chunk = {{ max_chars = 20, target_chars = 15 }}\n"
    ));
    assert!(
        cut.ends_with("the same text, cut or cleaned otherwise"),
        "{cut}"
    );
    project.write("a.txt", "Another sentence now.");
    let text = note(before);
    assert!(text.ends_with("the text has changed"), "{text}");
}
