//! Keys: which may go where, and that none is ever shown.

use crate::config::tests::{Project, bad, good};
use crate::config::{Auth, CredentialSource};

const CANARY: &str = "sk-CANARY-7f3a9b2c4d5e6f70";

/// A project file with one profile at a host.
fn profile(lines: &str) -> String {
    format!("version = 1\n[profile.p]\nkind = \"openai\"\n{lines}\n")
}

fn at(host: &str, key: &str) -> String {
    profile(&format!("base_url = \"{host}\"\nkey = {key}"))
}

#[test]
fn a_project_file_sends_a_key_to_its_provider_or_to_this_machine_only() {
    let evil = "https://evil.example/v1";
    for (host, key) in [
        (
            "https://api.together.ai/v1",
            "{ env = \"TOGETHER_API_KEY\" }",
        ),
        ("https://api.openai.com", "{ env = \"OPENAI_API_KEY\" }"),
        ("https://api.groq.com/openai/v1", "{ env = \"MY_GROQ\" }"),
        ("https://api.openai.com", "{ file = \"key\" }"),
        ("http://127.0.0.1:8000", "{ env = \"TOGETHER_API_KEY\" }"),
        ("http://127.0.0.1:8000", "{ file = \"key\" }"),
        (evil, "\"none\""),
    ] {
        good(&at(host, key));
    }
    for (host, key, expected) in [
        (evil, "{ env = \"TOGETHER_API_KEY\" }", "not its provider"),
        (
            "https://api.openai.com",
            "{ env = \"TOGETHER_API_KEY\" }",
            "not its provider",
        ),
        (
            "https://api.together.ai.evil.example",
            "{ env = \"TOGETHER_API_KEY\" }",
            "not its provider",
        ),
        (
            evil,
            "{ env = \"AWS_SECRET_ACCESS_KEY\" }",
            "no known provider",
        ),
        (
            evil,
            "{ env = \"VOICESPOOL_KEY_EVIL\" }",
            "no known provider",
        ),
        (evil, "{ file = \"key\" }", "no known provider"),
        (
            evil,
            "{ file = \"/root/.ssh/id_ed25519\" }",
            "outside the project's folder",
        ),
        (
            "http://127.0.0.1:8000",
            "{ file = \"/etc/hostname\" }",
            "outside the project's folder",
        ),
        (
            evil,
            "{ command = [\"sh\", \"-c\", \"x\"] }",
            "may not run a key command",
        ),
        (
            "http://127.0.0.1:8000",
            "{ command = [\"sh\"] }",
            "may not run a key command",
        ),
        (
            "https://api.openai.com",
            "{ command = [\"sh\"] }",
            "may not run a key command",
        ),
    ] {
        let message = bad(&at(host, key));
        assert!(message.contains(expected), "{host} {key}\n{message}");
    }
    assert!(bad(&profile("base_url = \"https://evil.example\"")).contains("has no `key`"));
}

#[test]
fn what_the_user_trusts_is_allowed() {
    let evil = at("https://corp.example/v1", "{ env = \"CORP_KEY\" }");
    let command = at("https://corp.example/v1", "{ command = [\"pass\"] }");

    assert!(
        Project::new(&evil)
            .user("[trust]\nhosts = [\"Corp.example\"]")
            .load()
            .is_ok()
    );
    assert!(
        Project::new(&evil)
            .env("VOICESPOOL_TRUST_HOSTS", "a.example, corp.example")
            .load()
            .is_ok()
    );
    assert!(
        Project::new(&command)
            .user("[trust]\nhosts = [\"corp.example\"]")
            .load()
            .is_err()
    );
    for (folder, is_trusted) in [("work", true), ("", true), ("wor", false), ("home", false)] {
        let project = Project::new(&command);
        let path = project.dir.path().join(folder);
        let project = project.user(&format!("[trust]\nprojects = [\"{}\"]", path.display()));
        assert_eq!(project.load().is_ok(), is_trusted, "{folder}");
    }
    let own = "[profile.p]\nkind = \"openai\"\nbase_url = \"https://corp.example\"\nkey = { command = [\"pass\"] }";
    assert!(Project::new("version = 1").user(own).load().is_ok());
    let typed = Project::new(&evil.replace("corp", "evil"))
        .env("VOICESPOOL_BASE_URL", "https://mine.example/v1");
    let settings = typed.load().unwrap();
    assert_eq!(
        settings.profiles["p"].base_url.as_ref().unwrap().host(),
        "mine.example"
    );
    let typed = Project::new(&command).env("VOICESPOOL_BASE_URL", "https://mine.example/v1");
    assert!(
        typed.message().contains("may not run a key command"),
        "an address does not bless a command"
    );
}

#[test]
fn a_project_cannot_bend_a_profile_of_the_user_to_another_host() {
    let user = "[profile.p]\nkind = \"openai\"\nbase_url = \"https://corp.example\"\nkey = { env = \"CORP_KEY\" }\n";

    let message = Project::new(&profile("base_url = \"https://evil.example\""))
        .user(user)
        .message();
    assert!(
        message.contains("has no `key`"),
        "the user's key does not come along: {message}"
    );
    let message = Project::new("version = 1\n[trust]\nhosts = [\"evil.example\"]").message();
    assert!(message.contains("may not say what to trust"), "{message}");
    let message = Project::new("version = 1")
        .user("[task.a]\ntype = \"tts\"\n[project]\nname = \"x\"")
        .message();
    assert!(
        message.contains("tasks belong") && message.contains("[project] belongs"),
        "{message}"
    );
}

#[test]
fn a_key_written_into_the_file_is_refused_and_not_repeated() {
    for line in [
        format!("key = \"{CANARY}\""),
        "key = \"plainlettersonly\"".to_owned(),
        format!("key = {CANARY}"),
        format!("key = [\"{CANARY}\"]"),
        format!("key = {{ env = \"{CANARY}\" }}"),
        "key = { env = \"plainlettersonly and more\" }".to_owned(),
        format!("api_key = \"{CANARY}\""),
        "kye = \"plainlettersonly\"".to_owned(),
        "whatever = \"plainlettersonly\"".to_owned(),
        format!("key = {{ file = \"x\", token = \"{CANARY}\" }}"),
        format!("base_url = \"https://{CANARY}@x.example\""),
        "base_url = \"https://me:plainlettersonly@x.example\"".to_owned(),
        format!("auth = \"{CANARY}\""),
    ] {
        let message = bad(&profile(&line));
        assert!(!message.contains("CANARY"), "{line}\n{message}");
        assert!(!message.contains("plainlettersonly"), "{line}\n{message}");
    }
    insta::assert_snapshot!(bad(&profile("base_url = \"https://x.example\"\nkey = \"plainlettersonly\"")), @r#"
    error: `key` in [profile.p]: a key is never written into the file
      --> jobs.toml:5:7
       |
     5 | key = ***
       |       ^^^ name its source: { env = "TOGETHER_API_KEY" }
       = nothing was sent
    "#);
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_key() {
    let text = format!(
        "# old key: {CANARY}\n{}",
        at("http://127.0.0.1:8000", "{ env = \"VOICESPOOL_KEY\" }")
    );
    let project = Project::new(&text)
        .env("VOICESPOOL_KEY", CANARY)
        .env("TOGETHER_API_KEY", CANARY);
    let settings = project.load().unwrap();

    let key = settings.profiles["p"].credential().await.unwrap().unwrap();
    let printed = format!("{settings:?} {key:?} {:?}", project.sources());

    assert!(!printed.contains("CANARY"), "{printed}");
    assert_eq!(key.source(), "env VOICESPOOL_KEY");
}

#[tokio::test]
async fn a_key_is_looked_up_when_it_is_needed_and_not_before() {
    let settings = good(&at("https://api.openai.com", "{ file = \"gone\" }"));
    let profile = &settings.profiles["p"];
    assert!(
        matches!(profile.credential_source(), CredentialSource::File(path) if path.ends_with("work/gone"))
    );
    assert!(profile.credential().await.is_err());

    // The mock on this machine can be tried without a key.
    let here = good(&at(
        "http://localhost:8000",
        "{ env = \"TOGETHER_API_KEY\" }",
    ));
    assert!(here.profiles["p"].credential().await.unwrap().is_none());
    let there = good("version = 1");
    assert!(there.profiles["together"].credential().await.is_err());
    assert!(
        there.profiles["local"]
            .credential()
            .await
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_home_folder_is_meant_by_a_tilde() {
    let project =
        Project::new(&at("https://api.openai.com", "{ file = \"~/k\" }")).env("HOME", "/home/me");
    let trusted = format!("[trust]\nprojects = [\"{}\"]", project.dir.path().display());
    let project = project.user(&trusted);

    let settings = project.load().unwrap();

    assert_eq!(
        settings.profiles["p"].credential_source().to_string(),
        "file /home/me/k"
    );
}

#[test]
fn a_profile_says_how_it_is_spoken_to() {
    let settings = good(&profile(
        r#"base_url = "http://[::1]:8080"
key = { env = "X" }
auth = "raw"
timeouts = { connect = "1s", idle = "2s", total = "3s" }
paths = { transcriptions = "/inference", speech = "tts" }"#,
    ));

    let profile = &settings.profiles["p"];
    assert_eq!((profile.auth, profile.is_loopback()), (Auth::Raw, true));
    assert_eq!(profile.timeouts.connect.as_secs(), 1);
    assert_eq!(profile.paths.transcriptions.as_deref(), Some("/inference"));
    assert_eq!(profile.endpoint(), "openai:[::1]:8080/v1");
    for line in [
        "timeouts = { connect = \"0s\" }",
        "timeouts = { total = \"0s\" }",
        "timeouts = { total = \"never\" }",
        "paths = { speech = \"//evil.example\" }",
        "paths = { speech = \"https://evil.example\" }",
        "paths = { speech = \"a?b\" }",
        "key = { env = \"A\", file = \"b\" }",
        "key = {}",
        "key = { command = [] }",
    ] {
        let message = bad(&profile_at_home(line));
        assert_eq!(message.matches("error:").count(), 1, "{line}\n{message}");
    }
    let message = bad(
        "version = 1\n[profile.l]\nkind = \"local\"\nkey = \"none\"\nbase_url = \"http://localhost\"\n",
    );
    assert_eq!(
        message
            .matches("says nothing for the built-in voice")
            .count(),
        2,
        "{message}"
    );
}

fn profile_at_home(line: &str) -> String {
    profile(&format!("base_url = \"http://127.0.0.1:1\"\n{line}"))
}
