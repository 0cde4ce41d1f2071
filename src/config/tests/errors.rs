//! What a person reads who made a mistake.

use crate::config::tests::{Project, bad, good, local_task, remote_task, stt_task, write};
use crate::domain::{Delivery, SpeechParams};
use crate::engine::rest::{Kind, unsupported};

#[test]
fn every_mistake_of_a_file_is_shown_at_once_where_it_stands() {
    let text = r#"version = 1
[budget]
max_costs = "25.00"
confirm_above = 1.0
on_in_doubt = "resned"
[run]
workers = "8"
drain = "60"
[profile.mine]
kind = "opanai"
[profile.plain]
kind = "openai"
base_url = "http://speech.example/v1"
key = "none"
[task.books]
type = "tts"
profile = "locla"
input = ["books/**/*.txt"]
output = "../{stme}.{ext}"
model = "hexgrad/Kokoro-82M"
format = "srt"
"#;

    insta::assert_snapshot!(bad(text), @r#"
    error: unknown key `max_costs` in [budget]
      --> jobs.toml:3:1
       |
     3 | max_costs = "25.00"
       | ^^^^^^^^^ did you mean `max_cost`?

    error: `confirm_above` in [budget]: expected an amount in US dollars such as "25.00", found a float
      --> jobs.toml:4:17
       |
     4 | confirm_above = 1.0
       |                 ^^^ write it in quotes: "1.0"

    error: `on_in_doubt` in [budget]: `resned` is no way to treat requests in doubt
      --> jobs.toml:5:15
       |
     5 | on_in_doubt = "resned"
       |               ^^^^^^^^ did you mean `resend`?

    error: `workers` in [run]: expected a whole number above 0, found a string
      --> jobs.toml:7:11
       |
     7 | workers = "8"
       |           ^^^ write it without quotes: 8

    error: `drain` in [run]: `60` has no unit
      --> jobs.toml:8:9
       |
     8 | drain = "60"
       |         ^^^^ write it like "250ms", "60s", "15m" or "1h 30m"

    error: `kind` in [profile.mine]: `opanai` is no kind of profile
       --> jobs.toml:10:8
        |
     10 | kind = "opanai"
        |        ^^^^^^^^ did you mean `openai`?

    error: plain http would send the key and the text to `speech.example` in clear; use https
       --> jobs.toml:13:12
        |
     13 | base_url = "http://speech.example/v1"
        |            ^^^^^^^^^^^^^^^^^^^^^^^^^^ use https; http is for this machine (localhost, 127.0.0.1, ::1) and the local network

    error: [task.books] has no `voice`
       --> jobs.toml:15:1
        |
     15 | [task.books]
        | ^^^^^^^^^^^^ add voice = "…"; `voicespool voices` lists the known ones

    error: there is no [profile.locla]
       --> jobs.toml:17:11
        |
     17 | profile = "locla"
        |           ^^^^^^^ did you mean `local`?

    error: output: an output path may not contain `..`
       --> jobs.toml:19:10
        |
     19 | output = "../{stme}.{ext}"
        |          ^^^^^^^^^^^^^^^^^ write a path below `project.out`, such as "{task}/{stem}.{ext}"

    error: output: unknown field `{stme}`
       --> jobs.toml:19:10
        |
     19 | output = "../{stme}.{ext}"
        |          ^^^^^^^^^^^^^^^^^ did you mean `stem`?

    error: `format` in [task.books]: `srt` is no audio format
       --> jobs.toml:21:10
        |
     21 | format = "srt"
        |          ^^^^^ it is a document: put it into `subtitles`
        = nothing was sent
    "#);
}

#[test]
fn syntax_errors_look_like_the_others() {
    insta::assert_snapshot!(bad("version = 1\n[budget\nmax_cost = \"1\"\n[run]\nworkers = = 4\n"), @r#"
    error: unclosed table, expected `]`
      --> jobs.toml:2:8
       |
     2 | [budget
       |        ^

    error: extra `=`
      --> jobs.toml:5:11
       |
     5 | workers = = 4
       |           ^
       = nothing was sent
    "#);
}

#[test]
fn the_file_is_known_to_be_missing_unreadable_or_no_text() {
    let project = Project::new("");
    let path = project.dir.path().join("work/jobs.toml");

    write(&path, b"version = 1\nname = \"caf\xe9\"\n");
    insta::assert_snapshot!(project.message(), @r#"
    error: the file is not UTF-8 here
      --> jobs.toml:2:12
       |
     2 | name = "caf�"
       |            ^ save it as UTF-8
       = nothing was sent
    "#);
    write(&path, &vec![b'#'; (1 << 20) + 1]);
    insta::assert_snapshot!(project.message(), @r#"
    error: the file is larger than 1 MiB, which is no configuration
      --> jobs.toml
       = nothing was sent
    "#);
    std::fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(project.message(), @r#"
    error: no jobs.toml here or in a folder above
       = create one with `voicespool init`, or name one with `-f FILE`
       = nothing was sent
    "#);
}

#[test]
fn a_newer_version_is_the_only_problem_told() {
    insta::assert_snapshot!(bad("version = 2\nfuture = true\n"), @r#"
    error: this file has version 2, this program reads version 1
      --> jobs.toml:1:11
       |
     1 | version = 2
       |           ^ update voicespool
       = nothing was sent
    "#);
    assert!(bad("").contains("begin it with version = 1"));
    assert!(bad("version = 0").contains("there is no version 0"));
    assert!(bad("version = \"1\"").contains("write it without quotes: 1"));
}

/// Each line in a task of that kind gives this one problem and no other.
#[test]
fn each_impossible_wish_has_its_own_answer() {
    let local: &[(&str, &str)] = &[
        (
            "format = \"mp3\"\nencoder = \"built-in\"",
            "nothing built in codes an mp3",
        ),
        (
            "format = \"m4b\"\nencoder = \"ffmpeg\"",
            "what makes m4b is built in",
        ),
        ("encoder = \"lame\"", "`lame` is no encoder"),
        ("format = \"aac\"", "`aac` is no audio format"),
        ("format = \"srt\"", "`srt` is no audio format"),
        ("speed = 1.5", "the built-in voice has no `speed`"),
        (
            "instructions = \"x\"",
            "the built-in voice has no `instructions`",
        ),
        ("model = \"tts-1\"", "has no model `tts-1`"),
        ("language = \"de\"", "speaks en-us, not de"),
        ("language = \"EN\"", "did you mean `en`?"),
        ("subtitles = [\"srt\", \"srt\"]", "`srt` stands here twice"),
        ("subtitles = \"srt\"", "write [\"srt\"]"),
        ("formats = [\"srt\"]", "`formats` is for type = \"stt\""),
        (
            "chunk = { max_chars = 9000 }",
            "takes at most 2000 characters",
        ),
        ("chunk = { max_chars = 0 }", "0 is out of range"),
        ("chunk = { max_chars = 99999999999 }", "out of range"),
        (
            "chunk = { max_chars = 100, target_chars = 200 }",
            "its limit of 100",
        ),
        (
            "chunk = { min_chars = 500 }",
            "at least 500 characters cannot aim for 400",
        ),
        (
            "chunk = { max_bytes = 3 }",
            "a single character may have 4 bytes",
        ),
        ("pauses = { sentence = \"2min\" }", "at most a minute"),
        ("pauses = { sentence = 250 }", "with its unit: \"250 …\""),
        ("check = { min_cps = 30 }", "more than 28 and less than 30"),
        ("check = { max_cps = nan }", "no usable number"),
        ("check = { max_cps = inf }", "no usable number"),
        ("priority = 1.5", "expected a whole number, found a float"),
        ("enabled = \"false\"", "write it without quotes: false"),
        ("output = \"/etc/{stem}.{ext}\"", "must be relative"),
        ("output = \"{stem}\"", "no `{ext}`"),
    ];
    let remote: &[(&str, &str)] = &[
        ("format = \"aac\"", "`aac` is no audio format"),
        (
            "format = \"m4b\"\nbit_rate = 1000",
            "the bit rate 1000 is out of range",
        ),
        ("speed = 1.5", "together has no `speed`"),
        (
            "bit_rate = 128000",
            "`bit_rate` is for the formats m4b, opus and mp3",
        ),
        ("bit_rate = 1\nformat = \"mp3\"", "write 32000"),
        (
            "response_encoding = \"pcm_s16le\"\nformat = \"mp3\"",
            "for raw samples",
        ),
        (
            "response_encoding = \"pcm_s16\"",
            "did you mean `pcm_s16le`?",
        ),
        ("sample_rate = 4000", "out of range"),
        ("sample_rate = -1", "out of range"),
    ];
    let openai: &[(&str, &str)] = &[
        ("speed = 5", "the speed 5 is out of range"),
        ("language = \"en\"", "openai has no `language`"),
    ];
    let stt: &[(&str, &str)] = &[
        ("temperature = 1.5", "out of range"),
        ("language = \"en-US\"", "write the language alone"),
        ("language = \"Auto\"", "did you mean `auto`?"),
        ("formats = []", "no document would be written"),
        ("format = \"srt\"", "`srt` is no audio format"),
        ("format = \"wav\"", "did you mean `formats`?"),
        ("voice = \"x\"", "`voice` is for type = \"tts\""),
        ("timestamps = \"words\"", "did you mean `word`?"),
        ("cues = { max_columns = 5 }", "5 columns make no line"),
        ("cues = { max_columns = 70000 }", "out of range"),
        ("cues = { max_lines = 0 }", "0 lines make no cue"),
        ("cues = { max_cps = 0 }", "nobody reads"),
        ("cues = { min_duration = \"9s\" }", "no cue lasts that long"),
    ];
    let at = |profile: &'static str| move |line: &str| remote_task(profile, line);
    check(local, local_task);
    check(remote, at("together"));
    check(openai, at("openai"));
    check(stt, stt_task);
}

fn check(cases: &[(&str, &str)], task: impl Fn(&str) -> String) {
    good(&task(""));
    for (line, expected) in cases {
        let message = bad(&task(line));
        assert!(message.contains(expected), "{line}\n{message}");
        assert_eq!(message.matches("error:").count(), 1, "{line}\n{message}");
        assert!(message.contains("--> jobs.toml:"), "{line}\n{message}");
        assert!(message.ends_with("= nothing was sent"), "{message}");
    }
}

/// What this room lets through, the engine takes; what the engine lacks, this room names.
#[test]
fn what_a_provider_lacks_is_refused_here_and_there_alike() {
    let fields = [
        "language = \"en\"",
        "speed = 1.0",
        "instructions = \"x\"",
        "response_encoding = \"pcm_s16le\"",
        "sample_rate = 24000",
        "bit_rate = 128000\nformat = \"mp3\"",
        "bit_rate = 100000\nformat = \"mp3\"",
        "response_encoding = \"pcm_s16le\"\nformat = \"mp3\"",
        "speed = 9.0",
        "sample_rate = 1",
    ];
    let params = |line: &str| -> SpeechParams {
        let name_and_value = |line: &str| {
            line.split_once(" = ")
                .map(|(name, value)| format!("\"{name}\": {value}"))
        };
        let fields: Vec<String> = line.split('\n').filter_map(name_and_value).collect();
        let format = match line {
            line if line.contains("mp3") => "",
            _ => ", \"format\": \"wav\"",
        };
        serde_json::from_str(&format!(
            "{{\"model\": \"m\", \"voice\": \"v\", {}{format}}}",
            fields.join(", ")
        ))
        .unwrap()
    };
    for (profile, kind) in [("together", Kind::Together), ("openai", Kind::OpenAi)] {
        for line in fields {
            let here = Project::new(&remote_task(profile, line)).load().is_err();
            let there = !unsupported(kind, Delivery::Rest, &params(line)).is_empty();
            assert_eq!(here, there, "{profile}: {line}");
        }
    }
}

#[test]
fn a_built_in_voice_goes_by_its_one_name() {
    let with = |voice: &str| bad(&local_task("").replace("pico-en-us", voice));

    assert!(with("de").contains("did you mean `pico-de`?"));
    assert!(with("en_GB").contains("did you mean `pico-en-gb`?"));
    assert!(with("pico-fe").contains("did you mean `pico-de`?"));
    assert!(with("af_bella").contains("`pico-it`"));
}

#[test]
fn a_task_without_its_parts_names_each_of_them() {
    let message = bad(
        "version = 1\n[task.a]\n[task.b]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"!x\"]\n",
    );

    for part in [
        "[task.a] has no `type`",
        "[task.a] has no `profile`",
        "[task.a] has no `input`",
        "[task.b] takes no file",
        "[task.b] has no `model`",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    let message = bad(
        "version = 1\n[task.b]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"x\"]\nmodel = \"m\"\n",
    );
    assert!(message.contains("[task.b] has no `voice`"), "{message}");
}

#[test]
fn inputs_are_checked_one_by_one() {
    let with = |input: &str| bad(&local_task("").replace("[\"x.txt\"]", input));

    let message = with("[7, \"\", \"ok.txt\"]");
    assert!(
        message.contains("expected a string, found an integer"),
        "{message}"
    );
    assert!(message.contains("the text is empty"), "{message}");

    let message = with("[\"a/{b\", \"!\", \"! \", \"ok.txt\"]");
    assert!(message.contains("`a/{b` is no valid pattern"), "{message}");
    assert_eq!(
        message.matches("the pattern is empty").count(),
        2,
        "{message}"
    );
}

#[test]
fn two_tasks_cannot_write_the_same_files() {
    let task = |name: &str, more: &str| {
        format!(
            "[task.{name}]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"b/*.txt\"]\nvoice = \"pico-en-us\"\n{more}\n"
        )
    };
    let file =
        |one: &str, two: &str| format!("version = 1\n{}{}", task("one", one), task("two", two));
    let same = "output = \"{stem}.{ext}\"";

    insta::assert_snapshot!(bad(&file(same, same)), @r#"
    error: [task.two] would write the same files as [task.one]
       --> jobs.toml:13:10
        |
     13 | output = "{stem}.{ext}"
        |          ^^^^^^^^^^^^^^ put {task} into the output of one of them
        = nothing was sent
    "#);
    good(&file("", ""));
    good(&file(same, "output = \"{stem}.{ext}\"\nformat = \"flac\""));
    good(&file(same, "output = \"{stem}.{ext}\"\nenabled = false"));
    let subtitles = file(
        "output = \"{stem}.{ext}\"\nsubtitles = [\"srt\"]",
        "output = \"{stem}.{ext}\"\nformat = \"flac\"\nsubtitles = [\"srt\"]",
    );
    assert!(bad(&subtitles).contains("would write the same files"));
}

#[test]
fn prices_have_one_unit_that_fits_a_date_and_exact_money() {
    let with = |price: &str| remote_task("together", &format!("[models.m]\nprice = {price}"));

    good(&with("{ per_1m_chars = \"4\", as_of = 2026-11-01 }"));
    for (price, expected) in [
        (
            "{ per_1m_chars = \"4\", as_of = \"2026-13-01\" }",
            "is no date",
        ),
        (
            "{ per_1m_chars = \"4\", as_of = 2026-11-01T10:00:00Z }",
            "is no date",
        ),
        ("{ per_1m_chars = \"4\" }", "the price has no date"),
        ("{ as_of = \"2026-11-01\" }", "the price has no amount"),
        (
            "{ per_1m_chars = \"4\", per_audio_minute = \"1\", as_of = \"2026-11-01\" }",
            "two units",
        ),
        (
            "{ per_audio_minute = \"1\", as_of = \"2026-11-01\" }",
            "is priced by audio minutes",
        ),
        (
            "{ per_1m_chars = 4, as_of = \"2026-11-01\" }",
            "write it in quotes: \"4\"",
        ),
        (
            "{ per_1m_chars = \"4 EUR\", as_of = \"2026-11-01\" }",
            "no amount in US dollars",
        ),
        (
            "{ per_1m_chars = \"-4\", as_of = \"2026-11-01\" }",
            "no amount in US dollars",
        ),
        ("\"4.00\"", "expected a table, found a string"),
    ] {
        let message = bad(&with(price));
        assert!(message.contains(expected), "{price}\n{message}");
        assert_eq!(message.matches("error:").count(), 1, "{price}\n{message}");
    }
}

#[test]
fn a_model_without_a_price_warns_under_a_budget_and_a_near_miss_always() {
    let settings = good(
        "version = 1\n[budget]\nmax_cost = \"1\"\n[task.a]\ntype = \"tts\"\nprofile = \"together\"\ninput = [\"x.txt\"]\nmodel = \"hexgrad/kokoro-82m\"\nvoice = \"v\"\n",
    );

    let shown: Vec<String> = settings.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n\n"), @r#"
    warning: `hexgrad/kokoro-82m` is no model I know
      --> jobs.toml:8:9
       |
     8 | model = "hexgrad/kokoro-82m"
       |         ^^^^^^^^^^^^^^^^^^^^ did you mean `hexgrad/Kokoro-82M`?

    warning: the price of `hexgrad/kokoro-82m` is unknown, so no run starts under a budget
      --> jobs.toml:8:9
       |
     8 | model = "hexgrad/kokoro-82m"
       |         ^^^^^^^^^^^^^^^^^^^^ add [models."hexgrad/kokoro-82m"] price = { … }
    "#);
    assert_eq!(settings.tasks[0].price, None);
    assert!(good(&remote_task("together", "")).warnings.is_empty());
}

#[test]
fn a_hostile_file_gives_an_error_and_no_more() {
    let deep = format!(
        "version = 1\nx = {}{}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let many: Vec<String> = (0..20_000).map(|idx| format!("k{idx} = {idx}")).collect();
    let many = many.join("\n");
    let wide = format!("version = 1\nx = {{ {} }}", "a = 1, ".repeat(10_000));
    for text in [
        deep.as_str(),
        many.as_str(),
        wide.as_str(),
        "version = 99999999999999999999999",
        "version = 0x1_",
        "\u{0}",
        "[task]\n[[task]]",
        "version = 1\ntask = 3\nprofile = []\nmodels = \"x\"",
        "version = 1\n[task.\"\"]\n[task.\"a\\u0000b\"]",
        "\u{feff}version = 1\n[[[",
        "version = 1\n\"\\u202Eevil\" = 1",
    ] {
        let message = bad(text);
        assert!(message.len() < 100_000, "{} bytes", message.len());
        assert!(!message.contains(['\u{0}', '\u{202e}']));
    }
    good("\u{feff}version = 1\r\n[run]\r\nworkers = 2\r\n");
}
