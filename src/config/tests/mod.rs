//! The room as its callers see it: files in, settings or a readable list of problems out.

mod deliveries;
mod dialects;
mod errors;
mod example;
mod layers;
mod schema;
mod trust;

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use crate::config::{ConfigError, Env, Overrides, ProjectFile, Settings, Sources, load};

/// A folder with a `jobs.toml`, a user configuration and an environment.
struct Project {
    dir: TempDir,
    env: Vec<(String, String)>,
    overrides: Overrides,
}

impl Project {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("home");
        let env = vec![(
            "XDG_CONFIG_HOME".to_owned(),
            config.to_str().unwrap().to_owned(),
        )];
        write(&dir.path().join("work/jobs.toml"), text.as_bytes());
        Self {
            dir,
            env,
            overrides: Overrides::default(),
        }
    }

    fn user(self, text: &str) -> Self {
        write(
            &self.dir.path().join("home/voicespool/config.toml"),
            text.as_bytes(),
        );
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn sources(&self) -> Sources {
        let env = self.env.clone();
        Sources {
            cwd: self.dir.path().join("work"),
            file: ProjectFile::Nearest,
            env: Env::new(move |name| {
                let found = env.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| OsString::from(value))
            }),
            overrides: self.overrides.clone(),
        }
    }

    fn load(&self) -> Result<Settings, ConfigError> {
        load(&self.sources())
    }

    /// The whole message of a configuration that must not load.
    fn message(&self) -> String {
        match self.load() {
            Ok(_) => panic!("this loads, but should not"),
            Err(error) => error.to_string(),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// Settings of a good file.
fn good(text: &str) -> Settings {
    match Project::new(text).load() {
        Ok(settings) => settings,
        Err(error) => panic!("{error}"),
    }
}

/// The message of a bad file.
fn bad(text: &str) -> String {
    Project::new(text).message()
}

/// A speech task with the built-in voice, and `more` in it.
fn local_task(more: &str) -> String {
    format!(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"local\"\ninput = [\"x.txt\"]\nvoice = \"pico-en-us\"\n{more}\n"
    )
}

/// A speech task at a provider, and `more` in it.
fn remote_task(profile: &str, more: &str) -> String {
    format!(
        "version = 1\n[task.a]\ntype = \"tts\"\nprofile = \"{profile}\"\ninput = [\"x.txt\"]\nmodel = \"m\"\nvoice = \"v\"\n{more}\n"
    )
}

/// A transcription task at Together, and `more` in it.
fn stt_task(more: &str) -> String {
    format!(
        "version = 1\n[task.a]\ntype = \"stt\"\nprofile = \"together\"\ninput = [\"x.mp3\"]\nmodel = \"openai/whisper-large-v3\"\n{more}\n"
    )
}
