//! The client of hosted and self-hosted speech providers: `together` and `openai`.
//!
//! One call is one request. It follows no redirect, retries nothing, decompresses
//! nothing, and hands the provider's bytes to the caller's writer under a byte cap and
//! three deadlines (connect, idle, total). What went wrong is classified once, in
//! `problem`; the API key is in no error, no `Debug` text and no log.
//!
//! It does not decide whether an answer is good speech: it only refuses what cannot be
//! (an empty body, a web page, a JSON error under status 200). Decoding proves the rest.

mod answer;
mod base_url;
mod client;
mod dialect;
mod endpoint;
mod failure;
mod options;
mod pace;
pub(crate) mod problem;
mod speech;
mod transcription;
mod wire;

#[cfg(test)]
mod tests;

pub use base_url::BaseUrl;
pub use client::RestEngine;
pub use dialect::{Kind, unsupported};
pub use options::{Auth, ByteCap, Deadline, OptionsError, RestOptions};
pub use problem::read_refusal;
