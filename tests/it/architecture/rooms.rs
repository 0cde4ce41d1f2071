//! Rooms: which may import which, and what only one of them may do.

use std::collections::BTreeSet;

use super::source::{Names, load};

/// Rooms, lowest first; siblings share a row and do not know each other.
const LAYERS: &[&[&str]] = &[
    &["domain"],
    &["text", "audio", "subtitle"],
    &["store", "engine"],
    &["pipeline", "report", "mock"],
    &["worker"],
    &["config"],
    &["cli"],
];

fn row(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn imports_point_down() {
    let files = load();
    let names = Names::of(&files);
    let mut seen = BTreeSet::new();
    for file in &files {
        let Some(own) = row(file.room()) else {
            assert!(
                matches!(file.room(), "main" | "lib"),
                "{} belongs to no room",
                file.path
            );
            continue;
        };
        seen.insert(file.room());
        for module in names.imports(file) {
            // What stands at a root is a macro that a package exports.
            let Some(target) = module.first() else {
                continue;
            };
            let down = row(target).is_some_and(|target| target < own);
            assert!(
                down || target == file.room(),
                "{} imports {}",
                file.path,
                module.join("::")
            );
        }
    }
    let known: BTreeSet<&str> = LAYERS.iter().copied().flatten().copied().collect();
    assert_eq!(seen, known, "every room of the list exists and is checked");
}

#[test]
fn what_one_room_may_do_no_other_does() {
    // (what, the rooms or files that may)
    let owners: &[(&str, &[&str])] = &[
        ("sqlx::", &["src/store/"]),
        ("reqwest::", &["src/engine/rest/", "src/engine/fetch.rs"]),
        ("tungstenite::", &["src/engine/rest/"]),
        ("unsafe ", &["src/engine/local/pico.rs"]),
        ("backoff::", &["src/engine/delay.rs"]),
        ("governor::", &["src/engine/limit/"]),
        ("SystemTime::now", &["src/worker/clock.rs"]),
        ("println!", &[]),
    ];
    for file in load() {
        let code: String = file
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for (what, owners) in owners {
            let owned = owners.iter().any(|owner| file.path.starts_with(owner));
            assert!(
                owned || !code.contains(what),
                "{} uses `{what}`, which belongs to {owners:?}",
                file.path
            );
        }
    }
}
