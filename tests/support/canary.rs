//! The key that may turn up nowhere, and the search for it, and for other secrets, in every sink.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

/// The key every test uses.
pub(crate) const CANARY: &str = "sk-CANARY-7f3a9d21c4b8";

/// A part of the key this long is the key: a masked tail of four is not.
const WINDOW: usize = 10;

/// Panics if `sink` holds the key, ten characters of it, or one of its encodings.
#[track_caller]
pub(crate) fn search(name: &str, sink: &[u8]) {
    find(needles(), name, sink);
}

#[track_caller]
fn find(needles: &AhoCorasick, name: &str, sink: &[u8]) {
    if let Some(found) = needles.find(sink) {
        let from = found.start().saturating_sub(40);
        let to = sink.len().min(found.end() + 40);
        let around = String::from_utf8_lossy(&sink[from..to]);
        panic!("a secret is in {name}: …{around}…");
    }
}

/// Searches every file below `root`, names and links included.
#[track_caller]
pub(crate) fn search_files(root: &Path) {
    walk(root, &[], search);
}

/// Another secret than the key, and where in the project it may stand.
pub(crate) struct Secret {
    needles: AhoCorasick,
    homes: Vec<PathBuf>,
}

impl Secret {
    pub(crate) fn new(text: &str, homes: Vec<PathBuf>) -> Self {
        Self {
            needles: needles_of(text),
            homes,
        }
    }

    /// As [`search`].
    #[track_caller]
    pub(crate) fn search(&self, name: &str, sink: &[u8]) {
        find(&self.needles, name, sink);
    }

    /// As [`search_files`], but for where it may stand.
    #[track_caller]
    pub(crate) fn search_files(&self, root: &Path) {
        walk(root, &self.homes, |name, sink| self.search(name, sink));
    }
}

#[track_caller]
fn walk(root: &Path, homes: &[PathBuf], search: impl Fn(&str, &[u8])) {
    for entry in walkdir::WalkDir::new(root).into_iter().flatten() {
        let path = entry.path();
        search("a file name", path.as_os_str().as_encoded_bytes());
        if homes.iter().any(|home| path.starts_with(home)) {
            continue;
        }
        // A folder made unreadable or a file that went away meanwhile holds nothing to read here.
        if entry.file_type().is_file()
            && let Ok(bytes) = fs::read(path)
        {
            search(&path.display().to_string(), &bytes);
        }
    }
}

/// Searches what `ps` shows of a process and its threads; one that has ended shows nothing.
#[track_caller]
pub(crate) fn search_process(id: u32) {
    let proc = Path::new("/proc").join(id.to_string());
    if let Ok(line) = fs::read(proc.join("cmdline")) {
        search("the process list", &line);
    }
    for task in fs::read_dir(proc.join("task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        if let Ok(name) = fs::read(task.path().join("comm")) {
            search("a thread's name", &name);
        }
    }
}

fn needles() -> &'static AhoCorasick {
    static NEEDLES: OnceLock<AhoCorasick> = OnceLock::new();
    NEEDLES.get_or_init(|| needles_of(CANARY))
}

/// A secret (behind its first three characters) and its ways to hide: parts, hexadecimal, base64 at each of its three offsets,
/// both UTF-16 orders, escapes, and backwards.
fn needles_of(text: &str) -> AhoCorasick {
    let key = text.as_bytes();
    let secret = &text["sk-".len()..];
    let each = |form: &dyn Fn(u8) -> String| -> Vec<u8> {
        secret.bytes().map(form).collect::<String>().into_bytes()
    };
    let numbers: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let mut needles: Vec<Vec<u8>> = vec![
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("\\u{byte:04x}")),
        numbers.join(", ").into(),
        numbers.join(",").into(),
        secret.bytes().flat_map(|byte| [byte, 0]).collect(),
        secret.bytes().flat_map(|byte| [0, byte]).collect(),
        secret.bytes().rev().collect(),
    ];
    needles.extend(key.windows(WINDOW).map(<[u8]>::to_vec));
    for skipped in 0..3 {
        let standard = base64(&key[skipped..]);
        let web = standard.iter().map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        });
        needles.push(web.collect());
        needles.push(standard);
    }
    AhoCorasick::new(needles).unwrap()
}

/// RFC 4648, the groups that are whole: the last one depends on what follows.
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for group in bytes.chunks_exact(3) {
        let bits = group
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        out.extend([18, 12, 6, 0].map(|shift| DIGITS[bits >> shift & 63]));
    }
    out
}
