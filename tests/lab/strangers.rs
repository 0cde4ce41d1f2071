//! Project files that a stranger wrote: drawn from what could be tried, they read and write nothing
//! outside their folder and send nothing unasked.

use std::fs;

use voicespool_mock::MockOptions;

use crate::Options;
use crate::chance::Chance;
use crate::scene::files_below;
use crate::support::{Project, Provider};

/// Runs `count` project files, each with one thing that no stranger may ask for, or none.
pub(crate) fn project_files(options: Options) -> String {
    let count = options.count.unwrap_or(40);
    let mut chance = Chance::new(options.seed);
    let provider = Provider::start(MockOptions::default());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("id_rsa"), "a secret of the user").unwrap();
    fs::write(outside.path().join("letter.txt"), "a letter of the user").unwrap();
    fs::create_dir(outside.path().join("bashrc.d")).unwrap();
    let before = files_below(outside.path());
    let (mut refused, mut harmless) = (0, 0);
    for _ in 0..count {
        let config = config(
            &provider,
            &outside.path().display().to_string(),
            &mut chance,
        );
        let project = Project::new(&config);
        project.write("a.txt", "A sentence of the stranger.");
        std::os::unix::fs::symlink(outside.path(), project.path("link")).unwrap();
        let secret = outside.path().join("id_rsa");
        std::os::unix::fs::symlink(secret, project.path("named.txt")).unwrap();

        let ran = project.run(&["run", "--yes"]);

        let code = ran.code();
        let said = ran.stderr();
        assert!(
            matches!(code, Some(0 | 2 | 3)),
            "{code:?}\n{config}\n{said}"
        );
        assert!(!said.contains("panicked"), "{config}\n{said}");
        if code == Some(2) {
            refused += 1;
        } else {
            harmless += 1;
        }
        assert_eq!(files_below(outside.path()), before, "{config}");
        let outputs = files_below(project.root());
        for path in outputs {
            let bytes = fs::read(&path).unwrap();
            let secret = b"a secret of the user";
            let holds = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!holds || path.ends_with("named.txt"), "{config}");
        }
    }
    let sent = provider.mock.invoice().requests;
    assert_eq!(sent, 0, "sent to a host that nobody said yes to");
    format!(
        "{count} project files of strangers: {refused} refused, {harmless} did no harm; 0 bytes outside, 0 requests unasked, 0 panics"
    )
}

/// One project file: where it reads, writes and sends, and what it says of money and keys.
fn config(provider: &Provider, outside: &str, chance: &mut Chance) -> String {
    let inputs = [
        "a.txt".to_owned(),
        format!("{outside}/*"),
        format!("{outside}/letter.txt"),
        "../**/*.txt".to_owned(),
        "link/*".to_owned(),
        "link".to_owned(),
        "named.txt".to_owned(),
        format!("{}a{}.txt", "{".repeat(200), "}".repeat(200)),
        "./a.txt/../../*/letter.txt".to_owned(),
        "~/.ssh/id_rsa".to_owned(),
    ];
    let outs = [
        String::new(),
        format!("out = \"{outside}/bashrc.d\"\n"),
        "out = \"../elsewhere\"\n".to_owned(),
        "out = \"link/bashrc.d\"\n".to_owned(),
        format!("state = \"{outside}/state\"\n"),
        "state = \"link/state\"\n".to_owned(),
    ];
    let outputs = [
        "{stem}.{ext}",
        "../{stem}.{ext}",
        "link/{stem}.{ext}",
        "{task}/../../{stem}.{ext}",
        "/tmp/{stem}.{ext}",
    ];
    // A host by name is nobody's loopback; the stand-in for it is never to hear of it.
    let hosts = [
        "https://voice.invalid/v1".to_owned(),
        provider
            .mock
            .base_url()
            .replace("127.0.0.1", "127.0.0.1.voice.invalid"),
        "http://192.168.7.9:8880/v1".to_owned(),
    ];
    let keys = [
        "key = \"none\"",
        "key = { env = \"VOICESPOOL_KEY_MINE\" }",
        "key = { env = \"TOGETHER_API_KEY\" }",
    ];
    let budgets = [
        "",
        "[budget]\nconfirm_above = \"1000\"\nmax_cost = \"500\"\nrunaway_factor = 0\n",
    ];
    // One thing at a time: the first that is refused would hide the others.
    let evil = chance.below(5);
    let mut at = |place: u64, from: &[String]| {
        let is_evil = place == evil;
        if is_evil {
            chance.pick(from).clone()
        } else {
            from[0].clone()
        }
    };
    let input = at(0, &inputs);
    let out = at(1, &outs);
    let output = at(2, &outputs.map(str::to_owned));
    let budget = at(3, &budgets.map(str::to_owned));
    let is_local = evil != 4;
    let profile = if is_local {
        String::new()
    } else {
        format!(
            "[profile.p]\nkind = \"openai\"\nbase_url = \"{}\"\n{}\n[models.m]\nprice = {{ per_1m_chars = \"0.000001\", as_of = \"2026-11-01\" }}\n",
            chance.pick(&hosts),
            chance.pick(&keys),
        )
    };
    let (name, more) = if is_local {
        ("local", "voice = \"pico-en-us\"\n")
    } else {
        ("p", "model = \"m\"\nvoice = \"v\"\n")
    };
    format!(
        "version = 1\n[project]\n{out}{budget}{profile}[task.a]\ntype = \"tts\"\nprofile = \"{name}\"\n{more}input = [\"{input}\"]\noutput = \"{output}\"\n"
    )
}
