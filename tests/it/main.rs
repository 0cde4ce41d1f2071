//! Integration tests: the rooms together.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod store;
