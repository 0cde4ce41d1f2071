//! The command line of `mock`, as clap sees it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use voicespool_mock::Dialect;

#[derive(Debug, Args)]
pub(crate) struct MockArgs {
    /// Address to listen on; loopback only
    #[arg(long, default_value = "127.0.0.1:8791")]
    pub bind: SocketAddr,
    /// Whose routes, answers and refusals: groq, speaches, whisper-cpp, ...
    #[arg(long, value_name = "NAME", default_value_t = Dialect::Together)]
    pub dialect: Dialect,
    /// Answer only requests with this key
    #[arg(long, value_name = "KEY")]
    pub require_key: Option<String>,
    /// Wait before each answer, e.g. 300ms
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    pub latency: Duration,
    /// Requests a second before 429 answers
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// Faults as JSON, as taken by POST /_mock/faults
    #[arg(long, value_name = "JSON")]
    pub faults: Option<String>,
    /// A tenth of the requests meets a hostile answer: cut, late, false, endless, …
    #[arg(long)]
    pub chaos: bool,
    /// Decides which request meets what
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Answer every speech request with this many bytes of valid audio (benchmarks)
    #[arg(long, value_name = "BYTES")]
    pub answer_bytes: Option<usize>,
}
