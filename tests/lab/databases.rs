//! A damaged, foreign, newer or older queue file: refused with words that help and left as
//! it was, or used; never a panic, and never bought again what is on the disk.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use voicespool_mock::MockOptions;

use crate::Options;
use crate::dice::Dice;
use crate::support::{Project, Provider};

const QUEUE: &str = ".voicespool/queue.db";
const LOG: &str = ".voicespool/queue.db-wal";

/// Where SQLite's header keeps the format's number and the application's
/// (<https://www.sqlite.org/fileformat.html#the_database_header>).
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;

/// No command on a queue this small takes longer.
const LONGEST: Duration = Duration::from_mins(1);

/// Breaks the queue file in `count` seeded ways, and in every way that has a name.
pub(crate) fn broken_queues(options: Options) -> String {
    let provider = Provider::start(MockOptions::default());
    let bench = Bench::new(&provider);
    let mut tally = Tally::default();
    bench.named(&mut tally);
    bench.with_logs(&mut tally);
    bench.older(&mut tally);
    let named = tally.refused + tally.worked;

    let count = options.count.unwrap_or(12);
    let mut dice = Dice::new(options.seed);
    for _ in 0..count {
        let (what, bytes) = damaged(&bench.queue, &mut dice);
        bench.replace(&bytes);
        bench.attempt(&what, &mut tally);
    }
    format!(
        "{named} named cases and {count} seeded damages: {} refused with exit 12 and not a byte changed, {} worked, 0 panics, 0 answers bought again",
        tally.refused, tally.worked
    )
}

#[derive(Default)]
struct Tally {
    refused: usize,
    worked: usize,
}

/// A finished project whose queue file is broken again and again.
struct Bench<'a> {
    provider: &'a Provider,
    project: Project,
    queue: Vec<u8>,
    billed: u64,
}

fn config(provider: &Provider) -> String {
    format!(
        "version = 1\n[run]\nworkers = 2\n{}[task.book]\ntype = \"tts\"\nprofile = \"mock\"\ninput = [\"in\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"wav\"\nchunk = {{ target_chars = 60 }}\noutput = \"{{stem}}.{{ext}}\"\n",
        provider.profile()
    )
}

fn book(chapter: usize) -> String {
    let sentence =
        |n| format!("This is sentence number {n} of chapter {chapter}, and it says no more.\n\n");
    (0..8).map(sentence).collect::<Vec<_>>().concat()
}

impl<'a> Bench<'a> {
    fn new(provider: &'a Provider) -> Self {
        let project = Project::new(&config(provider));
        for chapter in 0..6 {
            project.write(&format!("in/{chapter}.txt"), book(chapter));
        }
        project.run(&["run", "--yes"]).exits(0);
        Self {
            provider,
            queue: fs::read(project.path(QUEUE)).unwrap(),
            billed: provider.billed(),
            project,
        }
    }

    /// Puts `bytes` in the queue's place, without any log.
    fn replace(&self, bytes: &[u8]) {
        for name in ["queue.db", "queue.db-wal", "queue.db-shm"] {
            let path = self.project.path(&format!(".voicespool/{name}"));
            if path.exists() {
                fs::remove_file(path).unwrap();
            }
        }
        self.project.write(QUEUE, bytes);
    }

    /// Looks and runs; says whether it was refused.
    fn attempt(&self, what: &str, tally: &mut Tally) -> bool {
        let before = fs::read(self.project.path(QUEUE)).unwrap();
        for args in [&["status"][..], &["report"]] {
            let (code, words) = self.command(args);
            assert!(
                matches!(code, 0 | 2 | 3 | 6 | 12),
                "{what}: {args:?} exits {code}\n{words}"
            );
        }
        let (code, words) = self.command(&["run", "--yes"]);
        match code {
            12 => {
                tally.refused += 1;
                assert!(words.contains("hint: "), "{what}: no way out\n{words}");
                let after = fs::read(self.project.path(QUEUE)).unwrap();
                assert!(before == after, "{what}: refused, and changed\n{words}");
            }
            0 | 3 => tally.worked += 1,
            code => panic!("{what}: exits {code}\n{words}"),
        }
        assert_eq!(
            self.provider.billed(),
            self.billed,
            "{what}: answers were bought again"
        );
        code == 12
    }

    /// Exit code and what was said.
    fn command(&self, args: &[&str]) -> (i32, String) {
        let mut command = self.project.command(args);
        let log = self.project.path("talk.log");
        let file = fs::File::create(&log).unwrap();
        command.stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > LONGEST {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{args:?} did not end within {LONGEST:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let words = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
        assert!(!words.contains("panicked"), "{words}");
        (status.code().unwrap_or(-1), words)
    }

    /// Every kind of file that may be found under the queue's name.
    fn named(&self, tally: &mut Tally) {
        let patched = |at: usize, bytes: &[u8]| {
            let mut file = self.queue.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            file
        };
        let must_be_refused = [
            (
                "a text",
                b"This is no database, but a letter to my aunt.\n".repeat(40),
            ),
            ("a short text", b"no database".to_vec()),
            ("zeros", vec![0; 8192]),
            (
                "a newer format",
                patched(USER_VERSION, &99_u32.to_be_bytes()),
            ),
            (
                "the newest format",
                patched(USER_VERSION, &i32::MAX.to_be_bytes()),
            ),
            ("another application", patched(APPLICATION_ID, b"GPKG")),
            ("no application", patched(APPLICATION_ID, &[0; 4])),
            ("a wrong magic", patched(0, b"SQLite format 4\0")),
            ("a page size of 3", patched(16, &[0, 3])),
            ("half a page", self.queue[..2048].to_vec()),
            ("one byte", self.queue[..1].to_vec()),
            ("the header alone", self.queue[..100].to_vec()),
            ("another program's database", foreign()),
        ];
        for (what, bytes) in must_be_refused {
            self.replace(&bytes);
            assert!(self.attempt(what, tally), "{what} was used");
        }
        // Nothing is lost by an empty file: what was bought is in the object folder.
        for (what, bytes) in [("empty", Vec::new()), ("as it was", self.queue.clone())] {
            self.replace(&bytes);
            assert!(!self.attempt(what, tally), "{what} was refused");
            self.project.run(&["verify", "--deep"]).exits(0);
        }
    }

    /// Logs that belong to nothing, and databases without their log.
    fn with_logs(&self, tally: &mut Tally) {
        self.replace(&self.queue);
        self.project.write(LOG, vec![7; 40_000]);
        assert!(!self.attempt("a log of rubbish", tally));

        self.replace(b"");
        self.project.write(LOG, vec![7; 40_000]);
        assert!(self.attempt("a log without a database", tally));
        assert_eq!(fs::read(self.project.path(LOG)).unwrap().len(), 40_000);

        let (other, log) = killed();
        self.replace(&self.queue);
        self.project.write(LOG, &log);
        // SQLite cannot know whose log it is; whatever it reads, nothing may break.
        self.attempt("the log of another queue", tally);

        self.replace(&other);
        self.attempt("a killed queue without its log", tally);
    }

    /// The first format, as the first release wrote it.
    fn older(&self, tally: &mut Tally) {
        let path = self.project.path("old.db");
        first_format(&path);
        let old = fs::read(&path).unwrap();
        let version = |file: &[u8]| {
            u32::from_be_bytes(file[USER_VERSION..USER_VERSION + 4].try_into().unwrap())
        };
        self.replace(&old);
        assert!(!self.attempt("the first format", tally));
        let backup = self.project.path(".voicespool/queue.db.v1.backup");
        if version(&self.queue) > 1 {
            assert_eq!(
                version(&fs::read(&backup).unwrap()),
                1,
                "the copy is the old one"
            );
            let now = fs::read(self.project.path(QUEUE)).unwrap();
            assert_eq!(
                version(&now),
                version(&self.queue),
                "it was brought up to date"
            );
        } else {
            assert!(!backup.exists(), "nothing was migrated");
        }
    }
}

/// The queue in one of many broken states, and what was done to it.
fn damaged(queue: &[u8], dice: &mut Dice) -> (String, Vec<u8>) {
    let mut bytes = queue.to_vec();
    let page = 4096;
    let pages = bytes.len() / page;
    let what = match dice.below(5) {
        0 => {
            let length = 512 + dice.below(bytes.len() - 512);
            bytes.truncate(length);
            format!("cut to {length} bytes")
        }
        1 => {
            let at = dice.below(pages) * page;
            bytes[at..at + page].fill(0);
            format!("page at {at} is zero")
        }
        2 => {
            let at = dice.below(pages) * page;
            bytes[at..at + page].fill_with(|| dice.next().to_le_bytes()[0]);
            format!("page at {at} is noise")
        }
        3 => {
            let (one, other) = (dice.below(pages) * page, dice.below(pages) * page);
            for idx in 0..page {
                bytes.swap(one + idx, other + idx);
            }
            format!("pages at {one} and {other} are exchanged")
        }
        _ => {
            let count = 1 + dice.below(40);
            let places: Vec<usize> = (0..count).map(|_| dice.below(queue.len())).collect();
            for at in &places {
                bytes[*at] ^= dice.next().to_le_bytes()[0] | 1;
            }
            format!("bytes flipped at {places:?}")
        }
    };
    (what, bytes)
}

/// A queue and its log as `kill -9` leaves them.
fn killed() -> (Vec<u8>, Vec<u8>) {
    let provider = Provider::start(MockOptions {
        latency: Duration::from_millis(300),
        ..MockOptions::default()
    });
    let project = Project::new(&config(&provider));
    project.write("in/other.txt", book(99));
    let mut run = project.start(&["run", "--yes", "--json"]);
    assert!(run.wait_for("job_completed", 2));
    run.kill();
    let read = |name: &str| fs::read(project.path(name)).unwrap();
    (read(QUEUE), read(LOG))
}

fn block<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn foreign() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.sqlite");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    block(async {
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql("CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url TEXT)")
            .execute(&mut conn)
            .await
            .unwrap();
        conn.close().await.unwrap();
    });
    fs::read(path).unwrap()
}

fn first_format(path: &PathBuf) {
    let sql = include_str!("../../migrations/0001_queue.sql");
    let first = Migration::new(
        1,
        "queue".into(),
        MigrationType::Simple,
        sqlx::SqlStr::from_static(sql),
        false,
    );
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    block(async {
        let mut conn = options.connect().await.unwrap();
        Migrator::with_migrations(vec![first])
            .run_direct(None, &mut conn, false)
            .await
            .unwrap();
        conn.close().await.unwrap();
    });
}
