//! `voices`, `models`, `prices`: what can be asked for, offline and of a provider.

use crate::support::{Project, Provider};
use voicespool_mock::MockOptions;

fn speech(voice: &str, provider: &Provider) -> Project {
    let project = Project::new(&format!(
        "version = 1\n{}[task.a]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"{voice}\"\nformat = \"wav\"\n",
        provider.profile()
    ));
    project.write("a.txt", "One sentence.");
    project
}

#[test]
fn every_model_of_the_audio_pages_is_listed_with_who_can_use_it() {
    let project = Project::new("version = 1\n");

    let models = project.run(&["models", "--json"]).exits(0).json();

    let field = |id: &str, field: &str| {
        let model = models.iter().find(|model| model["model"] == id).unwrap();
        model[field].clone()
    };
    for id in [
        "canopylabs/orpheus-3b-0.1-ft",
        "hexgrad/Kokoro-82M",
        "cartesia/sonic-2",
        "cartesia/sonic-3",
        "openai/whisper-large-v3",
        "nvidia/parakeet-tdt-0.6b-v3",
    ] {
        assert_eq!(field(id, "availability"), "serverless", "{id}");
        assert!(field(id, "price")["nano"].as_i64().unwrap() > 0, "{id}");
    }
    for id in ["rime-labs/rime-arcana-v3-turbo", "minimax/speech-2.6-turbo"] {
        assert_eq!(field(id, "availability"), "dedicated", "{id}");
    }
    let voxtral = "mistralai/Voxtral-Mini-3B-2507";
    assert_eq!(field(voxtral, "availability"), "retired");
    assert_eq!(field(voxtral, "availability_date"), "2026-06-03");
    assert_eq!(field("cartesia/sonic", "availability"), "retired");
    assert_eq!(
        field("hexgrad/Kokoro-82M", "deliveries"),
        serde_json::json!(["rest", "stream", "websocket"])
    );
}

#[test]
fn lists_need_no_project_and_an_unknown_model_is_said_to_be_usable() {
    let project = Project::new("");
    std::fs::remove_file(project.path("jobs.toml")).unwrap();

    let voices = project.run(&["voices", "kokoro", "--json"]).exits(0).json();
    let pico = project.run(&["voices", "pico", "--json"]).exits(0).json();
    let unknown = project.run(&["voices", "acme/tts-9"]).exits(2);
    project.run(&["prices", "--json"]).exits(0);

    assert_eq!((voices.len(), pico.len()), (54, 6));
    assert!(
        unknown.stderr().contains("can be used all the same"),
        "{}",
        unknown.stderr()
    );
}

#[test]
fn a_mix_is_checked_part_by_part() {
    let project = Project::new("version = 1\n");
    let check = |voice: &str, code| {
        let args = ["voices", "hexgrad/Kokoro-82M", "--check", voice];
        project.run(&args).exits(code).stdout()
    };

    check("af_bella(2)+af_heart(1)", 0);
    assert!(check("af_bella(2)+af_hart", 6).contains("did you mean `af_heart`"));
    assert!(check("af_bella(0)", 6).contains("above 0"));
    assert!(check("af_bella(2", 6).contains("closing bracket"));
}

#[test]
fn a_mistyped_voice_is_a_warning_and_a_broken_mix_stops_the_plan() {
    let provider = Provider::start(MockOptions::default());

    let mistyped = speech("af_hart", &provider).run(&["plan"]).exits(0);
    let broken = speech("af_heart(x)", &provider).run(&["plan"]).exits(2);
    let mixed = speech("af_heart(2)+bm_george(1)", &provider);

    assert!(
        mistyped.stderr().contains("did you mean `af_heart`"),
        "{}",
        mistyped.stderr()
    );
    assert!(broken.stderr().contains("above 0"), "{}", broken.stderr());
    mixed.run(&["run", "--yes"]).exits(0);
}

#[test]
fn a_provider_is_asked_only_when_told_to() {
    let provider = Provider::start(MockOptions::default());
    let project = speech("af_heart", &provider);

    let voices = project
        .run(&["voices", "hexgrad/Kokoro-82M", "--online", "--json"])
        .exits(0)
        .json();
    let models = project.run(&["models", "--online", "--json"]).exits(0);

    assert_eq!(voices.len(), 54);
    assert!(models.stdout().contains("openai/whisper-large-v3"));
    let refused = project
        .command(&["models", "--online"])
        .env("TOGETHER_API_KEY", "sk-wrong")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(4));
    project
        .run(&["models", "--online", "--profile", "local"])
        .exits(2);
    project
        .run(&["voices", "--online", "--profile", "nobody"])
        .exits(2);
    drop(provider);
    project.run(&["voices", "--online"]).exits(5);
    project.run(&["voices"]).exits(0);
}

#[test]
fn prices_tell_their_source_and_age_and_a_missing_one_is_a_finding() {
    let project = Project::new(
        "version = 1\n[models.\"hexgrad/Kokoro-82M\"]\nprice = { per_1m_chars = \"350.00\", as_of = \"2020-01-01\" }\n[task.a]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\n[task.b]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"a.txt\"]\nmodel = \"acme/tts-9\"\nvoice = \"x\"\noutput = \"b/{stem}.{ext}\"\n",
    );
    project.write("a.txt", "One sentence.");

    let prices = project.run(&["prices", "--check", "--json"]).exits(6);

    let kokoro = prices
        .json()
        .into_iter()
        .find(|price| price["model"] == "hexgrad/Kokoro-82M")
        .unwrap();
    assert_eq!(kokoro["price"]["usd"], "350.000000000");
    assert!(kokoro["age_days"].as_i64().unwrap() > 2000, "{kokoro}");
    assert!(kokoro["source"].as_str().unwrap().contains("jobs.toml"));
    let said = prices.stderr();
    assert!(
        said.contains("`acme/tts-9` has no price") && said.contains("days old"),
        "{said}"
    );
    project.run(&["prices"]).exits(0);
}

#[test]
fn a_retired_model_and_a_delivery_it_lacks_are_warned_of_before_anything_is_sent() {
    let provider = Provider::start(MockOptions::default());
    let says = |model: &str, more: &str| {
        let project = Project::new(&format!(
            "version = 1\n{}[task.a]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"a.txt\"]\nmodel = \"{model}\"\nvoice = \"x\"\nformat = \"wav\"\n{more}",
            provider.profile()
        ));
        project.write("a.txt", "One sentence.");
        project.run(&["plan"]).exits(0).stderr()
    };

    assert!(says("cartesia/sonic", "").contains("was retired on 2026-06-01"));
    assert!(says("rime-labs/rime-arcana-v3-turbo", "").contains("a machine rented for it"));
    assert!(
        says("cartesia/sonic-3", "delivery = \"stream\"\n")
            .contains("was not known to answer by stream")
    );
    assert!(!says("cartesia/sonic-3", "").contains("warning"));
}

#[test]
fn a_full_disk_behind_standard_output_is_said_and_is_no_bug() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-gb\"\ninput = [\"*.txt\"]\nformat = \"wav\"\noutput = \"{stem}.{ext}\"\n",
    );
    // A name that turns the line around it is shown without.
    project.write("b\u{202e}c.txt", "x");
    let shown = project.run(&["plan"]).exits(0).stdout();
    assert!(shown.contains("b\u{fffd}c.txt"), "{shown}");
    assert!(shown.contains(" 1 char "), "{shown}");
    project.run(&["run", "--yes"]).exits(0);
    for args in [
        &["plan"][..],
        &["plan", "--json"],
        &["ls"],
        &["status"],
        &["report"],
        &["report", "--format", "attempts"],
        &["voices"],
        &["verify", "--deep"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let ended = project.command(args).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(7), "{args:?}: {said}");
        assert!(said.contains("No space left"), "{args:?}: {said}");
    }
}

#[test]
fn reports_know_what_was_refused_and_a_run_that_never_was_has_none() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-gb\"\ninput = [\"in\"]\nformat = \"wav\"\noutput = \"{stem}.{ext}\"\n",
    );
    project.write("in/a.txt", "One sentence.");
    project.write("in/b.epub", "this is no book");
    project.run(&["run", "--yes"]).exits(3);

    let table = project.run(&["report"]).exits(0).stdout();
    assert!(table.contains("1 file refused by the last run"), "{table}");
    assert!(table.contains("in/b.epub (task a): "), "{table}");
    let files = project.read("out/files.csv");
    assert!(files.contains("a,in/b.epub,refused,0,0,0,0"), "{files}");
    let json = project.run(&["report", "--json"]).exits(0).json().remove(0);
    assert_eq!(json["refused"][0]["source"], "in/b.epub");
    let status = project.run(&["status"]).exits(0).stdout();
    assert!(status.contains("refused  1 file"), "{status}");

    // A run of another task does not forget it.
    let config = project.read("jobs.toml");
    let other = config
        .replace("[task.a]", "[task.b]")
        .replace("\"in\"", "\"other\"");
    let other = other
        .replace("version = 1\n", "")
        .replace("{stem}", "b-{stem}");
    project.write("jobs.toml", format!("{config}{other}"));
    project.write("other/d.txt", "A sentence of another task.");
    project.run(&["run", "b", "--yes"]).exits(0);
    let table = project.run(&["report"]).exits(0).stdout();
    assert!(table.contains("in/b.epub (task a): "), "{table}");

    // Of one run only what it did.
    project.write("in/c.txt", "Another sentence.");
    project.run(&["run", "--yes"]).exits(3);
    let second = project.run(&["report", "--run", "3"]).exits(0).stdout();
    assert!(second.contains("in/c.txt"), "{second}");
    assert!(
        !second.contains("in/a.txt") && !second.contains("in/b.epub"),
        "{second}"
    );
    let unknown = project.run(&["report", "--run", "9"]).exits(2).stderr();
    assert!(unknown.contains("there is no run 9"), "{unknown}");

    // What is mended is no longer told.
    std::fs::remove_file(project.path("in/b.epub")).unwrap();
    project.run(&["run", "--yes"]).exits(0);
    let table = project.run(&["report"]).exits(0).stdout();
    assert!(!table.contains("refused"), "{table}");
}

#[test]
fn the_next_page_of_a_list_is_of_the_same_list() {
    let project = Project::new(
        "version = 1\n[task.book]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-us\"\ninput = [\"a.txt\"]\nformat = \"wav\"\n",
    );
    project.write("a.txt", "One paragraph.\n\nAnother one.\n\nAnd a third.\n");
    project.run(&["run", "--yes"]).exits(0);

    let typed = [
        "ls",
        "a.txt",
        "--state",
        "completed",
        "--kind",
        "speak",
        "--limit",
        "2",
    ];
    let said = project.run(&typed).exits(0).stderr();

    let hint = said.split("voicespool ").nth(1).unwrap().trim();
    assert!(
        hint.starts_with("ls a.txt --state completed --kind speak --limit 2 --after "),
        "{said}"
    );
    let typed: Vec<_> = hint.split(' ').chain(["--json"]).collect();
    assert_eq!(project.run(&typed).exits(0).json().len(), 1);
}
