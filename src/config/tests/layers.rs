//! Which value wins, and where it says it came from.

use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audio::SpeechCheck;
use crate::config::tests::{Project, good, local_task, remote_task, stt_task, write};
use crate::config::{OnInDoubt, ProjectFile, load};
use crate::domain::{AudioFormat, AudioMillis, DocumentFormat, FileFormat, NanoUsd, Price};
use crate::engine::local;
use crate::pipeline::task::{Pauses, Work};
use crate::text::{ChunkRules, Paragraphs};

#[test]
fn a_flag_beats_the_environment_beats_the_project_beats_the_user_beats_the_default() {
    let mut project = Project::new("version = 1\n[run]\nworkers = 3\n")
        .user("[run]\nworkers = 2\ndrain = \"5s\"\n")
        .env("VOICESPOOL_WORKERS", "4");
    project.overrides.workers = NonZeroU32::new(5);
    let workers = |project: &Project| {
        let settings = project.load().unwrap();
        (settings.run.workers.get(), settings.origin("run.workers"))
    };

    assert_eq!(workers(&project), (5, "flag".to_owned()));
    project.overrides.workers = None;
    assert_eq!(workers(&project), (4, "env VOICESPOOL_WORKERS".to_owned()));
    project.env.retain(|(name, _)| name != "VOICESPOOL_WORKERS");
    assert_eq!(workers(&project), (3, "jobs.toml:3:1".to_owned()));
    write(&project.dir.path().join("work/jobs.toml"), b"version = 1");
    let (count, origin) = workers(&project);
    assert_eq!(count, 2);
    assert!(origin.ends_with("voicespool/config.toml:2:1"), "{origin}");
    assert_eq!(project.load().unwrap().run.drain, Duration::from_secs(5));
    std::fs::remove_dir_all(project.dir.path().join("home")).unwrap();
    assert_eq!(workers(&project), (8, "default".to_owned()));
}

#[test]
fn every_variable_is_read_and_a_bad_one_is_named() {
    let project = Project::new("version = 1")
        .env("VOICESPOOL_MAX_COST", "2.50 USD")
        .env("VOICESPOOL_MAX_COST_PER_DAY", "0.75")
        .env("VOICESPOOL_RUNAWAY_FACTOR", "0")
        .env("VOICESPOOL_CONFIRM_ABOVE", "0")
        .env("VOICESPOOL_ON_IN_DOUBT", "hold")
        .env("VOICESPOOL_DRAIN", "1m")
        .env("VOICESPOOL_MAX_DURATION", "8h")
        .env("VOICESPOOL_DEADLINE", "07:30")
        .env("VOICESPOOL_MAX_FAILURES", "2")
        .env("VOICESPOOL_GIVE_UP_AFTER", "1h")
        .env("VOICESPOOL_OUT", "elsewhere")
        .env("VOICESPOOL_STATE", "/var/spool/x")
        .env("VOICESPOOL_WORKERS", "");
    let settings = project.load().unwrap();

    assert_eq!(settings.budget.max_cost, Some(NanoUsd(2_500_000_000)));
    assert_eq!(settings.budget.max_cost_per_day, Some(NanoUsd(750_000_000)));
    assert_eq!(settings.budget.runaway_factor, None, "0 switches it off");
    assert_eq!(settings.budget.confirm_above, NanoUsd::ZERO);
    assert_eq!(settings.budget.on_in_doubt, OnInDoubt::Hold);
    assert_eq!(settings.run.drain, Duration::from_mins(1));
    assert_eq!(settings.run.max_duration, Some(Duration::from_hours(8)));
    assert_eq!(settings.run.deadline.unwrap().to_string(), "07:30:00");
    assert_eq!(settings.retry.max_failures.get(), 2);
    assert_eq!(settings.retry.give_up_after, Duration::from_hours(1));
    assert_eq!(
        settings.places.out,
        project.dir.path().join("work/elsewhere")
    );
    assert_eq!(settings.places.state, Path::new("/var/spool/x"));
    assert_eq!(settings.run.workers.get(), 8, "set to nothing is not set");

    let bad = Project::new("version = 1")
        .env("VOICESPOOL_WORKERS", "many")
        .env("VOICESPOOL_MAX_COST", "1e3");
    insta::assert_snapshot!(bad.message(), @r#"
    error: VOICESPOOL_MAX_COST: `1e3` is no amount in US dollars
      --> environment variable VOICESPOOL_MAX_COST
       = write it like "25.00" or "0.0015 USD"

    error: VOICESPOOL_WORKERS: `many` is no whole number above 0
      --> environment variable VOICESPOOL_WORKERS
       = write a number like 8
       = nothing was sent
    "#);
}

#[test]
fn the_nearest_file_upwards_is_taken_and_paths_count_from_it() {
    let project = Project::new(&local_task("[project]\nout = \"done\""));
    let work = project.dir.path().join("work");
    let mut sources = project.sources();
    sources.cwd = work.join("a/b");
    std::fs::create_dir_all(&sources.cwd).unwrap();
    sources.overrides.state = Some(PathBuf::from("here"));

    let settings = load(&sources).unwrap();

    assert_eq!(settings.file, Some(work.join("jobs.toml")));
    assert_eq!(settings.places.root, work);
    assert_eq!(settings.places.out, work.join("done"));
    assert_eq!(
        settings.places.state,
        work.join("a/b/here"),
        "flags count from where they are typed"
    );
    assert_eq!(settings.project, "work");

    sources.cwd = project.dir.path().to_owned();
    sources.file = ProjectFile::At(PathBuf::from("work/jobs.toml"));
    sources.overrides.state = None;
    let settings = load(&sources).unwrap();
    assert_eq!(settings.places.state, work.join(".voicespool"));
    assert_eq!(settings.origin("project.out"), "work/jobs.toml:8:1");
    let Work::Speech(_) = &settings.tasks[0].work else {
        panic!("{:?}", settings.tasks)
    };
    assert_eq!(settings.tasks[0].input[0].origin, "work/jobs.toml:5:10");
}

#[test]
fn a_command_that_needs_no_project_gets_settings_without_one() {
    let project = Project::new("");
    std::fs::remove_file(project.dir.path().join("work/jobs.toml")).unwrap();
    let mut sources = project.sources();
    sources.file = ProjectFile::NearestOrNone;

    let settings = load(&sources).unwrap();

    assert_eq!((settings.file.as_ref(), settings.tasks.len()), (None, 0));
    assert_eq!(
        settings.profiles.keys().collect::<Vec<_>>(),
        ["local", "openai", "together"]
    );
    assert!(
        settings
            .prices()
            .iter()
            .any(|price| price.model == "hexgrad/Kokoro-82M")
    );
}

#[cfg(unix)]
#[test]
fn a_file_of_another_user_further_up_is_not_taken_unasked() {
    let project = Project::new("version = 1");
    let path = project.dir.path().join("work/jobs.toml");
    if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
        writeln!(io::stderr(), "skipped: only root can give a file away").unwrap();
        return;
    }
    let mut sources = project.sources();
    assert!(load(&sources).is_ok(), "in the working folder it was seen");
    sources.cwd = project.dir.path().join("work/below");
    std::fs::create_dir(&sources.cwd).unwrap();

    let error = load(&sources).unwrap_err();
    assert!(
        error.to_string().contains("belongs to another user"),
        "{error}"
    );
    sources.file = ProjectFile::At(path);
    assert!(load(&sources).is_ok());
}

#[test]
fn the_queue_and_the_finished_files_have_folders_of_their_own() {
    for text in [
        "[project]\nout = \"x\"\nstate = \"./x\"",
        "[project]\nout = \".voicespool/out\"",
        "[project]\nout = \"a/../.voicespool\"",
    ] {
        let message = Project::new(&format!("version = 1\n{text}")).message();
        assert!(
            message.contains("would lie in the folder of the queue"),
            "{message}"
        );
    }
    good("version = 1\n[project]\nout = \".\"");
}

#[test]
fn a_task_with_the_built_in_voice_is_complete_with_five_lines() {
    let settings = good(&local_task(""));

    let task = &settings.tasks[0];
    assert_eq!(
        (
            task.name.as_str(),
            task.profile.as_str(),
            task.endpoint.as_str()
        ),
        ("a", "local", "local")
    );
    assert_eq!(
        (task.model(), task.price, task.priority),
        (local::MODEL, Some(Price::Free), 0)
    );
    assert_eq!(task.output, "{task}/{rel_dir}/{stem}.{ext}");
    let Work::Speech(speech) = &task.work else {
        panic!("{task:?}")
    };
    assert_eq!(
        (speech.format, speech.params.format),
        (FileFormat::Wav, AudioFormat::Wav)
    );
    assert_eq!(
        speech.chunk,
        ChunkRules {
            max_chars: 2000,
            max_bytes: 8000,
            target_chars: 400,
            min_chars: 20,
            paragraphs: Paragraphs::Apart,
        }
    );
    assert_eq!(
        (speech.pauses, speech.check),
        (Pauses::default(), SpeechCheck::default())
    );
    assert!(speech.subtitles.is_empty());
}

#[test]
fn everything_a_speech_task_says_arrives() {
    let settings = good(&remote_task(
        "together",
        r#"language = "zh-hk"
format = "flac"
response_encoding = "pcm_s16le"
sample_rate = 44100
subtitles = ["vtt", "json"]
chunk = { max_chars = 300, max_bytes = 900, target_chars = 200, min_chars = 0 }
pauses = { clause = "1ms", sentence = "2ms", paragraph = "3ms", scene = "4ms", heading = "5ms", chapter = "6s" }
check = { min_cps = 2, max_cps = 40.5 }
priority = -3
[models.m]
price = { per_1m_chars = "65", as_of = "2026-11-01" }"#,
    ));

    let task = &settings.tasks[0];
    assert_eq!(task.endpoint, "together:api.together.ai/v1");
    assert_eq!(
        (task.priority, task.price),
        (-3, Some(Price::PerMillionChars(NanoUsd(65_000_000_000))))
    );
    let Work::Speech(speech) = &task.work else {
        panic!("{task:?}")
    };
    assert_eq!(
        (speech.format, speech.params.format),
        (FileFormat::Flac, AudioFormat::Wav)
    );
    assert_eq!(speech.params.language.as_deref(), Some("zh-hk"));
    assert_eq!(
        (speech.params.sample_rate, speech.params.voice.as_str()),
        (Some(44_100), "v")
    );
    assert_eq!(
        speech.subtitles,
        [DocumentFormat::Vtt, DocumentFormat::Json]
    );
    assert_eq!(
        speech.chunk,
        ChunkRules {
            max_chars: 300,
            max_bytes: 900,
            target_chars: 200,
            min_chars: 0,
            paragraphs: Paragraphs::Apart,
        }
    );
    let pauses = speech.pauses;
    let all = [
        pauses.clause,
        pauses.sentence,
        pauses.paragraph,
        pauses.scene,
        pauses.heading,
        pauses.chapter,
    ];
    assert_eq!(all.map(|pause: AudioMillis| pause.0), [1, 2, 3, 4, 5, 6000]);
    assert_eq!(
        speech.check,
        SpeechCheck {
            min_cps: 2.0,
            max_cps: 40.5
        }
    );

    let settings = good(&remote_task(
        "openai",
        "format = \"mp3\"\nspeed = 1\ninstructions = \"calm\"",
    ));
    let Work::Speech(speech) = &settings.tasks[0].work else {
        panic!()
    };
    assert_eq!(
        (speech.format, speech.params.format),
        (FileFormat::Mp3, AudioFormat::Mp3)
    );
    assert_eq!(
        (speech.params.speed, speech.params.instructions.as_deref()),
        (Some(1.0), Some("calm"))
    );
    assert_eq!(speech.chunk.max_chars, 4096);
}

#[test]
fn everything_a_transcription_task_says_arrives() {
    let settings = good(&stt_task(""));
    let Work::Transcription(work) = &settings.tasks[0].work else {
        panic!()
    };
    assert_eq!(
        (work.params.language.as_str(), work.params.words),
        ("auto", true)
    );
    assert_eq!(
        work.formats,
        [
            DocumentFormat::Srt,
            DocumentFormat::Json,
            DocumentFormat::Txt
        ]
    );
    assert_eq!(
        (work.limits.max_bytes, work.limits.max_duration),
        (80_000_000, Duration::from_hours(4))
    );
    assert_eq!(
        settings.tasks[0].price,
        Some(Price::PerAudioMinute(NanoUsd(1_500_000)))
    );

    let settings = good(&stt_task(
        r#"formats = ["vtt"]
language = "de"
prompt = "Krause"
temperature = 0
timestamps = "segment"
cues = { max_columns = 37, max_lines = 1, max_cps = 17, min_duration = "1s", max_duration = "6s", min_gap = "80ms" }
[models."openai/whisper-large-v3"]
max_upload = "25 MiB"
max_audio = "1h"
limits = { rpm = 60, chars_per_minute = 1, audio_seconds_per_minute = 3600, concurrency = 4 }"#,
    ));
    let Work::Transcription(work) = &settings.tasks[0].work else {
        panic!()
    };
    assert_eq!(
        (work.params.language.as_str(), work.params.words),
        ("de", false)
    );
    assert_eq!(
        (work.params.prompt.as_deref(), work.params.temperature),
        (Some("Krause"), Some(0.0))
    );
    assert_eq!(work.formats, [DocumentFormat::Vtt]);
    assert_eq!(
        (work.limits.max_bytes, work.limits.max_duration),
        (25 << 20, Duration::from_hours(1))
    );
    assert_eq!(
        (
            work.cues.max_columns,
            work.cues.max_lines,
            work.cues.min_gap
        ),
        (37, 1, AudioMillis(80))
    );
    let model = settings.model(&settings.profiles["together"], "openai/whisper-large-v3");
    let limits = [
        model.limits.requests_per_minute,
        model.limits.chars_per_minute,
        model.limits.audio_seconds_per_minute,
        model.limits.concurrency,
    ];
    assert_eq!(limits.map(|limit| limit.unwrap().get()), [60, 1, 3600, 4]);
    assert!(
        model.price.is_some(),
        "limits alone do not hide the built-in price"
    );
}

#[test]
fn built_in_prices_are_for_the_provider_they_were_read_at() {
    let at = |profile: &str| {
        let text = format!(
            "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"p\"\ninput = [\"x.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"v\"\n[profile.p]\n{profile}"
        );
        good(&text).tasks[0].price
    };

    assert!(at("kind = \"together\"").is_some());
    assert!(at("kind = \"together\"\nbase_url = \"http://127.0.0.1:9/v1\"").is_some());
    assert_eq!(
        at("kind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\""),
        None
    );
    assert_eq!(
        at("kind = \"together\"\nbase_url = \"https://x.example\"\nkey = \"none\""),
        None
    );
}

#[test]
fn the_user_s_rules_for_a_model_stay_where_the_project_says_nothing() {
    let settings = Project::new("version = 1\n[models.m]\nmax_chars = 100\n")
        .user("[models.m]\nmax_chars = 50\nlimits = { rpm = 7 }\n")
        .load()
        .unwrap();

    let model = settings.model(&settings.profiles["together"], "m");
    assert_eq!(
        (model.chunk.max_chars, model.limits.requests_per_minute),
        (100, NonZeroU32::new(7))
    );
    assert_eq!(model.chunk.target_chars, 100);
}

#[test]
fn a_task_that_is_off_is_checked_for_spelling_and_nothing_else() {
    let settings = good(
        "version = 1\n[task.off]\nenabled = false\ntype = \"tts\"\n[task.b]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"x.txt\"]\nvoice = \"pico-de\"\n",
    );

    assert_eq!(settings.disabled, ["off"]);
    assert_eq!(settings.tasks.len(), 1);
}
