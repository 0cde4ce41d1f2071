//! A project in a temporary folder, and a provider on loopback, for tests of the binary.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use voicespool::engine::local::LocalEngine;
use voicespool::mock::{MockHandle, MockOptions, serve};

/// The key every test uses; it may turn up nowhere but in the header.
pub(crate) const CANARY: &str = "sk-CANARY-7f3a9d21c4b8";

/// A folder with a `jobs.toml`.
pub(crate) struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new(config: &str) -> Self {
        let project = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        project.write("jobs.toml", config);
        project
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
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran(self.command(args).output().unwrap())
    }

    /// Starts the binary with its stdout to be read line by line.
    pub(crate) fn start(&self, args: &[&str]) -> Started {
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Started { child, lines }
    }

    /// Every file below the project whose bytes hold `needle`.
    pub(crate) fn files_with(&self, needle: &str) -> Vec<PathBuf> {
        walkdir::WalkDir::new(self.root())
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .filter(|entry| {
                let bytes = fs::read(entry.path()).unwrap();
                bytes
                    .windows(needle.len())
                    .any(|window| window == needle.as_bytes())
            })
            .map(walkdir::DirEntry::into_path)
            .collect()
    }
}

/// The cache folder all tests share.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// What a finished command answered.
pub(crate) struct Ran(Output);

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Checks the exit code, and shows everything if it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "\n{}\n{}",
            self.stdout(),
            self.stderr()
        );
        assert!(
            !self.stdout().contains(CANARY) && !self.stderr().contains(CANARY),
            "the key was printed"
        );
        self
    }

    /// The lines of stdout as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout()
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

/// A command at work.
pub(crate) struct Started {
    pub(crate) child: Child,
    lines: BufReader<ChildStdout>,
}

impl Started {
    /// Reads JSON lines until `count` of `kind` have come. `false`: it ended before.
    pub(crate) fn wait_for(&mut self, kind: &str, count: usize) -> bool {
        let mut seen = 0;
        let mut line = String::new();
        while seen < count {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            let value: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            seen += usize::from(value["type"] == kind);
        }
        true
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
        self.mock.bill().billed_requests
    }
}
