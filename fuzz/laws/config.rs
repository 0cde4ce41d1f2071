//! `jobs.toml`: settings that can be used, or a message that can be read.

use std::fs;

use voicespool::config::{Env, Overrides, ProjectFile, Sources, load};
use voicespool::pipeline::output::Template;

/// What looks like a key; a message must not repeat it.
const CANARY: &str = "sk-CANARY-7f3a0000";

/// Any file.
pub fn config(data: &[u8]) {
    let folder = tempfile::tempdir().expect("the folder for temporary files takes one");
    let path = folder.path().join("jobs.toml");
    fs::write(&path, data).expect("a small file fits");
    let sources = Sources {
        cwd: folder.path().to_owned(),
        file: ProjectFile::At(path),
        env: Env::new(|_| None),
        overrides: Overrides::default(),
    };
    match load(&sources) {
        Ok(settings) => {
            let places = &settings.places;
            assert!(!places.out.starts_with(&places.state));
            assert!(!settings.retry.base_delay.is_zero());
            assert!(settings.retry.base_delay <= settings.retry.max_delay);
            for task in &settings.tasks {
                let template = Template::parse(&task.output);
                assert!(template.is_ok(), "{}: {template:?}", task.output);
                assert!(settings.profiles.contains_key(&task.profile));
                assert!(!task.input.is_empty());
            }
            for warning in &settings.warnings {
                check_message(&warning.to_string(), data);
            }
            for (key, origin) in settings.origins() {
                assert!(!key.is_empty() && !origin.to_string().is_empty());
            }
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            let message = error.to_string();
            assert!(message.starts_with("error:") || message.starts_with("warning:"));
            assert!(message.ends_with("= nothing was sent"), "{message}");
            check_message(&message, data);
        }
    }
}

/// Nothing steers the terminal, nothing fills it, and no key is repeated.
fn check_message(message: &str, data: &[u8]) {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!message.contains(steers), "{message:?}");
    assert!(message.len() < 100_000, "{} bytes", message.len());
    assert!(
        !message.contains(CANARY) || !stands_alone(&String::from_utf8_lossy(data)),
        "{message}"
    );
}

/// Whether the canary is a word wherever it stands in `text`: as a part of one it is no key.
fn stands_alone(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '\\';
    text.match_indices(CANARY)
        .all(|(at, _)| !text[..at].ends_with(is_word))
}
