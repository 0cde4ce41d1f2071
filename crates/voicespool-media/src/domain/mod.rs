//! Pure values: the words of the program and the rules that hold for them
//! everywhere. No I/O, no clock, no database, no HTTP; std and serde only.

pub mod book;
pub mod catalogue;
pub mod day;
pub mod delivery;
pub mod fault;
pub mod format;
pub mod ids;
pub mod job;
pub mod key;
pub mod ledger;
pub mod lesson;
pub mod loudness;
pub mod named;
pub mod pcm;
pub mod price;
pub mod program;
pub mod request;
pub mod stretch;
pub mod transcript;
pub mod units;

pub use book::Book;
pub use day::Day;
pub use delivery::{Alignment, Delivery, Segmenting};
pub use fault::{CostStatus, FaultClass};
pub use format::{
    AudioFormat, DocumentFormat, Encoder, FileFormat, Layout, PauseMeasure, PcmEncoding, SoundCheck,
};
pub use ids::{Attempt, GateId, JobId, RunId, SourceId, SpecId};
pub use job::{Boundary, JobKind, JobState, OnMissing, PauseScope, Standing};
pub use key::ContentKey;
pub use ledger::{FileRow, LedgerRow, RefusedRow};
pub use lesson::Lesson;
pub use loudness::{Aim, Loudness, Standard};
pub use named::UnknownWord;
pub use pcm::RawAudio;
pub use price::{ListedPrice, Price};
pub use request::{Speakers, SpeechParams, TranscriptionParams};
pub use stretch::Stretch;
pub use transcript::{Segment, Transcript, Word};
pub use units::{AudioMillis, CharCount, NanoUsd, Quantity, UtcMillis};
