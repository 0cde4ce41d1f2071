//! The files we hand out: complete, true, and loading.

use std::collections::BTreeSet;

use crate::config::tests::{Project, good};
use crate::config::{Preset, Settings, schema};
use crate::domain::{DocumentFormat, FileFormat, Price};
use crate::pipeline::task::Work;

const EXAMPLE: &str = include_str!("../../../jobs.example.toml");

/// `text` with every setting switched on: `#key` becomes `key`, `# prose` stays.
fn switched_on(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with([' ', '#']) => setting,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The keys a file gives, with the names people chose taken out.
fn keys_of(settings: &Settings) -> BTreeSet<String> {
    let named = ["profile", "models", "task"];
    settings
        .origins()
        .map(|(key, _)| match key.split_once('.') {
            // A model's name may have dots in it, a key of the schema has none.
            Some((section, rest)) if named.contains(&section) => {
                let known = schema().into_iter().map(|known| known.path);
                let prefix = format!("{section}.<NAME>.");
                let mut ends =
                    known.filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned));
                let end = ends.find(|end| {
                    rest.ends_with(&format!(".{end}"))
                        && rest.matches('.').count() > end.matches('.').count()
                });
                format!(
                    "{prefix}{}",
                    end.unwrap_or_else(|| panic!("{key} is not in the schema"))
                )
            }
            _ => key.to_owned(),
        })
        .collect()
}

/// The example with everything on, for somebody who trusts its server.
fn all_on() -> Settings {
    let project = Project::new(&switched_on(EXAMPLE));
    let lexicon = project.dir.path().join("work/names.csv");
    super::write(&lexicon, b"written,said\nIrkutsk,Eer-kootsk\n");
    let project = project.user("[trust]\nhosts = [\"speech.example.com\"]");
    project.load().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_names_every_key_and_loads_with_all_of_them_on() {
    let settings = all_on();

    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let given = keys_of(&settings);
    // Keys and trust are for the user's own file; the example describes both there.
    let of_the_user = |path: &str| path.starts_with("trust.") || path.ends_with(".key.command");
    for key in schema() {
        // `key` itself is the word "none", its parts are its keys.
        assert!(
            given.contains(&key.path) || of_the_user(&key.path),
            "{} is not in jobs.example.toml",
            key.path
        );
    }
    for word in [
        "[trust]",
        "hosts = [",
        "projects = [",
        "key = { command = [",
    ] {
        assert!(EXAMPLE.contains(word), "{word}");
    }
}

#[test]
fn the_example_does_the_sample_book_with_the_built_in_voice_for_nothing() {
    let settings = good(EXAMPLE);

    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let [book, german] = settings.tasks.as_slice() else {
        panic!("{:?}", settings.tasks)
    };
    assert_eq!(
        (book.name.as_str(), german.name.as_str()),
        ("sample_book", "sample_book_de")
    );
    let excluded = book.input.iter().find(|pattern| pattern.exclude).unwrap();
    assert_eq!(excluded.pattern, "samples/book/03-der-letzte-zug.md");
    assert_eq!(german.input[0].pattern, excluded.pattern);
    for (task, voice) in [(book, "pico-en-us"), (german, "pico-de")] {
        assert_eq!(
            (task.price, task.endpoint.as_str()),
            (Some(Price::Free), "local")
        );
        let Work::Speech(speech) = &task.work else {
            panic!("{task:?}")
        };
        assert_eq!(
            (speech.params.voice.as_str(), speech.format),
            (voice, FileFormat::Wav)
        );
        assert_eq!(speech.subtitles, [DocumentFormat::Srt]);
    }
}

/// What is switched off is written with its default, so switching it on changes nothing.
#[test]
fn the_defaults_in_the_example_are_the_defaults() {
    let (off, on) = (good(EXAMPLE), all_on());

    assert_eq!(off.budget, on.budget);
    assert_eq!(off.retry, on.retry);
    assert_eq!(
        (off.run.workers, off.run.drain),
        (on.run.workers, on.run.drain)
    );
    let state = |settings: &Settings| settings.places.state.file_name().map(ToOwned::to_owned);
    assert_eq!(state(&off), state(&on));
    for (one, other) in off.tasks.iter().zip(&on.tasks) {
        let (Work::Speech(one), Work::Speech(other)) = (&one.work, &other.work) else {
            panic!()
        };
        assert_eq!(
            (one.chunk, one.pauses, one.check),
            (other.chunk, other.pauses, other.check)
        );
    }
    let together = |settings: &Settings| {
        let profile = &settings.profiles["together"];
        (
            profile.endpoint(),
            profile.auth,
            profile.timeouts,
            profile.credential_source().clone(),
        )
    };
    assert_eq!(together(&off), together(&on));
}

#[test]
fn the_presets_load_as_they_are_and_with_everything_on() {
    for preset in [
        Preset::Audiobook,
        Preset::Acx,
        Preset::LibriVox,
        Preset::Podcast,
    ] {
        for text in [preset.text().to_owned(), switched_on(preset.text())] {
            let settings = Project::new(&text)
                .load()
                .unwrap_or_else(|error| panic!("{error}"));
            assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
            assert!(settings.budget.max_cost.is_some());
        }
        assert_eq!(good(preset.text()).tasks.len(), 1);
    }
}
