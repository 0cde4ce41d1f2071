//! A project in a temporary folder, and a provider on loopback, for tests of the binary.

pub(crate) mod canary;
pub(crate) mod json_doc;
pub(crate) mod recogniser;
pub(crate) mod simulation;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use voicespool::engine::local::LocalEngine;
use voicespool_mock::{MockHandle, MockOptions, serve};

pub(crate) use canary::CANARY;
use canary::Secret;

/// A folder with a `jobs.toml`. When it goes, every file a command left in it has been searched
/// for the key: queue, write-ahead log, reports, answers, outputs, names.
pub(crate) struct Project {
    dir: tempfile::TempDir,
    secret: Option<Arc<Secret>>,
}

impl Drop for Project {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            canary::search_files(self.root());
            if let Some(secret) = &self.secret {
                secret.search_files(self.root());
            }
            return;
        }
        // What went wrong can be looked at. Nobody may be listening.
        self.dir.disable_cleanup(true);
        let kept = format!("kept: {}\n", self.root().display());
        let _ = std::io::Write::write_all(&mut std::io::stderr(), kept.as_bytes());
    }
}

impl Project {
    pub(crate) fn new(config: &str) -> Self {
        let project = Self {
            dir: tempfile::tempdir().unwrap(),
            secret: None,
        };
        project.write("jobs.toml", config);
        project
    }

    /// From here on `text` may turn up nowhere either, but in the files and folders `homes`.
    pub(crate) fn hide(&mut self, text: &str, homes: &[&str]) {
        let homes = homes.iter().map(|home| self.path(home)).collect();
        self.secret = Some(Arc::new(Secret::new(text, homes)));
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative))
            .unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// The binary in this folder, with nothing of the tester's environment but a cache
    /// shared by all tests (the built-in voice is unpacked once).
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voicespool"));
        command
            .args(args)
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root())
            .env("XDG_CACHE_HOME", cache())
            .env("TOGETHER_API_KEY", CANARY)
            // All that can be logged, but for statements (many lines each, and no values in them).
            .env("VOICESPOOL_LOG", "trace,sqlx=off")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        canary::search_process(child.id());
        let ran = Ran(child.wait_with_output().unwrap());
        canary::search("stdout", &ran.0.stdout);
        canary::search("stderr", &ran.0.stderr);
        if let Some(secret) = &self.secret {
            secret.search("stdout", &ran.0.stdout);
            secret.search("stderr", &ran.0.stderr);
        }
        ran
    }

    /// Starts the binary with its stdout to be read line by line.
    pub(crate) fn start(&self, args: &[&str]) -> Started {
        let talk = tempfile::tempfile().unwrap();
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(talk.try_clone().unwrap())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Started {
            child,
            lines,
            talk,
            secret: self.secret.clone(),
        }
    }
}

/// The cache folder all tests share.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// What a finished command answered.
pub(crate) struct Ran(Output);

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self(output)
    }
}

impl Ran {
    /// The exit code; `None` if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    /// What a person would see: without the log lines every command writes here.
    pub(crate) fn stderr(&self) -> String {
        let talk = String::from_utf8(self.0.stderr.clone()).unwrap();
        talk.split_inclusive('\n')
            .filter(|line| !is_logged(line))
            .collect()
    }

    /// Checks the exit code, and shows everything if it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            Some(code),
            "\n{}\n{}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// The lines of stdout as JSON, each as `docs/json.md` says.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout()
            .lines()
            .map(|line| {
                let value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                json_doc::check(&value);
                value
            })
            .collect()
    }
}

/// A line of the log begins with its time and level.
fn is_logged(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let time = words
        .next()
        .is_some_and(|word| word.ends_with('Z') && word.contains('T'));
    time && words
        .next()
        .is_some_and(|word| ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&word))
}

/// A command at work. When it goes, all it wrote has been searched for the key.
pub(crate) struct Started {
    pub(crate) child: Child,
    lines: BufReader<ChildStdout>,
    /// Its stderr: a file, which never fills up as a pipe does.
    talk: File,
    secret: Option<Arc<Secret>>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut talk = Vec::new();
        self.talk.rewind().unwrap();
        self.talk.read_to_end(&mut talk).unwrap();
        canary::search("stderr", &talk);
        if let Some(secret) = &self.secret {
            secret.search("stderr", &talk);
        }
    }
}

impl Started {
    /// Reads JSON lines until `count` of `kind` have come. `false`: it ended before.
    pub(crate) fn wait_for(&mut self, kind: &str, count: usize) -> bool {
        (0..count).all(|_| self.wait_until(|line| line["type"] == kind))
    }

    /// Reads JSON lines until one is as `wanted`. `false`: it ended before.
    pub(crate) fn wait_until(&mut self, wanted: impl Fn(&Value) -> bool) -> bool {
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            canary::search("stdout", line.as_bytes());
            if let Some(secret) = &self.secret {
                secret.search("stdout", line.as_bytes());
            }
            canary::search_process(self.child.id());
            let value: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            json_doc::check(&value);
            if wanted(&value) {
                return true;
            }
        }
    }

    /// `kill -9`, then waits for the kernel to be done with it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Reads what is left and waits for the end.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        while self.lines.read_line(&mut rest).unwrap() > 0 {}
        canary::search("stdout", rest.as_bytes());
        (self.child.wait().unwrap().code(), rest)
    }
}

/// A provider on loopback with the built-in voice.
pub(crate) struct Provider {
    pub(crate) mock: MockHandle,
    _runtime: tokio::runtime::Runtime,
}

impl Provider {
    pub(crate) fn start(options: MockOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let engine = LocalEngine::new(cache().join("voicespool"));
        let voice = move |voice: &str, text: &str| {
            engine
                .synthesize(voice, text)
                .map_err(|error| error.to_string())
        };
        let options = MockOptions {
            api_key: Some(CANARY.into()),
            ..options
        };
        let mock = runtime.block_on(serve(options, voice)).unwrap();
        Self {
            mock,
            _runtime: runtime,
        }
    }

    /// `[profile.mock]` for a `jobs.toml`.
    pub(crate) fn profile(&self) -> String {
        format!(
            "[profile.mock]\nkind = \"together\"\nbase_url = \"{}\"\nkey = {{ env = \"TOGETHER_API_KEY\" }}\n",
            self.mock.base_url()
        )
    }

    /// Speech requests that were billed.
    pub(crate) fn billed(&self) -> u64 {
        self.mock.invoice().billed_requests
    }
}
