//! The layers hold, and stay acyclic, because this test says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// Rooms, lowest first; siblings share a row and do not know each other.
const LAYERS: &[&[&str]] = &[
    &["domain"],
    &["text", "audio", "subtitle"],
    &["store", "engine"],
    &["pipeline", "report"],
    &["worker"],
    &["config"],
    &["cli"],
];

fn row(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// Where rooms lie, in the product and in its members.
const ROOTS: &[&str] = &["src", "crates/voicespool-media/src"];

/// Every file of every room: the room, the path below its root, the text.
fn sources() -> impl Iterator<Item = (String, String, String)> {
    ROOTS.iter().flat_map(|root| {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        WalkDir::new(&src)
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .filter_map(move |entry| {
                let path = entry.path().strip_prefix(&src).unwrap().to_owned();
                let room = path
                    .iter()
                    .next()?
                    .to_str()?
                    .trim_end_matches(".rs")
                    .to_owned();
                (path.extension()? == "rs").then(|| {
                    (
                        room,
                        path.display().to_string(),
                        fs::read_to_string(entry.path()).unwrap(),
                    )
                })
            })
    })
}

/// Rooms named after `crate::` in `source`, also inside a `use crate::{…}` group.
fn imports(source: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut found = BTreeSet::new();
    for import in source.split("crate::").skip(1) {
        match import.strip_prefix('{') {
            None => drop(found.insert(word(import))),
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.insert(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

#[test]
fn imports_point_down() {
    let mut seen = BTreeSet::new();
    for (room, path, source) in sources() {
        let Some(own) = row(&room) else {
            assert!(
                matches!(room.as_str(), "main" | "lib"),
                "{path} belongs to no room"
            );
            continue;
        };
        seen.insert(room.clone());
        for target in imports(&source) {
            // An exported macro stands at the root of its package, wherever it is written.
            let target = if target == "named" {
                "domain".to_owned()
            } else {
                target
            };
            let down = row(&target).is_some_and(|target| target < own);
            assert!(down || target == room, "{path} imports crate::{target}");
        }
    }
    let known: BTreeSet<String> = LAYERS
        .iter()
        .copied()
        .flatten()
        .map(|room| (*room).to_owned())
        .collect();
    assert_eq!(seen, known, "every room of the list exists and is checked");
}

#[test]
fn what_one_room_may_do_no_other_does() {
    // (what, the rooms or files that may)
    let owners: &[(&str, &[&str])] = &[
        ("sqlx::", &["store/"]),
        ("reqwest::", &["engine/rest/"]),
        ("tungstenite::", &["engine/rest/"]),
        ("unsafe ", &["engine/local/pico.rs"]),
        ("backoff::", &["engine/delay.rs"]),
        ("governor::", &["engine/limit/"]),
        ("SystemTime::now", &["worker/clock.rs"]),
        ("println!", &[]),
    ];
    for (_, path, source) in sources() {
        let code: String = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for (what, owners) in owners {
            // Tests may look from outside.
            let owned = path.contains("tests")
                || path.contains("simulation")
                || owners.iter().any(|owner| path.starts_with(owner));
            assert!(
                owned || !code.contains(what),
                "{path} uses `{what}`, which belongs to {owners:?}"
            );
        }
    }
}
