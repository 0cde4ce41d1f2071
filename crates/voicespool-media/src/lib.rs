//! What voicespool knows of speech itself: units and words, text, audio, subtitles.
//!
//! Nothing here waits, opens a socket or knows the queue. That is why it is a
//! package of its own: it is compiled once, with optimisation also for tests,
//! and the loopback provider shares its units without the product.
//! Rooms import downwards only: `domain` ← `text audio subtitle`.

pub mod audio;
pub mod domain;
pub mod subtitle;
pub mod text;
