//! A project file that a stranger wrote: what it may not do unasked.

use crate::support::Project;

/// A task with the built-in voice, and `more` in front of it.
fn speaking(more: &str, input: &str) -> String {
    format!(
        "version = 1\n{more}\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\nvoice = \"pico-en-us\"\ninput = [\"{input}\"]\n"
    )
}

/// The user's own configuration, beside the project.
fn with_user(project: &Project, text: &str) -> std::path::PathBuf {
    project.write("home/voicespool/config.toml", text);
    project.path("home")
}

#[test]
fn a_project_reads_and_writes_in_its_own_folder_only() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("id_rsa.txt");
    std::fs::write(&secret, "not yours").unwrap();
    let absolute = outside.path().display();
    for (more, input) in [
        (String::new(), format!("{absolute}/id_rsa.txt")),
        (String::new(), format!("{absolute}/*.txt")),
        (String::new(), "../**/*.txt".to_owned()),
        (String::new(), "link/id_rsa.txt".to_owned()),
        (String::new(), "link".to_owned()),
        (String::new(), "named.txt".to_owned()),
        (
            format!("[project]\nout = \"{absolute}/bashrc.d\""),
            "a.txt".to_owned(),
        ),
        (
            "[project]\nout = \"../elsewhere\"".to_owned(),
            "a.txt".to_owned(),
        ),
        (
            "[project]\nstate = \"link/state\"".to_owned(),
            "a.txt".to_owned(),
        ),
    ] {
        let project = Project::new(&speaking(&more, &input));
        project.write("a.txt", "A sentence.");
        std::os::unix::fs::symlink(outside.path(), project.path("link")).unwrap();
        std::os::unix::fs::symlink(&secret, project.path("named.txt")).unwrap();

        let refused = project.run(&["run", "--yes"]).exits(2);

        let said = refused.stderr();
        assert!(
            said.contains("outside the project's folder"),
            "{more} {input}\n{said}"
        );
        let left: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
        assert_eq!(
            left.len(),
            1,
            "{more} {input}: something was written outside"
        );
    }
}

#[test]
fn a_folder_that_the_user_trusts_may_reach_further() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("a.txt"), "A sentence.").unwrap();
    let input = format!("{}/*.txt", outside.path().display());
    let project = Project::new(&speaking("", &input));
    let root = project.path("").display().to_string();
    let home = with_user(&project, &format!("[trust]\nprojects = [\"{root}\"]\n"));

    let planned = project
        .command(&["plan"])
        .env("XDG_CONFIG_HOME", home)
        .output()
        .unwrap();

    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
}

#[test]
fn a_host_that_nobody_knows_needs_a_yes_that_names_it() {
    let config = "version = 1\n[profile.p]\nkind = \"openai\"\nbase_url = \"https://voice.invalid/v1\"\nkey = \"none\"\n[models.m]\nprice = { per_1m_chars = \"0.000001\", as_of = \"2026-11-01\" }\n[task.a]\ntype = \"tts\"\nprofile = \"p\"\nmodel = \"m\"\nvoice = \"v\"\ninput = [\"a.txt\"]\n";
    let project = Project::new(config);
    project.write("a.txt", "A sentence.");

    let refused = project.run(&["run", "--yes"]).exits(2).stderr();
    let other = project
        .run(&["run", "--yes", "--allow-host", "other.invalid"])
        .exits(2)
        .stderr();

    for said in [&refused, &other] {
        assert!(
            said.contains("voice.invalid") && said.contains("nothing was sent"),
            "{said}"
        );
    }
    assert!(refused.contains("--allow-host voice.invalid"), "{refused}");
    assert!(!project.path(".voicespool").exists(), "nothing was queued");
    // Reading what it would be needs no yes.
    project.run(&["plan"]).exits(0);
    project
        .run(&["run", "--dry-run", "--allow-host", "voice.invalid"])
        .exits(0);
}

#[test]
fn a_private_variable_goes_to_trusted_hosts_only() {
    let config = "version = 1\n[profile.p]\nkind = \"openai\"\nbase_url = \"https://voice.invalid/v1\"\nkey = { env = \"VOICESPOOL_KEY_MINE\" }\n";
    let project = Project::new(config);

    let said = project
        .run(&["run", "--yes", "--allow-host", "voice.invalid"])
        .exits(2)
        .stderr();

    assert!(
        said.contains("VOICESPOOL_KEY_MINE") && said.contains("voice.invalid"),
        "{said}"
    );
    let home = with_user(&project, "[trust]\nhosts = [\"voice.invalid\"]\n");
    let trusted = project
        .command(&["status"])
        .env("XDG_CONFIG_HOME", home)
        .output()
        .unwrap();
    assert_eq!(trusted.status.code(), Some(0), "{trusted:?}");
}

#[test]
fn a_project_tightens_money_settings_and_loosens_none() {
    let more = "[budget]\nconfirm_above = \"1000.00\"\nmax_cost = \"500.00\"\nmax_cost_per_day = \"1.00\"\nrunaway_factor = 0\non_in_doubt = \"resend\"\n";
    let project = Project::new(&speaking(more, "a.txt"));
    project.write("a.txt", "A sentence.");
    let home = with_user(
        &project,
        "[budget]\nmax_cost = \"5.00\"\nmax_cost_per_day = \"2.00\"\non_in_doubt = \"hold\"\n",
    );

    let output = project
        .command(&["plan"])
        .env("XDG_CONFIG_HOME", home)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();

    for key in ["confirm_above", "max_cost", "runaway_factor", "on_in_doubt"] {
        let warning = format!("`budget.{key}` of a project file may tighten");
        assert!(said.contains(&warning), "{key}\n{said}");
    }
    assert!(!said.contains("`budget.max_cost_per_day` of"), "{said}");
}

#[test]
fn a_pattern_of_three_hundred_braces_is_refused_in_words() {
    let pattern = format!("{}a{}.txt", "{".repeat(300), "}".repeat(300));
    let project = Project::new(&speaking("", &pattern));
    project.write("a.txt", "A sentence.");

    let said = project.run(&["plan"]).exits(2).stderr();

    assert!(said.contains("braces"), "{said}");
}

#[test]
fn a_project_cannot_make_a_model_look_cheap() {
    let config = "version = 1\n[models.\"hexgrad/Kokoro-82M\"]\nprice = { per_1m_chars = \"0.000001\", as_of = \"2026-11-01\" }\n[task.a]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\n";
    let project = Project::new(config);
    project.write("a.txt", "One sentence.");

    let planned = project.run(&["plan"]).exits(0);

    let said = planned.stderr();
    assert!(said.contains("below the known one"), "{said}");
    assert!(
        !planned.stdout().contains("0.000001"),
        "{}",
        planned.stdout()
    );
}

/// A profile at `url` with `key`, and a task that uses it.
fn server(url: &str, key: &str) -> String {
    format!(
        "[profile.p]\nkind = \"openai\"\nbase_url = \"{url}\"\nkey = {key}\n[models.m]\nprice = {{ per_1m_chars = \"1\", as_of = \"2026-11-01\" }}\n[task.a]\ntype = \"tts\"\nprofile = \"p\"\nmodel = \"m\"\nvoice = \"v\"\ninput = [\"a.txt\"]\n"
    )
}

#[test]
fn plain_http_on_the_local_network_is_a_warning_without_a_key_and_the_users_choice_with_one() {
    let keyed = "{ env = \"LAN_KEY\" }";
    let user = "[trust]\nhosts = [\"192.168.7.9\", \"203.0.113.9\"]\ninsecure_http = [\"192.168.7.9\", \"203.0.113.9\"]\n";
    let (hosts_alone, _) = user.split_once("insecure_http").unwrap();
    let own_trust = "[trust]\ninsecure_http = [\"192.168.7.9\"]\n";
    for (url, key, user, project, code, expected) in [
        (
            "http://192.168.7.9:8880",
            "\"none\"",
            "",
            "",
            0,
            "can read and change",
        ),
        (
            "http://box.local/v1",
            "\"none\"",
            "",
            "",
            0,
            "can read and change",
        ),
        (
            "http://192.168.7.9:8880",
            keyed,
            hosts_alone,
            "",
            2,
            "insecure_http",
        ),
        ("http://192.168.7.9:8880", keyed, user, "", 0, ""),
        (
            "http://192.168.7.9:8880",
            keyed,
            "",
            own_trust,
            2,
            "may not say what to trust",
        ),
        ("http://203.0.113.9", "\"none\"", user, "", 2, "use https"),
        ("http://203.0.113.9", keyed, user, "", 2, "use https"),
    ] {
        let project = Project::new(&format!("version = 1\n{project}{}", server(url, key)));
        project.write("a.txt", "A sentence.");
        let home = with_user(&project, user);

        let output = project
            .command(&["plan"])
            .env("XDG_CONFIG_HOME", home)
            .output()
            .unwrap();

        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{url} {key}\n{said}");
        assert!(said.contains(expected), "{url} {key}\n{said}");
        assert!(
            code != 0 || !expected.is_empty() || !said.contains("clear"),
            "{said}"
        );
    }
}

#[test]
fn a_typed_address_of_the_local_network_gets_no_key_in_clear() {
    let project = Project::new(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"a.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\n",
    );
    project.write("a.txt", "One sentence.");

    let refused = project
        .command(&["run", "--yes"])
        .env("VOICESPOOL_BASE_URL", "http://10.255.255.1:9")
        .env("TOGETHER_API_KEY", "sk-x")
        .output()
        .unwrap();

    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("in clear"), "{said}");
}
