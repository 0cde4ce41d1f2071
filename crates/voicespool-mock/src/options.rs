//! How a look-alike behaves.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::rule::FaultRule;

/// A token bucket over all audio requests; above it the answer is 429.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests per second, above zero.
    pub per_second: f64,
    /// Requests that may come at once, at least one.
    #[serde(default = "one")]
    pub burst: f64,
}

fn one() -> f64 {
    1.0
}

/// Everything [`serve`](crate::serve) needs to know.
#[derive(Debug, Clone)]
pub struct MockOptions {
    /// Port 0 picks a free one.
    pub bind: SocketAddr,
    /// Whose server it looks like; Together's also takes OpenAI's models in OpenAI's way.
    pub dialect: Dialect,
    /// Asked for as `Authorization: Bearer KEY`; `None` lets everybody in.
    pub api_key: Option<String>,
    /// From the whole request to its answer.
    pub latency: Duration,
    /// Decides which requests meet a rule with a probability.
    pub seed: u64,
    pub faults: Vec<FaultRule>,
    /// The share of requests (0 to 1) that meet an answer of the hostile catalogue. The
    /// seed shuffles it, and every answer comes once before any comes again.
    pub chaos: Option<f64>,
    pub rate: Option<Rate>,
    /// Most characters of one input, besides OpenAI's own 4096.
    pub max_chars: usize,
    /// Largest file taken; Together's limit is 80 MB.
    pub max_upload_bytes: usize,
    /// Largest file fetched by URL; Together's limit is 1 GB.
    pub max_fetch_bytes: usize,
    /// Answer every speech request with one WAV of about this many bytes, made
    /// beforehand: for benchmarks of the client. It is valid 24 kHz mono speech, and what
    /// was asked for in `response_format` does not matter. Its duration is
    /// (bytes − 44) / 48,000 seconds, so texts of about 14 characters a second fit it: 32 KB
    /// are 0.68 s, or 10 characters.
    pub fixed_answer_bytes: Option<usize>,
}

impl Default for MockOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            dialect: Dialect::Together,
            api_key: None,
            latency: Duration::ZERO,
            seed: 1,
            faults: Vec::new(),
            chaos: None,
            rate: None,
            max_chars: 20_000,
            max_upload_bytes: 80_000_000,
            max_fetch_bytes: 1_000_000_000,
            fixed_answer_bytes: None,
        }
    }
}
