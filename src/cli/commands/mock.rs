//! `mock`: the loopback provider, in the foreground.

use voicespool_mock::{MockOptions, Rate};

use crate::cli::args::Global;
use crate::cli::args::mock::MockArgs;
use crate::cli::engines::local_engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::worker::Shutdown;

/// Share of the requests that `--chaos` answers with malice.
const CHAOS_SHARE: f64 = 0.1;

pub(crate) async fn run(global: &Global, args: MockArgs) -> anyhow::Result<Exit> {
    if !args.bind.ip().is_loopback() {
        return Err(
            Failure::new(Exit::Usage, format!("{} is no loopback address", args.bind))
                .detail(
                    "the mock answers anybody who can reach it, so it listens on this machine only",
                )
                .into(),
        );
    }
    let faults = match &args.faults {
        None => Vec::new(),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Failure::from_error(Exit::Usage, &error).detail("--faults takes a JSON array of rules")
        })?,
    };
    let engine = local_engine();
    let voice = move |voice: &str, text: &str| {
        engine
            .synthesize(voice, text)
            .map_err(|error| error.to_string())
    };
    let options = MockOptions {
        bind: args.bind,
        dialect: args.dialect,
        api_key: args.require_key,
        latency: args.latency,
        seed: args.seed,
        faults,
        chaos: args.chaos.then_some(CHAOS_SHARE),
        rate: args.rate.map(|per_second| Rate {
            per_second,
            burst: 1.0,
        }),
        fixed_answer_bytes: args.answer_bytes,
        ..MockOptions::default()
    };
    let handle = voicespool_mock::serve(options, voice)
        .await
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    let url = handle.base_url();
    if global.json {
        let bill = format!("http://{}/_mock/bill", handle.addr);
        record::print(&Record::Mock(&record::check::Mock { url, bill }))?;
    } else {
        term::outln(&url)?;
        term::say(&format!(
            "bill: http://{}/_mock/bill    end with Ctrl-C",
            handle.addr
        ));
    }
    let shutdown = Shutdown::default();
    shutdown.listen(|_, _| {})?;
    shutdown.stop.cancelled().await;
    handle.shutdown().await;
    Ok(Exit::Ok)
}
