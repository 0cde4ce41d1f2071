//! Dialects: what one word in a profile settles, and that it changes no work already bought.

use crate::config::tests::{Project, bad, good};
use crate::config::{Auth, CredentialSource, EngineKind, Profile};
use crate::domain::Price;
use crate::engine::rest::{BaseUrl, Kind, Scheme};
use crate::pipeline::task::Work;

fn profile(lines: &str) -> Profile {
    good(&format!("version = 1\n[profile.p]\n{lines}\n")).profiles["p"].clone()
}

fn task(dialect: &str, lines: &str) -> String {
    let defaults = if lines.contains("type = \"stt\"") {
        ""
    } else {
        "type = \"tts\"\nvoice = \"v\"\n"
    };
    format!(
        "version = 1\n[profile.p]\ndialect = \"{dialect}\"\nbase_url = \"http://127.0.0.1:9/v1\"\n[task.t]\nprofile = \"p\"\ninput = [\"x\"]\n{defaults}{lines}\n"
    )
}

#[test]
fn a_dialect_alone_is_a_whole_profile() {
    for &dialect in Kind::ALL.iter().filter(|kind| **kind != Kind::Compatible) {
        let facts = dialect.facts();
        let profile = profile(&format!("dialect = \"{dialect}\""));

        assert_eq!(profile.dialect, Some(dialect));
        assert_eq!(
            profile.base_url.as_ref().map(BaseUrl::as_str),
            facts.base_url,
            "{dialect}"
        );
        let (key, auth) = match facts.key_variable {
            Some(variable) => (
                CredentialSource::Env(variable.to_owned()),
                match facts.auth {
                    Scheme::Raw => Auth::Raw,
                    Scheme::Bearer | Scheme::None => Auth::Bearer,
                },
            ),
            None => (CredentialSource::None, Auth::None),
        };
        assert_eq!(*profile.credential_source(), key, "{dialect}");
        assert_eq!(profile.auth, auth, "{dialect}");
    }
    let named = good("version = 1\n[profile.groq]\n");
    assert_eq!(named.profiles["groq"].dialect, Some(Kind::Groq));
    assert_eq!(
        profile("dialect = \"fireworks\"").auth,
        Auth::Raw,
        "as its own examples send it"
    );
    assert_eq!(
        profile("dialect = \"whisper-cpp\"")
            .paths
            .transcriptions
            .as_deref(),
        Some("/inference")
    );
}

/// The first part of an endpoint is the client, not the dialect: these strings stand in the
/// keys of everything that was ever bought.
#[test]
fn naming_a_dialect_buys_nothing_again() {
    let url = "base_url = \"https://api.groq.com/openai/v1\"\nkey = { env = \"GROQ_API_KEY\" }";

    let before = profile(&format!("kind = \"openai\"\n{url}"));
    let after = profile("dialect = \"groq\"");

    assert_eq!(before.endpoint(), "openai:api.groq.com/openai/v1");
    assert_eq!(after.endpoint(), before.endpoint());
    assert_eq!(before.dialect, Some(Kind::OpenAi));
    for (lines, endpoint) in [
        ("kind = \"together\"", "together:api.together.ai/v1"),
        ("dialect = \"together\"", "together:api.together.ai/v1"),
        ("kind = \"openai\"", "openai:api.openai.com/v1"),
        ("dialect = \"openai\"", "openai:api.openai.com/v1"),
    ] {
        assert_eq!(profile(lines).endpoint(), endpoint);
    }
    assert_eq!(
        profile("kind = \"openai\"").kind,
        EngineKind::Rest(Kind::OpenAi)
    );
}

#[test]
fn a_kind_and_a_dialect_that_disagree_are_refused() {
    for (lines, expected) in [
        (
            "kind = \"together\"\ndialect = \"groq\"",
            "the dialect `groq` is of kind \"openai\"",
        ),
        (
            "kind = \"local\"\ndialect = \"speaches\"",
            "leave `kind` out",
        ),
        ("kind = \"groq\"", "write dialect = \"groq\""),
        ("dialect = \"grok\"", "did you mean `groq`?"),
        ("dialect = \"compatible\"", "has no `base_url`"),
        ("base_url = \"https://x.example\"", "or a dialect such as"),
    ] {
        let message = bad(&format!("version = 1\n[profile.p]\n{lines}\n"));
        assert!(message.contains(expected), "{lines}\n{message}");
        assert_eq!(message.matches("error:").count(), 1, "{lines}\n{message}");
    }
}

/// Each variable goes where its dialect is, and nowhere else.
#[test]
fn the_key_of_a_dialect_goes_to_its_provider_only() {
    for &dialect in Kind::ALL {
        let Some(variable) = dialect.facts().key_variable else {
            continue;
        };
        let key = format!("key = {{ env = \"{variable}\" }}");
        good(&format!(
            "version = 1\n[profile.p]\ndialect = \"{dialect}\"\n{key}\n"
        ));
        let message = bad(&format!(
            "version = 1\n[profile.p]\ndialect = \"{dialect}\"\nbase_url = \"https://evil.example\"\n{key}\n"
        ));
        assert!(message.contains("not its provider"), "{message}");
    }
}

#[test]
fn what_a_dialect_lacks_is_refused_before_anything_is_sent() {
    for (dialect, lines, expected) in [
        (
            "groq",
            "model = \"canopylabs/orpheus-v1-english\"\nformat = \"mp3\"\nencoder = \"built-in\"",
            "nothing built in codes an mp3",
        ),
        (
            "groq",
            "model = \"m\"\ndelivery = \"stream\"",
            "groq has no documented events",
        ),
        (
            "groq",
            "model = \"m\"\ninstructions = \"softly\"",
            "groq has speed and sample_rate",
        ),
        (
            "deepinfra",
            "model = \"m\"\nlanguage = \"en\"",
            "deepinfra has no `language`",
        ),
        (
            "fireworks",
            "model = \"m\"",
            "fireworks transcribes, it does not speak",
        ),
        (
            "kokoro-fastapi",
            "type = \"stt\"\nmodel = \"m\"",
            "speaks, it does not transcribe",
        ),
        (
            "localai",
            "type = \"stt\"\nmodel = \"m\"\ntranslate = \"de\"",
            "translates to \"en\" only",
        ),
        (
            "localai",
            "type = \"stt\"\nmodel = \"m\"\ndiarize = true\nmax_speakers = 2",
            "cannot be told how many",
        ),
        (
            "whisper-cpp",
            "type = \"stt\"\nmodel = \"m\"\ndiarize = true",
            "has no `diarize`",
        ),
    ] {
        let message = bad(&task(dialect, lines));
        assert!(
            message
                .replace('`', "")
                .contains(&expected.replace('`', "")),
            "{lines}\n{message}"
        );
        assert_eq!(message.matches("error:").count(), 1, "{lines}\n{message}");
    }
    good(&task(
        "fireworks",
        "type = \"stt\"\nmodel = \"m\"\ndiarize = true\nmin_speakers = 2",
    ));
}

#[test]
fn the_limits_of_a_dialect_hold_unless_models_says_otherwise() {
    let orpheus = "model = \"canopylabs/orpheus-v1-english\"";
    let chars = |text: &str| match &good(text).tasks[0].work {
        Work::Speech(work) => (work.chunk.max_chars, work.chunk.target_chars),
        Work::Transcription(work) => panic!("{work:?}"),
    };

    assert_eq!(chars(&task("groq", orpheus)), (200, 200));
    assert_eq!(
        chars(&task("compatible", orpheus)),
        (4096, 400),
        "nobody said whose it is"
    );
    let raised = format!(
        "{}[models.\"canopylabs/orpheus-v1-english\"]\nmax_chars = 300\n",
        task("groq", orpheus)
    );
    assert_eq!(chars(&raised), (300, 300));
    let upload = |dialect: &str| match &good(&task(dialect, "type = \"stt\"\nmodel = \"m\"")).tasks
        [0]
    .work
    {
        Work::Transcription(work) => work.limits.max_bytes,
        Work::Speech(work) => panic!("{work:?}"),
    };
    assert_eq!(upload("groq"), 25_000_000);
    assert_eq!(upload("fireworks"), 1_000_000_000);
    assert_eq!(upload("whisper-cpp"), u64::MAX, "as its owner set it");
}

#[test]
fn a_server_of_ones_own_is_free_and_groq_has_its_list() {
    let price = |text: &str| good(text).tasks[0].price;

    assert_eq!(
        price(&task("kokoro-fastapi", "model = \"kokoro\"")),
        Some(Price::Free)
    );
    assert_eq!(price(&task("compatible", "model = \"kokoro\"")), None);
    let turbo = price(&task(
        "groq",
        "type = \"stt\"\nmodel = \"whisper-large-v3-turbo\"",
    ));
    assert!(matches!(turbo, Some(Price::PerAudioMinute(_))), "{turbo:?}");
}

#[test]
fn a_model_that_will_be_refused_or_is_elsewhere_is_warned_of() {
    let warnings = |text: &str| -> String {
        good(text)
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect()
    };

    let strange = warnings(&task("kokoro-fastapi", "model = \"hexgrad/Kokoro-82M\""));
    assert!(strange.contains("refuse the model"), "{strange}");
    let text = task("fireworks", "type = \"stt\"\nmodel = \"whisper-v3-turbo\"")
        .replace("base_url = \"http://127.0.0.1:9/v1\"\n", "");
    let moved = warnings(&text);
    assert!(
        moved.contains("https://audio-turbo.api.fireworks.ai/v1"),
        "{moved}"
    );
    assert_eq!(warnings(&task("kokoro-fastapi", "model = \"kokoro\"")), "");
}

#[test]
fn the_address_from_outside_is_taken_where_the_dialect_has_none() {
    let project = Project::new("version = 1\n[profile.p]\ndialect = \"compatible\"\n")
        .env("VOICESPOOL_BASE_URL", "http://127.0.0.1:7/v1");

    let settings = project.load().unwrap();

    let url = settings.profiles["p"].base_url.as_ref().unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:7/v1");
}
