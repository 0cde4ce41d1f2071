//! Reading, checking, joining and writing audio.
//!
//! Everything here is synchronous and streams: callers run it off the async threads, and no
//! file ever sits in memory as a whole. Nothing here knows providers, queues or file names.
//!
//! - [`container`]: what a file begins like; [`probe`](mod@probe): how long it is.
//! - [`check`]: whether an answer is speech.
//! - [`join`](mod@join): clips and pauses to one file, proven by reading it back.
//! - [`enclose`](mod@enclose): raw samples get their header, and the times of their words.
//! - [`wav`], [`mp3`], [`adts`], [`ogg`], [`sample`]: the formats read without a decoder;
//!   [`decode`](mod@decode): the rest.
//!
//! - [`measure`](mod@measure): levels and lengths of a finished file; [`requirements`]: who takes such a file.
//! - [`voice`]: where somebody speaks; [`cut`](fn@cut): where what is too long is cut.
//! - [`cover`]: the pictures of books. The encoder of AAC is for [`join`](mod@join) alone.
//!
//! Deliberately not here: an encoder of MP3 (`lame` or `ffmpeg` is one).

mod aac;
pub mod adts;
pub mod check;
pub mod container;
pub mod cover;
mod cut;
pub mod decode;
pub mod enclose;
pub mod join;
mod level;
mod loudness;
pub mod measure;
pub mod mp3;
mod mp4;
pub mod ogg;
pub mod probe;
pub mod requirements;
mod resample;
pub mod sample;
pub mod voice;
pub mod wav;

pub use check::{CheckError, ClipFacts, SpeechCheck, SpokenLength, check_speech};
pub use container::{Container, HEAD_BYTES, sniff};
pub use cover::{Cover, NoCover};
pub use cut::{CutError, OVERLAP, SHORTEST, at_most, cut};
pub use join::{
    Clip, Coder, JoinError, Joined, Level, Mastering, Proof, Span, Tags, VerifyError, join,
    verify_joined,
};
pub use join::{ShrinkError, can_shrink, fitting_rate, longest_in, shrink};
pub use probe::{AudioFacts, Measured, ProbeError, probe};
