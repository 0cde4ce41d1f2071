//! The oldest supported compiler is the pinned one, so that each build checks it.

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What stands between the first `before` and the `"` after it.
fn quoted<'a>(text: &'a str, before: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once('"').unwrap().0
}

#[test]
fn the_stated_minimum_is_what_is_built_with() {
    let pinned = read("rust-toolchain.toml");
    let pinned = quoted(&pinned, "channel = \"");
    let stated = env!("CARGO_PKG_RUST_VERSION");
    assert_eq!(pinned.rsplit_once('.').unwrap().0, stated);
    let promised = format!("Rust ({stated} or newer)");
    assert!(read("README.md").contains(&promised), "{promised}");
}
