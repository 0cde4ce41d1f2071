//! Projects to measure the built program with.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Characters of one chunk: what one second of audio can plausibly say.
pub(crate) const CHARS: usize = 45;

/// A folder with a `jobs.toml` and books of short sentences, one of which is one chunk.
pub(crate) struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new(base_url: &str, workers: usize, books: u64, chunks: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let project = Self { dir };
        project.configure(base_url, workers);
        fs::create_dir(project.root().join("books")).unwrap();
        let mut number = 0;
        for book in 0..books {
            let path = project.root().join(format!("books/book-{book:05}.txt"));
            let mut file = BufWriter::new(fs::File::create(path).unwrap());
            for chunk in 0..chunks {
                let end = if chunk % 8 == 7 { "\n\n" } else { " " };
                write!(file, "The sentence of the number {number:09} is said.{end}").unwrap();
                number += 1;
            }
            file.flush().unwrap();
        }
        project
    }

    /// Another provider for the same books.
    pub(crate) fn configure(&self, base_url: &str, workers: usize) {
        let config = format!(
            "version = 1\n[run]\nworkers = {workers}\n\
             [profile.bench]\nkind = \"together\"\nbase_url = \"{base_url}\"\nkey = \"none\"\nauth = \"none\"\n\
             [models.\"hexgrad/Kokoro-82M\"]\n\
             price = {{ per_1m_chars = \"4.00\", as_of = \"2026-11-01\" }}\n\
             [task.books]\ntype = \"tts\"\nprofile = \"bench\"\ninput = [\"books/*.txt\"]\n\
             model = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\n\
             output = \"{{stem}}.{{ext}}\"\nchunk = {{ target_chars = {CHARS}, min_chars = 10 }}\n"
        );
        fs::write(self.root().join("jobs.toml"), config).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The built program, with nothing of the environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voicespool"));
        command
            .args(args)
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.root())
            .stderr(Stdio::null());
        command
    }

    pub(crate) fn queue_bytes(&self) -> u64 {
        let size = |name| fs::metadata(self.root().join(name)).map_or(0, |file| file.len());
        size(".voicespool/queue.db") + size(".voicespool/queue.db-wal")
    }
}
