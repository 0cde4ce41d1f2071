//! The audio endpoints: what each does with a request between its arrival and its answer.

mod conversation;
mod response;
mod session;
mod socket;
mod speech;
mod transcription;

pub(crate) use socket::socket;
pub(crate) use speech::speech;
pub(crate) use transcription::{transcriptions, translations};
