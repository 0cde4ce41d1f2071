//! The search that follows every command of every test does find what it looks for.

use crate::support::canary::{CANARY, base64, search};

#[test]
fn the_search_finds_the_key_in_every_coding() {
    let header = format!("authorization: Bearer {CANARY}\r\n");
    let forms: [Vec<u8>; 6] = [
        header.clone().into_bytes(),
        base64(header.as_bytes()),
        CANARY
            .bytes()
            .flat_map(|byte| format!("{byte:02x}").into_bytes())
            .collect(),
        CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        CANARY.bytes().rev().collect(),
        CANARY.as_bytes()[5..15].to_vec(),
    ];
    for form in forms {
        let found = std::panic::catch_unwind(|| search("a test", &form));
        assert!(found.is_err(), "missed: {}", String::from_utf8_lossy(&form));
    }
    search(
        "a test",
        format!("key …{}", &CANARY[CANARY.len() - 4..]).as_bytes(),
    );
}
