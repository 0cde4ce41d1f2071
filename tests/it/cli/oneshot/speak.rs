//! Text to audio.

use std::fs;

use crate::cli::oneshot::{PER_CHAR, TEXT, fed, folder, names, speak, with};
use crate::support::Provider;
use voicespool::audio;
use voicespool::subtitle::{srt, vtt};
use voicespool_mock::MockOptions;

#[test]
fn the_first_command_of_a_new_user_speaks_without_a_key_or_a_project() {
    let project = folder();

    let ran = project.run(&["tts", TEXT, "-o", "quiet.wav"]).exits(0);

    let facts = audio::probe(&project.path("quiet.wav")).unwrap();
    assert!(facts.duration.0 > 1_500, "{facts:?}");
    assert_eq!(ran.stdout(), "");
    assert_eq!(ran.stderr(), "cost $0.00, 48 characters, svox-pico\n");
    assert_eq!(names(&project), ["quiet.wav"]);
}

#[test]
fn equal_text_is_bought_once_whatever_it_is_written_to() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");

    let first = project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(0);
    let again = project.run(&speak(TEXT, "b.wav", &[])).exits(0);
    let other = project
        .run(&speak(TEXT, "c.flac", &["--subtitles", "srt,vtt"]))
        .exits(0);

    assert_eq!(provider.billed(), 1);
    let (a, b) = (project.path("a.wav"), project.path("b.wav"));
    assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    assert!(
        first
            .stderr()
            .contains("cost $0.000192, 48 characters, hexgrad/Kokoro-82M")
    );
    for ran in [again, other] {
        let said = ran.stderr();
        assert!(
            said.contains("cost $0.00, 48 characters, sent before"),
            "{said}"
        );
    }
    assert_eq!(
        names(&project),
        ["a.wav", "b.wav", "c.flac", "c.srt", "c.vtt"]
    );
    srt::parse(&project.read("c.srt")).unwrap();
    vtt::parse(&project.read("c.vtt")).unwrap();
}

#[test]
fn several_files_become_one_file_each_and_one_line_of_json() {
    let project = folder();
    project.write("one.md", "# One\n\nThe first of them.");
    project.write("deep/two.txt", "The second of them.");

    let args = [
        "tts",
        "one.md",
        "deep/two.txt",
        "-O",
        "new/audio",
        "--format",
        "flac",
        "--json",
    ];
    let made = project.run(&args).exits(0).json();

    for name in ["one", "two"] {
        let path = project.path(&format!("new/audio/{name}.flac"));
        assert!(audio::probe(&path).unwrap().duration.0 > 500, "{name}");
    }
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["type"], "tts");
    assert_eq!(made[0]["files"][1]["outputs"][0], "new/audio/two.flac");
    assert_eq!(made[0]["chars"], 40, "{}", made[0]);
    assert!(made[0]["audio_s"].as_f64().unwrap() > 1.0, "{}", made[0]);
}

#[test]
fn text_comes_from_stdin_and_audio_goes_to_stdout_and_nothing_else_does() {
    let project = folder();

    let piped = fed(&project, &["tts", "-", "-o", "-"], TEXT.as_bytes());
    project.run(&["tts", TEXT, "-o", "same.wav"]).exits(0);

    assert!(piped.status.success());
    assert_eq!(piped.stdout, fs::read(project.path("same.wav")).unwrap());
    let empty = fed(&project, &["tts", "-", "-o", "a.wav"], b"");
    assert_eq!(empty.status.code(), Some(2));
    let picture = fed(
        &project,
        &["tts", "-", "-o", "a.wav"],
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0",
    );
    assert_eq!(picture.status.code(), Some(2));
    assert_eq!(names(&project), ["same.wav"]);
}

#[test]
fn without_a_person_nothing_that_costs_is_sent_unless_it_was_agreed_to() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");

    let refused = project.run(&speak(TEXT, "a.wav", &[])).exits(2).stderr();

    assert!(refused.contains("estimate $0.000192"), "{refused}");
    assert!(
        refused.contains("voicespool tts … --max-cost USD"),
        "{refused}"
    );
    assert_eq!(provider.mock.invoice().requests, 0);
    project
        .run(&speak(TEXT, "a.wav", &["--max-cost", "0.0001"]))
        .exits(8);
    assert_eq!(provider.mock.invoice().requests, 0);
    project
        .run(&speak(TEXT, "a.wav", &["--max-cost", "0.0002"]))
        .exits(0);
}

#[test]
fn the_users_own_budget_holds_over_all_one_shots() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "[budget]\nmax_cost = \"0.000200\"\n");
    project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(0);

    let stopped = project
        .run(&speak("Another text.", "b.wav", &["--yes"]))
        .exits(8);

    let said = stopped.stderr();
    assert!(said.contains("[budget] in your configuration"), "{said}");
    assert_eq!(provider.billed(), 1);
    assert_eq!(names(&project), ["a.wav"]);
}

#[test]
fn the_price_on_stderr_is_the_price_on_the_bill() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");

    let ran = project
        .run(&speak(TEXT, "a.wav", &["--yes", "--json"]))
        .exits(0);

    let bill = provider.mock.invoice();
    assert_eq!(ran.json()[0]["cost_nano"], bill.billed_chars * PER_CHAR);
    assert_eq!(ran.json()[0]["cost"], bill.cost_usd);
}

#[test]
fn a_named_file_lends_its_profiles_and_budget_and_the_rules_of_trust_hold() {
    let provider = Provider::start(MockOptions::default());
    let project = folder();
    let budget = "version = 1\n[budget]\nmax_cost = \"0.0001\"\n";
    project.write("p/jobs.toml", format!("{budget}{}", provider.profile()));
    let evil = "version = 1\n[profile.mock]\nkind = \"together\"\nbase_url = \"https://evil.example/v1\"\nkey = { env = \"TOGETHER_API_KEY\" }\n";
    project.write("evil/jobs.toml", evil);
    let from = |file| speak(TEXT, "a.wav", &["--yes", "-f", file]);

    let unknown = project.run(&speak(TEXT, "a.wav", &["--yes"])).exits(2);
    let capped = project.run(&from("p/jobs.toml")).exits(8);
    let refused = project.run(&from("evil/jobs.toml")).exits(2);

    let said = unknown.stderr();
    assert!(said.contains("there is no [profile.mock]"), "{said}");
    let said = capped.stderr();
    assert!(said.contains("p/jobs.toml sets it"), "{said}");
    let said = refused.stderr();
    assert!(said.contains("would be sent to evil.example"), "{said}");
    assert_eq!(provider.mock.invoice().requests, 0);
}
